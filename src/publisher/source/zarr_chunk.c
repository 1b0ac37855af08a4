/* SPDX-License-Identifier: BSD-3-Clause */
/* Chunks on their way. */
#include "publisher/source/zarr_chunk.h"

#include <stdlib.h>

#include "base/endian.h"
#include "blosc/b2nd.h"
#include "blosc/chunk_format.h"
#include "blosc/frame.h"
#include "ndim/item.h"
#include "unpack/unpack.h"

#define BLOSC1_HEADER 16
enum { SHUFFLED = 1, STORED = 2, BITSHUFFLED = 4, DELTA = 8 }; /* flags of Blosc 1 */

size_t c2_zs_stored_max(size_t nbytes)
{
    return nbytes + nbytes / 8 + (64 << 10); /* what no codec makes smaller, and headers */
}

/* ---- through as it is ---- */

/* Both have the same streams in blocks; the header of Blosc2 is longer, and so is where blocks begin. Items
 * of one byte are neither shuffled nor in streams of their own: they may be called bytes of larger ones. */
static bool widen(struct c2_bytes in, int32_t typesize, struct c2_buf *out, struct cat2_error *err)
{
    bool bytes = in.p[3] == 1 && typesize > 1 && typesize < 256 && !(in.p[2] & BITSHUFFLED);
    uint8_t head[C2_CHUNK_HEADER] = {C2_CHUNK_VERSION};
    uint32_t nbytes = c2_le32(in.p + 4), block = c2_le32(in.p + 8), cbytes = c2_le32(in.p + 12);
    size_t at = out->n, nblocks = in.p[2] & STORED ? 0 : (nbytes - 1) / block + 1;

    memcpy(head + 1, in.p + 1, BLOSC1_HEADER - 1);
    head[C2_CHUNK_FLAGS] = (in.p[2] & 0xf2) | SHUFFLED | BITSHUFFLED; /* the mark of the longer header */
    c2_put_le32(head + 12, cbytes + C2_CHUNK_HEADER - BLOSC1_HEADER);
    if (in.p[2] & BITSHUFFLED)
        head[C2_CHUNK_FILTERS + 5] = C2_FILTER_BITSHUFFLE;
    else if (in.p[2] & SHUFFLED && in.p[3] > 1)
        head[C2_CHUNK_FILTERS + 5] = 1;
    if (bytes) {
        head[C2_CHUNK_TYPESIZE] = (uint8_t)typesize;
        head[C2_CHUNK_FLAGS] |= C2_FLAG_NOSPLIT;
    }
    if (!c2_buf_append(out, head, sizeof(head), err) ||
        !c2_buf_append(out, in.p + BLOSC1_HEADER, cbytes - BLOSC1_HEADER, err))
        return false;
    for (uint8_t *p = out->p + at + C2_CHUNK_HEADER; nblocks--; p += 4)
        c2_put_le32(p, c2_le32(p) + C2_CHUNK_HEADER - BLOSC1_HEADER);
    return true;
}

/* Is it a chunk of Blosc 1 that Blosc2 would read as the same? */
static bool is_widenable(struct c2_bytes in, const struct c2_chunk_expect *want)
{
    if (in.n < BLOSC1_HEADER + 1 || in.p[0] < 1 || in.p[0] > 2) return false;
    uint32_t nbytes = c2_le32(in.p + 4), block = c2_le32(in.p + 8), cbytes = c2_le32(in.p + 12);
    unsigned flags = in.p[2], typesize = in.p[3];
    if ((flags & (SHUFFLED | BITSHUFFLED)) == (SHUFFLED | BITSHUFFLED) || flags & DELTA) return false;
    if (nbytes < 1 || nbytes > INT32_MAX || block < 1 || typesize < 1) return false;
    if (cbytes > in.n || cbytes < BLOSC1_HEADER) return false;
    uint64_t table = flags & STORED ? 0 : 4 * (((uint64_t)nbytes - 1) / block + 1);
    if (table > cbytes - BLOSC1_HEADER) return false;
    /* Bits of blocks that do not hold eights of items are left alone by the one, mostly shuffled by the
     * other. */
    bool eights = block % (8 * typesize) == 0 && nbytes % block % (8 * typesize) == 0;
    return (!(flags & BITSHUFFLED) || flags & STORED || eights) &&
           (want->nbytes < 0 || nbytes == want->nbytes);
}

