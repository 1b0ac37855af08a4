/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads that work on tasks: some on small ones, others, to which the system gives the processor after
 * those, on large ones. Among either, each client gets a fair share (base/fair.h). What a task is, and what
 * becomes of it when it is done, is its owner's. */
#ifndef C2_BASE_THREADS_H
#define C2_BASE_THREADS_H

#include "base/error.h"
#include "base/fair.h"

/* A struct c2_task is the threads' from c2_threads_put() on until work() is called. */
enum c2_lane {
    C2_LANE_SMALL, /* at once */
    C2_LANE_LARGE, /* by threads of their own */
    C2_LANE_LOW,   /* by these, when nothing large waits */
    C2_LANES
};
struct c2_threads_kind {
    void *(*local_new)(void); /* makes each thread's private object (a c2_codec); NULL: they have none */
    void (*local_free)(void *local);
    void (*work)(struct c2_task *task, void *local); /* in a thread */
};
struct c2_threads;
/** @param nsmall  how many for small tasks; 0: as many as cores, at least 2. At most 64 are started, and
 *                 fewer when the system or memory has no more.
 *  @param nlarge  how many for all others. 0, or when there is not one of them: those for small ones do all,
 *                 lane after lane.
 *  @param kind    static.
 *  @errors CAT2_ENOMEM, CAT2_EIO: there is not one thread for small tasks. */
bool c2_threads_new(int nsmall, int nlarge, const struct c2_threads_kind *kind, struct c2_threads **out,
                    struct cat2_error *err);
/** Any thread. */
void c2_threads_put(struct c2_threads *threads, struct c2_task *task, enum c2_lane lane);
/** A task that waits, taken back: the caller may work on it. NULL: none waits. Any thread. */
struct c2_task *c2_threads_take(struct c2_threads *threads);
/** Cancel what is being worked on (base/cancel.h) and wait for it; tasks that wait stay, for
 * c2_threads_take(). */
void c2_threads_stop(struct c2_threads *threads);
/** Stopped, if it was not. NULL is fine. */
void c2_threads_free(struct c2_threads *threads);
int c2_threads_n(const struct c2_threads *threads);
/** Have each thread that is idle call this once: what it holds for itself can be given back by it alone. Any
 * thread; waits for nothing. */
void c2_threads_rest(struct c2_threads *threads, void (*rest)(void));
/** Tasks of a lane that wait. Any thread. */
size_t c2_threads_nwaiting(struct c2_threads *threads, enum c2_lane lane);

#endif
