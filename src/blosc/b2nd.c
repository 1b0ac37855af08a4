/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading, checking and writing the "b2nd" metalayer. */
#include "blosc/b2nd.h"

#include <stdio.h>

#include "base/endian.h"

#define CHUNKS_ALONG_MAX (1 << 22) /* of one dimension: some readers walk it in steps */

struct reader {
    const uint8_t *p, *end;
};

static bool take(struct reader *in, size_t n, const uint8_t **out, struct cat2_error *err)
{
    if ((size_t)(in->end - in->p) < n) return c2_fail(err, CAT2_EDATA, "b2nd metalayer: cut off");
    *out = in->p;
    in->p += n;
    return true;
}

static bool take_byte(struct reader *in, int want, const char *what, struct cat2_error *err)
{
    const uint8_t *p = NULL;

    if (!take(in, 1, &p, err)) return false;
    if (*p != want)
        return c2_fail(err, CAT2_EDATA, "b2nd metalayer: %s is 0x%02x, not 0x%02x", what, *p, want);
    return true;
}

/* ndim 16 does not fit the "9n" tag and is written as 0x90 + 16 = 0xa0 by Blosc2, and read so here. */
static bool read_shape(struct reader *in, int ndim, int64_t *shape, struct cat2_error *err)
{
    const uint8_t *p = NULL;

    if (!take_byte(in, 0x90 + ndim, "list of the shape", err)) return false;
    for (int i = 0; i < ndim; i++) {
        if (!take_byte(in, 0xd3, "tag of a length", err) || !take(in, 8, &p, err)) return false;
        shape[i] = (int64_t)c2_be64(p);
    }
    return true;
}

static bool read_sizes(struct reader *in, int ndim, int32_t *sizes, struct cat2_error *err)
{
    const uint8_t *p = NULL;

    if (!take_byte(in, 0x90 + ndim, "list of sizes", err)) return false;
    for (int i = 0; i < ndim; i++) {
        if (!take_byte(in, 0xd2, "tag of a size", err) || !take(in, 4, &p, err)) return false;
        sizes[i] = (int32_t)c2_be32(p);
    }
    return true;
}

static bool read_dtype(struct reader *in, bool present, int32_t typesize, struct c2_dtype *out,
                       struct cat2_error *err)
{
    char plain[24];
    const uint8_t *p = NULL;
    struct c2_str text = {plain, 0};

    text.n = (size_t)snprintf(plain, sizeof(plain), "|S%d", typesize);
    if (present) {
        if (!take(in, 1, &p, err)) return false;
        if (*p != 0)
            return c2_fail(err, CAT2_EUNSUPPORTED, "b2nd metalayer: dtype format %d is not NumPy's", *p);
        if (!take_byte(in, 0xdb, "tag of the dtype", err) || !take(in, 4, &p, err)) return false;
        uint32_t n = c2_be32(p);
        if (n > C2_DTYPE_TEXT_MAX) return c2_fail(err, CAT2_EDATA, "b2nd metalayer: dtype of %u bytes", n);
        if (!take(in, n, &p, err)) return false;
        if (n) text = (struct c2_str){(const char *)p, n}; /* none given: bytes, as without a dtype */
    }
    if (c2_dtype_parse(text, out, err)) return true;
    if (err->code == CAT2_EINVAL) err->code = CAT2_EDATA;
    return c2_fail_within(err, "b2nd metalayer");
}

bool c2_b2nd_parse(struct c2_bytes in, struct c2_meta *meta, struct cat2_error *err)
{
    struct reader r = {in.p, in.p + in.n};
    int64_t shape[C2_DIM_MAX];
    int32_t chunks[C2_DIM_MAX], blocks[C2_DIM_MAX];
    C2_AUTO(c2_dtype) dtype = {0};
    const uint8_t *head = NULL;

    if (!take(&r, 3, &head, err)) return false;
    if (head[0] != 0x97 && head[0] != 0x95)
        return c2_fail(err, CAT2_EDATA, "b2nd metalayer: begins with 0x%02x", head[0]);
    int ndim = head[2];
    if (head[1] > 1) return c2_fail(err, CAT2_EUNSUPPORTED, "b2nd metalayer: version %d", head[1]);
    if (ndim > C2_DIM_MAX) return c2_fail(err, CAT2_EDATA, "b2nd metalayer: %d dimensions", ndim);
    if (!read_shape(&r, ndim, shape, err) || !read_sizes(&r, ndim, chunks, err) ||
        !read_sizes(&r, ndim, blocks, err) ||
        !read_dtype(&r, head[0] == 0x97, meta->cparams.typesize, &dtype, err))
        return false;
    struct c2_grid grid;
    if (!c2_grid_init(&grid, shape, chunks, blocks, ndim, meta->cparams.typesize, true, err)) {
        if (err->code == CAT2_EINVAL) err->code = CAT2_EDATA;
        return c2_fail_within(err, "b2nd metalayer");
    }
    c2_dtype_fini(&meta->dtype);
    meta->kind = C2_KIND_ARRAY;
    meta->grid = grid;
    meta->dtype = dtype;
    dtype = (struct c2_dtype){0};
    return c2_meta_check_array(meta, err);
}

