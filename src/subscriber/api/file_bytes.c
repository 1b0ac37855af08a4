/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes of a file are items of its one axis; an item of a foreign publisher's file may be several bytes. */
#include "subscriber/api/file_bytes.h"

static int64_t item_nbytes(const struct c2_file_bytes *file)
{
    return file->ds->meta->dtype.itemsize;
}

int64_t c2_file_nbytes(const struct c2_file_bytes *file, const struct c2_cachefile *cf)
{
    return file->itself ? file->ds->meta->grid.shape[0] * item_nbytes(file)
                        : c2_cachefile_layout(cf)->frame_len;
}

/* The items under some bytes. */
static struct c2_bound items_of(const struct c2_file_bytes *file, struct c2_range at)
{
    int64_t first = at.off / item_nbytes(file),
            last = (at.off + at.n + item_nbytes(file) - 1) / item_nbytes(file);
    int64_t n = at.n ? last - first : 0;

    return (struct c2_bound){.ndim = 1,
                             .axes = {{.start = first, .step = 1, .count = n}},
                             .out_ndim = 1,
                             .out_shape = {n},
                             .nitems = n,
                             .whole = n == file->ds->meta->grid.shape[0]};
}

struct c2_pieces c2_file_pieces(const struct c2_file_bytes *file, const struct c2_range *ranges, size_t n,
                                struct c2_bound *bound)
{
    if (!file->itself) return (struct c2_pieces){.need = C2_NEED_BYTES, .ranges = ranges, .n = n};
    *bound = items_of(file, ranges[0]);
    return (struct c2_pieces){.need = C2_NEED_BOUND, .bound = bound};
}

bool c2_file_read(const struct c2_file_bytes *file, const struct c2_reading *reading, struct c2_range at,
                  struct c2_buf *out, struct cat2_error *err)
{
    if (!file->itself)
        return c2_buf_resize(out, (size_t)at.n, err) &&
               c2_read_bytes(reading, at.off, (size_t)at.n, out->p, err);
    struct c2_bound bound = items_of(file, at);
    size_t before = (size_t)(at.off - bound.axes[0].start * item_nbytes(file));

    if (!c2_read_items(reading, &bound, out, err)) return false;
    if (before) memmove(out->p, out->p + before, out->n - before);
    out->n = (size_t)at.n;
    return true;
}
