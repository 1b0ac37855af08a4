/* SPDX-License-Identifier: BSD-3-Clause */
/* Boxes, in any order, summed up into cells. Item i along an axis that stays is of cell i * step / factor. */
#include "reduce/project.h"

#include <math.h>
#include <stdlib.h>

#define RUN 4096 /* numbers loaded at a time */
#define FEW 8    /* items that a sample keeps along an axis as long as another axis has more */

/* ---- what is read ---- */

static struct c2_bound every(const struct c2_bound *bound, int axis, int64_t step)
{
    struct c2_bound out = c2_bound_part(bound, axis, 0, c2_div_ceil(bound->axes[axis].count, step));
    struct c2_axis_sel *sel = &out.axes[axis];

    if (sel->count > 1) sel->step *= step; /* within the axis: start + step * (count - 1) is an item */
    out.whole = false;
    return out;
}

/* Every second, fourth, ... item of an axis, as soon as that costs less. */
static bool thin(struct c2_projection *p, const struct c2_selectable *ds, int axis, int64_t least,
                 int64_t *cost)
{
    struct c2_bound bound = p->bound;

    for (int64_t step = 2; bound.axes[axis].count > least; step *= 2) {
        bound = every(&bound, axis, 2);
        int64_t now = c2_walk_cost(ds, &bound);
        if (now > *cost - *cost / 4) continue;
        p->bound = bound;
        for (int i = 0; i < 2; i++)
            if (p->axes[i] == axis) p->step[i] *= step;
        *cost = now;
        return true;
    }
    return false;
}

/* The axes that go first, then those that stay, and at last all of them down to one item; longest first. */
static bool thin_some(struct c2_projection *p, const struct c2_selectable *ds, int64_t *cost)
{
    for (int round = 0; round < 3; round++) {
        bool tried[C2_DIM_MAX] = {false};
        for (int n = 0; n < p->bound.ndim; n++) {
            int longest = -1;
            for (int i = 0; i < p->bound.ndim; i++)
                if (!tried[i] && (longest < 0 || p->bound.axes[i].count > p->bound.axes[longest].count))
                    longest = i;
            tried[longest] = true;
            bool stays = longest == p->axes[0] || longest == p->axes[1];
            if (round < 2 && stays != (round == 1)) continue;
            if (thin(p, ds, longest, round == 2 ? 1 : FEW, cost)) return true;
        }
    }
    return false;
}

bool c2_projection_plan(struct c2_projection *p, const struct c2_selectable *ds, const struct c2_bound *bound,
                        struct cat2_error *err)
{
    int64_t n, cost = c2_walk_cost(ds, bound);

    p->w = c2_div_ceil(bound->axes[p->axes[0]].count, p->factor[0]);
    p->h = p->axes[1] < 0 ? 1 : c2_div_ceil(bound->axes[p->axes[1]].count, p->factor[1]);
    p->step[0] = p->step[1] = 1;
    p->bound = *bound;
    while (cost > C2_REDUCE_NBYTES_MAX && thin_some(p, ds, &cost))
        p->approx = true;
    if (!c2_mul_i64(p->w, p->h, &n)) return c2_fail(err, CAT2_ELIMIT, "the projection is too large");
    p->sums = calloc((size_t)n + 1, sizeof(*p->sums));
    if (p->num.wide && p->agg != C2_AGG_MEAN)
        p->wide = calloc((size_t)n + 1, sizeof(*p->wide));
    else
        p->real = calloc((size_t)n + 1, sizeof(*p->real));
    return (p->sums && (p->wide || p->real)) || c2_fail_nomem(err, "projection");
}

void c2_projection_fini(struct c2_projection *p)
{
    free(p->real);
    free(p->sums);
    free(p->wide);
    p->real = p->sums = NULL;
    p->wide = NULL;
}

/* ---- taking ---- */

