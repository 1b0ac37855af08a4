/* SPDX-License-Identifier: BSD-3-Clause */
/* The worker pool: threads, and the loop to come back to. */
#include "net/worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/threads.h"

struct task {
    struct c2_task task;
    struct c2_pool *pool;
    void (*work)(void *job, void *local);
    void (*done)(void *job);
    void *job;
};

struct c2_pool {
    struct c2_loop *loop;
    struct c2_threads *threads;
    struct c2_threads_kind kind;
    uint64_t njobs[C2_LANES];            /* that there were */
    uint64_t nhere;                      /* and that were done on the loop */
    struct c2_task *quick, **last_quick; /* of this turn of the loop: it does one itself */
    void *local;                         /* for these; NULL: not yet */
    struct c2_loop_call choosing;
    pthread_mutex_t lock;             /* guards all below */
    struct c2_task *finished, **last; /* whose done() is due */
    bool announced;                   /* a drain of `finished` is posted */
    struct c2_loop_call draining, disposing;
};

static void finish(struct c2_task *task)
{
    while (task) {
        struct task *t = (struct task *)task;
        task = task->next;
        t->done(t->job);
        free(t);
    }
}

static void drain_finished(void *ctx)
{
    struct c2_pool *pool = ctx;

    pthread_mutex_lock(&pool->lock);
    struct c2_task *task = pool->finished;
    pool->finished = NULL;
    pool->last = &pool->finished;
    pool->announced = false;
    pthread_mutex_unlock(&pool->lock);
    finish(task);
}

static void work(struct c2_task *task, void *local)
{
    struct task *t = (struct task *)task;
    struct c2_pool *pool = t->pool;

    t->work(t->job, local);
    task->next = NULL;
    pthread_mutex_lock(&pool->lock);
    *pool->last = task;
    pool->last = &task->next;
    if (!pool->announced) c2_loop_post(pool->loop, &pool->draining, drain_finished, pool);
    pool->announced = true;
    pthread_mutex_unlock(&pool->lock);
}

bool c2_pool_new(struct c2_loop *loop, int nthreads, void *(*local_new)(void), void (*local_free)(void *),
                 struct c2_pool **out, struct cat2_error *err)
{
    struct c2_pool *pool = calloc(1, sizeof(*pool));

    if (!pool) return c2_fail_nomem(err, "worker pool");
    if (nthreads <= 0) nthreads = (int)c2_max_i64(2, sysconf(_SC_NPROCESSORS_ONLN));
    pool->loop = loop;
    pool->last = &pool->finished;
    pool->last_quick = &pool->quick;
    pool->kind = (struct c2_threads_kind){local_new, local_free, work};
    if (!c2_threads_new(nthreads, nthreads, &pool->kind, &pool->threads, err)) {
        free(pool);
        return c2_fail_within(err, "workers");
    }
    pthread_mutex_init(&pool->lock, NULL);
    *out = pool;
    return true;
}

/* NULL: done() was called. */
static struct task *copy_of(struct c2_pool *pool, struct task task)
{
    struct task *copy = malloc(sizeof(*copy));

    if (!copy) {
        task.done(task.job);
        return NULL;
    }
    *copy = task;
    copy->pool = pool;
    return copy;
}

static void put(struct c2_pool *pool, struct task *task, enum c2_lane lane)
{
    pool->njobs[lane]++;
    c2_threads_put(pool->threads, &task->task, lane);
}

static void run(struct c2_pool *pool, struct task task, enum c2_lane lane)
{
    struct task *copy = copy_of(pool, task);

    if (copy) put(pool, copy, lane);
}

/* All that came at this turn of the loop has been looked at. One of these jobs is done here, after the others
 * have been given to workers. */
static void choose(void *ctx)
{
    struct c2_pool *pool = ctx;
    struct c2_task *first = pool->quick, *next;

    pool->quick = NULL;
    pool->last_quick = &pool->quick;
    if (!first) return; /* the pool has gone */
    if (!pool->local && pool->kind.local_new) pool->local = pool->kind.local_new();
    bool here = pool->local || !pool->kind.local_new;
    for (struct c2_task *task = here ? first->next : first; task; task = next) {
        next = task->next;
        put(pool, (struct task *)task, C2_LANE_SMALL);
    }
    if (!here) return;
    struct task *mine = (struct task *)first;
    first->next = NULL;
    pool->nhere++;
    mine->work(mine->job, pool->local);
    finish(first);
}

static void run_quick(struct c2_pool *pool, struct task task)
{
    struct task *copy = copy_of(pool, task);

    if (!copy) return;
    if (!pool->quick) c2_loop_post(pool->loop, &pool->choosing, choose, pool);
    copy->task.next = NULL;
    *pool->last_quick = &copy->task;
    pool->last_quick = &copy->task.next;
}

void c2_pool_run(struct c2_pool *pool, void (*work_fn)(void *job, void *local), void (*done)(void *job),
                 void *job)
{
    run(pool, (struct task){.work = work_fn, .done = done, .job = job}, C2_LANE_SMALL);
}

void c2_pool_run_low(struct c2_pool *pool, void (*work_fn)(void *job, void *local), void (*done)(void *job),
                     void *job)
{
    run(pool, (struct task){.work = work_fn, .done = done, .job = job}, C2_LANE_LOW);
}

/* What a job costs besides what it decodes: two threads wake up. In bytes. */
#define JOB_COST 16384

void c2_pool_run_for(struct c2_pool *pool, const struct c2_pool_share *share,
                     void (*work_fn)(void *job, void *local), void (*done)(void *job), void *job)
{
    struct task task = {.task = {.client = share->client, .cost = c2_max_i64(share->cost, JOB_COST)},
                        .work = work_fn,
                        .done = done,
                        .job = job};

    if (share->waits_for_nothing && share->cost <= C2_POOL_HERE)
        run_quick(pool, task);
    else
        run(pool, task, share->cost > C2_POOL_SMALL ? C2_LANE_LARGE : C2_LANE_SMALL);
}

void c2_pool_rest(struct c2_pool *pool, void (*rest)(void))
{
    c2_threads_rest(pool->threads, rest);
}

struct c2_pool_load c2_pool_load(struct c2_pool *pool)
{
    return (struct c2_pool_load){.nthreads = c2_threads_n(pool->threads),
                                 .small = c2_threads_nwaiting(pool->threads, C2_LANE_SMALL),
                                 .large = c2_threads_nwaiting(pool->threads, C2_LANE_LARGE),
                                 .low = c2_threads_nwaiting(pool->threads, C2_LANE_LOW),
                                 .nsmall = pool->njobs[C2_LANE_SMALL],
                                 .nlarge = pool->njobs[C2_LANE_LARGE],
                                 .nlow = pool->njobs[C2_LANE_LOW],
                                 .nhere = pool->nhere};
}

static void dispose(void *ctx)
{
    struct c2_pool *pool = ctx;

    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

void c2_pool_free(struct c2_pool *pool)
{
    struct c2_task *task;

    if (!pool) return;
    c2_threads_stop(pool->threads);
    finish(pool->finished);
    finish(pool->quick);
    pool->quick = NULL; /* and choose() finds none */
    if (pool->local) pool->kind.local_free(pool->local);
    while ((task = c2_threads_take(pool->threads))) {
        task->next = NULL;
        finish(task);
    }
    c2_threads_free(pool->threads);
    /* A posted drain may still be queued, and takes the lock: the pool lives until it has run. */
    pool->finished = NULL;
    pool->last = &pool->finished;
    c2_loop_post(pool->loop, &pool->disposing, dispose, pool);
}
