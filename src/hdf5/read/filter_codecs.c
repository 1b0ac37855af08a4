/* SPDX-License-Identifier: BSD-3-Clause */
/* Filters that are one codec each: LZF, Blosc (1), LZ4, Zstandard, bzip2. */
#include <lz4.h>

#include "base/endian.h"
#include "hdf5/read/filter.h"
#include "unpack/unpack.h"

/* ---- LZF: a literal run of up to 32 bytes, or a copy from up to 8 KiB before ---- */

static enum c2_unpacked try_lzf(struct c2_bytes in, struct c2_buf *out)
{
    const uint8_t *p = in.p, *end = in.p + in.n;

    if (in.n == 0) return C2_UNPACK_BAD;
    while (p < end) {
        size_t control = *p++, n = control + 1;
        if (control < 32) {
            if ((size_t)(end - p) < n) return C2_UNPACK_BAD;
            if (out->n + n > out->cap) return C2_UNPACK_NO_ROOM;
            memcpy(out->p + out->n, p, n);
            out->n += n;
            p += n;
            continue;
        }
        n = control >> 5;
        if (n == 7 && p < end) n += *p++;
        if (p == end) return C2_UNPACK_BAD;
        size_t back = ((control & 31) << 8 | *p++) + 1;
        n += 2;
        if (back > out->n) return C2_UNPACK_BAD;
        if (out->n + n > out->cap) return C2_UNPACK_NO_ROOM;
        for (; n; n--, out->n++) /* may overlap itself */
            out->p[out->n] = out->p[out->n - back];
    }
    return C2_UNPACKED;
}

bool c2_h5_decode_lzf(const struct c2_h5_filter *filter, struct c2_codec *codec, struct c2_bytes in,
                      size_t max, struct c2_buf *out, struct cat2_error *err)
{
    size_t guess = filter->nvalues > 2 && filter->values[2] ? filter->values[2] : c2_unpack_guess(in, max);

    (void)codec;
    return c2_unpack_growing(try_lzf, in, guess, max, out, err);
}

/* ---- of the same format elsewhere ---- */

bool c2_h5_decode_bzip2(const struct c2_h5_filter *filter, struct c2_codec *codec, struct c2_bytes in,
                        size_t max, struct c2_buf *out, struct cat2_error *err)
{
    (void)filter;
    (void)codec;
    return c2_unpack_bzip2(in, max, out, err);
}

bool c2_h5_decode_zstd(const struct c2_h5_filter *filter, struct c2_codec *codec, struct c2_bytes in,
                       size_t max, struct c2_buf *out, struct cat2_error *err)
{
    (void)filter;
    (void)codec;
    return c2_unpack_zstd(in, max, out, err);
}

bool c2_h5_decode_blosc(const struct c2_h5_filter *filter, struct c2_codec *codec, struct c2_bytes in,
                        size_t max, struct c2_buf *out, struct cat2_error *err)
{
    (void)filter;
    (void)codec;
    return c2_unpack_blosc(in, max, out, err);
}

bool c2_h5_decode_zlib(const struct c2_h5_filter *filter, struct c2_codec *codec, struct c2_bytes in,
                       size_t max, struct c2_buf *out, struct cat2_error *err)
{
    (void)filter;
    (void)codec;
    return c2_unpack_zlib(in, max, out, err);
}

/* ---- LZ4: a size, the size of a block, blocks with their compressed sizes, all big-endian ---- */

static bool take_block(struct c2_bytes *in, size_t n, uint8_t *out)
{
    if (in->n < 4) return false;
    uint32_t cbytes = c2_be32(in->p);
    if (cbytes > in->n - 4 || cbytes > INT32_MAX) return false;
    const uint8_t *from = in->p + 4;
    *in = (struct c2_bytes){from + cbytes, in->n - 4 - cbytes};
    if (cbytes == n) { /* did not become smaller: as it was */
        memcpy(out, from, n);
        return true;
    }
    return LZ4_decompress_safe((const char *)from, (char *)out, (int)cbytes, (int)n) == (int)n;
}

bool c2_h5_decode_lz4(const struct c2_h5_filter *filter, struct c2_codec *codec, struct c2_bytes in,
                      size_t max, struct c2_buf *out, struct cat2_error *err)
{
    (void)filter;
    (void)codec;
    if (in.n < 12) return c2_fail(err, CAT2_EDATA, "no room for its header");
    uint64_t nbytes = c2_be64(in.p);
    uint32_t block = c2_be32(in.p + 8);
    if (nbytes > max) return c2_fail(err, CAT2_EDATA, "decodes to more bytes than the chunk has");
    if (block < 1 || block > INT32_MAX) return c2_fail(err, CAT2_EDATA, "blocks of %u bytes", block);
    in = (struct c2_bytes){in.p + 12, in.n - 12};
    if (!c2_buf_reserve(out, (size_t)nbytes, err)) return false;
    while (out->n < nbytes) {
        size_t n = nbytes - out->n < block ? (size_t)nbytes - out->n : block;
        if (!take_block(&in, n, out->p + out->n)) return c2_fail(err, CAT2_EDATA, "a block is damaged");
        out->n += n;
    }
    return true;
}