/* A chunk of Blosc 1, or one of Blosc2, as a Blosc2 chunk of just these sizes, appended; *passed false: that
 * it cannot be without decoding it, and nothing is appended. */
static bool pass(struct c2_bytes in, const struct c2_chunk_expect *want, struct c2_buf *out, bool *passed,
                 struct cat2_error *err)
{
    struct c2_chunk_info info;
    struct cat2_error ignored;
    size_t before = out->n;
    bool two = in.n >= C2_CHUNK_HEADER && (in.p[2] & 5) == 5;

    *passed = false;
    if (two ? !c2_buf_append(out, in.p, in.n, err)
            : is_widenable(in, want) && !widen(in, want->typesize, out, err))
        return false;
    if (out->n == before) return true;
    *passed = c2_guard_chunk((struct c2_bytes){out->p + before, out->n - before}, want, &info, &ignored);
    if (!*passed) out->n = before;
    return true;
}

/* ---- codecs ---- */

static bool undo_blosc2(struct c2_codec *codec, struct c2_bytes in, size_t max, struct c2_buf *out,
                        struct cat2_error *err)
{
    struct c2_chunk_expect want = {-1, -1, -1, false};
    struct c2_chunk_info info;

    if (!c2_guard_chunk(in, &want, &info, err)) return false;
    if ((size_t)info.nbytes > max)
        return c2_fail(err, CAT2_EDATA, "decodes to more bytes than the chunk has");
    return c2_buf_resize(out, (size_t)info.nbytes, err) && c2_codec_decode(codec, NULL, in, out->p, err);
}

static bool undo_crc32c(struct c2_bytes in, size_t max, struct c2_buf *out, struct cat2_error *err)
{
    if (in.n < 4 || in.n - 4 > max) return c2_fail(err, CAT2_EDATA, "no room for its checksum, or too long");
    in.n -= 4;
    if (c2_crc32c(in) != c2_le32(in.p + in.n)) return c2_fail(err, CAT2_EDATA, "the checksum is wrong");
    return c2_buf_append(out, in.p, in.n, err);
}

/* All first bytes of items, then all second ones; what is not a whole item stays at the end. */
static bool undo_shuffle(int32_t size, struct c2_bytes in, size_t max, struct c2_buf *out,
                         struct cat2_error *err)
{
    size_t n = in.n / (size_t)size;

    if (in.n > max || !c2_buf_resize(out, in.n, err))
        return in.n > max ? c2_fail(err, CAT2_EDATA, "is too long") : false;
    for (size_t byte = 0; byte < (size_t)size; byte++)
        for (size_t i = 0; i < n; i++)
            out->p[i * (size_t)size + byte] = in.p[byte * n + i];
    if (in.n > n * (size_t)size)
        memcpy(out->p + n * (size_t)size, in.p + n * (size_t)size, in.n - n * (size_t)size);
    return true;
}

/* Each item is the difference to the one before. */
static bool undo_delta(const struct c2_zs_codec *how, struct c2_bytes in, size_t max, struct c2_buf *out,
                       struct cat2_error *err)
{
    size_t size = (size_t)how->size;
    uint64_t sum = 0;

    if (in.n > max || in.n % size) return c2_fail(err, CAT2_EDATA, "is no number of items");
    if (!c2_buf_resize(out, in.n, err)) return false;
    for (size_t at = 0; at < in.n; at += size) {
        sum += c2_item_uint(in.p + at, how->size, how->swapped);
        memcpy(out->p + at, &sum, size);
        uint64_t turned = c2_item_uint(out->p + at, how->size, how->swapped);
        memcpy(out->p + at, &turned, size);
    }
    return true;
}

