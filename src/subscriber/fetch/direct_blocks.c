/* SPDX-License-Identifier: BSD-3-Clause */
/* Blocks of chunks from a store of objects. Where they are is told by the beginning of their chunk: that is
 * in the cache file when some blocks of it are; else it is asked for first.
 *
 *   opening: the beginning of a chunk, for some wants -> gather, for each of them: runs of blocks -> store */
#include <inttypes.h>
#include <stdlib.h>

#include "blosc/chunk_format.h"
#include "subscriber/fetch/direct_impl.h"

#define WHOLE_MAX   (128 << 10) /* bytes: smaller chunks come whole in one request, see decision 0033 */
#define HEAD_NBYTES 4096        /* read of a chunk at least: the places of a thousand blocks */
#define GAP_NBYTES  (16 << 10)  /* between blocks that come in one range */
#define RUNS_MAX    8           /* requests for the blocks of one want */

struct opening {
    struct c2_fetching *f;
    size_t first, n; /* wants */
    int64_t nchunk, place, room;
    struct c2_cachefile *cf; /* counted: for the worker */
    struct c2_buf head;      /* the beginning of the chunk, as far as it is here */
    bool from_cache;
    size_t had; /* bytes of it that were in the cache file, not counted yet */
    struct cat2_error err;
};

static void look(struct opening *o);

static bool is_prefix_here(const struct c2_fetching *f, int64_t nchunk)
{
    bool absent = false;

    (void)c2_cachefile_missing(f->cf, nchunk, NULL, 0, NULL, &absent);
    return !absent;
}

bool c2_direct_has_blocks(const struct c2_fetching *f, size_t want)
{
    int64_t nchunk = f->wants[want].nchunk, off, room;

    return !f->wants[want].whole && c2_cachefile_is_blockwise(f->cf) &&
           c2_cachefile_place(f->cf, nchunk, &off, &room) && (room > WHOLE_MAX || is_prefix_here(f, nchunk));
}

/* ---- blocks ---- */

struct part { /* a block that is wanted: in the chunk, and in the record */
    int32_t off, n;
    size_t to;
};
struct gather {
    struct c2_fetching *f;
    struct c2_arrival *s;
    int64_t place; /* of the chunk in the frame */
    struct part *parts;
    size_t nparts;
    int under_way;
    bool failed;
};

static void gather_free(struct gather *g)
{
    if (g->s) {
        c2_cachefile_unref(g->s->cf);
        c2_buf_fini(&g->s->record);
        free(g->s->blocks);
        free(g->s);
    }
    free(g->parts);
    free(g);
}

static void gather_end(struct gather *g)
{
    if (g->under_way) return;
    if (!g->failed) {
        struct c2_arrival *s = g->s;
        g->s = NULL;
        g->f->ds->sub->direct_nbytes += (int64_t)(s->record.n - s->had);
        g->f->store(s);
    }
    gather_free(g);
}

static void copy_parts(struct gather *g, struct c2_bytes bytes, int64_t from)
{
    for (size_t i = 0; i < g->nparts; i++) {
        const struct part *part = &g->parts[i];
        if (part->off < from || part->off + (int64_t)part->n > from + (int64_t)bytes.n) continue;
        memcpy(g->s->record.p + part->to, bytes.p + (part->off - from), (size_t)part->n);
    }
}

static bool take_run(struct c2_direct_range *r, struct c2_bytes bytes, struct cat2_error *err)
{
    struct gather *g = r->ctx;

    (void)err;
    copy_parts(g, bytes, r->off - g->place);
    return true;
}

static void end_run(struct c2_direct_range *r, bool ok)
{
    struct gather *g = r->ctx;

    g->under_way--;
    if (!ok) g->failed = true;
    gather_end(g);
}

/* From part i on, those that come in one range: up to *end of the chunk. Returns the first that does not. */
static size_t run_from(const struct gather *g, size_t i, int64_t gap, int64_t *end)
{
    *end = g->parts[i].off + (int64_t)g->parts[i].n;
    while (++i < g->nparts && g->parts[i].off <= *end + gap)
        *end = c2_max_i64(*end, g->parts[i].off + (int64_t)g->parts[i].n);
    return i;
}

/* Parts before `skip` bytes of the chunk are here already. */
static size_t first_beyond(const struct gather *g, size_t skip)
{
    size_t i = 0;

    while (i < g->nparts && g->parts[i].off + (int64_t)g->parts[i].n <= (int64_t)skip)
        i++;
    return i;
}

static int count_runs(const struct gather *g, size_t first, int64_t gap, int64_t *nbytes)
{
    int n = 0;
    int64_t end;

    *nbytes = 0;
    for (size_t i = first, next; i < g->nparts; i = next, n++) {
        next = run_from(g, i, gap, &end);
        *nbytes += end - g->parts[i].off;
    }
    return n;
}

