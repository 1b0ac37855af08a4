/* SPDX-License-Identifier: BSD-3-Clause */
/* Boxes of nodes. */
#include "base/cancel.h"
#include "expr/expr_impl.h"
#include "ndim/grid.h"
#include "ndim/item.h"

#define CELL ((int64_t)sizeof(union c2_cell))

int64_t c2_expr_count(const struct c2_axis_sel *axes, int ndim)
{
    int64_t n = 1;

    for (int i = 0; i < ndim; i++)
        n *= axes[i].count;
    return n;
}

int64_t c2_expr_room(const struct c2_expr *expr, int node)
{
    int64_t live = 3 * (int64_t)(c2_expr_at(expr, node)->depth + 1);

    return c2_max_i64(4096, C2_EXPR_CELLS / live);
}

static union c2_cell *new_cells(int64_t n, struct cat2_error *err)
{
    union c2_cell *cells = malloc((size_t)(n + 1) * sizeof(*cells));

    if (!cells) c2_fail_nomem(err, "expression");
    return cells;
}

/* ---- what is read ---- */

static struct c2_bound bound_of(const struct c2_expr_node *n, const struct c2_axis_sel *axes)
{
    struct c2_bound bound = {.ndim = n->ndim, .out_ndim = n->ndim, .nitems = 1};

    for (int i = 0; i < n->ndim; i++) {
        bound.axes[i] = axes[i];
        bound.axes[i].dropped = false;
        bound.out_shape[i] = axes[i].count;
        bound.nitems *= axes[i].count;
    }
    return bound;
}

static void take_items(const struct c2_expr_node *n, const uint8_t *items, int64_t count, union c2_cell *out)
{
    const uint8_t *p = items + n->offset;

    for (int64_t i = 0; i < count; i++, p += n->whole->itemsize) {
        if (n->kind == 'f')
            out[i].f = c2_item_real(p, n->size, n->swapped);
        else if (n->kind == 'i')
            out[i].i = c2_item_int(p, n->size, n->swapped);
        else
            out[i].u = n->kind == 'b' ? *p != 0 : c2_item_uint(p, n->size, n->swapped);
    }
}

static bool read_operand(struct c2_expr_run *r, const struct c2_expr_node *n, const struct c2_axis_sel *axes,
                         union c2_cell *out)
{
    C2_AUTO(c2_buf) items = C2_BUF_INIT(C2_CHUNK_NBYTES_MAX);
    struct c2_bound bound = bound_of(n, axes);

    if (!r->source->read(r->source->ctx, n->id, &bound, &items, r->err)) return false;
    C2_ASSERT(items.n == (size_t)(bound.nitems * n->whole->itemsize));
    take_items(n, items.p, bound.nitems, out);
    return true;
}

/* ---- arguments ---- */

/* The box of an argument that is spread along the axes it does not have. */
static void axes_of_arg(const struct c2_expr_node *n, const struct c2_expr_node *arg,
                        const struct c2_axis_sel *axes, struct c2_axis_sel *out)
{
    int before = n->ndim - arg->ndim;

    for (int i = 0; i < arg->ndim; i++)
        out[i] = arg->shape[i] == 1 && n->shape[before + i] != 1 ? (struct c2_axis_sel){0, 1, 1, false}
                                                                 : axes[before + i];
}

static void spread(const struct c2_expr_node *n, const struct c2_expr_node *arg,
                   const struct c2_axis_sel *axes, const struct c2_axis_sel *of_arg,
                   const union c2_cell *from, union c2_cell *to)
{
    int64_t in = CELL, out = CELL;
    struct c2_stride strides[C2_DIM_MAX];

    for (int i = n->ndim - 1, j = arg->ndim - 1; i >= 0; i--, j--) {
        bool spreads = j < 0 || (of_arg[j].count == 1 && axes[i].count != 1);
        strides[i] = (struct c2_stride){axes[i].count, spreads ? 0 : in, out};
        if (j >= 0) in *= of_arg[j].count;
        out *= axes[i].count;
    }
    c2_grid_copy(strides, n->ndim, sizeof(*to), (const uint8_t *)from, (uint8_t *)to);
}

