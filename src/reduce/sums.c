/* SPDX-License-Identifier: BSD-3-Clause */
/* Each run of items of one cell is reduced by itself and then added. */
#include "reduce/sums.h"

#include <math.h>
#include <stdlib.h>

#define RUN 4096 /* numbers loaded at a time */

bool c2_agg_parse(struct c2_str text, const struct c2_num *num, enum c2_agg *out, struct cat2_error *err)
{
    *out = c2_num_is_real(num) ? C2_AGG_MEAN : C2_AGG_MAX;
    if (text.n == 0) return true;
    for (int i = C2_AGG_MEAN; i <= C2_AGG_NEAREST; i++)
        if (c2_str_is(text, c2_agg_name((enum c2_agg)i))) {
            *out = (enum c2_agg)i;
            return true;
        }
    return c2_fail(err, CAT2_EINVAL, "agg '%.*s' is none of mean, max, min, nearest",
                   (int)c2_min_i64(20, (int64_t)text.n), text.p);
}

const char *c2_agg_name(enum c2_agg agg)
{
    static const char *const names[] = {"mean", "max", "min", "nearest"};

    return names[agg];
}

bool c2_sums_begin(struct c2_sums *sums, int64_t w, int64_t h, struct cat2_error *err)
{
    int64_t n;

    sums->w = w;
    sums->h = h;
    if (!c2_mul_i64(w, h, &n)) return c2_fail(err, CAT2_ELIMIT, "the picture is too large");
    sums->counts = calloc((size_t)n + 1, sizeof(*sums->counts));
    if (sums->num.wide && sums->agg != C2_AGG_MEAN)
        sums->wide = calloc((size_t)n + 1, sizeof(*sums->wide));
    else
        sums->real = calloc((size_t)n + 1, sizeof(*sums->real));
    return (sums->counts && (sums->wide || sums->real)) || c2_fail_nomem(err, "picture");
}

void c2_sums_fini(struct c2_sums *sums)
{
    free(sums->real);
    free(sums->counts);
    free(sums->wide);
    sums->real = sums->counts = NULL;
    sums->wide = NULL;
}

/* ---- adding ---- */

/* What n numbers come to. Not larger, so that it is returned in registers. */
struct some {
    union {
        double v;
        int64_t wide;
    };
    double n;
};

static struct some reduce_real(enum c2_agg agg, const double *from, int64_t n)
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
    return (struct some){.v = agg == C2_AGG_MAX ? top : agg == C2_AGG_MIN ? low : sum, .n = (double)count};
}

static struct some reduce_wide(enum c2_agg agg, const int64_t *from, int64_t n)
{
    int64_t v = from[0];

    for (int64_t i = 1; i < n; i++)
        v = (agg == C2_AGG_MAX ? from[i] > v : from[i] < v) ? from[i] : v;
    return (struct some){.wide = v, .n = (double)n};
}

static inline void add(struct c2_sums *sums, int64_t cell, struct some some)
{
    bool first = sums->counts[cell] == 0, max = sums->agg == C2_AGG_MAX;

    if (some.n == 0) return;
    if (sums->wide) {
        int64_t *v = &sums->wide[cell];
        if (first || (max ? some.wide > *v : some.wide < *v)) *v = some.wide;
    } else {
        double *v = &sums->real[cell];
        if (sums->agg == C2_AGG_MEAN)
            *v += some.v;
        else if (first || (max ? some.v > *v : some.v < *v))
            *v = some.v;
    }
    sums->counts[cell] += some.n;
}

void c2_sums_add(struct c2_sums *sums, int64_t cell, const struct c2_sums *from, int64_t at)
{
    struct some some = {.n = from->counts[at]};

    if (from->wide)
        some.wide = from->wide[at];
    else
        some.v = from->real[at];
    add(sums, cell, some);
}

/* ---- boxes ---- */

/* Items of a box along an axis: `count` from `first` on, and their cells. */
struct cells {
    int64_t first, count, step, factor;
    int64_t stride; /* between cells */
};

static struct cells cells_of(const struct c2_sums *sums, const struct c2_along *along, int which,
                             const struct c2_box *box)
{
    int axis = along[which].axis;

    if (axis < 0) return (struct cells){0, 1, 1, 1, 0};
    return (struct cells){box->first[axis], box->count[axis], along[which].step, along[which].factor,
                          which ? sums->w : 1};
}

static int64_t cell_of(const struct cells *cells, int64_t item)
{
    return item * cells->step / cells->factor;
}

/* The first item of a cell. */
static int64_t first_of(const struct cells *cells, int64_t cell)
{
    return cells->step == 1 ? cell * cells->factor : c2_div_ceil(cell * cells->factor, cells->step);
}

