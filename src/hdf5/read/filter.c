/* SPDX-License-Identifier: BSD-3-Clause */
/* The usual filters of HDF5, undone here: faster than libhdf5 does it, and in any thread. */

#include <blosc2.h>

#include "base/endian.h"
#include "hdf5/read/h5_impl.h"

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
    if (items->n < 4) return c2_fail(err, CAT2_EDATA, "filter 3 (fletcher32): no room for a checksum");
    uint32_t stored = c2_le32(items->p + items->n - 4);
    uint32_t sum = c2_h5_fletcher32((struct c2_bytes){items->p, items->n - 4});
    uint32_t swapped = (sum & 0x00ff00ff) << 8 | (sum >> 8 & 0x00ff00ff); /* as HDF5 before 1.6.3 wrote it */

    if (sum != stored && swapped != stored)
        return c2_fail(err, CAT2_EDATA, "filter 3 (fletcher32): the checksum is wrong");
    items->n -= 4;
    return true;
}

static bool unshuffle(const struct c2_h5_filter *filter, struct c2_codec *codec, struct c2_bytes in,
                      size_t max, struct c2_buf *out, struct cat2_error *err)
{
    unsigned typesize = filter->nvalues ? filter->values[0] : 0;

    (void)codec;
    if (typesize < 1 || typesize > C2_H5_ITEM_MAX || in.n > max)
        return c2_fail(err, CAT2_EDATA, "items of %u bytes", typesize);
    if (typesize == 1 || in.n < typesize) return c2_buf_append(out, in.p, in.n, err);
    if (!c2_buf_resize(out, in.n, err)) return false;
    return blosc2_unshuffle((int32_t)typesize, (int32_t)in.n, in.p, out->p) >= 0 ||
           c2_fail(err, CAT2_EDATA, "the data cannot be put back");
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

static bool decode_blosc2(const struct c2_h5_filter *filter, struct c2_codec *codec, struct c2_bytes in,
                          size_t max, struct c2_buf *out, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_frame) *frame = NULL;
    struct c2_buf copy = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);

    (void)filter;
    if (!c2_buf_append(&copy, in.p, in.n, err) || !c2_frame_open_buf(&copy, "HDF5 chunk", &frame, err)) {
        c2_buf_fini(&copy);
        return false;
    }
    int64_t n = c2_frame_meta(frame)->nbytes;
    if (n < 0 || (uint64_t)n > max)
        return c2_fail(err, CAT2_EDATA, "decodes to more bytes than the chunk has");
    return c2_buf_reserve(out, (size_t)n, err) && decode_frame(codec, frame, out, err);
}

/* ---- the table: the registry of HDF5 ---- */

static const struct {
    int id;
    const char *name;
    c2_h5_decode *decode; /* NULL: not undone here */
} KINDS[] = {
    {C2_H5_FILTER_DEFLATE, "deflate", c2_h5_decode_zlib},
    {C2_H5_FILTER_SHUFFLE, "shuffle", unshuffle},
    {C2_H5_FILTER_FLETCHER32, "fletcher32", NULL},
    {4, "szip", NULL},
    {5, "nbit", NULL},
    {6, "scaleoffset", NULL},
    {305, "LZO", NULL},
    {C2_H5_FILTER_BZIP2, "bzip2", c2_h5_decode_bzip2},
    {C2_H5_FILTER_LZF, "LZF", c2_h5_decode_lzf},
    {C2_H5_FILTER_BLOSC, "Blosc", c2_h5_decode_blosc},
    {32002, "MAFISC", NULL},
    {32003, "Snappy", NULL},
    {C2_H5_FILTER_LZ4, "LZ4", c2_h5_decode_lz4},
    {32005, "APAX", NULL},
    {32006, "CBF", NULL},
    {32007, "JPEG-XR", NULL},
    {C2_H5_FILTER_BITSHUFFLE, "bitshuffle", c2_h5_decode_bitshuffle},
    {32009, "SPDP", NULL},
    {32010, "LPC-Rice", NULL},
    {32011, "CCSDS-123", NULL},
    {32012, "JPEG-LS", NULL},
    {32013, "ZFP", NULL},
    {32014, "fpzip", NULL},
    {C2_H5_FILTER_ZSTD, "Zstandard", c2_h5_decode_zstd},
    {32016, "B3D", NULL},
    {32017, "SZ", NULL},
    {32018, "FCIDECOMP", NULL},
    {32019, "JPEG", NULL},
    {32020, "VBZ", NULL},
    {32021, "FAPEC", NULL},
    {32022, "BitGroom", NULL},
    {32023, "Granular BitRound", NULL},
    {32024, "SZ3", NULL},
    {32025, "Delta-Rice", NULL},
    {C2_HDF5_FILTER_BLOSC2, "Blosc2", decode_blosc2},
    {32027, "FLAC", NULL},
    {32028, "SPERR", NULL},
    {32029, "TERSE/PROLIX", NULL},
    {32030, "FFMPEG", NULL},
};

