/* SPDX-License-Identifier: BSD-3-Clause */
/* The way of a reader: the cache file, what is missing, who is fetching it already, the work.
 *
 * Single flight per chunk: a reader that needs a chunk which another one is fetching waits until that chunk
 * is stored, or the flight has ended, and looks again. A flight's failure is told to those who wait for it
 * then; later ones try anew. */
#include <inttypes.h>
#include <stdlib.h>

#include "subscriber/fetch/read_impl.h"
#include "subscriber/mirror/open_files.h"
#include "subscriber/mirror/roots.h"

#define FLIGHTS_MAX 8 /* more than these: what is fetched does not stay */

static void look(struct c2_read *r);

/* ---- the end ---- */

static bool holds(const struct c2_read *r)
{
    return r->need != C2_NEED_FILE && r->need != C2_NEED_SPANS && r->need != C2_NEED_CHUNKS;
}

static void let_go(struct c2_read *r)
{
    if (!r->cf) return;
    if (holds(r)) c2_cachefile_release(r->cf, &r->hold);
    c2_cachefile_unref(r->cf);
    r->cf = NULL;
}

static void finish_now(void *ctx)
{
    struct c2_read *r = ctx;
    struct c2_ds *ds = r->ds;

    let_go(r);
    c2_vec_fini(&r->missing);
    free(r->blocks);
    free(r->lacking);
    free(r->mine);
    ds->nreads--;
    struct cat2_error err = r->err; /* r goes */
    r->reader->done(r->ctx, r->failed ? &err : NULL);
    c2_ds_unref(ds);
}

static void finish(struct c2_read *r, const struct cat2_error *err)
{
    r->failed = err != NULL;
    if (err && err != &r->err) r->err = *err;
    c2_loop_post(r->ds->sub->config.loop, &r->finishing, finish_now, r);
}

/* ---- work ---- */

static struct c2_selectable source_of(const struct c2_read *r)
{
    return (struct c2_selectable){c2_cachefile_meta(r->cf), c2_cachefile_chunks(r->cf), r->ds->sub->kept,
                                  r->ds->serial};
}

static void work(void *job, void *codec)
{
    struct c2_read *r = job;
    struct c2_reading reading = {codec, r->cf, source_of(r), r};

    r->missing.n = 0;
    c2_cancel_begin(r->asker ? &r->asker->cancel : NULL);
    r->failed = c2_cancelled(&r->err) || !r->reader->work(r->ctx, &reading, &r->err);
    c2_cancel_begin(NULL);
}

/* For whoever cannot begin anew any more, it is an answer too. */
static void say_damaged(struct c2_read *r)
{
    c2_fail(&r->err, CAT2_EIO, "%.120s: what is stored of it in the cache is damaged when it is read",
            r->ds->path);
    r->err.http_status = 503;
}

static void worked(void *job)
{
    struct c2_read *r = job;

    if (!r->is_working) { /* a pool without memory for the job: it is told later, as all else */
        finish(r, &r->err);
        return;
    }
    r->damaged = r->failed && r->err.code == CAT2_ENOTFOUND && r->need != C2_NEED_FILE;
    bool again = r->damaged || (!r->failed && r->missing.n);
    if (again && r->repeats++ < C2_READ_REPEATS_MAX) {
        look(r);
        return;
    }
    if (again) {
        r->failed = true;
        say_damaged(r);
    }
    finish_now(r);
}

/* Of work on n bytes: in bytes that are decoded in that time. Saturates. */
static int64_t weigh(const struct c2_read *r, int64_t n)
{
    return c2_mul_i64(n, r->weight ? r->weight : 1, &n) && c2_add_i64(n, r->extra, &n) ? n : INT64_MAX;
}

/* Does its work read nothing of the disk? What is decoded already costs less, too. */
static bool is_kept(const struct c2_read *r, int64_t *cost)
{
    const struct c2_selectable source = source_of(r);
    int64_t n;

    if (r->need != C2_NEED_BOUND || r->reader->once) return false;
    *cost = c2_mul_i64(r->bound.nitems, source.meta->grid.typesize, &n) ? weigh(r, n) : INT64_MAX;
    return *cost <= C2_POOL_HERE && c2_select_is_kept(&source, &r->bound);
}

