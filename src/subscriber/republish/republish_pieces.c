/* SPDX-License-Identifier: BSD-3-Clause */
/* ?pieces= out of the cache: what is missing of a window of them comes in one fetch, and each record is cut
 * from what is stored then. The next window is read when the socket has taken the last. */
#include <stdlib.h>

#include "base/limits.h"
#include "blosc/cut.h"
#include "blosc/frame_impl.h"
#include "subscriber/answer/lookup.h"
#include "subscriber/answer/view.h"
#include "subscriber/fetch/read.h"
#include "subscriber/mirror/roots.h"
#include "subscriber/republish/republish.h"
#include "wire/proof.h"

#define WINDOW    (4 << 20) /* decoded bytes of the pieces of a window: what a request may hold, about */
#define ITEM_COST 64        /* what is kept of each, at least */

struct item {
    int64_t nchunk;
    size_t want;
};
struct sending {
    struct c2_request *req;
    struct c2_ds *ds;
    struct c2_read read;
    struct c2_asker asker;
    struct c2_pieces_want want;
    size_t at;      /* in want */
    int64_t nchunk; /* next one of that want */
    struct {
        C2_VEC(struct item);
    } window;
    struct {
        C2_VEC(int64_t);
    } blocks; /* of the window */
    struct {
        C2_VEC(struct c2_range);
    } ranges; /* of the frame, of a window of bytes */
    struct c2_bound all;
    struct c2_cachefile *cf; /* where places of chunks are told */
    struct c2_buf out;
    size_t sent;
    bool hashed, replied, reading, failed, left;
};

static void sending_free(struct sending *s)
{
    c2_pieces_want_fini(&s->want);
    c2_vec_fini(&s->window);
    c2_vec_fini(&s->blocks);
    c2_vec_fini(&s->ranges);
    c2_buf_fini(&s->out);
    c2_cachefile_unref(s->cf);
    c2_ds_unref(s->ds);
    free(s);
}

/* ---- a window ---- */

static int64_t blocks_per_chunk(const struct sending *s)
{
    return c2_max_i64(1, s->ds->meta->grid.nblocks);
}

/* All must exist before anything is sent. */
static bool check_wants(const struct sending *s, struct cat2_error *err)
{
    for (size_t i = 0; i < s->want.n; i++) {
        const struct c2_piece_want *want = &s->want.p[i];
        if (want->chunks.last >= s->ds->meta->nchunks)
            return c2_fail(err, CAT2_ENOTFOUND, "chunk %lld: the dataset has %lld",
                           (long long)want->chunks.last, (long long)s->ds->meta->nchunks);
        for (size_t j = 0; !want->bytes && j < want->nspans; j++)
            if (s->want.spans.p[want->span_at + j].last >= blocks_per_chunk(s))
                return c2_fail(err, CAT2_ENOTFOUND, "its chunks have %lld blocks",
                               (long long)blocks_per_chunk(s));
    }
    return true;
}

static bool add_blocks(struct sending *s, int64_t nchunk, int64_t first, int64_t last, struct cat2_error *err)
{
    for (int64_t i = first; i <= last; i++)
        if (!c2_vec_push(&s->blocks, C2_VEC_NO_MAX, "blocks", err, nchunk * blocks_per_chunk(s) + i))
            return false;
    return true;
}

/* Where the frame has the bytes of the chunk that are wanted. false: that is not known, or blocks are wanted;
 * then bytes stand for the whole chunk. */
static bool range_of(const struct sending *s, const struct c2_piece_want *want, struct c2_range *out)
{
    struct c2_span bytes = want->bytes ? s->want.spans.p[want->span_at] : (struct c2_span){0, 0};
    int64_t off, room;

    if (!want->bytes || !c2_cachefile_is_mirror(s->cf) ||
        !c2_cachefile_place(s->cf, s->nchunk, &off, &room) || bytes.first >= room)
        return false;
    *out = (struct c2_range){off + bytes.first, c2_min_i64(bytes.last + 1, room) - bytes.first};
    return true;
}

static bool add_item(struct sending *s, const struct c2_piece_want *want, int64_t *cost,
                     struct cat2_error *err)
{
    bool whole = want->bytes || !want->nspans;
    int64_t nblocks = blocks_per_chunk(s), n = whole ? nblocks : 0;
    bool ok = !whole || add_blocks(s, s->nchunk, 0, nblocks - 1, err);

