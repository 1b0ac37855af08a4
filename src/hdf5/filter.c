/* SPDX-License-Identifier: BSD-3-Clause */
/* The usual filters of HDF5, undone here: faster than libhdf5 does it, and in any thread. */
#include <stdlib.h>

#include <blosc2.h>
#include <libdeflate.h>

#include "base/endian.h"
#include "hdf5/h5_impl.h"

/* HDF5's Fletcher-32: sums of big-endian 16-bit words. */
uint32_t c2_h5_fletcher32(struct c2_bytes in)
{
    const uint8_t *p = in.p;
    size_t words = in.n / 2;
    uint32_t a = 0, b = 0;

    while (words) {
        size_t n = words < 360 ? words : 360; /* so many cannot overflow 32 bits */
        words -= n;
        for (; n; n--, p += 2) {
            a += (uint32_t)(p[0] << 8 | p[1]);
            b += a;
        }
        a = (a & 0xffff) + (a >> 16);
        b = (b & 0xffff) + (b >> 16);
    }
    if (in.n % 2) {
        a += (uint32_t)(*p << 8);
        b += a;
        a = (a & 0xffff) + (a >> 16);
        b = (b & 0xffff) + (b >> 16);
    }
    a = (a & 0xffff) + (a >> 16);
    b = (b & 0xffff) + (b >> 16);
    return b << 16 | a;
}

static bool check_sum(struct c2_buf *items, struct cat2_error *err)
{
    if (items->n < 4) return c2_fail(err, CAT2_EDATA, "no room for a checksum");
    uint32_t stored = c2_le32(items->p + items->n - 4);
    uint32_t sum = c2_h5_fletcher32((struct c2_bytes){items->p, items->n - 4});
    uint32_t swapped = (sum & 0x00ff00ff) << 8 | (sum >> 8 & 0x00ff00ff); /* as HDF5 before 1.6.3 wrote it */

    if (sum != stored && swapped != stored) return c2_fail(err, CAT2_EDATA, "the checksum is wrong");
    items->n -= 4;
    return true;
}

static bool bad_lzf(struct cat2_error *err)
{
    return c2_fail(err, CAT2_EDATA, "bad LZF data");
}

/* A literal run of up to 32 bytes, or a copy from up to 8 KiB before. */
bool c2_h5_lzf_decode(struct c2_bytes in, struct c2_buf *out, struct cat2_error *err)
{
    const uint8_t *p = in.p, *end = in.p + in.n;

    if (in.n == 0) return bad_lzf(err);
    while (p < end) {
        size_t control = *p++, n = control + 1;
        if (control < 32) {
            if ((size_t)(end - p) < n || out->n + n > out->cap) return bad_lzf(err);
            memcpy(out->p + out->n, p, n);
            out->n += n;
            p += n;
            continue;
        }
        n = control >> 5;
        if (n == 7 && p < end) n += *p++;
        if (p == end) return bad_lzf(err);
        size_t back = ((control & 31) << 8 | *p++) + 1;
        n += 2;
        if (back > out->n || out->n + n > out->cap) return bad_lzf(err);
        for (; n; n--, out->n++) /* may overlap itself */
            out->p[out->n] = out->p[out->n - back];
    }
    return true;
}

static bool inflate_zlib(const struct c2_buf *in, struct c2_buf *out, struct cat2_error *err)
{
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    size_t n = 0;

    if (!d) return c2_fail_nomem(err, "decompressor");
    enum libdeflate_result rc = libdeflate_zlib_decompress(d, in->p, in->n, out->p, out->cap, &n);
    libdeflate_free_decompressor(d);
    out->n = n;
    return rc == LIBDEFLATE_SUCCESS || c2_fail(err, CAT2_EDATA, "bad zlib data");
}

static bool unshuffle(const struct c2_buf *in, unsigned typesize, struct c2_buf *out, struct cat2_error *err)
{
    if (typesize < 1 || typesize > C2_H5_ITEM_MAX || in->n > out->cap)
        return c2_fail(err, CAT2_EDATA, "shuffled items of %u bytes", typesize);
    out->n = in->n;
    if (typesize == 1 || in->n < typesize) {
        memcpy(out->p, in->p, in->n);
        return true;
    }
    return blosc2_unshuffle((int32_t)typesize, (int32_t)in->n, in->p, out->p) >= 0 ||
           c2_fail(err, CAT2_EDATA, "data cannot be unshuffled");
}

/* ---- Blosc2 among other filters, or of another shape ---- */

static bool decode_array(const struct c2_meta *inner, const uint8_t *padded, struct c2_buf *out,
                         struct cat2_error *err)
{
    struct c2_bound all = {0};
    struct c2_slice whole;
    int64_t n = inner->grid.typesize;

