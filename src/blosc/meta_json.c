/* SPDX-License-Identifier: BSD-3-Clause */
/* Metadata from a publisher's JSON. The sender is not trusted: each number has its range, and geometry must
 * add up. */
#include <stdio.h>

#include "blosc/b2nd.h"
#include "blosc/enums.h"

static bool wrong(struct cat2_error *err, const char *key)
{
    return c2_fail(err, CAT2_EDATA, "metadata: \"%s\" is missing or out of range", key);
}

static bool get_int(struct c2_jval v, const char *key, int64_t lo, int64_t hi, int64_t *out,
                    struct cat2_error *err)
{
    if (c2_jint(c2_jget(v, key), out) && lo <= *out && *out <= hi) return true;
    return wrong(err, key);
}

/* A number that older senders leave out. */
static int64_t optional_int(struct c2_jval v, const char *key, int64_t lo, int64_t hi, int64_t otherwise)
{
    int64_t value;

    return c2_jint(c2_jget(v, key), &value) && lo <= value && value <= hi ? value : otherwise;
}

static bool get_bytes(struct c2_jval v, const char *key, uint8_t out[6], struct cat2_error *err)
{
    struct c2_jval list = c2_jget(v, key);
    int64_t value;

    if (c2_jval_kind(list) != C2_JARRAY || c2_jlen(list) != 6) return wrong(err, key);
    for (size_t i = 0; i < 6; i++) {
        if (!c2_jint(c2_jat(list, i), &value) || value < 0 || value > 255) return wrong(err, key);
        out[i] = (uint8_t)value;
    }
    return true;
}

void c2_meta_get_cparams(struct c2_jval v, struct c2_cparams *c)
{
    c->codec_meta = (int)optional_int(v, "codec_meta", 0, 255, c->codec_meta);
    c->clevel = (int)optional_int(v, "clevel", 0, 9, c->clevel);
    c->splitmode = (int)optional_int(v, "splitmode", 1, 4, c->splitmode);
    (void)c2_jbool(c2_jget(v, "use_dict"), &c->use_dict);
}

static bool get_cparams(struct c2_jval v, struct c2_cparams *out, struct cat2_error *err)
{
    struct c2_cparams c;
    int64_t codec, typesize, blocksize;

    if (c2_jval_kind(v) != C2_JOBJECT) return wrong(err, "cparams");
    memset(&c, 0, sizeof(c));
    if (!get_int(v, "codec", 0, 255, &codec, err) || !get_bytes(v, "filters", c.filters, err) ||
        !get_bytes(v, "filters_meta", c.filters_meta, err) ||
        !get_int(v, "typesize", 1, 536866816, &typesize, err) ||
        !get_int(v, "blocksize", 0, C2_CHUNK_NBYTES_MAX, &blocksize, err))
        return false;
    c.codec = (int)codec;
    c.typesize = (int32_t)typesize;
    c.blocksize = (int32_t)blocksize;
    c.clevel = 1;
    c.splitmode = 4;
    c2_meta_get_cparams(v, &c);
    *out = c;
    return true;
}

static bool get_schunk(struct c2_jval v, struct c2_meta *meta, struct cat2_error *err)
{
    int64_t chunksize, chunkshape;
    struct c2_str text;

    if (c2_jval_kind(v) != C2_JOBJECT) return wrong(err, "schunk");
    if (!get_cparams(c2_jget(v, "cparams"), &meta->cparams, err) ||
        !get_int(v, "nbytes", 0, (int64_t)1 << 50, &meta->nbytes, err) ||
        !get_int(v, "cbytes", 0, (int64_t)1 << 50, &meta->cbytes, err) ||
        !get_int(v, "nchunks", 0, C2_NCHUNKS_MAX, &meta->nchunks, err) ||
        !get_int(v, "chunksize", 0, C2_CHUNK_NBYTES_MAX, &chunksize, err) ||
        !get_int(v, "chunkshape", 0, C2_CHUNK_NBYTES_MAX, &chunkshape, err))
        return false;
    meta->chunksize = (int32_t)chunksize;
    meta->chunkshape = (int32_t)chunkshape;
    if (!c2_jbool(c2_jget(v, "contiguous"), &meta->contiguous)) return wrong(err, "contiguous");
    if (!c2_jstr(c2_jget(v, "urlpath"), &text)) text = C2_STR("None");
    if (!(meta->urlpath = c2_str_dup(text))) return c2_fail_nomem(err, "metadata");
    struct c2_jval vlmeta = c2_jget(v, "vlmeta");
    c2_buf_init(&meta->vlmeta, C2_TRAILER_NBYTES_MAX);
    if (c2_jval_kind(vlmeta) != C2_JOBJECT || c2_jlen(vlmeta) > C2_VLMETA_MAX) return wrong(err, "vlmeta");
    return c2_json_print(vlmeta, C2_JSON_COMPACT, &meta->vlmeta, err);
}