static void take_numbers(struct c2_sums *sums, int64_t base, const struct cells *cells, int64_t n,
                         const double *real, const int64_t *wide)
{
    enum c2_agg agg = sums->agg;
    bool jumps = cells->step > cells->factor; /* over cells that have no item */
    int64_t at = cell_of(cells, cells->first);

    for (int64_t i = 0, end; i < n; i = end, at = jumps ? cell_of(cells, cells->first + i) : at + 1) {
        int64_t cell = base + at * cells->stride;
        end = c2_min_i64(n, first_of(cells, at + 1) - cells->first);
        add(sums, cell, wide ? reduce_wide(agg, wide + i, end - i) : reduce_real(agg, real + i, end - i));
    }
}

void c2_sums_load(const struct c2_sums *sums, const uint8_t *items, int64_t n, double *real, int64_t *wide)
{
    if (sums->wide)
        c2_num_load_i64(&sums->num, items, n, wide);
    else
        c2_num_load(&sums->num, items, n, real);
}

/* Items one after the other. */
static void take_items(struct c2_sums *sums, int64_t base, struct cells cells, const uint8_t *items)
{
    double real[RUN];
    int64_t wide[RUN];

    for (int64_t n; cells.count > 0; cells.count -= n, cells.first += n, items += n * sums->num.itemsize) {
        n = c2_min_i64(cells.count, RUN);
        c2_sums_load(sums, items, n, real, wide);
        take_numbers(sums, base, &cells, n, real, sums->wide ? wide : NULL);
    }
}

/* The line of items along `last` at this place of the box. */
static void take_line(struct c2_sums *sums, const struct c2_along along[2], const struct c2_box *box,
                      const int64_t *at, int last, const uint8_t *items)
{
    struct cells line = {0, box->count[last], 1, box->count[last], 0};
    int64_t base = 0;

    for (int which = 0; which < 2; which++) {
        struct cells cells = cells_of(sums, along, which, box);
        if (along[which].axis == last)
            line = cells;
        else if (along[which].axis >= 0)
            base += cell_of(&cells, cells.first + at[along[which].axis]) * cells.stride;
    }
    take_items(sums, base, line, items);
}

/* Items of these in a cell. */
static int64_t items_in(const struct cells *cells, int64_t cell)
{
    return c2_min_i64(first_of(cells, cell + 1), cells->first + cells->count) -
           c2_max_i64(first_of(cells, cell), cells->first);
}

/* Many items of one value: cell by cell. */
static void take_constant(struct c2_sums *sums, const struct c2_along along[2], const struct c2_box *box)
{
    struct cells x = cells_of(sums, along, 0, box), y = cells_of(sums, along, 1, box);
    double over = (double)box->nitems / (double)x.count / (double)y.count; /* along other axes */
    struct some one = {.n = 1};

    c2_sums_load(sums, box->items, 1, &one.v, &one.wide);
    if (!sums->wide && isnan(one.v)) return;
    for (int64_t j = cell_of(&y, y.first); first_of(&y, j) < y.first + y.count; j++)
        for (int64_t i = cell_of(&x, x.first); first_of(&x, i) < x.first + x.count; i++) {
            struct some all = one;
            all.n = (double)items_in(&x, i) * (double)items_in(&y, j) * over;
            if (sums->agg == C2_AGG_MEAN) all.v *= all.n;
            add(sums, j * y.stride + i * x.stride, all);
        }
}

void c2_sums_take(struct c2_sums *sums, const struct c2_along along[2], const struct c2_box *box)
{
    int64_t at[C2_DIM_MAX] = {0};
    int last = box->ndim - 1;

    if (box->constant) {
        take_constant(sums, along, box);
        return;
    }
    while (last > 0 && box->count[last] == 1)
        last--;
    for (int64_t done = 0; done < box->nitems; done += box->count[last]) {
        take_line(sums, along, box, at, last, box->items + done * sums->num.itemsize);
        for (int axis = last - 1; axis >= 0 && ++at[axis] == box->count[axis]; axis--)
            at[axis] = 0;
    }
}

/* ---- the result ---- */

static struct c2_num sent(const struct c2_sums *sums)
{
    struct c2_num num = sums->num;

    if (sums->agg == C2_AGG_MEAN) {
        num.out_kind = 'f';
        num.out_size = sums->means_f8 ? 8 : 4;
    }
    return num;
}

void c2_sums_typestr(const struct c2_sums *sums, char out[8])
{
    struct c2_num num = sent(sums);

    c2_num_typestr(&num, out);
}

bool c2_sums_encode(const struct c2_sums *sums, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_num num = sent(sums);
    int64_t n = sums->w * sums->h;

    if (!c2_buf_resize(out, (size_t)(n * num.out_size), err)) return false;
    if (sums->wide) {
        c2_num_store_i64(&num, sums->wide, n, out->p);
        return true;
    }
    for (int64_t i = 0; i < n; i++) {
        double v = c2_sums_value(sums, i);
        c2_num_store(&num, &v, 1, out->p + i * num.out_size);
    }
    return true;
}