/* An argument as the function needs it; *kind: of its cells. */
static bool take_arg(struct c2_expr_run *r, const struct c2_expr_node *n, int i,
                     const struct c2_axis_sel *axes, union c2_cell *out, char *kind)
{
    struct c2_axis_sel of_arg[C2_DIM_MAX] = {{0}};
    const struct c2_expr_node *arg = c2_expr_at(r->expr, n->args[i]);
    int64_t count = c2_expr_count(axes, n->ndim);

    axes_of_arg(n, arg, axes, of_arg);
    int64_t own = c2_expr_count(of_arg, arg->ndim);
    union c2_cell *cells = own == count ? out : new_cells(own, r->err);
    bool ok = cells && c2_expr_cells(r, n->args[i], of_arg, cells);
    *kind = arg->kind;
    bool as_it_is = n->sort == C2_SORT_COMPARE && n->common_kind != 'f';
    if (ok && n->sort == C2_SORT_WHERE && i == 0) {
        c2_expr_convert(arg->kind, cells, own, 'b', 1);
    } else if (ok && !as_it_is) {
        c2_expr_convert(arg->kind, cells, own, n->common_kind, n->common_size);
        *kind = n->common_kind;
    }
    if (ok && cells != out) spread(n, arg, axes, of_arg, cells, out);
    if (cells != out) free(cells);
    return ok;
}

static bool apply(struct c2_expr_run *r, const struct c2_expr_node *n, const struct c2_axis_sel *axes,
                  union c2_cell *out)
{
    int64_t count = c2_expr_count(axes, n->ndim);
    union c2_cell *args[3] = {out, NULL, NULL};
    char kinds[3] = {'b', 'b', 'b'};
    bool ok = true;

    for (int i = 0; ok && i < n->nargs; i++) {
        if (i) args[i] = new_cells(count, r->err);
        ok = args[i] && take_arg(r, n, i, axes, args[i], &kinds[i]);
    }
    if (ok) c2_expr_compute(n, kinds, args, count);
    free(args[1]);
    free(args[2]);
    return ok;
}

/* ---- what is made of places ---- */

static void fill_range(const struct c2_expr_node *n, const struct c2_axis_sel *axes, union c2_cell *out)
{
    int64_t at[C2_DIM_MAX] = {0}, stride[C2_DIM_MAX], size = 1, count = c2_expr_count(axes, n->ndim);

    for (int i = n->ndim - 1; i >= 0; i--) {
        stride[i] = size;
        size *= n->shape[i];
    }
    for (int64_t k = 0; k < count; k++) {
        int64_t place = 0;
        for (int i = 0; i < n->ndim; i++)
            place += (axes[i].start + at[i] * axes[i].step) * stride[i];
        bool last = n->has_last && place == n->count - 1;
        out[k].f = last ? n->last : (double)place * n->step + n->first;
        for (int i = n->ndim - 1; i >= 0 && ++at[i] == axes[i].count; i--)
            at[i] = 0;
    }
    c2_expr_convert('f', out, count, n->kind, n->size);
}

static void fill_kept(const struct c2_expr_node *n, const struct c2_axis_sel *axes, union c2_cell *out)
{
    const union c2_cell *from = n->kept;
    struct c2_stride strides[C2_DIM_MAX];
    int64_t in = 1, to = CELL;

    for (int i = n->ndim - 1; i >= 0; i--) {
        strides[i] = (struct c2_stride){axes[i].count, in * axes[i].step * CELL, to};
        from += in * axes[i].start;
        in *= n->shape[i];
        to *= axes[i].count;
    }
    c2_grid_copy(strides, n->ndim, sizeof(*out), (const uint8_t *)from, (uint8_t *)out);
}

/* ---- slices, transposed and joined arrays ---- */

