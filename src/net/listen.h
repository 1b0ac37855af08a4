/* SPDX-License-Identifier: BSD-3-Clause */
/* Listening sockets. */
#ifndef C2_NET_LISTEN_H
#define C2_NET_LISTEN_H

#include "wire/url.h"

/** Bind and listen; *port gets the real port. Returns the descriptor, or -1 with *err that names the address.
 */
int c2_listen(const struct c2_endpoint *at, int *port, struct cat2_error *err);
/** Does this socket listen at a loopback address, which other machines do not reach? */
bool c2_listens_at_loopback(int fd);

#endif
