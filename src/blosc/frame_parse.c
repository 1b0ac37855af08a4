/* SPDX-License-Identifier: BSD-3-Clause */
/* The grammar of a frame: header with metalayers, index, trailer with attributes. Every number is checked
 * before use. */
#include "blosc/frame_impl.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/endian.h"
#include "blosc/b2nd.h"
#include "blosc/chunk_format.h"
#include "blosc/enums.h"
#include "wire/msgpack.h"

#define TYPESIZE_MAX 536866816          /* Blosc2's BLOSC2_MAXTYPESIZE */
#define NBYTES_MAX   ((int64_t)1 << 50) /* a PiB: sums of two such sizes do not overflow */

static bool bad(struct cat2_error *err, const char *what, int64_t value)
{
    return c2_fail(err, CAT2_EDATA, "not a valid frame: %s (%lld)", what, (long long)value);
}

/* 93 cd u16 de u16 n { a<len> name d2 i32 off }* dc u16 n { c6 u32 len bytes }*: a metalayer map at `at`,
 * whose offsets are within [0, end) of p. */
static bool read_map(struct c2_bytes in, size_t at, size_t end, struct c2_frame_entry *out, int max,
                     int *count, struct cat2_error *err)
{
    const uint8_t *p = in.p;

    if (at + 7 > end || p[at] != 0x93 || p[at + 1] != 0xcd || p[at + 4] != 0xde)
        return bad(err, "metalayer table at", (int64_t)at);
    int n = c2_be16(p + at + 5);
    if (n > max) return bad(err, "number of metalayers", n);
    size_t q = at + 7;
    for (int i = 0; i < n; i++) {
        if (q + 6 > end || (p[q] & 0xe0) != 0xa0) return bad(err, "name of metalayer", i);
        size_t len = p[q] & 0x1f;
        if (q + 1 + len + 5 > end || p[q + 1 + len] != 0xd2) return bad(err, "place of metalayer", i);
        int64_t off = (int32_t)c2_be32(p + q + 1 + len + 1);
        if (off < (int64_t)at || off + 5 > (int64_t)end || p[off] != 0xc6)
            return bad(err, "place of metalayer", off);
        uint32_t size = c2_be32(p + off + 1);
        if (size > (uint64_t)end - (uint64_t)off - 5) return bad(err, "size of metalayer", size);
        out[i] = (struct c2_frame_entry){(uint32_t)(q + 1), (uint32_t)len, (uint32_t)off + 5, size};
        q += 1 + len + 5;
    }
    if (q + 3 > end || p[q] != 0xdc || c2_be16(p + q + 1) != n)
        return bad(err, "list of metalayers at", (int64_t)q);
    *count = n;
    return true;
}

static struct c2_str entry_name(const struct c2_buf *in, const struct c2_frame_entry *e)
{
    return (struct c2_str){(const char *)in->p + e->name_off, e->name_len};
}

static const struct c2_frame_entry *find_metalayer(const struct c2_frame *frame, const char *name)
{
    for (int i = 0; i < frame->nmetalayers; i++)
        if (c2_str_is(entry_name(&frame->header, &frame->metalayers[i]), name)) return &frame->metalayers[i];
    return NULL;
}

bool c2_frame_metalayer(const struct c2_frame *frame, const char *name, struct c2_bytes *out)
{
    const struct c2_frame_entry *e = find_metalayer(frame, name);

    if (!e) return false;
    *out = (struct c2_bytes){frame->header.p + e->off, e->len};
    return true;
}

/* Tags between the fields, at fixed places. */
static const struct {
    uint8_t at, tag;
} tags[] = {{0, 0x9e},    {1, 0xa8},    {0x0a, 0xd2}, {0x0f, 0xcf}, {0x18, 0xa4},
            {0x1d, 0xd3}, {0x26, 0xd3}, {0x2f, 0xd2}, {0x34, 0xd2}, {0x39, 0xd2}};

