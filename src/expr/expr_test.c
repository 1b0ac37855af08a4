/* SPDX-License-Identifier: BSD-3-Clause */
/* What expressions mean: the text of the result, and what is refused. */
#include <byteswap.h>
#include <math.h>
#include <stdio.h>

#include "base/base_testing.h"
#include "expr/expr.h"

/* a: 2 x 3 of i4, 0 to 5; b: the same of f8, with NaN at last; c: 3 of u1, 250 to 252; m: 2 x 1 of bool. */
static const struct {
    const char *name, *dtype;
    int ndim;
    int64_t shape[2];
} arrays[] = {{"a", "<i4", 2, {2, 3}}, {"b", ">f8", 2, {2, 3}}, {"c", "|u1", 1, {3}},
              {"m", "|b1", 2, {2, 1}}, {"f", "<f4", 1, {3}},    {"t", "[('x', '<i2'), ('y', '|S3')]", 1, {3}},
              {"h", "<f2", 1, {3}}};
static struct c2_dtype dtypes[C2_ARRAY_LEN(arrays)];

static bool find(void *ctx, struct c2_expr *expr, struct c2_str name, int *node, struct cat2_error *err)
{
    (void)ctx;
    for (size_t i = 0; i < C2_ARRAY_LEN(arrays); i++)
        if (c2_str_is(name, arrays[i].name))
            return c2_expr_operand(expr, (int)i, &dtypes[i], arrays[i].shape, arrays[i].ndim, node, err);
    return c2_fail(err, CAT2_ENOTFOUND, "there is no operand '%.*s'", C2_STR_ARG(name));
}

static void put_item(int id, int64_t place, uint8_t *to)
{
    static const double reals[] = {0.5, -1.5, 2, 1e300, -0.0, NAN};
    static const uint16_t quarters[] = {0, 0x3400, 0x3800}; /* 0, 1/4, 1/2 */
    int32_t whole = (int32_t)place;
    int16_t half = (int16_t)(place * -7);
    float single = (float)place / 4;
    uint64_t bits;

    memset(to, 0, (size_t)dtypes[id].itemsize);
    if (id == 0) memcpy(to, &whole, sizeof(whole));
    memcpy(&bits, &reals[place], sizeof(bits));
    bits = bswap_64(bits);
    if (id == 1) memcpy(to, &bits, sizeof(bits));
    if (id == 2) *to = (uint8_t)(250 + place);
    if (id == 3) *to = (uint8_t)(place == 1);
    if (id == 4) memcpy(to, &single, sizeof(single));
    if (id == 5) memcpy(to, &half, sizeof(half));
    if (id == 6) memcpy(to, &quarters[place % 3], sizeof(quarters[0]));
}

static bool read_items(void *ctx, int id, const struct c2_bound *bound, struct c2_buf *out,
                       struct cat2_error *err)
{
    int64_t second = bound->ndim > 1 ? bound->axes[1].count : 1;

    (void)ctx;
    for (int64_t k = 0; k < bound->nitems; k++) {
        int64_t place = bound->axes[0].start + k / second * bound->axes[0].step;
        if (bound->ndim > 1)
            place = place * arrays[id].shape[1] + bound->axes[1].start + k % second * bound->axes[1].step;
        if (!c2_buf_resize(out, out->n + (size_t)dtypes[id].itemsize, err)) return false;
        put_item(id, place, out->p + out->n - dtypes[id].itemsize);
    }
    return true;
}

