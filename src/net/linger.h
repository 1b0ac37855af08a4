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
/** Close those whose time is over; from time to time. */
void c2_linger_tick(struct c2_lingerers *all);
/** Close all. */
void c2_linger_end(struct c2_lingerers *all);

#endif
