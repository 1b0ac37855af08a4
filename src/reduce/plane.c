/* SPDX-License-Identifier: BSD-3-Clause */
/* Reducing boxes, in any order, to texels. */
#include "reduce/plane.h"

/* ---- what is read ---- */

static struct c2_bound samples(const struct c2_plane *plane, const struct c2_bound *bound)
{
    struct c2_bound across = c2_walk_every(bound, plane->axes.x, plane->factor * plane->spread[0]);

    return c2_walk_every(&across, plane->axes.y, plane->factor * plane->spread[1]);
}

/* One sample a texel, or one for several, until the work is bounded. */
static void plan_samples(struct c2_plane *plane, const struct c2_selectable *ds, const struct c2_bound *bound)
{
    plane->sums.agg = C2_AGG_NEAREST;
    plane->bound = samples(plane, bound);
    while (!plane->exact && c2_walk_cost(ds, &plane->bound) > C2_REDUCE_NBYTES_MAX) {
        int64_t nx = plane->bound.axes[plane->axes.x].count, ny = plane->bound.axes[plane->axes.y].count;
        if (nx == 1 && ny == 1) return;
        plane->spread[nx >= ny ? 0 : 1] *= 2;
        plane->approx = true;
        plane->bound = samples(plane, bound);
    }
}

struct c2_bound c2_plane_reads(const struct c2_plane *plane, const struct c2_bound *bound)
{
    struct c2_plane dense = *plane;

    dense.spread[0] = dense.spread[1] = 1;
    return plane->sums.agg == C2_AGG_NEAREST ? samples(&dense, bound) : *bound;
}

bool c2_plane_plan(struct c2_plane *plane, const struct c2_selectable *ds, const struct c2_bound *bound,
                   struct cat2_error *err)
{
    int64_t w = c2_div_ceil(bound->axes[plane->axes.x].count, plane->factor);
    int64_t h = c2_div_ceil(bound->axes[plane->axes.y].count, plane->factor);

    plane->spread[0] = plane->spread[1] = 1;
    plane->bound = *bound;
    if (plane->factor == 1) plane->sums.agg = C2_AGG_NEAREST;
    if (plane->sums.agg != C2_AGG_NEAREST && !plane->exact &&
        c2_walk_cost(ds, bound) > C2_REDUCE_NBYTES_MAX) {
        plane->approx = true;
        plane->sums.agg = C2_AGG_NEAREST;
    }
    if (plane->sums.agg == C2_AGG_NEAREST) plan_samples(plane, ds, bound);
    return c2_sums_begin(&plane->sums, w, h, err);
}

void c2_plane_fini(struct c2_plane *plane)
{
    c2_sums_fini(&plane->sums);
}

/* ---- what was read ---- */

static void put_sample(struct c2_plane *plane, int64_t sx, int64_t sy, const uint8_t *item)
{
    int64_t x0 = sx * plane->spread[0], y0 = sy * plane->spread[1], wide = 0;
    int64_t x1 = c2_min_i64(plane->sums.w, x0 + plane->spread[0]),
            y1 = c2_min_i64(plane->sums.h, y0 + plane->spread[1]);
    double real = 0;

    if (plane->sums.wide)
        c2_num_load_i64(&plane->sums.num, item, 1, &wide);
    else
        c2_num_load(&plane->sums.num, item, 1, &real);
    for (int64_t y = y0; y < y1; y++)
        for (int64_t x = x0; x < x1; x++) {
            int64_t cell = y * plane->sums.w + x;
            plane->sums.counts[cell] = 1;
            if (plane->sums.wide)
                plane->sums.wide[cell] = wide;
            else
                plane->sums.real[cell] = real;
        }
}

static void take_samples(struct c2_plane *plane, const struct c2_box *box)
{
    bool rows = plane->axes.x > plane->axes.y; /* items one after the other lie along x */
    int inner = rows ? plane->axes.x : plane->axes.y, outer = rows ? plane->axes.y : plane->axes.x;
    const uint8_t *item = box->items;
    int64_t step = box->constant ? 0 : plane->sums.num.itemsize;

    for (int64_t o = 0; o < box->count[outer]; o++)
        for (int64_t i = 0; i < box->count[inner]; i++, item += step) {
            int64_t at_o = box->first[outer] + o, at_i = box->first[inner] + i;
            put_sample(plane, rows ? at_i : at_o, rows ? at_o : at_i, item);
        }
}

bool c2_plane_take(void *ctx, const struct c2_box *box, struct cat2_error *err)
{
    struct c2_plane *plane = ctx;
    const struct c2_along along[] = {{plane->axes.x, 1, plane->factor}, {plane->axes.y, 1, plane->factor}};

    (void)err;
    if (plane->sums.agg == C2_AGG_NEAREST)
        take_samples(plane, box);
    else
        c2_sums_take(&plane->sums, along, box);
    return true;
}