static bool undo_one(const struct c2_zs_codec *how, struct c2_codec *codec, struct c2_bytes in, size_t max,
                     struct c2_buf *out, struct cat2_error *err)
{
    static c2_unpack *const PLAIN[] = {
        [C2_ZS_BLOSC] = c2_unpack_blosc, [C2_ZS_ZLIB] = c2_unpack_zlib, [C2_ZS_GZIP] = c2_unpack_gzip,
        [C2_ZS_ZSTD] = c2_unpack_zstd,   [C2_ZS_LZ4] = c2_unpack_lz4,   [C2_ZS_BZIP2] = c2_unpack_bzip2};
    static const char *const NAMES[] = {"blosc", "zlib",   "gzip",    "zstd", "lz4",
                                        "bz2",   "crc32c", "shuffle", "delta"};

    bool two = how->kind == C2_ZS_BLOSC && in.n >= C2_CHUNK_HEADER && (in.p[2] & 5) == 5;
    bool ok = two                          ? undo_blosc2(codec, in, max, out, err)
              : how->kind == C2_ZS_CRC32C  ? undo_crc32c(in, max, out, err)
              : how->kind == C2_ZS_SHUFFLE ? undo_shuffle(how->size, in, max, out, err)
              : how->kind == C2_ZS_DELTA   ? undo_delta(how, in, max, out, err)
                                           : PLAIN[how->kind](in, max, out, err);
    return ok || c2_fail_within(err, "codec '%s'", NAMES[how->kind]);
}

bool c2_zs_undo(const struct c2_zs_chain *chain, struct c2_codec *codec, struct c2_bytes in, size_t max,
                struct c2_buf *out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) spare = C2_BUF_INIT(out->max);

    for (int i = chain->n - 1; i >= 0; i--) {
        c2_buf_clear(&spare);
        if (!undo_one(&chain->p[i], codec, in, i ? c2_zs_stored_max(max) : max, &spare, err)) return false;
        struct c2_buf decoded = spare;
        spare = *out;
        *out = decoded;
        in = c2_buf_bytes(out);
    }
    if (chain->n) return true;
    if (in.n > max) return c2_fail(err, CAT2_EDATA, "has more bytes than the chunk");
    c2_buf_clear(out);
    return c2_buf_append(out, in.p, in.n, err);
}

/* ---- items to a chunk ---- */

/* From the order of axes that is stored to ours. */
static void turn(const struct c2_zs_array *array, const uint8_t *from, uint8_t *to)
{
    struct c2_stride axes[C2_DIM_MAX];
    int64_t stride = array->dtype.itemsize;

    for (int i = array->ndim - 1; i >= 0; i--) {
        axes[i].count = array->chunks[i];
        axes[i].to = stride;
        stride *= array->chunks[i];
    }
    stride = array->dtype.itemsize;
    for (int i = array->ndim - 1; i >= 0; i--) {
        axes[array->order[i]].from = stride;
        stride *= array->chunks[array->order[i]];
    }
    c2_grid_copy(axes, array->ndim, (size_t)array->dtype.itemsize, from, to);
}

static bool compress(const struct c2_zs_shape *shape, struct c2_codec *codec, const struct c2_buf *items,
                     struct c2_buf *out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) blocks = C2_BUF_INIT(C2_CHUNK_NBYTES_MAX);
    const struct c2_meta *meta = &shape->meta;
    const uint8_t *from = items->p;

    if (from[0] == 0 && memcmp(from, from + 1, items->n - 1) == 0)
        return c2_chunk_special(C2_CHUNK_ZERO, &meta->cparams, meta->chunksize, out, err);
    if (shape->chunk.nblocks > 1 || items->n != (size_t)meta->chunksize) {
        if (!c2_buf_resize(&blocks, (size_t)meta->chunksize, err)) return false;
        c2_grid_gather(&shape->chunk, items->p, 0, blocks.p);
        from = blocks.p;
    }
    return c2_codec_encode(codec, &meta->cparams, from, meta->chunksize, out, err);
}

