/* SPDX-License-Identifier: BSD-3-Clause */
/* The scrub: all that is cached is read from the disk once in a while, slowly, so that what rots is noticed
 * while its publisher still has it. What is not as it was stored is dropped, and fetched again.
 *
 * A pass goes through the datasets in order, a step a second: workers read as many bytes as the pace allows.
 * The pace is what brings the pass to its end in four fifths of its time, and at least PACE_MIN. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "subscriber/fetch/read.h"
#include "subscriber/fetch/scrub.h"
#include "subscriber/mirror/roots.h"

#define STEP_MS       1000      /* between two looks: the disk has other work */
#define PACE_MIN      (1 << 20) /* bytes a second */
#define STEP_DATASETS 64        /* looked at in one step, at most */

struct c2_scrubber {
    struct c2_subscriber *sub;
    struct c2_timer *timer;
    bool busy, gone; /* a job is under way; nobody but it knows us any more */
    int64_t period_ms, next_ms;
    /* the pass */
    bool passing;
    int64_t began_ms, nbytes, ndone;
    char root[256]; /* of the dataset at hand, or the last one; "" at the start */
    char *path;
    /* the step */
    int64_t left, nlooked;
    /* the dataset at hand */
    struct c2_ds *ds;
    struct c2_cachefile *cf;
    struct c2_buf name;
    struct c2_scrub at;
    int64_t job_nbytes;
    bool ok;
    struct cat2_error err;
    struct c2_scrub_counts counts;
};

static int64_t now_ms(const struct c2_scrubber *s)
{
    return c2_loop_now_ms(s->sub->config.loop);
}

static void release(struct c2_scrubber *s)
{
    struct c2_ds *ds = s->ds;

    c2_cachefile_unref(s->cf);
    s->cf = NULL;
    s->ds = NULL;
    c2_ds_unref(ds);
}

static void scrubber_free(struct c2_scrubber *s)
{
    release(s);
    c2_buf_fini(&s->name);
    free(s->path);
    free(s);
}

/* ---- the datasets in order ---- */

static bool worth(const struct c2_ds *ds)
{
    return !ds->error && !ds->preparing && *ds->etag && (ds->cf || ds->left_nbytes != 0);
}

/* The first of a root that is worth a look, from its index i on. */
static struct c2_ds *first_from(const struct c2_root_state *root, size_t i)
{
    for (; i < root->n; i++)
        if (worth(root->datasets[i])) return root->datasets[i];
    return NULL;
}

/* The one after the last. Roots come and go meanwhile: one that is gone ends at its place. */
static struct c2_ds *next_dataset(const struct c2_scrubber *s)
{
    struct c2_ds *ds = NULL;
    struct c2_root_state *root = s->sub->roots;

    if (*s->root) {
        root = c2_sub_root(s->sub, c2_str_of(s->root));
        if (!root) return NULL;
        size_t i = c2_sub_lower(root, c2_str_of(s->path));
        if (i < root->n && strcmp(root->datasets[i]->path, s->path) == 0) i++;
        ds = first_from(root, i);
        root = root->next;
    }
    for (; !ds && root; root = root->next)
        ds = first_from(root, 0);
    return ds;
}

static bool take(struct c2_scrubber *s, struct c2_ds *ds)
{
    char *path = c2_str_dup(c2_str_of(ds->path));

    c2_buf_clear(&s->name);
    if (!path || !c2_ds_cache_name(ds, &s->name, &s->err)) {
        free(path);
        return false;
    }
    free(s->path);
    s->path = path;
    snprintf(s->root, sizeof(s->root), "%s", ds->root);
    s->ds = c2_ds_ref(ds);
    s->cf = ds->cf ? c2_cachefile_ref(ds->cf) : NULL;
    s->at = (struct c2_scrub){0};
    return true;
}

/* ---- one look, in a worker ---- */

static void work(void *job, void *codec)
{
    struct c2_scrubber *s = job;
    int64_t before = s->at.nbytes;
    struct cat2_error none;

    (void)codec;
    s->ok = true;
    if (!s->cf &&
        !(s->ds->key && c2_cachefile_open(s->sub->cachefd, c2_buf_cstr(&s->name), s->ds->key, &s->cf, &none)))
        s->at.done = true; /* nothing is cached; or it cannot be used, and is made anew when it is needed */
    else
        s->ok = c2_cachefile_scrub(s->cf, &s->at, c2_max_i64(1, s->left), &s->err);
    s->job_nbytes = s->at.nbytes - before;
}

struct again {
    struct c2_read read;
    struct c2_ds *ds;
};

static void fetched(void *ctx, const struct cat2_error *err)
{
    struct again *a = ctx;

    if (err)
        c2_log_warn("scrub: root=%s path=%s: not fetched again: %s", a->ds->root, a->ds->path, err->message);
    c2_ds_unref(a->ds);
    free(a);
}

