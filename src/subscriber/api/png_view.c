/* SPDX-License-Identifier: BSD-3-Clause */
/* GET /api/fetch?format=png: a plane as a picture, reduced to the size asked for; and the tables of colours.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "reduce/paint.h"
#include "reduce/project.h"
#include "subscriber/api/api.h"
#include "subscriber/api/png_image.h"
#include "subscriber/api/tile_levels.h"
#include "subscriber/mirror/dataset.h"

#define WIDTH_DEFAULT 1024
#define ITEM_COST     8   /* bytes that are decoded while a number is looked at, */
#define PIXEL_COST    128 /* and while a pixel is painted and compressed */
#define PIXEL_NBYTES  20  /* memory of one, while it is made */

struct png {
    struct c2_bound bound;
    struct c2_plane plane; /* numbers; or the channel at hand */
    bool projects;         /* the numbers are those of a projection */
    struct c2_projection over;
    struct c2_tile tile; /* of the plane's levels, where there may be some */
    int channels;        /* 3, 4: of colours; 0: numbers */
    int channel_axis;
    bool bgr; /* the first channel is blue */
    struct c2_picture picture;
    struct c2_png_image image;
    enum c2_scale scale;
    struct c2_scaler scaler;
    double lo, hi;  /* NaN: as the texels are */
    int64_t nparts; /* of numbers; the palette is one more */
};

static void free_memory(struct png *p)
{
    c2_plane_fini(&p->plane);
    c2_plane_fini(&p->tile.plane);
    c2_projection_fini(&p->over);
    c2_picture_fini(&p->picture);
}

static void png_fini(void *state)
{
    struct png *p = state;

    free_memory(p);
    c2_tile_levels_end(&p->tile);
    c2_ds_unref(p->image.palette);
}

/* ---- of levels ---- */

/* The least level that is small enough. Loop. */
static void find_levels(struct png *p, struct c2_ds *ds)
{
    int z = C2_LEVELS_Z_MIN;

    while ((int64_t)1 << z < p->plane.factor)
        z++;
    p->tile.plane = (struct c2_plane){
        .sums.num = p->plane.sums.num, .sums.agg = p->plane.sums.agg, .axes = p->plane.axes};
    p->tile.whole = p->bound;
    p->tile.at = (struct c2_tile_at){z, 0, 0};
    if (z <= C2_TILE_Z_MAX) c2_tile_levels_begin(&p->tile, ds);
}

static void put_tile(struct c2_sums *whole, const struct c2_tile *t)
{
    const struct c2_sums *tile = &t->plane.sums;

    for (int64_t y = 0; y < tile->h; y++)
        for (int64_t x = 0; x < tile->w; x++)
            c2_sums_add(whole, (t->at.y * C2_TILE_SIDE + y) * whole->w + t->at.x * C2_TILE_SIDE + x, tile,
                        y * tile->w + x);
}

/* The picture from tiles that are kept; false: they are not all there. */
static bool take_levels(struct png *p, struct c2_codec *codec, struct cat2_error *err)
{
    struct c2_tile *t = &p->tile;
    int64_t texel = (int64_t)1 << t->at.z;
    struct c2_plane whole = {.sums.num = p->plane.sums.num,
                             .sums.agg = t->plane.sums.agg,
                             .axes = p->plane.axes,
                             .factor = texel,
                             .exact = true};
    bool ok = c2_sums_begin(&whole.sums, c2_div_ceil(t->pyramid.columns, texel),
                            c2_div_ceil(t->pyramid.rows, texel), err);

    for (t->at.y = 0; ok && t->at.y * C2_TILE_SIDE < whole.sums.h; t->at.y++)
        for (t->at.x = 0; ok && t->at.x * C2_TILE_SIDE < whole.sums.w; t->at.x++) {
            t->n = c2_pyramid_tile(&t->pyramid, t->nplane, &t->at);
            ok = c2_tile_take_kept(t, codec);
            if (ok) put_tile(&whole.sums, t);
        }
    ok = ok && c2_picture_init(&p->picture, whole.sums.w, whole.sums.h, err);
    if (!ok) {
        c2_plane_fini(&whole);
        return false;
    }
    c2_plane_fini(&p->plane);
    p->plane = whole;
    return true;
}

/* ---- of items ---- */

static void count_parts(struct c2_view *view, int64_t numbers)
{
    struct png *p = view->state;

    p->nparts = numbers;
    view->nparts = numbers + (p->image.palette ? 1 : 0);
}

static bool is_palette(const struct png *p, int64_t i)
{
    return p->image.palette && i == p->nparts;
}

