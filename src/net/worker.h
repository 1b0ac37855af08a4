/* SPDX-License-Identifier: BSD-3-Clause */
/* Worker threads for disk, hashing and compression. A job is owned by the worker while it runs. */
#ifndef C2_NET_WORKER_H
#define C2_NET_WORKER_H

#include "net/loop.h"

struct c2_pool;
/** @param nthreads   for small jobs, and as many for all others; 0 = one per core, at least 2.
 *  @param local_new  makes each thread's private object (a c2_codec); may be NULL. */
bool c2_pool_new(struct c2_loop *loop, int nthreads, void *(*local_new)(void), void (*local_free)(void *),
                 struct c2_pool **out, struct cat2_error *err);
/** Finish running jobs, call done() of all queued jobs without work(), join, free. Loop thread. */
void c2_pool_free(struct c2_pool *pool);

/** work(job, local) runs in a worker, then done(job) on the loop. Both must handle failure inside job. Loop
 * thread only. The queue is unbounded here: callers bound their own requests. Where there is no memory for
 * the queue, done(job) is called at once, without work(), as c2_pool_free() does. */
void c2_pool_run(struct c2_pool *pool, void (*work)(void *job, void *local), void (*done)(void *job),
                 void *job);
/* Whose a job is, and what it costs. */
struct c2_pool_share {
    uint64_t client;        /* 0: nobody's */
    int64_t cost;           /* bytes that are decoded, or as many as take the same time */
    bool waits_for_nothing; /* neither for a disk nor for a lock that is held for long */
};
/* Of the jobs of up to so much that wait for nothing, the loop does one at each turn itself, for two changes
 * of threads cost as much as a small one. Others wait for no more than this. */
#define C2_POOL_HERE  (512 << 10)
#define C2_POOL_SMALL (2 << 20) /* about a millisecond; jobs that cost more are large */
/** The same for a client: jobs that cost much wait for those that do not, and clients take turns. */
void c2_pool_run_for(struct c2_pool *pool, const struct c2_pool_share *share,
                     void (*work)(void *job, void *local), void (*done)(void *job), void *job);
/** The same at low priority: runs only when nothing normal waits (eviction, compression of plain files). */
void c2_pool_run_low(struct c2_pool *pool, void (*work)(void *job, void *local), void (*done)(void *job),
                     void *job);
/** Have each worker that is idle call this once. Any thread; waits for nothing. */
void c2_pool_rest(struct c2_pool *pool, void (*rest)(void));
/** What waits now, and what there was. Loop thread. */
struct c2_pool_load {
    int nthreads;
    size_t small, large, low;      /* jobs that wait for a worker */
    uint64_t nsmall, nlarge, nlow; /* that there were since the start */
    uint64_t nhere;                /* that the loop did itself */
};
struct c2_pool_load c2_pool_load(struct c2_pool *pool);

#endif
