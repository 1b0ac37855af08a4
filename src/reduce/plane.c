/* SPDX-License-Identifier: BSD-3-Clause */
/* Reducing boxes, in any order, to texels. */
#include "reduce/plane.h"

#include <math.h>
#include <stdlib.h>

#define RUN 4096 /* numbers loaded at a time */

/* ---- what is read ---- */

static struct c2_bound stride(const struct c2_bound *bound, int axis, int64_t step)
{
    struct c2_bound out = *bound;
    struct c2_axis_sel *sel = &out.axes[axis];

    out = c2_bound_part(bound, axis, 0, c2_div_ceil(sel->count, step)); /* sets the counts */
    sel = &out.axes[axis];
    if (!c2_mul_i64(sel->step, step, &sel->step)) sel->step = 0;
    if (sel->count == 1) sel->step = bound->axes[axis].step;
    out.whole = false;
    return out;
}

static struct c2_bound samples(const struct c2_plane *plane, const struct c2_bound *bound)
{
    struct c2_bound across = stride(bound, plane->axes.x, plane->factor * plane->spread[0]);

    return stride(&across, plane->axes.y, plane->factor * plane->spread[1]);
}

/* One sample a texel, or one for several, until the work is bounded. */
static void plan_samples(struct c2_plane *plane, const struct c2_selectable *ds, const struct c2_bound *bound)
{
    plane->agg = C2_AGG_NEAREST;
    plane->bound = samples(plane, bound);
    while (!plane->exact && c2_walk_cost(ds, &plane->bound) > C2_REDUCE_NBYTES_MAX) {
        int64_t nx = plane->bound.axes[plane->axes.x].count, ny = plane->bound.axes[plane->axes.y].count;
        if (nx == 1 && ny == 1) return;
        plane->spread[nx >= ny ? 0 : 1] *= 2;
        plane->approx = true;
        plane->bound = samples(plane, bound);
    }
}

bool c2_plane_begin(struct c2_plane *plane, int64_t w, int64_t h, struct cat2_error *err)
{
    int64_t n;

    plane->w = w;
    plane->h = h;
    if (!c2_mul_i64(w, h, &n)) return c2_fail(err, CAT2_ELIMIT, "the picture is too large");
    plane->counts = calloc((size_t)n + 1, sizeof(*plane->counts));
    if (plane->num.wide && plane->agg != C2_AGG_MEAN)
        plane->wide = calloc((size_t)n + 1, sizeof(*plane->wide));
    else
        plane->real = calloc((size_t)n + 1, sizeof(*plane->real));
    return (plane->counts && (plane->wide || plane->real)) || c2_fail_nomem(err, "picture");
}

struct c2_bound c2_plane_reads(const struct c2_plane *plane, const struct c2_bound *bound)
{
    struct c2_plane dense = *plane;

    dense.spread[0] = dense.spread[1] = 1;
    return plane->agg == C2_AGG_NEAREST ? samples(&dense, bound) : *bound;
}

bool c2_plane_plan(struct c2_plane *plane, const struct c2_selectable *ds, const struct c2_bound *bound,
                   struct cat2_error *err)
{
    int64_t w = c2_div_ceil(bound->axes[plane->axes.x].count, plane->factor);
    int64_t h = c2_div_ceil(bound->axes[plane->axes.y].count, plane->factor);

    plane->spread[0] = plane->spread[1] = 1;
    plane->bound = *bound;
    if (plane->factor == 1) plane->agg = C2_AGG_NEAREST;
    if (plane->agg != C2_AGG_NEAREST && !plane->exact && c2_walk_cost(ds, bound) > C2_REDUCE_NBYTES_MAX) {
        plane->approx = true;
        plane->agg = C2_AGG_NEAREST;
    }
    if (plane->agg == C2_AGG_NEAREST) plan_samples(plane, ds, bound);
    return c2_plane_begin(plane, w, h, err);
}

void c2_plane_fini(struct c2_plane *plane)
{
    free(plane->real);
    free(plane->counts);
    free(plane->wide);
    plane->real = plane->counts = NULL;
    plane->wide = NULL;
}

/* ---- reducing ---- */

/* What n numbers come to. */
struct real_sum {
    double v, n;
};
struct wide_sum {
    int64_t v;
    double n;
};

static struct real_sum reduce_real(enum c2_agg agg, const double *from, int64_t n)
{
    double sum = 0, top = -(double)INFINITY, low = (double)INFINITY;
    int64_t count = 0;

