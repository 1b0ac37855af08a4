/* SPDX-License-Identifier: BSD-3-Clause */
/* Chunks and blocks: the file's chunks where it has some, blocks of what they hold already when that is
 * Blosc2, else 64 to 256 KiB. */

#include "blosc/b2nd.h"
#include "hdf5/read/h5_impl.h"

#define CHUNK_NBYTES_MAX (256 << 20) /* decoding needs a few of them at once */
#define CHUNK_CUT        (4 << 20)   /* larger chunks are cut to the dataset when they are this much more: */
#define CHUNK_BEYOND     4

/* ---- what the chunks hold already ---- */

/* The first chunk in the file: usually that at the origin. */
static bool first_chunk(struct c2_h5_dataset *ds, hsize_t *offset, hsize_t *n)
{
    struct cat2_error ignored;
    haddr_t addr;
    unsigned mask;

    memset(offset, 0, C2_H5_DIM_MAX * sizeof(*offset));
    if (c2_h5_stored_size(ds, offset, n, &ignored) && *n) return true;
    hid_t space = H5Dget_space(ds->id); /* 1.10 does not take H5S_ALL */
    bool found = space >= 0 && H5Dget_chunk_info(ds->id, space, 0, offset, &mask, &addr, n) >= 0 && *n;
    if (space >= 0) H5Sclose(space);
    H5Eclear2(H5E_DEFAULT);
    return found;
}

static bool read_first(struct c2_h5_dataset *ds, struct c2_buf *head, struct c2_frame **out)
{
    C2_AUTO(c2_buf) bytes = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    hsize_t offset[C2_H5_DIM_MAX], n;
    struct cat2_error ignored;
    uint32_t mask;

    if (!first_chunk(ds, offset, &n) || !c2_h5_read_stored(ds, offset, n, &bytes, &mask, &ignored) || mask)
        return false;
    const uint8_t *start = bytes.p; /* the frame keeps them where they are */
    if (!c2_frame_open_buf(&bytes, "HDF5 chunk", out, &ignored)) return false;
    if (c2_buf_append(head, start, (size_t)c2_frame_layout(*out)->header_len, &ignored)) return true;
    c2_frame_free(*out);
    *out = NULL;
    return false;
}

/* Take blocks and compression from the first chunk, when chunks can go through as they are. */
static void take_inner(struct c2_h5_dataset *ds, const int64_t *shape, int ndim, const int32_t *chunks,
                       int32_t *blocks)
{
    C2_AUTO_PTR(c2_frame) *frame = NULL;
    struct c2_grid grid;
    struct cat2_error ignored;

    c2_buf_init(&ds->head, C2_HEADER_NBYTES_MAX);
    if (!read_first(ds, &ds->head, &frame)) return;
    const struct c2_meta *inner = c2_frame_meta(frame);
    if (inner->nchunks != 1 || inner->grid.typesize != ds->type.dtype.itemsize ||
        inner->cparams.blocksize < 1)
        return;
    if (inner->kind == C2_KIND_ARRAY) {
        if (inner->grid.ndim != ndim) return;
        for (int i = 0; i < ndim; i++)
            if (inner->grid.chunks[i] != chunks[i] || inner->grid.shape[i] != chunks[i]) return;
        memcpy(blocks, inner->grid.blocks, (size_t)ndim * sizeof(*blocks));
    } else { /* a plain super-chunk is an axis of items */
        int32_t items = inner->cparams.blocksize / inner->grid.typesize;
        if (ndim != 1 || items < 1 || chunks[0] % items != 0) return;
        blocks[0] = items;
    }
    if (!c2_grid_init(&grid, shape, chunks, blocks, ndim, inner->grid.typesize, true, &ignored) ||
        grid.block_items * grid.typesize != inner->cparams.blocksize)
        return;
    ds->meta.cparams = inner->cparams;
    ds->facts.passes = true;
}

/* ---- our own ---- */

static void choose_blocks(const struct c2_h5_dataset *ds, const int32_t *chunks, int ndim, int32_t *blocks)
{
    int64_t edges[C2_DIM_MAX] = {0};
    int32_t pieces[C2_DIM_MAX];

    for (int i = 0; i < ndim; i++)
        edges[i] = chunks[i];
    c2_grid_choose(edges, ndim, (int32_t)ds->type.dtype.itemsize, pieces, blocks);
}

/* Chunks along the axes of the dataspace; those of an array type stay whole. */
static bool choose_chunks(const struct c2_h5_dataset *ds, const int64_t *shape, int ndim, int32_t *chunks,
                          struct cat2_error *err)
{
    int32_t blocks[C2_DIM_MAX];
    int64_t item = ds->type.dtype.itemsize;
    int outer = ndim - ds->type.ndim;

    for (int i = outer; i < ndim; i++) {
        if (!c2_mul_i64(item, shape[i], &item) || item > INT32_MAX)
            return c2_fail(err, CAT2_EUNSUPPORTED, "items are too large");
        chunks[i] = (int32_t)shape[i];
    }
    c2_grid_choose(shape, outer, (int32_t)item, chunks, blocks);
    for (int i = 0; i < outer; i++)
        if (chunks[i] < 1) chunks[i] = 1;
    return true;
}

/* The file's chunks, cut where they reach far beyond the dataset (as those of PyTables, which may be hundreds
 * of MiB for ten numbers), and chosen anew where what remains is too large. *own: they are not the file's. */
