/* SPDX-License-Identifier: BSD-3-Clause */
/* The chunks of the file: their sizes and places, and one as it is stored, found by its coordinates. */
#include "hdf5/read/h5_impl.h"

size_t c2_h5_item_nbytes(const struct c2_h5_dataset *ds)
{
    size_t n = (size_t)ds->type.dtype.itemsize;

    for (int i = 0; i < ds->type.ndim; i++)
        n *= (size_t)ds->type.dims[i];
    return n;
}

size_t c2_h5_chunk_nbytes(const struct c2_h5_dataset *ds)
{
    size_t n = c2_h5_item_nbytes(ds);

    for (int i = 0; i < ds->ndim; i++)
        n *= (size_t)ds->chunk[i];
    return n;
}

void c2_h5_chunk_offset(const struct c2_h5_dataset *ds, int64_t nchunk, hsize_t *offset)
{
    const struct c2_grid *grid = &ds->meta.grid;

    for (int axis = grid->ndim - 1; axis >= 0; axis--) {
        hsize_t start = (hsize_t)(nchunk % grid->nchunks_along[axis]) * (hsize_t)grid->chunks[axis];
        nchunk /= grid->nchunks_along[axis];
        if (axis < ds->ndim) offset[axis] = start;
    }
}

/* Is the file's chunk at offset cut by the dataset's end? */
static bool is_partial(const struct c2_h5_dataset *ds, const hsize_t *offset)
{
    for (int axis = 0; axis < ds->ndim; axis++)
        if (offset[axis] + ds->chunk[axis] > (hsize_t)ds->meta.grid.shape[axis]) return true;
    return false;
}

void c2_h5_raw_init(struct c2_h5_raw *raw)
{
    *raw = (struct c2_h5_raw){.bytes = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX),
                              .items = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX),
                              .blocks = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX),
                              .spare = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX)};
}

void c2_h5_raw_fini(struct c2_h5_raw *raw)
{
    c2_buf_fini(&raw->bytes);
    c2_buf_fini(&raw->items);
    c2_buf_fini(&raw->blocks);
    c2_buf_fini(&raw->spare);
}

/* Is the innermost message that of a chunk without a place in the file? */
static herr_t look_for_absence(unsigned n, const H5E_error2_t *error, void *ctx)
{
    (void)n;
    *(bool *)ctx = error->desc && strcmp(error->desc, "chunk storage is not allocated") == 0;
    return 0;
}

/* libhdf5 fails for a chunk that is not there, and says 0 where no chunk is. Asking in the other way, which
 * looks at all chunks, is for what is not known then. */
bool c2_h5_stored_size(struct c2_h5_dataset *ds, const hsize_t *offset, hsize_t *n, struct cat2_error *err)
{
    haddr_t addr = HADDR_UNDEF;
    hsize_t size = 0;
    bool absent = false;
    unsigned mask;

    *n = 0;
    bool told = H5Dget_chunk_storage_size(ds->id, offset, &size) >= 0;
    if (!told) H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, look_for_absence, &absent);
    H5Eclear2(H5E_DEFAULT);
    if (told && size > 0) *n = size;
    if (*n > 0 || absent) return true;
    if (H5Dget_chunk_info_by_coord(ds->id, offset, &mask, &addr, &size) < 0)
        return c2_h5_fail(err, CAT2_EDATA, "the chunk cannot be found");
    if (addr == HADDR_UNDEF) return true;
    *n = told ? 0 : size;
    return *n > 0 || c2_fail(err, CAT2_EDATA, "the chunk takes no bytes");
}

#ifdef C2_HDF5_HAS_READ_CHUNK2
static bool read_at_most(struct c2_h5_dataset *ds, const hsize_t *offset, uint8_t *to, hsize_t n, size_t *got,
                         uint32_t *mask)
{
    *got = (size_t)n;
    return H5Dread_chunk2(ds->id, H5P_DEFAULT, offset, mask, to, got) >= 0;
}
#else
/* Without filters the size that libhdf5 tells is that of the items. The file may say more, which is asked
 * for, or less: then the last byte stays as it was, whatever it was. */
static bool read_at_most(struct c2_h5_dataset *ds, const hsize_t *offset, uint8_t *to, hsize_t n, size_t *got,
                         uint32_t *mask)
{
    static const uint8_t MARKS[] = {0, 0xff};
    haddr_t addr;
    hsize_t size = n;
    bool reached = false;

    if (ds->facts.nfilters == 0 && H5Dget_chunk_info_by_coord(ds->id, offset, mask, &addr, &size) < 0)
        return false;
    *got = (size_t)size;
    if (size != n) return true;
    for (int i = 0; i < 2 && !reached; i++) {
        memset(to, MARKS[i], (size_t)n);
        if (H5Dread_chunk(ds->id, H5P_DEFAULT, offset, mask, to) < 0) return false;
        reached = to[n - 1] != MARKS[i];
    }
    if (!reached) *got = 0;
    return true;
}
#endif

bool c2_h5_read_stored(struct c2_h5_dataset *ds, const hsize_t *offset, hsize_t n, struct c2_buf *bytes,
                       uint32_t *mask, struct cat2_error *err)
{
    size_t got;

    *mask = 0;
    if (n > C2_CHUNK_CBYTES_MAX)
        return c2_fail(err, CAT2_EDATA, "the chunk takes %llu bytes", (unsigned long long)n);
    if (!c2_buf_resize(bytes, n, err)) return false;
    if (!read_at_most(ds, offset, bytes->p, n, &got, mask))
        return c2_h5_fail(err, CAT2_EDATA, "the chunk cannot be read");
    return got == n || c2_fail(err, CAT2_EDATA, "the chunk takes %zu bytes in the file, not %llu", got,
                               (unsigned long long)n);
}

bool c2_h5_fetch_stored(struct c2_h5_dataset *ds, const hsize_t *offset, struct c2_h5_raw *raw,
                        struct cat2_error *err)
{
    hsize_t n;

    if (!c2_h5_stored_size(ds, offset, &n, err)) return false;
    raw->kind = n ? C2_H5_RAW_STORED : C2_H5_RAW_FILL;
    if (n == 0) return true;
    if (!c2_h5_read_stored(ds, offset, n, &raw->bytes, &raw->mask, err)) return false;
    if (ds->bare_edges && is_partial(ds, offset)) raw->mask = UINT32_MAX;
    return true;
}
