/* SPDX-License-Identifier: BSD-3-Clause */
/* Nodes, and the table of functions. */
#ifndef C2_EXPR_EXPR_IMPL_H
#define C2_EXPR_EXPR_IMPL_H

#include "base/vec.h"
#include "expr/expr.h"

#define C2_EXPR_NODES_MAX 1024 /* each is 700 bytes, and looked at for every box */
#define C2_EXPR_DEPTH_MAX 128  /* the evaluator calls itself, with 2 KiB of stack each time */
#define C2_EXPR_NESTED_MAX                                                                                   \
    256                       /* parentheses and signs: the parser calls itself; a parenthesis counts twice */
#define C2_EXPR_TREE_MAX 4096 /* operations, where what is used several times counts as often */
#define C2_EXPR_ARGS_MAX 256  /* arrays of one concat or stack */
#define C2_EXPR_CELLS    ((int64_t)1 << 22) /* numbers in memory at a time: 32 MiB */
#define C2_EXPR_KEPT     ((int64_t)1 << 21) /* numbers of all reductions together, which are kept */

/* One number. Which member: by the kind of its node. */
union c2_cell {
    int64_t i; /* b, i */
    uint64_t u;
    double f;
};

enum c2_expr_sort {
    C2_SORT_CONST,
    C2_SORT_OPERAND,
    C2_SORT_REAL,    /* functions of reals: f1, f2 */
    C2_SORT_ARITH,   /* results of the common type */
    C2_SORT_DIVIDE,  /* reals of integers, too */
    C2_SORT_BITS,    /* of integers and booleans */
    C2_SORT_COMPARE, /* booleans of two */
    C2_SORT_TEST,    /* booleans of one */
    C2_SORT_WHERE,
    C2_SORT_REDUCE,
    C2_SORT_RANGE, /* linspace, arange, full */
    C2_SORT_CONCAT,
    C2_SORT_STACK,
    C2_SORT_SLICE, /* axes of its argument are selected, and may be left out */
    C2_SORT_PERMUTE
};
enum c2_expr_op {
    C2_OP_NONE,
    C2_OP_ADD,
    C2_OP_SUB,
    C2_OP_MUL,
    C2_OP_FLOORDIV,
    C2_OP_MOD,
    C2_OP_POW,
    C2_OP_MAX,
    C2_OP_MIN,
    C2_OP_NEG,
    C2_OP_POS,
    C2_OP_ABS,
    C2_OP_SIGN,
    C2_OP_SQUARE,
    C2_OP_FLOOR,
    C2_OP_CEIL,
    C2_OP_TRUNC,
    C2_OP_ROUND,
    C2_OP_AND,
    C2_OP_OR,
    C2_OP_XOR,
    C2_OP_NOT,
    C2_OP_SHL,
    C2_OP_SHR,
    C2_OP_LAND,
    C2_OP_LOR,
    C2_OP_LXOR,
    C2_OP_LNOT,
    C2_OP_LT,
    C2_OP_LE,
    C2_OP_GT,
    C2_OP_GE,
    C2_OP_EQ,
    C2_OP_NE,
    C2_OP_ISNAN,
    C2_OP_ISINF,
    C2_OP_ISFINITE,
    C2_OP_SIGNBIT,
    C2_OP_SUM,
    C2_OP_PROD,
    C2_OP_MEAN,
    C2_OP_VAR,
    C2_OP_STD,
    C2_OP_RMIN,
    C2_OP_RMAX,
    C2_OP_ANY,
    C2_OP_ALL,
    C2_OP_ARGMIN,
    C2_OP_ARGMAX,
    C2_OP_LINSPACE,
    C2_OP_ARANGE,
    C2_OP_ZEROS,
    C2_OP_ONES,
    C2_OP_FULL,
    C2_OP_CLIP,
    C2_OP_SLICE
};
struct c2_expr_fn {
    const char *name;
    enum c2_expr_sort sort;
    enum c2_expr_op op;
    int nargs;
    double (*f1)(double);
    double (*f2)(double, double);
};
/** NULL: there is none of this name. */
const struct c2_expr_fn *c2_expr_fn_of(struct c2_str name);
const struct c2_expr_fn *c2_expr_fn_at(enum c2_expr_op op);

struct c2_expr_node {
    const struct c2_expr_fn *fn;
    enum c2_expr_sort sort;
    char kind; /* b i u f, V of an operand with fields */
    int size;
    bool weak;        /* a number of the text, which takes the type of what it is with */
    char common_kind; /* of arguments, to which they are converted first */
    int common_size;
    int ndim;
    int64_t shape[C2_DIM_MAX];
    int nargs, args[3]; /* CONCAT, STACK: args[0] is where they begin in expr->lists */
    int depth, tree;    /* operations in each other; in all, those used twice counted twice */
    int axis;           /* CONCAT, STACK */
    uint32_t reduced;   /* REDUCE: a bit for each axis of the argument */
    bool keepdims;
    double ddof;
    union c2_cell value; /* CONST, full */
    double first, step;  /* RANGE */
    int64_t count;       /* linspace: points; the last is `last` */
    double last;
    bool has_last;
    struct c2_axis_sel sel[C2_DIM_MAX]; /* SLICE, for axes of the argument; PERMUTE: start is the axis */
    /* OPERAND */
    int id;
    const struct c2_dtype *dtype, *whole; /* of the number, of the item */
    int64_t offset;
    bool swapped;
    /* REDUCE: its result, when it was computed */
    union c2_cell *kept;
};
struct c2_expr {
    struct {
        C2_VEC(struct c2_expr_node);
    } nodes;
    struct {
        C2_VEC(int);
    } lists;
    int64_t nkept; /* numbers of reductions */
};

