/* SPDX-License-Identifier: BSD-3-Clause */
/* GET /api/fetch: the selection in the encoding asked for; and all of a plain file under /files. */
#include <inttypes.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/limits.h"
#include "ndim/print.h"
#include "subscriber/api/api.h"
#include "subscriber/api/fetch_kinds.h"
#include "subscriber/api/file_type.h"
#include "subscriber/api/old_client.h"
#include "wire/pickle.h"

#define JSON_NBYTES  (16 << 20) /* items of one JSON answer; the text is several times that */
#define HEAVY_NBYTES (32 << 20) /* memory of an answer, of which one is made at a time */

enum format {
    FORMAT_CFRAME,
    FORMAT_SCHUNK,
    FORMAT_CHUNK,
    FORMAT_PICKLE,
    FORMAT_RAW,
    FORMAT_NPY,
    FORMAT_JSON
};
static const char *const suffixes[] = {"b2nd", "b2frame", "chunk", "pickle", "raw", "npy", "json"};

struct fetch {
    enum format format;
    struct c2_bound bound;
    int64_t nbytes;
};

/* ---- the answer ---- */

static bool put_json(const struct c2_view *view, const uint8_t *items, struct c2_buf *out,
                     struct cat2_error *err)
{
    const struct fetch *f = view->state;
    struct c2_jw w;

    if (view->ds->meta->kind == C2_KIND_ARRAY)
        return c2_print_json_array(&view->ds->meta->dtype, f->bound.out_shape, f->bound.out_ndim, items, out,
                                   err);
    c2_jw_init(&w, out, C2_JSON_COMPACT, err);
    c2_jw_str(&w, (struct c2_str){(const char *)items, (size_t)f->nbytes});
    return c2_jw_finish(&w);
}

static bool put_cframe(struct c2_view *view, const struct c2_reading *reading, struct c2_buf *out,
                       struct cat2_error *err)
{
    const struct fetch *f = view->state;

    if (!c2_view_spool(view, f->nbytes, err)) return false;
    return c2_select_cframe(reading->codec, &reading->source, &f->bound,
                            f->format == FORMAT_SCHUNK ? C2_KIND_FRAME : C2_KIND_ARRAY, view->spool, out,
                            err);
}

static bool fetch_run(struct c2_view *view, const struct c2_reading *reading, int64_t i, struct c2_buf *out,
                      struct cat2_error *err)
{
    const struct fetch *f = view->state;
    struct c2_bound part = c2_select_part(&view->parts, i);

    if (f->format == FORMAT_CFRAME || f->format == FORMAT_SCHUNK) return put_cframe(view, reading, out, err);
    if (f->format == FORMAT_CHUNK)
        return c2_select_chunk(reading->codec, &reading->source, &f->bound, out, err);
    if (f->format != FORMAT_JSON) return c2_read_items(reading, &part, out, err);
    C2_AUTO(c2_buf) items = C2_BUF_INIT(JSON_NBYTES);
    return c2_read_items(reading, &part, &items, err) &&
           put_json(view, items.p ? items.p : (const uint8_t *)"", out, err);
}

/* Its own bytes are served. */
static bool is_itself(const struct c2_view *view)
{
    const struct fetch *f = view->state;

    return f->format == FORMAT_RAW && view->ds->meta->kind == C2_KIND_FILE;
}

static const struct c2_file_type *file_type(const struct c2_view *view)
{
    return c2_file_type_of(is_itself(view) ? c2_str_of(view->ds->path) : C2_STR(""));
}

static bool fetch_heads(struct c2_view *view, struct cat2_error *err)
{
    const struct fetch *f = view->state;

    if (is_itself(view) && c2_view_slice_text(view->req).n == 0 &&
        !c2_view_head(view, err, "Accept-Ranges", "bytes"))
        return false;
    if ((f->format == FORMAT_CFRAME || f->format == FORMAT_SCHUNK) &&
        !c2_view_head(view, err, "Accept-Ranges", "none")) /* it is made anew for each who asks */
        return false;
    if (file_type(view)->is_active) return c2_view_attach(view, "", err);
    return c2_view_download(view, suffixes[f->format], err);
}

/* ---- the request ---- */

/* What goes around the items. */
static bool wrap(struct c2_view *view, struct cat2_error *err)
{
    const struct fetch *f = view->state;
    const struct c2_bound *bound = &f->bound;
    C2_AUTO(c2_buf) descr = C2_BUF_INIT(2 * C2_DTYPE_TEXT_MAX);
    struct c2_pickle pickle = {0};

    c2_buf_init(&view->head, C2_NPY_HEADER_MAX);
    if (!c2_dtype_descr(&view->ds->meta->dtype, &descr, err)) return false;
    if (f->format == FORMAT_NPY)
        return c2_npy_header(c2_buf_str(&descr), bound->out_shape, bound->out_ndim, &view->head, err);
    if (f->format != FORMAT_PICKLE) return true;
    bool ok = view->ds->meta->kind == C2_KIND_ARRAY
                  ? c2_pickle_ndarray(c2_buf_str(&descr), bound->out_shape, bound->out_ndim,
                                      (size_t)f->nbytes, &pickle, err)
                  : c2_pickle_bytes((size_t)f->nbytes, &pickle, err);
    view->head = c2_buf_steal(&pickle.head);
    view->tail = c2_buf_steal(&pickle.tail);
    c2_pickle_fini(&pickle);
    return ok;
}