/* Later gather_end(), which may be before this returns. false: the store was not asked for all. */
static bool ask_runs(struct gather *g, size_t first, int64_t gap, struct cat2_error *err)
{
    struct c2_fetching *f = g->f;
    bool ok = true;
    int64_t end;

    g->under_way++; /* until all are asked for */
    for (size_t i = first, next; ok && i < g->nparts; i = next) {
        next = run_from(g, i, gap, &end);
        struct c2_direct_range *r = calloc(1, sizeof(*r));
        ok = r || c2_fail_nomem(err, "request");
        if (!ok) break;
        *r = (struct c2_direct_range){.fetch = f,
                                      .off = g->place + g->parts[i].off,
                                      .nbytes = end - g->parts[i].off,
                                      .take = take_run,
                                      .end = end_run,
                                      .ctx = g};
        g->under_way++;
        ok = c2_direct_get(r, err);
    }
    g->under_way--;
    if (!ok) g->failed = true;
    gather_end(g);
    return ok;
}

/* ---- which blocks ---- */

/* Under the bytes that are wanted; the first one if these are none of a block: something is to be stored. */
static int32_t blocks_under(const struct c2_chunk_extents *ext, const struct c2_want *want, int32_t *blocks)
{
    int32_t n = 0;

    for (int32_t i = 0; i < ext->nblocks; i++)
        if (ext->off[i] < (int64_t)want->off + want->n && ext->off[i] + (int64_t)ext->len[i] > want->off)
            blocks[n++] = i;
    if (n == 0) blocks[n++] = 0;
    return n;
}

static int by_off(const void *a, const void *b)
{
    const struct part *x = a, *y = b;

    return (x->off > y->off) - (x->off < y->off);
}

/* Room for all of them, in the order of the blocks; then sorted by place. */
static bool lay_out(struct gather *g, const struct c2_chunk_extents *ext, struct c2_bytes prefix,
                    struct cat2_error *err)
{
    struct c2_arrival *s = g->s;
    int64_t n = (int64_t)prefix.n;

    g->nparts = (size_t)s->piece.nblocks;
    g->parts = malloc(g->nparts * sizeof(*g->parts));
    if (!g->parts) return c2_fail_nomem(err, "blocks");
    for (size_t i = 0; i < g->nparts; i++) {
        int32_t nblock = s->blocks[i];
        g->parts[i] = (struct part){ext->off[nblock], ext->len[nblock], (size_t)n};
        n += ext->len[nblock];
    }
    c2_buf_init(&s->record, (size_t)n);
    if (!c2_buf_resize(&s->record, (size_t)n, err)) return false;
    memcpy(s->record.p, prefix.p, prefix.n);
    s->piece.prefix = (struct c2_bytes){s->record.p, prefix.n};
    s->piece.data = (struct c2_bytes){s->record.p + prefix.n, (size_t)n - prefix.n};
    qsort(g->parts, g->nparts, sizeof(*g->parts), by_off);
    return true;
}

static bool choose(struct gather *g, const struct c2_chunk_extents *ext, const struct c2_want *want,
                   struct cat2_error *err)
{
    struct c2_arrival *s = g->s;
    size_t room = (size_t)c2_max_i64(want->n ? ext->nblocks : want->nblocks, 1);

    s->blocks = malloc(room * sizeof(*s->blocks));
    if (!s->blocks) return c2_fail_nomem(err, "blocks");
    if (want->n) {
        s->piece.nblocks = blocks_under(ext, want, s->blocks);
    } else {
        memcpy(s->blocks, want->blocks, (size_t)want->nblocks * sizeof(*s->blocks));
        s->piece.nblocks = want->nblocks;
    }
    s->piece.blocks = s->blocks;
    for (int32_t i = 0; i < s->piece.nblocks; i++)
        if (s->blocks[i] >= ext->nblocks)
            return c2_fail(err, CAT2_EUNSUPPORTED, "has %d blocks only", ext->nblocks);
    return true;
}

static struct gather *gather_new(struct opening *o, size_t want, struct cat2_error *err)
{
    struct gather *g = calloc(1, sizeof(*g));

    if (g) g->s = calloc(1, sizeof(*g->s));
    if (!g || !g->s) {
        free(g);
        c2_fail_nomem(err, "chunk");
        return NULL;
    }
    g->f = o->f;
    g->place = o->place;
    *g->s = (struct c2_arrival){
        .fetch = o->f, .want = want, .share = C2_SHARE_DIRECT, .piece = {.nchunk = o->nchunk}};
    g->s->cf = c2_cachefile_ref(o->f->cf);
    return g;
}

/* The blocks of one want; the whole chunk where they are most of it. */
static bool gather(struct opening *o, size_t want, const struct c2_chunk_extents *ext, struct cat2_error *err)
{
    struct c2_bytes prefix = {o->head.p, (size_t)ext->prefix_n};
    int64_t gap = GAP_NBYTES, nbytes;
    struct gather *g = gather_new(o, want, err);

    if (!g) return false;
    if (!choose(g, ext, &o->f->wants[want], err) || !lay_out(g, ext, prefix, err)) {
        gather_free(g);
        return err->code == CAT2_EUNSUPPORTED && c2_direct_get_whole(o->f, want, err);
    }
    size_t first = first_beyond(g, o->head.n);
    while (count_runs(g, first, gap, &nbytes) > RUNS_MAX)
        gap *= 2;
    if (nbytes * 2 > ext->cbytes) {
        gather_free(g);
        return c2_direct_get_whole(o->f, want, err);
    }
    g->s->had = o->had;
    o->had = 0;
    copy_parts(g, c2_buf_bytes(&o->head), 0);
    return ask_runs(g, first, gap, err);
}

