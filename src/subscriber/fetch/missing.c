/* SPDX-License-Identifier: BSD-3-Clause */
/* What of a reader's pieces is missing, and in what portions it is best asked for. */
#include <stdlib.h>

#include "base/limits.h"
#include "subscriber/fetch/read_impl.h"

#define BLOCKWISE_MIN (128 << 10) /* smaller chunks come whole */

bool c2_ds_is_flying(const struct c2_ds *ds, int64_t nchunk)
{
    return ds->flying && (ds->flying[nchunk / 8] >> (nchunk % 8) & 1);
}

/* To be fetched, unless it is under way already. Takes want.blocks. */
static bool add_want(struct c2_read *r, struct c2_want want, struct cat2_error *err)
{
    bool flying = c2_ds_is_flying(r->ds, want.nchunk);

    if (flying) {
        r->others = true;
        r->blocked_on = want.nchunk;
    }
    bool later = flying || r->wants.n == C2_WANTS_MAX; /* past that: the next look's */
    if (!later && c2_vec_push(&r->wants, C2_WANTS_MAX, "pieces", err, want)) return true;
    free(want.blocks);
    return later;
}

/* For the metrics: of n blocks of a chunk, or of all of it (0), so many are not here. */
static void count(const struct c2_read *r, int32_t n, int32_t nlacking)
{
    const struct c2_meta *meta = r->ds->meta;
    int64_t unit = n ? meta->cparams.blocksize : meta->chunksize;

    if (r->need != C2_NEED_CHUNKS) /* those are wanted when they are read */
        r->ds->sub->cache.wanted += unit * c2_max_i64(n, 1);
    r->ds->sub->cache.missed += unit * nlacking;
}

/* Is the whole chunk the better choice, where n of its blocks are needed? */
static bool comes_whole(const struct c2_read *r, int64_t n)
{
    const struct c2_grid *grid = &c2_cachefile_meta(r->cf)->grid;

    return !r->ds->speaks_pieces || grid->nblocks < 2 || r->ds->meta->chunksize < BLOCKWISE_MIN ||
           n * 2 > grid->nblocks;
}

/* Note what chunk nchunk lacks of the blocks needed (n 0: whole). Where most of a chunk is needed it comes
 * whole, unless some of it is here already and less than half is lacking: it is not sent twice then. */
static bool want_chunk(struct c2_read *r, int64_t nchunk, const int32_t *blocks, int32_t n,
                       struct cat2_error *err)
{
    bool absent = false;
    int32_t nlacking = c2_cachefile_missing(r->cf, nchunk, n ? blocks : NULL, n, r->lacking, &absent);

    if (nlacking && n && comes_whole(r, absent ? n : nlacking)) {
        n = 0;
        nlacking = 1;
    }
    struct c2_want want = {.nchunk = nchunk, .whole = n == 0, .nblocks = n ? nlacking : 0};
    if (!r->counted) count(r, n, nlacking);
    if (nlacking == 0) return true;
    if (n) {
        want.blocks = malloc((size_t)nlacking * sizeof(*want.blocks));
        if (!want.blocks) return c2_fail_nomem(err, "fetch");
        memcpy(want.blocks, r->lacking, (size_t)nlacking * sizeof(*want.blocks));
    }
    return add_want(r, want, err);
}

/* Bytes of its chunk that are wanted now or soon. */
static int64_t wanted_of(const struct c2_read *r, const struct c2_chunk_span *span, int64_t place,
                         int64_t room)
{
    return c2_max_i64(span->n, c2_min_i64(place + room, r->end) - (place + span->off));
}

/* Is it best to ask for just the blocks under the n spans of a chunk? */
static bool come_apart(const struct c2_read *r, const struct c2_chunk_span *spans, size_t n)
{
    int64_t off, room, wanted = 0;

    if (!r->ds->speaks_pieces || !c2_cachefile_is_blockwise(r->cf) ||
        !c2_cachefile_place(r->cf, spans->nchunk, &off, &room) || room < BLOCKWISE_MIN)
        return false;
    for (size_t i = 0; i < n; i++)
        wanted += i + 1 < n ? spans[i].n : wanted_of(r, &spans[i], off, room);
    return wanted * 2 <= room;
}

/* The chunk of n spans: just the blocks under them, where that is less; or all of it, once. Spans that may
 * lie in one block are asked for as one. */