bool c2_meta_check_array(const struct c2_meta *meta, struct cat2_error *err)
{
    const struct c2_grid *grid = &meta->grid;
    int64_t chunk, block, total;

    if (meta->dtype.itemsize != meta->cparams.typesize)
        return c2_fail(err, CAT2_EDATA, "items of %lld bytes in a frame of typesize %d",
                       (long long)meta->dtype.itemsize, meta->cparams.typesize);
    if (grid->nchunks == 0) {
        if (meta->nbytes == 0) return true;
        return c2_fail(err, CAT2_EDATA, "an empty array of %lld bytes", (long long)meta->nbytes);
    }
    for (int i = 0; i < grid->ndim; i++)
        if (grid->nchunks_along[i] > CHUNKS_ALONG_MAX)
            return c2_fail(err, CAT2_EDATA, "%lld chunks along axis %d", (long long)grid->nchunks_along[i],
                           i);
    if (grid->nchunks > C2_NCHUNKS_MAX || grid->nblocks > C2_NBLOCKS_MAX)
        return c2_fail(err, CAT2_EDATA, "%lld chunks of %lld blocks", (long long)grid->nchunks,
                       (long long)grid->nblocks);
    if (!c2_mul_i64(grid->chunk_items, grid->typesize, &chunk) || chunk != meta->chunksize ||
        chunk > C2_CHUNK_NBYTES_MAX)
        return c2_fail(err, CAT2_EDATA, "chunksize %d does not fit the chunk shape", meta->chunksize);
    if (!c2_mul_i64(grid->block_items, grid->typesize, &block) || block != meta->cparams.blocksize)
        return c2_fail(err, CAT2_EDATA, "blocksize %d does not fit the block shape", meta->cparams.blocksize);
    if (!c2_mul_i64(grid->nchunks, chunk, &total) || total != meta->nbytes)
        return c2_fail(err, CAT2_EDATA, "%lld bytes do not fit %lld chunks", (long long)meta->nbytes,
                       (long long)grid->nchunks);
    return true;
}

bool c2_b2nd_make(const struct c2_meta *meta, struct c2_buf *out, struct cat2_error *err)
{
    const struct c2_grid *grid = &meta->grid;
    uint8_t head[3] = {0x97, 0, (uint8_t)grid->ndim}, item[9], list = (uint8_t)(0x90 + grid->ndim);
    C2_AUTO(c2_buf) descr = C2_BUF_INIT(C2_DTYPE_TEXT_MAX);

    if (!c2_buf_append(out, head, 3, err) || !c2_buf_append(out, &list, 1, err)) return false;
    item[0] = 0xd3;
    for (int i = 0; i < grid->ndim; i++) {
        c2_put_be64(item + 1, (uint64_t)grid->shape[i]);
        if (!c2_buf_append(out, item, 9, err)) return false;
    }
    item[0] = 0xd2;
    for (int pass = 0; pass < 2; pass++) {
        const int32_t *sizes = pass == 0 ? grid->chunks : grid->blocks;
        if (!c2_buf_append(out, &list, 1, err)) return false;
        for (int i = 0; i < grid->ndim; i++) {
            c2_put_be32(item + 1, (uint32_t)sizes[i]);
            if (!c2_buf_append(out, item, 5, err)) return false;
        }
    }
    if (!c2_dtype_descr(&meta->dtype, &descr, err)) return false;
    item[0] = 0;
    item[1] = 0xdb;
    c2_put_be32(item + 2, (uint32_t)descr.n);
    return c2_buf_append(out, item, 6, err) && c2_buf_append(out, descr.p, descr.n, err);
}
