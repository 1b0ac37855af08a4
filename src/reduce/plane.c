/* SPDX-License-Identifier: BSD-3-Clause */
/* Reducing boxes, in any order, to texels. */
#include "reduce/plane.h"

#define RUN 512 /* items loaded at a time */

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

static void put_sample(struct c2_plane *plane, int64_t sx, int64_t sy, double real, int64_t wide)
{
    struct c2_sums *sums = &plane->sums;
    int64_t x0 = sx * plane->spread[0], y0 = sy * plane->spread[1];
    int64_t x1 = c2_min_i64(sums->w, x0 + plane->spread[0]), y1 = c2_min_i64(sums->h, y0 + plane->spread[1]);

    for (int64_t y = y0; y < y1; y++)
        for (int64_t x = x0; x < x1; x++) {
            int64_t cell = y * sums->w + x;
            sums->counts[cell] = 1;
            if (sums->wide)
                sums->wide[cell] = wide;
            else
                sums->real[cell] = real;
        }
}

/* `n` items that lie one after the other along an axis: from inner, of outer. */
static void put_samples(struct c2_plane *plane, int64_t inner, int64_t outer, int64_t n, const uint8_t *items)
{
    bool rows = plane->axes.x > plane->axes.y; /* that axis is x */
    double real[RUN] = {0};
    int64_t wide[RUN] = {0};

    c2_sums_load(&plane->sums, items, n, real, wide);
    for (int64_t i = 0; i < n; i++)
        put_sample(plane, rows ? inner + i : outer, rows ? outer : inner + i, real[i], wide[i]);
}

static void put_constant(struct c2_plane *plane, const struct c2_box *box)
{
    int x = plane->axes.x, y = plane->axes.y;
    double real = 0;
    int64_t wide = 0;

    c2_sums_load(&plane->sums, box->items, 1, &real, &wide);
    for (int64_t j = 0; j < box->count[y]; j++)
        for (int64_t i = 0; i < box->count[x]; i++)
            put_sample(plane, box->first[x] + i, box->first[y] + j, real, wide);
}

static void take_samples(struct c2_plane *plane, const struct c2_box *box)
{
    bool rows = plane->axes.x > plane->axes.y;
    int inner = rows ? plane->axes.x : plane->axes.y, outer = rows ? plane->axes.y : plane->axes.x;
    const uint8_t *items = box->items;

    for (int64_t o = 0; o < box->count[outer]; o++)
        for (int64_t i = 0, n; i < box->count[inner]; i += n, items += n * plane->sums.num.itemsize) {
            n = c2_min_i64(RUN, box->count[inner] - i);
            put_samples(plane, box->first[inner] + i, box->first[outer] + o, n, items);
        }
}

bool c2_plane_take(void *ctx, const struct c2_box *box, struct cat2_error *err)
{
    struct c2_plane *plane = ctx;
    const struct c2_along along[] = {{plane->axes.x, 1, plane->factor}, {plane->axes.y, 1, plane->factor}};

    (void)err;
    if (plane->sums.agg == C2_AGG_NEAREST && box->constant)
        put_constant(plane, box);
    else if (plane->sums.agg == C2_AGG_NEAREST)
        take_samples(plane, box);
    else
        c2_sums_take(&plane->sums, along, box);
    return true;
}
