/* SPDX-License-Identifier: BSD-3-Clause */
/* A mirror read as the frame it mirrors, by position: header, index and trailer are always here, chunks as
 * far as they are cached. */
#include "cache/cachefile_impl.h"

/* One read on its way, and where to tell what is missing. */
struct window {
    struct c2_cachefile *cf;
    int64_t off, end;
    int64_t at; /* before it, all bytes were given */
    uint8_t *to;
    c2_span_fn *missing;
    void *ctx;
    struct cat2_error *err;
};

/* What never is evicted, the frame's bytes before the first chunk and from the index on, is in memory: it was
 * checked when the file was opened. */
static void give_fixed(const struct window *w, int64_t at, struct c2_bytes bytes)
{
    int64_t lo = c2_max_i64(at, w->off), hi = c2_min_i64(at + (int64_t)bytes.n, w->end);

    if (lo < hi) memcpy(w->to + (lo - w->off), bytes.p + (lo - at), (size_t)(hi - lo));
}

/* Up to a place: no chunk has these bytes. */
static void give_zeros(struct window *w, int64_t end)
{
    if (end > w->at) memset(w->to + (w->at - w->off), 0, (size_t)(end - w->at));
    w->at = c2_max_i64(w->at, end);
}

static bool tell_missing(const struct window *w, int64_t nchunk, int64_t off, int64_t n)
{
    struct c2_chunk_span span = {nchunk, (int32_t)off, (int32_t)n};

    return w->missing(w->ctx, &span) || c2_fail_nomem(w->err, "missing pieces");
}

static bool read_chunk(void *ctx, int64_t nchunk)
{
    struct window *w = ctx;
    struct c2_chunks chunks = c2_cachefile_chunks(w->cf);
    struct c2_chunk_stat st;
    int64_t place, room;

    if (!c2_cachefile_place(w->cf, nchunk, &place, &room)) return true;
    if (!c2_chunk_stat(&chunks, nchunk, &st, w->err)) return false;
    bool here = st.kind == C2_CHUNK_STORED;
    int64_t size = here ? st.cbytes : c2_min_i64(room, C2_CHUNK_CBYTES_MAX);
    int64_t lo = c2_max_i64(place, w->off), hi = c2_min_i64(place + size, w->end);
    if (lo >= hi) return true;
    give_zeros(w, lo);
    w->at = c2_max_i64(w->at, hi);
    if (!here) return tell_missing(w, nchunk, lo - place, hi - lo);
    if (c2_chunk_read(&chunks, nchunk, (int32_t)(lo - place), (int32_t)(hi - lo), w->to + (lo - w->off),
                      w->err))
        return true;
    return w->err->code == CAT2_ENOTFOUND && tell_missing(w, nchunk, lo - place, hi - lo);
}

bool c2_cachefile_read_frame(struct c2_cachefile *cf, int64_t off, size_t n, uint8_t *to, c2_span_fn *missing,
                             void *ctx, struct cat2_error *err)
{
    const struct c2_frame_layout *l = &cf->layout;
    struct window w = {cf, off, off + (int64_t)n, off, to, missing, ctx, err};

    if (!c2_cachefile_chunks_under(cf, off, (int64_t)n, read_chunk, &w)) return false;
    give_zeros(&w, w.end);
    give_fixed(&w, 0, c2_buf_bytes(&cf->frame->header));
    give_fixed(&w, l->index_off, c2_buf_bytes(&cf->tail));
    return true;
}

bool c2_cachefile_is_blockwise(const struct c2_cachefile *cf)
{
    return cf->blocks_per_chunk > 1;
}