    for (size_t i = 0; ok && !whole && i < want->nspans; i++) {
        struct c2_span span = s->want.spans.p[want->span_at + i];
        ok = add_blocks(s, s->nchunk, span.first, span.last, err);
        n += span.last - span.first + 1;
    }
    *cost += s->ds->meta->chunksize / nblocks * n;
    return ok;
}

/* The pieces that come next: of one kind, and of rising chunks. */
static bool plan_window(struct sending *s, struct cat2_error *err)
{
    int64_t cost = 0, last = -1;

    s->window.n = s->blocks.n = s->ranges.n = 0;
    while (s->at < s->want.n && cost < WINDOW) {
        const struct c2_piece_want *want = &s->want.p[s->at];
        struct c2_range range;
        bool in_frame = range_of(s, want, &range);
        if (s->nchunk <= last || (in_frame ? s->blocks.n : s->ranges.n)) break;
        if (!c2_vec_push(&s->window, C2_VEC_NO_MAX, "pieces", err, (struct item){s->nchunk, s->at}) ||
            !(in_frame ? c2_vec_push(&s->ranges, C2_VEC_NO_MAX, "ranges", err, range)
                       : add_item(s, want, &cost, err)))
            return false;
        cost += ITEM_COST + (in_frame ? range.n + s->ds->meta->cparams.blocksize : 0);
        last = s->nchunk;
        if (++s->nchunk > want->chunks.last && ++s->at < s->want.n) s->nchunk = s->want.p[s->at].chunks.first;
    }
    return true;
}

/* ---- its records ---- */

static bool cut(struct sending *s, const struct c2_reading *reading, const struct item *item,
                struct c2_cut *out, struct cat2_error *err)
{
    const struct c2_piece_want *want = &s->want.p[item->want];
    struct c2_cut_want only = {want->nspans ? s->want.spans.p + want->span_at : NULL, want->nspans,
                               want->bytes};
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    bool partial;

    if (!c2_select_stored(&reading->source, item->nchunk, &partial, &chunk, err)) return false;
    if (!partial) return c2_cut_chunk(&chunk, &only, out, err);
    if (want->nspans == 0) return c2_read_whole(reading, item->nchunk, err);
    struct c2_chunk_expect expect = c2_meta_expect(reading->source.meta, item->nchunk);
    return c2_cut_partial(&reading->source.chunks, item->nchunk, &expect, &only, out, err);
}

static bool put_record(struct sending *s, const struct c2_reading *reading, const struct item *item,
                       struct cat2_error *err)
{
    C2_AUTO(c2_cut) made;

    c2_cut_init(&made);
    if (!cut(s, reading, item, &made, err)) return false;
    struct c2_piece piece = {.whole = made.whole,
                             .nchunk = item->nchunk,
                             .hashed = s->hashed,
                             .nblocks = (int32_t)(made.blocks.n / sizeof(int32_t)),
                             .blocks = (const int32_t *)(const void *)made.blocks.p,
                             .prefix = c2_buf_bytes(&made.prefix),
                             .data = c2_buf_bytes(&made.data)};
    return c2_piece_encode(&piece, &s->out, err);
}

/* Bytes that are wanted are looked at first: what is missing under them is fetched, and nothing is cut yet.
 */
static bool look_at_ranges(const struct sending *s, const struct c2_reading *reading, struct cat2_error *err)
{
    C2_AUTO(c2_buf) bytes = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);

    for (size_t i = 0; i < s->ranges.n; i++) {
        size_t n = (size_t)s->ranges.p[i].n;
        if (!c2_buf_resize(&bytes, n, err) || !c2_read_bytes(reading, s->ranges.p[i].off, n, bytes.p, err))
            return false;
    }
    return true;
}

static bool window_work(void *ctx, const struct c2_reading *reading, struct cat2_error *err)
{
    struct sending *s = ctx;
    bool ok = look_at_ranges(s, reading, err);

    c2_buf_clear(&s->out);
    if (ok && c2_read_missed(reading)) return true;
    for (size_t i = 0; ok && i < s->window.n; i++)
        ok = put_record(s, reading, &s->window.p[i], err);
    return ok;
}