static bool cut_chunks(const struct c2_h5_dataset *ds, const int64_t *shape, int ndim, int32_t *chunks,
                       bool *own, struct cat2_error *err)
{
    int outer = ndim - ds->type.ndim;
    int64_t nbytes = (int64_t)c2_h5_item_nbytes(ds), there = nbytes; /* of it within the dataset */

    for (int i = 0; i < outer; i++) {
        if (!c2_mul_i64(nbytes, (int64_t)ds->chunk[i], &nbytes)) nbytes = INT64_MAX;
        if (!c2_mul_i64(there, c2_min_i64((int64_t)ds->chunk[i], shape[i]), &there)) there = INT64_MAX;
    }
    if (nbytes > C2_CHUNK_NBYTES_MAX && ds->facts.nfilters > 0)
        return c2_fail(err, CAT2_EUNSUPPORTED, "filtered chunks of more than %d MiB are not carried",
                       C2_CHUNK_NBYTES_MAX >> 20);
    if (nbytes <= CHUNK_CUT || (nbytes / CHUNK_BEYOND < there && nbytes <= CHUNK_NBYTES_MAX)) return true;
    *own = true;
    nbytes = (int64_t)c2_h5_item_nbytes(ds);
    for (int i = 0; i < outer; i++) {
        if (chunks[i] > shape[i]) chunks[i] = shape[i] > 0 ? (int32_t)shape[i] : 1;
        if (!c2_mul_i64(nbytes, chunks[i], &nbytes)) nbytes = INT64_MAX;
    }
    return nbytes <= CHUNK_NBYTES_MAX || choose_chunks(ds, shape, ndim, chunks, err);
}

static bool pick_chunks(struct c2_h5_dataset *ds, const struct c2_h5_options *options, const int64_t *shape,
                        int ndim, int32_t *chunks, struct cat2_error *err)
{
    bool asked = options->ndim > 0 && options->ndim == ndim && ds->type.ndim == 0;
    int outer = ndim - ds->type.ndim;

    ds->facts.own_chunks = asked || ds->facts.layout != C2_H5_CHUNKED || ds->type.variable || ds->sequence;
    if (asked) {
        memcpy(chunks, options->chunks, (size_t)ndim * sizeof(*chunks));
        return true;
    }
    if (ds->facts.layout != C2_H5_CHUNKED || ds->facts.own_chunks)
        return choose_chunks(ds, shape, ndim, chunks, err);
    for (int i = 0; i < outer; i++)
        chunks[i] = (int32_t)ds->chunk[i];
    for (int i = outer; i < ndim; i++)
        chunks[i] = (int32_t)shape[i];
    return cut_chunks(ds, shape, ndim, chunks, &ds->facts.own_chunks, err);
}

static bool fill_meta(struct c2_h5_dataset *ds, struct cat2_error *err)
{
    struct c2_meta *meta = &ds->meta;

    meta->kind = C2_KIND_ARRAY;
    meta->dtype = ds->type.dtype; /* moves: the type keeps its flags only */
    ds->type.dtype = (struct c2_dtype){.itemsize = meta->dtype.itemsize};
    meta->cparams.typesize = meta->grid.typesize;
    meta->cparams.blocksize = (int32_t)(meta->grid.block_items * meta->grid.typesize);
    meta->chunksize = (int32_t)(meta->grid.chunk_items * meta->grid.typesize);
    meta->chunkshape = (int32_t)meta->grid.chunk_items;
    meta->nchunks = meta->grid.nchunks;
    if (!c2_mul_i64(meta->nchunks, meta->chunksize, &meta->nbytes))
        return c2_fail(err, CAT2_EUNSUPPORTED, "more bytes than 64 bits count");
    meta->cbytes = meta->nchunks * 32; /* not known before all is read; what Python says */
    meta->urlpath = c2_str_dup(C2_STR("None"));
    if (!meta->urlpath) return c2_fail_nomem(err, "metadata");
    return c2_meta_check_array(meta, err);
}

bool c2_h5_geometry(struct c2_h5_dataset *ds, const struct c2_h5_options *options, const int64_t *shape,
                    int ndim, struct cat2_error *err)
{
    int32_t chunks[C2_DIM_MAX] = {0}, blocks[C2_DIM_MAX] = {0};
    int64_t edges[C2_DIM_MAX] = {0};
    int32_t itemsize = (int32_t)ds->type.dtype.itemsize;
    struct c2_cparams fast = c2_cparams_fast(itemsize, 0);

    if (!pick_chunks(ds, options, shape, ndim, chunks, err)) return false;
    ds->meta.cparams = options->cparams.typesize ? options->cparams : fast;
    choose_blocks(ds, chunks, ndim, blocks);
    if (ds->facts.nfilters == 1 && ds->filters[0].id == C2_HDF5_FILTER_BLOSC2 && !ds->facts.own_chunks &&
        ds->type.direct && !options->recompress)
        take_inner(ds, shape, ndim, chunks, blocks);
    if (!c2_grid_init(&ds->meta.grid, shape, chunks, blocks, ndim, itemsize, true, err)) {
        err->code = CAT2_EUNSUPPORTED;
        return false;
    }
    if (ds->meta.grid.chunk_items * itemsize > CHUNK_NBYTES_MAX)
        return c2_fail(err, CAT2_EUNSUPPORTED, "chunks of more than %d MiB are not carried",
                       CHUNK_NBYTES_MAX >> 20);
    for (int i = 0; i < ndim; i++)
        edges[i] = chunks[i];
    return c2_grid_init(&ds->chunk_grid, edges, chunks, blocks, ndim, itemsize, true, err) &&
           fill_meta(ds, err);
}
