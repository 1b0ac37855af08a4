/* SPDX-License-Identifier: BSD-3-Clause */
/* Helpers of this room's tests: numbers of any dtype written without the code under test, an array in memory
 * and its selections cut into boxes of any size in any order, chunks that only say what they are. */
#ifndef C2_REDUCE_REDUCE_TESTING_H
#define C2_REDUCE_REDUCE_TESTING_H

#include <math.h>
#include <stdio.h>

#include "base/base_testing.h"
#include "reduce/number.h"
#include "reduce/walk.h"

#define TOP ((uint64_t)1 << 63)

/* Some halves, as IEEE 754 has them. */
static const struct {
    uint16_t bits;
    double value;
} halves[] = {{0x0000, 0},       {0x3c00, 1},          {0xc000, -2},     {0x7bff, 65504},
              {0x0001, 0x1p-24}, {0x3555, 0x1.554p-2}, {0xfbff, -65504}, {0x8400, -0x1p-14}};

/* One number of every kind and width: real is what it is, wide is set for 64-bit integers. */
struct number {
    double real;
    int64_t wide; /* order-preserving: unsigned ones with the top bit turned */
};
static inline void put_bytes(uint8_t *to, const void *from, int n, bool turned)
{
    const uint8_t *p = from; /* this machine's order is the little one */

    for (int i = 0; i < n; i++)
        to[i] = p[turned ? n - 1 - i : i];
}

static inline struct number put_real(char order, int size, uint8_t *to, bool nans)
{
    double v = (double)(random_below(2001) - 1000) / 4;
    float v4 = (float)v;
    size_t half = (size_t)random_below(C2_ARRAY_LEN(halves));
    bool turned = order == '>';

    if (nans && random_below(8) == 0) v = v4 = nanf("");
    if (size == 8) put_bytes(to, &v, 8, turned);
    if (size == 4) put_bytes(to, &v4, 4, turned);
    if (size > 2) return (struct number){v, 0};
    put_bytes(to, &halves[half].bits, 2, turned);
    return (struct number){halves[half].value, 0};
}

/* A random number of a typestr at `to`. */
static inline struct number put_number(const char *type, uint8_t *to, bool nans)
{
    int size = type[2] - '0';
    uint64_t u = random_bits();
    bool turned = type[0] == '>';

    if (type[1] == 'f') return put_real(type[0], size, to, nans);
    if (type[1] == 'c') {
        size = strcmp(type + 2, "16") == 0 ? 8 : 4;
        double re = put_real(type[0], size, to, nans).real,
               im = put_real(type[0], size, to + size, nans).real;
        return (struct number){size == 4 ? (double)(float)hypot(re, im) : hypot(re, im), 0};
    }
    if (type[1] == 'b') u &= 1;
    if (size < 8) u &= ((uint64_t)1 << 8 * size) - 1;
    put_bytes(to, &u, size, turned);
    if (type[1] == 'u' || type[1] == 'b') return (struct number){(double)u, (int64_t)(u ^ TOP)};
    uint64_t sign = (uint64_t)1 << (8 * size - 1);
    int64_t v = (int64_t)((u ^ sign) - sign);
    return (struct number){(double)v, v};
}

static const char *const number_types[] = {"|b1", "|i1", "|u1", "<i2", ">i2", "<u2", ">u2",  "<i4",
                                           ">i4", "<u4", ">u4", "<i8", ">i8", "<u8", ">u8",  "<f2",
                                           ">f2", "<f4", ">f4", "<f8", ">f8", "<c8", ">c16", "<M8[s]"};

static inline void parse_type(const char *text, struct c2_dtype *out)
{
    struct cat2_error err = {0};

    if (!c2_dtype_parse(c2_str_of(text), out, &err)) fail_msg("%s", err.message);
}

/* ---- an array ---- */

struct array {
    struct c2_meta meta;
    struct c2_num num;
    struct number *numbers;
    uint8_t *items;
    int64_t n;
};
static inline void array_fini(struct array *a)
{
    c2_meta_fini(&a->meta);
    free(a->numbers);
    free(a->items);
}

/* Random numbers; within runs of 64 items all the same in every third one. */
static inline void array_make(struct array *a, const char *type, const int64_t *shape, int ndim, bool nans)
{
    static const int32_t sides[C2_DIM_MAX] = {16, 16, 16, 16};
    struct cat2_error err = {0};
    int64_t n = 1;

    *a = (struct array){.meta = {.kind = C2_KIND_ARRAY}};
    parse_type(type, &a->meta.dtype);
    int64_t size = a->meta.dtype.itemsize;
    for (int i = 0; i < ndim; i++)
        n *= shape[i];
    assert_true(c2_num_of(&a->meta.dtype, C2_STR(""), C2_STR(""), &a->num, &err));
    assert_true(c2_grid_init(&a->meta.grid, shape, sides, sides, ndim, (int32_t)size, true, &err));
    a->n = n;
    a->numbers = calloc((size_t)n + 1, sizeof(*a->numbers));
    a->items = calloc((size_t)n + 1, (size_t)size);
    for (int64_t i = 0; i < n; i++) {
        bool same = i % 64 && i / 64 % 3 == 0;
        if (same) memcpy(a->items + i * size, a->items + (i - 1) * size, (size_t)size);
        a->numbers[i] = same ? a->numbers[i - 1] : put_number(type, a->items + i * size, nans);
    }
}

