/* SPDX-License-Identifier: BSD-3-Clause */
/* The metadata of arrays: .zarray, and zarr.json. */
#include "publisher/source/zarr_array.h"

#include <stdlib.h>

void c2_zs_array_fini(struct c2_zs_array *array)
{
    c2_dtype_fini(&array->dtype);
    c2_buf_fini(&array->attrs);
    free(array->fill);
    *array = (struct c2_zs_array){0};
}

/* ---- shapes ---- */

static bool take_shape(struct c2_jval v, struct c2_zs_array *out, struct cat2_error *err)
{
    struct c2_jiter it = c2_jiter_of(v);
    struct c2_str key;
    struct c2_jval edge;

    if (c2_jval_kind(v) != C2_JARRAY) return c2_fail(err, CAT2_EDATA, "shape is no list");
    if (c2_jlen(v) > C2_DIM_MAX)
        return c2_fail(err, CAT2_ELIMIT, "%zu dimensions, at most %d", c2_jlen(v), C2_DIM_MAX);
    for (out->ndim = 0; c2_jnext(&it, &key, &edge); out->ndim++)
        if (!c2_jint(edge, &out->shape[out->ndim]) || out->shape[out->ndim] < 0)
            return c2_fail(err, CAT2_EDATA, "shape: axis %d is no size", out->ndim);
    return true;
}

static bool take_chunks(struct c2_jval v, const char *what, int ndim, int32_t *out, struct cat2_error *err)
{
    struct c2_jiter it = c2_jiter_of(v);
    struct c2_str key;
    struct c2_jval edge;
    int64_t n;

    if (c2_jval_kind(v) != C2_JARRAY || c2_jlen(v) != (size_t)ndim)
        return c2_fail(err, CAT2_EDATA, "%s is no list of %d", what, ndim);
    for (int i = 0; c2_jnext(&it, &key, &edge); i++) {
        if (!c2_jint(edge, &n) || n < 0 || n > INT32_MAX)
            return c2_fail(err, CAT2_EDATA, "%s: axis %d is no size", what, i);
        out[i] = n ? (int32_t)n : 1;
    }
    return true;
}

/* Do they fit our limits, and each other? */
static bool check_geometry(const struct c2_zs_array *a, struct cat2_error *err)
{
    int64_t n = a->dtype.itemsize, nchunks = 1, inner = 1;

    for (int i = 0; i < a->ndim; i++) {
        if (a->files[i] % a->chunks[i])
            return c2_fail(err, CAT2_EDATA, "axis %d: chunks of %d do not fit into shards of %d", i,
                           a->chunks[i], a->files[i]);
        if (!c2_mul_i64(n, a->chunks[i], &n) || n > C2_ZS_CHUNK_MAX)
            return c2_fail(err, CAT2_EUNSUPPORTED, "chunks of more than %d MiB are not carried",
                           C2_ZS_CHUNK_MAX >> 20);
        if (!c2_mul_i64(nchunks, c2_div_ceil(a->shape[i], a->chunks[i]), &nchunks) ||
            nchunks > C2_NCHUNKS_MAX)
            return c2_fail(err, CAT2_ELIMIT, "more than %d chunks", C2_NCHUNKS_MAX);
        if (!c2_mul_i64(inner, a->files[i] / a->chunks[i], &inner) || inner > C2_NCHUNKS_MAX)
            return c2_fail(err, CAT2_ELIMIT, "more than %d chunks in a shard", C2_NCHUNKS_MAX);
    }
    if (a->dtype.itemsize < 1) return c2_fail(err, CAT2_EUNSUPPORTED, "items have no bytes");
    return n <= C2_ZS_CHUNK_MAX || c2_fail(err, CAT2_EUNSUPPORTED, "items are too large");
}

static void take_order(struct c2_zs_array *out, bool reversed)
{
    for (int i = 0; i < out->ndim; i++)
        out->order[i] = reversed ? out->ndim - 1 - i : i;
    out->turned = reversed && out->ndim > 1;
}

/* ---- codecs ---- */

static bool add_codec(struct c2_zs_chain *chain, struct c2_zs_codec codec, struct cat2_error *err)
{
    if (chain->n == C2_ZS_CODECS_MAX)
        return c2_fail(err, CAT2_EUNSUPPORTED, "more than %d codecs", C2_ZS_CODECS_MAX);
    chain->p[chain->n++] = codec;
    return true;
}

