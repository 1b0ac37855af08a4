/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads that work on tasks. Small tasks go before large ones, and one thread is always left to them; among
 * either, each client gets a fair share (base/fair.h). What a task is, and what becomes of it when it is
 * done, is its owner's. */
#ifndef C2_BASE_THREADS_H
#define C2_BASE_THREADS_H

#include "base/error.h"
#include "base/fair.h"

/* A struct c2_task is the threads' from c2_threads_put() on until work() is called. */
enum c2_lane {
    C2_LANE_SMALL, /* at once */
    C2_LANE_LOW,   /* when nothing else waits */
    C2_LANE_LARGE  /* when nothing small waits; one is worked on at any time all the same */
};
struct c2_threads_kind {
    void *(*local_new)(void); /* makes each thread's private object (a c2_codec); NULL: they have none */
    void (*local_free)(void *local);
    void (*work)(struct c2_task *task, void *local); /* in a thread */
};
struct c2_threads;
/** @param n     how many; 0: as many as cores, at least 2. At most 64 are started, and fewer when the
 *               system or memory has no more.
 *  @param kind  static.
 *  @errors CAT2_ENOMEM, CAT2_EIO: there is not one thread. */
bool c2_threads_new(int n, const struct c2_threads_kind *kind, struct c2_threads **out,
                    struct cat2_error *err);
/** Any thread. Of several threads one is left to small tasks. */
void c2_threads_put(struct c2_threads *threads, struct c2_task *task, enum c2_lane lane);
/** A task that waits, taken back: the caller may work on it. NULL: none waits. Any thread. */
struct c2_task *c2_threads_take(struct c2_threads *threads);
/** Wait for what is being worked on; tasks that wait stay, for c2_threads_take(). */
void c2_threads_stop(struct c2_threads *threads);
/** Stopped, if it was not. NULL is fine. */
void c2_threads_free(struct c2_threads *threads);
int c2_threads_n(const struct c2_threads *threads);
/** Tasks of a lane that wait. Any thread. */
size_t c2_threads_nwaiting(struct c2_threads *threads, enum c2_lane lane);

#endif
