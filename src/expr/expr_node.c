/* SPDX-License-Identifier: BSD-3-Clause */
/* Nodes: the types and shapes of functions of arrays, by NumPy's rules. */
#include <math.h>

#include "expr/expr_impl.h"

struct c2_expr *c2_expr_new(void)
{
    return calloc(1, sizeof(struct c2_expr));
}

void c2_expr_free(struct c2_expr *expr)
{
    if (!expr) return;
    for (size_t i = 0; i < expr->nodes.n; i++)
        free(expr->nodes.p[i].kept);
    c2_vec_fini(&expr->nodes);
    c2_vec_fini(&expr->lists);
    free(expr);
}

struct c2_expr_type c2_expr_type(const struct c2_expr *expr, int node)
{
    const struct c2_expr_node *n = c2_expr_at(expr, node);
    struct c2_expr_type type = {.kind = n->kind, .size = n->size, .ndim = n->ndim};

    memcpy(type.shape, n->shape, sizeof(type.shape));
    return type;
}

bool c2_expr_is_rowwise(const struct c2_expr *expr)
{
    for (size_t i = 0; i < expr->nodes.n; i++)
        if (expr->nodes.p[i].sort > C2_SORT_WHERE) return false;
    return true;
}

bool c2_expr_check_shape(const int64_t *shape, int ndim, struct cat2_error *err)
{
    int64_t n = 8;

    for (int i = 0; i < ndim; i++) {
        if (shape[i] < 0) return c2_fail(err, CAT2_EINVAL, "an axis has a negative length");
        if (shape[i] > 0 && !c2_mul_i64(n, shape[i], &n))
            return c2_fail(err, CAT2_ELIMIT, "an array of the expression is too large");
    }
    return true;
}

bool c2_expr_add(struct c2_expr *expr, const struct c2_expr_node *n, int *node, struct cat2_error *err)
{
    struct c2_expr_node copy = *n;

    if (!c2_expr_check_shape(n->shape, n->ndim, err)) return false;
    copy.tree = 1;
    for (int i = 0; i < n->nargs; i++) {
        const struct c2_expr_node *arg = c2_expr_at(expr, c2_expr_arg(expr, n, i));
        if (arg->depth + 1 > copy.depth) copy.depth = arg->depth + 1;
        copy.tree += arg->tree;
        if (copy.tree > C2_EXPR_TREE_MAX)
            return c2_fail(err, CAT2_ELIMIT, "the expression has more than %d operations", C2_EXPR_TREE_MAX);
    }
    if (copy.depth > C2_EXPR_DEPTH_MAX)
        return c2_fail(err, CAT2_ELIMIT, "the expression has more than %d operations in each other",
                       C2_EXPR_DEPTH_MAX);
    *node = (int)expr->nodes.n;
    return c2_vec_push(&expr->nodes, C2_EXPR_NODES_MAX, "operations in an expression", err, copy);
}

bool c2_expr_number(struct c2_expr *expr, char kind, union c2_cell value, int *node, struct cat2_error *err)
{
    struct c2_expr_node n = {.sort = C2_SORT_CONST,
                             .kind = kind,
                             .size = kind == 'b' ? 1 : 8,
                             .weak = kind != 'b',
                             .value = value};

    return c2_expr_add(expr, &n, node, err);
}

/* ---- operands ---- */

static bool take_type(struct c2_expr_node *n, const struct c2_dtype *dtype, struct cat2_error *err)
{
    n->dtype = dtype;
    n->kind = dtype->nfields ? 'V' : dtype->kind;
    n->size = (int)dtype->itemsize;
    n->swapped = c2_dtype_swapped(dtype);
    bool number = (n->kind == 'f' && n->size <= 8) || n->kind == 'b' || n->kind == 'i' || n->kind == 'u';
    if (number || dtype->nfields) return true;
    return c2_fail(err, CAT2_EUNSUPPORTED,
                   "items of the type '%c%lld' are not computed with: booleans, integers and reals of 2, "
                   "4 and 8 bytes are",
                   dtype->kind, (long long)dtype->itemsize);
}

