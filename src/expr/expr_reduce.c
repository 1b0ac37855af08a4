/* SPDX-License-Identifier: BSD-3-Clause */
/* Reductions, a tile of their argument at a time; and whole boxes, a tile at a time. */
#include <math.h>

#include "expr/expr_impl.h"
#include "wire/real.h"

/* ---- tiles of a box ---- */

struct tiles {
    int ndim;
    int64_t count[C2_DIM_MAX], size[C2_DIM_MAX], at[C2_DIM_MAX];
    bool done;
};

/* As many of the last axes as there is room for. */
static void tiles_init(struct tiles *t, int ndim, const struct c2_axis_sel *axes, int64_t room)
{
    *t = (struct tiles){.ndim = ndim};
    for (int i = ndim - 1; i >= 0; i--) {
        t->count[i] = axes[i].count;
        t->size[i] = c2_max_i64(1, c2_min_i64(room, axes[i].count));
        room /= t->size[i];
        if (t->size[i] < t->count[i]) room = 1;
        t->done = t->done || t->count[i] == 0;
    }
}

static void tile_axes(const struct tiles *t, const struct c2_axis_sel *axes, struct c2_axis_sel *out)
{
    for (int i = 0; i < t->ndim; i++)
        out[i] = (struct c2_axis_sel){axes[i].start + t->at[i] * axes[i].step, axes[i].step,
                                      c2_min_i64(t->size[i], t->count[i] - t->at[i]), false};
}

static void tiles_next(struct tiles *t)
{
    for (int i = t->ndim - 1; i >= 0; i--) {
        t->at[i] += t->size[i];
        if (t->at[i] < t->count[i]) return;
        t->at[i] = 0;
    }
    t->done = true;
}

/* ---- sums ---- */

struct sums {
    const struct c2_expr_node *n, *arg;
    char kind;                  /* of what is added up */
    union c2_cell *acc;         /* of each result */
    double *second;             /* var, std: squares of distances from the mean */
    int64_t *seen;              /* var, std: how many; argmin, argmax: where, -1 nowhere */
    int64_t stride[C2_DIM_MAX]; /* of the axes of the argument in the result; 0: reduced */
};

static bool is_spread(enum c2_expr_op op)
{
    return op == C2_OP_VAR || op == C2_OP_STD;
}

static bool is_arg(enum c2_expr_op op)
{
    return op == C2_OP_ARGMIN || op == C2_OP_ARGMAX;
}

static union c2_cell first_of(const struct sums *s)
{
    bool least = s->n->fn->op == C2_OP_RMIN;

    switch (s->n->fn->op) {
    case C2_OP_PROD:
        return s->kind == 'f' ? (union c2_cell){.f = 1} : (union c2_cell){.i = 1};
    case C2_OP_ALL:
        return (union c2_cell){.i = 1};
    case C2_OP_RMIN:
    case C2_OP_RMAX:
        if (s->kind == 'f') return (union c2_cell){.f = least ? HUGE_VAL : -HUGE_VAL};
        if (s->kind == 'u') return (union c2_cell){.u = least ? UINT64_MAX : 0};
        return (union c2_cell){.i = least ? INT64_MAX : INT64_MIN};
    default:
        return (union c2_cell){.i = 0};
    }
}

/* Is a before b, as the smaller, or larger, one? NaN is before all numbers. */
static bool is_before(char kind, union c2_cell a, union c2_cell b, bool least)
{
    if (kind == 'f') {
        if (isnan(a.f) || isnan(b.f)) return isnan(a.f) && !isnan(b.f);
        return least ? a.f < b.f : a.f > b.f;
    }
    if (kind == 'u') return least ? a.u < b.u : a.u > b.u;
    return least ? a.i < b.i : a.i > b.i;
}

static void add_spread(struct sums *s, int64_t at, double v)
{
    double from_mean = v - s->acc[at].f;

    s->acc[at].f += from_mean / (double)++s->seen[at];
    s->second[at] += from_mean * (v - s->acc[at].f);
}

