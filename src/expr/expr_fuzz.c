/* SPDX-License-Identifier: BSD-3-Clause */
/* A box of an expression has the items that the whole has there, and needs no more of its operands than it
 * says. One byte chooses the box; the text follows. */
#include <stdlib.h>

#include "expr/expr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ITEMS_MAX 4096 /* of a result that is evaluated */
#define WORK_MAX  (1 << 20)

static const struct {
    const char *name, *dtype;
    int ndim;
    int64_t shape[3];
} arrays[] = {{"a", "<i4", 2, {4, 5}},
              {"b", "<f8", 2, {4, 5}},
              {"c", "|u1", 1, {5}},
              {"d", ">f4", 3, {3, 4, 5}},
              {"m", "|b1", 2, {4, 1}},
              {"s", "<u8", 0, {0}},
              {"t", "[('x', '<i2'), ('y', '>f8'), ('n', '|S3')]", 1, {5}}};
struct fuzz {
    struct c2_dtype dtypes[C2_ARRAY_LEN(arrays)];
    struct c2_bound needed[C2_ARRAY_LEN(arrays)]; /* boxes around it */
    bool is_needed[C2_ARRAY_LEN(arrays)];
};

static bool find(void *ctx, struct c2_expr *expr, struct c2_str name, int *node, struct cat2_error *err)
{
    struct fuzz *f = ctx;

    for (size_t i = 0; i < C2_ARRAY_LEN(arrays); i++)
        if (c2_str_is(name, arrays[i].name))
            return c2_expr_operand(expr, (int)i, &f->dtypes[i], arrays[i].shape, arrays[i].ndim, node, err);
    return c2_fail(err, CAT2_ENOTFOUND, "no such operand");
}

static void need(void *ctx, int id, const struct c2_bound *bound)
{
    struct fuzz *f = ctx;
    int64_t lo[C2_DIM_MAX], hi[C2_DIM_MAX];

    C2_ASSERT(bound->ndim == arrays[id].ndim);
    c2_bound_box(bound, lo, hi);
    for (int i = 0; i < bound->ndim; i++) {
        struct c2_axis_sel *axis = &f->needed[id].axes[i];
        C2_ASSERT(lo[i] >= 0 && hi[i] <= arrays[id].shape[i]);
        int64_t first = f->is_needed[id] ? c2_min_i64(axis->start, lo[i]) : lo[i];
        int64_t end = f->is_needed[id] ? c2_max_i64(axis->start + axis->count, hi[i]) : hi[i];
        *axis = (struct c2_axis_sel){first, 1, end - first, false};
    }
    f->is_needed[id] = true;
}

/* Any bytes, the same for the same item. */
static bool read_items(void *ctx, int id, const struct c2_bound *bound, struct c2_buf *out,
                       struct cat2_error *err)
{
    struct fuzz *f = ctx;
    int64_t lo[C2_DIM_MAX], hi[C2_DIM_MAX], at[C2_DIM_MAX] = {0}, size = f->dtypes[id].itemsize;

    C2_ASSERT(f->is_needed[id]);
    c2_bound_box(bound, lo, hi);
    for (int i = 0; i < bound->ndim; i++) {
        const struct c2_axis_sel *axis = &f->needed[id].axes[i];
        C2_ASSERT(lo[i] >= axis->start && hi[i] <= axis->start + axis->count);
    }
    for (int64_t k = 0; k < bound->nitems; k++) {
        int64_t place = 0;
        for (int i = 0; i < bound->ndim; i++)
            place = place * arrays[id].shape[i] + bound->axes[i].start + at[i] * bound->axes[i].step;
        for (int64_t i = 0; i < size; i++)
            if (!c2_buf_putc(out, (char)(size == 1 ? place % 2 : place * 37 + i * 11), err)) return false;
        for (int i = bound->ndim - 1; i >= 0 && ++at[i] == bound->axes[i].count; i--)
            at[i] = 0;
    }
    return true;
}

static bool eval(struct fuzz *f, struct c2_expr *expr, int node, const struct c2_axis_sel *axes,
                 uint8_t *items)
{
    static const struct c2_dtype as = {.kind = 'f', .order = '<', .itemsize = 8};
    struct c2_expr_source source = {read_items, f};
    struct cat2_error err;

    memset(f->is_needed, 0, sizeof(f->is_needed));
    c2_expr_needs(expr, node, axes, need, f);
    return c2_expr_eval(expr, node, &source, axes, &as, items, &err);
}

/* The last items of each axis, or all, turned round, by the bits of `how`. */
static void check(struct fuzz *f, struct c2_expr *expr, int node, unsigned how)
{
    struct c2_expr_type type = c2_expr_type(expr, node);
    struct c2_axis_sel all[C2_DIM_MAX], part[C2_DIM_MAX];
    uint64_t whole[ITEMS_MAX], some[ITEMS_MAX];
    int64_t n = 1, at[C2_DIM_MAX] = {0};

    for (int i = 0; i < type.ndim; i++) {
        int64_t length = type.shape[i];
        if (length == 0 || length > ITEMS_MAX / n) return;
        n *= length;
        all[i] = (struct c2_axis_sel){0, 1, length, false};
        unsigned bits = how >> (2 * (i % 4)) & 3;
        part[i] = bits == 0   ? all[i]
                  : bits == 1 ? (struct c2_axis_sel){length - 1, -1, length, false}
                  : bits == 2 ? (struct c2_axis_sel){length / 2, 1, length - length / 2, false}
                              : (struct c2_axis_sel){0, 2, (length + 1) / 2, false};
    }
    if (c2_expr_work(expr, node, n) > WORK_MAX || !eval(f, expr, node, all, (uint8_t *)whole)) return;
    C2_ASSERT(eval(f, expr, node, part, (uint8_t *)some));
    for (int64_t k = 0, of_part = 1; k < of_part; k++) {
        int64_t place = 0;
        of_part = 1;
        for (int i = 0; i < type.ndim; i++) {
            place = place * type.shape[i] + part[i].start + at[i] * part[i].step;
            of_part *= part[i].count;
        }
        C2_ASSERT(some[k] == whole[place]);
        for (int i = type.ndim - 1; i >= 0 && ++at[i] == part[i].count; i--)
            at[i] = 0;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    C2_AUTO_PTR(c2_expr) *expr = c2_expr_new();
    struct fuzz f = {0};
    struct c2_expr_names names = {find, &f};
    struct cat2_error err;
    int64_t position = -1;
    int node;

    if (size == 0) return 0;
    C2_ASSERT(expr);
    for (size_t i = 0; i < C2_ARRAY_LEN(arrays); i++)
        C2_ASSERT(c2_dtype_parse(c2_str_of(arrays[i].dtype), &f.dtypes[i], &err));
    struct c2_str text = {(const char *)data + 1, size - 1};
    if (c2_expr_parse(expr, text, &names, &node, &position, &err)) {
        if (c2_expr_type(expr, node).kind != 'V') check(&f, expr, node, data[0]);
    } else {
        C2_ASSERT(position >= 0 && position <= (int64_t)text.n);
    }
    for (size_t i = 0; i < C2_ARRAY_LEN(arrays); i++)
        c2_dtype_fini(&f.dtypes[i]);
    return 0;
}