static bool take_delta(struct c2_jval conf, const struct c2_zs_array *array, struct c2_zs_codec *codec,
                       struct cat2_error *err)
{
    struct c2_str type = {"", 0}, as = {"", 0};
    C2_AUTO(c2_dtype) dtype = {0};

    c2_jstr(c2_jget(conf, "dtype"), &type);
    if (!c2_jstr(c2_jget(conf, "astype"), &as)) as = type;
    if (!c2_dtype_parse(type, &dtype, err) || !c2_str_eq(type, as) || !strchr("iu", dtype.kind) ||
        dtype.itemsize != array->dtype.itemsize)
        return c2_fail(err, CAT2_EUNSUPPORTED, "filter 'delta' is read of integers that stay what they are");
    codec->size = (int32_t)dtype.itemsize;
    codec->swapped = c2_dtype_swapped(&dtype);
    return true;
}

/* The codecs of numcodecs, by its names; those of version 3 that are no others are among them. */
static bool take_codec(struct c2_str name, struct c2_jval conf, const struct c2_zs_array *array,
                       struct c2_zs_chain *chain, struct cat2_error *err)
{
    static const struct {
        const char *name;
        enum c2_zs_kind kind;
    } KINDS[] = {{"blosc", C2_ZS_BLOSC},     {"zlib", C2_ZS_ZLIB},  {"gzip", C2_ZS_GZIP},
                 {"zstd", C2_ZS_ZSTD},       {"lz4", C2_ZS_LZ4},    {"bz2", C2_ZS_BZIP2},
                 {"shuffle", C2_ZS_SHUFFLE}, {"delta", C2_ZS_DELTA}};
    struct c2_zs_codec codec = {0};
    int64_t size = 4;

    for (size_t i = 0; i < C2_ARRAY_LEN(KINDS); i++) {
        if (!c2_str_is(name, KINDS[i].name)) continue;
        codec.kind = KINDS[i].kind;
        if (codec.kind == C2_ZS_DELTA && !take_delta(conf, array, &codec, err)) return false;
        if (codec.kind == C2_ZS_SHUFFLE) {
            c2_jint(c2_jget(conf, "elementsize"), &size);
            if (size < 1 || size > 255)
                return c2_fail(err, CAT2_EUNSUPPORTED, "filter 'shuffle' of items of %lld bytes",
                               (long long)size);
            codec.size = (int32_t)size;
        }
        return add_codec(chain, codec, err);
    }
    return c2_fail(err, CAT2_EUNSUPPORTED, "codec '%.*s' is not read", (int)c2_min_i64(60, (int64_t)name.n),
                   name.p);
}

/* ---- version 2 ---- */

static bool take_v2_codec(struct c2_jval v, struct c2_zs_array *out, struct cat2_error *err)
{
    struct c2_str name;

    if (!c2_jstr(c2_jget(v, "id"), &name)) return c2_fail(err, CAT2_EDATA, "a codec has no id");
    return take_codec(name, v, out, &out->chain, err);
}

static bool take_v2_codecs(struct c2_jval json, struct c2_zs_array *out, struct cat2_error *err)
{
    struct c2_jval filters = c2_jget(json, "filters"), compressor = c2_jget(json, "compressor"), one;
    struct c2_jiter it = c2_jiter_of(filters);
    struct c2_str key;

    while (c2_jval_kind(filters) == C2_JARRAY && c2_jnext(&it, &key, &one))
        if (!take_v2_codec(one, out, err)) return false;
    return c2_jval_kind(compressor) != C2_JOBJECT || take_v2_codec(compressor, out, err);
}