static struct c2_ds *png_of(struct c2_view *view, int64_t i)
{
    const struct png *p = view->state;

    return is_palette(p, i) ? p->image.palette : view->ds;
}

/* The plane of part i: the numbers, or a channel. */
static struct c2_bound plane_of(const struct png *p, int64_t i)
{
    return p->channels ? c2_bound_part(&p->bound, p->channel_axis, i, 1) : p->bound;
}

static bool png_size(struct c2_view *view, const struct c2_reading *reading, struct cat2_error *err)
{
    struct png *p = view->state;
    struct c2_bound bound = plane_of(p, 0);

    if (p->projects) {
        const struct c2_plane *plane = &p->plane;
        p->over.sums.num = plane->sums.num;
        p->over.along[0] = (struct c2_along){plane->axes.x, 1, plane->factor};
        p->over.along[1] = (struct c2_along){plane->axes.y, 1, plane->factor};
        return c2_projection_plan(&p->over, &reading->source, &bound, err);
    }
    if (p->channels) count_parts(view, p->channels);
    if (!c2_plane_plan(&p->plane, &reading->source, &bound, err)) return false;
    if (p->plane.approx && p->tile.levels && take_levels(p, reading->codec, err)) count_parts(view, 0);
    return true;
}

static bool png_bound(struct c2_view *view, int64_t i, struct c2_bound *out)
{
    const struct png *p = view->state;

    *out = is_palette(p, i) ? p->image.bound : p->projects ? p->over.bound : p->plane.bound;
    if (p->channels) out->axes[p->channel_axis] = plane_of(p, i).axes[p->channel_axis];
    return true;
}

static int64_t png_extra(struct c2_view *view, int64_t i)
{
    const struct png *p = view->state;
    bool last = i + 1 == p->nparts;
    int64_t nitems = p->projects ? p->over.bound.nitems : p->plane.bound.nitems;
    const struct c2_sums *sums = p->projects ? &p->over.sums : &p->plane.sums;

    if (is_palette(p, i)) return 0;
    return nitems * ITEM_COST + (last ? sums->w * sums->h * PIXEL_COST : 0);
}

/* The numbers of the projection become those of the plane, to be painted. */
static bool run_projection(struct png *p, const struct c2_reading *reading, struct cat2_error *err)
{
    struct c2_projection *over = &p->over;

    if (!c2_walk_boxes(reading->codec, &reading->source, &over->bound, c2_projection_take, over, err))
        return false;
    c2_projection_spread(over);
    p->plane.sums = over->sums;
    p->plane.approx = over->approx;
    over->sums = (struct c2_sums){0};
    return c2_picture_init(&p->picture, p->plane.sums.w, p->plane.sums.h, err);
}

/* Channels have the same plan, and other items. */
static bool png_run(struct c2_view *view, const struct c2_reading *reading, int64_t i, struct c2_buf *out,
                    struct cat2_error *err)
{
    struct png *p = view->state;
    struct c2_bound bound;

    (void)out;
    if (is_palette(p, i)) return c2_png_image_take(&p->image, reading, err);
    if (p->projects) return run_projection(p, reading, err);
    png_bound(view, i, &bound);
    if (i == 0 && !c2_picture_init(&p->picture, p->plane.sums.w, p->plane.sums.h, err)) return false;
    if (i > 0) {
        size_t n = (size_t)(p->plane.sums.w * p->plane.sums.h);
        memset(p->plane.sums.real, 0, n * sizeof(*p->plane.sums.real));
        memset(p->plane.sums.counts, 0, n * sizeof(*p->plane.sums.counts));
    }
    if (!c2_walk_boxes(reading->codec, &reading->source, &bound, c2_plane_take, &p->plane, err)) return false;
    if (p->channels) c2_paint_channel(&p->picture, &p->plane, p->bgr && i < 3 ? 2 - (int)i : (int)i);
    return true;
}

static void paint_numbers(struct png *p)
{
    double lo, hi;

    c2_paint_range(&p->plane, p->scale, &lo, &hi);
    if (!isnan(p->lo)) lo = p->lo;
    if (!isnan(p->hi)) hi = p->hi;
    c2_scaler_init(&p->scaler, p->scale, fmin(lo, hi), fmax(lo, hi));
    c2_paint_plane(&p->picture, &p->plane, &p->scaler, &p->image.map);
}

static void fill_alpha(struct c2_picture *picture)
{
    for (int64_t i = 0; i < (int64_t)picture->w * picture->h; i++)
        picture->rgba[4 * i + 3] = 255;
}

