/* SPDX-License-Identifier: BSD-3-Clause */
/* A box of items put together from the chunks it touches, each decoded here: for filters libhdf5 does not
 * have. */
#include <stdlib.h>

#include "hdf5/read/h5_impl.h"

/* Boxes come one after the other out of a large chunk: it is kept, one of a file. */
struct c2_h5_decoded {
    const struct c2_h5_dataset *ds; /* NULL: none */
    hsize_t offset[C2_H5_DIM_MAX];
    struct c2_h5_raw raw;
};

struct box {
    struct c2_h5_dataset *ds;
    const hsize_t *start, *count, *mem_dims;
    size_t item; /* bytes of an item of the dataspace */
    uint8_t *out;
};

void c2_h5_decoded_forget(struct c2_h5 *h5, const struct c2_h5_dataset *ds)
{
    struct c2_h5_decoded *decoded = h5->decoded;

    if (!decoded || (ds && decoded->ds != ds)) return;
    c2_h5_raw_fini(&decoded->raw);
    free(decoded);
    h5->decoded = NULL;
}

static bool decode(struct c2_h5_dataset *ds, const hsize_t *offset, struct c2_h5_raw *raw,
                   struct cat2_error *err)
{
    if (!c2_h5_fetch_stored(ds, offset, raw, err)) return false;
    if (raw->kind == C2_H5_RAW_FILL) return true;
    if (!ds->codec && !(ds->codec = c2_codec_new())) return c2_fail_nomem(err, "codec");
    if (!c2_h5_unfilter(ds, ds->codec, raw, err)) return false;
    c2_buf_fini(&raw->bytes); /* what stays is one chunk */
    c2_buf_fini(&raw->spare);
    c2_buf_init(&raw->bytes, C2_CHUNK_CBYTES_MAX);
    c2_buf_init(&raw->spare, C2_CHUNK_CBYTES_MAX);
    return raw->items.n == c2_h5_chunk_nbytes(ds) ||
           c2_fail(err, CAT2_EDATA, "a chunk decodes to %zu bytes, not %zu", raw->items.n,
                   c2_h5_chunk_nbytes(ds));
}

/* The items of the chunk at `offset`, C order; NULL: the fill value throughout. Valid until the next call. */
static bool decoded_items(struct box *box, const hsize_t *offset, const uint8_t **items,
                          struct cat2_error *err)
{
    struct c2_h5_dataset *ds = box->ds;
    struct c2_h5_decoded *last = ds->h5->decoded;
    size_t n = (size_t)ds->ndim * sizeof(*offset);

    if (last && last->ds != ds) { /* its buffers may be large */
        c2_h5_decoded_forget(ds->h5, NULL);
        last = NULL;
    }
    if (!last) {
        last = ds->h5->decoded = calloc(1, sizeof(*last));
        if (!last) return c2_fail_nomem(err, "chunk");
        c2_h5_raw_init(&last->raw);
    } else if (memcmp(last->offset, offset, n) == 0) {
        *items = last->raw.kind == C2_H5_RAW_FILL ? NULL : last->raw.items.p;
        return true;
    }
    last->ds = ds;
    memcpy(last->offset, offset, n);
    if (!decode(ds, offset, &last->raw, err)) {
        c2_h5_decoded_forget(ds->h5, NULL);
        return false;
    }
    *items = last->raw.kind == C2_H5_RAW_FILL ? NULL : last->raw.items.p;
    return true;
}

static void put_row(const struct box *box, const uint8_t *from, uint8_t *to, size_t n)
{
    if (from) {
        memcpy(to, from, n);
    } else if (!box->ds->fill) {
        memset(to, 0, n);
    } else {
        for (size_t i = 0; i < n; i += box->item)
            memcpy(to + i, box->ds->fill, box->item);
    }
}

/* What chunk and box share, row by row of the last axis. */
static void copy_shared(const struct box *box, const hsize_t *offset, const uint8_t *items)
{
    int ndim = box->ds->ndim;
    hsize_t lo[C2_H5_DIM_MAX], hi[C2_H5_DIM_MAX], at[C2_H5_DIM_MAX];

    for (int i = 0; i < ndim; i++) {
        hsize_t end = offset[i] + box->ds->chunk[i], box_end = box->start[i] + box->count[i];
        lo[i] = at[i] = offset[i] > box->start[i] ? offset[i] : box->start[i];
        hi[i] = end < box_end ? end : box_end;
        if (lo[i] >= hi[i]) return;
    }
    size_t row = (size_t)(hi[ndim - 1] - lo[ndim - 1]) * box->item;
    for (;;) {
        size_t from = 0, to = 0;
        for (int i = 0; i < ndim; i++) {
            from = from * (size_t)box->ds->chunk[i] + (size_t)(at[i] - offset[i]);
            to = to * (size_t)box->mem_dims[i] + (size_t)(at[i] - box->start[i]);
        }
        put_row(box, items ? items + from * box->item : NULL, box->out + to * box->item, row);
        int axis = ndim - 2;
        while (axis >= 0 && ++at[axis] == hi[axis]) {
            at[axis] = lo[axis];
            axis--;
        }
        if (axis < 0) return;
    }
}

static bool read_chunks(struct box *box, struct cat2_error *err)
{
    int ndim = box->ds->ndim;
    hsize_t offset[C2_H5_DIM_MAX] = {0}, first[C2_H5_DIM_MAX] = {0};
    const uint8_t *items;

    for (int i = 0; i < ndim; i++)
        first[i] = offset[i] = box->start[i] / box->ds->chunk[i] * box->ds->chunk[i];
    for (;;) {
        if (!decoded_items(box, offset, &items, err)) return false;
        copy_shared(box, offset, items);
        int axis = ndim - 1;
        while (axis >= 0 && (offset[axis] += box->ds->chunk[axis]) >= box->start[axis] + box->count[axis]) {
            offset[axis] = first[axis];
            axis--;
        }
        if (axis < 0) return true;
    }
}

bool c2_h5_can_box(const struct c2_h5_dataset *ds)
{
    return ds->facts.layout == C2_H5_CHUNKED && ds->facts.nfilters > 0 && ds->own_pipeline &&
           ds->type.direct && !ds->sequence && ds->ndim > 0;
}

bool c2_h5_box(struct c2_h5_dataset *ds, const hsize_t *start, const hsize_t *count, const hsize_t *mem_dims,
               uint8_t *out, struct cat2_error *err)
{
    struct box box = {.ds = ds,
                      .start = start,
                      .count = count,
                      .mem_dims = mem_dims,
                      .item = c2_h5_item_nbytes(ds),
                      .out = out};

    return read_chunks(&box, err);
}