static bool take_v2(struct c2_jval json, struct c2_zs_array *out, struct cat2_error *err)
{
    struct c2_str text = C2_STR("C");
    int64_t version = 0;

    if (!c2_jint(c2_jget(json, "zarr_format"), &version) || version != 2)
        return c2_fail(err, CAT2_EDATA, ".zarray is not of zarr_format 2");
    if (!take_shape(c2_jget(json, "shape"), out, err) ||
        !take_chunks(c2_jget(json, "chunks"), "chunks", out->ndim, out->chunks, err) ||
        !c2_zs_dtype_v2(c2_jget(json, "dtype"), &out->dtype, err))
        return false;
    memcpy(out->files, out->chunks, sizeof(out->files));
    c2_jstr(c2_jget(json, "order"), &text);
    if (!c2_str_is(text, "C") && !c2_str_is(text, "F"))
        return c2_fail(err, CAT2_EDATA, "order is neither C nor F");
    take_order(out, c2_str_is(text, "F"));
    text = C2_STR(".");
    c2_jstr(c2_jget(json, "dimension_separator"), &text);
    if (!c2_str_is(text, ".") && !c2_str_is(text, "/"))
        return c2_fail(err, CAT2_EDATA, "dimension_separator is neither . nor /");
    out->separator = text.p[0];
    return take_v2_codecs(json, out, err) && check_geometry(out, err) &&
           c2_zs_fill(c2_jget(json, "fill_value"), &out->dtype, &out->fill, err);
}

bool c2_zs_array_v2(struct c2_str zarray, struct c2_str zattrs, struct c2_zs_array *out,
                    struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    C2_AUTO_PTR(c2_json) *attrs = NULL;
    C2_AUTO(c2_zs_array) array = {.attrs = C2_BUF_INIT(C2_ZS_JSON_NBYTES)};

    if (!c2_zs_parse(zarray, &json, err)) return c2_fail_within(err, ".zarray");
    if (zattrs.n && !c2_zs_parse(zattrs, &attrs, err)) return c2_fail_within(err, ".zattrs");
    struct c2_jval root = c2_json_root(json);
    if (!take_v2(root, &array, err) ||
        !c2_zs_array_attrs(attrs ? c2_json_root(attrs) : (struct c2_jval){0}, (struct c2_jval){0},
                           c2_jget(root, "fill_value"), &array.dtype, &array.attrs, err))
        return false;
    *out = array;
    array = (struct c2_zs_array){0};
    return true;
}

/* ---- version 3 ---- */

/* Extensions are a name, or an object with a name and a configuration. */
static bool name_of(struct c2_jval v, struct c2_str *name, struct c2_jval *conf)
{
    *conf = c2_jget(v, "configuration");
    return c2_jstr(v, name) || c2_jstr(c2_jget(v, "name"), name);
}

static bool take_keys(struct c2_jval v, struct c2_zs_array *out, struct cat2_error *err)
{
    struct c2_str name, text;
    struct c2_jval conf;

    if (!name_of(v, &name, &conf)) return c2_fail(err, CAT2_EDATA, "chunk_key_encoding has no name");
    out->prefixed = c2_str_is(name, "default");
    if (!out->prefixed && !c2_str_is(name, "v2"))
        return c2_fail(err, CAT2_EUNSUPPORTED, "chunk_key_encoding '%.60s' is not read", name.p);
    text = out->prefixed ? C2_STR("/") : C2_STR(".");
    c2_jstr(c2_jget(conf, "separator"), &text);
    if (!c2_str_is(text, ".") && !c2_str_is(text, "/"))
        return c2_fail(err, CAT2_EDATA, "separator of chunk keys is neither . nor /");
    out->separator = text.p[0];
    return true;
}

/* Stored axes are permuted once more. */
static bool take_transpose(struct c2_jval conf, struct c2_zs_array *out, struct cat2_error *err)
{
    struct c2_jval list = c2_jget(conf, "order"), one;
    struct c2_jiter it = c2_jiter_of(list);
    int before[C2_DIM_MAX];
    struct c2_str key;
    unsigned seen = 0;
    int64_t axis;

    memcpy(before, out->order, sizeof(before));
    if (c2_jval_kind(list) != C2_JARRAY || c2_jlen(list) != (size_t)out->ndim)
        return c2_fail(err, CAT2_EUNSUPPORTED, "codec 'transpose' without a list of all axes");
    for (int i = 0; c2_jnext(&it, &key, &one); i++) {
        if (!c2_jint(one, &axis) || axis < 0 || axis >= out->ndim || seen & 1u << axis)
            return c2_fail(err, CAT2_EDATA, "codec 'transpose': order is no permutation");
        seen |= 1u << axis;
        out->order[i] = before[axis];
    }
    out->turned = false;
    for (int i = 0; i < out->ndim; i++)
        out->turned = out->turned || out->order[i] != i;
    return true;
}