static bool png_finish(struct c2_view *view, struct c2_buf *out, struct cat2_error *err)
{
    struct png *p = view->state;

    /* the palette has generations of its own */
    view->passing = (p->tile.levels && p->plane.approx) || p->image.palette;
    if (!p->channels) paint_numbers(p);
    if (p->channels == 3) fill_alpha(&p->picture);
    bool ok = c2_picture_png(&p->picture, out, err);
    free_memory(p); /* here: megabytes that are given back take the loop a while */
    return ok;
}

static bool png_heads(struct c2_view *view, struct cat2_error *err)
{
    const struct png *p = view->state;
    char range[80];

    snprintf(range, sizeof(range), "%.17g,%.17g", p->scaler.lo, p->scaler.hi);
    return (p->channels || c2_view_head(view, err, "X-Range", range)) &&
           (!p->plane.approx || c2_view_head(view, err, "X-Approx", p->projects ? "sample" : "nearest")) &&
           c2_view_download(view, "png", err);
}

/* ---- the request ---- */

static bool read_end(const struct c2_request *req, const char *name, double *out, struct cat2_error *err)
{
    struct c2_str text = c2_str_trim(c2_view_query(req, name));
    char copy[64], *end;

    *out = (double)NAN;
    if (text.n == 0) return true;
    snprintf(copy, sizeof(copy), "%.*s", C2_STR_ARG(text));
    *out = strtod(copy, &end);
    if (text.n < sizeof(copy) && *end == '\0' && isfinite(*out)) return true;
    return c2_fail(err, CAT2_EINVAL, "%s must be a finite number", name);
}

/* Where the file has the colours; -1: at the end, or the slice has no such axis. */
static int64_t told_axis(const struct c2_ds *ds, const struct png *p)
{
    int axis = p->image.says.colours_axis;
    bool all = ds->meta->grid.ndim == 3;

    for (int i = 0; i < ds->meta->grid.ndim; i++)
        all = all && !p->bound.axes[i].dropped;
    return axis >= 0 && all && p->bound.axes[axis].count >= 3 && p->bound.axes[axis].count <= 4 ? axis : -1;
}

/* The axes left: rows and columns, and maybe colours. */
static bool find_axes(const struct c2_request *req, const struct c2_ds *ds, struct png *p,
                      struct cat2_error *err)
{
    const struct c2_dtype *dtype = &ds->meta->dtype;
    int left[C2_DIM_MAX], n = 0;
    int64_t axis = told_axis(ds, p);

    if (!c2_view_int(req, "colours", 0, ds->meta->grid.ndim - 1, &axis, err)) return false;
    for (int i = 0; i < ds->meta->grid.ndim; i++)
        if (!p->bound.axes[i].dropped && i != axis) left[n++] = i;
    if (axis >= 0 && !p->bound.axes[axis].dropped) left[n++] = (int)axis;
    int64_t last = n == 3 ? p->bound.axes[left[2]].count : 0;
    bool colours = dtype->kind == 'u' && dtype->itemsize == 1 && (last == 3 || last == 4);
    if (n != 2 && !colours)
        return c2_fail(err, CAT2_EINVAL,
                       "a picture is of two axes (or of three, with 3 or 4 u1 at the end or along colours), "
                       "the slice has %d",
                       n);
    if (!colours && (axis >= 0 || c2_view_query(req, "order").n))
        return c2_fail(err, CAT2_EINVAL, "%s: the slice has no axis of 3 or 4 u1",
                       axis >= 0 ? "colours" : "order");
    if (p->bound.nitems == 0) return c2_fail(err, CAT2_EINVAL, "the slice holds no items");
    p->plane.axes = (struct c2_plane_axes){left[1], left[0]};
    if (colours) {
        p->channels = (int)last;
        p->channel_axis = left[2];
    }
    struct c2_str axes = c2_view_query(req, "axes");
    struct c2_plane_axes asked = p->plane.axes;
    if (axes.n && !c2_plane_axes_parse(axes, ds->meta->grid.ndim, &asked, err)) return false;
    if (asked.x == left[0] && asked.y == left[1]) p->plane.axes = asked; /* columns first */
    return (asked.x == p->plane.axes.x && asked.y == p->plane.axes.y) ||
           c2_fail(err, CAT2_EINVAL, "axes: the slice shows axes %d and %d", left[0], left[1]);
}