static void begin_work(struct c2_read *r)
{
    struct cat2_error err;

    if (r->reader->wanted && !r->reader->wanted(r->ctx)) {
        c2_fail(&err, CAT2_ECANCELLED, "nobody waits for it any more");
        finish(r, &err);
    } else if (r->damaged && r->reader->once) {
        say_damaged(r);
        finish(r, &r->err);
    } else if (r->reader->work) {
        r->failed = true; /* a pool that stops, or has no memory, calls worked() alone */
        c2_fail(&r->err, CAT2_ECANCELLED,
                "there is no worker for it: the service stops, or is out of memory");
        r->is_working = false;
        struct c2_pool_share share = {.client = r->asker ? r->asker->client : 0, .cost = r->cost};
        int64_t cost;
        r->quick = is_kept(r, &cost);
        if (r->quick) {
            share.waits_for_nothing = true;
            share.cost = cost;
        }
        c2_pool_run_for(r->ds->sub->config.pool, &share, work, worked, r);
        r->is_working = true;
    } else {
        finish(r, NULL);
    }
}

bool c2_read_items(const struct c2_reading *reading, const struct c2_bound *bound, struct c2_buf *out,
                   struct cat2_error *err)
{
    size_t before = out->n, n = (size_t)(bound->nitems * reading->read->ds->meta->dtype.itemsize);

    return c2_buf_resize(out, before + n, err) &&
           (n == 0 || c2_select_items(reading->codec, &reading->source, bound, out->p + before, err));
}

bool c2_read_bytes(const struct c2_reading *reading, int64_t off, size_t n, uint8_t *to,
                   struct cat2_error *err)
{
    return c2_cachefile_read_frame(reading->cf, off, n, to, c2_read_note, reading->read, err);
}

bool c2_read_whole(const struct c2_reading *reading, int64_t nchunk, struct cat2_error *err)
{
    struct c2_chunk_span all = {.nchunk = nchunk, .n = INT32_MAX};

    if (!c2_read_note(reading->read, &all)) return c2_fail_nomem(err, "fetch");
    return c2_fail(err, CAT2_ENOTFOUND, "chunk %lld is here in blocks", (long long)nchunk);
}

bool c2_read_missed(const struct c2_reading *reading)
{
    return reading->read->missing.n > 0;
}

/* ---- flights ---- */

static int by_number(const void *a, const void *b)
{
    const struct c2_flying *x = a, *y = b;

    return (x->nchunk > y->nchunk) - (x->nchunk < y->nchunk);
}

/* Several wants may be of one chunk: it is under way until the last of them is stored, and r->mine has it
 * once. */
static bool add_flying(struct c2_read *r, struct cat2_error *err)
{
    struct c2_ds *ds = r->ds;

    if (!ds->flying) ds->flying = calloc((size_t)c2_cachefile_meta(ds->cf)->nchunks / 8 + 1, 1);
    free(r->mine);
    r->mine = malloc((r->wants.n + 1) * sizeof(*r->mine));
    if (!ds->flying || !r->mine) return c2_fail_nomem(err, "fetch");
    for (size_t i = 0; i < r->wants.n; i++) {
        int64_t nchunk = r->wants.p[i].nchunk;
        r->mine[i] = (struct c2_flying){nchunk, 1};
        ds->flying[nchunk / 8] |= (uint8_t)(1u << (nchunk % 8));
    }
    qsort(r->mine, r->wants.n, sizeof(*r->mine), by_number);
    r->nmine = 0;
    for (size_t i = 0; i < r->wants.n; i++) {
        if (r->nmine && r->mine[r->nmine - 1].nchunk == r->mine[i].nchunk)
            r->mine[r->nmine - 1].nwants++;
        else
            r->mine[r->nmine++] = r->mine[i];
    }
    return true;
}

/* Once for each: another reader may be fetching it by now. */
static void land(struct c2_read *r, struct c2_flying *flying)
{
    if (flying->nwants) r->ds->flying[flying->nchunk / 8] &= (uint8_t) ~(1u << (flying->nchunk % 8));
    flying->nwants = 0;
}

