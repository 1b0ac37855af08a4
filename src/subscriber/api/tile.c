/* SPDX-License-Identifier: BSD-3-Clause */
/* GET /api/tile: 256 x 256 texels of a plane, at any level. */
#include <inttypes.h>
#include <stdio.h>

#include "subscriber/api/api.h"
#include "subscriber/api/tile_levels.h"

#define ITEM_COST 8 /* bytes that are decoded while a number is looked at */

static void tile_fini(void *state)
{
    struct c2_tile *t = state;

    c2_plane_fini(&t->plane);
    c2_tile_levels_end(t);
}

/* As it was kept; of items, when they are few enough; of other tiles; of a sample of the items. */
static bool tile_size(struct c2_view *view, const struct c2_reading *reading, struct cat2_error *err)
{
    struct c2_tile *t = view->state;
    struct c2_bound reads = c2_plane_reads(&t->plane, &t->bound);
    bool found = c2_tile_take_kept(t, reading->codec);

    if (found) {
        view->nparts = 0;
        return true;
    }
    bool much = t->levels && c2_walk_cost(&reading->source, &reads) > C2_REDUCE_NBYTES_MAX;
    if (much && !c2_tile_plan(t, reading, view->ds->sub->config.work_max, &found, err)) return false;
    if (!found) return c2_plane_plan(&t->plane, &reading->source, &t->bound, err);
    view->nparts = c2_tile_nparts(t);
    t->of_tiles = true;
    return true;
}

static bool tile_bound(struct c2_view *view, int64_t i, struct c2_bound *out)
{
    const struct c2_tile *t = view->state;

    if (t->of_tiles) return c2_tile_part_reads(t, i, out);
    *out = t->plane.bound;
    return true;
}

static int64_t tile_extra(struct c2_view *view, int64_t i)
{
    struct c2_bound bound = {.nitems = C2_LEVELS_TILE};

    tile_bound(view, i, &bound);
    return bound.nitems * ITEM_COST;
}

static bool tile_run(struct c2_view *view, const struct c2_reading *reading, int64_t i, struct c2_buf *out,
                     struct cat2_error *err)
{
    struct c2_tile *t = view->state;

    (void)out;
    if (t->of_tiles) return c2_tile_run(t, reading, i, err);
    if (!c2_walk_boxes(reading->codec, &reading->source, &t->plane.bound, c2_plane_take, &t->plane, err))
        return false;
    c2_tile_keep(t, reading->codec);
    return true;
}

/* More is to be made than one request makes. */
static bool say_left(struct c2_view *view, struct c2_buf *out, struct cat2_error *err)
{
    const struct c2_tile *t = view->state;

    view->status = 202;
    view->content_type = "application/json";
    return c2_buf_printf(out, err, "{\"made\":%zu,\"left\":%" PRId64 "}", t->made.n + t->kept.n, t->nleft);
}

static bool tile_finish(struct c2_view *view, struct c2_buf *out, struct cat2_error *err)
{
    const struct c2_tile *t = view->state;

    view->passing = t->nleft || (t->levels && t->plane.approx);
    return t->nleft ? say_left(view, out, err) : c2_sums_encode(&t->plane.sums, out, err);
}

static bool tile_heads(struct c2_view *view, struct cat2_error *err)
{
    const struct c2_tile *t = view->state;
    char dtype[8], shape[64], plane[64];

    if (t->nleft) return true;
    c2_sums_typestr(&t->plane.sums, dtype);
    snprintf(shape, sizeof(shape), "%" PRId64 ",%" PRId64, t->plane.sums.h, t->plane.sums.w);
    snprintf(plane, sizeof(plane), "%" PRId64 ",%" PRId64, t->whole.axes[t->plane.axes.y].count,
             t->whole.axes[t->plane.axes.x].count);
    return c2_view_head(view, err, "X-Dtype", dtype) && c2_view_head(view, err, "X-Shape", shape) &&
           c2_view_head(view, err, "X-Agg", c2_agg_name(t->plane.sums.agg)) &&
           c2_view_head(view, err, "X-Plane", plane) &&
           (!t->plane.approx || c2_view_head(view, err, "X-Approx", "nearest"));
}

static bool tile_parse(struct c2_view *view, struct cat2_error *err)
{
    struct c2_request *req = view->req;
    const struct c2_meta *meta = view->ds->meta;
    struct c2_tile *t = view->state;
    struct c2_plane *plane = &t->plane;
    int64_t z = 0, x = 0, y = 0;

    if (!c2_view_num(view, &plane->sums.num, err) ||
        !c2_agg_parse(c2_view_query(req, "agg"), &plane->sums.num, &plane->sums.agg, err) ||
        !c2_plane_axes_parse(c2_view_query(req, "axes"), meta->grid.ndim, &plane->axes, err) ||
        !c2_view_int(req, "z", 0, C2_TILE_Z_MAX, &z, err) || !c2_view_int(req, "x", 0, INT64_MAX, &x, err) ||
        !c2_view_int(req, "y", 0, INT64_MAX, &y, err) ||
        !c2_request_query_bool(req, "exact", false, &t->exact, err) ||
        !c2_plane_bind(&meta->grid, &plane->axes, c2_view_slice_text(req), &t->whole, err))
        return false;
    plane->factor = (int64_t)1 << z;
    t->at = (struct c2_tile_at){(int)z, x, y};
    t->bound = t->whole;
    view->content_type = "application/octet-stream";
    if (!c2_plane_tile(&t->bound, &plane->axes, (int)z, x, y, err) || !c2_codec_supports(&meta->cparams, err))
        return false;
    c2_tile_levels_begin(t, view->ds);
    view->cost = c2_tile_is_kept(t) ? C2_LEVELS_TILE_NBYTES : c2_grid_cost(&meta->grid, &t->bound);
    return true;
}

const struct c2_view_type c2_tile_view = {.state_nbytes = sizeof(struct c2_tile),
                                          .choose = c2_projected_tile,
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
