/* SPDX-License-Identifier: BSD-3-Clause */
/* A fair queue: tasks of several clients, served so that each client gets an equal share of the work, counted
 * in the cost of its tasks (start-time fair queueing). Tasks of one client keep their order.
 *
 * Clients are told apart by a number, of which 256 classes are kept: two clients of one class share a share.
 * So the queue takes no memory of its own. Not locked. */
#ifndef C2_BASE_FAIR_H
#define C2_BASE_FAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The beginning of what is queued; the queue's from c2_fair_push() on until it is popped. */
struct c2_task {
    struct c2_task *next;
    uint64_t client; /* whose; 0: nobody's, which is one client too */
    int64_t cost;    /* >= 0, in any unit */
};
#define C2_FAIR_CLASSES 256 /* of clients; more than that many at work at a time are rare */
struct c2_fair {
    size_t n;                        /* tasks */
    int64_t now;                     /* the start of the task popped last, in cost */
    uint16_t nactive;                /* classes with tasks */
    uint8_t active[C2_FAIR_CLASSES]; /* which, in the order in which they became so */
    struct c2_fair_class {
        struct c2_task *first, *last;
        int64_t start; /* of its next task */
        size_t n;
    } classes[C2_FAIR_CLASSES];
};
/** All zeros is an empty queue. */
void c2_fair_push(struct c2_fair *fair, struct c2_task *task);
/** The task whose turn it is; NULL: there is none. */
struct c2_task *c2_fair_pop(struct c2_fair *fair);
/** The same among clients whose first task may be served now; NULL may: all. */
struct c2_task *c2_fair_pop_if(struct c2_fair *fair, bool (*may)(void *ctx, const struct c2_task *task),
                               void *ctx);
/** Tasks of this client, and of others of its class. */
size_t c2_fair_nof(const struct c2_fair *fair, uint64_t client);
/** Take it out, wherever it is. false: it is not there. */
bool c2_fair_remove(struct c2_fair *fair, struct c2_task *task);

#endif