/* n numbers into a cell, each so many times. */
static void add_reals(struct c2_projection *p, int64_t cell, const double *from, int64_t n, double times)
{
    double v = p->real[cell], count = 0;

    if (p->agg != C2_AGG_MEAN && p->sums[cell] == 0)
        v = p->agg == C2_AGG_MAX ? -(double)INFINITY : (double)INFINITY;
    for (int64_t i = 0; i < n; i++) {
        if (isnan(from[i])) continue;
        count++;
        if (p->agg == C2_AGG_MEAN)
            v += from[i] * times;
        else if (p->agg == C2_AGG_MAX ? from[i] > v : from[i] < v)
            v = from[i];
    }
    if (count == 0) return;
    p->real[cell] = v;
    p->sums[cell] += count * times;
}

static void add_wides(struct c2_projection *p, int64_t cell, const int64_t *from, int64_t n)
{
    int64_t v = p->sums[cell] > 0 ? p->wide[cell] : from[0];

    for (int64_t i = 0; i < n; i++)
        v = (p->agg == C2_AGG_MAX ? from[i] > v : from[i] < v) ? from[i] : v;
    p->wide[cell] = v;
    p->sums[cell] += (double)n;
}

/* Where the items of a run go: to `cell`, or to cells along an axis that stays, from item `at` on. */
struct run {
    int which; /* of axes; -1: none, all are of one cell */
    int64_t cell, at;
};

static void take_numbers(struct c2_projection *p, const struct run *run, int64_t n, const double *real,
                         const int64_t *wide)
{
    int64_t stride = run->which == 1 ? p->w : 1;

    for (int64_t i = 0, end, cell = run->cell; i < n; i = end) {
        end = n;
        if (run->which >= 0) {
            int64_t step = p->step[run->which], factor = p->factor[run->which];
            int64_t at = (run->at + i) * step / factor;
            cell = run->cell + at * stride;
            end = c2_min_i64(n, c2_div_ceil((at + 1) * factor, step) - run->at);
        }
        if (wide)
            add_wides(p, cell, wide + i, end - i);
        else
            add_reals(p, cell, real + i, end - i, 1);
    }
}

static void take_items(struct c2_projection *p, struct run run, const uint8_t *items, int64_t left)
{
    double real[RUN];
    int64_t wide[RUN];

    for (int64_t n; left > 0; left -= n, run.at += n, items += n * p->num.itemsize) {
        n = c2_min_i64(left, RUN);
        if (p->wide)
            c2_num_load_i64(&p->num, items, n, wide);
        else
            c2_num_load(&p->num, items, n, real);
        take_numbers(p, &run, n, real, p->wide ? wide : NULL);
    }
}

static int which_of(const struct c2_projection *p, int axis)
{
    return axis == p->axes[0] ? 0 : axis == p->axes[1] ? 1 : -1;
}

static int64_t cell_at(const struct c2_projection *p, int which, int64_t at)
{
    return at * p->step[which] / p->factor[which];
}

/* Cells of a box along an axis that stays: [first, end), and how many items of the box one of them has. */
static void cells_of(const struct c2_projection *p, const struct c2_box *box, int which, int64_t *first,
                     int64_t *end)
{
    int axis = p->axes[which];

    *first = axis < 0 ? 0 : cell_at(p, which, box->first[axis]);
    *end = axis < 0 ? 1 : cell_at(p, which, box->first[axis] + box->count[axis] - 1) + 1;
}
static int64_t items_in(const struct c2_projection *p, const struct c2_box *box, int which, int64_t cell)
{
    int axis = p->axes[which];
    int64_t lo = axis < 0 ? 0 : c2_div_ceil(cell * p->factor[which], p->step[which]);
    int64_t hi = axis < 0 ? 1 : c2_div_ceil((cell + 1) * p->factor[which], p->step[which]);

    if (axis < 0) return 1;
    return c2_min_i64(hi, box->first[axis] + box->count[axis]) - c2_max_i64(lo, box->first[axis]);
}