    if (!c2_slice_parse(C2_STR(""), &whole, err) ||
        !c2_slice_bind(&whole, inner->grid.shape, inner->grid.ndim, &all, err))
        return false;
    if (!c2_mul_i64(n, all.nitems, &n) || n > (int64_t)out->cap)
        return c2_fail(err, CAT2_EDATA, "too many items in a chunk");
    out->n = (size_t)n;
    for (int32_t block = 0; block < inner->grid.nblocks; block++)
        c2_grid_scatter(&inner->grid, &all, 0, block,
                        padded + (size_t)block * (size_t)(inner->grid.block_items * inner->grid.typesize),
                        out->p);
    return true;
}

static bool decode_frame(struct c2_codec *codec, struct c2_frame *frame, struct c2_buf *out,
                         struct cat2_error *err)
{
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    C2_AUTO(c2_buf) padded = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    const struct c2_meta *inner = c2_frame_meta(frame);

    if (c2_frame_refusal(frame)) return c2_fail(err, CAT2_EUNSUPPORTED, "%s", c2_frame_refusal(frame));
    if (inner->nchunks != 1)
        return c2_fail(err, CAT2_EDATA, "a frame of %lld chunks", (long long)inner->nchunks);
    if (!c2_frame_chunk(frame, 0, &chunk, err)) return false;
    if (inner->kind == C2_KIND_ARRAY) {
        if (!c2_buf_resize(&padded, (size_t)inner->chunksize, err)) return false;
        return c2_codec_decode(codec, inner, c2_buf_bytes(&chunk), padded.p, err) &&
               decode_array(inner, padded.p, out, err);
    }
    if (inner->nbytes > (int64_t)out->cap) return c2_fail(err, CAT2_EDATA, "too many items in a chunk");
    out->n = (size_t)inner->nbytes;
    return c2_codec_decode(codec, inner, c2_buf_bytes(&chunk), out->p, err);
}

static bool unblosc(struct c2_codec *codec, struct c2_buf *in, struct c2_buf *out, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_frame) *frame = NULL;
    struct c2_buf copy = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);

    if (!c2_buf_append(&copy, in->p, in->n, err) || !c2_h5_inner_open(&copy, &frame, err)) {
        c2_buf_fini(&copy);
        return false;
    }
    return decode_frame(codec, frame, out, err);
}

/* ---- the pipeline ---- */

void c2_h5_filter_init(struct c2_h5_filter *filter, int id, size_t nvalues, const unsigned *values)
{
    *filter = (struct c2_h5_filter){id, nvalues > 0 ? values[0] : 0};
}

bool c2_h5_filter_is_own(int id)
{
    return id == H5Z_FILTER_DEFLATE || id == H5Z_FILTER_SHUFFLE || id == H5Z_FILTER_FLETCHER32 ||
           id == C2_H5_FILTER_LZF || id == C2_H5_FILTER_BLOSC2;
}

bool c2_h5_undo_filter(const struct c2_h5_filter *filter, struct c2_codec *codec, struct c2_buf *in,
                       struct c2_buf *out, struct cat2_error *err)
{
    switch (filter->id) {
    case H5Z_FILTER_DEFLATE:
        return inflate_zlib(in, out, err);
    case H5Z_FILTER_SHUFFLE:
        return unshuffle(in, filter->typesize, out, err);
    case C2_H5_FILTER_LZF:
        return c2_h5_lzf_decode(c2_buf_bytes(in), out, err);
    case C2_H5_FILTER_BLOSC2:
        return unblosc(codec, in, out, err);
    default:
        return c2_fail(err, CAT2_EUNSUPPORTED, "filter %d", filter->id);
    }
}

static size_t room_for(const struct c2_h5_dataset *ds)
{
    size_t n = c2_h5_chunk_nbytes(ds);

    return n + n / 16 + 4096; /* checksums, and what a filter before the last may have added */
}

bool c2_h5_unfilter(const struct c2_h5_dataset *ds, struct c2_codec *codec, struct c2_h5_raw *raw,
                    struct cat2_error *err)
{
    struct c2_buf *in = &raw->bytes, *out = &raw->items;

    for (int i = ds->facts.nfilters - 1; i >= 0; i--) {
        if (raw->mask >> i & 1) continue;
        if (ds->filters[i].id == H5Z_FILTER_FLETCHER32) {
            if (!check_sum(in, err)) return false;
            continue;
        }
        c2_buf_clear(out);
        if (!c2_buf_reserve(out, room_for(ds), err) ||
            !c2_h5_undo_filter(&ds->filters[i], codec, in, out, err))
            return false;
        struct c2_buf *used = in == &raw->bytes ? &raw->spare : in;
        in = out;
        out = used;
    }
    if (in != &raw->items) { /* where the caller looks for it */
        struct c2_buf found = *in;
        *in = raw->items;
        raw->items = found;
    }
    return true;
}
