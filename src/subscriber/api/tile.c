/* SPDX-License-Identifier: BSD-3-Clause */
/* GET /api/tile: 256 x 256 texels of a plane, at any level. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "reduce/plane.h"
#include "subscriber/answer/job.h"
#include "subscriber/answer/lookup.h"
#include "subscriber/api/api.h"

struct tile {
    struct c2_plane plane;
    struct c2_bound bound; /* of the tile */
    int64_t rows, columns; /* of the plane */
};

static void tile_free(void *state)
{
    struct tile *t = state;

    c2_plane_fini(&t->plane);
    free(t);
}

static bool tile_plan(struct c2_view *view, struct c2_codec *codec)
{
    struct tile *t = view->state;

    (void)codec;
    return c2_plane_plan(&t->plane, &view->source, &t->bound, &view->err);
}

static bool tile_bound(struct c2_view *view, int64_t i, struct c2_bound *out)
{
    struct tile *t = view->state;

    (void)i;
    *out = t->plane.bound;
    return true;
}

static bool tile_work(struct c2_view *view, struct c2_codec *codec, int64_t i)
{
    struct tile *t = view->state;

    (void)i;
    return c2_view_walk(codec, &view->source, &t->plane.bound, c2_plane_take, &t->plane, &view->err);
}

static bool tile_finish(struct c2_view *view)
{
    struct tile *t = view->state;
    char text[64], type[8];

    view->content_type = "application/octet-stream";

    c2_plane_typestr(&t->plane, type);
    snprintf(text, sizeof(text), "%" PRId64 ",%" PRId64, t->plane.h, t->plane.w);
    if (!c2_view_head(view, &view->err, "X-Dtype", type) ||
        !c2_view_head(view, &view->err, "X-Shape", text) ||
        !c2_view_head(view, &view->err, "X-Agg", c2_agg_name(t->plane.agg)))
        return false;
    snprintf(text, sizeof(text), "%" PRId64 ",%" PRId64, t->rows, t->columns);
    return c2_view_head(view, &view->err, "X-Plane", text) &&
           (!t->plane.approx || c2_view_head(view, &view->err, "X-Approx", "nearest")) &&
           c2_plane_encode(&t->plane, &view->out, &view->err);
}

static bool tile_parse(const struct c2_request *req, const struct c2_ds *ds, struct tile *t,
                       struct cat2_error *err)
{
    struct c2_plane *plane = &t->plane;
    int64_t z = 0, x = 0, y = 0;

    if (!c2_num_of(&ds->meta.dtype, c2_view_query(req, "field"), c2_view_query(req, "part"), &plane->num,
                   err) ||
        !c2_agg_parse(c2_view_query(req, "agg"), &plane->num, &plane->agg, err) ||
        !c2_plane_axes_parse(c2_view_query(req, "axes"), ds->meta.grid.ndim, &plane->axes, err) ||
        !c2_view_int(req, "z", 0, C2_TILE_Z_MAX, &z, err) || !c2_view_int(req, "x", 0, INT64_MAX, &x, err) ||
        !c2_view_int(req, "y", 0, INT64_MAX, &y, err) ||
        !c2_plane_bind(&ds->meta.grid, &plane->axes, c2_view_slice(req), &t->bound, err))
        return false;
    plane->factor = (int64_t)1 << z;
    t->rows = t->bound.axes[plane->axes.y].count;
    t->columns = t->bound.axes[plane->axes.x].count;
    return c2_plane_tile(&t->bound, &plane->axes, (int)z, x, y, err) &&
           c2_codec_supports(&ds->meta.cparams, err);
}

static const struct c2_view_ops tile_ops = {
    .plan = tile_plan, .bound = tile_bound, .work = tile_work, .finish = tile_finish, .free = tile_free};

static void tile(struct c2_request *req, struct c2_ds *ds)
{
    struct cat2_error err;

    if (c2_view_settled(req, ds)) return;
    struct tile *t = calloc(1, sizeof(*t));
    if (!t) {
        c2_reply_detail(req, 503, "out of memory");
    } else if (!tile_parse(req, ds, t, &err)) {
        c2_reply_error(req, &err);
        tile_free(t);
    } else {
        c2_view_start(req, ds, &tile_ops, t);
    }
}

void c2_handle_tile(struct c2_request *req, void *state)
{
    c2_sub_with_dataset(req, state, false, tile);
}