static bool read_cparams(const uint8_t *p, struct c2_cparams *out, struct cat2_error *err)
{
    struct c2_cparams c;

    memset(&c, 0, sizeof(c));
    c.codec = p[C2_FRAME_CODEC] & 15;
    if (c.codec == C2_FRAME_UDCODEC_MARK) c.codec = p[C2_FRAME_UDCODEC];
    c.codec_meta = p[C2_FRAME_CODEC_META];
    c.clevel = p[C2_FRAME_CODEC] >> 4;
    c.splitmode = (p[C2_FRAME_SPLITMODE] & 3) + 1;
    c.use_dict = p[C2_FRAME_OTHER_FLAGS] & 1;
    memcpy(c.filters, p + C2_FRAME_FILTERS + 1, sizeof(c.filters));
    memcpy(c.filters_meta, p + C2_FRAME_FILTER_META, sizeof(c.filters_meta));
    c.typesize = (int32_t)c2_be32(p + C2_FRAME_TYPESIZE);
    c.blocksize = (int32_t)c2_be32(p + C2_FRAME_BLOCKSIZE);
    if (c.typesize < 1 || c.typesize > TYPESIZE_MAX) return bad(err, "typesize", c.typesize);
    if (c.blocksize < 0 || c.blocksize > C2_CHUNK_NBYTES_MAX) return bad(err, "blocksize", c.blocksize);
    *out = c;
    return true;
}

static bool read_sizes(struct c2_frame *frame, const uint8_t *p, struct cat2_error *err)
{
    struct c2_meta *meta = &frame->meta;

    meta->nbytes = (int64_t)c2_be64(p + C2_FRAME_NBYTES_AT);
    meta->cbytes = (int64_t)c2_be64(p + C2_FRAME_CBYTES);
    meta->chunksize = (int32_t)c2_be32(p + C2_FRAME_CHUNKSIZE);
    meta->contiguous = !frame->sparse;
    if (meta->nbytes < 0 || meta->nbytes > NBYTES_MAX) return bad(err, "uncompressed size", meta->nbytes);
    if (meta->cbytes < 0 || meta->cbytes > NBYTES_MAX) return bad(err, "compressed size", meta->cbytes);
    if (meta->nbytes == 0 && meta->chunksize < 0)
        meta->chunksize = 0; /* Blosc2 writes -1 before the first chunk */
    if (meta->nbytes > 0 && (p[C2_FRAME_FLAGS] & C2_FRAME_FLAG_VARCHUNKS || meta->chunksize == 0))
        frame->refusal = "its chunks have different sizes";
    else if (meta->nbytes > 0 && p[C2_FRAME_FLAGS] & C2_FRAME_FLAG_VLBLOCKS)
        frame->refusal = "its blocks have variable lengths";
    if (meta->chunksize < 0 || meta->chunksize > C2_CHUNK_NBYTES_MAX)
        return bad(err, "chunksize", meta->chunksize);
    if (meta->chunksize > 0) meta->nchunks = c2_div_ceil(meta->nbytes, meta->chunksize);
    if (meta->nchunks > C2_NCHUNKS_MAX) return bad(err, "number of chunks", meta->nchunks);
    meta->chunkshape = meta->chunksize / meta->cparams.typesize;
    return true;
}

/* Geometry of a frame without array: one axis of items, |V{typesize} or bytes. */
static bool plain_geometry(struct c2_frame *frame, struct cat2_error *err)
{
    struct c2_meta *meta = &frame->meta;
    char descr[24];
    int32_t typesize = meta->cparams.typesize;
    int64_t items = meta->nbytes / typesize;
    int32_t chunk = meta->chunkshape;

    meta->kind = C2_KIND_FRAME;
    if (!frame->refusal && (meta->nbytes % typesize || meta->chunksize % typesize))
        frame->refusal = "its chunks are not of whole items";
    if (frame->refusal || chunk == 0) { /* any valid grid will do, because no chunk is read with it */
        int64_t most = c2_max_i64(1, C2_CHUNK_NBYTES_MAX / typesize);
        chunk = (int32_t)c2_max_i64(1, c2_min_i64(items, most));
    }
    struct c2_str text = typesize == 1 ? C2_STR("|u1") : (struct c2_str){descr, 0};
    if (typesize > 1) text.n = (size_t)snprintf(descr, sizeof(descr), "|V%d", typesize);
    return c2_dtype_parse(text, &meta->dtype, err) &&
           c2_grid_init(&meta->grid, &items, &chunk, &chunk, 1, typesize, false, err);
}

static void find_refusal(struct c2_frame *frame)
{
    static const struct {
        const char *name, *why;
    } marks[] = {
        {"proxy-source", "it is a partial copy of another dataset (Blosc2 proxy)"},
        {"b2o", "it is an expression, not data (Blosc2 lazy object)"},
        {"LazyArray", "it is an expression, not data (Blosc2 lazy array)"},
        {"vlarray", "its items have variable lengths"},
        {"batcharray", "its items have variable lengths"},
        {"listarray", "its items have variable lengths"},
    };

    for (size_t i = 0; i < C2_ARRAY_LEN(marks); i++)
        if (find_metalayer(frame, marks[i].name)) {
            frame->refusal = marks[i].why;
            return;
        }
}