static bool choose_format(struct c2_view *view, struct cat2_error *err)
{
    static const struct {
        const char *name;
        enum format format;
    } names[] = {{"b2nd", FORMAT_CFRAME}, {"raw", FORMAT_RAW}, {"npy", FORMAT_NPY}, {"json", FORMAT_JSON}};
    struct fetch *f = view->state;
    bool prefer = false, array = view->ds->meta->kind == C2_KIND_ARRAY;
    struct c2_str text;

    f->format = view->type == &c2_file_view ? FORMAT_RAW : FORMAT_CFRAME;
    if (f->format == FORMAT_RAW) return true;
    if (c2_request_query(view->req, "format", &text)) {
        for (size_t i = 0; i < C2_ARRAY_LEN(names); i++)
            if (c2_str_is(text, names[i].name)) {
                f->format = names[i].format;
                return true;
            }
        return c2_fail(err, CAT2_EINVAL, "format '%.*s' is none of b2nd, raw, npy, json, csv, png",
                       (int)c2_min_i64(30, (int64_t)text.n), text.p);
    }
    if (!c2_request_query(view->req, "prefer_schunk", &text)) {
        f->format = array ? FORMAT_CFRAME : FORMAT_SCHUNK;
        return true;
    }
    if (!c2_request_query_bool(view->req, "prefer_schunk", false, &prefer, err)) return false;
    c2_old_client_note(view->ds->sub, view->req);
    bool small = f->nbytes < 128 && !(array && f->bound.whole);
    if (!prefer || small)
        f->format = FORMAT_PICKLE;
    else
        f->format = array ? FORMAT_CFRAME : FORMAT_CHUNK;
    return true;
}

static bool check_limits(const struct fetch *f, struct cat2_error *err)
{
    if (f->format == FORMAT_JSON && f->nbytes > JSON_NBYTES)
        return c2_fail(err, CAT2_ELIMIT, "JSON is given for up to %d bytes of items, not for %" PRId64,
                       JSON_NBYTES, f->nbytes);
    if (f->format == FORMAT_CHUNK && f->nbytes > C2_CHUNK_NBYTES_MAX)
        return c2_fail(err, CAT2_ELIMIT, "one chunk holds up to %d bytes, not %" PRId64, C2_CHUNK_NBYTES_MAX,
                       f->nbytes);
    return true;
}

static bool fetch_parse(struct c2_view *view, struct cat2_error *err)
{
    struct fetch *f = view->state;

    if (!c2_view_slice(view, &f->bound, err)) return false;
    if (!c2_mul_i64(f->bound.nitems, view->ds->meta->dtype.itemsize, &f->nbytes))
        return c2_fail(err, CAT2_ELIMIT, "slice: too large");
    if (!choose_format(view, err) || !check_limits(f, err) || !wrap(view, err)) return false;
    bool items = f->format == FORMAT_RAW || f->format == FORMAT_NPY || f->format == FORMAT_PICKLE;
    c2_view_select(view, &f->bound, items && f->nbytes > C2_VIEW_AT_ONCE_NBYTES ? C2_VIEW_PART_NBYTES : 0);
    view->weight = f->format == FORMAT_JSON ? 24 : items ? 1 : 4; /* text is slow; frames are compressed */
    if (!items) view->memory = f->nbytes * (f->format == FORMAT_JSON ? 8 : 2);
    if (items) view->length = f->nbytes + (int64_t)view->head.n + (int64_t)view->tail.n;
    if (f->format != FORMAT_JSON) view->content_type = file_type(view)->type;
    c2_buf_init(&view->out, f->format == FORMAT_JSON ? 16u * JSON_NBYTES : (size_t)C2_CHUNK_CBYTES_MAX);
    return true;
}

/* Frames go to a file, and take what a chunk takes. */
static bool fetch_is_heavy(struct c2_view *view)
{
    const struct fetch *f = view->state;

    return f->format != FORMAT_CFRAME && view->memory > HEAVY_NBYTES;
}

/* Rows of tables, pictures, text, and selections that are no slices are views of their own. */
static const struct c2_view_type *fetch_choose(struct c2_request *req)
{
    static const char *const OF_ROWS[] = {"rows", "sort", "where", "fields"};

    if (c2_view_query(req, "indices").n) return &c2_indices_view;
    if (c2_str_trim(c2_view_query(req, "filter")).n) return &c2_filter_view;
    for (size_t i = 0; i < C2_ARRAY_LEN(OF_ROWS); i++)
        if (c2_str_trim(c2_view_query(req, OF_ROWS[i])).n) return &c2_table_file_view;
    struct c2_str format = c2_view_query(req, "format");

    if (c2_str_is(format, "png")) return &c2_png_view;
    if (c2_view_query(req, "field").n) return &c2_field_view;
    return c2_str_is(format, "csv") ? &c2_csv_view : NULL;
}

const struct c2_view_type c2_fetch_view = {.state_nbytes = sizeof(struct fetch),
                                           .choose = fetch_choose,
                                           .parse = fetch_parse,
                                           .is_heavy = fetch_is_heavy,
                                           .run = fetch_run,
                                           .heads = fetch_heads};
const struct c2_view_type c2_file_view = {
    .state_nbytes = sizeof(struct fetch), .parse = fetch_parse, .run = fetch_run, .heads = fetch_heads};
