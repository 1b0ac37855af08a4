/* SPDX-License-Identifier: BSD-3-Clause */
/* Having pieces: what of a selection is missing, who is fetching it already, and asking for the rest.
 *
 * Single flight per chunk: an ensure that needs a chunk which another one is fetching waits until that flight
 * lands, and looks again. A flight's failure is told to those who wait for it then; later ones try anew. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/limits.h"
#include "subscriber/fetch/ensure.h"
#include "subscriber/fetch/upstream.h"
#include "subscriber/mirror/catalog.h"
#include "subscriber/mirror/open_files.h"

#define ROUNDS_MAX    8           /* evicted under us, again and again: give up */
#define WANTS_MAX     65536       /* chunks asked for in one go */
#define BLOCKWISE_MIN (128 << 10) /* smaller chunks come whole */

struct c2_ensure {
    struct c2_ensure *next; /* in ds->waiting */
    struct c2_ds *ds;
    enum c2_need need;
    struct c2_bound bound;
    struct c2_chunk_span *spans;
    size_t nspans;
    c2_ensured *fn;
    void *ctx;
    int rounds;
    bool looked; /* spans: what was missing has been fetched, or waited for */
    bool failed;
    struct cat2_error err;
    int64_t *mine; /* chunks this one is fetching */
    size_t nmine;
    /* scratch of one look */
    struct c2_want *wants;
    size_t nwants;
    bool others;        /* some are fetched by others */
    int64_t blocked_on; /* one of those; -1: the cache file */
    int32_t *blocks, *missing;
};

static void look(struct c2_ensure *e);

static void finish_now(void *ctx)
{
    struct c2_ensure *e = ctx;

    e->fn(e->ctx, e->failed ? &e->err : NULL);
    e->ds->nensures--;
    c2_ds_unref(e->ds);
    free(e->spans);
    free(e->blocks);
    free(e->missing);
    free(e->mine);
    free(e);
}

static void finish(struct c2_ensure *e, const struct cat2_error *err)
{
    e->failed = err != NULL;
    if (err) e->err = *err;
    c2_loop_defer(e->ds->sub->config.loop, finish_now, e);
}

static bool is_flying(const struct c2_ds *ds, int64_t nchunk)
{
    return ds->flying && (ds->flying[nchunk / 8] >> (nchunk % 8) & 1);
}

static bool add_flying(struct c2_ensure *e, struct cat2_error *err)
{
    struct c2_ds *ds = e->ds;

    if (!ds->flying) ds->flying = calloc((size_t)c2_cachefile_meta(ds->cf)->nchunks / 8 + 1, 1);
    free(e->mine);
    e->mine = malloc((e->nwants + 1) * sizeof(*e->mine));
    if (!ds->flying || !e->mine) return c2_fail_nomem(err, "fetch");
    for (size_t i = 0; i < e->nwants; i++) {
        int64_t nchunk = e->mine[i] = e->wants[i].nchunk;
        ds->flying[nchunk / 8] |= (uint8_t)(1u << (nchunk % 8));
    }
    e->nmine = e->nwants;
    return true;
}

static void remove_flying(struct c2_ensure *e)
{
    for (size_t i = 0; i < e->nmine; i++)
        e->ds->flying[e->mine[i] / 8] &= (uint8_t) ~(1u << (e->mine[i] % 8));
    e->nmine = 0;
}

/* A flight has landed: those who waited look again. When it failed, so do those whose chunk it carried; the
 * others wait on. */
static void wake_waiting(struct c2_ds *ds, const struct cat2_error *err)
{
    struct c2_ensure *waiting = ds->waiting;

    ds->waiting = NULL;
    while (waiting) {
        struct c2_ensure *next = waiting->next;
        bool carried = waiting->blocked_on < 0 || !is_flying(ds, waiting->blocked_on);
        if (!err) {
            look(waiting);
        } else if (carried) {
            finish(waiting, err);
        } else {
            waiting->next = ds->waiting;
            ds->waiting = waiting;
        }
        waiting = next;
    }
}

static void wait_here(struct c2_ensure *e)
{
    e->next = e->ds->waiting;
    e->ds->waiting = e;
}

