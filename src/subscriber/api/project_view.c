/* SPDX-License-Identifier: BSD-3-Clause */
/* GET /api/tile and GET /api/line with `over`: projections of a volume, and curves through a region of it. */
#include <inttypes.h>
#include <stdio.h>

#include "reduce/plane.h"
#include "reduce/project.h"
#include "subscriber/api/api.h"

#define PX_DEFAULT 1200
#define ITEM_COST  8 /* bytes that are decoded while a number is looked at */

struct projecting {
    struct c2_projection p;
    struct c2_bound bound; /* of the tile or line */
    char shape[64], whole[64];
};

bool c2_view_over(const struct c2_view *view, enum c2_agg *out, struct cat2_error *err)
{
    struct c2_str over = c2_view_query(view->req, "over");

    for (int agg = C2_AGG_MEAN; agg <= C2_AGG_MIN; agg++)
        if (c2_str_is(over, c2_agg_name((enum c2_agg)agg))) {
            *out = (enum c2_agg)agg;
            return true;
        }
    return c2_fail(err, CAT2_EINVAL, "over '%.*s' is none of mean, max, min",
                   (int)c2_min_i64(20, (int64_t)over.n), over.p);
}

static bool parse_how(struct c2_view *view, struct c2_projection *p, struct cat2_error *err)
{
    return c2_view_num(view, &p->sums.num, err) && c2_view_over(view, &p->sums.agg, err);
}

static bool tile_parse(struct c2_view *view, struct cat2_error *err)
{
    const struct c2_request *req = view->req;
    struct projecting *t = view->state;
    struct c2_projection *p = &t->p;
    struct c2_plane_axes axes;
    int64_t z = 0, x = 0, y = 0;

    view->content_type = "application/octet-stream";
    if (c2_view_query(req, "agg").n)
        return c2_fail(err, CAT2_EINVAL, "agg: with over, numbers are reduced by over along all axes");
    if (c2_view_query(req, "exact").n)
        return c2_fail(err, CAT2_EINVAL, "exact: this parameter is not for projections");
    if (!parse_how(view, p, err) ||
        !c2_plane_axes_parse(c2_view_query(req, "axes"), view->ds->meta->grid.ndim, &axes, err) ||
        !c2_view_int(req, "z", 0, C2_TILE_Z_MAX, &z, err) || !c2_view_int(req, "x", 0, INT64_MAX, &x, err) ||
        !c2_view_int(req, "y", 0, INT64_MAX, &y, err) || !c2_view_slice(view, &t->bound, err))
        return false;
    const struct c2_axis_sel *across = &t->bound.axes[axes.x], *down = &t->bound.axes[axes.y];
    if (across->dropped || down->dropped)
        return c2_fail(err, CAT2_EINVAL, "axis %d is shown, but the slice has an integer there",
                       across->dropped ? axes.x : axes.y);
    snprintf(t->whole, sizeof(t->whole), "%" PRId64 ",%" PRId64, down->count, across->count);
    p->along[0] = (struct c2_along){axes.x, 1, (int64_t)1 << z};
    p->along[1] = (struct c2_along){axes.y, 1, (int64_t)1 << z};
    if (!c2_plane_tile(&t->bound, &axes, (int)z, x, y, err)) return false;
    view->cost = c2_grid_cost(&view->ds->meta->grid, &t->bound);
    return true;
}