    if (agg == C2_AGG_MAX)
        for (int64_t i = 0; i < n; i++) {
            top = from[i] > top ? from[i] : top;
            count += from[i] == from[i];
        }
    else if (agg == C2_AGG_MIN)
        for (int64_t i = 0; i < n; i++) {
            low = from[i] < low ? from[i] : low;
            count += from[i] == from[i];
        }
    else
        for (int64_t i = 0; i < n; i++) {
            bool some = from[i] == from[i];
            sum += some ? from[i] : 0;
            count += some;
        }
    return (struct real_sum){agg == C2_AGG_MAX ? top : agg == C2_AGG_MIN ? low : sum, (double)count};
}

static void add_real(struct c2_plane *plane, int64_t cell, struct real_sum sum)
{
    double *v = &plane->real[cell];
    bool first = plane->counts[cell] == 0;

    if (sum.n == 0) return;
    if (plane->agg == C2_AGG_MEAN)
        *v += sum.v;
    else if (first || (plane->agg == C2_AGG_MAX ? sum.v > *v : sum.v < *v))
        *v = sum.v;
    plane->counts[cell] += sum.n;
}

static void add_wide(struct c2_plane *plane, int64_t cell, struct wide_sum sum)
{
    int64_t *v = &plane->wide[cell];
    bool first = plane->counts[cell] == 0;

    if (first || (plane->agg == C2_AGG_MAX ? sum.v > *v : sum.v < *v)) *v = sum.v;
    plane->counts[cell] += sum.n;
}

void c2_plane_add(struct c2_plane *plane, int64_t cell, const struct c2_plane *from, int64_t at)
{
    double n = from->counts[at];

    if (n == 0) return;
    if (plane->wide)
        add_wide(plane, cell, (struct wide_sum){from->wide[at], n});
    else
        add_real(plane, cell, (struct real_sum){from->real[at], n});
}

static struct wide_sum reduce_wide(enum c2_agg agg, const int64_t *from, int64_t n)
{
    int64_t v = from[0];

    for (int64_t i = 1; i < n; i++)
        v = (agg == C2_AGG_MAX ? from[i] > v : from[i] < v) ? from[i] : v;
    return (struct wide_sum){v, (double)n};
}

/* A run along one axis of the plane: item `at` is the first; texels are `stride` apart, from `base`. */
struct run {
    int64_t base, stride, at, n;
};

static void take_run(struct c2_plane *plane, const struct run *run, const double *real, const int64_t *wide)
{
    for (int64_t i = 0; i < run->n;) {
        int64_t texel = (run->at + i) / plane->factor, cell = run->base + texel * run->stride;
        int64_t end = c2_min_i64(run->n, (texel + 1) * plane->factor - run->at);
        if (wide)
            add_wide(plane, cell, reduce_wide(plane->agg, wide + i, end - i));
        else
            add_real(plane, cell, reduce_real(plane->agg, real + i, end - i));
        i = end;
    }
}

/* The box as lines of items: `along` the inner axis of the two, `across` the outer one. */
struct lines {
    int inner, outer;
    int64_t inner_stride, outer_stride; /* in texels */
};

static struct lines lines_of(const struct c2_plane *plane)
{
    if (plane->axes.x > plane->axes.y) return (struct lines){plane->axes.x, plane->axes.y, 1, plane->w};
    return (struct lines){plane->axes.y, plane->axes.x, plane->w, 1};
}

static void take_line(struct c2_plane *plane, const uint8_t *items, struct run run)
{
    double real[RUN];
    int64_t wide[RUN], left = run.n;

    for (; left > 0; left -= run.n) {
        run.n = c2_min_i64(left, RUN);
        if (plane->wide)
            c2_num_load_i64(&plane->num, items, run.n, wide);
        else
            c2_num_load(&plane->num, items, run.n, real);
        take_run(plane, &run, real, plane->wide ? wide : NULL);
        items += run.n * plane->num.itemsize;
        run.at += run.n;
    }
}