static void axes_of_slice(const struct c2_expr *expr, const struct c2_expr_node *n,
                          const struct c2_axis_sel *axes, struct c2_axis_sel *out)
{
    const struct c2_expr_node *arg = c2_expr_at(expr, n->args[0]);

    for (int i = 0, at = 0; i < arg->ndim; i++) {
        const struct c2_axis_sel *sel = &n->sel[i];
        if (sel->dropped) {
            out[i] = (struct c2_axis_sel){sel->start, 1, 1, false};
            continue;
        }
        const struct c2_axis_sel *a = &axes[at++];
        out[i] = (struct c2_axis_sel){sel->start + sel->step * a->start,
                                      a->count > 1 ? sel->step * a->step : 1, a->count, false};
    }
}

static bool permute(struct c2_expr_run *r, const struct c2_expr_node *n, const struct c2_axis_sel *axes,
                    union c2_cell *out)
{
    struct c2_axis_sel turned[C2_DIM_MAX] = {{0}};
    struct c2_stride strides[C2_DIM_MAX];
    int64_t count = c2_expr_count(axes, n->ndim), in = CELL, to = CELL;
    union c2_cell *cells = new_cells(count, r->err);

    for (int i = 0; i < n->ndim; i++) {
        turned[i] = axes[n->ndim - 1 - i];
        strides[i] = (struct c2_stride){axes[i].count, in, 0};
        in *= axes[i].count;
    }
    for (int i = n->ndim - 1; i >= 0; i--) {
        strides[i].to = to;
        to *= axes[i].count;
    }
    bool ok = cells && c2_expr_cells(r, n->args[0], turned, cells);
    if (ok) c2_grid_copy(strides, n->ndim, sizeof(*out), (const uint8_t *)cells, (uint8_t *)out);
    free(cells);
    return ok;
}

/* Which array of a row has the k-th item of a box along the axis, where in it, and how many follow there. */
struct run_of {
    int arg;
    struct c2_axis_sel sel;
};

static struct run_of run_at(const struct c2_expr *expr, const struct c2_expr_node *n,
                            const struct c2_axis_sel *axis, int64_t k)
{
    int64_t place = axis->start + k * axis->step, low = 0;
    struct run_of run = {.arg = (int)place, .sel = {0, 1, 1, false}};

    if (n->sort == C2_SORT_STACK) return run;
    for (run.arg = 0;; run.arg++) {
        int64_t length = c2_expr_at(expr, c2_expr_arg(expr, n, run.arg))->shape[n->axis];
        if (place < low + length) {
            int64_t left = axis->step > 0 ? low + length - 1 - place : place - low;
            int64_t step = axis->step > 0 ? axis->step : -axis->step;
            run.sel = (struct c2_axis_sel){place - low, axis->step,
                                           c2_min_i64(left / step + 1, axis->count - k), false};
            return run;
        }
        low += length;
    }
}

/* The box of an argument of a join. */
static void axes_of_run(const struct c2_expr_node *n, const struct c2_axis_sel *axes,
                        const struct run_of *run, struct c2_axis_sel *out)
{
    bool concat = n->sort == C2_SORT_CONCAT;

    for (int i = 0, at = 0; i < n->ndim; i++)
        if (i != n->axis)
            out[at++] = axes[i];
        else if (concat)
            out[at++] = run->sel;
}

static bool join(struct c2_expr_run *r, const struct c2_expr_node *n, const struct c2_axis_sel *axes,
                 union c2_cell *out)
{
    int64_t before = c2_expr_count(axes, n->axis), behind = 1;
    struct c2_axis_sel of_arg[C2_DIM_MAX] = {{0}};
    union c2_cell *cells = new_cells(c2_expr_count(axes, n->ndim), r->err);
    const struct c2_axis_sel *axis = &axes[n->axis];
    bool ok = cells != NULL;

