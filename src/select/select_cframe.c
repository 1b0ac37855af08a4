/* SPDX-License-Identifier: BSD-3-Clause */
/* A selection as a frame of its own: compressed chunks handed on when the grids fall together, else decoded
 * into the chunks of a fresh array, one at a time. */
#include "select/select.h"

#include "base/cancel.h"
#include "blosc/frame_impl.h"

/* Is the selection made of whole chunks, none of them cut but at the array's end? */
static bool is_aligned(const struct c2_meta *meta, const struct c2_bound *bound)
{
    const struct c2_grid *g = &meta->grid;

    if (meta->kind != C2_KIND_ARRAY || bound->nitems == 0) return false;
    for (int i = 0; i < bound->ndim; i++) {
        const struct c2_axis_sel *sel = &bound->axes[i];
        int64_t end = sel->start + sel->count;
        if (sel->dropped || sel->step != 1 || sel->start % g->chunks[i]) return false;
        if (end != g->shape[i] && end % g->chunks[i]) return false;
    }
    return true;
}

/* Are all of them here as a whole? A cache may hold just some blocks of them. */
static bool all_whole(const struct c2_selectable *ds, const struct c2_bound *bound)
{
    struct cat2_error ignored = {0};
    struct c2_chunk_stat st;
    struct c2_grid_walk walk;
    int64_t nchunk;

    c2_grid_walk_init(&walk, &ds->meta->grid, bound);
    while (c2_grid_walk_next(&walk, &nchunk))
        if (!c2_chunk_stat(&ds->chunks, nchunk, &st, &ignored) || st.kind == C2_CHUNK_ABSENT || st.partial)
            return false;
    return true;
}

/* What the result is, without data and attributes; its dtype is borrowed. */
static bool result_meta(const struct c2_meta *from, const struct c2_bound *bound, bool aligned,
                        struct c2_meta *out, struct cat2_error *err)
{
    int32_t chunks[C2_DIM_MAX], blocks[C2_DIM_MAX], typesize = from->cparams.typesize;
    const int32_t *use_chunks = from->grid.chunks, *use_blocks = from->grid.blocks;

    *out = (struct c2_meta){.kind = C2_KIND_ARRAY, .dtype = from->dtype, .contiguous = true};
    if (!aligned) {
        c2_grid_choose(bound->out_shape, bound->out_ndim, typesize, chunks, blocks);
        use_chunks = chunks;
        use_blocks = blocks;
    }
    if (!c2_grid_init(&out->grid, bound->out_shape, use_chunks, use_blocks, bound->out_ndim, typesize, true,
                      err))
        return false;
    int64_t blocksize = out->grid.block_items * typesize, chunksize = out->grid.chunk_items * typesize;
    out->cparams = aligned ? from->cparams : c2_cparams_fast(typesize, (int32_t)blocksize);
    out->chunksize = (int32_t)chunksize;
    out->chunkshape = (int32_t)out->grid.chunk_items;
    out->nchunks = out->grid.nchunks;
    return c2_mul_i64(out->nchunks, chunksize, &out->nbytes) ||
           c2_fail(err, CAT2_ELIMIT, "selection is too large");
}

/* Chunk nchunk of the source, guarded, as it is. */
static bool copy_chunk(const struct c2_selectable *ds, int64_t nchunk, struct c2_buf *chunk,
                       struct cat2_error *err)
{
    struct c2_chunk_expect want = c2_meta_expect(ds->meta, nchunk);
    struct c2_chunk_info info;
    struct c2_chunk_stat st;

    c2_buf_clear(chunk);
    if (!c2_chunk_stat(&ds->chunks, nchunk, &st, err)) return false;
    if (st.kind == C2_CHUNK_ABSENT)
        return c2_fail(err, CAT2_ENOTFOUND, "chunk %lld is not cached", (long long)nchunk);
    if (st.kind != C2_CHUNK_STORED)
        return c2_chunk_special(st.kind, &ds->meta->cparams, (int32_t)want.nbytes, chunk, err);
    return c2_buf_resize(chunk, (size_t)st.cbytes, err) &&
           c2_chunk_read(&ds->chunks, nchunk, 0, st.cbytes, chunk->p, err) &&
           c2_guard_chunk(c2_buf_bytes(chunk), &want, &info, err);
}

static bool copy_chunks(const struct c2_selectable *ds, const struct c2_bound *bound,
                        struct c2_frame_writer *w, struct cat2_error *err)
{
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    struct c2_grid_walk walk;
    int64_t nchunk;

    c2_grid_walk_init(&walk, &ds->meta->grid, bound);
    while (c2_grid_walk_next(&walk, &nchunk))
        if (c2_cancelled(err) || !copy_chunk(ds, nchunk, &chunk, err) ||
            !c2_frame_writer_add(w, c2_buf_bytes(&chunk), err))
            return false;
    return true;
}

/* The part of the selection that makes chunk nchunk of the result, and a grid of just that chunk. */
static bool chunk_part(const struct c2_grid *grid, const struct c2_bound *bound, int64_t nchunk,
                       struct c2_bound *part, struct c2_grid *one, struct cat2_error *err)
{
    int64_t shape[C2_DIM_MAX] = {0};
    int axis = bound->ndim - 1;