static void remove_flying(struct c2_read *r)
{
    for (size_t i = 0; i < r->nmine; i++)
        land(r, &r->mine[i]);
    r->nmine = 0;
}

static void wait_here(struct c2_read *r)
{
    r->next = r->ds->waiting;
    r->ds->waiting = r;
}

/* A flight has landed, or a chunk of one: those whose chunk it carried look again, or fail with it. The
 * others wait on. */
static void wake_waiting(struct c2_ds *ds, const struct cat2_error *err)
{
    struct c2_read *waiting = ds->waiting;

    ds->waiting = NULL;
    while (waiting) {
        struct c2_read *next = waiting->next;
        bool carried = waiting->blocked_on < 0 || !c2_ds_is_flying(ds, waiting->blocked_on);
        if (!carried)
            wait_here(waiting);
        else if (err)
            finish(waiting, err);
        else
            look(waiting);
        waiting = next;
    }
}

/* One chunk of a flight is here: those who wait for it need not wait for the others. */
static void on_stored(void *ctx, int64_t nchunk)
{
    struct c2_read *r = ctx;
    struct c2_flying key = {.nchunk = nchunk};
    struct c2_flying *flying = bsearch(&key, r->mine, r->nmine, sizeof(key), by_number);

    if (!flying) return;
    if (flying->nwants > 1) {
        flying->nwants--;
        return;
    }
    land(r, flying);
    wake_waiting(r->ds, NULL);
}

/* What r was waiting for came, or failed: so it goes on, and with it those who waited for the same. */
static void landed(struct c2_read *r, const struct cat2_error *err)
{
    struct c2_ds *ds = c2_ds_ref(r->ds);

    if (err) finish(r, err);
    wake_waiting(ds, err);
    if (!err) look(r);
    c2_ds_unref(ds);
}

/* The disk did not take what came: it is asked for again, and kept in memory. */
static bool goes_to_memory(struct c2_read *r, const struct cat2_error *err)
{
    struct c2_ds *ds = r->ds;

    if (!err || err->code != CAT2_EIO || !ds->unwritable) return false;
    ds->leaving = ds->cf && !c2_cachefile_is_in_memory(ds->cf);
    return true;
}

static void on_fetched(void *ctx, const struct cat2_error *err)
{
    struct c2_read *r = ctx;

    remove_flying(r);
    landed(r, goes_to_memory(r, err) ? NULL : err);
}

/* ---- the cache file ---- */

static void on_prepared(void *ctx, const struct cat2_error *err)
{
    struct c2_read *r = ctx;

    r->ds->preparing = false;
    if (err) r->ds->leaving = false;
    r->ds->sub->open.npreparing--;
    landed(r, err);
}

static void on_room(void *ctx, const struct cat2_error *err)
{
    struct c2_read *r = ctx;
    struct cat2_error nomem;

    if (!err && c2_upstream_prepare(r->ds, on_prepared, r, &nomem)) return;
    if (!err) r->ds->sub->open.npreparing--;
    r->ds->preparing = r->ds->leaving = false;
    landed(r, err ? err : &nomem);
}

static void prepare(struct c2_read *r)
{
    if (r->ds->preparing) {
        r->blocked_on = -1;
        wait_here(r);
        return;
    }
    r->ds->preparing = true;
    c2_sub_when_room(r->ds->sub, on_room, r);
}

/* Before it is looked what is missing: what is there now stays. The file may have become another, in memory.
 */
static void take_hold(struct c2_read *r)
{
    if (r->cf == r->ds->cf) return;
    let_go(r);
    r->cf = c2_cachefile_ref(r->ds->cf);
    if (holds(r)) c2_cachefile_hold(r->cf, &r->hold);
}

/* ---- the way ---- */