/* To be fetched, unless it is under way already. Takes want.blocks. */
static bool add_want(struct c2_ensure *e, struct c2_want want, struct cat2_error *err)
{
    bool flying = is_flying(e->ds, want.nchunk);

    if (flying) {
        e->others = true;
        e->blocked_on = want.nchunk;
    }
    if (flying || e->nwants == WANTS_MAX) { /* past that: the next round's */
        free(want.blocks);
        return true;
    }
    if ((e->nwants & (e->nwants - 1)) == 0) {
        struct c2_want *grown = realloc(e->wants, (e->nwants ? 2 * e->nwants : 1) * sizeof(*grown));
        if (!grown) {
            free(want.blocks);
            return c2_fail_nomem(err, "fetch");
        }
        e->wants = grown;
    }
    e->wants[e->nwants++] = want;
    return true;
}

/* Note what chunk nchunk lacks of the blocks needed (n 0: whole). */
static bool want_chunk(struct c2_ensure *e, int64_t nchunk, const int32_t *blocks, int32_t n,
                       struct cat2_error *err)
{
    bool whole = false;
    int32_t nmissing = c2_cachefile_missing(e->ds->cf, nchunk, n ? blocks : NULL, n, e->missing, &whole);
    struct c2_want want = {.nchunk = nchunk, .whole = n == 0, .nblocks = n ? nmissing : 0};

    if (nmissing == 0) return true;
    if (n) {
        want.blocks = malloc((size_t)nmissing * sizeof(*want.blocks));
        if (!want.blocks) return c2_fail_nomem(err, "fetch");
        memcpy(want.blocks, e->missing, (size_t)nmissing * sizeof(*want.blocks));
    }
    return add_want(e, want, err);
}

/* The chunk of a span: just the blocks under it, where that is less. */
static bool want_span(struct c2_ensure *e, const struct c2_chunk_span *span, struct cat2_error *err)
{
    const struct c2_cachefile *cf = e->ds->cf;
    struct c2_want want = {.nchunk = span->nchunk, .off = span->off, .n = span->n};
    int64_t off, room;

    bool apart = e->ds->modern && c2_cachefile_is_blockwise(cf) &&
                 c2_cachefile_place(cf, span->nchunk, &off, &room) && room >= BLOCKWISE_MIN &&
                 (int64_t)span->n * 2 <= room;
    if (!apart) want = (struct c2_want){.nchunk = span->nchunk, .whole = true};
    return add_want(e, want, err);
}

/* Blocks of a chunk that a selection needs; 0: the whole chunk is the better choice. */
static int32_t blocks_of(struct c2_ensure *e, int64_t nchunk)
{
    const struct c2_meta *meta = &e->ds->meta;
    const struct c2_grid *grid = &c2_cachefile_meta(e->ds->cf)->grid;

    if (!e->ds->modern || grid->nblocks < 2 || meta->chunksize < BLOCKWISE_MIN) return 0;
    int64_t n = c2_grid_blocks(grid, &e->bound, nchunk, e->blocks);
    return n * 2 > grid->nblocks ? 0 : (int32_t)n;
}

static bool gather(struct c2_ensure *e, struct cat2_error *err)
{
    const struct c2_meta *meta = c2_cachefile_meta(e->ds->cf);
    struct c2_grid_walk walk;
    int64_t nchunk;
    bool ok = true;

    if (!e->blocks) {
        size_t n = (size_t)c2_max_i64(1, meta->grid.nblocks);
        e->blocks = malloc(n * sizeof(*e->blocks));
        e->missing = malloc(n * sizeof(*e->missing));
        if (!e->blocks || !e->missing) return c2_fail_nomem(err, "fetch");
    }
    e->others = false;
    if (e->need == C2_NEED_BOUND) {
        c2_grid_walk_init(&walk, &meta->grid, &e->bound);
        while (ok && c2_grid_walk_next(&walk, &nchunk))
            ok = want_chunk(e, nchunk, e->blocks, blocks_of(e, nchunk), err);
    }
    for (size_t i = 0; ok && e->need == C2_NEED_SPANS && !e->looked && i < e->nspans; i++)
        ok = want_span(e, &e->spans[i], err);
    for (nchunk = 0; ok && e->need == C2_NEED_ALL && nchunk < meta->nchunks; nchunk++)
        ok = want_chunk(e, nchunk, NULL, 0, err);
    return ok;
}

static void drop_wants(struct c2_ensure *e)
{
    for (size_t i = 0; i < e->nwants; i++)
        free(e->wants[i].blocks);
    free(e->wants);
    e->wants = NULL;
    e->nwants = 0;
}

