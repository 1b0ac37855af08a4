/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of a contiguous frame around its chunks: header, index chunk, trailer; and attributes from JSON.
 */
#include "blosc/frame_make.h"

#include <stdlib.h>

#include "base/endian.h"
#include "blosc/b2nd.h"
#include "blosc/chunk_format.h"
#include "blosc/frame_impl.h"
#include "wire/msgpack.h"

#define FRAME_FORMAT     0x12 /* version 2, 64-bit offsets */
#define INDEX_BLOCKSIZE  16384
#define INDEX_CLEVEL     5
#define TABLE_NBYTES_MAX 65527 /* the format counts the table of attributes in 16 bits */

static void header_fixed(const struct c2_meta *meta, bool has_vlmeta, uint8_t *p)
{
    static const uint8_t blank[C2_FRAME_HEADER_MIN] = {
        [0] = 0x9e,    [1] = 0xa8,    [0x0a] = 0xd2, [0x0f] = 0xcf, [0x18] = 0xa4,
        [0x1d] = 0xd3, [0x26] = 0xd3, [0x2f] = 0xd2, [0x34] = 0xd2, [0x39] = 0xd2,
        [0x3e] = 0xd1, [0x41] = 0xd1, [0x45] = 0xd8, [0x46] = 6};
    const struct c2_cparams *c = &meta->cparams;

    memcpy(p, blank, sizeof(blank));
    memcpy(p + 2, "b2frame", 8);
    p[C2_FRAME_FLAGS] = FRAME_FORMAT;
    p[C2_FRAME_CODEC] = (uint8_t)((c->codec > 5 ? C2_FRAME_UDCODEC_MARK : c->codec) | c->clevel << 4);
    p[C2_FRAME_SPLITMODE] = (uint8_t)(c->splitmode > 0 ? c->splitmode - 1 : 0);
    c2_put_be32(p + C2_FRAME_TYPESIZE, (uint32_t)c->typesize);
    c2_put_be32(p + C2_FRAME_BLOCKSIZE, (uint32_t)c->blocksize);
    /* Blosc2 writes -1 until a super-chunk has its first chunk. */
    bool unknown = meta->kind != C2_KIND_ARRAY && meta->chunksize == 0;
    c2_put_be32(p + C2_FRAME_CHUNKSIZE, unknown ? UINT32_MAX : (uint32_t)meta->chunksize);
    c2_put_be16(p + C2_FRAME_NTHREADS, 1);
    c2_put_be16(p + C2_FRAME_NTHREADS + 3, 1);
    p[C2_FRAME_HAS_VLMETA] = has_vlmeta ? 0xc3 : 0xc2;
    memcpy(p + C2_FRAME_FILTERS + 1, c->filters, sizeof(c->filters));
    p[C2_FRAME_UDCODEC] = (uint8_t)(c->codec > 5 ? c->codec : 0);
    p[C2_FRAME_CODEC_META] = (uint8_t)c->codec_meta;
    memcpy(p + C2_FRAME_FILTER_META, c->filters_meta, sizeof(c->filters_meta));
    p[C2_FRAME_OTHER_FLAGS] = c->use_dict;
}

/* The map of n named contents, which follow it: offsets from `base` before out's end. `tare`: bytes before
 * "de" that the format counts to the size of the table. */
static bool append_map(const struct c2_named *entries, int n, size_t base, int tare, struct c2_buf *out,
                       struct cat2_error *err)
{
    uint8_t word[8] = {0x93, 0xcd, 0, 0, 0xde};
    size_t table = 3, at;

    for (int i = 0; i < n; i++)
        table += 1 + entries[i].name.n + 5;
    c2_put_be16(word + 2, (uint16_t)(table + (size_t)tare));
    c2_put_be16(word + 5, (uint16_t)n);
    at = out->n - base + 4 + table + 3;
    if (!c2_buf_append(out, word, 7, err)) return false;
    for (int i = 0; i < n; i++) {
        word[0] = 0xd2;
        c2_put_be32(word + 1, (uint32_t)at);
        if (!c2_buf_putc(out, (char)(0xa0 | entries[i].name.n), err) ||
            !c2_buf_append_str(out, entries[i].name, err) || !c2_buf_append(out, word, 5, err))
            return false;
        at += 5 + entries[i].content.n;
    }
    word[0] = 0xdc;
    c2_put_be16(word + 1, (uint16_t)n);
    if (!c2_buf_append(out, word, 3, err)) return false;
    for (int i = 0; i < n; i++) {
        word[0] = 0xc6;
        c2_put_be32(word + 1, (uint32_t)entries[i].content.n);
        if (!c2_buf_append(out, word, 5, err) ||
            !c2_buf_append(out, entries[i].content.p, entries[i].content.n, err))
            return false;
    }
    return true;
}

