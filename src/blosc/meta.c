/* SPDX-License-Identifier: BSD-3-Clause */
/* Metadata of a dataset: its life, and its JSON as publishers and subscribers exchange it. */
#include "blosc/meta.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NTHREADS_SHOWN 1 /* of today's cparams: what a reader would use of its own */
#define TUNER_SHOWN    0

enum c2_kind c2_kind_of(struct c2_str path)
{
    if (c2_str_ends(path, ".b2nd")) return C2_KIND_ARRAY;
    if (c2_str_ends(path, ".b2frame")) return C2_KIND_FRAME;
    return C2_KIND_FILE;
}

struct c2_str c2_kind_bare(struct c2_str path)
{
    struct c2_str suffix = C2_STR(".b2"), none = {"", 0};

    if (!c2_str_ends(path, suffix.p)) return none;
    path.n -= suffix.n;
    return c2_kind_of(path) == C2_KIND_FILE ? path : none;
}

bool c2_is_group_attrs(struct c2_str path)
{
    return c2_str_is(path, C2_GROUP_ATTRS C2_ARRAY_SUFFIX) ||
           c2_str_ends(path, "/" C2_GROUP_ATTRS C2_ARRAY_SUFFIX);
}

void c2_meta_fini(struct c2_meta *meta)
{
    if (!meta) return;
    c2_dtype_fini(&meta->dtype);
    free(meta->urlpath);
    c2_buf_fini(&meta->vlmeta);
    c2_buf_fini(&meta->enums);
    *meta = (struct c2_meta){0};
}

bool c2_meta_copy(const struct c2_meta *from, struct c2_meta *to, struct cat2_error *err)
{
    C2_AUTO(c2_meta) copy = *from;
    C2_AUTO(c2_buf) descr = C2_BUF_INIT(C2_DTYPE_TEXT_MAX);

    copy.dtype = (struct c2_dtype){0};
    copy.urlpath = NULL;
    copy.vlmeta = C2_BUF_INIT(from->vlmeta.max);
    copy.enums = C2_BUF_INIT(from->enums.max);
    if (from->dtype.itemsize &&
        (!c2_dtype_descr(&from->dtype, &descr, err) || !c2_dtype_parse(c2_buf_str(&descr), &copy.dtype, err)))
        return false;
    if (from->urlpath && !(copy.urlpath = c2_str_dup(c2_str_of(from->urlpath))))
        return c2_fail_nomem(err, "metadata");
    if (from->vlmeta.n && !c2_buf_append(&copy.vlmeta, from->vlmeta.p, from->vlmeta.n, err)) return false;
    if (from->enums.n && !c2_buf_append(&copy.enums, from->enums.p, from->enums.n, err)) return false;
    *to = copy;
    copy = (struct c2_meta){0};
    return true;
}

struct c2_cparams_rest c2_cparams_rest_of(const struct c2_cparams *c)
{
    return (struct c2_cparams_rest){(uint8_t)c->codec_meta, (uint8_t)c->clevel, (uint8_t)c->splitmode,
                                    c->use_dict};
}

void c2_meta_put_cparams(struct c2_cparams_rest rest, struct c2_jw *out)
{
    c2_jw_put_int(out, "codec_meta", rest.codec_meta);
    c2_jw_put_int(out, "clevel", rest.clevel);
    c2_jw_put_int(out, "splitmode", rest.splitmode);
    c2_jw_put_bool(out, "use_dict", rest.use_dict != 0);
}

static void write_cparams(const struct c2_cparams *c, bool extended, struct c2_jw *out)
{
    c2_jw_open_object(out, "cparams");
    c2_jw_put_int(out, "codec", c->codec);
    c2_jw_put_ints(out, "filters", c->filters, 6);
    c2_jw_put_ints(out, "filters_meta", c->filters_meta, 6);
    c2_jw_put_int(out, "typesize", c->typesize);
    c2_jw_put_int(out, "blocksize", c->blocksize);
    c2_jw_key(out, "filters, meta"); /* one key, with its comma: clients read it */
    c2_jw_begin_array(out);
    for (int i = 0; i < 6; i++) {
        if (c->filters[i] == 0) continue;
        c2_jw_begin_array(out);
        c2_jw_int(out, c->filters[i]);
        c2_jw_int(out, c->filters_meta[i]);
        c2_jw_end_array(out);
    }
    c2_jw_end_array(out);
    if (extended) {
        c2_meta_put_cparams(c2_cparams_rest_of(c), out);
        c2_jw_put_int(out, "nthreads", NTHREADS_SHOWN);
        c2_jw_put_int(out, "tuner", TUNER_SHOWN);
    }
    c2_jw_end_object(out);
}

/* The members of a super-chunk, without braces. */
static void write_schunk(const struct c2_meta *meta, bool extended, struct c2_jw *out)
{
    c2_jw_put_int(out, "cbytes", meta->cbytes);
    c2_jw_put_int(out, "chunkshape", meta->chunkshape);
    c2_jw_put_int(out, "chunksize", meta->chunksize);
    c2_jw_put_bool(out, "contiguous", meta->contiguous);
    write_cparams(&meta->cparams, extended, out);
    c2_jw_put_real(out, "cratio", meta->cbytes ? (double)meta->nbytes / (double)meta->cbytes : 0.0);
    c2_jw_put_int(out, "nbytes", meta->nbytes);
    c2_jw_put_cstr(out, "urlpath", meta->urlpath ? meta->urlpath : "None");
    c2_jw_put_raw(out, "vlmeta", meta->vlmeta.n ? c2_buf_str(&meta->vlmeta) : C2_STR("{}"));
    c2_jw_put_int(out, "nchunks", meta->nchunks);
}

/* As today's Python clients read it: ISO 8601, UTC; the fraction only when there is one. */
void c2_meta_put_mtime(int64_t mtime_ms, struct c2_jw *out)
{
    char text[48];
    struct tm tm;
    time_t seconds = (time_t)(mtime_ms / 1000);

    c2_jw_key(out, "mtime");
    if (mtime_ms < 0 || !gmtime_r(&seconds, &tm)) {
        c2_jw_null(out);
        return;
    }
    size_t n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    int ms = (int)(mtime_ms % 1000);
    if (ms)
        snprintf(text + n, sizeof(text) - n, ".%03d000Z", ms);
    else
        snprintf(text + n, sizeof(text) - n, "Z");
    c2_jw_cstr(out, text);
}

bool c2_meta_to_json(const struct c2_meta *meta, bool extended, int64_t mtime_ms, struct c2_jw *out)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(2 * C2_DTYPE_TEXT_MAX);

    c2_jw_begin_object(out);
    if (meta->kind == C2_KIND_ARRAY) {
        if (!c2_dtype_name(&meta->dtype, &name, out->err)) return out->ok = false;
        c2_jw_put_ints(out, "shape", meta->grid.shape, meta->grid.ndim);
        c2_jw_put_ints(out, "chunks", meta->grid.chunks, meta->grid.ndim);
        c2_jw_put_ints(out, "blocks", meta->grid.blocks, meta->grid.ndim);
        c2_jw_put_str(out, "dtype", c2_buf_str(&name));
        if (meta->enums.n) c2_jw_put_raw(out, "enums", c2_buf_str(&meta->enums));
        c2_jw_open_object(out, "schunk");
        write_schunk(meta, extended, out);
        c2_jw_end_object(out);
    } else {
        write_schunk(meta, extended, out);
    }
    if (extended) {
        c2_meta_put_mtime(mtime_ms, out);
        c2_jw_put_cstr(out, "accept_ranges", "bytes");
    }
    c2_jw_end_object(out);
    return out->ok;
}
