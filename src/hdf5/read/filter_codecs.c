/* SPDX-License-Identifier: BSD-3-Clause */
/* Filters that are one codec each: LZF, Blosc (1), LZ4, Zstandard, bzip2. */
#include <blosc2.h>
#include <bzlib.h>
#include <lz4.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/endian.h"
#include "hdf5/read/filter.h"

/* ---- where the codec does not say how much it makes: more room each time, up to max ---- */

enum outcome { DONE, NO_ROOM, BAD };
typedef enum outcome expand_fn(struct c2_bytes in, struct c2_buf *out);

static bool expand_growing(expand_fn *expand, struct c2_bytes in, size_t guess, size_t max,
                           struct c2_buf *out, struct cat2_error *err)
{
    size_t room = guess < max ? guess : max;

    for (;;) {
        if (!c2_buf_reserve(out, room, err)) return false;
        out->n = 0;
        enum outcome outcome = expand(in, out);
        if (outcome == DONE) return out->n <= max || c2_fail(err, CAT2_EDATA, "decodes to too many bytes");
        if (outcome == BAD) return c2_fail(err, CAT2_EDATA, "the data is damaged");
        if (out->cap >= max) return c2_fail(err, CAT2_EDATA, "decodes to more bytes than the chunk has");
        room = out->cap > max / 2 ? max : 2 * out->cap;
    }
}

static size_t guess_of(struct c2_bytes in, size_t max)
{
    size_t guess = in.n < max / 4 ? 4 * in.n : max;

    return guess < 4096 ? 4096 : guess;
}

/* ---- LZF: a literal run of up to 32 bytes, or a copy from up to 8 KiB before ---- */

static enum outcome expand_lzf(struct c2_bytes in, struct c2_buf *out)
{
    const uint8_t *p = in.p, *end = in.p + in.n;

    if (in.n == 0) return BAD;
    while (p < end) {
        size_t control = *p++, n = control + 1;
        if (control < 32) {
            if ((size_t)(end - p) < n) return BAD;
            if (out->n + n > out->cap) return NO_ROOM;
            memcpy(out->p + out->n, p, n);
            out->n += n;
            p += n;
            continue;
        }
        n = control >> 5;
        if (n == 7 && p < end) n += *p++;
        if (p == end) return BAD;
        size_t back = ((control & 31) << 8 | *p++) + 1;
        n += 2;
        if (back > out->n) return BAD;
        if (out->n + n > out->cap) return NO_ROOM;
        for (; n; n--, out->n++) /* may overlap itself */
            out->p[out->n] = out->p[out->n - back];
    }
    return DONE;
}

bool c2_h5_decode_lzf(const struct c2_h5_filter *filter, struct c2_codec *codec, struct c2_bytes in,
                      size_t max, struct c2_buf *out, struct cat2_error *err)
{
    size_t guess = filter->nvalues > 2 && filter->values[2] ? filter->values[2] : guess_of(in, max);

    (void)codec;
    return expand_growing(expand_lzf, in, guess, max, out, err);
}

/* ---- bzip2 ---- */

static enum outcome expand_bzip2(struct c2_bytes in, struct c2_buf *out)
{
    unsigned n = out->cap < UINT32_MAX ? (unsigned)out->cap : UINT32_MAX;

    if (in.n > UINT32_MAX) return BAD;
    int rc = BZ2_bzBuffToBuffDecompress((char *)out->p, &n, (char *)(uintptr_t)in.p, (unsigned)in.n, 0, 0);
    if (rc == BZ_OK) out->n = n;
    return rc == BZ_OK ? DONE : rc == BZ_OUTBUFF_FULL ? NO_ROOM : BAD;
}

bool c2_h5_decode_bzip2(const struct c2_h5_filter *filter, struct c2_codec *codec, struct c2_bytes in,
                        size_t max, struct c2_buf *out, struct cat2_error *err)
{
    (void)filter;
    (void)codec;
    return expand_growing(expand_bzip2, in, guess_of(in, max), max, out, err);
}

/* ---- Zstandard: a frame, or several, which mostly say how much they hold ---- */

static enum outcome expand_zstd(struct c2_bytes in, struct c2_buf *out)
{
    size_t n = ZSTD_decompress(out->p, out->cap, in.p, in.n);

