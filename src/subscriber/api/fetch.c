/* SPDX-License-Identifier: BSD-3-Clause */
/* GET /api/fetch: the selection in the encoding asked for. Small answers are made in one go, large ones part
 * by part. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "ndim/print.h"
#include "subscriber/answer/disposition.h"
#include "subscriber/answer/hot.h"
#include "subscriber/answer/lookup.h"
#include "subscriber/answer/stream.h"
#include "subscriber/api/api.h"
#include "subscriber/fetch/ensure.h"
#include "subscriber/mirror/catalog.h"
#include "wire/pickle.h"

#define AT_ONCE_NBYTES (8 << 20) /* larger selections are streamed, or spooled to disk */
#define PART_NBYTES    (4 << 20)
#define JSON_NBYTES    (16 << 20) /* items of one JSON answer; the text is several times that */

enum format { FORMAT_CFRAME, FORMAT_CHUNK, FORMAT_PICKLE, FORMAT_RAW, FORMAT_NPY, FORMAT_JSON };
static const char *const suffixes[] = {"b2nd", "chunk", "pickle", "raw", "npy", "json"};

struct answer {
    struct c2_request *req;
    struct c2_ds *ds;
    struct c2_cachefile *cf;
    enum format format;
    struct c2_bound bound;
    int64_t nbytes;
    struct c2_buf head, tail, out; /* what goes before and after the items; the answer itself */
    int spool;                     /* descriptor of a large cframe, -1 */
    int rounds;
    bool ok;
    struct cat2_error err;
    struct c2_select_parts parts; /* of a large answer */
};

static void answer_free(struct answer *a)
{
    c2_buf_fini(&a->head);
    c2_buf_fini(&a->tail);
    c2_buf_fini(&a->out);
    if (a->spool >= 0) close(a->spool);
    c2_cachefile_unref(a->cf);
    c2_ds_unref(a->ds);
    free(a);
}

static void answer_error(struct answer *a, const struct cat2_error *err)
{
    c2_reply_error(a->req, err);
    answer_free(a);
}

static void fetch(struct c2_request *req, struct c2_ds *ds);

/* Pieces could not be had. */
static void answer_missing(struct answer *a, const struct cat2_error *err)
{
    struct c2_ds *ds = c2_ds_ref(a->ds);
    struct c2_request *req = a->req;

    answer_free(a);
    c2_sub_answer_error(req, ds, err, false, fetch);
    c2_ds_unref(ds);
}

/* ---- what goes around the items ---- */

static bool wrap(struct answer *a, struct cat2_error *err)
{
    struct c2_pickle pickle = {0};
    C2_AUTO(c2_buf) descr = C2_BUF_INIT(2 * C2_DTYPE_TEXT_MAX);
    bool array = a->ds->meta.kind == C2_KIND_ARRAY, ok = true;

    if (!c2_dtype_descr(&a->ds->meta.dtype, &descr, err)) return false;
    if (a->format == FORMAT_NPY)
        ok = c2_npy_header(c2_buf_str(&descr), a->bound.out_shape, a->bound.out_ndim, &a->head, err);
    if (a->format == FORMAT_PICKLE) {
        ok = array ? c2_pickle_ndarray(c2_buf_str(&descr), a->bound.out_shape, a->bound.out_ndim,
                                       (size_t)a->nbytes, &pickle, err)
                   : c2_pickle_bytes((size_t)a->nbytes, &pickle, err);
        a->head = c2_buf_steal(&pickle.head);
        a->tail = c2_buf_steal(&pickle.tail);
        c2_pickle_fini(&pickle);
    }
    return ok;
}

