/* SPDX-License-Identifier: BSD-3-Clause */
/* Chunks that are nothing but the fill value of the HDF5 dataset are not written: libhdf5 shows what is not
 * there as that. Only special chunks are known for it, so no items are looked at. */
#include <math.h>
#include <string.h>

#include "blosc/chunk_format.h"
#include "import_export/export_impl.h"

/* The item that all items of a chunk are; *one false: they are not known to be one. */
static bool single_item(struct c2_export_dataset *ds, int64_t nchunk, uint8_t *item, bool *one,
                        struct cat2_error *err)
{
    const struct c2_meta *meta = c2_frame_meta(ds->frame);
    struct c2_chunks chunks = c2_frame_chunks(ds->frame);
    size_t size = (size_t)meta->grid.typesize;
    float nan4 = nanf("");
    double nan8 = nan("");
    struct c2_chunk_stat st;
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);

    *one = false;
    if (!c2_chunk_stat(&chunks, nchunk, &st, err)) return false;
    int special = st.kind == C2_CHUNK_NAN ? C2_SPECIAL_NAN : C2_SPECIAL_ZERO;
    if (st.kind == C2_CHUNK_STORED) {
        if (st.cbytes > C2_CHUNK_HEADER + (int64_t)size) return true;
        if (!c2_frame_chunk(ds->frame, nchunk, &chunk, err)) return false;
        special = chunk.p[C2_CHUNK_FLAGS2] >> 4 & 7;
    }
    *one = special == C2_SPECIAL_ZERO || special == C2_SPECIAL_UNINIT ||
           (special == C2_SPECIAL_VALUE && chunk.n == C2_CHUNK_HEADER + size) ||
           (special == C2_SPECIAL_NAN && (size == sizeof(nan4) || size == sizeof(nan8)));
    if (special == C2_SPECIAL_VALUE && *one)
        memcpy(item, chunk.p + C2_CHUNK_HEADER, size);
    else if (special == C2_SPECIAL_NAN && *one)
        memcpy(item, size == sizeof(nan4) ? (void *)&nan4 : (void *)&nan8, size);
    else
        memset(item, 0, size);
    return true;
}

static bool is_array(const struct c2_export_dataset *ds)
{
    const struct c2_meta *meta = ds->frame ? c2_frame_meta(ds->frame) : NULL;

    return meta && meta->kind == C2_KIND_ARRAY && meta->grid.ndim > 0 && meta->grid.nchunks > 0 &&
           meta->grid.ndim == ds->meta.grid.ndim && meta->grid.typesize == ds->meta.grid.typesize &&
           meta->grid.typesize <= C2_FILL_NBYTES_MAX;
}

bool c2_export_choose_fill(struct c2_export_dataset *ds, uint8_t *fill, bool *chosen, struct cat2_error *err)
{
    uint8_t last[C2_FILL_NBYTES_MAX], zeros[C2_FILL_NBYTES_MAX] = {0};
    size_t size = (size_t)ds->meta.grid.typesize;
    bool one = false, also = false;

    *chosen = false;
    if (!is_array(ds)) return true;
    int64_t end = c2_frame_meta(ds->frame)->grid.nchunks - 1;
    if (!single_item(ds, 0, fill, &one, err) || (one && !single_item(ds, end, last, &also, err)))
        return false;
    *chosen = one && also && memcmp(fill, last, size) == 0 && memcmp(fill, zeros, size) != 0;
    return true;
}

/* Is a chunk of the source nothing but the fill value? */
static bool is_source_fill(struct c2_export_dataset *ds, int64_t nchunk, bool *is, struct cat2_error *err)
{
    uint8_t item[C2_FILL_NBYTES_MAX];
    bool one;

    if (!single_item(ds, nchunk, item, &one, err)) return false;
    *is = one && memcmp(item, ds->fill, (size_t)ds->meta.grid.typesize) == 0;
    return true;
}

/* The next chunk of those from lo to hi, both included; false: that was the last. */
static bool advance(const struct c2_grid *from, const int64_t *lo, const int64_t *hi, int64_t *at)
{
    for (int axis = from->ndim - 1; axis >= 0; axis--) {
        if (++at[axis] <= hi[axis]) return true;
        at[axis] = lo[axis];
    }
    return false;
}

bool c2_export_is_fill(struct c2_export_dataset *ds, const struct c2_bound *box, bool *is,
                       struct cat2_error *err)
{
    int64_t lo[C2_DIM_MAX] = {0}, hi[C2_DIM_MAX] = {0}, at[C2_DIM_MAX] = {0};

    *is = false;
    if (!ds->has_fill) return true;
    const struct c2_grid *from = &c2_frame_meta(ds->frame)->grid;
    for (int axis = 0; axis < from->ndim; axis++) {
        const struct c2_axis_sel *sel = &box->axes[axis];
        lo[axis] = at[axis] = sel->start / from->chunks[axis];
        hi[axis] = (sel->start + sel->count - 1) / from->chunks[axis];
    }
    do {
        int64_t nchunk = 0;
        for (int axis = 0; axis < from->ndim; axis++)
            nchunk = nchunk * from->nchunks_along[axis] + at[axis];
        if (!is_source_fill(ds, nchunk, is, err)) return false;
    } while (*is && advance(from, lo, hi, at));
    return true;
}

bool c2_export_read_fill(struct c2_export_dataset *ds, struct cat2_error *err)
{
    bool all = true;

    ds->has_fill = is_array(ds) && c2_h5w_fill(ds->out, ds->fill, sizeof(ds->fill));
    if (!ds->has_fill || !ds->described || ds->plan.chunked) return true;
    /* Without chunks there is all or nothing. */
    for (int64_t i = 0; all && i < c2_frame_meta(ds->frame)->grid.nchunks; i++)
        if (!is_source_fill(ds, i, &all, err)) return false;
    ds->has_fill = all;
    return true;
}