static inline struct c2_expr_node *c2_expr_at(const struct c2_expr *expr, int node)
{
    return &expr->nodes.p[node];
}
static inline int64_t c2_expr_nitems(const struct c2_expr_node *n)
{
    int64_t count = 1;

    for (int i = 0; i < n->ndim; i++)
        count *= n->shape[i]; /* which was checked */
    return count;
}
static inline int c2_expr_arg(const struct c2_expr *expr, const struct c2_expr_node *n, int i)
{
    bool list = n->sort == C2_SORT_CONCAT || n->sort == C2_SORT_STACK;

    return list ? expr->lists.p[n->args[0] + i] : n->args[i];
}

/* ---- expr_node.c: nodes are made of nodes, and their types and shapes are found ---- */
bool c2_expr_add(struct c2_expr *expr, const struct c2_expr_node *n, int *node, struct cat2_error *err);
bool c2_expr_number(struct c2_expr *expr, char kind, union c2_cell value, int *node, struct cat2_error *err);
/** A function of REAL to WHERE of its arguments. */
bool c2_expr_apply(struct c2_expr *expr, const struct c2_expr_fn *fn, const int *args, int *node,
                   struct cat2_error *err);
/* ---- expr_shape.c: those that change shapes ---- */
/** axes: a bit for each, 0 all. */
bool c2_expr_reduce(struct c2_expr *expr, const struct c2_expr_fn *fn, int arg, uint32_t axes, bool keepdims,
                    double ddof, int *node, struct cat2_error *err);
bool c2_expr_join(struct c2_expr *expr, const struct c2_expr_fn *fn, const int *args, int nargs, int64_t axis,
                  int *node, struct cat2_error *err);
bool c2_expr_slice(struct c2_expr *expr, int arg, const struct c2_slice *slice, int *node,
                   struct cat2_error *err);
bool c2_expr_transpose(struct c2_expr *expr, int arg, int *node, struct cat2_error *err);
/** Does the shape have a size that can be counted? */
bool c2_expr_check_shape(const int64_t *shape, int ndim, struct cat2_error *err);
/** The common type of two. */
bool c2_expr_common(const struct c2_expr_node *a, const struct c2_expr_node *b, char *kind, int *size,
                    struct cat2_error *err);

/* ---- expr_call.c: what is between the parentheses of a call ---- */
struct c2_expr_parser {
    struct c2_cursor in;
    const char *start;
    struct c2_expr *expr;
    const struct c2_expr_names *names;
    int level;
    int64_t *position;
    struct cat2_error *err;
};
bool c2_expr_fail_at(struct c2_expr_parser *p, const char *place, enum cat2_code code, const char *what);
/** Say where, of an error that is there. */
bool c2_expr_fail_here(struct c2_expr_parser *p, const char *place);
bool c2_expr_read(struct c2_expr_parser *p, int *node); /* an expression */
bool c2_expr_name(struct c2_cursor *in, struct c2_str *name);
/** self: the array whose method it is; -1. The parenthesis was eaten. */
bool c2_expr_call(struct c2_expr_parser *p, struct c2_str name, int self, int *node);
/** [ ] behind an array; the bracket was eaten. */
bool c2_expr_subscript(struct c2_expr_parser *p, int arg, int *node);

/* ---- expr_math.c ---- */
/** n numbers of one type as those of another; in may be out. */
void c2_expr_convert(char from, union c2_cell *cells, int64_t n, char to, int size);
/** The function of arguments that have its common type, n each; into the first. */
void c2_expr_compute(const struct c2_expr_node *n, char kinds[3], union c2_cell *args[3], int64_t count);

/* ---- expr_reduce.c ---- */
struct c2_expr_run {
    struct c2_expr *expr;
    const struct c2_expr_source *source;
    struct cat2_error *err;
};
bool c2_expr_cells(struct c2_expr_run *r, int node, const struct c2_axis_sel *axes, union c2_cell *out);
/** All of a reduction, kept in its node. */
bool c2_expr_keep(struct c2_expr_run *r, int node);
int64_t c2_expr_count(const struct c2_axis_sel *axes, int ndim);
/** How many numbers a box may have, so that what is in memory for all nodes below is bounded. */
int64_t c2_expr_room(const struct c2_expr *expr, int node);

#endif