/* Files that are pictures may be shown as such. */
static const char *picture_type(const struct c2_ds *ds)
{
    static const char *const types[][2] = {{".png", "image/png"},
                                           {".jpg", "image/jpeg"},
                                           {".jpeg", "image/jpeg"},
                                           {".gif", "image/gif"},
                                           {".webp", "image/webp"}};

    for (size_t i = 0; ds->meta.kind == C2_KIND_FILE && i < C2_ARRAY_LEN(types); i++)
        if (c2_str_ends(c2_str_of(ds->path), types[i][0])) return types[i][1];
    return "application/octet-stream";
}

static const char *content_type(const struct answer *a)
{
    if (a->format == FORMAT_RAW) return picture_type(a->ds);
    return a->format == FORMAT_JSON ? "application/json" : "application/octet-stream";
}

/* Headers of every answer with items. */
static void say_what(struct answer *a)
{
    c2_reply_header(a->req, "ETag", a->ds->quoted);
    c2_sub_download_reply(a->req, a->ds, suffixes[a->format]);
}

/* ---- at once ---- */

static bool make_json(struct answer *a, const uint8_t *items, struct cat2_error *err)
{
    struct c2_jw w;

    c2_buf_init(&a->out, 16u * JSON_NBYTES);
    if (a->ds->meta.kind == C2_KIND_ARRAY)
        return c2_print_json_array(&a->ds->meta.dtype, a->bound.out_shape, a->bound.out_ndim, items, &a->out,
                                   err);
    c2_jw_init(&w, &a->out, C2_JSON_COMPACT, err);
    c2_jw_str(&w, (struct c2_str){(const char *)items, (size_t)a->nbytes});
    return c2_jw_finish(&w);
}

static bool make_items(struct answer *a, struct c2_codec *codec, struct cat2_error *err)
{
    struct c2_selectable ds = {c2_cachefile_meta(a->cf), c2_cachefile_chunks(a->cf)};
    size_t n = (size_t)a->nbytes;

    c2_buf_fini(&a->out);
    c2_buf_init(&a->out, n + a->head.n + a->tail.n);
    if (!c2_buf_append(&a->out, a->head.p, a->head.n, err) || !c2_buf_resize(&a->out, a->head.n + n, err))
        return false;
    if (n && !c2_select_items(codec, &ds, &a->bound, a->out.p + a->head.n, err)) return false;
    if (a->format != FORMAT_JSON) return c2_buf_append(&a->out, a->tail.p, a->tail.n, err);
    C2_AUTO(c2_buf) items = c2_buf_steal(&a->out);
    return make_json(a, items.p, err);
}