bool c2_expr_operand(struct c2_expr *expr, int id, const struct c2_dtype *dtype, const int64_t *shape,
                     int ndim, int *node, struct cat2_error *err)
{
    struct c2_expr_node n = {.sort = C2_SORT_OPERAND, .id = id, .whole = dtype, .ndim = ndim};

    for (int i = 0; i < ndim; i++)
        n.shape[i] = shape[i];
    return take_type(&n, dtype, err) && c2_expr_add(expr, &n, node, err);
}

bool c2_expr_field(struct c2_expr *expr, int operand, struct c2_str field, int *node, struct cat2_error *err)
{
    struct c2_expr_node n = *c2_expr_at(expr, operand);
    const struct c2_field *found = NULL;
    int64_t offset = 0;

    if (n.kind == 'V') found = c2_dtype_field(n.dtype, field, &offset);
    if (!found)
        return c2_fail(err, CAT2_EINVAL, "there is no field '%.*s'", (int)c2_min_i64(80, (int64_t)field.n),
                       field.p);
    if (found->ndim)
        return c2_fail(err, CAT2_EUNSUPPORTED, "the field '%.*s' is an array in each item",
                       (int)c2_min_i64(80, (int64_t)field.n), field.p);
    n.offset += offset;
    return take_type(&n, &found->type, err) && c2_expr_add(expr, &n, node, err);
}

/* ---- types ---- */

static bool holds(const struct c2_expr_node *n, int64_t v)
{
    int bits = 8 * n->size;

    if (n->kind == 'u') return v >= 0 && (bits == 64 || v >> bits == 0);
    return bits == 64 || (v >= -((int64_t)1 << (bits - 1)) && v < (int64_t)1 << (bits - 1));
}

/* A number of the text with an array or another one. */
static bool common_weak(const struct c2_expr_node *a, const struct c2_expr_node *weak, char *kind, int *size,
                        struct cat2_error *err)
{
    if (a->kind == 'b' || (weak->kind == 'f' && a->kind != 'f')) {
        *kind = weak->kind;
        *size = 8;
        return true;
    }
    *kind = a->kind;
    *size = a->size;
    if (weak->kind != 'i' || a->kind == 'f' || a->weak || weak->sort != C2_SORT_CONST ||
        holds(a, weak->value.i))
        return true;
    return c2_fail(err, CAT2_EINVAL, "the number %lld is out of bounds for %s%d", (long long)weak->value.i,
                   a->kind == 'u' ? "uint" : "int", 8 * a->size);
}

bool c2_expr_common(const struct c2_expr_node *a, const struct c2_expr_node *b, char *kind, int *size,
                    struct cat2_error *err)
{
    if (b->weak) return common_weak(a, b, kind, size, err);
    if (a->weak) return common_weak(b, a, kind, size, err);
    if (a->kind == b->kind || b->kind == 'b' || a->kind == 'b') {
        bool first = a->kind == b->kind ? a->size >= b->size : b->kind == 'b';
        *kind = first ? a->kind : b->kind;
        *size = first ? a->size : b->size;
        return true;
    }
    if (a->kind == 'f' || b->kind == 'f') {
        const struct c2_expr_node *real = a->kind == 'f' ? a : b, *whole = a->kind == 'f' ? b : a;
        *kind = 'f';
        int least = whole->size >= 4 ? 8 : 2 * whole->size; /* a real that holds all of them */
        *size = real->size > least ? real->size : least;
        return true;
    }
    int is = a->kind == 'i' ? a->size : b->size, us = a->kind == 'u' ? a->size : b->size;
    *kind = us == 8 ? 'f' : 'i';
    *size = us == 8 ? 8 : us < is ? is : 2 * us;
    return true;
}

static bool is_whole(const struct c2_expr_node *n)
{
    return n->kind != 'f';
}

/* The type of the result, of one that its arguments are converted to. */
static bool result_type(struct c2_expr_node *n, const struct c2_expr_node *const *args, int nargs,
                        struct cat2_error *err)
{
    bool whole = n->common_kind != 'f';