/* The disk did not take what came: it is asked for again, and kept in memory. */
static bool goes_to_memory(struct c2_ensure *e, const struct cat2_error *err)
{
    struct c2_ds *ds = e->ds;

    if (!err || err->code != CAT2_EIO || !ds->unwritable) return false;
    ds->leaving = ds->cf && !c2_cachefile_is_in_memory(ds->cf);
    e->looked = false;
    return true;
}

static void on_fetched(void *ctx, const struct cat2_error *err)
{
    struct c2_ensure *e = ctx;
    struct c2_ds *ds = c2_ds_ref(e->ds);

    remove_flying(e);
    if (goes_to_memory(e, err)) err = NULL;
    if (err) finish(e, err);
    wake_waiting(ds, err);
    if (!err) look(e);
    c2_ds_unref(ds);
}

static void on_prepared(void *ctx, const struct cat2_error *err)
{
    struct c2_ensure *e = ctx;
    struct c2_ds *ds = c2_ds_ref(e->ds);

    ds->preparing = false;
    if (err) ds->leaving = false;
    ds->sub->open.npreparing--;
    if (err) finish(e, err);
    wake_waiting(ds, err);
    if (!err) look(e);
    c2_ds_unref(ds);
}

static void on_room(void *ctx, const struct cat2_error *err)
{
    struct c2_ensure *e = ctx;

    if (!err) {
        c2_upstream_prepare(e->ds, on_prepared, e);
        return;
    }
    struct c2_ds *ds = c2_ds_ref(e->ds);
    ds->preparing = ds->leaving = false;
    finish(e, err);
    wake_waiting(ds, err);
    c2_ds_unref(ds);
}

static void prepare(struct c2_ensure *e)
{
    if (e->ds->preparing) {
        e->blocked_on = -1;
        wait_here(e);
        return;
    }
    e->ds->preparing = true;
    c2_sub_when_room(e->ds->sub, on_room, e);
}

/* One look at what is missing; from here the ensure goes on, waits, or ends. */
static void look(struct c2_ensure *e)
{
    struct cat2_error err;

    if (!e->ds->cf || e->ds->leaving) {
        prepare(e);
        return;
    }
    if (!gather(e, &err)) {
        drop_wants(e);
        finish(e, &err);
        return;
    }
    if (e->nwants == 0 && !e->others) {
        finish(e, NULL);
        return;
    }
    e->looked = true;
    if (e->nwants == 0) {
        wait_here(e);
        return;
    }
    bool ok =
        ++e->rounds <= ROUNDS_MAX + (int)(c2_cachefile_meta(e->ds->cf)->nchunks / WANTS_MAX) ||
        c2_fail(&err, CAT2_EIO, "%.120s: pieces are evicted as fast as they come; is the quota too small?",
                e->ds->path);
    if (!ok || !add_flying(e, &err)) {
        drop_wants(e);
        finish(e, &err);
        return;
    }
    struct c2_want *wants = e->wants;
    size_t n = e->nwants;
    e->wants = NULL;
    e->nwants = 0;
    c2_upstream_fetch(e->ds, wants, n, on_fetched, e);
}

static struct c2_ensure *new_ensure(struct c2_ds *ds, enum c2_need need, c2_ensured *fn, void *ctx)
{
    struct c2_ensure *e = calloc(1, sizeof(*e));

    C2_ASSERT(e); /* the asker could not be answered */
    *e = (struct c2_ensure){.ds = c2_ds_ref(ds), .need = need, .fn = fn, .ctx = ctx};
    ds->nensures++;
    c2_ds_used(ds);
    return e;
}

void c2_ensure(struct c2_ds *ds, enum c2_need need, const struct c2_bound *bound, c2_ensured *fn, void *ctx)
{
    struct c2_ensure *e = new_ensure(ds, need, fn, ctx);

    if (bound) e->bound = *bound;
    look(e);
}

void c2_ensure_spans(struct c2_ds *ds, const struct c2_chunk_span *spans, size_t n, c2_ensured *fn, void *ctx)
{
    struct c2_ensure *e = new_ensure(ds, C2_NEED_SPANS, fn, ctx);

    e->spans = malloc((n + 1) * sizeof(*spans));
    C2_ASSERT(e->spans);
    if (n) memcpy(e->spans, spans, n * sizeof(*spans));
    e->nspans = n;
    look(e);
}
