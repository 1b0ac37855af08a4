/* SPDX-License-Identifier: BSD-3-Clause */
/* The functions there are, by the names that NumPy has for them. */
#include <math.h>

#include "expr/expr_impl.h"

static double logaddexp(double a, double b)
{
    if (a == b) return a + M_LN2;
    return a > b ? a + log1p(exp(b - a)) : b + log1p(exp(a - b));
}

static double reciprocal(double a)
{
    return 1 / a;
}

static double imag(double a)
{
    (void)a;
    return 0;
}

#define REAL1(name, f)                                                                                       \
    {                                                                                                        \
        name, C2_SORT_REAL, C2_OP_NONE, 1, f, NULL                                                           \
    }
#define REAL2(name, f)                                                                                       \
    {                                                                                                        \
        name, C2_SORT_REAL, C2_OP_NONE, 2, NULL, f                                                           \
    }
#define OTHER(name, s, o, n)                                                                                 \
    {                                                                                                        \
        name, C2_SORT_##s, C2_OP_##o, n, NULL, NULL                                                          \
    }
/* Of those with one operation the first is c2_expr_fn_at(). */
static const struct c2_expr_fn fns[] = {
    REAL1("sin", sin),
    REAL1("cos", cos),
    REAL1("tan", tan),
    REAL1("arcsin", asin),
    REAL1("arccos", acos),
    REAL1("arctan", atan),
    REAL1("asin", asin),
    REAL1("acos", acos),
    REAL1("atan", atan),
    REAL1("sinh", sinh),
    REAL1("cosh", cosh),
    REAL1("tanh", tanh),
    REAL1("arcsinh", asinh),
    REAL1("arccosh", acosh),
    REAL1("arctanh", atanh),
    REAL1("asinh", asinh),
    REAL1("acosh", acosh),
    REAL1("atanh", atanh),
    REAL1("exp", exp),
    REAL1("expm1", expm1),
    REAL1("exp2", exp2),
    REAL1("log", log),
    REAL1("log2", log2),
    REAL1("log10", log10),
    REAL1("log1p", log1p),
    REAL1("sqrt", sqrt),
    REAL1("cbrt", cbrt),
    REAL1("reciprocal", reciprocal),
    REAL1("imag", imag), /* of what is no complex number */
    REAL2("arctan2", atan2),
    REAL2("atan2", atan2),
    REAL2("hypot", hypot),
    REAL2("copysign", copysign),
    REAL2("logaddexp", logaddexp),
    OTHER("add", ARITH, ADD, 2),
    OTHER("subtract", ARITH, SUB, 2),
    OTHER("multiply", ARITH, MUL, 2),
    OTHER("divide", DIVIDE, NONE, 2),
    OTHER("true_divide", DIVIDE, NONE, 2),
    OTHER("floor_divide", ARITH, FLOORDIV, 2),
    OTHER("remainder", ARITH, MOD, 2),
    OTHER("mod", ARITH, MOD, 2),
    OTHER("power", ARITH, POW, 2),
    OTHER("pow", ARITH, POW, 2),
    OTHER("maximum", ARITH, MAX, 2),
    OTHER("minimum", ARITH, MIN, 2),
    OTHER("negative", ARITH, NEG, 1),
    OTHER("positive", ARITH, POS, 1),
    OTHER("absolute", ARITH, ABS, 1),
    OTHER("abs", ARITH, ABS, 1),
    OTHER("sign", ARITH, SIGN, 1),
    OTHER("square", ARITH, SQUARE, 1),
    OTHER("floor", ARITH, FLOOR, 1),
    OTHER("ceil", ARITH, CEIL, 1),
    OTHER("trunc", ARITH, TRUNC, 1),
    OTHER("round", ARITH, ROUND, 1),
    OTHER("real", ARITH, POS, 1),
    OTHER("conj", ARITH, POS, 1),
    OTHER("bitwise_and", BITS, AND, 2),
    OTHER("bitwise_or", BITS, OR, 2),
    OTHER("bitwise_xor", BITS, XOR, 2),
    OTHER("bitwise_invert", BITS, NOT, 1),
    OTHER("invert", BITS, NOT, 1),
    OTHER("bitwise_left_shift", BITS, SHL, 2),
    OTHER("bitwise_right_shift", BITS, SHR, 2),
    OTHER("logical_and", TEST, LAND, 2),
    OTHER("logical_or", TEST, LOR, 2),
    OTHER("logical_xor", TEST, LXOR, 2),
    OTHER("logical_not", TEST, LNOT, 1),
    OTHER("less", COMPARE, LT, 2),
    OTHER("less_equal", COMPARE, LE, 2),
    OTHER("greater", COMPARE, GT, 2),
    OTHER("greater_equal", COMPARE, GE, 2),
    OTHER("equal", COMPARE, EQ, 2),
    OTHER("not_equal", COMPARE, NE, 2),
    OTHER("isnan", TEST, ISNAN, 1),
    OTHER("isinf", TEST, ISINF, 1),
    OTHER("isfinite", TEST, ISFINITE, 1),
    OTHER("signbit", TEST, SIGNBIT, 1),
    OTHER("where", WHERE, NONE, 3),
    OTHER("clip", ARITH, CLIP, 3),
    OTHER("sum", REDUCE, SUM, 1),
    OTHER("count_nonzero", REDUCE, SUM, 1), /* of booleans */
    OTHER("prod", REDUCE, PROD, 1),
    OTHER("mean", REDUCE, MEAN, 1),
    OTHER("var", REDUCE, VAR, 1),
    OTHER("std", REDUCE, STD, 1),
    OTHER("min", REDUCE, RMIN, 1),
    OTHER("max", REDUCE, RMAX, 1),
    OTHER("amin", REDUCE, RMIN, 1),
    OTHER("amax", REDUCE, RMAX, 1),
    OTHER("any", REDUCE, ANY, 1),
    OTHER("all", REDUCE, ALL, 1),
    OTHER("argmin", REDUCE, ARGMIN, 1),
    OTHER("argmax", REDUCE, ARGMAX, 1),
    OTHER("linspace", RANGE, LINSPACE, 0),
    OTHER("arange", RANGE, ARANGE, 0),
    OTHER("zeros", RANGE, ZEROS, 0),
    OTHER("ones", RANGE, ONES, 0),
    OTHER("full", RANGE, FULL, 0),
    OTHER("concat", CONCAT, NONE, 0),
    OTHER("concatenate", CONCAT, NONE, 0),
    OTHER("stack", STACK, NONE, 0),
    OTHER("slice", SLICE, SLICE, 1),
    OTHER("transpose", PERMUTE, NONE, 1),
};

const struct c2_expr_fn *c2_expr_fn_of(struct c2_str name)
{
    for (size_t i = 0; i < C2_ARRAY_LEN(fns); i++)
        if (c2_str_is(name, fns[i].name)) return &fns[i];
    return NULL;
}

const struct c2_expr_fn *c2_expr_fn_at(enum c2_expr_op op)
{
    for (size_t i = 0; i < C2_ARRAY_LEN(fns); i++)
        if (fns[i].op == op) return &fns[i];
    return NULL;
}
