/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading: a chunk of the array, or a box of its items. */
#include <stdlib.h>

#include "hdf5/read/h5_impl.h"

/* libhdf5 leaves memory as it is where the file has nothing and the fill time is "never"; out is zeros also
 * around the box. */
static bool read_items(const struct c2_h5_dataset *ds, hid_t mem, hid_t file, uint8_t *out, size_t n)
{
    memset(out, 0, n * c2_h5_item_nbytes(ds));
    return H5Dread(ds->id, ds->mem, mem, file, H5P_DEFAULT, out) >= 0;
}

/* Items of a box of the dataspace into a box of memory of mem_dims, at its origin. */
static bool read_box(struct c2_h5_dataset *ds, const hsize_t *start, const hsize_t *count,
                     const hsize_t *mem_dims, uint8_t *out, struct cat2_error *err)
{
    hsize_t zeros[C2_H5_DIM_MAX] = {0};

    if (ds->sequence) return c2_h5_sequence_read(ds, (int64_t)start[0], (int64_t)count[0], out, err);
    if (ds->raw_files) return c2_h5_raw_files_box(ds, start, count, mem_dims, out, err);
    if (c2_h5_can_box(ds)) return c2_h5_box(ds, start, count, mem_dims, out, err);
    hid_t file = H5Dget_space(ds->id);
    hid_t mem = ds->ndim ? H5Screate_simple(ds->ndim, mem_dims, NULL) : H5Screate(H5S_SCALAR);
    size_t n = 1;
    bool ok = file >= 0 && mem >= 0;

    for (int i = 0; i < ds->ndim; i++)
        n *= (size_t)mem_dims[i];
    if (ok && ds->ndim)
        ok = H5Sselect_hyperslab(file, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
             H5Sselect_hyperslab(mem, H5S_SELECT_SET, zeros, NULL, count, NULL) >= 0;
    if (!ok)
        c2_h5_fail(err, CAT2_EDATA, "the place of the data cannot be described");
    else if (ds->type.variable)
        ok = c2_h5_shown_read(ds, mem, file, out, n, err);
    else if (!read_items(ds, mem, file, out, n))
        ok = c2_h5_fail(err, CAT2_EDATA, "the data cannot be read");
    if (mem >= 0) H5Sclose(mem);
    if (file >= 0) H5Sclose(file);
    return ok;
}

static bool fetch_items(struct c2_h5_dataset *ds, const hsize_t *offset, struct c2_h5_raw *raw,
                        struct cat2_error *err)
{
    const struct c2_grid *grid = &ds->meta.grid;
    hsize_t count[C2_H5_DIM_MAX] = {0}, dims[C2_H5_DIM_MAX] = {0};
    size_t n = (size_t)grid->typesize;
    bool partial = false;

    for (int axis = 0; axis < grid->ndim; axis++)
        n *= (size_t)grid->chunks[axis];
    for (int axis = 0; axis < ds->ndim; axis++) {
        hsize_t left = (hsize_t)grid->shape[axis] - offset[axis];
        dims[axis] = (hsize_t)grid->chunks[axis];
        count[axis] = left < dims[axis] ? left : dims[axis];
        partial = partial || count[axis] != dims[axis];
    }
    raw->kind = C2_H5_RAW_ITEMS;
    if (!c2_buf_resize(&raw->bytes, n, err)) return false;
    if (partial) memset(raw->bytes.p, 0, n);
    return read_box(ds, offset, count, dims, raw->bytes.p, err);
}

static bool takes_stored(const struct c2_h5_dataset *ds)
{
#ifndef C2_HDF5_HAS_READ_CHUNK2
    if (ds->facts.nfilters == 0 && ds->meta.nchunks > C2_H5_LINEAR_MAX) return false;
#endif
    return ds->facts.layout == C2_H5_CHUNKED && !ds->facts.own_chunks && ds->type.direct && ds->own_pipeline;
}

bool c2_h5_fetch(struct c2_h5_dataset *ds, int64_t nchunk, struct c2_h5_raw *raw, struct cat2_error *err)
{
    hsize_t offset[C2_H5_DIM_MAX] = {0};

    if (nchunk < 0 || nchunk >= ds->meta.nchunks)
        return c2_fail(err, CAT2_EINVAL, "chunk %lld: the dataset has %lld", (long long)nchunk,
                       (long long)ds->meta.nchunks);
    c2_h5_quiet();
    if (!c2_h5_can_box(ds)) c2_h5_decoded_forget(ds->h5, NULL); /* room for what is read now */
    raw->nchunk = nchunk;
    raw->mask = 0;
    c2_buf_clear(&raw->bytes);
    c2_h5_chunk_offset(ds, nchunk, offset);
    bool ok = takes_stored(ds) ? c2_h5_fetch_stored(ds, offset, raw, err) : fetch_items(ds, offset, raw, err);
    return ok || c2_fail_within(err, "chunk %lld", (long long)nchunk);
}

bool c2_h5_chunk(struct c2_h5_dataset *ds, struct c2_codec *codec, int64_t nchunk, struct c2_buf *out,
                 struct cat2_error *err)
{
    C2_AUTO(c2_h5_raw) raw;

    c2_h5_raw_init(&raw);
    return c2_h5_fetch(ds, nchunk, &raw, err) && c2_h5_convert(ds, codec, &raw, out, err);
}

/* ---- boxes ---- */

/* Cut the extra axes of an array type, read whole, down to what was asked. */
static void cut_axes(const struct c2_h5_dataset *ds, const int64_t *start, const int64_t *count,
                     const uint8_t *whole, uint8_t *out)
{
    const struct c2_grid *grid = &ds->meta.grid;
    int64_t at[C2_DIM_MAX] = {0}, item = grid->typesize, row = count[grid->ndim - 1] * item;

    for (;;) {
        int64_t from = 0;
        for (int axis = 0; axis < grid->ndim; axis++) {
            bool extra = axis >= ds->ndim;
            from = from * (extra ? grid->shape[axis] : count[axis]) + at[axis] + (extra ? start[axis] : 0);
        }
        memcpy(out, whole + from * item, (size_t)row);
        out += row;
        int axis = grid->ndim - 2;
        while (axis >= 0 && ++at[axis] == count[axis])
            at[axis--] = 0;
        if (axis < 0) return;
    }
}

bool c2_h5_read(struct c2_h5_dataset *ds, const int64_t *start, const int64_t *count, uint8_t *out,
                struct cat2_error *err)
{
    const struct c2_grid *grid = &ds->meta.grid;
    hsize_t from[C2_H5_DIM_MAX] = {0}, n[C2_H5_DIM_MAX] = {0};
    int64_t whole = grid->typesize;
    bool cut = false, empty = false;

    for (int axis = 0; axis < grid->ndim; axis++) {
        if (start[axis] < 0 || count[axis] < 0 || start[axis] > grid->shape[axis] - count[axis])
            return c2_fail(err, CAT2_EINVAL, "the box leaves the dataset along axis %d", axis);
        empty = empty || count[axis] == 0;
        cut = cut || (axis >= ds->ndim && count[axis] != grid->shape[axis]);
        if (axis < ds->ndim) {
            from[axis] = (hsize_t)start[axis];
            n[axis] = (hsize_t)count[axis];
        }
        if (!c2_mul_i64(whole, axis < ds->ndim ? count[axis] : grid->shape[axis], &whole))
            return c2_fail(err, CAT2_ELIMIT, "the box is too large");
    }
    if (empty) return true;
    c2_h5_quiet();
    if (!cut) return read_box(ds, from, n, n, out, err);
    uint8_t *items = malloc((size_t)whole);
    bool ok = items || c2_fail_nomem(err, "box of items");
    ok = ok && read_box(ds, from, n, n, items, err);
    if (ok) cut_axes(ds, start, count, items, out);
    free(items);
    return ok;
}