    n->kind = n->common_kind;
    n->size = n->common_size;
    switch (n->sort) {
    case C2_SORT_REAL:
    case C2_SORT_DIVIDE:
        if (whole) n->common_kind = n->kind = 'f', n->common_size = n->size = 8;
        return true;
    case C2_SORT_COMPARE:
    case C2_SORT_TEST:
        n->kind = 'b';
        n->size = 1;
        n->weak = false;
        return true;
    case C2_SORT_BITS:
        for (int i = 0; i < nargs; i++)
            if (!is_whole(args[i])) return c2_fail(err, CAT2_EINVAL, "%s is not for reals", n->fn->name);
        if (n->kind == 'b' && (n->fn->op == C2_OP_SHL || n->fn->op == C2_OP_SHR))
            n->common_kind = n->kind = 'i';
        return true;
    default:
        break;
    }
    enum c2_expr_op op = n->fn->op;
    if (n->kind == 'b' && (op == C2_OP_SUB || op == C2_OP_NEG || op == C2_OP_SIGN))
        return c2_fail(err, CAT2_EINVAL, "%s is not for booleans", n->fn->name);
    if (n->kind == 'b' && (op == C2_OP_FLOORDIV || op == C2_OP_MOD || op == C2_OP_POW))
        n->common_kind = n->kind = 'i';
    return true;
}

/* ---- shapes ---- */

static bool broadcast(struct c2_expr_node *n, const struct c2_expr_node *arg, struct cat2_error *err)
{
    int ndim = n->ndim > arg->ndim ? n->ndim : arg->ndim;
    int64_t shape[C2_DIM_MAX] = {0};

    for (int i = 0; i < ndim; i++) {
        int here = i - (ndim - n->ndim), there = i - (ndim - arg->ndim);
        int64_t a = here < 0 ? 1 : n->shape[here], b = there < 0 ? 1 : arg->shape[there];
        if (a != b && a != 1 && b != 1)
            return c2_fail(err, CAT2_EINVAL, "axes of %lld and of %lld items do not go together",
                           (long long)a, (long long)b);
        shape[i] = a == 1 ? b : a;
    }
    n->ndim = ndim;
    memcpy(n->shape, shape, sizeof(shape));
    return true;
}

static bool common_of(struct c2_expr_node *n, const struct c2_expr_node *const *args, int nargs,
                      struct cat2_error *err)
{
    C2_ASSERT(nargs > 0 && args[0]);
    struct c2_expr_node so_far = *args[0];

    for (int i = 1; i < nargs; i++) {
        if (n->sort == C2_SORT_COMPARE && is_whole(&so_far) && is_whole(args[i])) {
            so_far.kind = 'i'; /* compared as what they are */
            so_far.size = 8;
            continue;
        }
        bool weak = so_far.weak && args[i]->weak;
        if (!c2_expr_common(&so_far, args[i], &so_far.kind, &so_far.size, err)) return false;
        so_far.weak = weak;
    }
    n->common_kind = so_far.kind;
    n->common_size = so_far.size;
    n->weak = so_far.weak;
    return true;
}

bool c2_expr_apply(struct c2_expr *expr, const struct c2_expr_fn *fn, const int *args, int *node,
                   struct cat2_error *err)
{
    struct c2_expr_node n = {.fn = fn, .sort = fn->sort, .nargs = fn->nargs};
    const struct c2_expr_node *of[3] = {c2_expr_at(expr, args[0])};
    int skipped = fn->sort == C2_SORT_WHERE; /* a condition has no part in the type */

    for (int i = 0; i < fn->nargs; i++) {
        of[i] = c2_expr_at(expr, args[i]);
        n.args[i] = args[i];
        if (of[i]->kind == 'V')
            return c2_fail(err, CAT2_EINVAL, "an operand whose items have fields is used by its fields");
        if (!broadcast(&n, of[i], err)) return false;
    }
    return common_of(&n, of + skipped, fn->nargs - skipped, err) &&
           result_type(&n, of + skipped, fn->nargs - skipped, err) && c2_expr_add(expr, &n, node, err);
}
