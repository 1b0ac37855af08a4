/* SPDX-License-Identifier: BSD-3-Clause */
/* GET /api/line and GET /api/stats. */
#include <inttypes.h>
#include <stdio.h>

#include "reduce/line.h"
#include "reduce/stats.h"
#include "subscriber/api/api.h"

#define PX_DEFAULT 1200
#define ITEM_COST  8 /* bytes that are decoded while a number is looked at */

bool c2_view_num(const struct c2_view *view, struct c2_num *out, struct cat2_error *err)
{
    struct c2_str field = c2_view_query(view->req, "field"), part = c2_view_query(view->req, "part");

    return c2_num_of(&view->ds->meta->dtype, field, part, out, err) &&
           c2_num_fills(out, c2_view_query(view->req, "fill"), err);
}

/* The numbers of a request and its slice. */
static bool parse_numbers(struct c2_view *view, struct c2_num *num, struct c2_bound *bound,
                          struct cat2_error *err)
{
    if (!c2_view_num(view, num, err) || !c2_view_slice(view, bound, err)) return false;
    view->cost = c2_grid_cost(&view->ds->meta->grid, bound);
    return true;
}

/* ---- lines ---- */

static bool line_parse(struct c2_view *view, struct cat2_error *err)
{
    struct c2_line *line = view->state;

    if (c2_view_query(view->req, "axis").n)
        return c2_fail(err, CAT2_EINVAL, "axis: this parameter goes with over=mean, max or min");
    line->px = PX_DEFAULT;
    view->content_type = "application/octet-stream";
    return parse_numbers(view, &line->num, &line->bound, err) &&
           c2_view_int(view->req, "px", 1, C2_LINE_PX_MAX, &line->px, err) && c2_line_check(line, err);
}

static bool line_size(struct c2_view *view, const struct c2_reading *reading, struct cat2_error *err)
{
    struct c2_line *line = view->state;

    if (!c2_line_plan(line, &reading->source, err)) return false;
    view->nparts = c2_line_nstages(line);
    return true;
}

static bool line_bound(struct c2_view *view, int64_t i, struct c2_bound *out)
{
    *out = c2_line_stage(view->state, i);
    return true;
}

static int64_t line_extra(struct c2_view *view, int64_t i)
{
    return c2_line_stage(view->state, i).nitems * ITEM_COST;
}

static bool line_run(struct c2_view *view, const struct c2_reading *reading, int64_t i, struct c2_buf *out,
                     struct cat2_error *err)
{
    struct c2_line *line = view->state;
    struct c2_bound bound = c2_line_stage(line, i);

    (void)out;
    line->stage = i;
    return c2_walk_boxes(reading->codec, &reading->source, &bound, c2_line_take, line, err);
}

static bool line_finish(struct c2_view *view, struct c2_buf *out, struct cat2_error *err)
{
    return c2_line_encode(view->state, out, err);
}

static bool line_heads(struct c2_view *view, struct cat2_error *err)
{
    const struct c2_line *line = view->state;
    char type[8], shape[64], count[64];

    c2_num_typestr(&line->num, type);
    snprintf(count, sizeof(count), "%" PRId64, line->n);
    snprintf(shape, sizeof(shape), "%" PRId64 "%s", line->pairs ? line->px : line->n,
             line->pairs ? ",2" : "");
    return c2_view_head(view, err, "X-Dtype", type) && c2_view_head(view, err, "X-Shape", shape) &&
           c2_view_head(view, err, "X-Count", count) &&
           (!line->approx || c2_view_head(view, err, "X-Approx", "sample"));
}

static void line_fini(void *state)
{
    c2_line_fini(state);
}

const struct c2_view_type c2_line_view = {.state_nbytes = sizeof(struct c2_line),
                                          .choose = c2_projected_line,
                                          .parse = line_parse,
                                          .size = line_size,
                                          .bound = line_bound,
                                          .extra = line_extra,
                                          .run = line_run,
                                          .finish = line_finish,
                                          .heads = line_heads,
                                          .fini = line_fini,
                                          .sums = true,
                                          .in_line = true};

/* ---- statistics ---- */

/* The type of the numbers, where they are times. */
static const struct c2_dtype *time_of(const struct c2_dtype *dtype, struct c2_str field)
{
    int64_t offset;
    const struct c2_field *found = field.n ? c2_dtype_field(dtype, field, &offset) : NULL;
    const struct c2_dtype *type = found ? &found->type : dtype;

    return type->kind == 'M' || type->kind == 'm' ? type : NULL;
}

static bool stats_parse(struct c2_view *view, struct cat2_error *err)
{
    struct c2_stats *stats = view->state;
    const struct c2_meta *meta = view->ds->meta;
    struct c2_str where = c2_view_query(view->req, "where");

    if (!parse_numbers(view, &stats->num, &stats->bound, err)) return false;
    stats->time = time_of(&meta->dtype, c2_view_query(view->req, "field"));
    if (c2_str_trim(where).n == 0) return true;
    if (meta->grid.ndim != 1)
        return c2_fail(err, CAT2_EINVAL, "where: this parameter is for tables, arrays of one axis");
    return c2_where_parse(where, &meta->dtype, &stats->where, &view->position, err);
}

static bool stats_size(struct c2_view *view, const struct c2_reading *reading, struct cat2_error *err)
{
    struct c2_stats *stats = view->state;

    if (!c2_stats_plan(stats, &reading->source, err)) return false;
    view->nparts = c2_stats_nstages(stats);
    return true;
}

static bool stats_bound(struct c2_view *view, int64_t i, struct c2_bound *out)
{
    *out = c2_stats_stage(view->state, i);
    return true;
}

static int64_t stats_extra(struct c2_view *view, int64_t i)
{
    return c2_stats_stage(view->state, i).nitems * ITEM_COST;
}

static bool stats_run(struct c2_view *view, const struct c2_reading *reading, int64_t i, struct c2_buf *out,
                      struct cat2_error *err)
{
    struct c2_stats *stats = view->state;
    struct c2_bound bound = c2_stats_stage(stats, i);

    (void)out;
    c2_stats_begin(stats, i);
    return c2_walk_boxes(reading->codec, &reading->source, &bound, c2_stats_take, stats, err);
}

static bool stats_finish(struct c2_view *view, struct c2_buf *out, struct cat2_error *err)
{
    return c2_stats_json(view->state, out, err);
}

static void stats_fini(void *state)
{
    c2_stats_fini(state);
}

const struct c2_view_type c2_stats_view = {.state_nbytes = sizeof(struct c2_stats),
                                           .parse = stats_parse,
                                           .size = stats_size,
                                           .bound = stats_bound,
                                           .extra = stats_extra,
                                           .run = stats_run,
                                           .finish = stats_finish,
                                           .fini = stats_fini,
                                           .sums = true,
                                           .in_line = true};