    for (int i = n->axis + 1; i < n->ndim; i++)
        behind *= axes[i].count;
    for (int64_t k = 0; ok && k < axis->count;) {
        struct run_of run = run_at(r->expr, n, axis, k);
        int arg = c2_expr_arg(r->expr, n, run.arg);
        int64_t length = run.sel.count * behind;
        axes_of_run(n, axes, &run, of_arg);
        ok = c2_expr_cells(r, arg, of_arg, cells);
        if (ok) c2_expr_convert(c2_expr_at(r->expr, arg)->kind, cells, before * length, n->kind, n->size);
        for (int64_t i = 0; ok && i < before; i++)
            memcpy(out + (i * axis->count + k) * behind, cells + i * length, (size_t)length * sizeof(*cells));
        k += run.sel.count;
    }
    free(cells);
    return ok;
}

bool c2_expr_cells(struct c2_expr_run *r, int node, const struct c2_axis_sel *axes, union c2_cell *out)
{
    const struct c2_expr_node *n = c2_expr_at(r->expr, node);
    int64_t count = c2_expr_count(axes, n->ndim);
    struct c2_axis_sel of_arg[C2_DIM_MAX] = {{0}};

    if (c2_cancelled(r->err)) return false;
    if (count == 0) return true;
    switch (n->sort) {
    case C2_SORT_CONST:
        for (int64_t i = 0; i < count; i++)
            out[i] = n->value;
        return true;
    case C2_SORT_OPERAND:
        return read_operand(r, n, axes, out);
    case C2_SORT_REDUCE:
        if (!n->kept && !c2_expr_keep(r, node)) return false;
        fill_kept(n, axes, out);
        return true;
    case C2_SORT_RANGE:
        fill_range(n, axes, out);
        return true;
    case C2_SORT_CONCAT:
    case C2_SORT_STACK:
        return join(r, n, axes, out);
    case C2_SORT_SLICE:
        axes_of_slice(r->expr, n, axes, of_arg);
        return c2_expr_cells(r, n->args[0], of_arg, out);
    case C2_SORT_PERMUTE:
        return permute(r, n, axes, out);
    default:
        return apply(r, n, axes, out);
    }
}

/* ---- what a box needs ---- */

void c2_expr_needs(const struct c2_expr *expr, int node, const struct c2_axis_sel *axes,
                   void (*fn)(void *ctx, int id, const struct c2_bound *bound), void *ctx)
{
    const struct c2_expr_node *n = c2_expr_at(expr, node);
    struct c2_axis_sel of_arg[C2_DIM_MAX] = {{0}};

    if (c2_expr_count(axes, n->ndim) == 0 && n->sort != C2_SORT_REDUCE) return;
    if (n->sort == C2_SORT_OPERAND) {
        struct c2_bound bound = bound_of(n, axes);
        fn(ctx, n->id, &bound);
        return;
    }
    for (int i = 0; i < n->nargs; i++) {
        int arg = c2_expr_arg(expr, n, i);
        const struct c2_expr_node *of = c2_expr_at(expr, arg);
        if (n->sort == C2_SORT_SLICE) {
            axes_of_slice(expr, n, axes, of_arg);
        } else if (n->sort == C2_SORT_PERMUTE) {
            for (int k = 0; k < n->ndim; k++)
                of_arg[k] = axes[n->ndim - 1 - k];
        } else if (n->sort == C2_SORT_REDUCE || n->sort == C2_SORT_CONCAT || n->sort == C2_SORT_STACK) {
            for (int k = 0; k < of->ndim; k++)
                of_arg[k] = (struct c2_axis_sel){0, 1, of->shape[k], false};
        } else {
            axes_of_arg(n, of, axes, of_arg);
        }
        c2_expr_needs(expr, arg, of_arg, fn, ctx);
    }
}

int64_t c2_expr_work(const struct c2_expr *expr, int node, int64_t nitems)
{
    const struct c2_expr_node *n = c2_expr_at(expr, node);
    int64_t work = nitems, more;

    for (int i = 0; i < n->nargs; i++) {
        int arg = c2_expr_arg(expr, n, i);
        int64_t all = c2_expr_nitems(c2_expr_at(expr, arg));
        more = c2_expr_work(expr, arg, n->sort == C2_SORT_REDUCE ? all : c2_min_i64(all, nitems));
        if (!c2_add_i64(work, more, &work)) return INT64_MAX;
    }
    return work;
}