/* ---- the answer ---- */

static int64_t sending_pull(void *ctx, uint8_t *to, size_t room);
static void read_window(struct sending *s);

static void body_free(void *ctx)
{
    struct sending *s = ctx;

    s->left = true;
    atomic_store(&s->asker.cancel.now, true);
    if (!s->reading) sending_free(s);
}

/* The first window decides the status; later failures cut the answer short. */
static void window_done(void *ctx, const struct cat2_error *err)
{
    struct sending *s = ctx;
    struct c2_body body = {sending_pull, body_free, s};

    s->reading = false;
    s->failed = err != NULL;
    if (s->left) {
        sending_free(s);
    } else if (s->replied) {
        c2_body_wake(s->req);
    } else if (err) {
        c2_sub_answer_error(s->req, s->ds, err);
        sending_free(s);
    } else {
        s->replied = true;
        c2_reply_body(s->req, 200, C2_PIECES_TYPE, -1, &body);
    }
}

static void read_window(struct sending *s)
{
    static const struct c2_reader reader = {.work = window_work, .done = window_done};
    struct cat2_error err;

    s->reading = true;
    s->sent = 0;
    if (!plan_window(s, &err)) {
        window_done(s, &err);
        return;
    }
    struct c2_pieces pieces = {.need = C2_NEED_BLOCKS,
                               .bound = &s->all,
                               .blocks = s->blocks.p,
                               .n = s->blocks.n,
                               .asker = &s->asker};
    if (s->ranges.n)
        pieces = (struct c2_pieces){
            .need = C2_NEED_BYTES, .ranges = s->ranges.p, .n = s->ranges.n, .asker = &s->asker};
    c2_read(&s->read, s->ds, &pieces, &reader, s);
}

static int64_t sending_pull(void *ctx, uint8_t *to, size_t room)
{
    struct sending *s = ctx;

    if (s->reading) return C2_BODY_WAIT;
    if (s->failed) return C2_BODY_FAIL;
    if (s->sent == s->out.n) {
        if (s->at == s->want.n) return C2_BODY_END;
        read_window(s);
        return s->failed ? C2_BODY_FAIL : C2_BODY_WAIT;
    }
    size_t n = s->out.n - s->sent < room ? s->out.n - s->sent : room;
    memcpy(to, s->out.p + s->sent, n);
    s->sent += n;
    return (int64_t)n;
}

/* The cache file is there: the places of chunks are known. */
static void file_done(void *ctx, const struct cat2_error *err)
{
    struct sending *s = ctx;

    if (!err) {
        s->cf = c2_cachefile_ref(s->ds->cf);
        read_window(s);
        return;
    }
    c2_sub_answer_error(s->req, s->ds, err);
    sending_free(s);
}

static bool begin(struct sending *s, struct cat2_error *err)
{
    static const struct c2_slice whole = {0};
    const struct c2_grid *grid = &s->ds->meta->grid;
    struct c2_str text = {"", 0}, wanted;

    c2_request_query(s->req, "pieces", &text);
    s->hashed = c2_request_header(s->req, C2_PROOF_WANT, &wanted);
    s->asker.client = c2_view_client(s->req);
    c2_buf_init(&s->out, WINDOW + 2 * (size_t)C2_CHUNK_CBYTES_MAX);
    return c2_pieces_parse(text, &s->want, err) && check_wants(s, err) &&
           c2_slice_bind(&whole, grid->shape, grid->ndim, &s->all, err);
}

static void reply(struct c2_request *req, struct c2_ds *ds)
{
    static const struct c2_reader reader = {.done = file_done};
    struct cat2_error err;

    if (!c2_republish_is_meant(req, ds)) return;
    struct sending *s = calloc(1, sizeof(*s));
    if (!s) {
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    s->req = req;
    s->ds = c2_ds_ref(ds);
    if (!begin(s, &err)) {
        c2_reply_error(req, &err);
        sending_free(s);
        return;
    }
    s->nchunk = s->want.p[0].chunks.first;
    c2_read(&s->read, ds, &(struct c2_pieces){.need = C2_NEED_FILE}, &reader, s);
}

void c2_republish_pieces(struct c2_request *req, void *state)
{
    c2_republish_with(req, state, reply);
}
