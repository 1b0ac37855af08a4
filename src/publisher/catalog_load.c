/* SPDX-License-Identifier: BSD-3-Clause */
/* Entries come to know their metadata: on demand, once for all who wait, and in the background. */
#include <stdlib.h>

#include "base/list.h"
#include "publisher/catalog_impl.h"

#define LINE_TICK_MS 10   /* readers leave without a word: those in line look again */
#define LINE_MS      4000 /* less than clients and subscribers wait for an answer */
#define BUSY_TRIES   60
#define BUSY_LOOK_MS 160 /* with the settling of events: a little more than a file must rest */

struct load_job {
    struct c2_catalog *cat;
    struct c2_source *source;
    struct c2_entry *entry; /* pinned by entry->loading; valid only while the catalog is open */
    char *path;
    bool sketch, refused;
    c2_loaded *then;       /* of the background; NULL: somebody waits for it */
    int tries;             /* while it was being written */
    struct load_job *next; /* in line */
    int64_t since_ms;
    /* results */
    bool ran, ok, sketched;
    struct c2_item *item;
    struct c2_generation gen;
    struct c2_frame_layout *layout; /* NULL: it is no contiguous frame */
    const char *refusal;
    bool imported;
    struct c2_cparams_rest cparams;
    struct c2_buf json;
    struct cat2_error err;
};

/* ---- in the worker ---- */

static bool to_json(struct load_job *job, const struct c2_meta *meta)
{
    struct c2_jw w;

    job->cparams = c2_cparams_rest_of(&meta->cparams);
    c2_jw_init(&w, &job->json, C2_JSON_COMPACT, &job->err);
    return c2_meta_to_json(meta, false, job->gen.mtime_ms, &w) && c2_jw_finish(&w);
}

static bool load_sketch(struct load_job *job)
{
    C2_AUTO(c2_meta) meta = {0};

    job->sketched = true;
    return c2_source_stat(job->source, job->path, &job->gen, &job->err) &&
           c2_source_sketch(job->source, job->path, &meta, &job->err) && to_json(job, &meta);
}

/* Not what has the attributes of a group. */
static bool is_imported(const struct c2_item *item, struct c2_str path)
{
    struct c2_bytes described;

    return item->frame && c2_frame_metalayer(item->frame, C2_FRAME_OF_HDF5, &described) &&
           !c2_is_group_attrs(path);
}

static bool keep_layout(struct load_job *job)
{
    free(job->layout);
    job->layout = malloc(sizeof(*job->layout));
    if (!job->layout) return c2_fail_nomem(&job->err, "dataset");
    *job->layout = *c2_frame_layout(job->item->frame);
    return true;
}

static void load_work(void *ctx, void *local)
{
    struct load_job *job = ctx;

    job->ran = true;
    if (job->refused) return;
    if (job->sketch && c2_source_is_slow(job->source, job->path)) {
        job->ok = load_sketch(job);
        return;
    }
    if (!c2_source_open(job->source, job->path, local, &job->item, &job->err)) {
        if (job->err.code == CAT2_ECHANGED) c2_fail_busy(&job->err, job->path);
        return;
    }
    c2_item_count(job->item);
    job->gen = job->item->gen;
    job->imported = is_imported(job->item, c2_str_of(job->path));
    if (job->item->frame && !keep_layout(job)) return;
    job->refusal = job->item->refusal;
    job->ok = to_json(job, job->item->meta);
}

/* ---- on the loop ---- */

/* Failures that say something of the dataset, not of the moment. */
static bool is_lasting(enum cat2_code code)
{
    return code == CAT2_EDATA || code == CAT2_EUNSUPPORTED || code == CAT2_EINVAL || code == CAT2_ELIMIT;
}

static void take_failure(struct c2_catalog *cat, struct c2_entry *entry, const struct cat2_error *err)
{
    if (is_lasting(err->code) && !entry->gone) {
        c2_entry_fail(entry, err);
        if (cat->changed) cat->changed(cat->changed_ctx, entry);
    }
    c2_entry_wake(cat, entry, err);
}

/* Removed while it was being loaded: what was read is of the past. Should it be there again, the walk will
 * tell. */
static void take_nothing(struct c2_catalog *cat, struct c2_entry *entry)
{
    struct cat2_error err;

    c2_fail(&err, CAT2_ENOTFOUND, "%.160s has just been removed", entry->path);
    c2_entry_wake(cat, entry, &err);
    c2_catalog_rescan(cat, NULL, NULL);
}

static void take_result(struct c2_catalog *cat, struct c2_entry *entry, struct load_job *job)
{
    struct c2_shared *json = c2_shared_new(c2_buf_str(&job->json));

    if (!json) {
        c2_fail_nomem(&job->err, "metadata");
        take_failure(cat, entry, &job->err);
        return;
    }
    c2_entry_renew(cat, entry, &job->gen);
    c2_shared_unref(entry->json);
    entry->json = json;
    entry->refusal = job->refusal;
    entry->imported = job->imported;
    entry->cparams = job->cparams;
    entry->sketched = job->sketched;
    entry->failed = false;
    free(entry->layout);
    entry->layout = job->layout;
    job->layout = NULL;
    if (job->item && (!job->then || entry->waiters)) {
        c2_entry_keep_item(cat, entry, job->item);
        job->item = NULL;
    }
    if (cat->changed) cat->changed(cat->changed_ctx, entry);
    c2_entry_wake(cat, entry, NULL);
    if (entry->waiters && !entry->loading) c2_entry_load(cat, entry, false, NULL);
}

