/* SPDX-License-Identifier: BSD-3-Clause */
/* The worker pool: two queues, a condition, and the loop to come back to. */
#include "net/worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct task {
    struct task *next;
    struct c2_pool *pool;
    void (*work)(void *job, void *local);
    void (*done)(void *job);
    void *job;
};

struct queue {
    struct task *first, *last;
};

struct c2_pool {
    struct c2_loop *loop;
    void *(*local_new)(void);
    void (*local_free)(void *);
    pthread_mutex_t lock; /* guards the queues, waiting and stopping */
    pthread_cond_t wake;
    struct queue normal, low;
    bool stopping;
    int nthreads, low_running;
    pthread_t threads[64];
    struct queue finished; /* loop side, guarded by lock: tasks whose done() is due */
    bool announced;        /* a drain of `finished` is posted */
};

static void push(struct queue *queue, struct task *task)
{
    task->next = NULL;
    if (queue->last)
        queue->last->next = task;
    else
        queue->first = task;
    queue->last = task;
}

static struct task *pop(struct queue *queue)
{
    struct task *task = queue->first;

    if (!task) return NULL;
    queue->first = task->next;
    if (!queue->first) queue->last = NULL;
    return task;
}

/* Low-priority tasks leave at least one thread to the others. */
static struct task *next_task(struct c2_pool *pool, bool *low)
{
    struct task *task = pop(&pool->normal);

    *low = false;
    if (task || pool->low_running + 1 >= pool->nthreads) return task;
    task = pop(&pool->low);
    *low = task != NULL;
    return task;
}

static void drain_finished(void *ctx)
{
    struct c2_pool *pool = ctx;

    pthread_mutex_lock(&pool->lock);
    struct task *task = pool->finished.first;
    pool->finished = (struct queue){0};
    pool->announced = false;
    pthread_mutex_unlock(&pool->lock);
    while (task) {
        struct task *next = task->next;
        task->done(task->job);
        free(task);
        task = next;
    }
}

static void *thread_main(void *arg)
{
    struct c2_pool *pool = arg;
    void *local = pool->local_new ? pool->local_new() : NULL;
    bool low = false;

    pthread_mutex_lock(&pool->lock);
    for (;;) {
        struct task *task = pool->stopping ? NULL : next_task(pool, &low);
        if (!task && pool->stopping) break;
        if (!task) {
            pthread_cond_wait(&pool->wake, &pool->lock);
            continue;
        }
        pool->low_running += low;
        pthread_mutex_unlock(&pool->lock);
        task->work(task->job, local);
        pthread_mutex_lock(&pool->lock);
        pool->low_running -= low;
        push(&pool->finished, task);
        bool announce = !pool->announced;
        pool->announced = true;
        if (announce) c2_loop_post(pool->loop, drain_finished, pool);
    }
    pthread_mutex_unlock(&pool->lock);
    if (local && pool->local_free) pool->local_free(local);
    return NULL;
}

bool c2_pool_new(struct c2_loop *loop, int nthreads, void *(*local_new)(void), void (*local_free)(void *),
                 struct c2_pool **out, struct cat2_error *err)
{
    struct c2_pool *pool = calloc(1, sizeof(*pool));
    int want = nthreads > 0 ? nthreads : (int)c2_max_i64(2, sysconf(_SC_NPROCESSORS_ONLN));

    if (!pool) return c2_fail_nomem(err, "worker pool");
    want = (int)c2_min_i64(want, (int64_t)C2_ARRAY_LEN(pool->threads));
    pool->loop = loop;
    pool->local_new = local_new;
    pool->local_free = local_free;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pool->nthreads = want;
    int started = 0;
    while (started < want && pthread_create(&pool->threads[started], NULL, thread_main, pool) == 0)
        started++;
    pthread_mutex_lock(&pool->lock);
    pool->nthreads = started;
    pthread_mutex_unlock(&pool->lock);
    *out = pool;
    if (started > 0) return true;
    c2_pool_free(pool);
    return c2_fail(err, CAT2_EIO, "cannot start worker threads");
}

static void run(struct c2_pool *pool, struct queue *queue, struct task task)
{
    struct task *copy = malloc(sizeof(*copy));

    C2_ASSERT(copy); /* a job that is never run would hang its asker */
    *copy = task;
    pthread_mutex_lock(&pool->lock);
    push(queue, copy);
    pthread_mutex_unlock(&pool->lock);
    pthread_cond_signal(&pool->wake);
}

void c2_pool_run(struct c2_pool *pool, void (*work)(void *job, void *local), void (*done)(void *job),
                 void *job)
{
    run(pool, &pool->normal, (struct task){NULL, pool, work, done, job});
}

void c2_pool_run_low(struct c2_pool *pool, void (*work)(void *job, void *local), void (*done)(void *job),
                     void *job)
{
    run(pool, &pool->low, (struct task){NULL, pool, work, done, job});
}

static void finish_all(struct queue *queue)
{
    for (struct task *task = pop(queue); task; task = pop(queue)) {
        task->done(task->job);
        free(task);
    }
}

static void dispose(void *ctx)
{
    struct c2_pool *pool = ctx;

    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->wake);
    free(pool);
}

void c2_pool_free(struct c2_pool *pool)
{
    if (!pool) return;
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_mutex_unlock(&pool->lock);
    pthread_cond_broadcast(&pool->wake);
    for (int i = 0; i < pool->nthreads; i++)
        pthread_join(pool->threads[i], NULL);
    finish_all(&pool->finished);
    finish_all(&pool->normal);
    finish_all(&pool->low);
    /* A posted drain may still be queued, and takes the lock: the pool lives until it has run. */
    c2_loop_post(pool->loop, dispose, pool);
}