static bool want_spans(struct c2_read *r, const struct c2_chunk_span *spans, size_t n, struct cat2_error *err)
{
    for (size_t i = 0; i < n && !r->counted; i++)
        r->ds->sub->cache.missed += spans[i].n;
    if (!come_apart(r, spans, n))
        return add_want(r, (struct c2_want){.nchunk = spans->nchunk, .whole = true}, err);
    int32_t near = c2_cachefile_meta(r->cf)->cparams.blocksize;
    for (size_t i = 0, last; i < n; i = last + 1) {
        int32_t off = spans[i].off, end = off + spans[i].n;
        for (last = i; last + 1 < n && spans[last + 1].off - near <= end; last++)
            end = (int32_t)c2_max_i64(end, spans[last + 1].off + spans[last + 1].n);
        const struct c2_want want = {.nchunk = spans->nchunk, .off = off, .n = end - off};
        if (!add_want(r, want, err)) return false;
    }
    return true;
}

static int by_place(const void *a, const void *b)
{
    const struct c2_chunk_span *x = a, *y = b;
    int order = (x->nchunk > y->nchunk) - (x->nchunk < y->nchunk);

    return order ? order : (x->off > y->off) - (x->off < y->off);
}

/* What work found missing; several ranges may lie in one chunk, in any order. */
static bool want_missing(struct c2_read *r, struct cat2_error *err)
{
    const struct c2_chunk_span *spans = r->missing.p;
    size_t n = r->missing.n, end;

    if (n) qsort(r->missing.p, n, sizeof(*spans), by_place);
    for (size_t i = 0; i < n; i = end) {
        for (end = i + 1; end < n && spans[end].nchunk == spans[i].nchunk;)
            end++;
        if (!want_spans(r, &spans[i], end - i, err)) return false;
    }
    return true;
}

/* Blocks of a chunk that a selection needs; 0: it comes whole, however many these are. */
static int32_t blocks_of(struct c2_read *r, int64_t nchunk)
{
    if (comes_whole(r, 0)) return 0;
    return (int32_t)c2_grid_blocks(&c2_cachefile_meta(r->cf)->grid, &r->bound, nchunk, r->blocks);
}

static bool want_listed(struct c2_read *r, struct cat2_error *err)
{
    int64_t per_chunk = c2_max_i64(1, c2_cachefile_meta(r->cf)->grid.nblocks);

    for (size_t i = 0; i < r->nlisted;) {
        int64_t nchunk = r->listed[i] / per_chunk;
        int32_t n = 0;
        for (; i < r->nlisted && r->listed[i] / per_chunk == nchunk; i++)
            r->blocks[n++] = (int32_t)(r->listed[i] % per_chunk);
        if (!want_chunk(r, nchunk, r->blocks, comes_whole(r, 0) ? 0 : n, err)) return false;
    }
    return true;
}

static bool make_scratch(struct c2_read *r, struct cat2_error *err)
{
    size_t n = (size_t)c2_max_i64(1, c2_cachefile_meta(r->cf)->grid.nblocks);

    if (r->blocks) return true;
    r->blocks = malloc(n * sizeof(*r->blocks));
    r->lacking = malloc(n * sizeof(*r->lacking));
    return (r->blocks && r->lacking) || c2_fail_nomem(err, "fetch");
}

bool c2_read_look(struct c2_read *r, struct cat2_error *err)
{
    const struct c2_meta *meta = c2_cachefile_meta(r->cf);
    struct c2_grid_walk walk;
    int64_t nchunk;
    bool ok = make_scratch(r, err);

    r->others = false;
    if (ok && r->need == C2_NEED_BOUND) {
        c2_grid_walk_init(&walk, &meta->grid, &r->bound);
        while (ok && c2_grid_walk_next(&walk, &nchunk))
            ok = want_chunk(r, nchunk, r->blocks, blocks_of(r, nchunk), err);
    }
    if (ok && r->need == C2_NEED_BLOCKS) ok = want_listed(r, err);
    for (size_t i = 0; ok && r->need == C2_NEED_CHUNKS && i < r->nlisted; i++)
        ok = want_chunk(r, r->listed[i], r->blocks, r->whole ? 0 : blocks_of(r, r->listed[i]), err);
    ok = ok && want_missing(r, err);
    if (r->missing.n) r->counted = true;
    r->missing.n = 0; /* work looks again */
    for (nchunk = 0; ok && r->need == C2_NEED_ALL && nchunk < meta->nchunks; nchunk++)
        ok = want_chunk(r, nchunk, NULL, 0, err);
    if (r->need != C2_NEED_FILE && r->need != C2_NEED_BYTES && r->need != C2_NEED_SPANS) r->counted = true;
    return ok;
}

void c2_read_drop_wants(struct c2_read *r)
{
    for (size_t i = 0; i < r->wants.n; i++)
        free(r->wants.p[i].blocks);
    c2_vec_fini(&r->wants);
}

bool c2_read_note(void *read, const struct c2_chunk_span *span)
{
    struct c2_read *r = read;

    struct cat2_error err;

    return c2_vec_push(&r->missing, C2_VEC_NO_MAX, "pieces", &err, *span);
}