/* Many items of one value: cell by cell. */
static void take_constant(struct c2_projection *p, const struct c2_box *box)
{
    int64_t x0, x1, y0, y1, wide = 0;
    double real = 0, over = (double)box->nitems;

    if (p->wide)
        c2_num_load_i64(&p->num, box->items, 1, &wide);
    else
        c2_num_load(&p->num, box->items, 1, &real);
    for (int i = 0; i < 2; i++)
        if (p->axes[i] >= 0) over /= (double)box->count[p->axes[i]];
    cells_of(p, box, 0, &x0, &x1);
    cells_of(p, box, 1, &y0, &y1);
    for (int64_t y = y0; y < y1; y++)
        for (int64_t x = x0; x < x1; x++) {
            int64_t n = items_in(p, box, 0, x) * items_in(p, box, 1, y);
            if (n > 0 && p->wide)
                add_wides(p, y * p->w + x, &wide, 1);
            else if (n > 0)
                add_reals(p, y * p->w + x, &real, 1, (double)n * over);
        }
}

/* The cell that items at these places of a box are of, but for what the axis `but` adds. */
static int64_t base_of(const struct c2_projection *p, const struct c2_box *box, const int64_t *at, int but)
{
    int64_t cell = 0;

    for (int which = 0; which < 2; which++) {
        int axis = p->axes[which];
        if (axis < 0 || axis == but) continue;
        cell += cell_at(p, which, box->first[axis] + at[axis]) * (which ? p->w : 1);
    }
    return cell;
}

bool c2_projection_take(void *ctx, const struct c2_box *box, struct cat2_error *err)
{
    struct c2_projection *p = ctx;
    int64_t at[C2_DIM_MAX] = {0};
    const uint8_t *items = box->items;
    int last = box->ndim - 1; /* lines of items run along it */

    (void)err;
    if (box->constant) {
        take_constant(p, box);
        return true;
    }
    while (last > 0 && box->count[last] == 1)
        last--;
    int64_t n = box->count[last];
    for (int64_t done = 0; done < box->nitems; done += n, items += n * p->num.itemsize) {
        struct run run = {which_of(p, last), base_of(p, box, at, last), box->first[last]};
        take_items(p, run, items, n);
        for (int axis = last - 1; axis >= 0 && ++at[axis] == box->count[axis]; axis--)
            at[axis] = 0;
    }
    return true;
}

/* ---- the result ---- */

/* Numbers between those of a sample are those before them. */
static int64_t sampled(const struct c2_projection *p, int which, int64_t at)
{
    int64_t item = ((at + 1) * p->factor[which] - 1) / p->step[which];

    return p->step[which] > p->factor[which] ? cell_at(p, which, item) : at;
}

static struct c2_num sent(const struct c2_projection *p)
{
    struct c2_num num = p->num;

    if (p->agg == C2_AGG_MEAN) {
        num.out_kind = 'f';
        num.out_size = p->axes[1] < 0 ? 8 : 4;
    }
    return num;
}

void c2_projection_typestr(const struct c2_projection *p, char out[8])
{
    struct c2_num num = sent(p);

    c2_num_typestr(&num, out);
}

bool c2_projection_encode(const struct c2_projection *p, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_num num = sent(p);

    if (!c2_buf_resize(out, (size_t)(p->w * p->h * num.out_size), err)) return false;
    for (int64_t i = 0; i < p->w * p->h; i++) {
        int64_t cell = sampled(p, 1, i / p->w) * p->w + sampled(p, 0, i % p->w);
        uint8_t *to = out->p + i * num.out_size;
        if (p->wide) {
            c2_num_store_i64(&num, &p->wide[cell], 1, to);
            continue;
        }
        double v = p->sums[cell] > 0 ? p->real[cell] : (double)NAN;
        if (p->agg == C2_AGG_MEAN) v /= p->sums[cell];
        c2_num_store(&num, &v, 1, to);
    }
    return true;
}
