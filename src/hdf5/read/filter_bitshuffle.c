/* SPDX-License-Identifier: BSD-3-Clause */
/* Filter 32008, bitshuffle: items in blocks; in a block the bits of all items that have one place lie
 * together. Blocks are compressed by LZ4 or Zstandard, or not at all. What is left over of less than eight
 * items is stored as it is. */
#include <lz4.h>
#include <zstd.h>

#include "base/endian.h"
#include "hdf5/read/filter.h"

#define BLOCK_NBYTES 8192 /* of a block, unless the file says otherwise */
#define BLOCK_ITEMS  128  /* at least */
#define HEADER       12   /* bytes before the first compressed block */

enum coding { STORED = 0, WITH_LZ4 = 2, WITH_ZSTD = 3 };

/* The matrix of eight bytes and eight bits, mirrored at its diagonal. */
static uint64_t transpose8(uint64_t x)
{
    uint64_t t = (x ^ x >> 7) & 0x00aa00aa00aa00aa;

    x = x ^ t ^ t << 7;
    t = (x ^ x >> 14) & 0x0000cccc0000cccc;
    x = x ^ t ^ t << 14;
    t = (x ^ x >> 28) & 0x00000000f0f0f0f0;
    return x ^ t ^ t << 28;
}

/* As bitshuffle lays out blocks, for n items (a multiple of 8): bit planes back to items. */
static void unshuffle_bits(const uint8_t *in, size_t n, size_t item, uint8_t *out)
{
    size_t row = n / 8; /* bytes of a plane of bits */

    for (size_t byte = 0; byte < item; byte++) {
        const uint8_t *planes = in + byte * 8 * row;
        for (size_t i = 0; i < row; i++) {
            uint64_t bits = 0;
            for (size_t plane = 0; plane < 8; plane++)
                bits |= (uint64_t)planes[plane * row + i] << 8 * plane;
            bits = transpose8(bits);
            for (size_t k = 0; k < 8; k++)
                out[(8 * i + k) * item + byte] = (uint8_t)(bits >> 8 * k);
        }
    }
}

struct work {
    struct c2_bytes in; /* what is left */
    enum coding coding;
    size_t item;         /* bytes */
    struct c2_buf plane; /* a block before its bits are put back */
};

static bool expand(enum coding coding, struct c2_bytes in, uint8_t *out, size_t n)
{
    if (coding == WITH_ZSTD) return ZSTD_decompress(out, n, in.p, in.n) == n;
    return in.n <= INT32_MAX && n <= INT32_MAX &&
           LZ4_decompress_safe((const char *)in.p, (char *)out, (int)in.n, (int)n) == (int)n;
}

/* A block of n items, appended to out, which has the room. */
static bool take_block(struct work *work, size_t n, struct c2_buf *out, struct cat2_error *err)
{
    size_t nbytes = n * work->item;
    const uint8_t *from = work->in.p;
    size_t used = nbytes;

    if (work->coding == STORED) {
        if (work->in.n < nbytes) return c2_fail(err, CAT2_EDATA, "a block is cut off");
    } else {
        if (work->in.n < 4) return c2_fail(err, CAT2_EDATA, "a block is cut off");
        uint32_t cbytes = c2_be32(work->in.p);
        if (cbytes > work->in.n - 4) return c2_fail(err, CAT2_EDATA, "a block is cut off");
        if (!c2_buf_resize(&work->plane, nbytes, err)) return false;
        if (!expand(work->coding, (struct c2_bytes){work->in.p + 4, cbytes}, work->plane.p, nbytes))
            return c2_fail(err, CAT2_EDATA, "a block cannot be decompressed");
        from = work->plane.p;
        used = 4 + (size_t)cbytes;
    }
    unshuffle_bits(from, n, work->item, out->p + out->n);
    out->n += nbytes;
    work->in = (struct c2_bytes){work->in.p + used, work->in.n - used};
    return true;
}

static bool take_all(struct work *work, size_t block, size_t nitems, struct c2_buf *out,
                     struct cat2_error *err)
{
    for (; nitems >= block; nitems -= block)
        if (!take_block(work, block, out, err)) return false;
    size_t last = nitems - nitems % 8, rest = nitems % 8 * work->item;

    if (last && !take_block(work, last, out, err)) return false;
    if (work->in.n < rest) return c2_fail(err, CAT2_EDATA, "the last items are cut off");
    return c2_buf_append(out, work->in.p, rest, err);
}

static size_t default_block(size_t item)
{
    size_t n = BLOCK_NBYTES / item / 8 * 8;

    return n < BLOCK_ITEMS ? BLOCK_ITEMS : n;
}

bool c2_h5_decode_bitshuffle(const struct c2_h5_filter *filter, struct c2_codec *codec, struct c2_bytes in,
                             size_t max, struct c2_buf *out, struct cat2_error *err)
{
    unsigned coding = filter->nvalues > 4 ? filter->values[4] : STORED;
    struct work work = {.in = in, .item = filter->nvalues > 2 ? filter->values[2] : 0};
    size_t block = filter->nvalues > 3 ? filter->values[3] : 0;
    uint64_t nbytes = in.n;

    (void)codec;
    if (work.item < 1 || work.item > max) return c2_fail(err, CAT2_EDATA, "items of %zu bytes", work.item);
    if (coding != STORED && coding != WITH_LZ4 && coding != WITH_ZSTD)
        return c2_fail(err, CAT2_EUNSUPPORTED, "compression %u is not known", coding);
    work.coding = (enum coding)coding;
    if (work.coding != STORED) {
        if (in.n < HEADER) return c2_fail(err, CAT2_EDATA, "no room for its header");
        nbytes = c2_be64(in.p);
        block = c2_be32(in.p + 8) / work.item;
        if (block == 0) return c2_fail(err, CAT2_EDATA, "blocks of no items");
        work.in = (struct c2_bytes){in.p + HEADER, in.n - HEADER};
    }
    if (block == 0) block = default_block(work.item);
    if (nbytes > max) return c2_fail(err, CAT2_EDATA, "decodes to more bytes than the chunk has");
    if (block % 8 || nbytes % work.item || block > SIZE_MAX / work.item)
        return c2_fail(err, CAT2_EDATA, "blocks of %zu items, %llu bytes in all", block,
                       (unsigned long long)nbytes);
    if (!c2_buf_reserve(out, (size_t)nbytes, err)) return false;
    c2_buf_init(&work.plane, max);
    bool ok = take_all(&work, block, (size_t)nbytes / work.item, out, err);
    c2_buf_fini(&work.plane);
    return ok;
}
