/* SPDX-License-Identifier: BSD-3-Clause */
/* Decoding and encoding of single chunks. Special and stored chunks are done here; only guarded, really
 * compressed chunks of known codecs and filters reach the library, which would otherwise search and load
 * plug-ins by itself. */
#include "blosc/codec.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include <blosc2.h>

#include "base/endian.h"
#include "blosc/b2nd.h"
#include "blosc/chunk_format.h"

#define GEOMETRIES 4 /* contexts kept for this many arrays: a worker uses few at a time */

/* A decompression context whose schunk tells array-aware codecs and filters the shape. */
struct geometry {
    blosc2_schunk *schunk;
    blosc2_context *dctx;
    int32_t typesize;
    struct c2_buf b2nd;
};
struct c2_codec {
    blosc2_context *dctx, *cctx;
    struct c2_cparams cctx_params;
    int32_t cctx_nbytes; /* a context never changes its blocksize, so it is used for one chunk size only */
    struct geometry geometries[GEOMETRIES];
    int next_geometry;
    struct c2_buf mini; /* the chunk made of some blocks */
};

void c2_codec_setup(void)
{
    char name[64];

    for (char **e = environ; e && *e;) {
        size_t n = strcspn(*e, "=");
        if (strncmp(*e, "BLOSC_", 6) == 0 && n < sizeof(name)) {
            memcpy(name, *e, n);
            name[n] = '\0';
            unsetenv(name);
            e = environ;
        } else {
            e++;
        }
    }
    blosc2_init();
    c2_codec_load_separate();
}

static void geometry_fini(struct geometry *g)
{
    if (g->dctx) blosc2_free_ctx(g->dctx);
    if (g->schunk) blosc2_schunk_free(g->schunk);
    c2_buf_fini(&g->b2nd);
    *g = (struct geometry){0};
}

struct c2_codec *c2_codec_new(void)
{
    struct c2_codec *codec = calloc(1, sizeof(*codec));
    blosc2_dparams dparams = BLOSC2_DPARAMS_DEFAULTS;

    if (!codec) return NULL;
    c2_buf_init(&codec->mini, C2_CHUNK_CBYTES_MAX);
    codec->dctx = blosc2_create_dctx(dparams);
    if (codec->dctx) return codec;
    c2_codec_free(codec);
    return NULL;
}

void c2_codec_free(struct c2_codec *codec)
{
    if (!codec) return;
    for (int i = 0; i < GEOMETRIES; i++)
        geometry_fini(&codec->geometries[i]);
    if (codec->dctx) blosc2_free_ctx(codec->dctx);
    if (codec->cctx) blosc2_free_ctx(codec->cctx);
    c2_buf_fini(&codec->mini);
    free(codec);
}

static bool codec_is_here(int id, struct cat2_error *err)
{
    const struct c2_codec_name *codec = c2_codec_of_id(id);

    if (!codec) return c2_fail(err, CAT2_EUNSUPPORTED, "codec %d is not built in", id);
    return !codec->package || c2_codec_is_loaded(codec) ||
           c2_fail(err, CAT2_EUNSUPPORTED, "codec %d, %s, is not built in (package %s)", id, codec->name,
                   codec->package);
}

static bool filters_are_here(const uint8_t *filters, struct cat2_error *err)
{
    for (int i = 0; i < 6; i++)
        if (filters[i] && !c2_filter_name(filters[i]))
            return c2_fail(err, CAT2_EUNSUPPORTED, "filter %d is not built in", filters[i]);
    return true;
}

bool c2_codec_supports(const struct c2_cparams *cparams, struct cat2_error *err)
{
    return codec_is_here(cparams->codec, err) && filters_are_here(cparams->filters, err);
}

/* The same for a chunk, whose header numbers the usual codecs differently; *needs_array: some part asks for
 * the shape. */
static bool chunk_is_decodable(const uint8_t *head, bool *needs_array, struct cat2_error *err)
{
    bool plugin = head[C2_CHUNK_FLAGS] >> 5 == C2_CHUNK_UDCODEC;

    if (plugin && head[C2_CHUNK_CODEC] < 32) /* numbers below are not for plug-ins */
        return c2_fail(err, CAT2_EDATA, "bad chunk: plug-in codec %d", head[C2_CHUNK_CODEC]);
    if (plugin && !codec_is_here(head[C2_CHUNK_CODEC], err)) return false;
    *needs_array = plugin;
    for (int i = 0; i < 6; i++)
        if (head[C2_CHUNK_FILTERS + i] >= C2_FILTER_FIRST_PLUGIN) *needs_array = true;
    return filters_are_here(head + C2_CHUNK_FILTERS, err);
}

