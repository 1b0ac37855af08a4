/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections that were answered before all they sent was read. If they were closed at once, the kernel would
 * answer what is still to come with a reset, and the client might lose the answer. Loop thread only. */
#ifndef C2_NET_LINGER_H
#define C2_NET_LINGER_H

#include "net/loop.h"

struct c2_lingerer;
struct c2_lingerers {
    struct c2_loop *loop;
    struct c2_lingerer *first;
    size_t n;
};
/** Read what comes for a while and forget it. fd stays the caller's, who closes it. Where too many linger, or
 * there is no descriptor, nothing happens. */
void c2_linger(struct c2_lingerers *all, int fd);
/** Say to a connection that its address has too many, n, and close it. A client of TLS, which has not shaken
 * hands, is sent the alert "internal error": there is none that says more. */
void c2_turn_away(struct c2_lingerers *all, int fd, bool tls, size_t n);
/** Close those whose time is over; from time to time. */
void c2_linger_tick(struct c2_lingerers *all);
/** Close all. */
void c2_linger_end(struct c2_lingerers *all);

#endif
