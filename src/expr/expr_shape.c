/* SPDX-License-Identifier: BSD-3-Clause */
/* Nodes that change shapes: reductions, joined arrays, slices. */
#include "expr/expr_impl.h"

static char sum_kind(const struct c2_expr_node *arg)
{
    return arg->kind == 'b' ? 'i' : arg->kind;
}

static void reduced_type(struct c2_expr_node *n, const struct c2_expr_node *arg)
{
    n->kind = arg->kind;
    n->size = arg->size;
    switch (n->fn->op) {
    case C2_OP_SUM:
    case C2_OP_PROD:
        n->kind = sum_kind(arg);
        if (n->kind != 'f') n->size = 8;
        break;
    case C2_OP_MEAN:
    case C2_OP_VAR:
    case C2_OP_STD:
        if (n->kind != 'f') n->size = 8;
        n->kind = 'f';
        break;
    case C2_OP_ANY:
    case C2_OP_ALL:
        n->kind = 'b';
        n->size = 1;
        break;
    case C2_OP_ARGMIN:
    case C2_OP_ARGMAX:
        n->kind = 'i';
        n->size = 8;
        break;
    default:
        break;
    }
}

static bool has_something(const struct c2_expr_node *n, const struct c2_expr_node *arg,
                          struct cat2_error *err)
{
    bool needs = n->fn->op == C2_OP_RMIN || n->fn->op == C2_OP_RMAX || n->fn->op == C2_OP_ARGMIN ||
                 n->fn->op == C2_OP_ARGMAX;

    for (int i = 0; needs && i < arg->ndim; i++)
        if (n->reduced >> i & 1 && arg->shape[i] == 0)
            return c2_fail(err, CAT2_EINVAL, "%s of no items", n->fn->name);
    return true;
}

bool c2_expr_reduce(struct c2_expr *expr, const struct c2_expr_fn *fn, int arg, uint32_t axes, bool keepdims,
                    double ddof, int *node, struct cat2_error *err)
{
    const struct c2_expr_node *of = c2_expr_at(expr, arg);
    struct c2_expr_node n = {.fn = fn, .sort = C2_SORT_REDUCE, .nargs = 1, .args = {arg}, .ddof = ddof};

    if (of->kind == 'V')
        return c2_fail(err, CAT2_EINVAL, "an operand whose items have fields is used by its fields");
    n.reduced = axes ? axes : ((uint32_t)1 << of->ndim) - 1;
    n.keepdims = keepdims;
    for (int i = 0; i < of->ndim; i++) {
        bool gone = n.reduced >> i & 1;
        if (!gone || keepdims) n.shape[n.ndim++] = gone ? 1 : of->shape[i];
    }
    reduced_type(&n, of);
    if (!has_something(&n, of, err) || !c2_expr_check_shape(n.shape, n.ndim, err)) return false;
    expr->nkept += c2_min_i64(C2_EXPR_KEPT, c2_expr_nitems(&n));
    if (expr->nkept >= C2_EXPR_KEPT)
        return c2_fail(err, CAT2_ELIMIT, "the reductions of an expression have up to %lld numbers together",
                       (long long)C2_EXPR_KEPT);
    return c2_expr_add(expr, &n, node, err);
}

static bool read_axis(int64_t axis, int ndim, int *out, struct cat2_error *err)
{
    if (axis < -ndim || axis >= ndim)
        return c2_fail(err, CAT2_EINVAL, "axis %lld is out of bounds for %d axes", (long long)axis, ndim);
    *out = (int)(axis < 0 ? axis + ndim : axis);
    return true;
}

static bool goes_with(const struct c2_expr_node *n, const struct c2_expr_node *arg, bool concat,
                      struct cat2_error *err)
{
    bool same = n->ndim == arg->ndim;

    for (int i = 0; same && i < n->ndim; i++)
        same = (concat && i == n->axis) || n->shape[i] == arg->shape[i];
    return same || c2_fail(err, CAT2_EINVAL, "%s: the arrays have different shapes", n->fn->name);
}

