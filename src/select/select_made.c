/* SPDX-License-Identifier: BSD-3-Clause */
/* A fresh frame of items that are made as they are asked for: an array chunk by chunk, or a super-chunk. */
#include <string.h>

#include "base/cancel.h"
#include "blosc/frame_impl.h"
#include "select/select.h"

/* Blocks of up to so many bytes are compressed as one stream. LZ4 clears a table for each stream, so eight of
 * them cost more than they bring: 100 x 100 float64 take 8 us instead of 20, and 0.98 to 1.03 of the bytes.
 */
#define ONE_STREAM_MAX (128 << 10)

/* What it is, without data and attributes. */
static bool meta_of(const struct c2_made *made, struct c2_meta *out, struct cat2_error *err)
{
    int32_t chunks[C2_DIM_MAX], blocks[C2_DIM_MAX];
    bool array = made->kind == C2_KIND_ARRAY;

    *out = (struct c2_meta){.kind = made->kind, .dtype = *made->dtype, .contiguous = true};
    c2_grid_choose(made->shape, made->ndim, made->typesize, chunks, blocks);
    if (!c2_grid_init(&out->grid, made->shape, chunks, blocks, made->ndim, made->typesize, array, err))
        return false;
    int64_t items = array ? out->grid.chunk_items : c2_max_i64(1, chunks[0]);
    int64_t blocksize = array ? out->grid.block_items * made->typesize : 0;
    out->cparams = c2_cparams_fast(made->typesize, (int32_t)blocksize);
    if (blocksize > 0 && blocksize <= ONE_STREAM_MAX) out->cparams.splitmode = C2_SPLIT_NEVER;
    out->chunksize = (int32_t)(items * made->typesize);
    out->chunkshape = (int32_t)items;
    out->nchunks = out->grid.nchunks;
    return c2_mul_i64(out->nchunks, out->chunksize, &out->nbytes) ||
           c2_fail(err, CAT2_ELIMIT, "selection is too large");
}

/* Reused from chunk to chunk. */
struct scratch {
    struct c2_buf items, padded;
};

static void scratch_fini(struct scratch *s)
{
    c2_buf_fini(&s->items);
    c2_buf_fini(&s->padded);
}
C2_DEFINE_AUTO(scratch);

/* Which items chunk nchunk has; how many. */
static int64_t box_of(const struct c2_grid *grid, int64_t nchunk, int64_t *first, int64_t *count)
{
    int64_t n = 1;

    c2_grid_chunk_at(grid, nchunk, first);
    for (int i = 0; i < grid->ndim; i++) {
        first[i] *= grid->chunks[i];
        count[i] = c2_min_i64(grid->chunks[i], grid->shape[i] - first[i]);
        n *= count[i];
    }
    return n;
}

static bool add_chunk(struct c2_codec *codec, const struct c2_made *made, const struct c2_meta *meta,
                      int64_t nchunk, struct scratch *s, struct c2_frame_writer *w, struct cat2_error *err)
{
    int64_t first[C2_DIM_MAX] = {0}, count[C2_DIM_MAX] = {0};
    int64_t n = box_of(&meta->grid, nchunk, first, count);
    struct c2_grid one;

    if (!c2_buf_resize(&s->items, (size_t)(n * made->typesize), err) ||
        !made->read(made->ctx, codec, first, count, s->items.p, err))
        return false;
    if (made->kind != C2_KIND_ARRAY)
        return c2_frame_writer_encode(w, codec, s->items.p, (int32_t)s->items.n, err);
    if (!c2_grid_init(&one, count, meta->grid.chunks, meta->grid.blocks, meta->grid.ndim, made->typesize,
                      true, err))
        return false;
    const uint8_t *plain = s->items.p;
    if (n != one.chunk_items || one.nblocks > 1) { /* else C order is block order */
        if (!c2_buf_resize(&s->padded, (size_t)meta->chunksize, err)) return false;
        c2_grid_gather(&one, s->items.p, 0, s->padded.p);
        plain = s->padded.p;
    }
    return c2_frame_writer_encode(w, codec, plain, meta->chunksize, err);
}

bool c2_select_made(struct c2_codec *codec, const struct c2_made *made, int fd, struct c2_buf *out,
                    struct cat2_error *err)
{
    C2_AUTO_PTR(c2_frame_writer) *w = NULL;
    C2_AUTO(scratch)
    s = {.items = C2_BUF_INIT(C2_CHUNK_NBYTES_MAX), .padded = C2_BUF_INIT(C2_CHUNK_NBYTES_MAX)};
    struct c2_meta meta;

    if (!meta_of(made, &meta, err) || !c2_frame_writer_new(fd, &meta, &w, err)) return false;
    for (int64_t i = 0; i < meta.nchunks; i++)
        if (c2_cancelled(err) || !add_chunk(codec, made, &meta, i, &s, w, err)) return false;
    return c2_frame_writer_finish(w, fd < 0 ? out : NULL, err);
}

static bool read_memory(void *ctx, struct c2_codec *codec, const int64_t *first, const int64_t *count,
                        uint8_t *items, struct cat2_error *err)
{
    const struct c2_bytes *from = ctx;
    size_t each = from->n; /* of an item */

    (void)codec, (void)err;
    memcpy(items, from->p + (size_t)first[0] * each, (size_t)count[0] * each);
    return true;
}

bool c2_select_cframe_of(struct c2_codec *codec, const struct c2_dtype *dtype, const uint8_t *items,
                         int64_t nitems, int fd, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_bytes from = {items, (size_t)dtype->itemsize};
    struct c2_made made = {.kind = C2_KIND_ARRAY,
                           .dtype = dtype,
                           .typesize = (int32_t)dtype->itemsize,
                           .ndim = 1,
                           .shape = {nitems},
                           .read = read_memory,
                           .ctx = &from};

    return c2_select_made(codec, &made, fd, out, err);
}