void c2_frame_patch_header(uint8_t *header, int64_t frame_len, int64_t nbytes, int64_t cbytes)
{
    c2_put_be64(header + C2_FRAME_LEN, (uint64_t)frame_len);
    c2_put_be64(header + C2_FRAME_NBYTES_AT, (uint64_t)nbytes);
    c2_put_be64(header + C2_FRAME_CBYTES, (uint64_t)cbytes);
}

bool c2_frame_make_header_with(const struct c2_meta *meta, const struct c2_named *more, int64_t frame_len,
                               int64_t nbytes, int64_t cbytes, struct c2_buf *out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) b2nd = C2_BUF_INIT(C2_HEADER_NBYTES_MAX);
    struct c2_named layers[2];
    int n = 0;
    uint8_t fixed[C2_FRAME_HEADER_MIN];
    size_t base = out->n;

    if (meta->kind == C2_KIND_ARRAY) {
        if (!c2_b2nd_make(meta, &b2nd, err)) return false;
        layers[n++] = (struct c2_named){C2_STR("b2nd"), c2_buf_bytes(&b2nd)};
    }
    if (more) {
        if (more->name.n > C2_FRAME_NAME_MAX || more->content.n > C2_HEADER_NBYTES_MAX - b2nd.n - 1024)
            return c2_fail(err, CAT2_ELIMIT, "a metalayer of %zu bytes does not fit in a header",
                           more->content.n);
        layers[n++] = *more;
    }
    header_fixed(meta, meta->vlmeta.n > 2, fixed); /* "{}" has no attribute */
    if (!c2_buf_append(out, fixed, sizeof(fixed), err) || !append_map(layers, n, base, 4, out, err))
        return false;
    c2_put_be32(out->p + base + C2_FRAME_HEADER_LEN, (uint32_t)(out->n - base));
    c2_frame_patch_header(out->p + base, frame_len, nbytes, cbytes);
    return true;
}

bool c2_frame_make_header(const struct c2_meta *meta, int64_t frame_len, int64_t nbytes, int64_t cbytes,
                          struct c2_buf *out, struct cat2_error *err)
{
    return c2_frame_make_header_with(meta, NULL, frame_len, nbytes, cbytes, out, err);
}

bool c2_attributes_add(struct c2_attributes *a, struct c2_codec *codec, struct c2_str name,
                       struct c2_bytes msgpack, struct cat2_error *err)
{
    struct c2_cparams cparams = c2_cparams_default(1, 0);
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_VLMETA_NBYTES_MAX + 64);

    if (name.n > C2_FRAME_NAME_MAX) return true; /* the format has no longer names */
    if (a->table + 6 + name.n > TABLE_NBYTES_MAX)
        return c2_fail(err, CAT2_ELIMIT, "the names of more than %zu attributes do not fit in a frame", a->n);
    if (!c2_vec_room(a, C2_VLMETA_MAX, "attributes", err)) return false;
    if (msgpack.n < 1 || msgpack.n > C2_VLMETA_NBYTES_MAX)
        return c2_fail(err, CAT2_ELIMIT, "attribute \"%.*s\" of %zu bytes", C2_STR_ARG(name), msgpack.n);
    if (!c2_codec_encode(codec, &cparams, msgpack.p, (int32_t)msgpack.n, &chunk, err)) return false;
    struct c2_attribute *attribute = &a->p[a->n++];
    attribute->chunk = c2_buf_steal(&chunk);
    attribute->name_len = name.n;
    if (name.n) memcpy(attribute->name, name.p, name.n);
    a->table += 6 + name.n;
    return true;
}

