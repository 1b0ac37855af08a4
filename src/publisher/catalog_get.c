/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests: the present generation of a path, and what is needed of it. */
#include <stdlib.h>

#include "publisher/catalog_impl.h"

#define DECIDE_MS 8000 /* how long a request waits for contents to be hashed */

struct get_job {
    struct c2_catalog *cat;
    struct c2_source *source;
    char *path;
    struct c2_waiter *waiter;
    int64_t until; /* undecided for longer: given up */
    bool ran, ok;
    struct c2_generation gen;
    struct cat2_error err;
};

static void get_work(void *ctx, void *local)
{
    struct get_job *job = ctx;

    (void)local;
    job->ok = c2_source_stat(job->source, job->path, &job->gen, &job->err);
    job->ran = true;
}

static void get_fail(struct get_job *job, const struct cat2_error *err)
{
    job->waiter->fn(job->waiter->ctx, NULL, err);
    free(job->waiter);
}

static void get_found(struct c2_catalog *cat, struct get_job *job)
{
    struct c2_entry *entry = c2_catalog_find(cat, job->path);
    bool passes = !entry;

    if (!entry) entry = c2_catalog_insert(cat, job->path, c2_catalog_lower(cat, job->path));
    if (!entry) {
        c2_fail_nomem(&job->err, "dataset");
        get_fail(job, &job->err);
        return;
    }
    if (passes) c2_entry_passes(cat, entry);
    c2_entry_renew(cat, entry, &job->gen);
    if (entry->failed) {
        get_fail(job, c2_entry_why(entry));
        return;
    }
    job->waiter->next = entry->waiters;
    entry->waiters = job->waiter;
    c2_entry_wake(cat, entry, NULL);
    if (entry->waiters && !entry->loading)
        c2_entry_load(cat, entry, entry->waiters->need == C2_NEED_SKETCH, NULL);
}

static void get_done(void *ctx);

static void get_again(void *ctx)
{
    struct get_job *job = ctx;

    job->ran = job->ok = false;
    if (job->cat->closed)
        get_done(job);
    else
        c2_pool_run(job->cat->pool, get_work, get_done, job);
}

/* Undecided: until its contents are known there is no answer. */
static bool wait_for_decision(struct get_job *job)
{
    struct c2_catalog *cat = job->cat;
    int64_t now = c2_loop_now_ms(cat->loop);
    bool busy = job->ok ? job->gen.undecided : c2_is_busy(&job->err);

    if (cat->closed || !job->ran || !busy) return false;
    c2_catalog_hash(cat);
    if (!job->until) job->until = now + DECIDE_MS;
    if (now < job->until && c2_catalog_later(cat, C2_BUSY_MS, get_again, job)) return true;
    if (job->ok) job->ok = c2_fail_busy(&job->err, job->path);
    return false;
}

static void get_done(void *ctx)
{
    struct get_job *job = ctx;
    struct c2_catalog *cat = job->cat;

    if (wait_for_decision(job)) return;
    if (!c2_catalog_job_done(cat) || !job->ran) {
        c2_fail(&job->err, CAT2_ECANCELLED, "shutting down");
        get_fail(job, &job->err);
    } else if (!job->ok) {
        struct c2_entry *entry = c2_catalog_find(cat, job->path);
        if (entry && !entry->gone && job->err.code == CAT2_ENOTFOUND) c2_entry_gone(cat, entry);
        if (job->err.code == CAT2_ENOTFOUND)
            c2_fail(&job->err, CAT2_ENOTFOUND, "%.190s: there is no such dataset", job->path);
        get_fail(job, &job->err);
    } else {
        get_found(cat, job);
    }
    free(job->path);
    free(job);
}

void c2_catalog_get(struct c2_catalog *cat, const char *path, enum c2_catalog_need need, c2_catalog_got *fn,
                    void *ctx)
{
    struct get_job *job = calloc(1, sizeof(*job));
    struct c2_waiter *waiter = malloc(sizeof(*waiter));
    char *copy = c2_str_dup(c2_str_of(path));

    if (!job || !waiter || !copy || cat->closed) {
        struct cat2_error err;
        free(job);
        free(waiter);
        free(copy);
        c2_fail(&err, cat->closed ? CAT2_ECANCELLED : CAT2_ENOMEM, "cannot look at the dataset now");
        fn(ctx, NULL, &err);
        return;
    }
    *waiter = (struct c2_waiter){NULL, need, fn, ctx};
    *job = (struct get_job){.cat = cat, .source = cat->source, .path = copy, .waiter = waiter};
    cat->njobs++;
    c2_pool_run(cat->pool, get_work, get_done, job);
}