/* The axes of a projection: any two that the slice has ranges on. */
static bool find_shown(const struct c2_view *view, struct png *p, struct cat2_error *err)
{
    static const char *const others[] = {"agg", "colours", "order"};
    struct c2_plane_axes *axes = &p->plane.axes;

    for (size_t i = 0; i < C2_ARRAY_LEN(others); i++)
        if (c2_view_query(view->req, others[i]).n)
            return c2_fail(err, CAT2_EINVAL, "%s: this parameter is not for projections", others[i]);
    p->projects = true;
    if (!c2_view_over(view, &p->over.sums.agg, err) ||
        !c2_plane_axes_parse(c2_view_query(view->req, "axes"), view->ds->meta->grid.ndim, axes, err))
        return false;
    bool across = p->bound.axes[axes->x].dropped, down = p->bound.axes[axes->y].dropped;
    if (p->bound.nitems == 0) return c2_fail(err, CAT2_EINVAL, "the slice holds no items");
    return (!across && !down) ||
           c2_fail(err, CAT2_EINVAL, "axis %d is shown, but the slice has an integer there",
                   across ? axes->x : axes->y);
}

/* What is shown, and by which colours. */
static bool find_picture(struct c2_view *view, struct png *p, struct cat2_error *err)
{
    const struct c2_request *req = view->req;
    struct c2_str order = c2_view_query(req, "order");
    bool bgr = c2_str_is(order, "bgr"), projects = c2_view_query(req, "over").n > 0;

    if (order.n && !bgr && !c2_str_is(order, "rgb"))
        return c2_fail(err, CAT2_EINVAL, "order is none of rgb, bgr");
    if (!c2_view_slice(view, &p->bound, err) ||
        !c2_png_image_find(view->ds, c2_view_query(req, "cmap"), &p->image, err) ||
        !(projects ? find_shown(view, p, err) : find_axes(req, view->ds, p, err)))
        return false;
    p->bgr = order.n ? bgr : p->image.says.bgr;
    if (p->channels) { /* they are colours already */
        c2_ds_unref(p->image.palette);
        p->image.palette = NULL;
    }
    return true;
}

/* How texels are made of items, where the request does not say. Indices have no mean. */
static void choose_agg(const struct c2_request *req, struct png *p)
{
    if (c2_view_query(req, "agg").n || p->projects) return;
    if (p->channels) p->plane.sums.agg = C2_AGG_MEAN;
    if (p->image.palette) p->plane.sums.agg = C2_AGG_NEAREST;
}

static bool png_parse(struct c2_view *view, struct cat2_error *err)
{
    const struct c2_request *req = view->req;
    struct png *p = view->state;
    struct c2_plane *plane = &p->plane;
    int64_t width = WIDTH_DEFAULT;

    if (!find_picture(view, p, err) || !c2_view_num(view, &plane->sums.num, err) ||
        !c2_agg_parse(c2_view_query(req, "agg"), &plane->sums.num, &plane->sums.agg, err) ||
        !c2_scale_parse(c2_view_query(req, "scale"), &p->scale, err) || !read_end(req, "lo", &p->lo, err) ||
        !read_end(req, "hi", &p->hi, err) || !c2_view_int(req, "width", 1, C2_PICTURE_SIDE_MAX, &width, err))
        return false;
    choose_agg(req, p);
    if (isnan(p->lo)) p->lo = p->image.says.lo;
    if (isnan(p->hi)) p->hi = p->image.says.hi;
    count_parts(view, 1);
    int64_t side = c2_max_i64(p->bound.axes[plane->axes.x].count, p->bound.axes[plane->axes.y].count);
    plane->factor = c2_div_ceil(side, width);
    view->content_type = "image/png";
    view->cost = c2_grid_cost(&view->ds->meta->grid, &p->bound);
    if (!p->projects && !p->channels && view->cost > C2_REDUCE_NBYTES_MAX) find_levels(p, view->ds);
    view->memory = c2_div_ceil(p->bound.axes[plane->axes.x].count, plane->factor) *
                   c2_div_ceil(p->bound.axes[plane->axes.y].count, plane->factor) * PIXEL_NBYTES;
    return true;
}

const struct c2_view_type c2_png_view = {.state_nbytes = sizeof(struct png),
                                         .parse = png_parse,
                                         .size = png_size,
                                         .of = png_of,
                                         .bound = png_bound,
                                         .extra = png_extra,
                                         .run = png_run,
                                         .finish = png_finish,
                                         .heads = png_heads,
                                         .fini = png_fini,
                                         .sums = true,
                                         .in_line = true};

/* ---- the tables of colours ---- */

void c2_handle_colormaps(struct c2_request *req, void *state)
{
    struct c2_buf out = C2_BUF_INIT(65536);
    struct cat2_error err;

    (void)state;
    bool ok = c2_colormaps_json(&out, &err);
    if (ok) c2_reply_header(req, "Cache-Control", "max-age=3600");
    c2_reply_built(req, ok, &out, &err);
}