/* Many items of one value: texel by texel. */
static void take_constant(struct c2_plane *plane, const struct c2_box *box, struct lines lines)
{
    int64_t f = plane->factor, v64 = 0;
    int64_t o0 = box->first[lines.outer], o1 = o0 + box->count[lines.outer];
    int64_t i0 = box->first[lines.inner], i1 = i0 + box->count[lines.inner];
    double v = 0;

    if (plane->wide)
        c2_num_load_i64(&plane->num, box->items, 1, &v64);
    else
        c2_num_load(&plane->num, box->items, 1, &v);
    if (!plane->wide && isnan(v)) return;
    for (int64_t o = o0 / f; o * f < o1; o++)
        for (int64_t i = i0 / f; i * f < i1; i++) {
            double n = (double)(c2_min_i64(o1, o * f + f) - c2_max_i64(o0, o * f)) *
                       (double)(c2_min_i64(i1, i * f + f) - c2_max_i64(i0, i * f));
            int64_t cell = o * lines.outer_stride + i * lines.inner_stride;
            if (plane->wide)
                add_wide(plane, cell, (struct wide_sum){v64, n});
            else
                add_real(plane, cell, (struct real_sum){plane->agg == C2_AGG_MEAN ? v * n : v, n});
        }
}

/* ---- samples ---- */

static void put_sample(struct c2_plane *plane, int64_t sx, int64_t sy, const uint8_t *item)
{
    int64_t x0 = sx * plane->spread[0], y0 = sy * plane->spread[1], wide = 0;
    int64_t x1 = c2_min_i64(plane->w, x0 + plane->spread[0]),
            y1 = c2_min_i64(plane->h, y0 + plane->spread[1]);
    double real = 0;

    if (plane->wide)
        c2_num_load_i64(&plane->num, item, 1, &wide);
    else
        c2_num_load(&plane->num, item, 1, &real);
    for (int64_t y = y0; y < y1; y++)
        for (int64_t x = x0; x < x1; x++) {
            int64_t cell = y * plane->w + x;
            plane->counts[cell] = 1;
            if (plane->wide)
                plane->wide[cell] = wide;
            else
                plane->real[cell] = real;
        }
}

static void take_samples(struct c2_plane *plane, const struct c2_box *box, struct lines lines)
{
    const uint8_t *item = box->items;
    int64_t step = box->constant ? 0 : plane->num.itemsize;

    for (int64_t o = 0; o < box->count[lines.outer]; o++)
        for (int64_t i = 0; i < box->count[lines.inner]; i++, item += step) {
            int64_t at_o = box->first[lines.outer] + o, at_i = box->first[lines.inner] + i;
            bool rows = lines.inner == plane->axes.x;
            put_sample(plane, rows ? at_i : at_o, rows ? at_o : at_i, item);
        }
}

bool c2_plane_take(void *ctx, const struct c2_box *box, struct cat2_error *err)
{
    struct c2_plane *plane = ctx;
    struct lines lines = lines_of(plane);
    int64_t n = box->count[lines.inner];

    (void)err;
    if (plane->agg == C2_AGG_NEAREST) {
        take_samples(plane, box, lines);
        return true;
    }
    if (box->constant) {
        take_constant(plane, box, lines);
        return true;
    }
    for (int64_t o = 0; o < box->count[lines.outer]; o++) {
        int64_t texel = (box->first[lines.outer] + o) / plane->factor;
        struct run run = {texel * lines.outer_stride, lines.inner_stride, box->first[lines.inner], n};
        take_line(plane, box->items + o * n * plane->num.itemsize, run);
    }
    return true;
}

/* ---- the result ---- */

static bool is_mean(const struct c2_plane *plane)
{
    return plane->agg == C2_AGG_MEAN;
}

void c2_plane_typestr(const struct c2_plane *plane, char out[8])
{
    struct c2_num num = plane->num;

    if (is_mean(plane)) {
        num.out_kind = 'f';
        num.out_size = 4;
    }
    c2_num_typestr(&num, out);
}

double c2_plane_value(const struct c2_plane *plane, int64_t i)
{
    if (plane->counts[i] == 0) return (double)NAN;
    if (plane->wide) return c2_num_wide_real(&plane->num, plane->wide[i]);
    return is_mean(plane) ? plane->real[i] / plane->counts[i] : plane->real[i];
}

bool c2_plane_encode(const struct c2_plane *plane, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_num num = plane->num;
    int64_t n = plane->w * plane->h;

    if (is_mean(plane)) {
        num.out_kind = 'f';
        num.out_size = 4;
    }
    if (!c2_buf_resize(out, (size_t)(n * num.out_size), err)) return false;
    if (plane->wide) {
        c2_num_store_i64(&num, plane->wide, n, out->p);
        return true;
    }
    for (int64_t i = 0; i < n; i++) {
        double v = c2_plane_value(plane, i);
        c2_num_store(&num, &v, 1, out->p + i * num.out_size);
    }
    return true;
}