static bool geometry_make(struct geometry *g, struct c2_buf *b2nd, int32_t typesize, struct cat2_error *err)
{
    blosc2_cparams cparams = BLOSC2_CPARAMS_DEFAULTS;
    blosc2_dparams dparams = BLOSC2_DPARAMS_DEFAULTS;
    blosc2_storage storage = {.contiguous = false, .cparams = &cparams, .dparams = &dparams};

    cparams.typesize = typesize;
    g->schunk = blosc2_schunk_new(&storage);
    if (!g->schunk) return c2_fail_nomem(err, "array context");
    if (b2nd->n && blosc2_meta_add(g->schunk, "b2nd", b2nd->p, (int32_t)b2nd->n) < 0)
        return c2_fail_nomem(err, "array context");
    dparams.schunk = g->schunk;
    dparams.typesize = typesize;
    g->dctx = blosc2_create_dctx(dparams);
    if (!g->dctx) return c2_fail_nomem(err, "array context");
    g->typesize = typesize;
    g->b2nd = c2_buf_steal(b2nd);
    return true;
}

static bool array_context(struct c2_codec *codec, const struct c2_meta *meta, blosc2_context **out,
                          struct cat2_error *err)
{
    C2_AUTO(c2_buf) b2nd = C2_BUF_INIT(C2_HEADER_NBYTES_MAX);

    if (!meta) return c2_fail(err, CAT2_EUNSUPPORTED, "the codec or a filter needs to know the array");
    if (meta->kind == C2_KIND_ARRAY && !c2_b2nd_make(meta, &b2nd, err)) return false;
    for (int i = 0; i < GEOMETRIES; i++) {
        struct geometry *g = &codec->geometries[i];
        if (g->dctx && g->typesize == meta->cparams.typesize && g->b2nd.n == b2nd.n &&
            (b2nd.n == 0 || memcmp(g->b2nd.p, b2nd.p, b2nd.n) == 0)) {
            *out = g->dctx;
            return true;
        }
    }
    struct geometry *g = &codec->geometries[codec->next_geometry];
    codec->next_geometry = (codec->next_geometry + 1) % GEOMETRIES;
    geometry_fini(g);
    if (!geometry_make(g, &b2nd, meta->cparams.typesize, err)) {
        geometry_fini(g);
        return false;
    }
    *out = g->dctx;
    return true;
}

/* Items of one value from end to end. */
static void repeat(const uint8_t *item, size_t itemsize, uint8_t *out, size_t n)
{
    size_t done = itemsize < n ? itemsize : n;

    memcpy(out, item, done);
    while (done < n) { /* copy what is there behind it, in whole items */
        size_t more = done < n - done ? done : n - done;
        memcpy(out + done, out, more);
        done += more;
    }
}

static void fill_special(struct c2_bytes chunk, const struct c2_chunk_info *info, uint8_t *out)
{
    float nan4 = nanf("");
    double nan8 = nan("");
    size_t n = (size_t)info->nbytes;

    if (info->special == C2_SPECIAL_VALUE)
        repeat(chunk.p + C2_CHUNK_HEADER, chunk.n - C2_CHUNK_HEADER, out, n);
    else if (info->special == C2_SPECIAL_NAN && info->typesize == 4)
        repeat((const uint8_t *)&nan4, 4, out, n);
    else if (info->special == C2_SPECIAL_NAN)
        repeat((const uint8_t *)&nan8, 8, out, n);
    else /* zeros; also UNINIT, for which the library would leave the memory as it was */
        memset(out, 0, n);
}

static struct c2_chunk_expect expected(const struct c2_meta *meta)
{
    struct c2_chunk_expect want = {.nbytes = -1, .blocksize = -1, .typesize = -1};

    if (!meta) return want;
    want.typesize = meta->cparams.typesize;
    if (meta->kind == C2_KIND_ARRAY) want.blocksize = meta->cparams.blocksize;
    return want;
}