static inline struct c2_bound bind(const struct c2_grid *grid, const char *text)
{
    struct c2_slice slice;
    struct c2_bound bound;
    struct cat2_error err = {0};

    if (!c2_slice_parse(c2_str_of(text), &slice, &err) ||
        !c2_slice_bind(&slice, grid->shape, grid->ndim, &bound, &err))
        fail_msg("%s: %s", text, err.message);
    return bound;
}

/* Index in the array of the item of a selection at these places. */
static inline int64_t index_at(const struct array *a, const struct c2_bound *bound, const int64_t *at)
{
    int64_t index = 0;

    for (int i = 0; i < bound->ndim; i++)
        index = index * a->meta.grid.shape[i] + bound->axes[i].start + at[i] * bound->axes[i].step;
    return index;
}

static inline void visit_box(const struct array *a, const struct c2_bound *bound, struct c2_box *box,
                             c2_box_fn *visit, void *ctx)
{
    int64_t size = a->meta.dtype.itemsize, at[C2_DIM_MAX];
    uint8_t *items;
    struct cat2_error err = {0};

    box->ndim = bound->ndim;
    box->nitems = 1;
    for (int i = 0; i < bound->ndim; i++)
        box->nitems *= box->count[i];
    items = malloc((size_t)(box->nitems * size)); /* exactly: reading past it is seen */
    box->constant = true;
    for (int64_t k = 0; k < box->nitems; k++) {
        int64_t left = k;
        for (int i = bound->ndim - 1; i >= 0; left /= box->count[i], i--)
            at[i] = box->first[i] + left % box->count[i];
        memcpy(items + k * size, a->items + index_at(a, bound, at) * size, (size_t)size);
        box->constant &= memcmp(items, items + k * size, (size_t)size) == 0;
    }
    box->items = items;
    assert_true(visit(ctx, box, &err));
    free(items);
}

/* The selection in boxes: halves of halves, whichever comes first. */
static inline void visit_boxes(const struct array *a, const struct c2_bound *bound, struct c2_box box,
                               c2_box_fn *visit, void *ctx)
{
    int axis = (int)random_below(bound->ndim);
    struct c2_box low = box, high = box;

    for (int i = 0; i < bound->ndim; i++)
        if (box.count[i] == 0) return;
    if (box.count[axis] < 2 || random_below(6) == 0) {
        visit_box(a, bound, &box, visit, ctx);
        return;
    }
    low.count[axis] = 1 + random_below(box.count[axis] - 1);
    high.first[axis] += low.count[axis];
    high.count[axis] -= low.count[axis];
    bool turned = random_below(2);
    visit_boxes(a, bound, turned ? high : low, visit, ctx);
    visit_boxes(a, bound, turned ? low : high, visit, ctx);
}

static inline void visit_all(const struct array *a, const struct c2_bound *bound, c2_box_fn *visit, void *ctx)
{
    struct c2_box box = {0};

    for (int i = 0; i < bound->ndim; i++)
        box.count[i] = bound->axes[i].count;
    visit_boxes(a, bound, box, visit, ctx);
}

/* ---- chunks that are all of one kind ---- */

static inline bool say_kind(void *self, int64_t nchunk, struct c2_chunk_stat *out, struct cat2_error *err)
{
    (void)err;
    *out = (struct c2_chunk_stat){.kind = *(enum c2_chunk_kind *)self, .cbytes = 5000};
    if (out->kind == C2_CHUNK_ZERO && nchunk == 0) out->kind = C2_CHUNK_STORED; /* but the first */
    return true;
}
static const struct c2_chunks_ops only_kind = {.stat = say_kind};

/* A dataset too large to be there. */
static inline struct c2_selectable huge(struct c2_meta *meta, enum c2_chunk_kind *kind, const int64_t *shape,
                                        int ndim, int32_t typesize)
{
    int32_t chunks[C2_DIM_MAX], blocks[C2_DIM_MAX];
    struct cat2_error err = {0};

    for (int i = 0; i < ndim; i++) {
        chunks[i] = (int32_t)c2_min_i64(shape[i], ndim == 1 ? 1 << 20 : 1024);
        blocks[i] = (int32_t)c2_min_i64(shape[i], ndim == 1 ? 1 << 14 : 128);
    }
    *meta = (struct c2_meta){.kind = C2_KIND_ARRAY};
    assert_true(c2_grid_init(&meta->grid, shape, chunks, blocks, ndim, typesize, true, &err));
    return (struct c2_selectable){meta, {&only_kind, kind}};
}

#endif