static void make_work(void *job, void *codec)
{
    struct answer *a = job;
    struct c2_selectable ds = {c2_cachefile_meta(a->cf), c2_cachefile_chunks(a->cf)};

    c2_buf_fini(&a->out);
    c2_buf_init(&a->out, (size_t)C2_CHUNK_CBYTES_MAX);
    if (a->format == FORMAT_CFRAME) {
        if (a->nbytes > AT_ONCE_NBYTES)
            a->spool = openat(a->ds->sub->statefd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        a->ok = c2_select_cframe(codec, &ds, &a->bound, a->spool, &a->out, &a->err);
    } else if (a->format == FORMAT_CHUNK) {
        a->ok = c2_select_chunk(codec, &ds, &a->bound, &a->out, &a->err);
    } else {
        a->ok = make_items(a, codec, &a->err);
    }
}

/* Send what was made, and keep it for the next who asks the same. */
static void reply_made(struct answer *a)
{
    struct c2_blob *blob = c2_blob_new(&a->out);

    if (!blob) {
        c2_reply_buf(a->req, 200, content_type(a), &a->out);
        return;
    }
    c2_hot_put(a->ds->sub->hot, &(struct c2_hot_key){a->ds->serial, (int)a->format, &a->bound}, blob);
    c2_reply_blob(a->req, 200, content_type(a), blob);
    c2_blob_unref(blob);
}

static void on_pieces(void *ctx, const struct cat2_error *err);

/* Evicted between fetch and use, or found damaged: have it again. */
static void make_again(struct answer *a)
{
    if (a->spool >= 0) close(a->spool);
    a->spool = -1;
    c2_cachefile_unref(a->cf);
    a->cf = NULL;
    c2_ensure(a->ds, C2_NEED_BOUND, &a->bound, on_pieces, a);
}

static void make_done(void *job)
{
    struct answer *a = job;

    if (!a->ok && a->err.code == CAT2_ENOTFOUND && a->rounds++ < C2_ENSURE_ROUNDS) {
        make_again(a);
        return;
    }
    if (!a->ok) {
        if (a->err.code == CAT2_ENOTFOUND) a->err.http_status = 503; /* evicted between fetch and use */
        answer_error(a, &a->err);
        return;
    }
    say_what(a);
    if (a->spool >= 0) {
        struct c2_content content = {.nbytes = lseek(a->spool, 0, SEEK_END),
                                     .content_type = content_type(a),
                                     .mtime_ms = -1,
                                     .fd = a->spool};
        a->spool = -1;
        c2_reply_content(a->req, &content);
    } else {
        reply_made(a);
    }
    answer_free(a);
}

static void on_pieces(void *ctx, const struct cat2_error *err)
{
    struct answer *a = ctx;

    if (err) {
        answer_missing(a, err);
        return;
    }
    a->cf = c2_cachefile_ref(a->ds->cf);
    c2_pool_run(a->ds->sub->config.pool, make_work, make_done, a);
}

/* ---- part by part ---- */

static bool part_make(void *ctx, struct c2_codec *codec, const struct c2_selectable *ds, int64_t i,
                      struct c2_buf *out, struct cat2_error *err)
{
    const struct answer *a = ctx;
    struct c2_bound bound = c2_select_part(&a->parts, i);
    size_t n = (size_t)(bound.nitems * a->ds->meta.dtype.itemsize);

    return c2_buf_resize(out, n, err) && c2_select_items(codec, ds, &bound, out->p, err);
}

static void part_heads(void *ctx, struct c2_request *req)
{
    (void)req;
    say_what(ctx);
}

static void part_free(void *ctx)
{
    answer_free(ctx);
}

static void start_stream(struct answer *a)
{
    static const struct c2_stream_ops ops = {
        .make = part_make, .heads = part_heads, .free = part_free, .again = fetch};

    c2_select_plan(&a->ds->meta, &a->bound, PART_NBYTES, &a->parts);
    struct c2_stream stream = {.ops = &ops,
                               .ctx = a,
                               .parts = &a->parts,
                               .length = a->nbytes + (int64_t)a->head.n + (int64_t)a->tail.n,
                               .content_type = content_type(a),
                               .head = c2_buf_steal(&a->head),
                               .tail = c2_buf_steal(&a->tail)};
    c2_stream_start(a->req, a->ds, &stream);
}

/* ---- the request ---- */

static bool choose_format(struct answer *a, struct cat2_error *err)
{
    static const struct {
        const char *name;
        enum format format;
    } names[] = {{"b2nd", FORMAT_CFRAME}, {"raw", FORMAT_RAW}, {"npy", FORMAT_NPY}, {"json", FORMAT_JSON}};
    struct c2_str text;
    bool prefer = false, array = a->ds->meta.kind == C2_KIND_ARRAY;

    a->format = FORMAT_CFRAME;
    if (c2_request_query(a->req, "format", &text)) {
        for (size_t i = 0; i < C2_ARRAY_LEN(names); i++)
            if (c2_str_is(text, names[i].name)) {
                a->format = names[i].format;
                return true;
            }
        return c2_fail(err, CAT2_EINVAL, "format '%.*s' is none of b2nd, raw, npy, json, csv, png",
                       (int)c2_min_i64(30, (int64_t)text.n), text.p);
    }
    if (!c2_request_query(a->req, "prefer_schunk", &text)) return true;
    if (!c2_request_query_bool(a->req, "prefer_schunk", false, &prefer, err)) return false;
    bool small = a->nbytes < 128 && !(array && a->bound.whole);
    if (!prefer || small)
        a->format = FORMAT_PICKLE;
    else
        a->format = array ? FORMAT_CFRAME : FORMAT_CHUNK;
    return true;
}

static bool bind_slice(struct answer *a, struct cat2_error *err)
{
    const struct c2_grid *grid = &a->ds->meta.grid;
    struct c2_slice slice;

    if (!c2_slice_parse(c2_view_slice(a->req), &slice, err) ||
        !c2_slice_bind(&slice, grid->shape, grid->ndim, &a->bound, err))
        return false;
    return c2_mul_i64(a->bound.nitems, a->ds->meta.dtype.itemsize, &a->nbytes) ||
           c2_fail(err, CAT2_ELIMIT, "slice: too large");
}

static bool check_limits(const struct answer *a, struct cat2_error *err)
{
    if (a->format == FORMAT_JSON && a->nbytes > JSON_NBYTES)
        return c2_fail(err, CAT2_ELIMIT, "JSON is given for up to %d bytes of items, not for %" PRId64,
                       JSON_NBYTES, a->nbytes);
    if (a->format == FORMAT_CHUNK && a->nbytes > C2_CHUNK_NBYTES_MAX)
        return c2_fail(err, CAT2_ELIMIT, "one chunk holds up to %d bytes, not %" PRId64, C2_CHUNK_NBYTES_MAX,
                       a->nbytes);
    return c2_codec_supports(&a->ds->meta.cparams, err);
}

static bool settled(struct c2_request *req, struct c2_ds *ds)
{
    struct c2_str header;

    if (c2_request_header(req, "If-Match", &header) && !c2_etag_listed(header, ds->quoted)) {
        c2_reply_detail(req, 412, "the dataset is of another generation: %s", ds->etag);
        return true;
    }
    if (!c2_request_header(req, "If-None-Match", &header) || !c2_etag_listed(header, ds->quoted))
        return false;
    c2_reply_header(req, "ETag", ds->quoted);
    c2_reply_empty(req, 304);
    return true;
}

/* The same was asked before, and the answer is still here. */
static bool reply_hot(struct answer *a)
{
    struct c2_hot_key key = {a->ds->serial, (int)a->format, &a->bound};
    struct c2_blob *blob = c2_hot_get(a->ds->sub->hot, &key);

    if (!blob) return false;
    say_what(a);
    c2_reply_blob(a->req, 200, content_type(a), blob);
    answer_free(a);
    return true;
}

static void fetch(struct c2_request *req, struct c2_ds *ds)
{
    struct c2_str format = c2_view_query(req, "format");
    struct cat2_error err;

    if (c2_str_is(format, "png")) {
        c2_fetch_png(req, ds);
        return;
    }
    if (c2_str_is(format, "csv")) {
        c2_fetch_csv(req, ds);
        return;
    }
    if (settled(req, ds)) return;
    struct answer *a = calloc(1, sizeof(*a));
    if (!a) {
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    *a = (struct answer){.req = req, .ds = c2_ds_ref(ds), .spool = -1};
    c2_buf_init(&a->head, C2_NPY_HEADER_MAX);
    bool ok = bind_slice(a, &err) && choose_format(a, &err) && check_limits(a, &err);
    if (ok && reply_hot(a)) return;
    if (!ok || !wrap(a, &err)) {
        answer_error(a, &err);
        return;
    }
    bool items = a->format == FORMAT_RAW || a->format == FORMAT_NPY || a->format == FORMAT_PICKLE;
    if (!items || a->nbytes <= AT_ONCE_NBYTES)
        c2_ensure(ds, C2_NEED_BOUND, &a->bound, on_pieces, a);
    else
        start_stream(a);
}

void c2_handle_fetch(struct c2_request *req, void *state)
{
    c2_sub_with_dataset(req, state, false, fetch);
}