bool c2_codec_decode(struct c2_codec *codec, const struct c2_meta *meta, struct c2_bytes chunk, uint8_t *out,
                     struct cat2_error *err)
{
    struct c2_chunk_expect want = expected(meta);
    struct c2_chunk_info info;
    blosc2_context *dctx = codec->dctx;
    bool needs_array = false;

    if (!c2_guard_chunk(chunk, &want, &info, err)) return false;
    if (info.special) {
        fill_special(chunk, &info, out);
        return true;
    }
    if (info.memcpyed) {
        memcpy(out, chunk.p + C2_CHUNK_HEADER, (size_t)info.nbytes);
        return true;
    }
    if (!chunk_is_decodable(chunk.p, &needs_array, err)) return false;
    if (needs_array && !array_context(codec, meta, &dctx, err)) return false;
    if (needs_array) memset(out, 0, (size_t)info.nbytes); /* plug-ins count cells, not what they wrote */
    int n = blosc2_decompress_ctx(dctx, chunk.p, (int32_t)chunk.n, out, info.nbytes);
    if (n != info.nbytes) return c2_fail(err, CAT2_EDATA, "chunk cannot be decompressed (Blosc2 says %d)", n);
    return true;
}

/* A legal chunk of just these blocks: header, new bstarts, dictionary, blocks. */
static bool make_mini(struct c2_buf *mini, const struct c2_chunk_info *info, struct c2_bytes prefix,
                      const int32_t *blocks, int32_t nblocks, const int32_t *lens, struct c2_bytes data,
                      struct cat2_error *err)
{
    size_t bstarts = C2_CHUNK_HEADER + 4 * (size_t)info->nblocks, start;
    struct c2_bytes dict = {prefix.p + bstarts, prefix.n - bstarts};
    int32_t rest = info->nbytes % info->blocksize;
    bool short_last = rest && blocks[nblocks - 1] == info->nblocks - 1;
    int64_t nbytes = (int64_t)nblocks * info->blocksize - (short_last ? info->blocksize - rest : 0);
    uint8_t word[4];
    int64_t at;

    start = C2_CHUNK_HEADER + 4 * (size_t)nblocks + dict.n;
    c2_buf_clear(mini);
    if (!c2_buf_reserve(mini, start + data.n, err) || !c2_buf_append(mini, prefix.p, C2_CHUNK_HEADER, err))
        return false;
    at = (int64_t)start;
    for (int32_t i = 0; i < nblocks; i++) {
        c2_put_le32(word, (uint32_t)at);
        if (!c2_buf_append(mini, word, 4, err)) return false;
        at += lens[i];
    }
    if (!c2_buf_append(mini, dict.p, dict.n, err) || !c2_buf_append(mini, data.p, data.n, err)) return false;
    c2_put_le32(mini->p + 4, (uint32_t)nbytes);
    c2_put_le32(mini->p + 12, (uint32_t)mini->n);
    if (short_last && nblocks == 1) { /* now a full block, but stored in one stream as short ones are */
        c2_put_le32(mini->p + 8, (uint32_t)rest);
        mini->p[C2_CHUNK_FLAGS] |= C2_FLAG_NOSPLIT;
    }
    return true;
}

bool c2_codec_decode_blocks(struct c2_codec *codec, const struct c2_meta *meta, struct c2_bytes prefix,
                            const int32_t *blocks, int32_t nblocks, const int32_t *lens, struct c2_bytes data,
                            uint8_t *out, struct cat2_error *err)
{
    struct c2_chunk_expect want = expected(meta);
    struct c2_chunk_info info;
    int64_t total = 0;

    if (nblocks < 1) return true;
    if (!c2_guard_prefix(prefix, &want, &info, err)) return false;
    if (info.special || info.memcpyed || info.delta)
        return c2_fail(err, CAT2_EINVAL, "such a chunk is not decoded by blocks");
    for (int32_t i = 0; i < nblocks; i++) {
        if (blocks[i] < 0 || blocks[i] >= info.nblocks || lens[i] < 0 || (i && blocks[i] <= blocks[i - 1]))
            return c2_fail(err, CAT2_EINVAL, "blocks out of order or range");
        total += lens[i];
    }
    if (total != (int64_t)data.n)
        return c2_fail(err, CAT2_EINVAL, "blocks of %zu bytes do not add up", data.n);
    if (!make_mini(&codec->mini, &info, prefix, blocks, nblocks, lens, data, err)) return false;
    return c2_codec_decode(codec, meta, c2_buf_bytes(&codec->mini), out, err);
}

