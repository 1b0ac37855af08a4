/* SPDX-License-Identifier: BSD-3-Clause */
/* The crowds of a server's fronts together: an address has so many connections in all of them, and so many
 * there are. A member is in the crowd of its front, and only that front closes it. Any thread. */
#ifndef C2_NET_CROWDS_H
#define C2_NET_CROWDS_H

#include <pthread.h>

#include "net/crowd.h"

struct c2_crowds {
    pthread_mutex_t lock; /* guards each crowd; not taken where there is one only */
    struct c2_crowd **all;
    int n, room;
    size_t max; /* members of all */
};

/** For n crowds. false: no memory. */
bool c2_crowds_init(struct c2_crowds *crowds, int n);
void c2_crowds_fini(struct c2_crowds *crowds);
/** A new crowd; all have the same maximum, which is that of all together. false: no memory. */
bool c2_crowds_add(struct c2_crowds *crowds, struct c2_crowd *crowd, size_t max);
/** Its members have left. */
void c2_crowds_remove(struct c2_crowds *crowds, struct c2_crowd *crowd);
/** How many members there are. */
size_t c2_crowds_n(const struct c2_crowds *crowds);
/** How many an address has. */
size_t c2_crowds_count(const struct c2_crowds *crowds, const uint8_t address[16]);

/* For what belongs together. Not held while a function of this file is called that does not say so. */
void c2_crowds_lock(const struct c2_crowds *crowds);
void c2_crowds_unlock(const struct c2_crowds *crowds);
/** The crowd whose yielding member (of `address`; NULL: of any) gives up its place: of the largest crowd, and
 * of those that have had an answer only where no crowd has another. NULL: there is none, or it has not been
 * so since before_ms. The lock is held. */
struct c2_crowd *c2_crowds_whose(const struct c2_crowds *crowds, const uint8_t *address, int64_t before_ms);

/* As the functions of crowd.h. */
bool c2_crowds_join(struct c2_crowds *crowds, struct c2_crowd *crowd, struct c2_crowd_member *member,
                    const uint8_t address[16], int64_t now_ms);
void c2_crowds_leave(struct c2_crowds *crowds, struct c2_crowd *crowd, struct c2_crowd_member *member);
void c2_crowds_set(struct c2_crowds *crowds, struct c2_crowd *crowd, struct c2_crowd_member *member,
                   enum c2_member_state state, int64_t now_ms);
struct c2_crowd_member *c2_crowds_yielding(struct c2_crowds *crowds, struct c2_crowd *crowd,
                                           const uint8_t *address);
struct c2_crowd_member *c2_crowds_late(struct c2_crowds *crowds, const struct c2_crowd *crowd,
                                       int64_t now_ms);

#endif