/* "f8 (2, 3) 0.5 1 …", or the error. */
static void evaluate(const char *text, char *out, size_t room)
{
    static const struct c2_dtype as = {.kind = 'f', .order = '<', .itemsize = 8};
    C2_AUTO_PTR(c2_expr) *expr = c2_expr_new();
    struct c2_expr_names names = {find, NULL};
    struct c2_expr_source source = {read_items, NULL};
    struct c2_axis_sel axes[C2_DIM_MAX];
    double items[256];
    struct cat2_error err;
    int64_t position, n = 1;
    int node;

    assert_non_null(expr);
    if (!c2_expr_parse(expr, c2_str_of(text), &names, &node, &position, &err)) {
        snprintf(out, room, "%s", err.message);
        return;
    }
    struct c2_expr_type type = c2_expr_type(expr, node);
    int at = snprintf(out, room, "%c%d (", type.kind, type.size);
    for (int i = 0; i < type.ndim; i++) {
        axes[i] = (struct c2_axis_sel){0, 1, type.shape[i], false};
        n *= type.shape[i];
        at += snprintf(out + at, room - (size_t)at, i ? " %d" : "%d", (int)type.shape[i]);
    }
    at += snprintf(out + at, room - (size_t)at, ")");
    assert_true(n <= (int64_t)C2_ARRAY_LEN(items));
    assert_true(c2_expr_eval(expr, node, &source, axes, &as, (uint8_t *)items, &err));
    for (int64_t i = 0; i < n; i++)
        at += snprintf(out + at, room - (size_t)at, " %.6g", items[i]);
}

