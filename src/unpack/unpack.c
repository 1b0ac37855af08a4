/* SPDX-License-Identifier: BSD-3-Clause */
/* Codecs that are a library each. */
#include "unpack/unpack.h"

#include <blosc2.h>
#include <bzlib.h>
#include <libdeflate.h>
#include <lz4.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/endian.h"

static bool too_much(struct cat2_error *err)
{
    return c2_fail(err, CAT2_EDATA, "decodes to more bytes than the chunk has");
}

bool c2_unpack_growing(c2_unpack_try *fn, struct c2_bytes in, size_t guess, size_t max, struct c2_buf *out,
                       struct cat2_error *err)
{
    size_t room = guess < max ? guess : max;

    for (;;) {
        if (!c2_buf_reserve(out, room, err)) return false;
        out->n = 0;
        enum c2_unpacked outcome = fn(in, out);
        if (outcome == C2_UNPACKED)
            return out->n <= max ? c2_buf_resize(out, out->n, err)
                                 : c2_fail(err, CAT2_EDATA, "decodes to too many bytes");
        if (outcome == C2_UNPACK_BAD) return c2_fail(err, CAT2_EDATA, "the data is damaged");
        if (out->cap >= max) return too_much(err);
        room = out->cap > max / 2 ? max : 2 * out->cap;
    }
}

size_t c2_unpack_guess(struct c2_bytes in, size_t max)
{
    size_t guess = in.n < max / 4 ? 4 * in.n : max;

    return guess < 4096 ? 4096 : guess;
}

/* ---- zlib and gzip ---- */

bool c2_unpack_zlib(struct c2_bytes in, size_t max, struct c2_buf *out, struct cat2_error *err)
{
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    size_t n = 0;

    if (!d) return c2_fail_nomem(err, "decompressor");
    if (!c2_buf_reserve(out, max, err)) {
        libdeflate_free_decompressor(d);
        return false;
    }
    enum libdeflate_result rc = libdeflate_zlib_decompress(d, in.p, in.n, out->p, out->cap, &n);
    libdeflate_free_decompressor(d);
    if (rc != LIBDEFLATE_SUCCESS || n > max) return c2_fail(err, CAT2_EDATA, "the data is damaged");
    return c2_buf_resize(out, n, err);
}

static bool inflate_members(struct libdeflate_decompressor *d, struct c2_bytes in, struct c2_buf *out)
{
    size_t used = 0, n = 0;

    do {
        if (libdeflate_gzip_decompress_ex(d, in.p, in.n, out->p + out->n, out->cap - out->n, &used, &n) !=
            LIBDEFLATE_SUCCESS)
            return false;
        out->n += n;
        in = (struct c2_bytes){in.p + used, in.n - used};
    } while (in.n && used);
    return in.n == 0;
}

bool c2_unpack_gzip(struct c2_bytes in, size_t max, struct c2_buf *out, struct cat2_error *err)
{
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();

    if (!d) return c2_fail_nomem(err, "decompressor");
    bool ok = c2_buf_reserve(out, max ? max : 1, err);
    bool fine = ok && inflate_members(d, in, out) && out->n <= max;
    libdeflate_free_decompressor(d);
    if (ok && !fine) return c2_fail(err, CAT2_EDATA, "the data is damaged");
    return ok && c2_buf_resize(out, out->n, err);
}

/* ---- bzip2 ---- */

static enum c2_unpacked try_bzip2(struct c2_bytes in, struct c2_buf *out)
{
    unsigned n = out->cap < UINT32_MAX ? (unsigned)out->cap : UINT32_MAX;

    if (in.n > UINT32_MAX) return C2_UNPACK_BAD;
    int rc = BZ2_bzBuffToBuffDecompress((char *)out->p, &n, (char *)(uintptr_t)in.p, (unsigned)in.n, 0, 0);
    if (rc == BZ_OK) out->n = n;
    return rc == BZ_OK ? C2_UNPACKED : rc == BZ_OUTBUFF_FULL ? C2_UNPACK_NO_ROOM : C2_UNPACK_BAD;
}

bool c2_unpack_bzip2(struct c2_bytes in, size_t max, struct c2_buf *out, struct cat2_error *err)
{
    return c2_unpack_growing(try_bzip2, in, c2_unpack_guess(in, max), max, out, err);
}

/* ---- Zstandard: a frame, or several, which mostly say how much they hold ---- */

static enum c2_unpacked try_zstd(struct c2_bytes in, struct c2_buf *out)
{
    size_t n = ZSTD_decompress(out->p, out->cap, in.p, in.n);

    if (!ZSTD_isError(n)) {
        out->n = n;
        return C2_UNPACKED;
    }
    return ZSTD_getErrorCode(n) == ZSTD_error_dstSize_tooSmall ? C2_UNPACK_NO_ROOM : C2_UNPACK_BAD;
}

bool c2_unpack_zstd(struct c2_bytes in, size_t max, struct c2_buf *out, struct cat2_error *err)
{
    unsigned long long n = ZSTD_getFrameContentSize(in.p, in.n);

    if (n == ZSTD_CONTENTSIZE_ERROR) return c2_fail(err, CAT2_EDATA, "the data is damaged");
    if (n == ZSTD_CONTENTSIZE_UNKNOWN) n = c2_unpack_guess(in, max);
    if (n > max) return too_much(err);
    return c2_unpack_growing(try_zstd, in, (size_t)n, max, out, err);
}

/* ---- LZ4 ---- */

bool c2_unpack_lz4(struct c2_bytes in, size_t max, struct c2_buf *out, struct cat2_error *err)
{
    if (in.n < 4) return c2_fail(err, CAT2_EDATA, "no room for its header");
    uint32_t n = c2_le32(in.p);
    if (n > max || n > INT32_MAX || in.n - 4 > INT32_MAX) return too_much(err);
    if (!c2_buf_resize(out, n, err)) return false;
    return LZ4_decompress_safe((const char *)in.p + 4, (char *)out->p, (int)(in.n - 4), (int)n) == (int)n ||
           c2_fail(err, CAT2_EDATA, "the data is damaged");
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
    if (n > max || n > INT32_MAX) return too_much(err);
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

bool c2_unpack_blosc(struct c2_bytes in, size_t max, struct c2_buf *out, struct cat2_error *err)
{
    blosc2_dparams dparams = BLOSC2_DPARAMS_DEFAULTS;
    uint32_t nbytes;

    if (!check_blosc(in, max, &nbytes, err) || !c2_buf_reserve(out, nbytes, err)) return false;
    if (nbytes == 0) return true;
    if (in.p[2] & IS_STORED) return c2_buf_append(out, in.p + BLOSC_HEADER, nbytes, err);
    blosc2_context *ctx = blosc2_create_dctx(dparams);
    if (!ctx) return c2_fail_nomem(err, "decompressor");
    int n = blosc2_decompress_ctx(ctx, in.p, (int32_t)c2_le32(in.p + 12), out->p, (int32_t)nbytes);
    blosc2_free_ctx(ctx);
    if (n != (int)nbytes) return c2_fail(err, CAT2_EDATA, "the data is damaged");
    return c2_buf_resize(out, nbytes, err);
}
