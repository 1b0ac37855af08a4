/* SPDX-License-Identifier: BSD-3-Clause */
/* From what was fetched to a Blosc2 chunk: untouched where it is one, else decoded, cut into blocks,
 * compressed. No call of libhdf5 here: any thread. */

#include "base/endian.h"
#include "blosc/chunk_format.h"
#include "hdf5/read/h5_impl.h"

/* ---- chunks of one value ---- */

static bool add_repeated(const struct c2_h5_dataset *ds, struct c2_buf *out, struct cat2_error *err)
{
    const struct c2_meta *meta = &ds->meta;
    size_t before = out->n;

    if (!c2_chunk_special(C2_CHUNK_ZERO, &meta->cparams, meta->chunksize, out, err)) return false;
    if (!ds->fill) return true;
    if (!c2_buf_append(out, ds->fill, (size_t)meta->cparams.typesize, err)) return false;
    out->p[before + C2_CHUNK_FLAGS2] = C2_SPECIAL_VALUE << 4;
    c2_put_le32(out->p + before + 12, (uint32_t)(out->n - before));
    return true;
}

static bool is_zero(struct c2_bytes bytes)
{
    return bytes.n == 0 || (bytes.p[0] == 0 && memcmp(bytes.p, bytes.p + 1, bytes.n - 1) == 0);
}

/* A chunk full of the fill value, for items the format cannot repeat, and for sub-arrays. */
static bool fill_items(const struct c2_h5_dataset *ds, struct c2_buf *items, struct cat2_error *err)
{
    size_t item = c2_h5_item_nbytes(ds), n = c2_h5_chunk_nbytes(ds);

    if (!c2_buf_resize(items, n, err)) return false;
    for (size_t at = 0; at < n; at += item)
        memcpy(items->p + at, ds->fill, item);
    return true;
}

/* ---- through as it is ---- */

/* Does the frame hold just our chunk? */
static bool is_ours(const struct c2_h5_dataset *ds, const struct c2_meta *inner)
{
    const struct c2_meta *meta = &ds->meta;

    if (inner->nchunks != 1 || inner->cparams.typesize != meta->cparams.typesize ||
        inner->cparams.blocksize != meta->cparams.blocksize || inner->nbytes != meta->chunksize)
        return false;
    if (inner->kind != C2_KIND_ARRAY) return meta->grid.ndim == 1;
    if (inner->grid.ndim != meta->grid.ndim) return false;
    for (int i = 0; i < meta->grid.ndim; i++)
        if (inner->grid.chunks[i] != meta->grid.chunks[i] || inner->grid.blocks[i] != meta->grid.blocks[i])
            return false;
    return true;
}

/* *passed: the chunk was appended. A frame of another kind is decoded later. */
static bool pass(const struct c2_h5_dataset *ds, struct c2_h5_raw *raw, struct c2_buf *out, bool *passed,
                 struct cat2_error *err)
{
    C2_AUTO_PTR(c2_frame) *frame = NULL;
    size_t n = raw->bytes.n;
    uint8_t *bytes = raw->bytes.p;

    *passed = false;
    if (!c2_frame_open_buf(&raw->bytes, "HDF5 chunk", &frame, err)) return false;
    if (is_ours(ds, c2_frame_meta(frame)) && !c2_frame_refusal(frame)) {
        *passed = true;
        return c2_frame_chunk(frame, 0, out, err);
    }
    c2_buf_init(&raw->bytes, C2_CHUNK_CBYTES_MAX);
    return c2_buf_append(&raw->bytes, bytes, n, err); /* the frame owns what it was given */
}

/* ---- compressing ---- */

static bool compress(const struct c2_h5_dataset *ds, struct c2_codec *codec, const struct c2_buf *items,
                     struct c2_buf *blocks, struct c2_buf *out, struct cat2_error *err)
{
    const struct c2_grid *grid = &ds->chunk_grid;
    const uint8_t *from = items->p;
    bool linear = grid->nblocks == 1 && items->n == (size_t)ds->meta.chunksize;

    if (is_zero(c2_buf_bytes(items)))
        return c2_chunk_special(C2_CHUNK_ZERO, &ds->meta.cparams, ds->meta.chunksize, out, err);
    if (!linear) {
        if (!c2_buf_resize(blocks, (size_t)ds->meta.chunksize, err)) return false;
        c2_grid_gather(grid, items->p, 0, blocks->p);
        from = blocks->p;
    }
    return c2_codec_encode(codec, &ds->meta.cparams, from, ds->meta.chunksize, out, err);
}

static bool convert(const struct c2_h5_dataset *ds, struct c2_codec *codec, struct c2_h5_raw *raw,
                    struct c2_buf *out, struct cat2_error *err)
{
    bool passed = false;

    if (raw->kind == C2_H5_RAW_FILL) {
        if (!ds->fill || (ds->type.ndim == 0 && ds->meta.grid.typesize <= 255))
            return add_repeated(ds, out, err);
        return fill_items(ds, &raw->items, err) && compress(ds, codec, &raw->items, &raw->blocks, out, err);
    }
    if (raw->kind == C2_H5_RAW_ITEMS) return compress(ds, codec, &raw->bytes, &raw->blocks, out, err);
    if (ds->facts.passes && raw->mask == 0 && !pass(ds, raw, out, &passed, err)) return false;
    if (passed) return true;
    if (!c2_h5_unfilter(ds, codec, raw, err)) return false;
    if (raw->items.n != c2_h5_chunk_nbytes(ds))
        return c2_fail(err, CAT2_EDATA, "decodes to %zu bytes, not %zu", raw->items.n,
                       c2_h5_chunk_nbytes(ds));
    return compress(ds, codec, &raw->items, &raw->blocks, out, err);
}

bool c2_h5_convert(const struct c2_h5_dataset *ds, struct c2_codec *codec, struct c2_h5_raw *raw,
                   struct c2_buf *out, struct cat2_error *err)
{
    size_t before = out->n;

    if (convert(ds, codec, raw, out, err)) return true;
    out->n = before;
    return c2_fail_within(err, "chunk %lld", (long long)raw->nchunk);
}
