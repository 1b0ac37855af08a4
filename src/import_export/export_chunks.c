/* SPDX-License-Identifier: BSD-3-Clause */
/* The chunks of one dataset on their way into HDF5: copied wherever they are what HDF5 shall hold. */

#include "base/endian.h"
#include "base/fs.h"
#include "blosc/chunk_format.h"
#include "import_export/export_impl.h"
#include "select/select.h"

static bool encode(struct c2_export_dataset *ds, struct c2_codec *codec, const uint8_t *items,
                   struct c2_crew_unit *unit, struct cat2_error *err)
{
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);

    return c2_codec_encode(codec, &ds->meta.cparams, items, ds->meta.chunksize, &chunk, err) &&
           c2_h5w_wrap(ds->out, c2_buf_bytes(&chunk), &unit->out, err);
}

/* A whole chunk in memory, zeros where the frame has none: the last chunk of a super-chunk is short, HDF5's
 * is not. */
static bool decode(struct c2_export_dataset *ds, struct c2_codec *codec, struct c2_bytes chunk,
                   struct c2_buf *items, struct cat2_error *err)
{
    size_t nbytes = c2_le32(chunk.p + 4);

    if (nbytes > (size_t)ds->meta.chunksize || !c2_buf_resize(items, (size_t)ds->meta.chunksize, err))
        return c2_fail(err, CAT2_EDATA, "a chunk of %zu bytes", nbytes);
    memset(items->p + nbytes, 0, items->n - nbytes);
    return c2_codec_decode(codec, c2_frame_meta(ds->frame), chunk, items->p, err);
}

static bool copy_chunk(struct c2_export_dataset *ds, struct c2_codec *codec, struct c2_crew_unit *unit,
                       struct cat2_error *err)
{
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX), items = C2_BUF_INIT(C2_CHUNK_NBYTES_MAX);

    if (!c2_frame_chunk(ds->frame, unit->i, &chunk, err)) return false;
    bool whole = chunk.n >= C2_CHUNK_HEADER && c2_le32(chunk.p + 4) == (uint32_t)ds->meta.chunksize;
    if (ds->way == C2_WAY_COPY && whole) {
        unit->copied = true;
        return c2_h5w_wrap(ds->out, c2_buf_bytes(&chunk), &unit->out, err);
    }
    return decode(ds, codec, c2_buf_bytes(&chunk), &items, err) && encode(ds, codec, items.p, unit, err);
}

/* What of the dataset lies in a chunk. */
static struct c2_bound box_of(const struct c2_grid *grid, int64_t nchunk)
{
    struct c2_bound bound = {.ndim = grid->ndim, .out_ndim = grid->ndim, .nitems = 1};
    int64_t rest = nchunk;

    for (int axis = grid->ndim - 1; axis >= 0; axis--) {
        int64_t start = rest % grid->nchunks_along[axis] * grid->chunks[axis];
        int64_t count = c2_min_i64(grid->chunks[axis], grid->shape[axis] - start);
        rest /= grid->nchunks_along[axis];
        bound.axes[axis] = (struct c2_axis_sel){.start = start, .step = 1, .count = count};
        bound.out_shape[axis] = count;
        bound.nitems *= count;
    }
    return bound;
}

static bool select_box(struct c2_export_dataset *ds, struct c2_codec *codec, const struct c2_bound *bound,
                       struct c2_buf *box, struct cat2_error *err)
{
    struct c2_selectable from = {c2_frame_meta(ds->frame), c2_frame_chunks(ds->frame)};

    return c2_buf_resize(box, (size_t)bound->nitems * (size_t)ds->meta.grid.typesize, err) &&
           c2_select_items(codec, &from, bound, box->p, err);
}

/* The box of a chunk from whatever chunks it lies in; then block after block. */
static bool cut_chunk(struct c2_export_dataset *ds, struct c2_codec *codec, struct c2_crew_unit *unit,
                      struct cat2_error *err)
{
    C2_AUTO(c2_buf) box = C2_BUF_INIT(C2_CHUNK_NBYTES_MAX), items = C2_BUF_INIT(C2_CHUNK_NBYTES_MAX);
    const struct c2_grid *grid = &ds->meta.grid;
    struct c2_bound bound = box_of(grid, unit->i);
    struct c2_grid alone;

    if (!c2_grid_init(&alone, bound.out_shape, grid->chunks, grid->blocks, grid->ndim, grid->typesize, true,
                      err) ||
        !select_box(ds, codec, &bound, &box, err) || !c2_buf_resize(&items, (size_t)ds->meta.chunksize, err))
        return false;
    c2_grid_gather(&alone, box.p, 0, items.p);
    return encode(ds, codec, items.p, unit, err);
}

