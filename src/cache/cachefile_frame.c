/* SPDX-License-Identifier: BSD-3-Clause */
/* A mirror read as the frame it mirrors, by position: header, index and trailer are always here, chunks as
 * far as they are cached. */
#include "cache/cachefile_impl.h"

#include <fcntl.h>

/* One read on its way, and where to tell what is missing. */
struct window {
    struct c2_cachefile *cf;
    int64_t off, end;
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

static bool tell_missing(const struct window *w, int64_t nchunk, int64_t off, int64_t n)
{
    struct c2_chunk_span span = {nchunk, (int32_t)off, (int32_t)n};

    return w->missing(w->ctx, &span) || c2_fail_nomem(w->err, "missing pieces");
}

static bool read_chunk(void *ctx, int64_t nchunk)
{
    const struct window *w = ctx;
    struct c2_chunks chunks = c2_cachefile_chunks(w->cf);
    struct c2_chunk_stat st;
    int64_t place, room;

    if (!c2_cachefile_place(w->cf, nchunk, &place, &room)) return true;
    if (!c2_chunk_stat(&chunks, nchunk, &st, w->err)) return false;
    bool here = st.kind == C2_CHUNK_STORED;
    int64_t size = here ? st.cbytes : c2_min_i64(room, C2_CHUNK_CBYTES_MAX);
    int64_t lo = c2_max_i64(place, w->off), hi = c2_min_i64(place + size, w->end);
    if (lo >= hi) return true;
    if (!here) return tell_missing(w, nchunk, lo - place, hi - lo);
    if (c2_chunk_read(&chunks, nchunk, (int32_t)(lo - place), (int32_t)(hi - lo), w->to + (lo - w->off),
                      w->err))
        return true;
    return w->err->code == CAT2_ENOTFOUND && tell_missing(w, nchunk, lo - place, hi - lo);
}

static bool is_here(void *ctx, int64_t nchunk)
{
    const struct window *w = ctx;
    struct c2_chunks chunks = c2_cachefile_chunks(w->cf);
    struct c2_chunk_stat st;
    struct cat2_error err;

    return c2_chunk_stat(&chunks, nchunk, &st, &err) && st.kind != C2_CHUNK_ABSENT;
}

/* Whoever reads a frame from its beginning makes the system read ahead. Where the next chunk is a hole, that
 * would fill memory with zeros, which takes as long as all else. */
static void choose_ahead(const struct window *w)
{
    bool ahead = c2_cachefile_chunks_under(w->cf, w->end, 1, is_here, (void *)(uintptr_t)w);

    if (w->cf->fd >= 0 && atomic_exchange(&w->cf->reads_no_further, !ahead) == ahead)
        posix_fadvise(w->cf->fd, 0, 0, ahead ? POSIX_FADV_NORMAL : POSIX_FADV_RANDOM);
}

bool c2_cachefile_read_frame(struct c2_cachefile *cf, int64_t off, size_t n, uint8_t *to, c2_span_fn *missing,
                             void *ctx, struct cat2_error *err)
{
    const struct c2_frame_layout *l = &cf->layout;
    struct window w = {cf, off, off + (int64_t)n, to, missing, ctx, err};

    memset(to, 0, n);
    give_fixed(&w, 0, c2_buf_bytes(&cf->frame->header));
    give_fixed(&w, l->index_off, c2_buf_bytes(&cf->tail));
    choose_ahead(&w);
    return c2_cachefile_chunks_under(cf, off, (int64_t)n, read_chunk, &w);
}

bool c2_cachefile_is_blockwise(const struct c2_cachefile *cf)
{
    return cf->blocks_per_chunk > 1;
}
