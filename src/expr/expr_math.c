/* SPDX-License-Identifier: BSD-3-Clause */
/* Functions of numbers, many at a time. */
#include <math.h>

#include "expr/expr_impl.h"
#include "wire/real.h"

/* ---- types ---- */

/* What an integer of fewer bits, or a real of fewer bytes, keeps of it. */
static void wrap(char kind, int size, union c2_cell *c, int64_t n)
{
    int spare = 64 - 8 * size;

    if (kind == 'b' || size == 8) return;
    for (int64_t i = 0; i < n; i++) {
        if (kind == 'f')
            c[i].f = size == 2 ? c2_half_value(c2_half_bits(c[i].f)) : (double)(float)c[i].f;
        else if (kind == 'u')
            c[i].u = c[i].u << spare >> spare;
        else
            c[i].i = (int64_t)(c[i].u << spare) >> spare;
    }
}

static int64_t whole_of(double v)
{
    if (!(v > -9.3e18 && v < 9.3e18)) return INT64_MIN;
    return v >= 9223372036854775808.0 ? INT64_MIN : v < -9223372036854775808.0 ? INT64_MIN : (int64_t)v;
}

static uint64_t unsigned_of(double v)
{
    return v >= 9223372036854775808.0 && v < 18446744073709551616.0 ? (uint64_t)v : (uint64_t)whole_of(v);
}

void c2_expr_convert(char from, union c2_cell *c, int64_t n, char to, int size)
{
    if (to == 'b') {
        for (int64_t i = 0; i < n; i++)
            c[i].i = from == 'f' ? c[i].f != 0 : c[i].u != 0;
    } else if (to == 'f' && from != 'f') {
        for (int64_t i = 0; i < n; i++)
            c[i].f = from == 'u' ? (double)c[i].u : (double)c[i].i;
    } else if (to != 'f' && from == 'f') {
        for (int64_t i = 0; i < n; i++)
            if (to == 'u')
                c[i].u = unsigned_of(c[i].f);
            else
                c[i].i = whole_of(c[i].f);
    }
    wrap(to, size, c, n);
}

/* ---- arithmetic ---- */

static double mod_real(double a, double b)
{
    double m = fmod(a, b);

    if (m == 0) return copysign(0, b);
    return (b < 0) != (m < 0) ? m + b : m;
}

static double floordiv_real(double a, double b)
{
    if (b == 0) return a / b;
    double q = (a - mod_real(a, b)) / b, whole = floor(q);

    return q - whole > 0.5 ? whole + 1 : whole;
}

static double extreme(double a, double b, bool most)
{
    if (isnan(a) || isnan(b)) return NAN;
    return (a > b) == most ? a : b;
}

static double arith_real(enum c2_expr_op op, double a, double b, double c)
{
    switch (op) {
    case C2_OP_ADD:
        return a + b;
    case C2_OP_SUB:
        return a - b;
    case C2_OP_MUL:
        return a * b;
    case C2_OP_FLOORDIV:
        return floordiv_real(a, b);
    case C2_OP_MOD:
        return mod_real(a, b);
    case C2_OP_POW:
        return pow(a, b);
    case C2_OP_MAX:
        return extreme(a, b, true);
    case C2_OP_MIN:
        return extreme(a, b, false);
    case C2_OP_CLIP:
        return extreme(extreme(a, b, true), c, false);
    case C2_OP_NEG:
        return -a;
    case C2_OP_ABS:
        return fabs(a);
    case C2_OP_SIGN:
        return isnan(a) ? a : (a > 0) - (a < 0);
    case C2_OP_SQUARE:
        return a * a;
    case C2_OP_FLOOR:
        return floor(a);
    case C2_OP_CEIL:
        return ceil(a);
    case C2_OP_TRUNC:
        return trunc(a);
    case C2_OP_ROUND:
        return rint(a);
    default:
        return a;
    }
}