    if (!ZSTD_isError(n)) {
        out->n = n;
        return DONE;
    }
    return ZSTD_getErrorCode(n) == ZSTD_error_dstSize_tooSmall ? NO_ROOM : BAD;
}

bool c2_h5_decode_zstd(const struct c2_h5_filter *filter, struct c2_codec *codec, struct c2_bytes in,
                       size_t max, struct c2_buf *out, struct cat2_error *err)
{
    unsigned long long n = ZSTD_getFrameContentSize(in.p, in.n);

    (void)filter;
    (void)codec;
    if (n == ZSTD_CONTENTSIZE_ERROR) return c2_fail(err, CAT2_EDATA, "the data is damaged");
    if (n == ZSTD_CONTENTSIZE_UNKNOWN) n = guess_of(in, max);
    if (n > max) return c2_fail(err, CAT2_EDATA, "decodes to more bytes than the chunk has");
    return expand_growing(expand_zstd, in, (size_t)n, max, out, err);
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

/* ---- Blosc (1): what C-Blosc2 reads too, after its numbers were checked ---- */

#define BLOSC_HEADER 16
enum { IS_STORED = 2, HAS_DELTA = 8 }; /* of the flags */
enum { SNAPPY = 2, ZSTD = 4 };         /* codecs as Blosc numbers them */

static bool check_blosc(struct c2_bytes in, size_t max, uint32_t *nbytes, struct cat2_error *err)
{
    if (in.n < BLOSC_HEADER) return c2_fail(err, CAT2_EDATA, "no room for its header");
    uint32_t n = c2_le32(in.p + 4), block = c2_le32(in.p + 8), cbytes = c2_le32(in.p + 12);
    unsigned flags = in.p[2], codec = flags >> 5;
    if (n > max || n > INT32_MAX) return c2_fail(err, CAT2_EDATA, "decodes to more bytes than the chunk has");
    if (in.p[0] < 1 || in.p[0] > 2 || in.p[3] < 1 || cbytes < BLOSC_HEADER || cbytes > in.n)
        return c2_fail(err, CAT2_EDATA, "its header is damaged");
    *nbytes = n;
    if (n == 0) return true;
    if (flags & IS_STORED)
        return cbytes - BLOSC_HEADER >= n || c2_fail(err, CAT2_EDATA, "stored bytes are cut off");
    if (codec == SNAPPY || codec > ZSTD || flags & HAS_DELTA)
        return c2_fail(err, CAT2_EUNSUPPORTED, "compression by %s",
                       codec == SNAPPY ? "Snappy" : "a codec that is not known");
    uint64_t nblocks = block ? ((uint64_t)n + block - 1) / block : 0, least = BLOSC_HEADER + 4 * nblocks;
    if (block < 1 || block > n || least > cbytes)
        return c2_fail(err, CAT2_EDATA, "blocks of %u bytes", block);
    for (uint64_t i = 0; i < nblocks; i++) {
        uint32_t at = c2_le32(in.p + BLOSC_HEADER + 4 * i);
        if (at < least || at > cbytes - 4) return c2_fail(err, CAT2_EDATA, "a block lies outside");
    }
    return true;
}

bool c2_h5_decode_blosc(const struct c2_h5_filter *filter, struct c2_codec *codec, struct c2_bytes in,
                        size_t max, struct c2_buf *out, struct cat2_error *err)
{
    blosc2_dparams dparams = BLOSC2_DPARAMS_DEFAULTS;
    uint32_t nbytes;

    (void)filter;
    (void)codec;
    if (!check_blosc(in, max, &nbytes, err) || !c2_buf_reserve(out, nbytes, err)) return false;
    if (nbytes == 0) return true;
    if (in.p[2] & IS_STORED) return c2_buf_append(out, in.p + BLOSC_HEADER, nbytes, err);
    blosc2_context *ctx = blosc2_create_dctx(dparams);
    if (!ctx) return c2_fail_nomem(err, "decompressor");
    int n = blosc2_decompress_ctx(ctx, in.p, (int32_t)c2_le32(in.p + 12), out->p, (int32_t)nbytes);
    blosc2_free_ctx(ctx);
    out->n = nbytes;
    return n == (int)nbytes || c2_fail(err, CAT2_EDATA, "the data is damaged");
}
