/* SPDX-License-Identifier: BSD-3-Clause */
/* Looking at the whole source, and comparing what it has now with the entries. */
#include <stdlib.h>

#include "base/log.h"
#include "publisher/catalog_impl.h"

#define WALK_COST                                                                                            \
    (INT64_C(64) << 20) /* bytes that are decoded in the time of a look at thousands of files                \
                         */

struct seen {
    char *path, *meta; /* meta: NULL where it is not known yet */
    struct c2_generation gen;
};
struct walk_job {
    struct c2_catalog *cat;
    struct c2_source *source;
    struct c2_look *looks;
    struct {
        C2_VEC(struct seen);
    } list;
    bool ok, ran;
    struct cat2_error err;
};

static void seen_fini(struct seen *seen)
{
    free(seen->path);
    free(seen->meta);
}

static bool collect(void *ctx, const char *path, const struct c2_generation *gen, struct cat2_error *err)
{
    struct walk_job *job = ctx;
    struct seen seen = {c2_str_dup(c2_str_of(path)), gen->meta ? c2_str_dup(c2_str_of(gen->meta)) : NULL,
                        *gen};

    seen.gen.meta = NULL;
    bool ok = (seen.path && (seen.meta || !gen->meta)) || c2_fail_nomem(err, "list of datasets");
    if (!ok || !c2_vec_push(&job->list, C2_VEC_NO_MAX, "datasets", err, seen)) {
        seen_fini(&seen);
        return false;
    }
    atomic_store(&job->cat->nfound, job->list.n);
    return true;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct seen *)a)->path, ((const struct seen *)b)->path);
}

static void walk_work(void *ctx, void *local)
{
    struct walk_job *job = ctx;

    (void)local;
    job->ok = c2_source_walk(job->source, collect, job, &job->err);
    if (job->list.n) qsort(job->list.p, job->list.n, sizeof(struct seen), by_path);
    job->ran = true;
}

/* Both lists are sorted. Entries that only this walk missed (made meanwhile) come again with the next event.
 */
static void merge(struct c2_catalog *cat, struct walk_job *job)
{
    size_t at = 0;

    for (size_t i = 0; i < job->list.n; i++) {
        if (i && strcmp(job->list.p[i - 1].path, job->list.p[i].path) == 0)
            continue; /* a source that says it twice */
        while (at < cat->entries.n && strcmp(cat->entries.p[at]->path, job->list.p[i].path) < 0)
            c2_entry_gone(cat, cat->entries.p[at++]);
        if (at == cat->entries.n || strcmp(cat->entries.p[at]->path, job->list.p[i].path) != 0)
            if (!c2_catalog_insert(cat, job->list.p[i].path, at)) continue;
        bool known = cat->entries.p[at]->listed;
        cat->entries.p[at]->listed = true;
        c2_entry_renew(cat, cat->entries.p[at], &job->list.p[i].gen);
        c2_entry_learn(cat, cat->entries.p[at], &job->list.p[i].meta);
        cat->entries.p[at]->gen.remark = job->list.p[i].gen.remark;
        if (!known && cat->changed) cat->changed(cat->changed_ctx, cat->entries.p[at]);
        at++;
    }
    while (at < cat->entries.n)
        c2_entry_gone(cat, cat->entries.p[at++]);
    for (size_t i = cat->entries.n; i-- > 0;)
        if (c2_entry_is_over(cat->entries.p[i])) c2_catalog_drop(cat, cat->entries.p[i]);
}

static void start_walk(struct c2_catalog *cat);

static void tell_looks(struct c2_look *looks, const struct cat2_error *err)
{
    while (looks) {
        struct c2_look *next = looks->next;
        looks->fn(looks->ctx, err);
        free(looks);
        looks = next;
    }
}

/* The walk may have found another directory where the root was: it is watched from now on. */
static void listen(struct c2_catalog *cat)
{
    const char *why;

    c2_source_hears_all(cat->source, &why);
}

static void walk_done(void *ctx)
{
    struct walk_job *job = ctx;
    struct c2_catalog *cat = job->cat;
    bool alive = c2_catalog_job_done(cat);

    if (!job->ran || !alive) job->ok = c2_fail(&job->err, CAT2_ECANCELLED, "shutting down");
    if (alive) {
        cat->walking = false;
        cat->walk_looks = NULL;
        if (job->ok)
            merge(cat, job);
        else
            c2_log_warn("cannot list the datasets: %s", job->err.message);
        cat->complete = cat->complete || job->ok;
    }
    tell_looks(job->looks, job->ok ? NULL : &job->err);
    for (size_t i = 0; i < job->list.n; i++)
        seen_fini(&job->list.p[i]);
    c2_vec_fini(&job->list);
    free(job);
    if (!alive || cat->closed) return;
    listen(cat);
    if (cat->walk_again && !cat->walking) start_walk(cat);
    cat->walked(cat);
}

static void start_walk(struct c2_catalog *cat)
{
    struct walk_job *job = calloc(1, sizeof(*job));
    struct cat2_error err;

    cat->walk_again = false;
    if (!job) {
        struct c2_look *looks = cat->looks;
        cat->looks = NULL;
        c2_fail_nomem(&err, "list of datasets");
        tell_looks(looks, &err);
        return;
    }
    *job = (struct walk_job){.cat = cat, .source = cat->source, .looks = cat->looks};
    cat->looks = NULL;
    cat->walk_looks = &job->looks;
    cat->walking = true;
    cat->njobs++;
    struct c2_pool_share share = {0, WALK_COST};
    c2_pool_run_for(cat->pool, &share, walk_work, walk_done, job);
}

void c2_catalog_rescan(struct c2_catalog *cat, c2_catalog_done *fn, void *ctx)
{
    struct cat2_error err;

    if (fn) {
        struct c2_look *look = cat->closed ? NULL : malloc(sizeof(*look));
        if (!look) {
            c2_fail(&err, cat->closed ? CAT2_ECANCELLED : CAT2_ENOMEM, "cannot look at the datasets now");
            fn(ctx, &err);
            return;
        }
        *look = (struct c2_look){cat->looks, fn, ctx};
        cat->looks = look;
    }
    if (cat->closed) return;
    if (cat->walking)
        cat->walk_again = true;
    else
        start_walk(cat);
}

static void look(void *ctx)
{
    struct c2_catalog *cat = ctx;

    cat->look_timer = NULL;
    c2_catalog_rescan(cat, NULL, NULL);
}

void c2_catalog_look_later(struct c2_catalog *cat, int64_t ms)
{
    if (!cat->look_timer && !cat->closed) cat->look_timer = c2_timer_start(cat->loop, ms, 0, look, cat);
}

bool c2_catalog_is_looking(const struct c2_catalog *cat)
{
    return cat->walking || cat->walk_again || cat->look_timer || cat->deciding;
}

void c2_catalog_end_walk(struct c2_catalog *cat)
{
    struct c2_look *looks = cat->looks, *walk_looks = cat->walk_looks ? *cat->walk_looks : NULL;
    struct cat2_error err;

    c2_timer_stop(cat->look_timer);
    cat->look_timer = NULL;
    cat->looks = NULL;
    if (walk_looks) *cat->walk_looks = NULL;
    c2_fail(&err, CAT2_ECANCELLED, "shutting down");
    tell_looks(looks, &err);
    tell_looks(walk_looks, &err);
}