bool c2_expr_join(struct c2_expr *expr, const struct c2_expr_fn *fn, const int *args, int nargs, int64_t axis,
                  int *node, struct cat2_error *err)
{
    bool concat = fn->sort == C2_SORT_CONCAT;
    struct c2_expr_node n = *c2_expr_at(expr, args[0]), kind = n;
    int first = (int)expr->lists.n;

    n = (struct c2_expr_node){
        .fn = fn, .sort = fn->sort, .ndim = n.ndim, .nargs = nargs, .args = {first}, .kind = n.kind};
    memcpy(n.shape, kind.shape, sizeof(n.shape));
    if (!read_axis(axis, n.ndim + !concat, &n.axis, err)) return false;
    for (int i = 0; i < nargs; i++) {
        const struct c2_expr_node *arg = c2_expr_at(expr, args[i]);
        bool weak = kind.weak && arg->weak;
        if (arg->kind == 'V')
            return c2_fail(err, CAT2_EINVAL, "an operand whose items have fields is used by its fields");
        if (!goes_with(&n, arg, concat, err) ||
            (i && !c2_expr_common(&kind, arg, &kind.kind, &kind.size, err)) ||
            !c2_vec_push(&expr->lists, C2_EXPR_NODES_MAX, "arrays that are put together", err, args[i]))
            return false;
        kind.weak = weak;
        if (concat && i && !c2_add_i64(n.shape[n.axis], arg->shape[n.axis], &n.shape[n.axis]))
            return c2_fail(err, CAT2_ELIMIT, "an array of the expression is too large");
    }
    n.kind = n.common_kind = kind.kind;
    n.size = n.common_size = kind.size;
    if (!concat) {
        if (n.ndim == C2_DIM_MAX) return c2_fail(err, CAT2_ELIMIT, "stack: more than %d axes", C2_DIM_MAX);
        memmove(n.shape + n.axis + 1, n.shape + n.axis, (size_t)(n.ndim - n.axis) * sizeof(*n.shape));
        n.shape[n.axis] = nargs;
        n.ndim++;
    }
    return c2_expr_add(expr, &n, node, err);
}

bool c2_expr_slice(struct c2_expr *expr, int arg, const struct c2_slice *slice, int *node,
                   struct cat2_error *err)
{
    const struct c2_expr_node *of = c2_expr_at(expr, arg);
    struct c2_expr_node n = {.fn = c2_expr_fn_at(C2_OP_SLICE),
                             .sort = C2_SORT_SLICE,
                             .nargs = 1,
                             .args = {arg},
                             .kind = of->kind,
                             .size = of->size};
    struct c2_bound bound;

    if (of->kind == 'V')
        return c2_fail(err, CAT2_EINVAL, "an operand whose items have fields is used by its fields");
    if (!c2_slice_bind(slice, of->shape, of->ndim, &bound, err)) return false;
    memcpy(n.sel, bound.axes, sizeof(n.sel));
    n.ndim = bound.out_ndim;
    memcpy(n.shape, bound.out_shape, sizeof(n.shape));
    return c2_expr_add(expr, &n, node, err);
}

bool c2_expr_transpose(struct c2_expr *expr, int arg, int *node, struct cat2_error *err)
{
    const struct c2_expr_node *of = c2_expr_at(expr, arg);
    struct c2_expr_node n = {.sort = C2_SORT_PERMUTE,
                             .nargs = 1,
                             .args = {arg},
                             .ndim = of->ndim,
                             .kind = of->kind,
                             .size = of->size};

    if (of->kind == 'V')
        return c2_fail(err, CAT2_EINVAL, "an operand whose items have fields is used by its fields");
    for (int i = 0; i < n.ndim; i++)
        n.shape[i] = of->shape[n.ndim - 1 - i];
    return c2_expr_add(expr, &n, node, err);
}