static bool get_lengths(struct c2_jval v, const char *key, int64_t hi, int64_t *out, int *ndim,
                        struct cat2_error *err)
{
    struct c2_jval list = c2_jget(v, key);
    size_t n = c2_jlen(list);

    if (c2_jval_kind(list) != C2_JARRAY || n > C2_DIM_MAX) return wrong(err, key);
    for (size_t i = 0; i < n; i++)
        if (!c2_jint(c2_jat(list, i), &out[i]) || out[i] < 0 || out[i] > hi) return wrong(err, key);
    *ndim = (int)n;
    return true;
}

static bool get_array(struct c2_jval v, struct c2_meta *meta, struct cat2_error *err)
{
    int64_t shape[C2_DIM_MAX], sizes[2][C2_DIM_MAX];
    int32_t chunks[C2_DIM_MAX], blocks[C2_DIM_MAX];
    int ndim, nchunks, nblocks;
    struct c2_str dtype;

    if (!get_lengths(v, "shape", INT64_MAX, shape, &ndim, err) ||
        !get_lengths(v, "chunks", C2_CHUNK_NBYTES_MAX, sizes[0], &nchunks, err) ||
        !get_lengths(v, "blocks", C2_CHUNK_NBYTES_MAX, sizes[1], &nblocks, err))
        return false;
    if (nchunks != ndim || nblocks != ndim) return wrong(err, "chunks");
    if (!c2_jstr(c2_jget(v, "dtype"), &dtype)) return wrong(err, "dtype");
    struct c2_jval enums = c2_jget(v, "enums"); /* older senders have none */
    if (c2_jval_kind(enums) != C2_JNONE && !c2_enums_from_json(enums, &meta->enums, err))
        return c2_fail_within(err, "metadata");
    for (int i = 0; i < ndim; i++) {
        chunks[i] = (int32_t)sizes[0][i];
        blocks[i] = (int32_t)sizes[1][i];
    }
    if (!c2_dtype_parse(dtype, &meta->dtype, err) ||
        !c2_grid_init(&meta->grid, shape, chunks, blocks, ndim, meta->cparams.typesize, true, err)) {
        if (err->code == CAT2_EINVAL) err->code = CAT2_EDATA;
        return c2_fail_within(err, "metadata");
    }
    if (meta->nchunks != meta->grid.nchunks) return wrong(err, "nchunks");
    return c2_meta_check_array(meta, err) || c2_fail_within(err, "metadata");
}

/* One axis of items; the sizes of frames are what their writer made of them. */
static bool get_plain(struct c2_meta *meta, struct cat2_error *err)
{
    char descr[24];
    int32_t typesize = meta->cparams.typesize, chunk = meta->chunkshape;
    int64_t items = meta->nbytes / typesize;
    struct c2_str text = typesize == 1 ? C2_STR("|u1") : (struct c2_str){descr, 0};

    if (typesize > 1) text.n = (size_t)snprintf(descr, sizeof(descr), "|V%d", typesize);
    if (meta->chunksize != (int64_t)meta->chunkshape * typesize) return wrong(err, "chunkshape");
    if (meta->nbytes > 0 && meta->chunksize == 0) return wrong(err, "chunksize");
    if (meta->nbytes % typesize) return wrong(err, "nbytes");
    if (meta->nchunks != (meta->nbytes ? c2_div_ceil(meta->nbytes, meta->chunksize) : 0))
        return wrong(err, "nchunks");
    if (chunk == 0) chunk = 1;
    if (c2_dtype_parse(text, &meta->dtype, err) &&
        c2_grid_init(&meta->grid, &items, &chunk, &chunk, 1, typesize, false, err))
        return true;
    if (err->code == CAT2_EINVAL) err->code = CAT2_EDATA;
    return c2_fail_within(err, "metadata");
}

bool c2_meta_from_json(struct c2_jval v, enum c2_kind kind, struct c2_meta *out, struct cat2_error *err)
{
    C2_AUTO(c2_meta) meta = {.kind = kind};

    if (c2_jval_kind(v) != C2_JOBJECT) return c2_fail(err, CAT2_EDATA, "metadata is not a JSON object");
    if (!get_schunk(kind == C2_KIND_ARRAY ? c2_jget(v, "schunk") : v, &meta, err)) return false;
    if (kind == C2_KIND_ARRAY ? !get_array(v, &meta, err) : !get_plain(&meta, err)) return false;
    *out = meta;
    meta = (struct c2_meta){0};
    return true;
}