size_t c2_zs_chunk_nbytes(const struct c2_zs_array *array)
{
    size_t n = (size_t)array->dtype.itemsize;

    for (int i = 0; i < array->ndim; i++)
        n *= (size_t)array->chunks[i];
    return n;
}

static struct c2_chunk_expect expected(const struct c2_zs_shape *shape)
{
    return (struct c2_chunk_expect){shape->meta.chunksize, shape->meta.cparams.blocksize,
                                    shape->meta.cparams.typesize, false};
}

static bool may_pass(const struct c2_zs_array *array)
{
    return array->chain.n == 1 && array->chain.p[0].kind == C2_ZS_BLOSC && !array->turned;
}

bool c2_zs_convert(const struct c2_zs_array *array, const struct c2_zs_shape *shape, struct c2_codec *codec,
                   struct c2_bytes stored, struct c2_buf *out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) items = C2_BUF_INIT(C2_CHUNK_NBYTES_MAX);
    C2_AUTO(c2_buf) turned = C2_BUF_INIT(C2_CHUNK_NBYTES_MAX);
    const struct c2_chunk_expect want = expected(shape);
    size_t nbytes = c2_zs_chunk_nbytes(array);
    bool passed = false;

    /* Blocks one after the other are the items in C order only where no chunk is padded. */
    if (may_pass(array) && nbytes == (size_t)shape->meta.chunksize &&
        (shape->linear || shape->chunk.nblocks == 1) && !pass(stored, &want, out, &passed, err))
        return false;
    if (passed) return true;
    if (!c2_zs_undo(&array->chain, codec, stored, nbytes, &items, err)) return false;
    if (items.n != nbytes) return c2_fail(err, CAT2_EDATA, "decodes to %zu bytes, not %zu", items.n, nbytes);
    if (!array->turned) return compress(shape, codec, &items, out, err);
    if (!c2_buf_resize(&turned, nbytes, err)) return false;
    turn(array, items.p, turned.p);
    return compress(shape, codec, &turned, out, err);
}

bool c2_zs_missing(const struct c2_zs_array *array, const struct c2_zs_shape *shape, struct c2_codec *codec,
                   struct c2_buf *out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) items = C2_BUF_INIT(C2_CHUNK_NBYTES_MAX);
    const struct c2_meta *meta = &shape->meta;
    size_t item = (size_t)array->dtype.itemsize, before = out->n, nbytes = c2_zs_chunk_nbytes(array);

    if (!array->fill || item <= 255) {
        if (!c2_chunk_special(C2_CHUNK_ZERO, &meta->cparams, meta->chunksize, out, err)) return false;
        if (!array->fill) return true;
        if (!c2_buf_append(out, array->fill, item, err)) return false;
        out->p[before + C2_CHUNK_FLAGS2] = C2_SPECIAL_VALUE << 4;
        c2_put_le32(out->p + before + 12, (uint32_t)(out->n - before));
        return true;
    }
    if (!c2_buf_resize(&items, nbytes, err)) return false;
    for (size_t at = 0; at < nbytes; at += item)
        memcpy(items.p + at, array->fill, item);
    return compress(shape, codec, &items, out, err);
}

/* ---- blocks ---- */

/* Blocks of so many bytes of the chunk in C order, as boxes: whole rows of the inner axes, a part of one.
 * false: they are none. */
static bool boxes_of(const struct c2_zs_array *array, int64_t blocksize, int32_t *blocks)
{
    int64_t rest = blocksize / array->dtype.itemsize;

    if (blocksize % array->dtype.itemsize || rest < 1) return false;
    for (int i = array->ndim - 1; i >= 0; i--) {
        int64_t edge = array->chunks[i];
        if (rest % edge && edge % rest) return false;
        blocks[i] = (int32_t)c2_min_i64(rest, edge);
        rest = rest < edge ? 1 : rest / edge;
    }
    return rest == 1;
}