static uint64_t power(uint64_t base, uint64_t exponent)
{
    uint64_t result = 1;

    for (; exponent; exponent >>= 1, base *= base)
        if (exponent & 1) result *= base;
    return result;
}

static bool is_less(union c2_cell a, union c2_cell b, bool is_signed)
{
    return is_signed ? a.i < b.i : a.u < b.u;
}

static union c2_cell divided(union c2_cell a, union c2_cell b, bool is_signed, bool rest)
{
    if (b.u == 0) return b; /* as NumPy */
    if (!is_signed) return (union c2_cell){.u = rest ? a.u % b.u : a.u / b.u};
    if (b.i == -1) return (union c2_cell){.u = rest ? 0 : 0 - a.u};
    int64_t q = a.i / b.i, m = a.i % b.i;
    bool down = m != 0 && (m < 0) != (b.i < 0);

    return (union c2_cell){.i = rest ? (down ? m + b.i : m) : q - down};
}

static union c2_cell arith_whole(enum c2_expr_op op, union c2_cell a, union c2_cell b, union c2_cell c,
                                 bool is_signed)
{
    switch (op) {
    case C2_OP_ADD:
        return (union c2_cell){.u = a.u + b.u};
    case C2_OP_SUB:
        return (union c2_cell){.u = a.u - b.u};
    case C2_OP_MUL:
        return (union c2_cell){.u = a.u * b.u};
    case C2_OP_FLOORDIV:
    case C2_OP_MOD:
        return divided(a, b, is_signed, op == C2_OP_MOD);
    case C2_OP_POW: /* of a negative exponent there is no integer */
        return (union c2_cell){.u = is_signed && b.i < 0 ? 0 : power(a.u, b.u)};
    case C2_OP_MAX:
        return is_less(a, b, is_signed) ? b : a;
    case C2_OP_MIN:
        return is_less(a, b, is_signed) ? a : b;
    case C2_OP_CLIP:
        a = is_less(a, b, is_signed) ? b : a;
        return is_less(a, c, is_signed) ? a : c;
    case C2_OP_NEG:
        return (union c2_cell){.u = 0 - a.u};
    case C2_OP_ABS:
        return (union c2_cell){.u = is_signed && a.i < 0 ? 0 - a.u : a.u};
    case C2_OP_SIGN:
        return (union c2_cell){.i = is_signed ? (a.i > 0) - (a.i < 0) : a.u != 0};
    case C2_OP_SQUARE:
        return (union c2_cell){.u = a.u * a.u};
    default:
        return a;
    }
}

static uint64_t bits(enum c2_expr_op op, char kind, union c2_cell a, union c2_cell b)
{
    switch (op) {
    case C2_OP_AND:
        return a.u & b.u;
    case C2_OP_OR:
        return a.u | b.u;
    case C2_OP_XOR:
        return a.u ^ b.u;
    case C2_OP_NOT:
        return kind == 'b' ? !a.u : ~a.u;
    case C2_OP_SHL:
        return b.u > 63 ? 0 : a.u << b.u;
    default:
        if (kind == 'u') return b.u > 63 ? 0 : a.u >> b.u;
        return (uint64_t)(a.i >> (b.u > 63 ? 63 : b.u));
    }
}

/* ---- questions ---- */

/* Integers of either sign, exactly. */
static int order_whole(char ak, union c2_cell a, char bk, union c2_cell b)
{
    bool a_below = ak != 'u' && a.i < 0, b_below = bk != 'u' && b.i < 0;

    if (a_below != b_below) return a_below ? -1 : 1;
    return a_below ? (a.i > b.i) - (a.i < b.i) : (a.u > b.u) - (a.u < b.u);
}

static bool compare(enum c2_expr_op op, int order)
{
    switch (op) {
    case C2_OP_LT:
        return order < 0;
    case C2_OP_LE:
        return order <= 0;
    case C2_OP_GT:
        return order > 0;
    case C2_OP_GE:
        return order >= 0;
    case C2_OP_EQ:
        return order == 0;
    default:
        return order != 0;
    }
}

