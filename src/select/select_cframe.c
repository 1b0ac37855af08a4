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

/* What a frame of chunks that are handed on is; its dtype is borrowed. */
static bool aligned_meta(const struct c2_meta *from, const struct c2_bound *bound, struct c2_meta *out,
                         struct cat2_error *err)
{
    *out = (struct c2_meta){.kind = C2_KIND_ARRAY,
                            .dtype = from->dtype,
                            .cparams = from->cparams,
                            .chunksize = from->chunksize,
                            .chunkshape = from->chunkshape,
                            .contiguous = true};
    if (!c2_grid_init(&out->grid, bound->out_shape, from->grid.chunks, from->grid.blocks, bound->out_ndim,
                      from->cparams.typesize, true, err))
        return false;
    out->nchunks = out->grid.nchunks;
    return c2_mul_i64(out->nchunks, out->chunksize, &out->nbytes) ||
           c2_fail(err, CAT2_ELIMIT, "selection is too large");
}

bool c2_select_stored(const struct c2_selectable *ds, int64_t nchunk, bool *partial, struct c2_buf *chunk,
                      struct cat2_error *err)
{
    struct c2_chunk_expect want = c2_meta_expect(ds->meta, nchunk);
    struct c2_chunk_info info;
    struct c2_chunk_stat st;

    c2_buf_clear(chunk);
    if (!c2_chunk_stat(&ds->chunks, nchunk, &st, err)) return false;
    *partial = st.partial;
    if (st.partial) return true;
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
    bool partial;

    c2_grid_walk_init(&walk, &ds->meta->grid, bound);
    while (c2_grid_walk_next(&walk, &nchunk))
        if (c2_cancelled(err) || !c2_select_stored(ds, nchunk, &partial, &chunk, err) ||
            !c2_frame_writer_add(w, c2_buf_bytes(&chunk), err))
            return false;
    return true;
}

static bool hand_on(const struct c2_selectable *ds, const struct c2_bound *bound, int fd, struct c2_buf *out,
                    struct cat2_error *err)
{
    C2_AUTO_PTR(c2_frame_writer) *w = NULL;
    struct c2_meta meta;

    return aligned_meta(ds->meta, bound, &meta, err) && c2_frame_writer_new(fd, &meta, &w, err) &&
           copy_chunks(ds, bound, w, err) && c2_frame_writer_finish(w, fd < 0 ? out : NULL, err);
}

/* ---- a selection whose chunks are made ---- */

struct selected {
    const struct c2_selectable *ds;
    const struct c2_bound *bound;
};

static bool read_selected(void *ctx, struct c2_codec *codec, const int64_t *first, const int64_t *count,
                          uint8_t *items, struct cat2_error *err)
{
    const struct selected *s = ctx;
    struct c2_bound part = *s->bound;

    for (int axis = 0, at = 0; axis < part.ndim; axis++) {
        if (part.axes[axis].dropped) continue;
        part = c2_bound_part(&part, axis, first[at], count[at]);
        at++;
    }
    return c2_select_items(codec, s->ds, &part, items, err);
}

bool c2_select_cframe(struct c2_codec *codec, const struct c2_selectable *ds, const struct c2_bound *bound,
                      enum c2_kind kind, int fd, struct c2_buf *out, struct cat2_error *err)
{
    struct selected selected = {ds, bound};
    struct c2_bound one;
    struct c2_made made = {.kind = kind,
                           .dtype = &ds->meta->dtype,
                           .typesize = ds->meta->cparams.typesize,
                           .ndim = bound->out_ndim,
                           .read = read_selected,
                           .ctx = &selected};

    if (kind == C2_KIND_ARRAY && is_aligned(ds->meta, bound) && all_whole(ds, bound))
        return hand_on(ds, bound, fd, out, err);
    memcpy(made.shape, bound->out_shape, sizeof(made.shape));
    if (kind != C2_KIND_ARRAY && made.ndim == 0) { /* one item of a row of them */
        made.ndim = 1;
        made.shape[0] = 1;
        one = (struct c2_bound){.ndim = 1,
                                .axes = {{bound->axes[0].start, 1, 1, false}},
                                .out_ndim = 1,
                                .out_shape = {1},
                                .nitems = 1};
        selected.bound = &one;
    }
    return c2_select_made(codec, &made, fd, out, err);
}