bool c2_frame_parse_header(struct c2_frame *frame, struct cat2_error *err)
{
    const uint8_t *p = frame->header.p;
    size_t n = frame->header.n;

    if (n < C2_FRAME_HEADER_MIN + 10) return bad(err, "header length", (int64_t)n);
    for (size_t i = 0; i < C2_ARRAY_LEN(tags); i++)
        if (p[tags[i].at] != tags[i].tag) return bad(err, "header at byte", tags[i].at);
    if (memcmp(p + C2_FRAME_MAGIC_AT, C2_FRAME_MAGIC, sizeof(C2_FRAME_MAGIC)) != 0)
        return c2_fail(err, CAT2_EDATA, "not a Blosc2 frame");
    if ((p[C2_FRAME_FLAGS] & 15) > 3) return bad(err, "version", p[C2_FRAME_FLAGS] & 15);
    if ((p[C2_FRAME_TYPE] & 15) != (frame->sparse ? 1 : 0)) return bad(err, "type", p[C2_FRAME_TYPE]);
    if (!read_cparams(p, &frame->meta.cparams, err) || !read_sizes(frame, p, err)) return false;
    if (!read_map(c2_buf_bytes(&frame->header), C2_FRAME_METALAYERS, n, frame->metalayers, C2_METALAYERS_MAX,
                  &frame->nmetalayers, err))
        return false;
    find_refusal(frame);
    const struct c2_frame_entry *b2nd = find_metalayer(frame, "b2nd");
    if (!b2nd) b2nd = find_metalayer(frame, "caterva");
    if (!b2nd) return plain_geometry(frame, err);
    if (!c2_b2nd_parse((struct c2_bytes){p + b2nd->off, b2nd->len}, &frame->meta, err)) return false;
    frame->layout.blocksize = frame->meta.cparams.blocksize;
    struct c2_bytes described;
    if (c2_frame_metalayer(frame, C2_FRAME_OF_HDF5, &described))
        c2_enums_of(described, "type", &frame->meta.enums);
    return true;
}

static bool read_attribute(const struct c2_frame *frame, struct c2_codec *codec, int i, struct c2_buf *out,
                           struct cat2_error *err)
{
    const struct c2_frame_entry *e = &frame->vlmeta[i];
    struct c2_chunk_expect any = {.nbytes = -1, .blocksize = -1, .typesize = -1};
    struct c2_bytes chunk = {frame->trailer.p + e->off, e->len};
    struct c2_chunk_info info;
    size_t before = out->n;

    if (!c2_guard_chunk(chunk, &any, &info, err)) return false;
    if (info.nbytes > C2_VLMETA_NBYTES_MAX) return bad(err, "attribute of bytes", info.nbytes);
    return c2_buf_resize(out, before + (size_t)info.nbytes, err) &&
           c2_codec_decode(codec, NULL, chunk, out->p + before, err);
}

/* One attribute as JSON; what is no msgpack (other programs may store anything) shows as null. */
static bool attribute_json(const struct c2_frame *frame, struct c2_codec *codec, int i, struct c2_jw *w,
                           struct cat2_error *err)
{
    C2_AUTO(c2_buf) packed = C2_BUF_INIT(C2_VLMETA_NBYTES_MAX);
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_TRAILER_NBYTES_MAX);
    struct cat2_error ignored = {0};
    struct c2_jw value;

    if (!read_attribute(frame, codec, i, &packed, err)) return false;
    c2_jw_init(&value, &text, C2_JSON_COMPACT, &ignored);
    c2_jw_key_str(w, entry_name(&frame->trailer, &frame->vlmeta[i]));
    if (c2_msgpack_to_json(c2_buf_bytes(&packed), &value, &ignored) && c2_jw_finish(&value))
        c2_jw_raw(w, c2_buf_str(&text));
    else
        c2_jw_null(w);
    return true;
}