static void add_one(struct sums *s, int64_t at, union c2_cell v, int64_t place)
{
    union c2_cell *acc = &s->acc[at];
    enum c2_expr_op op = s->n->fn->op;

    switch (op) {
    case C2_OP_PROD:
        if (s->kind == 'f')
            acc->f *= v.f;
        else
            acc->u *= v.u;
        break;
    case C2_OP_ANY:
        acc->u |= v.u;
        break;
    case C2_OP_ALL:
        acc->u &= v.u;
        break;
    case C2_OP_RMIN:
    case C2_OP_RMAX:
        if (is_before(s->kind, v, *acc, op == C2_OP_RMIN)) *acc = v;
        break;
    case C2_OP_ARGMIN:
    case C2_OP_ARGMAX:
        if (s->seen[at] >= 0 && !is_before(s->kind, v, *acc, op == C2_OP_ARGMIN)) break;
        *acc = v;
        s->seen[at] = place;
        break;
    case C2_OP_VAR:
    case C2_OP_STD:
        add_spread(s, at, v.f);
        break;
    default:
        if (s->kind == 'f')
            acc->f += v.f;
        else
            acc->u += v.u;
        break;
    }
}

/* A row of the last axis. */
static void add_row(struct sums *s, int64_t at, int64_t stride, const union c2_cell *cells, int64_t n,
                    int64_t place, int64_t place_step)
{
    enum c2_expr_op op = s->n->fn->op;

    if ((op == C2_OP_SUM || op == C2_OP_MEAN) && s->kind == 'f' && stride == 0) {
        long double sum = 0;
        for (int64_t i = 0; i < n; i++)
            sum += (long double)cells[i].f;
        s->acc[at].f += (double)sum;
        return;
    }
    for (int64_t i = 0; i < n; i++)
        add_one(s, at + i * stride, cells[i], place + i * place_step);
}

static void add_tile(struct sums *s, const struct c2_axis_sel *axes, const union c2_cell *cells)
{
    int ndim = s->arg->ndim, last = ndim - 1;
    int64_t at[C2_DIM_MAX] = {0}, n = ndim ? axes[last].count : 1;
    bool flat = s->n->reduced == ((uint32_t)1 << ndim) - 1;

    for (int64_t rows = c2_expr_count(axes, ndim) / n; rows > 0; rows--, cells += n) {
        int64_t to = 0, place = 0, step = 0;
        for (int i = 0; i < ndim; i++) {
            int64_t here = axes[i].start + (i < last ? at[i] : 0);
            bool counts = flat || s->stride[i] == 0;
            to += here * s->stride[i];
            if (flat) place = place * s->arg->shape[i];
            if (counts) place += here;
            if (i == last) step = counts;
        }
        add_row(s, to, ndim ? s->stride[last] : 0, cells, n, place, step);
        for (int i = last - 1; i >= 0 && ++at[i] == axes[i].count; i--)
            at[i] = 0;
    }
}

static void finish(struct sums *s, int64_t nresults)
{
    enum c2_expr_op op = s->n->fn->op;
    double n = 1;

    for (int i = 0; i < s->arg->ndim; i++)
        if (s->n->reduced >> i & 1) n *= (double)s->arg->shape[i];
    for (int64_t i = 0; i < nresults; i++) {
        if (op == C2_OP_MEAN) s->acc[i].f /= n;
        if (is_spread(op)) s->acc[i].f = s->second[i] / (n - s->n->ddof < 0 ? 0 : n - s->n->ddof);
        if (op == C2_OP_STD) s->acc[i].f = sqrt(s->acc[i].f);
        if (is_arg(op)) s->acc[i].i = s->seen[i];
    }
    c2_expr_convert(s->n->kind, s->acc, nresults, s->n->kind, s->n->size);
}

static bool begin(struct sums *s, int64_t nresults, struct cat2_error *err)
{
    enum c2_expr_op op = s->n->fn->op;

    s->kind = op == C2_OP_SUM || op == C2_OP_PROD || op == C2_OP_MEAN || is_spread(op) || op == C2_OP_ANY ||
                      op == C2_OP_ALL
                  ? s->n->kind
                  : s->arg->kind;
    s->acc = malloc((size_t)(nresults + 1) * sizeof(*s->acc));
    s->second = calloc(is_spread(op) ? (size_t)nresults + 1 : 1, sizeof(*s->second));
    s->seen = calloc(is_spread(op) || is_arg(op) ? (size_t)nresults + 1 : 1, sizeof(*s->seen));
    if (!s->acc || !s->second || !s->seen) return c2_fail_nomem(err, "expression");
    union c2_cell first = first_of(s);
    for (int64_t i = 0; i < nresults; i++) {
        s->acc[i] = first;
        if (is_arg(op)) s->seen[i] = -1;
    }
    int64_t stride = 1;
    for (int i = s->arg->ndim - 1; i >= 0; i--) {
        bool gone = s->n->reduced >> i & 1;
        s->stride[i] = gone ? 0 : stride;
        if (!gone) stride *= s->arg->shape[i];
    }
    return true;
}