static bool line_parse(struct c2_view *view, struct cat2_error *err)
{
    struct projecting *t = view->state;
    struct c2_projection *p = &t->p;
    int64_t px = PX_DEFAULT, axis = INT64_MIN;
    int ndim = view->ds->meta->grid.ndim;

    view->content_type = "application/octet-stream";
    if (!parse_how(view, p, err) || !c2_view_slice(view, &t->bound, err) ||
        !c2_view_int(view->req, "px", 1, C2_LINE_PX_MAX, &px, err) ||
        !c2_view_int(view->req, "axis", -ndim, ndim - 1, &axis, err))
        return false;
    if (axis == INT64_MIN)
        return c2_fail(err, CAT2_EINVAL, "over needs axis: the axis of the line, of the dataset's %d", ndim);
    if (axis < 0) axis += ndim;
    int64_t n = t->bound.axes[axis].count;
    p->along[0] = (struct c2_along){(int)axis, 1, c2_max_i64(1, c2_div_ceil(n, px))};
    p->along[1] = (struct c2_along){-1, 1, 1};
    snprintf(t->whole, sizeof(t->whole), "%" PRId64, n);
    view->cost = c2_grid_cost(&view->ds->meta->grid, &t->bound);
    return true;
}

static bool project_size(struct c2_view *view, const struct c2_reading *reading, struct cat2_error *err)
{
    struct projecting *t = view->state;

    return c2_projection_plan(&t->p, &reading->source, &t->bound, err);
}

static bool project_bound(struct c2_view *view, int64_t i, struct c2_bound *out)
{
    const struct projecting *t = view->state;

    (void)i;
    *out = t->p.bound;
    return true;
}

static int64_t project_extra(struct c2_view *view, int64_t i)
{
    const struct projecting *t = view->state;

    (void)i;
    return t->p.bound.nitems * ITEM_COST;
}

static bool project_run(struct c2_view *view, const struct c2_reading *reading, int64_t i, struct c2_buf *out,
                        struct cat2_error *err)
{
    struct projecting *t = view->state;

    (void)i, (void)out;
    return c2_walk_boxes(reading->codec, &reading->source, &t->p.bound, c2_projection_take, &t->p, err);
}

static bool project_finish(struct c2_view *view, struct c2_buf *out, struct cat2_error *err)
{
    struct projecting *t = view->state;

    c2_projection_spread(&t->p);
    return c2_sums_encode(&t->p.sums, out, err);
}

static bool project_heads(struct c2_view *view, struct cat2_error *err)
{
    struct projecting *t = view->state;
    const struct c2_projection *p = &t->p;
    bool line = p->along[1].axis < 0;
    char dtype[8], step[32];

    c2_sums_typestr(&p->sums, dtype);
    if (line)
        snprintf(t->shape, sizeof(t->shape), "%" PRId64, p->sums.w);
    else
        snprintf(t->shape, sizeof(t->shape), "%" PRId64 ",%" PRId64, p->sums.h, p->sums.w);
    snprintf(step, sizeof(step), "%" PRId64, p->along[0].factor);
    return c2_view_head(view, err, "X-Dtype", dtype) && c2_view_head(view, err, "X-Shape", t->shape) &&
           c2_view_head(view, err, line ? "X-Count" : "X-Plane", t->whole) &&
           (!line || c2_view_head(view, err, "X-Step", step)) &&
           c2_view_head(view, err, "X-Agg", c2_agg_name(p->sums.agg)) &&
           (!p->approx || c2_view_head(view, err, "X-Approx", "sample"));
}

static void project_fini(void *state)
{
    struct projecting *t = state;

    c2_projection_fini(&t->p);
}

#define PROJECTING                                                                                           \
    .state_nbytes = sizeof(struct projecting), .size = project_size, .bound = project_bound,                 \
    .extra = project_extra, .run = project_run, .finish = project_finish, .heads = project_heads,            \
    .fini = project_fini, .sums = true, .in_line = true

static const struct c2_view_type tile_view = {PROJECTING, .parse = tile_parse};
static const struct c2_view_type line_view = {PROJECTING, .parse = line_parse};

const struct c2_view_type *c2_projected_tile(struct c2_request *req)
{
    return c2_view_query(req, "over").n ? &tile_view : NULL;
}

const struct c2_view_type *c2_projected_line(struct c2_request *req)
{
    return c2_view_query(req, "over").n ? &line_view : NULL;
}
