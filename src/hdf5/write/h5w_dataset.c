/* SPDX-License-Identifier: BSD-3-Clause */
/* Datasets: an HDF5 chunk holds a frame of one Blosc2 chunk, as the filter 32026 of other programs makes it:
 *
 *   header of an array of one chunk | the chunk | index of one offset | trailer without attributes
 *
 * Only the chunk and three numbers of the header differ from one HDF5 chunk to the next. */
#include <stdlib.h>

#include "blosc/chunk_format.h"
#include "blosc/frame.h"
#include "blosc/frame_make.h"
#include "hdf5/write/h5w_dataset_impl.h"
#include "hdf5/write/rebuild_impl.h"

#define FILTER_REVISION 1
#define SPECIAL_BITS    0x70

void c2_h5w_dataset_close(struct c2_h5w_dataset *ds)
{
    if (!ds) return;
    if (ds->id >= 0) H5Dclose(ds->id);
    c2_hid_fini(&ds->type);
    c2_buf_fini(&ds->head);
    c2_buf_fini(&ds->tail);
    free(ds);
}

bool c2_h5w_make_frame(struct c2_h5w_dataset *ds, struct cat2_error *err)
{
    struct c2_meta inner = *ds->meta; /* borrows what it points at */
    int64_t offset = 0;

    inner.vlmeta = (struct c2_buf){0};
    for (int i = 0; i < inner.grid.ndim; i++)
        inner.grid.shape[i] = inner.grid.chunks[i];
    c2_buf_init(&ds->head, C2_HEADER_NBYTES_MAX);
    c2_buf_init(&ds->tail, C2_HEADER_NBYTES_MAX);
    ds->chunk_nbytes = inner.chunksize;
    return c2_frame_make_header(&inner, 0, inner.chunksize, 0, &ds->head, err) &&
           c2_frame_make_index(&offset, 1, &ds->tail, err) && c2_frame_make_trailer(&inner, &ds->tail, err);
}

/* The numbers the filter's other readers expect. */
static size_t filter_values(const struct c2_meta *meta, unsigned *to)
{
    const struct c2_cparams *c = &meta->cparams;
    int64_t nbytes = meta->grid.typesize;
    unsigned filters = 0;
    size_t n = 7;

    for (int i = 0; i < meta->grid.ndim; i++)
        nbytes *= meta->grid.chunks[i];
    for (size_t i = 0; i < C2_ARRAY_LEN(c->filters); i++)
        filters |= c->filters[i];
    to[0] = FILTER_REVISION;
    to[1] = (unsigned)c->blocksize;
    to[2] = (unsigned)c->typesize;
    to[3] = (unsigned)nbytes;
    to[4] = (unsigned)c->clevel;
    to[5] = filters;
    to[6] = (unsigned)c->codec;
    if (meta->grid.ndim < 2) return n;
    to[n++] = (unsigned)meta->grid.ndim;
    for (int i = 0; i < meta->grid.ndim; i++)
        to[n++] = (unsigned)meta->grid.chunks[i];
    return n;
}

bool c2_h5w_set_filter(const struct c2_meta *meta, hid_t dcpl, struct cat2_error *err)
{
    unsigned values[8 + C2_DIM_MAX];
    size_t n = filter_values(meta, values);

    return H5Pset_filter(dcpl, C2_HDF5_FILTER_BLOSC2, H5Z_FLAG_OPTIONAL, n, values) >= 0 ||
           c2_h5w_fail(err, "filter");
}

static bool make_layout(const struct c2_meta *meta, hid_t dcpl, struct cat2_error *err)
{
    hsize_t chunk[C2_DIM_MAX];
    int ndim = meta->grid.ndim;

    if (H5Pset_obj_track_times(dcpl, false) < 0) return c2_h5w_fail(err, "creation");
    if (ndim == 0) return true;
    for (int i = 0; i < ndim; i++)
        chunk[i] = meta->grid.chunks[i] > 0 ? (hsize_t)meta->grid.chunks[i] : 1;
    if (H5Pset_chunk(dcpl, ndim, chunk) < 0 || H5Pset_fill_time(dcpl, H5D_FILL_TIME_ALLOC) < 0)
        return c2_h5w_fail(err, "chunks");
    return c2_h5w_set_filter(meta, dcpl, err);
}

/* A dataset of fixed shape must hold a chunk: the shape it may grow to is a chunk's at least. */
static hid_t make_space(const struct c2_meta *meta)
{
    hsize_t dims[C2_DIM_MAX], most[C2_DIM_MAX];

    if (meta->grid.ndim == 0) return H5Screate(H5S_SCALAR);
    for (int i = 0; i < meta->grid.ndim; i++) {
        dims[i] = (hsize_t)meta->grid.shape[i];
        most[i] = (hsize_t)c2_max_i64(meta->grid.shape[i], dims[i] ? meta->grid.chunks[i] : 0);
    }
    return H5Screate_simple(meta->grid.ndim, dims, most);
}