static void load_done(void *ctx);
static void submit(struct c2_catalog *cat, struct load_job *job);

static void load_again(void *ctx)
{
    struct load_job *job = ctx;

    job->ran = job->ok = false;
    if (!job->cat->closed) {
        submit(job->cat, job);
        return;
    }
    job->cat->nloading++;
    load_done(job);
}

/* Being written just now: who asked for it waits, the background comes back later. */
static bool try_again(struct load_job *job)
{
    struct c2_catalog *cat = job->cat;

    if (cat->closed || !job->ran || job->ok || !c2_is_busy(&job->err)) return false;
    if (!job->entry->waiters || ++job->tries > BUSY_TRIES) {
        c2_catalog_look_later(cat, BUSY_LOOK_MS);
        return false;
    }
    c2_buf_clear(&job->json);
    job->next = NULL;
    return c2_catalog_later(cat, C2_BUSY_MS, load_again, job);
}

static void load_done(void *ctx)
{
    struct load_job *job = ctx;
    struct c2_catalog *cat = job->cat;

    cat->nloading--;
    if (try_again(job)) return;
    if (c2_catalog_job_done(cat)) {
        struct c2_entry *entry = job->entry;
        entry->loading = false;
        if (!job->ran) job->ok = c2_fail(&job->err, CAT2_ECANCELLED, "shutting down");
        if (!job->ok)
            take_failure(cat, entry, &job->err);
        else if (entry->gone)
            take_nothing(cat, entry);
        else
            take_result(cat, entry, job);
        if (c2_entry_is_over(entry)) c2_catalog_drop(cat, entry); /* the walk could not, while it loaded */
        if (job->then) job->then(cat, job->sketch, job->ok);
    }
    c2_item_unref(job->item);
    c2_buf_fini(&job->json);
    free(job->layout);
    free(job->path);
    free(job);
}

/* ---- no more datasets open at a time than there are descriptors for ---- */

static void run(struct c2_catalog *cat, struct load_job *job)
{
    bool low = job->then && (!job->sketch || !cat->filling[1]);

    cat->nloading++;
    (low ? c2_pool_run_low : c2_pool_run)(cat->pool, load_work, load_done, job);
}

/* Those kept for a next request make room for this one. */
static bool has_room(struct c2_catalog *cat)
{
    while (c2_items_open() + cat->nloading >= cat->items_max) {
        struct c2_entry *oldest = NULL;
        for (size_t i = 0; i < C2_ITEMS_OPEN_MAX; i++)
            if (cat->open[i] && (!oldest || cat->open[i]->used < oldest->used)) oldest = cat->open[i];
        if (!oldest) return false;
        c2_entry_drop_item(cat, oldest);
    }
    return true;
}

static void leave_line(struct c2_catalog *cat)
{
    struct load_job *job = cat->line;

    cat->line = job->next;
    run(cat, job);
}

static void on_line_tick(void *ctx)
{
    struct c2_catalog *cat = ctx;
    int64_t now = c2_loop_now_ms(cat->loop);

    while (cat->line && has_room(cat))
        leave_line(cat);
    while (cat->line && now - cat->line->since_ms > LINE_MS) {
        cat->line->refused = true;
        c2_fail(&cat->line->err, CAT2_ENOMEM,
                "%zu datasets are being read at once, as many as there are file descriptors for",
                cat->items_max);
        leave_line(cat);
    }
    if (cat->line) return;
    c2_timer_stop(cat->line_timer);
    cat->line_timer = NULL;
}

void c2_catalog_end_line(struct c2_catalog *cat)
{
    c2_timer_stop(cat->line_timer);
    cat->line_timer = NULL;
    while (cat->line) {
        cat->line->refused = true;
        c2_fail(&cat->line->err, CAT2_ECANCELLED, "shutting down");
        leave_line(cat);
    }
}

static void submit(struct c2_catalog *cat, struct load_job *job)
{
    if (!cat->line && has_room(cat)) {
        run(cat, job);
        return;
    }
    if (!cat->line_timer)
        cat->line_timer = c2_timer_start(cat->loop, LINE_TICK_MS, LINE_TICK_MS, on_line_tick, cat);
    if (!cat->line_timer) {
        job->refused = !c2_fail_nomem(&job->err, "line");
        run(cat, job);
        return;
    }
    job->since_ms = c2_loop_now_ms(cat->loop);
    c2_chain_push(cat->line, cat->line_end, job);
}

void c2_entry_load(struct c2_catalog *cat, struct c2_entry *entry, bool sketch, c2_loaded *then)
{
    struct load_job *job = calloc(1, sizeof(*job));

    if (job) job->path = c2_str_dup(c2_str_of(entry->path));
    if (!job || !job->path) {
        struct cat2_error err;
        free(job);
        c2_fail_nomem(&err, "dataset");
        c2_entry_wake(cat, entry, &err);
        return;
    }
    job->cat = cat;
    job->source = cat->source;
    job->entry = entry;
    job->sketch = sketch;
    job->then = then;
    c2_buf_init(&job->json, C2_JSON_NBYTES_MAX);
    entry->loading = true;
    cat->njobs++;
    submit(cat, job);
}