static const struct {
    const char *text, *result;
} meanings[] = {
    /* types of numbers of the text, and of pairs */
    {"a + 1", "i4 (2 3) 1 2 3 4 5 6"},
    {"a * 0.5", "f8 (2 3) 0 0.5 1 1.5 2 2.5"},
    {"c + 10", "u1 (3) 4 5 6"},
    {"c + a", "i4 (2 3) 250 252 254 253 255 257"},
    {"f * 2", "f4 (3) 0 0.5 1"},
    {"f + c", "f4 (3) 250 251.25 252.5"},
    {"f + a[0]", "f8 (3) 0 1.25 2.5"},
    {"m + m", "b1 (2 1) 0 1"},
    {"m + 1", "i8 (2 1) 1 2"},
    {"c - a[1]", "i4 (3) 247 247 247"},
    {"t.x * 2", "i2 (3) 0 -14 -28"},
    {"t['x'] < -7", "b1 (3) 0 0 1"},
    {"2 ** 10", "i8 () 1024"},
    {"h + h", "f2 (3) 0 0.5 1"},
    {"h + c", "f2 (3) 250 251.25 252.5"},
    {"h + t.x", "f4 (3) 0 -6.75 -13.5"},
    {"h + f", "f4 (3) 0 0.5 1"},
    {"h + a[0]", "f8 (3) 0 1.25 2.5"},
    {"h * 4096 + 1", "f2 (3) 1 1025 2048"},
    {"h / 16384 / 512", "f2 (3) 0 0 5.96046e-08"},
    {"(h + 1) * 60010", "f2 (3) 60000 inf inf"},
    /* operators */
    {"-a // 2", "i4 (2 3) 0 -1 -1 -2 -2 -3"},
    {"-a % 3", "i4 (2 3) 0 2 1 0 2 1"},
    {"a // 0", "i4 (2 3) 0 0 0 0 0 0"},
    {"7 / a[0, 1:]", "f8 (2) 7 3.5"},
    {"-2 ** 2", "i8 () -4"},
    {"2 ** -1.0", "f8 () 0.5"},
    {"2 ** 3 ** 2", "i8 () 512"},
    {"1 + 2 * 3 - 4", "i8 () 3"},
    {"1 | 6 & 3 ^ 8", "i8 () 11"},
    {"a > 3 - 1", "b1 (2 3) 0 0 0 1 1 1"},
    {"(a > 1) & ~(a == 4)", "b1 (2 3) 0 0 1 1 0 1"},
    {"a << 2 >> 1", "i4 (2 3) 0 2 4 6 8 10"},
    {"c > -1", "b1 (3) 1 1 1"},
    {"b != b", "b1 (2 3) 0 0 0 0 0 1"},
    {"b % 1", "f8 (2 3) 0.5 0.5 0 0 0 nan"},
    {"b // 1", "f8 (2 3) 0 -2 2 1e+300 -0 nan"},
    /* functions */
    {"reciprocal(f)", "f4 (3) inf 4 2"},
    {"imag(f)", "f4 (3) 0 0 0"},
    {"conj(m)", "b1 (2 1) 0 1"},
    {"count_nonzero(a)", "i8 () 5"},
    {"count_nonzero(b > 0, axis=0)", "i8 (3) 2 0 1"},
    {"where(m, a, -1)", "i4 (2 3) -1 -1 -1 3 4 5"},
    {"maximum(b, 0)", "f8 (2 3) 0.5 0 2 1e+300 0 nan"},
    {"clip(a, 1, 4)", "i4 (2 3) 1 1 2 3 4 4"},
    {"sqrt(a[0])", "f8 (3) 0 1 1.41421"},
    {"np.abs(b[0, :2])", "f8 (2) 0.5 1.5"},
    {"round(f * 10)", "f4 (3) 0 2 5"},
    {"isnan(b)", "b1 (2 3) 0 0 0 0 0 1"},
    {"arctan2(0, -1.0)", "f8 () 3.14159"},
    /* reductions */
    {"sum(a)", "i8 () 15"},
    {"sum(c)", "u8 () 753"},
    {"sum(a, axis=0)", "i8 (3) 3 5 7"},
    {"a.sum(axis=-1, keepdims=True)", "i8 (2 1) 3 12"},
    {"mean(a, 1)", "f8 (2) 1 4"},
    {"std(a)", "f8 () 1.70783"},
    {"var(a, axis=1, ddof=1)", "f8 (2) 1 1"},
    {"min(b, axis=1)", "f8 (2) -1.5 nan"},
    {"max(a)", "i4 () 5"},
    {"argmax(a, axis=0)", "i8 (3) 1 1 1"},
    {"argmin(b[0])", "i8 () 1"},
    {"argmax(b)", "i8 () 5"},
    {"prod(a + 1, axis=0)", "i8 (3) 4 10 18"},
    {"any(a > 4, axis=1)", "b1 (2) 0 1"},
    {"all(m)", "b1 () 0"},
    {"a - mean(a)", "f8 (2 3) -2.5 -1.5 -0.5 0.5 1.5 2.5"},
    {"sum(sum(a, axis=0) * a)", "i8 () 83"},
    {"sum(zeros((0, 3)), axis=0)", "f8 (3) 0 0 0"},
    /* shapes */
    {"a.T", "i4 (3 2) 0 3 1 4 2 5"},
    {"a[::-1, 1]", "i4 (2) 4 1"},
    {"a.slice((slice(1, None, None), slice(None, None, 2)))", "i4 (1 2) 3 5"},
    {"(a + c)[1:]", "i4 (1 3) 253 255 257"},
    {"concat([a, -a], axis=1)", "i4 (2 6) 0 1 2 0 -1 -2 3 4 5 -3 -4 -5"},
    {"concat((a, a[:1]))[::-1, 0]", "i4 (3) 0 3 0"},
    {"stack([c, f], axis=1)", "f4 (3 2) 250 0 251 0.25 252 0.5"},
    {"linspace(0, 1, 5)", "f8 (5) 0 0.25 0.5 0.75 1"},
    {"linspace(0, 1, num=4, endpoint=False)", "f8 (4) 0 0.25 0.5 0.75"},
    {"arange(6, shape=(2, 3)) - a", "i8 (2 3) 0 0 0 0 0 0"},
    {"arange(1, 2, 0.25, dtype='f4')", "f4 (4) 1 1.25 1.5 1.75"},
    {"full((2, 2), 7)", "i8 (2 2) 7 7 7 7"},
    /* what is refused */
    {"a +", "the expression ends too early at character 4"},
    {"a + nope", "there is no operand 'nope' at character 5"},
    {"a < 1 < 2", "comparisons in a row need parentheses and & at character 7"},
    {"t + 1", "an operand whose items have fields is used by its fields at character 3"},
    {"t.y",
     "items of the type 'S3' are not computed with: booleans, integers and reals of 2, 4 and 8 bytes are at "
     "character 3"},
    {"t.z", "there is no field 'z' at character 3"},
    {"c + 300", "the number 300 is out of bounds for uint8 at character 3"},
    {"a[:, 0] + f", "axes of 2 and of 3 items do not go together at character 9"},
    {"b & 1", "bitwise_and is not for reals at character 3"},
    {"m - m", "subtract is not for booleans at character 3"},
    {"max(zeros((0, 3)))", "max of no items at character 1"},
    {"cumsum(a)", "the function 'cumsum' is not known here at character 1"},
    {"__import__('os')", "the function '__import__' is not known here at character 1"},
    {"a.__class__", "this member of an array is not known here at character 3"},
    {"lambda: 0", "there is no operand 'lambda' at character 1"},
    {"sum(a, axis=5)", "an axis is out of bounds, or there twice at character 1"},
    {"a; b", "expected an operator at character 2"},
    {"(a", "a parenthesis is not closed at character 1"},
    {"a.slice((slice(None, None, -0), 2))", "slice: the step of axis 0 is 0 at character 3"},
    {"arange(5, 0, 0)", "these arguments make no array at character 1"},
    {"zeros((9999999999, 9999999999))", "an array of the expression is too large at character 1"},
    {"sum(zeros((9999999, 2)), axis=1)",
     "the reductions of an expression have up to 2097152 numbers together at character 1"},
};