const char *c2_h5_filter_name(int id)
{
    for (size_t i = 0; i < C2_ARRAY_LEN(KINDS); i++)
        if (KINDS[i].id == id) return KINDS[i].name;
    return NULL;
}

c2_h5_decode *c2_h5_filter_decode(int id)
{
    for (size_t i = 0; i < C2_ARRAY_LEN(KINDS); i++)
        if (KINDS[i].id == id) return KINDS[i].decode;
    return NULL;
}

bool c2_h5_filter_undo(const struct c2_h5_filter *filter, struct c2_codec *codec, struct c2_bytes in,
                       size_t max, struct c2_buf *out, struct cat2_error *err)
{
    c2_h5_decode *decode = c2_h5_filter_decode(filter->id);

    c2_buf_clear(out);
    if (!decode)
        return c2_fail(err, CAT2_EUNSUPPORTED, "filter %d (%s) is not here", filter->id,
                       filter->name[0] ? filter->name : "no name");
    return decode(filter, codec, in, max, out, err) ||
           c2_fail_within(err, "filter %d (%s)", filter->id, c2_h5_filter_name(filter->id));
}

/* ---- the pipeline ---- */

static size_t room_for(const struct c2_h5_dataset *ds)
{
    size_t n = c2_h5_chunk_nbytes(ds);

    return n + n / 16 + 4096; /* checksums, and what a filter before the last may have added */
}

/* One that is not here decides, whatever the others would say. */
static bool check_missing(const struct c2_h5_dataset *ds, uint32_t mask, struct cat2_error *err)
{
    for (int i = 0; i < ds->facts.nfilters; i++)
        if (ds->missing & ~mask & 1u << i) return c2_h5_filter_missing(&ds->filters[i], err);
    return true;
}

bool c2_h5_unfilter(const struct c2_h5_dataset *ds, struct c2_codec *codec, struct c2_h5_raw *raw,
                    struct cat2_error *err)
{
    struct c2_buf *in = &raw->bytes, *out = &raw->items;

    if (!check_missing(ds, raw->mask, err)) return false;
    for (int i = ds->facts.nfilters - 1; i >= 0; i--) {
        if (raw->mask >> i & 1) continue;
        if (ds->filters[i].id == C2_H5_FILTER_FLETCHER32) {
            if (!check_sum(in, err)) return false;
            continue;
        }
        if (!c2_h5_filter_undo(&ds->filters[i], codec, c2_buf_bytes(in), room_for(ds), out, err))
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

bool c2_h5_filter_missing(const struct c2_h5_filter *filter, struct cat2_error *err)
{
    return c2_fail(err, CAT2_EUNSUPPORTED,
                   "filter %d%s%s%s is not here (HDF5_PLUGIN_PATH names a directory of filters)", filter->id,
                   filter->name[0] ? " (" : "", filter->name, filter->name[0] ? ")" : "");
}