struct c2_h5w_dataset *c2_h5w_dataset_alloc(struct c2_h5w *w, const struct c2_meta *meta, int ndim)
{
    struct c2_h5w_dataset *ds = calloc(1, sizeof(*ds));

    if (!ds) return NULL;
    ds->w = w;
    ds->id = ds->type.id = -1;
    ds->meta = meta;
    ds->ndim = ndim;
    return ds;
}

bool c2_h5w_fill(const struct c2_h5w_dataset *ds, uint8_t *out, size_t size)
{
    C2_AUTO(c2_hid) plist = {H5Dget_create_plist(ds->id)};
    H5D_fill_value_t defined;
    H5D_fill_time_t when;
    size_t nbytes = (size_t)ds->meta->grid.typesize;

    bool known = plist.id >= 0 && nbytes <= size && nbytes == H5Tget_size(ds->type.id) &&
                 H5Pfill_value_defined(plist.id, &defined) >= 0 && defined != H5D_FILL_VALUE_UNDEFINED &&
                 H5Pget_fill_time(plist.id, &when) >= 0 && when != H5D_FILL_TIME_NEVER &&
                 c2_rebuild_same_bytes(ds->type.id, &ds->meta->dtype) &&
                 H5Pget_fill_value(plist.id, ds->type.id, out) >= 0;
    H5Eclear2(H5E_DEFAULT);
    return known;
}

bool c2_h5w_dataset_new(struct c2_h5w *w, const char *path, const struct c2_meta *meta, const uint8_t *fill,
                        struct c2_h5w_dataset **out, struct cat2_error *err)
{
    C2_AUTO(c2_hid) space = {-1}, dcpl = {H5Pcreate(H5P_DATASET_CREATE)};
    C2_AUTO_PTR(c2_h5w_dataset) *ds = c2_h5w_dataset_alloc(w, meta, meta->grid.ndim);

    if (!ds) return c2_fail_nomem(err, "dataset");
    if (dcpl.id < 0) return c2_h5w_fail(err, "creation");
    if (!c2_h5w_type(&meta->dtype, &ds->type, err) || !make_layout(meta, dcpl.id, err)) return false;
    if (fill && H5Pset_fill_value(dcpl.id, ds->type.id, fill) < 0) return c2_h5w_fail(err, "fill value");
    if (meta->grid.ndim > 0 && meta->grid.nchunks > 0 && !c2_h5w_make_frame(ds, err)) return false;
    space.id = make_space(meta);
    if (space.id < 0) return c2_h5w_fail(err, "shape");
    ds->id = H5Dcreate2(w->file, path, ds->type.id, space.id, w->lcpl, dcpl.id, H5P_DEFAULT);
    if (ds->id < 0) return c2_h5w_fail(err, "making the dataset");
    *out = ds;
    ds = NULL;
    return true;
}

bool c2_h5w_wrap(const struct c2_h5w_dataset *ds, struct c2_bytes chunk, struct c2_buf *out,
                 struct cat2_error *err)
{
    size_t start = out->n, len = ds->head.n + chunk.n + ds->tail.n;

    C2_ASSERT(ds->head.n > 0 && chunk.n >= C2_CHUNK_HEADER);
    if (!c2_buf_reserve(out, len, err) || !c2_buf_append(out, ds->head.p, ds->head.n, err) ||
        !c2_buf_append(out, chunk.p, chunk.n, err) || !c2_buf_append(out, ds->tail.p, ds->tail.n, err))
        return false;
    c2_frame_patch_header(out->p + start, (int64_t)len, ds->chunk_nbytes, (int64_t)chunk.n);
    uint8_t *flags = out->p + start + ds->head.n + C2_CHUNK_FLAGS2;
    if ((*flags & SPECIAL_BITS) == C2_SPECIAL_UNINIT << 4)
        *flags = (uint8_t)((*flags & ~SPECIAL_BITS) | C2_SPECIAL_ZERO << 4);
    return true;
}

bool c2_h5w_put(struct c2_h5w_dataset *ds, int64_t nchunk, struct c2_bytes wrapped, struct cat2_error *err)
{
    const struct c2_grid *grid = &ds->meta->grid;
    hsize_t offset[C2_DIM_MAX];
    int64_t rest = nchunk;

    for (int i = grid->ndim - 1; i >= 0; i--) {
        offset[i] = (hsize_t)(rest % grid->nchunks_along[i]) * (hsize_t)grid->chunks[i];
        rest /= grid->nchunks_along[i];
    }
    return H5Dwrite_chunk(ds->id, H5P_DEFAULT, 0, offset, wrapped.n, wrapped.p) >= 0 ||
           c2_h5w_fail(err, "chunk %lld", (long long)nchunk);
}

bool c2_h5w_put_item(struct c2_h5w_dataset *ds, const uint8_t *item, struct cat2_error *err)
{
    return H5Dwrite(ds->id, ds->type.id, H5S_ALL, H5S_ALL, H5P_DEFAULT, item) >= 0 ||
           c2_h5w_fail(err, "writing the item");
}