bool c2_attributes_from_json(struct c2_attributes *a, struct c2_codec *codec, struct c2_str json,
                             struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *doc = NULL;
    struct c2_jval value;
    struct c2_str name;

    if (json.n == 0) return true;
    if (!c2_json_parse(json, &doc, err)) return c2_fail_within(err, "attributes");
    struct c2_jiter it = c2_jiter_of(c2_json_root(doc));
    while (c2_jnext(&it, &name, &value)) {
        C2_AUTO(c2_buf) packed = C2_BUF_INIT(C2_VLMETA_NBYTES_MAX);
        if (!c2_msgpack_from_json(value, &packed, err)) return false;
        /* attributes that a frame cannot hold are only in the JSON; the data is served nevertheless */
        if (!c2_attributes_add(a, codec, name, c2_buf_bytes(&packed), err) && err->code != CAT2_ELIMIT)
            return false;
    }
    return true;
}

void c2_attributes_fini(struct c2_attributes *a)
{
    for (size_t i = 0; i < a->n; i++)
        c2_buf_fini(&a->p[i].chunk);
    c2_vec_fini(a);
    *a = (struct c2_attributes){0};
}

bool c2_attributes_trailer(const struct c2_attributes *a, struct c2_buf *out, struct cat2_error *err)
{
    static const uint8_t head[2] = {0x94, 1};
    uint8_t tail[23] = {0xce, 0, 0, 0, 0, 0xd8}; /* length, then an empty fingerprint */
    struct c2_named *entries = calloc(a->n + 1, sizeof(*entries));
    size_t base = out->n;

    if (!entries) return c2_fail_nomem(err, "attributes");
    for (size_t i = 0; i < a->n; i++) {
        entries[i].name = (struct c2_str){a->p[i].name, a->p[i].name_len};
        entries[i].content = c2_buf_bytes(&a->p[i].chunk);
    }
    bool ok = c2_buf_append(out, head, 2, err) && append_map(entries, (int)a->n, base, 3, out, err);
    free(entries);
    if (!ok) return false;
    c2_put_be32(tail + 1, (uint32_t)(out->n - base + sizeof(tail)));
    return c2_buf_append(out, tail, sizeof(tail), err);
}

bool c2_frame_make_trailer(const struct c2_meta *meta, struct c2_buf *out, struct cat2_error *err)
{
    C2_AUTO(c2_attributes) attributes = {0};

    if (meta->vlmeta.n == 0) return c2_attributes_trailer(&attributes, out, err);
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    if (!codec) return c2_fail_nomem(err, "codec");
    return c2_attributes_from_json(&attributes, codec, c2_buf_str(&meta->vlmeta), err) &&
           c2_attributes_trailer(&attributes, out, err);
}

/* As the library makes it, for which a small answer has no time: eight bytes are too few to be compressed. */
static bool index_of_one(int64_t offset, struct c2_buf *out, struct cat2_error *err)
{
    uint8_t chunk[C2_CHUNK_HEADER + 8] = {C2_CHUNK_VERSION, 1, 5 | C2_FLAG_MEMCPYED, 8};

    c2_put_le32(chunk + 4, 8);
    c2_put_le32(chunk + 8, 8);
    c2_put_le32(chunk + 12, sizeof(chunk));
    chunk[C2_CHUNK_FILTERS + 5] = C2_FILTER_SHUFFLE;
    c2_put_le64(chunk + C2_CHUNK_HEADER, (uint64_t)offset);
    return c2_buf_append(out, chunk, sizeof(chunk), err);
}

bool c2_frame_make_index(const int64_t *offsets, int64_t nchunks, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_cparams cparams = c2_cparams_fast(8, INDEX_BLOCKSIZE);

    if (nchunks < 1 || nchunks > C2_NCHUNKS_MAX)
        return c2_fail(err, CAT2_ELIMIT, "%lld chunks", (long long)nchunks);
    if (nchunks == 1) return index_of_one(offsets[0], out, err);
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    if (!codec) return c2_fail_nomem(err, "codec");
    if (nchunks * 8 < INDEX_BLOCKSIZE) cparams.blocksize = (int32_t)nchunks * 8;
    cparams.codec = 0; /* BloscLZ */
    cparams.clevel = INDEX_CLEVEL;
    cparams.splitmode = C2_SPLIT_NEVER;
    uint8_t *little = malloc((size_t)nchunks * 8);
    if (!little) return c2_fail_nomem(err, "index");
    for (int64_t i = 0; i < nchunks; i++)
        c2_put_le64(little + 8 * i, (uint64_t)offsets[i]);
    bool ok = c2_codec_encode(codec, &cparams, little, (int32_t)(nchunks * 8), out, err);
    free(little);
    return ok;
}