/* *big: what `bytes` says; its default is little-endian. */
static bool take_v3_codec(struct c2_jval v, struct c2_zs_array *out, struct c2_zs_chain *chain, bool *bytes,
                          struct cat2_error *err)
{
    static const struct c2_str OURS = {"numcodecs.", 10};
    struct c2_str name;
    struct c2_jval conf;

    if (!name_of(v, &name, &conf)) return c2_fail(err, CAT2_EDATA, "a codec has no name");
    if (c2_str_is(name, "transpose") && chain == &out->chain && !*bytes)
        return take_transpose(conf, out, err);
    if (c2_str_is(name, "bytes")) {
        if (*bytes) return c2_fail(err, CAT2_EDATA, "codec 'bytes' twice");
        *bytes = true;
        return true;
    }
    if (c2_str_starts(name, OURS.p)) name = (struct c2_str){name.p + OURS.n, name.n - OURS.n};
    bool of_arrays = c2_str_is(name, "delta");
    if (c2_str_is(name, "sharding_indexed")) return c2_fail(err, CAT2_EUNSUPPORTED, "shards in shards");
    if (*bytes == of_arrays)
        return c2_fail(err, CAT2_EUNSUPPORTED, "codec '%.60s' is not read in its place", name.p);
    if (c2_str_is(name, "crc32c")) return add_codec(chain, (struct c2_zs_codec){.kind = C2_ZS_CRC32C}, err);
    return take_codec(name, conf, out, chain, err);
}

static bool take_v3_chain(struct c2_jval list, struct c2_zs_array *out, struct c2_zs_chain *chain,
                          struct cat2_error *err)
{
    struct c2_jiter it = c2_jiter_of(list);
    struct c2_str key;
    struct c2_jval one;
    bool bytes = false;

    if (c2_jval_kind(list) != C2_JARRAY) return c2_fail(err, CAT2_EDATA, "codecs are no list");
    while (c2_jnext(&it, &key, &one))
        if (!take_v3_codec(one, out, chain, &bytes, err)) return false;
    return bytes || c2_fail(err, CAT2_EDATA, "codecs without 'bytes'");
}

/* Does the list say that numbers are big-endian? */
static bool is_big(struct c2_jval list)
{
    struct c2_jiter it = c2_jiter_of(list);
    struct c2_str key, name, text;
    struct c2_jval one, conf;
    bool big = false;

    while (c2_jval_kind(list) == C2_JARRAY && c2_jnext(&it, &key, &one))
        if (name_of(one, &name, &conf) && c2_str_is(name, "bytes") && c2_jstr(c2_jget(conf, "endian"), &text))
            big = c2_str_is(text, "big");
    return big;
}

/* Every codec makes as many bytes of a number of bytes, but checksums. */
static bool take_shards(struct c2_jval conf, struct c2_zs_array *out, struct cat2_error *err)
{
    struct c2_jval index = c2_jget(conf, "index_codecs");
    struct c2_str place;

    out->sharded = true;
    if (!take_chunks(c2_jget(conf, "chunk_shape"), "chunk_shape", out->ndim, out->chunks, err) ||
        !take_v3_chain(index, out, &out->index, err))
        return false;
    for (int i = 0; i < out->index.n; i++)
        if (out->index.p[i].kind != C2_ZS_CRC32C)
            return c2_fail(err, CAT2_EUNSUPPORTED, "the index of shards is compressed");
    out->index_big = is_big(index);
    out->index_first = c2_jstr(c2_jget(conf, "index_location"), &place) && c2_str_is(place, "start");
    return take_v3_chain(c2_jget(conf, "codecs"), out, &out->chain, err);
}

/* The list of codecs that items go through first: that of shards, where there are some. */
static struct c2_jval innermost(struct c2_jval list, struct c2_jval *shards)
{
    struct c2_jval one = c2_jat(list, 0), conf;
    struct c2_str name;

    *shards = (struct c2_jval){0};
    if (c2_jval_kind(list) != C2_JARRAY || !name_of(one, &name, &conf) ||
        !c2_str_is(name, "sharding_indexed"))
        return list;
    *shards = conf;
    return c2_jget(conf, "codecs");
}

