/* SPDX-License-Identifier: BSD-3-Clause */
/* GET /api/tile: 256 x 256 texels of a plane, at any level. */
#include <inttypes.h>
#include <stdio.h>

#include "reduce/plane.h"
#include "subscriber/api/api.h"

#define ITEM_COST 8 /* bytes that are decoded while a number is looked at */

struct tile {
    struct c2_plane plane;
    struct c2_bound bound; /* of the tile */
    int64_t rows, columns; /* of the plane */
};

static void tile_fini(void *state)
{
    struct tile *t = state;

    c2_plane_fini(&t->plane);
}

static bool tile_size(struct c2_view *view, const struct c2_reading *reading, struct cat2_error *err)
{
    struct tile *t = view->state;

    return c2_plane_plan(&t->plane, &reading->source, &t->bound, err);
}

static bool tile_bound(struct c2_view *view, int64_t i, struct c2_bound *out)
{
    const struct tile *t = view->state;

    (void)i;
    *out = t->plane.bound;
    return true;
}

static int64_t tile_extra(struct c2_view *view, int64_t i)
{
    const struct tile *t = view->state;

    (void)i;
    return t->plane.bound.nitems * ITEM_COST;
}

static bool tile_run(struct c2_view *view, const struct c2_reading *reading, int64_t i, struct c2_buf *out,
                     struct cat2_error *err)
{
    struct tile *t = view->state;

    (void)i, (void)out;
    return c2_walk_boxes(reading->codec, &reading->source, &t->plane.bound, c2_plane_take, &t->plane, err);
}

static bool tile_finish(struct c2_view *view, struct c2_buf *out, struct cat2_error *err)
{
    const struct tile *t = view->state;

    return c2_plane_encode(&t->plane, out, err);
}

static bool tile_heads(struct c2_view *view, struct cat2_error *err)
{
    const struct tile *t = view->state;
    char dtype[8], shape[64], plane[64];

    c2_plane_typestr(&t->plane, dtype);
    snprintf(shape, sizeof(shape), "%" PRId64 ",%" PRId64, t->plane.h, t->plane.w);
    snprintf(plane, sizeof(plane), "%" PRId64 ",%" PRId64, t->rows, t->columns);
    return c2_view_head(view, err, "X-Dtype", dtype) && c2_view_head(view, err, "X-Shape", shape) &&
           c2_view_head(view, err, "X-Agg", c2_agg_name(t->plane.agg)) &&
           c2_view_head(view, err, "X-Plane", plane) &&
           (!t->plane.approx || c2_view_head(view, err, "X-Approx", "nearest"));
}

static bool tile_parse(struct c2_view *view, struct cat2_error *err)
{
    const struct c2_request *req = view->req;
    const struct c2_meta *meta = &view->ds->meta;
    struct tile *t = view->state;
    struct c2_plane *plane = &t->plane;
    int64_t z = 0, x = 0, y = 0;

    if (!c2_view_num(view, &plane->num, err) ||
        !c2_agg_parse(c2_view_query(req, "agg"), &plane->num, &plane->agg, err) ||
        !c2_plane_axes_parse(c2_view_query(req, "axes"), meta->grid.ndim, &plane->axes, err) ||
        !c2_view_int(req, "z", 0, C2_TILE_Z_MAX, &z, err) || !c2_view_int(req, "x", 0, INT64_MAX, &x, err) ||
        !c2_view_int(req, "y", 0, INT64_MAX, &y, err) ||
        !c2_plane_bind(&meta->grid, &plane->axes, c2_view_slice_text(req), &t->bound, err))
        return false;
    plane->factor = (int64_t)1 << z;
    t->rows = t->bound.axes[plane->axes.y].count;
    t->columns = t->bound.axes[plane->axes.x].count;
    view->content_type = "application/octet-stream";
    if (!c2_plane_tile(&t->bound, &plane->axes, (int)z, x, y, err)) return false;
    view->cost = c2_grid_cost(&meta->grid, &t->bound);
    return c2_codec_supports(&meta->cparams, err);
}

const struct c2_view_type c2_tile_view = {.state_nbytes = sizeof(struct tile),
                                          .parse = tile_parse,
                                          .size = tile_size,
                                          .bound = tile_bound,
                                          .extra = tile_extra,
                                          .run = tile_run,
                                          .finish = tile_finish,
                                          .heads = tile_heads,
                                          .fini = tile_fini,
                                          .sums = true,
                                          .in_line = true};
