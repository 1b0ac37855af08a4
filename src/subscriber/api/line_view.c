/* SPDX-License-Identifier: BSD-3-Clause */
/* GET /api/line and GET /api/stats. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "reduce/line.h"
#include "reduce/stats.h"
#include "subscriber/answer/job.h"
#include "subscriber/answer/lookup.h"
#include "subscriber/api/api.h"

#define PX_DEFAULT 1200

/* The numbers of a request and its slice. */
static bool parse_numbers(const struct c2_request *req, const struct c2_ds *ds, struct c2_num *num,
                          struct c2_bound *bound, struct cat2_error *err)
{
    const struct c2_grid *grid = &ds->meta.grid;
    struct c2_slice slice;

    return c2_num_of(&ds->meta.dtype, c2_view_query(req, "field"), c2_view_query(req, "part"), num, err) &&
           c2_slice_parse(c2_view_slice(req), &slice, err) &&
           c2_slice_bind(&slice, grid->shape, grid->ndim, bound, err) &&
           c2_codec_supports(&ds->meta.cparams, err);
}

/* ---- lines ---- */

static bool line_plan(struct c2_view *view, struct c2_codec *codec)
{
    struct c2_line *line = view->state;

    (void)codec;
    if (!c2_line_plan(line, &view->source, &view->err)) return false;
    view->nstages = c2_line_nstages(line);
    return true;
}

static bool line_bound(struct c2_view *view, int64_t i, struct c2_bound *out)
{
    *out = c2_line_stage(view->state, i);
    return true;
}

static bool line_work(struct c2_view *view, struct c2_codec *codec, int64_t i)
{
    struct c2_line *line = view->state;
    struct c2_bound bound = c2_line_stage(line, i);

    line->stage = i;
    return c2_view_walk(codec, &view->source, &bound, c2_line_take, line, &view->err);
}

static bool line_finish(struct c2_view *view)
{
    struct c2_line *line = view->state;
    char text[64], type[8];

    view->content_type = "application/octet-stream";
    c2_num_typestr(&line->num, type);
    if (line->pairs)
        snprintf(text, sizeof(text), "%" PRId64 ",2", line->px);
    else
        snprintf(text, sizeof(text), "%" PRId64, line->n);
    if (!c2_view_head(view, &view->err, "X-Dtype", type) || !c2_view_head(view, &view->err, "X-Shape", text))
        return false;
    snprintf(text, sizeof(text), "%" PRId64, line->n);
    return c2_view_head(view, &view->err, "X-Count", text) &&
           (!line->approx || c2_view_head(view, &view->err, "X-Approx", "sample")) &&
           c2_line_encode(line, &view->out, &view->err);
}

static void line_free(void *state)
{
    c2_line_fini(state);
    free(state);
}

static const struct c2_view_ops line_ops = {
    .plan = line_plan, .bound = line_bound, .work = line_work, .finish = line_finish, .free = line_free};

static void line(struct c2_request *req, struct c2_ds *ds)
{
    struct cat2_error err;

    if (c2_view_settled(req, ds)) return;
    struct c2_line *l = calloc(1, sizeof(*l));
    if (!l) {
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    l->px = PX_DEFAULT;
    if (parse_numbers(req, ds, &l->num, &l->bound, &err) &&
        c2_view_int(req, "px", 1, C2_LINE_PX_MAX, &l->px, &err) && c2_line_check(l, &err)) {
        c2_view_start(req, ds, &line_ops, l);
        return;
    }
    c2_reply_error(req, &err);
    line_free(l);
}

/* ---- statistics ---- */

static bool stats_plan(struct c2_view *view, struct c2_codec *codec)
{
    struct c2_stats *stats = view->state;

    (void)codec;
    if (!c2_stats_plan(stats, &view->source, &view->err)) return false;
    view->nstages = c2_stats_nstages(stats);
    return true;
}

static bool stats_bound(struct c2_view *view, int64_t i, struct c2_bound *out)
{
    *out = c2_stats_stage(view->state, i);
    return true;
}

static bool stats_work(struct c2_view *view, struct c2_codec *codec, int64_t i)
{
    struct c2_stats *stats = view->state;
    struct c2_bound bound = c2_stats_stage(stats, i);

    c2_stats_begin(stats, i);
    return c2_view_walk(codec, &view->source, &bound, c2_stats_take, stats, &view->err);
}

static bool stats_finish(struct c2_view *view)
{
    return c2_stats_json(view->state, &view->out, &view->err);
}

static void stats_free(void *state)
{
    c2_stats_fini(state);
    free(state);
}

static const struct c2_view_ops stats_ops = {
    .plan = stats_plan, .bound = stats_bound, .work = stats_work, .finish = stats_finish, .free = stats_free};

static void stats(struct c2_request *req, struct c2_ds *ds)
{
    struct cat2_error err;

    if (c2_view_settled(req, ds)) return;
    struct c2_stats *s = calloc(1, sizeof(*s));
    if (!s) {
        c2_reply_detail(req, 503, "out of memory");
    } else if (!parse_numbers(req, ds, &s->num, &s->bound, &err)) {
        c2_reply_error(req, &err);
        stats_free(s);
    } else {
        c2_view_start(req, ds, &stats_ops, s);
    }
}

void c2_handle_line(struct c2_request *req, void *state)
{
    c2_sub_with_dataset(req, state, false, line);
}
void c2_handle_stats(struct c2_request *req, void *state)
{
    c2_sub_with_dataset(req, state, false, stats);
}