static bool take_v3_codecs(struct c2_jval list, struct c2_zs_array *out, struct cat2_error *err)
{
    struct c2_jval shards;

    innermost(list, &shards);
    if (c2_jval_kind(shards) != C2_JOBJECT) return take_v3_chain(list, out, &out->chain, err);
    if (c2_jlen(list) != 1) return c2_fail(err, CAT2_EUNSUPPORTED, "shards that are coded once more");
    return take_shards(shards, out, err);
}

/* What is not known must not be passed over, unless it says so itself. */
static bool check_members(struct c2_jval json, struct cat2_error *err)
{
    static const char *const KNOWN[] = {"zarr_format",
                                        "node_type",
                                        "shape",
                                        "data_type",
                                        "chunk_grid",
                                        "chunk_key_encoding",
                                        "codecs",
                                        "fill_value",
                                        "attributes",
                                        "dimension_names",
                                        "storage_transformers",
                                        "consolidated_metadata"};
    struct c2_jiter it = c2_jiter_of(json);
    struct c2_str key;
    struct c2_jval v;

    while (c2_jnext(&it, &key, &v)) {
        bool known = false, needed = true;
        for (size_t i = 0; i < C2_ARRAY_LEN(KNOWN); i++)
            known = known || c2_str_is(key, KNOWN[i]);
        c2_jbool(c2_jget(v, "must_understand"), &needed);
        if (!known && needed)
            return c2_fail(err, CAT2_EUNSUPPORTED, "zarr.json has '%.*s', which is not known",
                           (int)c2_min_i64(60, (int64_t)key.n), key.p);
    }
    return c2_jlen(c2_jget(json, "storage_transformers")) == 0 ||
           c2_fail(err, CAT2_EUNSUPPORTED, "storage_transformers are not read");
}

static bool take_v3(struct c2_jval json, struct c2_zs_array *out, struct cat2_error *err)
{
    struct c2_jval codecs = c2_jget(json, "codecs"), grid = c2_jget(json, "chunk_grid"), conf, shards;
    struct c2_str name;

    if (!name_of(grid, &name, &conf) || !c2_str_is(name, "regular"))
        return c2_fail(err, CAT2_EUNSUPPORTED, "chunk_grid is not 'regular'");
    if (!check_members(json, err) || !take_shape(c2_jget(json, "shape"), out, err) ||
        !take_chunks(c2_jget(conf, "chunk_shape"), "chunk_shape", out->ndim, out->files, err) ||
        !c2_zs_dtype_v3(c2_jget(json, "data_type"), is_big(innermost(codecs, &shards)) ? '>' : '<',
                        &out->dtype, err) ||
        !take_keys(c2_jget(json, "chunk_key_encoding"), out, err))
        return false;
    memcpy(out->chunks, out->files, sizeof(out->chunks));
    take_order(out, false);
    return take_v3_codecs(codecs, out, err) && check_geometry(out, err) &&
           c2_zs_fill(c2_jget(json, "fill_value"), &out->dtype, &out->fill, err);
}

bool c2_zs_array_v3(struct c2_jval json, struct c2_zs_array *out, struct cat2_error *err)
{
    C2_AUTO(c2_zs_array) array = {.attrs = C2_BUF_INIT(C2_ZS_JSON_NBYTES)};

    if (!take_v3(json, &array, err) ||
        !c2_zs_array_attrs(c2_jget(json, "attributes"), c2_jget(json, "dimension_names"), (struct c2_jval){0},
                           &array.dtype, &array.attrs, err))
        return false;
    *out = array;
    array = (struct c2_zs_array){0};
    return true;
}

bool c2_zs_node_kind(struct c2_jval json, bool *is_array, struct cat2_error *err)
{
    struct c2_str type = {"", 0};
    int64_t version = 0;

    c2_jstr(c2_jget(json, "node_type"), &type);
    *is_array = c2_str_is(type, "array");
    if (!c2_jint(c2_jget(json, "zarr_format"), &version) || version != 3)
        return c2_fail(err, CAT2_EDATA, "zarr.json is not of zarr_format 3");
    return *is_array || c2_str_is(type, "group") ||
           c2_fail(err, CAT2_EDATA, "zarr.json is of neither group nor array");
}
