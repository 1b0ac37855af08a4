/* SPDX-License-Identifier: BSD-3-Clause */
/* The connections of a server by the addresses they come from, and by what they wait for: whose time is over,
 * and which one gives up its place when all are taken. Pure. */
#ifndef C2_NET_CROWD_H
#define C2_NET_CROWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Times are long for people far away, and short enough that places do not stay taken for nothing. */
#define C2_CROWD_IDLE_MS     30000 /* between requests */
#define C2_CROWD_IDLE_FEW_MS 10000 /* where there are few places */
#define C2_CROWD_HEAD_MS     10000 /* from the first byte of a head to its last */
#define C2_CROWD_BODY_MS     10000 /* a body brings C2_CROWD_BODY_MIN bytes in this time, or its rest */
#define C2_CROWD_BODY_MIN    4096

enum c2_member_state {
    C2_MEMBER_IDLE, /* no request under way */
    C2_MEMBER_HEAD, /* part of a head has come */
    C2_MEMBER_BODY, /* a body is to come */
    C2_MEMBER_BUSY, /* a request is handled or answered: no clock here */
    C2_MEMBER_STATES
};
struct c2_crowd_address;
struct c2_crowd_links {
    struct c2_crowd_member *prev, *next;
};
struct c2_crowd_member {
    struct c2_crowd_links waiting; /* of all in this state, the one that came first in front */
    struct c2_crowd_links yields;  /* of its address: those that may be closed */
    struct c2_crowd_address *address;
    enum c2_member_state state;
    bool served;      /* it has had an answer; to be set by the owner before c2_crowd_set() */
    bool proven;      /* it is in the list of those that have, and wait for another request */
    int64_t since_ms; /* in this state */
};
struct c2_crowd_list {
    struct c2_crowd_member *first, *last;
    size_t n;
};
struct c2_crowd {
    size_t n, max;
    int64_t idle_ms;
    struct c2_crowd_list waiting[C2_MEMBER_STATES];
    struct c2_crowd_address **by_key;   /* a table of chains */
    struct c2_crowd_address **by_count; /* addresses with so many members; 0 to max */
    size_t top;                         /* no address has more */
};

/** For at most max members. false: no memory. */
bool c2_crowd_init(struct c2_crowd *crowd, size_t max);
/** All members have left. */
void c2_crowd_fini(struct c2_crowd *crowd);
/** Add an idle member. Addresses of IPv6 count by their first 64 bits, which one customer has for himself.
 * false: no memory, or it is full. */
bool c2_crowd_join(struct c2_crowd *crowd, struct c2_crowd_member *member, const uint8_t address[16],
                   int64_t now_ms);
void c2_crowd_leave(struct c2_crowd *crowd, struct c2_crowd_member *member);
/** It is in this state from now on. The same state again: its clock starts anew. */
void c2_crowd_set(struct c2_crowd *crowd, struct c2_crowd_member *member, enum c2_member_state state,
                  int64_t now_ms);
/** How many an address has. */
size_t c2_crowd_count(const struct c2_crowd *crowd, const uint8_t address[16]);
/** How many the address of a member has. */
size_t c2_crowd_count_of(const struct c2_crowd_member *member);
/** The member that gives up its place: idle or with a part of a head, of one address; that of `address`, or
 * (NULL) the one with most members that has such. It is the one that waits longest, of those that never had
 * an answer or have a part of a head as long as they are half of all, else of the others: so neither clients
 * that only connect, nor those that only stay, take the place of the other kind. NULL: there is none. */
struct c2_crowd_member *c2_crowd_yielding(struct c2_crowd *crowd, const uint8_t *address);
/** One that is idle since ms or later, the last one first: the one before `after`, or (NULL) the last one.
 * NULL: no more. */
struct c2_crowd_member *c2_crowd_idle_since(const struct c2_crowd *crowd, const struct c2_crowd_member *after,
                                            int64_t ms);
/** One whose time is over; NULL: none. */
struct c2_crowd_member *c2_crowd_late(const struct c2_crowd *crowd, int64_t now_ms);

#endif
