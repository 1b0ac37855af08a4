/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections to link-local addresses, where machines in clouds are told their secrets. */
#ifndef C2_HTTP_LINK_LOCAL_H
#define C2_HTTP_LINK_LOCAL_H

#include <curl/curl.h>
#include <stdbool.h>

/** A host as it is written: is it an address of 169.254.0.0/16 or fe80::/10, or the former within an IPv6
 * address? */
bool c2_is_link_local_text(const char *host);
/** As CURLOPT_OPENSOCKETFUNCTION: no connection is made to one. */
curl_socket_t c2_open_socket_elsewhere(void *ctx, curlsocktype purpose, struct curl_sockaddr *to);

#endif