static bool file_chunk(struct c2_export_dataset *ds, struct c2_codec *codec, struct c2_crew_unit *unit,
                       struct cat2_error *err)
{
    C2_AUTO(c2_buf) items = C2_BUF_INIT(C2_CHUNK_NBYTES_MAX);
    int64_t start = unit->i * ds->meta.chunksize;
    size_t n = (size_t)c2_min_i64(ds->meta.chunksize, ds->nbytes - start);

    if (!c2_buf_resize(&items, (size_t)ds->meta.chunksize, err) ||
        !c2_fs_pread(ds->fd, items.p, n, start, err))
        return false;
    memset(items.p + n, 0, items.n - n);
    return encode(ds, codec, items.p, unit, err);
}

static bool box_chunk(struct c2_export_dataset *ds, struct c2_codec *codec, struct c2_crew_unit *unit,
                      struct cat2_error *err)
{
    struct c2_bound bound = box_of(&ds->meta.grid, unit->i);

    if (!ds->frame)
        return c2_buf_resize(&unit->out, (size_t)bound.nitems, err) &&
               c2_fs_pread(ds->fd, unit->out.p, unit->out.n, bound.axes[0].start, err);
    return select_box(ds, codec, &bound, &unit->out, err);
}

static bool put_box(struct c2_export_dataset *ds, const struct c2_crew_unit *unit, struct cat2_error *err)
{
    struct c2_bound bound = box_of(&ds->meta.grid, unit->i);
    int64_t start[C2_DIM_MAX], count[C2_DIM_MAX];

    for (int i = 0; i < bound.ndim; i++) {
        start[i] = bound.axes[i].start;
        count[i] = bound.axes[i].count;
    }
    if (c2_h5w_put_box(ds->out, start, count, unit->out.p, err)) return true;
    ds->broken = err->code == CAT2_EIO;
    return false;
}

static bool work(void *ctx, struct c2_codec *codec, struct c2_crew_unit *unit, struct cat2_error *err)
{
    struct c2_export_dataset *ds = ctx;
    struct c2_bound box = box_of(&ds->meta.grid, unit->i);

    if (!c2_export_is_fill(ds, &box, &unit->copied, err)) return false;
    if (unit->copied) return true; /* ->out is empty: there is nothing to put */
    switch (ds->way) {
    case C2_WAY_CUT:
        return cut_chunk(ds, codec, unit, err);
    case C2_WAY_BOX:
        return box_chunk(ds, codec, unit, err);
    case C2_WAY_FILE:
        return file_chunk(ds, codec, unit, err);
    default:
        return copy_chunk(ds, codec, unit, err);
    }
}

static bool hand_in(void *ctx, struct c2_crew_unit *unit, struct cat2_error *err)
{
    struct c2_export_dataset *ds = ctx;
    struct c2_exporter *ex = ds->ex;

    if (!c2_convert_goes_on(ex->options, err)) return false;
    if (unit->out.n == 0) {
        C2_ASSERT(ds->has_fill);
    } else if (ds->way == C2_WAY_BOX) {
        if (!put_box(ds, unit, err)) return false;
    } else if (!c2_h5w_put(ds->out, unit->i, c2_buf_bytes(&unit->out), err)) {
        ds->broken = true;
        return false;
    }
    c2_convert_chunk_done(ex->options, ex->counts, &ex->progress, unit->i, unit->copied);
    return true;
}

static bool put_item(struct c2_export_dataset *ds, struct cat2_error *err)
{
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX), items = C2_BUF_INIT(C2_CHUNK_NBYTES_MAX);

    if (!c2_frame_chunk(ds->frame, 0, &chunk, err) ||
        !decode(ds, c2_crew_codec(ds->ex->crew), c2_buf_bytes(&chunk), &items, err))
        return false;
    bool ok = ds->described ? c2_h5w_put_box(ds->out, NULL, NULL, items.p, err)
                            : c2_h5w_put_item(ds->out, items.p, err);
    ds->broken = !ok && err->code == CAT2_EIO;
    return ok;
}

bool c2_export_chunks(struct c2_export_dataset *ds, struct cat2_error *err)
{
    static const struct c2_crew_work chunks = {.work = work, .hand_in = hand_in};

    if (ds->meta.grid.ndim == 0) return put_item(ds, err);
    if (!c2_export_read_fill(ds, err)) return false;
    ds->ex->progress.nchunks = ds->meta.grid.nchunks;
    return c2_crew_run(ds->ex->crew, &chunks, ds, ds->meta.grid.nchunks, ds->meta.chunksize, err);
}