static void expressions_mean_what_numpy_makes_of_them(void **state)
{
    char got[400];

    (void)state;
    for (size_t i = 0; i < C2_ARRAY_LEN(meanings); i++) {
        evaluate(meanings[i].text, got, sizeof(got));
        if (strcmp(got, meanings[i].result) != 0)
            fail_msg("%s: %s, not %s", meanings[i].text, got, meanings[i].result);
    }
}

/* Parentheses, signs, operations in each other and in all have their limits. */
static void what_is_nested_or_long_ends_at_its_limit(void **state)
{
    static const struct {
        const char *open, *middle, *more;
        int n;
        const char *why;
    } cases[] = {{"(", "a", "", 5000, "nested too deep"},    {"-", "a", "", 5000, "nested too deep"},
                 {"sin(", "a", "", 5000, "nested too deep"}, {"", "a", "+a", 5000, "in each other"},
                 {"", "a", "**a", 5000, "nested too deep"},  {"", "a", " ", C2_EXPR_TEXT_MAX, "too long"}};
    char got[400];

    (void)state;
    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        C2_AUTO(c2_buf) text = C2_BUF_INIT(1 << 20);
        struct cat2_error err;
        for (int k = 0; k < cases[i].n; k++)
            assert_true(c2_buf_puts(&text, cases[i].open, &err));
        assert_true(c2_buf_puts(&text, cases[i].middle, &err));
        for (int k = 0; k < cases[i].n; k++)
            assert_true(c2_buf_puts(&text, cases[i].more, &err));
        evaluate(c2_buf_cstr(&text), got, sizeof(got));
        if (!strstr(got, cases[i].why)) fail_msg("%zu: %s", i, got);
    }
}

static int begin(void **state)
{
    struct cat2_error err;

    (void)state;
    for (size_t i = 0; i < C2_ARRAY_LEN(arrays); i++)
        if (!c2_dtype_parse(c2_str_of(arrays[i].dtype), &dtypes[i], &err)) return -1;
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (size_t i = 0; i < C2_ARRAY_LEN(arrays); i++)
        c2_dtype_fini(&dtypes[i]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(expressions_mean_what_numpy_makes_of_them),
                                       cmocka_unit_test(what_is_nested_or_long_ends_at_its_limit)};

    return cmocka_run_group_tests(tests, begin, end);
}