    *part = *bound;
    for (int i = grid->ndim - 1; i >= 0; i--) {
        int64_t first = nchunk % grid->nchunks_along[i] * grid->chunks[i];
        nchunk /= grid->nchunks_along[i];
        shape[i] = c2_min_i64(grid->chunks[i], grid->shape[i] - first);
        while (bound->axes[axis].dropped)
            axis--;
        *part = c2_bound_part(part, axis--, first, shape[i]);
    }
    return c2_grid_init(one, shape, grid->chunks, grid->blocks, grid->ndim, grid->typesize, true, err);
}

/* Reused from chunk to chunk. */
struct scratch {
    struct c2_buf items, padded, chunk;
};

static void scratch_fini(struct scratch *s)
{
    c2_buf_fini(&s->items);
    c2_buf_fini(&s->padded);
    c2_buf_fini(&s->chunk);
}
C2_DEFINE_AUTO(scratch);

/* Where decoded items come from: a dataset, or memory. */
struct items_source {
    const struct c2_selectable *ds;
    const uint8_t *items; /* of one axis; NULL: of ds */
};

static bool read_part(struct c2_codec *codec, const struct items_source *from, const struct c2_bound *part,
                      size_t typesize, uint8_t *out, struct cat2_error *err)
{
    if (!from->items) return c2_select_items(codec, from->ds, part, out, err);
    if (part->nitems)
        memcpy(out, from->items + (size_t)part->axes[0].start * typesize, (size_t)part->nitems * typesize);
    return true;
}

static bool make_chunk(struct c2_codec *codec, const struct items_source *from, const struct c2_bound *bound,
                       const struct c2_meta *meta, int64_t nchunk, struct scratch *s, struct cat2_error *err)
{
    size_t typesize = (size_t)meta->cparams.typesize;
    struct c2_bound part;
    struct c2_grid one;

    c2_buf_clear(&s->chunk);
    if (!chunk_part(&meta->grid, bound, nchunk, &part, &one, err) ||
        !c2_buf_resize(&s->items, (size_t)part.nitems * typesize, err) ||
        !read_part(codec, from, &part, typesize, s->items.p, err))
        return false;
    const uint8_t *plain = s->items.p;
    if (part.nitems != one.chunk_items || one.nblocks > 1) { /* else C order is block order */
        if (!c2_buf_resize(&s->padded, (size_t)meta->chunksize, err)) return false;
        c2_grid_gather(&one, s->items.p, 0, s->padded.p);
        plain = s->padded.p;
    }
    return c2_codec_encode(codec, &meta->cparams, plain, meta->chunksize, &s->chunk, err);
}

static bool make_chunks(struct c2_codec *codec, const struct items_source *from, const struct c2_bound *bound,
                        const struct c2_meta *meta, struct c2_frame_writer *w, struct cat2_error *err)
{
    C2_AUTO(scratch)
    s = {.items = C2_BUF_INIT(C2_CHUNK_NBYTES_MAX),
         .padded = C2_BUF_INIT(C2_CHUNK_NBYTES_MAX),
         .chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX)};

    for (int64_t i = 0; i < meta->nchunks; i++)
        if (c2_cancelled(err) || !make_chunk(codec, from, bound, meta, i, &s, err) ||
            !c2_frame_writer_add(w, c2_buf_bytes(&s.chunk), err))
            return false;
    return true;
}

bool c2_select_cframe(struct c2_codec *codec, const struct c2_selectable *ds, const struct c2_bound *bound,
                      int fd, struct c2_buf *out, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_frame_writer) *w = NULL;
    bool aligned = is_aligned(ds->meta, bound) && all_whole(ds, bound);
    struct c2_meta meta;

    if (!result_meta(ds->meta, bound, aligned, &meta, err) || !c2_frame_writer_new(fd, &meta, &w, err))
        return false;
    struct items_source from = {ds, NULL};
    bool ok = aligned ? copy_chunks(ds, bound, w, err) : make_chunks(codec, &from, bound, &meta, w, err);
    return ok && c2_frame_writer_finish(w, fd < 0 ? out : NULL, err);
}

bool c2_select_cframe_of(struct c2_codec *codec, const struct c2_dtype *dtype, const uint8_t *items,
                         int64_t nitems, int fd, struct c2_buf *out, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_frame_writer) *w = NULL;
    struct c2_meta like = {.dtype = *dtype, .cparams = {.typesize = (int32_t)dtype->itemsize}}, meta;
    struct items_source from = {NULL, items};
    struct c2_slice all = {0};
    struct c2_bound bound;

    return c2_slice_bind(&all, &nitems, 1, &bound, err) && result_meta(&like, &bound, false, &meta, err) &&
           c2_frame_writer_new(fd, &meta, &w, err) && make_chunks(codec, &from, &bound, &meta, w, err) &&
           c2_frame_writer_finish(w, fd < 0 ? out : NULL, err);
}