/* Of a chunk that could be passed on, its blocks. */
static bool take_blocks(const struct c2_zs_array *array, struct c2_bytes sample, int32_t *blocks,
                        struct c2_cparams *cparams)
{
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    struct c2_chunk_expect want = {(int64_t)c2_zs_chunk_nbytes(array), -1, (int32_t)array->dtype.itemsize,
                                   false};
    struct c2_chunk_info info;
    struct cat2_error ignored;
    bool passed = false;

    if (sample.n == 0 || !may_pass(array) || !pass(sample, &want, &chunk, &passed, &ignored) || !passed ||
        !c2_guard_chunk(c2_buf_bytes(&chunk), &want, &info, &ignored) || info.special)
        return false;
    if (!boxes_of(array, info.blocksize, blocks)) return false;
    int code = info.codec;
    if (code < C2_CHUNK_UDCODEC && code != 2) cparams->codec = code >= 3 ? code + 1 : code; /* 2 is LZ4HC */
    memcpy(cparams->filters, chunk.p + C2_CHUNK_FILTERS, sizeof(cparams->filters));
    return true;
}

static void choose_blocks(const struct c2_zs_array *array, int32_t *blocks)
{
    int64_t edges[C2_DIM_MAX] = {0};
    int32_t pieces[C2_DIM_MAX];

    for (int i = 0; i < array->ndim; i++)
        edges[i] = array->chunks[i];
    c2_grid_choose(edges, array->ndim, (int32_t)array->dtype.itemsize, pieces, blocks);
}

static bool fill_meta(const struct c2_zs_array *array, int64_t cbytes, struct c2_meta *meta,
                      struct cat2_error *err)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_DTYPE_TEXT_MAX);

    meta->kind = C2_KIND_ARRAY;
    meta->cparams.typesize = meta->grid.typesize;
    meta->cparams.blocksize = (int32_t)(meta->grid.block_items * meta->grid.typesize);
    meta->chunksize = (int32_t)(meta->grid.chunk_items * meta->grid.typesize);
    meta->chunkshape = (int32_t)meta->grid.chunk_items;
    meta->nchunks = meta->grid.nchunks;
    meta->cbytes = cbytes;
    meta->urlpath = c2_str_dup(C2_STR("None"));
    c2_buf_init(&meta->vlmeta, C2_TRAILER_NBYTES_MAX);
    if (!meta->urlpath) return c2_fail_nomem(err, "metadata");
    if (!c2_mul_i64(meta->nchunks, meta->chunksize, &meta->nbytes))
        return c2_fail(err, CAT2_EUNSUPPORTED, "more bytes than 64 bits count");
    return c2_dtype_descr(&array->dtype, &text, err) &&
           c2_dtype_parse(c2_buf_str(&text), &meta->dtype, err) &&
           c2_buf_append(&meta->vlmeta, array->attrs.p, array->attrs.n, err) &&
           c2_meta_check_array(meta, err);
}

bool c2_zs_shape_of(const struct c2_zs_array *array, struct c2_bytes sample, int64_t cbytes,
                    struct c2_zs_shape *out, struct cat2_error *err)
{
    C2_AUTO(c2_zs_shape) shape = {0};
    int32_t blocks[C2_DIM_MAX] = {0}, size = (int32_t)array->dtype.itemsize;
    int64_t edges[C2_DIM_MAX] = {0};

    shape.meta.cparams = c2_cparams_fast(size, 0);
    shape.linear = take_blocks(array, sample, blocks, &shape.meta.cparams);
    if (!shape.linear) choose_blocks(array, blocks);
    for (int i = 0; i < array->ndim; i++)
        edges[i] = array->chunks[i];
    if (!c2_grid_init(&shape.meta.grid, array->shape, array->chunks, blocks, array->ndim, size, true, err) ||
        !c2_grid_init(&shape.chunk, edges, array->chunks, blocks, array->ndim, size, true, err) ||
        !fill_meta(array, cbytes, &shape.meta, err)) {
        return false;
    }
    *out = shape;
    shape = (struct c2_zs_shape){0};
    return true;
}

void c2_zs_shape_fini(struct c2_zs_shape *shape)
{
    c2_meta_fini(&shape->meta);
}