static void fetch_again(struct c2_scrubber *s)
{
    static const struct c2_reader reader = {.done = fetched};
    struct c2_chunk_span spans[C2_SCRUB_BAD_MAX];
    struct c2_pieces pieces = {.need = C2_NEED_SPANS, .spans = spans, .n = (size_t)s->at.nbad};
    struct c2_root_state *root = c2_sub_root(s->sub, c2_str_of(s->ds->root));

    c2_log_warn("scrub: root=%s path=%s chunks=%d: not as they were stored, fetched again", s->ds->root,
                s->ds->path, s->at.nbad);
    if (!root || c2_sub_find(root, c2_str_of(s->ds->path)) != s->ds) return;
    for (int i = 0; i < s->at.nbad; i++)
        spans[i] = (struct c2_chunk_span){s->at.bad[i], 0, INT32_MAX / 2}; /* all of it */
    struct again *a = malloc(sizeof(*a));
    if (!a) return; /* who reads them will fetch them */
    a->ds = c2_ds_ref(s->ds);
    c2_read(&a->read, a->ds, &pieces, &reader, a);
}

static void look(struct c2_scrubber *s);

static void looked(void *job)
{
    struct c2_scrubber *s = job;

    s->busy = false;
    if (s->gone) {
        scrubber_free(s);
        return;
    }
    if (!s->ok) c2_log_warn("scrub: root=%s path=%s: %s", s->ds->root, s->ds->path, s->err.message);
    s->counts.nbytes += s->job_nbytes;
    s->counts.nbad += s->at.nbad;
    s->counts.nrepaired += s->at.nrepaired;
    s->nbytes += s->job_nbytes;
    s->left -= s->job_nbytes;
    if (s->at.nbad) fetch_again(s);
    s->at.nbad = s->at.nrepaired = 0;
    if (s->at.done || !s->ok) {
        s->ndone++;
        release(s);
    } else { /* between the steps others may close it */
        c2_cachefile_unref(s->cf);
        s->cf = NULL;
    }
    look(s);
}

/* ---- steps ---- */

static void end_pass(struct c2_scrubber *s)
{
    s->passing = false;
    s->counts.npasses++;
    *s->root = '\0';
    c2_log_info("scrub: %" PRId64 " bytes of %" PRId64 " datasets", s->nbytes, s->ndone);
    s->next_ms = s->began_ms + s->period_ms;
}

/* Go on with the dataset at hand, or the next, while the step has bytes left. */
static void look(struct c2_scrubber *s)
{
    struct c2_ds *ds;

    if (s->left <= 0 || s->nlooked >= STEP_DATASETS) return;
    if (s->ds && !s->cf && s->ds->cf) s->cf = c2_cachefile_ref(s->ds->cf);
    if (!s->ds) {
        ds = next_dataset(s);
        if (!ds) {
            end_pass(s);
            return;
        }
        if (!take(s, ds)) return;
        s->nlooked++;
    }
    s->busy = true;
    c2_pool_run_low(s->sub->config.pool, work, looked, s);
}

/* Bytes a second: what is left, as far as it can be guessed from what has been seen, over the time left. */
static int64_t pace(const struct c2_scrubber *s)
{
    int64_t total = 0, left_s = (s->began_ms + s->period_ms * 4 / 5 - now_ms(s)) / 1000;

    for (const struct c2_root_state *root = s->sub->roots; root; root = root->next)
        total += (int64_t)root->n;
    double each = (double)s->nbytes / (double)c2_max_i64(1, s->ndone);
    double left = each * (double)c2_max_i64(0, total - s->ndone);
    return c2_max_i64(PACE_MIN, (int64_t)(left / (double)c2_max_i64(1, left_s)));
}

static void on_step(void *ctx)
{
    struct c2_scrubber *s = ctx;

    if (s->busy || (!s->passing && now_ms(s) < s->next_ms)) return;
    if (!s->passing) {
        s->passing = true;
        s->began_ms = now_ms(s);
        s->nbytes = s->ndone = 0;
    }
    s->left = pace(s);
    s->nlooked = 0;
    look(s);
}

bool c2_scrub_start(struct c2_subscriber *sub, struct cat2_error *err)
{
    if (sub->config.scrub_s <= 0) return true;
    struct c2_scrubber *s = calloc(1, sizeof(*s));
    if (!s) return c2_fail_nomem(err, "scrub");
    s->sub = sub;
    s->period_ms = (int64_t)(sub->config.scrub_s * 1000);
    c2_buf_init(&s->name, 8192);
    /* The first pass soon, for who starts again every day; not at once, when there is other work. */
    s->next_ms = now_ms(s) + c2_min_i64(s->period_ms / 10, 600000);
    s->timer = c2_timer_start(sub->config.loop, STEP_MS, STEP_MS, on_step, s);
    sub->scrubber = s;
    return true;
}

void c2_scrub_stop(struct c2_subscriber *sub)
{
    struct c2_scrubber *s = sub->scrubber;

    if (!s) return;
    sub->scrubber = NULL;
    c2_timer_stop(s->timer);
    s->gone = true;
    if (!s->busy) scrubber_free(s);
}

struct c2_scrub_counts c2_scrub_counts(const struct c2_subscriber *sub)
{
    return sub->scrubber ? sub->scrubber->counts : (struct c2_scrub_counts){0};
}
