/* SPDX-License-Identifier: BSD-3-Clause */
/* net/worker.h without threads: a job runs after its host's job_ms, and is done a moment later. net/watch.h:
 * the scene says what changed. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "fake.h"
#include "net/watch.h"
#include "net/worker.h"
#include "world.h"

struct task {
    struct task *next;
    struct c2_pool *pool; /* NULL: the pool is gone */
    void (*work)(void *job, void *local);
    void (*done)(void *job);
    void *job;
    bool low, worked;
};
struct c2_pool {
    struct c2_host *host;
    void *local;
    void (*local_free)(void *);
    struct task *tasks; /* that are not done, in order */
};

bool c2_pool_new(struct c2_loop *loop, int nthreads, void *(*local_new)(void), void (*local_free)(void *),
                 struct c2_pool **out, struct cat2_error *err)
{
    struct c2_pool *pool = calloc(1, sizeof(*pool));

    (void)nthreads;
    if (!pool) return c2_fail_nomem(err, "worker pool");
    pool->host = c2_fake_host_of(loop);
    pool->local = local_new ? local_new() : NULL;
    pool->local_free = local_free;
    *out = pool;
    return true;
}

static void unlink_task(struct task *task)
{
    struct task **at = &task->pool->tasks;

    while (*at != task)
        at = &(*at)->next;
    *at = task->next;
}

static void finish(void *ctx)
{
    struct task *task = ctx;

    if (task->pool) {
        unlink_task(task);
        task->done(task->job);
    }
    free(task);
}

static bool normal_waits(const struct c2_pool *pool)
{
    for (const struct task *task = pool->tasks; task; task = task->next)
        if (!task->low && !task->worked) return true;
    return false;
}

static void work(void *ctx)
{
    struct task *task = ctx;

    if (!task->pool) {
        free(task);
        return;
    }
    struct c2_pool *pool = task->pool;
    if (task->low && normal_waits(pool)) {
        c2_fake_at(pool->host, NULL, c2_fake_now() + 1, work, task);
        return;
    }
    task->worked = true;
    task->work(task->job, pool->local);
    c2_fake_soon(pool->host, finish, task);
}

static void run(struct c2_pool *pool, struct task with)
{
    struct task *task = malloc(sizeof(*task)), **at = &pool->tasks;

    C2_ASSERT(task);
    *task = with;
    while (*at)
        at = &(*at)->next;
    *at = task;
    c2_fake_at(pool->host, NULL, c2_fake_now() + pool->host->job_ms, work, task);
}

void c2_pool_run(struct c2_pool *pool, void (*fn)(void *job, void *local), void (*done)(void *job), void *job)
{
    run(pool, (struct task){.pool = pool, .work = fn, .done = done, .job = job});
}
/* Here every job has a worker of its own: nobody waits for his turn. */
void c2_pool_run_for(struct c2_pool *pool, const struct c2_pool_share *share,
                     void (*fn)(void *job, void *local), void (*done)(void *job), void *job)
{
    (void)share;
    c2_pool_run(pool, fn, done, job);
}
void c2_pool_run_low(struct c2_pool *pool, void (*fn)(void *job, void *local), void (*done)(void *job),
                     void *job)
{
    run(pool, (struct task){.pool = pool, .work = fn, .done = done, .job = job, .low = true});
}

void c2_pool_free(struct c2_pool *pool)
{
    if (!pool) return;
    while (pool->tasks) {
        struct task *task = pool->tasks;
        pool->tasks = task->next;
        task->pool = NULL; /* its event frees it */
        task->done(task->job);
    }
    if (pool->local && pool->local_free) pool->local_free(pool->local);
    free(pool);
}

/* ---- watching ---- */

struct c2_watch {
    struct c2_watch *next;
    struct c2_loop *loop;
    char root[PATH_MAX];
    struct c2_timer *timer;
    c2_watch_fn *changed;
    void *ctx;
};

static struct c2_watch *watches;

bool c2_watch_new(struct c2_loop *loop, const char *dir, c2_watch_fn *changed, void *ctx,
                  struct c2_watch **out, struct cat2_error *err)
{
    struct c2_watch *watch = calloc(1, sizeof(*watch));

    if (!watch) return c2_fail_nomem(err, "watch");
    *watch = (struct c2_watch){.next = watches, .loop = loop, .changed = changed, .ctx = ctx};
    snprintf(watch->root, sizeof(watch->root), "%s", dir);
    watches = watch;
    *out = watch;
    return true;
}

bool c2_watch_flat_new(struct c2_loop *loop, const char *dir, c2_watch_fn *changed, void *ctx,
                       struct c2_watch **out, struct cat2_error *err)
{
    return c2_watch_new(loop, dir, changed, ctx, out, err); /* the scene names what it touches */
}

void c2_watch_hear(struct c2_watch *watch)
{
    (void)watch; /* a scene tells of what it touches when it does */
}

bool c2_watch_is_complete(const struct c2_watch *watch, const char **why)
{
    (void)watch;
    (void)why;
    return true;
}

void c2_watch_free(struct c2_watch *watch)
{
    struct c2_watch **at = &watches;

    if (!watch) return;
    while (*at != watch)
        at = &(*at)->next;
    *at = watch->next;
    c2_timer_stop(watch->timer);
    free(watch);
}

static void on_quiet(void *ctx)
{
    struct c2_watch *watch = ctx;

    watch->timer = NULL;
    watch->changed(watch->ctx, NULL);
}

void c2_fake_touch(const char *dir)
{
    for (struct c2_watch *watch = watches; watch; watch = watch->next) {
        if (strcmp(watch->root, dir) != 0) continue;
        c2_timer_stop(watch->timer);
        watch->timer = c2_timer_start(watch->loop, 50, 0, on_quiet, watch);
    }
}