static bool compare_real(enum c2_expr_op op, double a, double b)
{
    if (isnan(a) || isnan(b)) return op == C2_OP_NE;
    return compare(op, (a > b) - (a < b));
}

static bool test(enum c2_expr_op op, char kind, union c2_cell a, union c2_cell b)
{
    bool real = kind == 'f', x = real ? a.f != 0 : a.u != 0, y = real ? b.f != 0 : b.u != 0;

    switch (op) {
    case C2_OP_LAND:
        return x && y;
    case C2_OP_LOR:
        return x || y;
    case C2_OP_LXOR:
        return x != y;
    case C2_OP_LNOT:
        return !x;
    case C2_OP_ISNAN:
        return real && isnan(a.f);
    case C2_OP_ISINF:
        return real && isinf(a.f);
    case C2_OP_ISFINITE:
        return !real || isfinite(a.f);
    default:
        return real ? signbit(a.f) != 0 : kind != 'u' && a.i < 0;
    }
}

/* ---- all of it ---- */

static void real_functions(const struct c2_expr_node *n, union c2_cell *a, const union c2_cell *b,
                           int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        if (n->sort == C2_SORT_DIVIDE)
            a[i].f = a[i].f / b[i].f;
        else
            a[i].f = n->fn->f1 ? n->fn->f1(a[i].f) : n->fn->f2(a[i].f, b[i].f);
    }
}

static void arithmetic(const struct c2_expr_node *n, union c2_cell *const args[3], int64_t count)
{
    const union c2_cell none = {0};
    union c2_cell *a = args[0];
    enum c2_expr_op op = n->fn->op;
    bool more = n->nargs > 1, most = n->nargs > 2, is_signed = n->common_kind != 'u';

    if (n->common_kind == 'b' && (op == C2_OP_ADD || op == C2_OP_MUL))
        op = op == C2_OP_ADD ? C2_OP_MAX : C2_OP_MIN;
    for (int64_t i = 0; i < count; i++) {
        union c2_cell b = more ? args[1][i] : none, c = most ? args[2][i] : none;
        if (n->common_kind == 'f')
            a[i].f = arith_real(op, a[i].f, b.f, c.f);
        else
            a[i] = arith_whole(op, a[i], b, c, is_signed);
    }
}

void c2_expr_compute(const struct c2_expr_node *n, char kinds[3], union c2_cell *args[3], int64_t count)
{
    const union c2_cell none = {0};
    union c2_cell *a = args[0], *b = args[1];
    bool more = n->nargs > 1, whole = kinds[0] != 'f' && kinds[1] != 'f';
    enum c2_expr_op op = n->fn->op;

    switch (n->sort) {
    case C2_SORT_REAL:
    case C2_SORT_DIVIDE:
        real_functions(n, a, b, count);
        break;
    case C2_SORT_BITS:
        for (int64_t i = 0; i < count; i++)
            a[i].u = bits(op, n->common_kind, a[i], more ? b[i] : none);
        break;
    case C2_SORT_COMPARE:
        for (int64_t i = 0; i < count; i++)
            a[i].i = whole ? compare(op, order_whole(kinds[0], a[i], kinds[1], b[i]))
                           : compare_real(op, a[i].f, b[i].f);
        break;
    case C2_SORT_TEST:
        for (int64_t i = 0; i < count; i++)
            a[i].i = test(op, kinds[0], a[i], more ? b[i] : none);
        break;
    case C2_SORT_WHERE:
        for (int64_t i = 0; i < count; i++)
            a[i] = a[i].u ? b[i] : args[2][i];
        break;
    default:
        arithmetic(n, args, count);
        break;
    }
    wrap(n->kind, n->size, a, count);
}