static bool same_cparams(const struct c2_cparams *a, const struct c2_cparams *b)
{
    return a->codec == b->codec && a->codec_meta == b->codec_meta && a->clevel == b->clevel &&
           a->splitmode == b->splitmode && a->use_dict == b->use_dict &&
           memcmp(a->filters, b->filters, sizeof(a->filters)) == 0 &&
           memcmp(a->filters_meta, b->filters_meta, sizeof(a->filters_meta)) == 0 &&
           a->typesize == b->typesize && a->blocksize == b->blocksize;
}

static bool compression_context(struct c2_codec *codec, const struct c2_cparams *p, int32_t nbytes,
                                struct cat2_error *err)
{
    blosc2_cparams cparams = BLOSC2_CPARAMS_DEFAULTS;

    if (codec->cctx && codec->cctx_nbytes == nbytes && same_cparams(&codec->cctx_params, p)) return true;
    for (int i = 0; i < 6; i++)
        if (p->filters[i] >= C2_FILTER_FIRST_PLUGIN)
            return c2_fail(err, CAT2_EUNSUPPORTED, "compressing with filter %d is not supported",
                           p->filters[i]);
    if (p->codec > BLOSC_ZSTD || p->codec < 0 || p->codec == 3)
        return c2_fail(err, CAT2_EUNSUPPORTED, "compressing with codec %d is not supported", p->codec);
    cparams.compcode = (uint8_t)p->codec;
    cparams.compcode_meta = (uint8_t)p->codec_meta;
    cparams.clevel = (uint8_t)p->clevel;
    cparams.use_dict = p->use_dict;
    cparams.typesize = p->typesize;
    cparams.blocksize = p->blocksize;
    cparams.splitmode = p->splitmode;
    memcpy(cparams.filters, p->filters, sizeof(cparams.filters));
    memcpy(cparams.filters_meta, p->filters_meta, sizeof(cparams.filters_meta));
    if (codec->cctx) blosc2_free_ctx(codec->cctx);
    codec->cctx = blosc2_create_cctx(cparams);
    if (!codec->cctx) return c2_fail_nomem(err, "compression context");
    codec->cctx_params = *p;
    codec->cctx_nbytes = nbytes;
    return true;
}

bool c2_codec_encode(struct c2_codec *codec, const struct c2_cparams *cparams, const uint8_t *items,
                     int32_t nbytes, struct c2_buf *out, struct cat2_error *err)
{
    size_t before = out->n, room = (size_t)nbytes + BLOSC2_MAX_OVERHEAD;

    if (nbytes < 1 || nbytes > C2_CHUNK_NBYTES_MAX)
        return c2_fail(err, CAT2_EINVAL, "chunk of %d bytes", nbytes);
    if (!compression_context(codec, cparams, nbytes, err) || !c2_buf_resize(out, before + room, err))
        return false;
    int n = blosc2_compress_ctx(codec->cctx, items, nbytes, out->p + before, (int32_t)room);
    if (n > 0) return c2_buf_resize(out, before + (size_t)n, err);
    out->n = before;
    return c2_fail(err, CAT2_EDATA, "chunk cannot be compressed (Blosc2 says %d)", n);
}

struct c2_cparams c2_cparams_fast(int32_t typesize, int32_t blocksize)
{
    struct c2_cparams p;

    memset(&p, 0, sizeof(p)); /* padding too: contexts are found by memcmp */
    p.codec = BLOSC_LZ4;
    p.clevel = 5;
    p.splitmode = BLOSC_FORWARD_COMPAT_SPLIT;
    p.filters[5] = BLOSC_SHUFFLE;
    p.typesize = typesize;
    p.blocksize = blocksize;
    return p;
}

struct c2_cparams c2_cparams_default(int32_t typesize, int32_t blocksize)
{
    struct c2_cparams p = c2_cparams_fast(typesize, blocksize);

    p.codec = BLOSC_ZSTD;
    p.clevel = 1;
    return p;
}