static void fly(struct c2_read *r)
{
    static const struct c2_fetch_hooks hooks = {on_stored, on_fetched};
    struct cat2_error err;
    bool ok =
        ++r->flights <=
            FLIGHTS_MAX + C2_READ_REPEATS_MAX + (int)(c2_cachefile_meta(r->cf)->nchunks / C2_WANTS_MAX) ||
        c2_fail(&err, CAT2_EIO, "%.120s: what is fetched of it does not stay in the cache", r->ds->path);

    if (!ok || !add_flying(r, &err)) {
        c2_read_drop_wants(r);
        finish(r, &err);
        return;
    }
    if (c2_upstream_fetch(r->ds, r->wants.p, r->wants.n, &hooks, r, &err)) {
        memset(&r->wants, 0, sizeof(r->wants)); /* they are the fetch's now */
        return;
    }
    c2_read_drop_wants(r);
    remove_flying(r);
    landed(r, &err);
}

/* One look at what is missing; from here the reader goes on, waits, or ends. */
static void look(struct c2_read *r)
{
    struct cat2_error err;

    if (!r->ds->cf || r->ds->leaving) {
        prepare(r);
        return;
    }
    take_hold(r);
    if (!c2_read_look(r, &err)) {
        c2_read_drop_wants(r);
        finish(r, &err);
    } else if (r->wants.n) {
        fly(r);
    } else if (r->others) {
        wait_here(r);
    } else {
        begin_work(r);
    }
}

/* Bytes that are decoded, or looked at. Saturates. */
static int64_t bytes_of(const struct c2_meta *meta, const struct c2_pieces *pieces)
{
    int64_t n = 0;

    if (pieces->need == C2_NEED_BOUND) n = c2_grid_cost(&meta->grid, pieces->bound);
    if (pieces->need == C2_NEED_BLOCKS)
        n = (int64_t)pieces->n * c2_max_i64(1, meta->grid.block_items) * meta->grid.typesize;
    if (pieces->need == C2_NEED_ALL) n = meta->nbytes;
    for (size_t i = 0; pieces->need == C2_NEED_BYTES && i < pieces->n; i++)
        n += pieces->ranges[i].n;
    if (pieces->need == C2_NEED_FILE) n = (meta->nchunks + 1) * C2_READ_CHUNK_COST;
    return n;
}

static bool take_pieces(struct c2_read *r, const struct c2_pieces *pieces)
{
    r->asker = pieces->asker;
    r->weight = pieces->weight;
    r->extra = pieces->extra;
    r->cost = weigh(r, bytes_of(r->ds->meta, pieces));
    r->need = pieces->need;
    if (pieces->bound) r->bound = *pieces->bound;
    r->listed = pieces->chunks ? pieces->chunks : pieces->blocks;
    r->nlisted = r->listed ? pieces->n : 0;
    r->whole = !pieces->bound;
    for (size_t i = 0; pieces->ranges && i < pieces->n; i++) {
        r->ds->sub->cache.wanted += pieces->ranges[i].n;
        r->end = pieces->ranges[i].off + pieces->ranges[i].n + pieces->rest;
    }
    for (size_t i = 0; pieces->need == C2_NEED_SPANS && i < pieces->n; i++)
        r->ds->sub->cache.wanted += pieces->spans[i].n;
    bool bound = pieces->need == C2_NEED_BOUND || pieces->need == C2_NEED_BLOCKS;
    r->hold = (struct c2_hold){.kind = bound                           ? C2_HOLD_BOUND
                                       : pieces->need == C2_NEED_BYTES ? C2_HOLD_RANGES
                                                                       : C2_HOLD_ALL,
                               .bound = &r->bound,
                               .ranges = pieces->ranges,
                               .nranges = pieces->ranges ? pieces->n : 0};
    for (size_t i = 0; pieces->need == C2_NEED_SPANS && i < pieces->n; i++)
        if (!c2_read_note(r, &pieces->spans[i])) return false;
    return true;
}

void c2_read(struct c2_read *r, struct c2_ds *ds, const struct c2_pieces *pieces,
             const struct c2_reader *reader, void *ctx)
{
    struct cat2_error err;

    *r = (struct c2_read){.ds = c2_ds_ref(ds), .reader = reader, .ctx = ctx};
    ds->nreads++;
    c2_ds_used(ds);
    if (take_pieces(r, pieces)) {
        look(r);
        return;
    }
    c2_fail_nomem(&err, "fetch");
    finish(r, &err);
}