bool c2_frame_parse_trailer(struct c2_frame *frame, struct c2_codec *codec, struct cat2_error *err)
{
    const uint8_t *t = frame->trailer.p;
    size_t n = frame->trailer.n;
    struct c2_jw w;

    if (n < C2_FRAME_TRAILER_MIN || t[0] != 0x94 || t[1] != 1) return bad(err, "trailer", (int64_t)n);
    frame->vlmeta = calloc(C2_VLMETA_MAX, sizeof(*frame->vlmeta));
    if (!frame->vlmeta) return c2_fail_nomem(err, "attributes");
    if (!read_map(c2_buf_bytes(&frame->trailer), 2, n - 23, frame->vlmeta, C2_VLMETA_MAX, &frame->nvlmeta,
                  err))
        return c2_fail_within(err, "attributes");
    void *fitted = realloc(frame->vlmeta, ((size_t)frame->nvlmeta + 1) * sizeof(*frame->vlmeta));
    if (fitted) frame->vlmeta = fitted;
    c2_buf_init(&frame->meta.vlmeta, C2_TRAILER_NBYTES_MAX);
    c2_jw_init(&w, &frame->meta.vlmeta, C2_JSON_COMPACT, err);
    c2_jw_begin_object(&w);
    for (int i = 0; i < frame->nvlmeta; i++)
        if (!attribute_json(frame, codec, i, &w, err)) return c2_fail_within(err, "attribute %d", i);
    c2_jw_end_object(&w);
    return c2_jw_finish(&w);
}

int c2_frame_nvlmeta(const struct c2_frame *frame)
{
    return frame->nvlmeta;
}

bool c2_frame_vlmeta(const struct c2_frame *frame, int i, struct c2_str *name, struct c2_buf *msgpack,
                     struct cat2_error *err)
{
    if (i < 0 || i >= frame->nvlmeta) return c2_fail(err, CAT2_EINVAL, "no attribute %d", i);
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    if (!codec) return c2_fail_nomem(err, "codec");
    *name = entry_name(&frame->trailer, &frame->vlmeta[i]);
    return read_attribute(frame, codec, i, msgpack, err);
}

bool c2_frame_kind(int64_t offset, enum c2_chunk_kind *kind)
{
    if (offset >= 0) {
        *kind = C2_CHUNK_STORED;
        return true;
    }
    uint64_t bits = (uint64_t)offset;
    int special = (int)(bits >> 56) & 0x7f;
    if (bits << 8) return false;
    *kind = special == C2_SPECIAL_ZERO  ? C2_CHUNK_ZERO
            : special == C2_SPECIAL_NAN ? C2_CHUNK_NAN
                                        : C2_CHUNK_UNINIT;
    return special == C2_SPECIAL_ZERO || special == C2_SPECIAL_NAN || special == C2_SPECIAL_UNINIT;
}

static bool check_offset(const struct c2_frame *frame, int64_t offset, struct cat2_error *err)
{
    enum c2_chunk_kind kind;
    int32_t typesize = frame->meta.cparams.typesize;

    if (!c2_frame_kind(offset, &kind)) return bad(err, "place of a chunk", offset);
    if (kind == C2_CHUNK_NAN && typesize != 4 && typesize != 8)
        return bad(err, "NaN items of typesize", typesize);
    if (kind != C2_CHUNK_STORED) return true;
    if (frame->sparse ? offset > INT32_MAX : offset > frame->area - C2_CHUNK_HEADER)
        return bad(err, "place of a chunk", offset);
    return true;
}

bool c2_frame_parse_index(struct c2_frame *frame, struct c2_codec *codec, struct c2_bytes index,
                          struct cat2_error *err)
{
    struct c2_meta *meta = &frame->meta;
    struct c2_chunk_expect want = {
        .nbytes = meta->nchunks * 8, .blocksize = -1, .typesize = 8, .index = true};
    struct c2_chunk_info info;

    if (meta->nbytes == 0) return true;
    if (frame->refusal && meta->chunksize == 0) want.nbytes = -1; /* only the index knows how many */
    if (!c2_guard_chunk(index, &want, &info, err)) return c2_fail_within(err, "index");
    meta->nchunks = info.nbytes / 8;
    if (info.nbytes % 8 || meta->nchunks > C2_NCHUNKS_MAX) return bad(err, "size of the index", info.nbytes);
    frame->offsets = malloc((size_t)info.nbytes);
    if (!frame->offsets) return c2_fail_nomem(err, "index");
    if (!c2_codec_decode(codec, NULL, index, (uint8_t *)frame->offsets, err))
        return c2_fail_within(err, "index");
    for (int64_t i = 0; i < meta->nchunks; i++) {
        frame->offsets[i] = (int64_t)c2_le64((const uint8_t *)&frame->offsets[i]);
        if (!frame->refusal && !check_offset(frame, frame->offsets[i], err))
            return c2_fail_within(err, "chunk %lld", (long long)i);
    }
    return true;
}
