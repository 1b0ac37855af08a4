/* SPDX-License-Identifier: BSD-3-Clause */
/* What views read of their requests, and the headers they say. */
#include <stdio.h>

#include "base/limits.h"
#include "subscriber/answer/disposition.h"
#include "subscriber/answer/view_impl.h"

/* ---- parameters ---- */

struct c2_str c2_view_query(const struct c2_request *req, const char *name)
{
    struct c2_str text = {"", 0};

    c2_request_query(req, name, &text);
    return text;
}

bool c2_view_int(const struct c2_request *req, const char *name, int64_t low, int64_t high, int64_t *value,
                 struct cat2_error *err)
{
    struct c2_str text = c2_str_trim(c2_view_query(req, name));

    if (text.n == 0) return true;
    if (c2_str_to_i64(text, value) && *value >= low && *value <= high) return true;
    return c2_fail(err, CAT2_EINVAL, "%s must be an integer of %lld to %lld", name, (long long)low,
                   (long long)high);
}

struct c2_str c2_view_slice_text(const struct c2_request *req)
{
    struct c2_str text = c2_view_query(req, "slice_");

    return text.n ? text : c2_view_query(req, "at");
}

bool c2_view_slice(struct c2_view *view, struct c2_bound *out, struct cat2_error *err)
{
    const struct c2_meta *meta = view->ds->meta;
    struct c2_slice slice;

    return c2_slice_parse(c2_view_slice_text(view->req), &slice, err) &&
           c2_slice_bind(&slice, meta->grid.shape, meta->grid.ndim, out, err) &&
           c2_codec_supports(&meta->cparams, err);
}

void c2_view_select(struct c2_view *view, const struct c2_bound *bound, int64_t part_nbytes)
{
    if (part_nbytes)
        c2_select_plan_once(view->ds->meta, bound, part_nbytes, &view->parts);
    else
        view->parts = (struct c2_select_parts){
            .bound = *bound, .nparts = 1, .part_nbytes = bound->nitems * view->ds->meta->dtype.itemsize};
    view->nparts = view->parts.nparts;
    view->cost = c2_grid_cost(&view->ds->meta->grid, bound);
}

#define FEW 64 /* so many times more is decoded than is sent: work for hardly anything */

/* Items that are sent as they are decoded are limited by what their client reads, and views that sum up take
 * samples of what is large. */
static int64_t work_of(const struct c2_view *view)
{
    int64_t work = 0, weight = c2_max_i64(1, view->weight);
    bool as_it_is = weight == 1 && (view->length < 0 || view->cost / FEW <= view->length);

    if (view->work || view->cost < 0 || view->type->sums || as_it_is) return view->work;
    return c2_mul_i64(view->cost, weight, &work) ? work : INT64_MAX;
}

bool c2_view_work_is_allowed(const struct c2_view *view, int64_t work, struct cat2_error *err)
{
    int64_t most = view->ds->sub->config.work_max, gib = 1 << 30;

    if (!work) work = work_of(view);
    if (!most || work <= most) return true;
    return c2_fail(err, CAT2_ELIMIT,
                   "this is as much work as decoding %.3g GiB, and work-per-request of the subscriber allows "
                   "%.3g GiB: ask for less (slice_, rows), or for items as they are (format=raw)",
                   (double)work / (double)gib, (double)most / (double)gib);
}

/* ---- headers ---- */

bool c2_view_generation(struct c2_request *req, const struct c2_ds *ds)
{
    struct c2_str v;
    bool pinned = c2_request_query(req, "v", &v) && c2_str_is(v, ds->etag);

    c2_reply_header(req, "Cache-Control", pinned ? "public, max-age=31536000, immutable" : "no-cache");
    return c2_reply_if_settled(req, ds->quoted);
}

bool c2_view_head(struct c2_view *view, struct cat2_error *err, const char *name, const char *value)
{
    return c2_buf_printf(&view->heads, err, "%s: %s\n", name, value);
}

bool c2_view_attach(struct c2_view *view, const char *suffix, struct cat2_error *err)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(32768);

    return c2_sub_disposition(view->ds, c2_view_slice_text(view->req), suffix, &text, err) &&
           c2_view_head(view, err, "Content-Disposition", c2_buf_cstr(&text));
}

bool c2_view_download(struct c2_view *view, const char *suffix, struct cat2_error *err)
{
    bool wanted = false;

    return c2_request_query_bool(view->req, "download", false, &wanted, err) &&
           (!wanted || c2_view_attach(view, suffix, err));
}

/* Lines "Name: value". */
void c2_view_say_lines(struct c2_request *req, const char *heads, const char **content_type)
{
    struct c2_str rest = c2_str_of(heads), line, name, value;

    while (c2_str_cut(rest, '\n', &line, &rest)) {
        char name_text[64], value_text[4 * C2_PART_MAX];
        c2_str_cut(line, ':', &name, &value);
        value = c2_str_trim(value);
        if (c2_str_is(name, "Content-Type")) {
            *content_type = c2_arena_strdup(c2_request_arena(req), value);
            continue;
        }
        snprintf(name_text, sizeof(name_text), "%.*s", C2_STR_ARG(name));
        snprintf(value_text, sizeof(value_text), "%.*s", C2_STR_ARG(value));
        c2_reply_header(req, name_text, value_text);
    }
}

bool c2_view_make_heads(struct c2_view *view, struct cat2_error *err)
{
    return !view->type->heads || view->type->heads(view, err);
}

void c2_view_say_heads(struct c2_view *view)
{
    const char *unused = NULL;

    if (!view->type->of_now) c2_reply_header(view->req, "ETag", view->ds->quoted);
    c2_view_say_lines(view->req, c2_buf_cstr(&view->heads), &unused);
}
