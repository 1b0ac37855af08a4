/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections to link-local addresses, where machines in clouds are told their secrets. */
#ifndef C2_HTTP_LINK_LOCAL_H
#define C2_HTTP_LINK_LOCAL_H

#include <curl/curl.h>
#include <stdbool.h>
#include <sys/socket.h>

/** Is it 169.254.0.0/16 or fe80::/10, or the former within an IPv6 address? */
bool c2_is_link_local(const struct sockaddr *address);
/** Of a host as it is written: is it such an address, and no name? */
bool c2_is_link_local_text(const char *host);
/** No connection of this handle is made to one. */
void c2_refuse_link_local(CURL *curl);

#endif
