/* SPDX-License-Identifier: BSD-3-Clause */
/* The sorted list of entries, and comparing it with what the source has now. */
#include "publisher/catalog.h"

#include <stdlib.h>

#include "base/log.h"
#include "publisher/catalog_impl.h"

/* ---- the list ---- */

size_t c2_catalog_count(const struct c2_catalog *cat)
{
    return cat->n;
}

struct c2_entry *c2_catalog_at(const struct c2_catalog *cat, size_t i)
{
    return cat->entries[i];
}

size_t c2_catalog_lower(const struct c2_catalog *cat, const char *path)
{
    size_t lo = 0, hi = cat->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (strcmp(cat->entries[mid]->path, path) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct c2_entry *c2_catalog_find(const struct c2_catalog *cat, const char *path)
{
    size_t at = c2_catalog_lower(cat, path);

    return at < cat->n && strcmp(cat->entries[at]->path, path) == 0 ? cat->entries[at] : NULL;
}

struct c2_entry *c2_catalog_insert(struct c2_catalog *cat, const char *path, size_t at)
{
    struct c2_entry *entry = calloc(1, sizeof(*entry));

    if (entry) entry->path = c2_str_dup(c2_str_of(path));
    if (entry && entry->path && cat->n == cat->cap) {
        size_t cap = cat->cap ? cat->cap * 2 : 64;
        struct c2_entry **grown = realloc(cat->entries, cap * sizeof(*grown));
        if (grown) {
            cat->entries = grown;
            cat->cap = cap;
        }
    }
    if (!entry || !entry->path || cat->n == cat->cap) {
        if (entry) free(entry->path);
        free(entry);
        return NULL;
    }
    memmove(cat->entries + at + 1, cat->entries + at, (cat->n - at) * sizeof(struct c2_entry *));
    cat->entries[at] = entry;
    cat->n++;
    c2_buf_init(&entry->json, C2_JSON_NBYTES_MAX);
    entry->gone = true; /* until a generation is known */
    return entry;
}

struct c2_entry *c2_catalog_remember(struct c2_catalog *cat, const char *path, const char *announced)
{
    struct c2_entry *entry = c2_catalog_find(cat, path);

    if (!entry) entry = c2_catalog_insert(cat, path, c2_catalog_lower(cat, path));
    if (entry && strlen(announced) < sizeof(entry->announced))
        memcpy(entry->announced, announced, strlen(announced) + 1);
    return entry;
}

void c2_entry_free(struct c2_entry *entry)
{
    c2_buf_fini(&entry->json);
    free(entry->path);
    free(entry);
}

void c2_catalog_drop(struct c2_catalog *cat, struct c2_entry *entry)
{
    size_t at = c2_catalog_lower(cat, entry->path);

    if (!entry->gone || entry->loading || entry->waiters || entry->publishing) return;
    c2_entry_drop_item(cat, entry);
    cat->source->ops->forget(cat->source, entry->path);
    memmove(cat->entries + at, cat->entries + at + 1, (cat->n - at - 1) * sizeof(struct c2_entry *));
    cat->n--;
    c2_entry_free(entry);
}

/* ---- changes ---- */

static void forget_contents(struct c2_catalog *cat, struct c2_entry *entry)
{
    c2_entry_drop_item(cat, entry);
    c2_buf_clear(&entry->json);
    entry->refusal = NULL;
    entry->sketched = entry->failed = false;
    memset(&entry->layout, 0, sizeof(entry->layout));
}

void c2_entry_renew(struct c2_catalog *cat, struct c2_entry *entry, const struct c2_generation *gen)
{
    bool same = !entry->gone && strcmp(entry->gen.validator, gen->validator) == 0 &&
                strcmp(entry->gen.etag, gen->etag) == 0 && entry->gen.unusable == gen->unusable;

    if (same && !gen->undecided && entry->gen.key_digest != gen->key_digest) {
        c2_entry_drop_item(cat, entry); /* the same bytes in another file */
        entry->gen.key_digest = gen->key_digest;
    }
    if (same) return;
    entry->broken_new = entry->broken_new || entry->gen.validator[0] || cat->complete;
    entry->was_broken = false;
    forget_contents(cat, entry);
    entry->gen = *gen;
    entry->gone = false;
    if (gen->unusable) {
        entry->failed = true;
        c2_fail(&entry->err, CAT2_EDATA, "%.160s %s", entry->path, gen->unusable);
    }
    if (cat->changed) cat->changed(cat->changed_ctx, entry);
}

void c2_entry_gone(struct c2_catalog *cat, struct c2_entry *entry)
{
    if (!entry->gone) {
        entry->was_broken = entry->failed;
        forget_contents(cat, entry);
        entry->gone = true;
        entry->listed = false;
        cat->source->ops->forget(cat->source, entry->path);
    }
    if (cat->changed) cat->changed(cat->changed_ctx, entry);
}

/* ---- looking at everything ---- */

struct seen {
    char *path;
    struct c2_generation gen;
};
struct walk_job {
    struct c2_catalog *cat;
    struct c2_source *source;
    struct c2_look *looks;
    struct seen *list;
    size_t n, cap;
    bool ok, ran;
    struct cat2_error err;
};

static bool collect(void *ctx, const char *path, const struct c2_generation *gen, struct cat2_error *err)
{
    struct walk_job *job = ctx;

    if (job->n == job->cap) {
        size_t cap = job->cap ? job->cap * 2 : 256;
        struct seen *grown = realloc(job->list, cap * sizeof(*grown));
        if (!grown) return c2_fail_nomem(err, "list of datasets");
        job->list = grown;
        job->cap = cap;
    }
    job->list[job->n] = (struct seen){c2_str_dup(c2_str_of(path)), *gen};
    if (!job->list[job->n].path) return c2_fail_nomem(err, "list of datasets");
    job->n++;
    atomic_store(&job->cat->nfound, job->n);
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
    job->ok = job->source->ops->walk(job->source, collect, job, &job->err);
    if (job->n) qsort(job->list, job->n, sizeof(*job->list), by_path);
    job->ran = true;
}

/* Both lists are sorted. Entries that only this walk missed (made meanwhile) come again with the next event.
 */
static void merge(struct c2_catalog *cat, struct walk_job *job)
{
    size_t at = 0;

    for (size_t i = 0; i < job->n; i++) {
        if (i && strcmp(job->list[i - 1].path, job->list[i].path) == 0)
            continue; /* a source that says it twice */
        while (at < cat->n && strcmp(cat->entries[at]->path, job->list[i].path) < 0)
            c2_entry_gone(cat, cat->entries[at++]);
        if (at == cat->n || strcmp(cat->entries[at]->path, job->list[i].path) != 0)
            if (!c2_catalog_insert(cat, job->list[i].path, at)) continue;
        bool known = cat->entries[at]->listed;
        cat->entries[at]->listed = true;
        c2_entry_renew(cat, cat->entries[at], &job->list[i].gen);
        cat->entries[at]->gen.remark = job->list[i].gen.remark;
        if (!known && cat->changed) cat->changed(cat->changed_ctx, cat->entries[at]);
        at++;
    }
    while (at < cat->n)
        c2_entry_gone(cat, cat->entries[at++]);
    for (size_t i = cat->n; i-- > 0;)
        if (c2_entry_is_over(cat->entries[i])) c2_catalog_drop(cat, cat->entries[i]);
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

    if (cat->source->ops->hears_all) cat->source->ops->hears_all(cat->source, &why);
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
    for (size_t i = 0; i < job->n; i++)
        free(job->list[i].path);
    free(job->list);
    free(job);
    if (!alive || cat->closed) return;
    listen(cat);
    if (cat->walk_again && !cat->walking) start_walk(cat);
    c2_catalog_fill_anew(cat);
    c2_catalog_hash(cat);
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
    c2_pool_run(cat->pool, walk_work, walk_done, job);
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

/* ---- life ---- */

bool c2_catalog_new(struct c2_loop *loop, struct c2_pool *pool, struct c2_source *source,
                    struct c2_catalog **out, struct cat2_error *err)
{
    struct c2_catalog *cat = calloc(1, sizeof(*cat));

    if (!cat) return c2_fail_nomem(err, "catalog");
    cat->loop = loop;
    cat->pool = pool;
    cat->source = source;
    cat->items_max = 4 * C2_ITEMS_OPEN_MAX;
    cat->items_kept = C2_ITEMS_OPEN_MAX;
    *out = cat;
    return true;
}

void c2_catalog_limit(struct c2_catalog *cat, int items_max, int items_kept)
{
    if (items_max > 0) cat->items_max = (size_t)items_max;
    if (0 < items_kept && items_kept < C2_ITEMS_OPEN_MAX) cat->items_kept = (size_t)items_kept;
}

void c2_catalog_on_change(struct c2_catalog *cat, void (*changed)(void *ctx, struct c2_entry *entry),
                          void *ctx)
{
    cat->changed = changed;
    cat->changed_ctx = ctx;
}

static void destroy(struct c2_catalog *cat)
{
    for (size_t i = 0; i < cat->n; i++) {
        c2_item_unref(cat->entries[i]->item);
        c2_entry_free(cat->entries[i]);
    }
    free(cat->entries);
    free(cat->fill_at);
    c2_catalog_hash_free(cat);
    cat->source->ops->free(cat->source);
    free(cat);
}

bool c2_catalog_job_done(struct c2_catalog *cat)
{
    cat->njobs--;
    if (!cat->closed) return true;
    if (cat->njobs == 0) destroy(cat);
    return false;
}

void c2_catalog_close(struct c2_catalog *cat)
{
    struct cat2_error err;
    struct c2_look *looks = cat->looks, *walk_looks = cat->walk_looks ? *cat->walk_looks : NULL;

    cat->changed = NULL;
    cat->closed = true;
    cat->looks = NULL;
    cat->source->ops->cancel(cat->source);
    c2_catalog_end_line(cat);
    c2_fail(&err, CAT2_ECANCELLED, "shutting down");
    tell_looks(looks, &err);
    if (walk_looks) *cat->walk_looks = NULL;
    tell_looks(walk_looks, &err);
    for (size_t i = 0; i < cat->n; i++)
        c2_entry_wake(cat, cat->entries[i], &err);
    cat->njobs++; /* until all that waits has ended */
    c2_catalog_end_laters(cat);
    if (--cat->njobs == 0) destroy(cat);
}