static bool add_all(struct c2_expr_run *r, struct sums *s, int arg)
{
    struct c2_axis_sel all[C2_DIM_MAX] = {0}, part[C2_DIM_MAX];
    int ndim = s->arg->ndim;
    struct tiles tiles;
    bool ok = true;

    for (int i = 0; i < ndim; i++)
        all[i] = (struct c2_axis_sel){0, 1, s->arg->shape[i], false};
    tiles_init(&tiles, ndim, all, c2_expr_room(r->expr, arg));
    int64_t most = 1;
    for (int i = 0; i < ndim; i++)
        most *= tiles.size[i];
    union c2_cell *cells = malloc((size_t)most * sizeof(*cells));
    if (!cells) return c2_fail_nomem(r->err, "expression");
    for (; ok && !tiles.done; tiles_next(&tiles)) {
        tile_axes(&tiles, all, part);
        int64_t n = c2_expr_count(part, ndim);
        ok = c2_expr_cells(r, arg, part, cells);
        if (ok && s->kind != s->arg->kind) c2_expr_convert(s->arg->kind, cells, n, s->kind, 8);
        if (ok) add_tile(s, part, cells);
    }
    free(cells);
    return ok;
}

bool c2_expr_keep(struct c2_expr_run *r, int node)
{
    struct c2_expr_node *n = c2_expr_at(r->expr, node);
    struct sums s = {.n = n, .arg = c2_expr_at(r->expr, n->args[0])};
    int64_t nresults = c2_expr_nitems(n);
    bool ok = begin(&s, nresults, r->err) && add_all(r, &s, n->args[0]);

    if (ok) finish(&s, nresults);
    if (ok) n->kept = s.acc;
    if (!ok) free(s.acc);
    free(s.second);
    free(s.seen);
    return ok;
}

/* ---- items ---- */

static void put_item(uint8_t *p, const struct c2_dtype *as, bool swapped, union c2_cell c)
{
    float single = (float)c.f;
    uint64_t v = c.u;
    uint32_t low;

    if (as->kind == 'f' && as->itemsize == 4) {
        memcpy(&low, &single, sizeof(low));
        v = low;
    } else if (as->kind == 'f' && as->itemsize == 2) {
        v = c2_half_bits(c.f);
    }
    for (int64_t i = 0; i < as->itemsize; i++) /* this machine is little-endian, as all it runs on */
        p[swapped ? as->itemsize - 1 - i : i] = (uint8_t)(v >> (8 * i));
}

bool c2_expr_eval(struct c2_expr *expr, int node, const struct c2_expr_source *source,
                  const struct c2_axis_sel *axes, const struct c2_dtype *as, uint8_t *items,
                  struct cat2_error *err)
{
    struct c2_expr_run run = {expr, source, err};
    const struct c2_expr_node *n = c2_expr_at(expr, node);
    struct c2_axis_sel part[C2_DIM_MAX];
    bool swapped = c2_dtype_swapped(as), ok = true;
    struct tiles tiles;

    bool real = as->kind == 'f' && as->itemsize <= 8;
    if (as->nfields || !(real || as->kind == 'b' || as->kind == 'i' || as->kind == 'u'))
        return c2_fail(err, CAT2_EUNSUPPORTED, "results of the type '%c%lld' are not computed", as->kind,
                       (long long)as->itemsize);
    tiles_init(&tiles, n->ndim, axes, c2_expr_room(expr, node));
    int64_t most = 1;
    for (int i = 0; i < n->ndim; i++)
        most *= tiles.size[i];
    union c2_cell *cells = malloc((size_t)most * sizeof(*cells));
    if (!cells) return c2_fail_nomem(err, "expression");
    for (; ok && !tiles.done; tiles_next(&tiles)) { /* one after the other in C order */
        tile_axes(&tiles, axes, part);
        int64_t count = c2_expr_count(part, n->ndim);
        ok = c2_expr_cells(&run, node, part, cells);
        if (!ok) break;
        c2_expr_convert(n->kind, cells, count, as->kind, (int)as->itemsize);
        for (int64_t i = 0; i < count; i++, items += as->itemsize)
            put_item(items, as, swapped, cells[i]);
    }
    free(cells);
    return ok;
}