/* ---- the beginning ---- */

/* What is not stored then is the next pass's. */
static void opening_free(struct opening *o)
{
    c2_cachefile_unref(o->cf);
    c2_buf_fini(&o->head);
    o->f->under_way--;
    free(o);
}

static bool take_head(struct c2_direct_range *r, struct c2_bytes bytes, struct cat2_error *err)
{
    struct opening *o = r->ctx;

    return c2_buf_append(&o->head, bytes.p, bytes.n, err);
}

static void end_head(struct c2_direct_range *r, bool ok)
{
    if (ok)
        look(r->ctx);
    else
        opening_free(r->ctx);
}

/* Until the beginning has n bytes. Later look(), or o is gone. */
static bool ask_head(struct opening *o, int64_t n, struct cat2_error *err)
{
    struct c2_direct_range *r = calloc(1, sizeof(*r));

    if (!r) {
        opening_free(o);
        return c2_fail_nomem(err, "request");
    }
    *r = (struct c2_direct_range){.fetch = o->f,
                                  .off = o->place + (int64_t)o->head.n,
                                  .nbytes = n - (int64_t)o->head.n,
                                  .take = take_head,
                                  .end = end_head,
                                  .ctx = o};
    return c2_direct_get(r, err);
}

static bool ask_first(struct opening *o, struct cat2_error *err)
{
    int64_t places = C2_CHUNK_HEADER + 4 * c2_cachefile_meta(o->f->cf)->grid.nblocks;

    return ask_head(o, c2_min_i64(o->room, c2_max_i64(places, HEAD_NBYTES)), err);
}

static bool gather_all(struct opening *o, const struct c2_chunk_extents *ext, struct cat2_error *err)
{
    bool ok = true;

    for (size_t i = o->first; ok && i < o->first + o->n; i++)
        ok = gather(o, i, ext, err);
    return ok;
}

static bool whole_instead(struct opening *o, struct cat2_error *err)
{
    bool ok = true;

    for (size_t i = o->first; ok && i < o->first + o->n; i++)
        ok = c2_direct_get_whole(o->f, i, err);
    return ok;
}

/* The beginning is here, or a part of it. What cannot be had comes from the publisher; that is the store's
 * fault where its bytes are wrong. */
static void look(struct opening *o)
{
    struct c2_fetching *f = o->f;
    struct c2_chunk_extents ext = {0};
    struct cat2_error err = {0};
    bool ok = c2_direct_goes_on(f);

    if (ok) ok = c2_cachefile_extents(f->cf, o->nchunk, c2_buf_bytes(&o->head), &ext, &err);
    if (ok && (size_t)ext.need > o->head.n) {
        if (!ask_head(o, ext.need, &err)) c2_direct_skip(f);
        return;
    }
    if (ok)
        ok = gather_all(o, &ext, &err);
    else if (err.code == CAT2_EUNSUPPORTED)
        ok = whole_instead(o, &err);
    if (!ok && err.code == CAT2_EDATA)
        c2_direct_leave(f, &err);
    else if (!ok)
        c2_direct_skip(f);
    c2_chunk_extents_fini(&ext);
    opening_free(o);
}

static void load_work(void *job, void *local)
{
    struct opening *o = job;

    (void)local;
    o->from_cache = c2_cachefile_prefix(o->cf, o->nchunk, &o->head, &o->err);
}

/* What has just been evicted, or damaged, is asked for. */
static void load_done(void *job)
{
    struct opening *o = job;
    struct c2_fetching *f = o->f;

    if (o->from_cache) {
        o->had = o->head.n;
        look(o);
    } else if (!c2_direct_goes_on(f)) {
        c2_direct_skip(f);
        opening_free(o);
    } else if (!ask_first(o, &o->err)) {
        c2_direct_skip(f);
    }
    f->go_on(f);
}

bool c2_direct_start_blocks(struct c2_fetching *f, struct cat2_error *err)
{
    struct opening *o = calloc(1, sizeof(*o));
    const struct c2_pool_share share = {.client = f->ds->serial};

    if (!o) return c2_fail_nomem(err, "request");
    o->f = f;
    o->first = f->next;
    o->nchunk = f->wants[f->next].nchunk;
    while (f->next < f->n && f->wants[f->next].nchunk == o->nchunk && !f->wants[f->next].whole)
        f->next++;
    o->n = f->next - o->first;
    c2_cachefile_place(f->cf, o->nchunk, &o->place, &o->room);
    c2_buf_init(&o->head, C2_CHUNK_CBYTES_MAX);
    o->cf = c2_cachefile_ref(f->cf);
    f->under_way++;
    if (!is_prefix_here(f, o->nchunk)) return ask_first(o, err);
    c2_pool_run_for(f->ds->sub->config.pool, &share, load_work, load_done, o);
    return true;
}
