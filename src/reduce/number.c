/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading numbers of any dtype, writing them as browsers have them. */
#include "reduce/number.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/endian.h"
#include "ndim/item.h"

#define TOP_BIT ((uint64_t)1 << 63)

/* ---- what there is ---- */

static bool read_part(struct c2_str text, enum c2_part *out, struct cat2_error *err)
{
    static const char *const names[] = {"abs", "re", "im", "phase"};

    *out = C2_PART_ABS;
    if (text.n == 0) return true;
    for (size_t i = 0; i < C2_ARRAY_LEN(names); i++)
        if (c2_str_is(text, names[i])) {
            *out = (enum c2_part)i;
            return true;
        }
    return c2_fail(err, CAT2_EINVAL, "part '%.*s' is none of abs, re, im, phase",
                   (int)c2_min_i64(20, (int64_t)text.n), text.p);
}

static bool describe(const struct c2_dtype *type, struct c2_num *out)
{
    out->kind = type->kind == 'M' || type->kind == 'm' ? 'i' : type->kind;
    out->size = (int)type->itemsize;
    out->swapped = c2_dtype_swapped(type);
    switch (type->kind) {
    case 'b':
        out->out_kind = 'u';
        out->out_size = 1;
        return true;
    case 'c':
        out->size /= 2;
        out->out_kind = 'f';
        out->out_size = out->size == 4 ? 4 : 8;
        return true;
    case 'f':
        out->out_kind = 'f';
        out->out_size = out->size <= 4 ? 4 : 8;
        return true;
    case 'i':
    case 'u':
    case 'M':
    case 'm':
        out->out_kind = out->kind;
        out->out_size = out->size;
        out->wide = out->size == 8;
        return true;
    default:
        return false;
    }
}

bool c2_num_of(const struct c2_dtype *dtype, struct c2_str field, struct c2_str part, struct c2_num *out,
               struct cat2_error *err)
{
    const struct c2_dtype *type = dtype;

    *out = (struct c2_num){.itemsize = dtype->itemsize};
    if (!read_part(part, &out->part, err)) return false;
    if (field.n) {
        const struct c2_field *found = c2_dtype_field(dtype, field, &out->offset);
        int shown = (int)c2_min_i64(100, (int64_t)field.n);
        if (!found) return c2_fail(err, CAT2_EINVAL, "there is no field '%.*s'", shown, field.p);
        if (found->ndim)
            return c2_fail(err, CAT2_EINVAL, "field '%.*s' holds arrays, not numbers", shown, field.p);
        type = &found->type;
    }
    if (type->nfields) return c2_fail(err, CAT2_EINVAL, "items are structures: name a field of numbers");
    return describe(type, out) || c2_fail(err, CAT2_EINVAL, "items are no numbers");
}

/* A number as an item of 64 bits is it, exactly. */
static struct c2_fill fill_of(const char *text, double v, char kind)
{
    struct c2_fill fill = {.real = v};
    char *end;

    if (kind == 'u' ? v < 0 || v > 0x1p64 : !(v >= -0x1p63 && v <= 0x1p63)) return fill;
    errno = 0;
    fill.bits = kind == 'u' ? strtoull(text, &end, 10) : (uint64_t)strtoll(text, &end, 10);
    fill.whole = *end == '\0' && errno == 0;
    if (*end && v == floor(v) && fabs(v) < 0x1p53) { /* "1e3" */
        fill.bits = (uint64_t)(int64_t)v;
        fill.whole = true;
    }
    return fill;
}

bool c2_num_fills(struct c2_num *num, struct c2_str list, struct cat2_error *err)
{
    struct c2_str rest = list, one;
    char copy[64], *end;

    while (rest.n) {
        c2_str_cut(rest, ',', &one, &rest);
        snprintf(copy, sizeof(copy), "%.*s", C2_STR_ARG(one));
        double v = strtod(copy, &end);
        if (one.n == 0 || one.n >= sizeof(copy) || *end)
            return c2_fail(err, CAT2_EINVAL, "fill: '%s' is no number", copy);
        if (num->nfills == C2_NUM_FILLS_MAX)
            return c2_fail(err, CAT2_EINVAL, "fill: more than %d numbers", C2_NUM_FILLS_MAX);
        num->fill[num->nfills++] = fill_of(copy, v, num->kind);
    }
    if (num->nfills == 0 || num->out_kind == 'f') return true;
    num->out_kind = 'f';
    num->out_size = num->size <= 2 ? 4 : 8; /* a real of 4 bytes has 24 bits */
    num->wide = false;
    return true;
}

bool c2_num_is_real(const struct c2_num *num)
{
    return num->out_kind == 'f';
}

void c2_num_typestr(const struct c2_num *num, char out[8])
{
    out[0] = num->out_size == 1 ? '|' : '<';
    out[1] = num->out_kind;
    out[2] = (char)('0' + num->out_size);
    out[3] = '\0';
}

/* ---- reading ---- */

static double complex_at(const struct c2_num *num, const uint8_t *p)
{
    double re = c2_item_real(p, num->size, num->swapped);
    double im = c2_item_real(p + num->size, num->size, num->swapped);

    double v = re;

    if (num->part == C2_PART_ABS) v = hypot(re, im);
    if (num->part == C2_PART_IM) v = im;
    if (num->part == C2_PART_PHASE) v = atan2(im, re);
    return num->size == 4 ? (double)(float)v : v; /* as NumPy's of the same width */
}

/* One loop a width and byte order: the compiler sees both as constants. */
#define LOOP(expr)                                                                                           \
    do {                                                                                                     \
        for (int64_t i = 0; i < n; i++, p += step)                                                           \
            out[i] = (expr);                                                                                 \
        return;                                                                                              \
    } while (0)

static void load_ints(const struct c2_num *num, const uint8_t *p, int64_t n, double *out)
{
    const int64_t step = num->itemsize;
    const bool sign = num->kind == 'i', turn = num->swapped;

    switch (num->size) {
    case 1:
        if (num->kind == 'b') LOOP(*p ? 1 : 0);
        if (sign) LOOP((double)c2_item_int(p, 1, false));
        LOOP(*p);
    case 2:
        if (sign) LOOP((double)c2_item_int(p, 2, turn));
        LOOP((double)c2_item_uint(p, 2, turn));
    case 4:
        if (sign) LOOP((double)c2_item_int(p, 4, turn));
        LOOP((double)c2_item_uint(p, 4, turn));
    default:
        if (sign) LOOP((double)c2_item_int(p, 8, turn));
        LOOP((double)c2_item_uint(p, 8, turn));
    }
}

static void load(const struct c2_num *num, const uint8_t *items, int64_t n, double *out)
{
    const uint8_t *p = items + num->offset;
    const int64_t step = num->itemsize;

    if (num->kind == 'c') LOOP(complex_at(num, p));
    if (num->kind != 'f') {
        load_ints(num, p, n, out);
        return;
    }
    if (num->size == 4) LOOP(c2_item_real(p, 4, num->swapped));
    if (num->size == 8) LOOP(c2_item_real(p, 8, num->swapped));
    LOOP(c2_item_real(p, num->size, num->swapped));
}

void c2_num_load(const struct c2_num *num, const uint8_t *items, int64_t n, double *out)
{
    const bool exact = num->size == 8 && (num->kind == 'i' || num->kind == 'u');
    const uint8_t *p = items + num->offset;

    load(num, items, n, out);
    for (int k = 0; k < num->nfills; k++)
        for (int64_t i = 0; i < n; i++) {
            const struct c2_fill *fill = &num->fill[k];
            bool none = out[i] == fill->real;
            if (none && exact)
                none = fill->whole && c2_item_uint(p + i * num->itemsize, 8, num->swapped) == fill->bits;
            if (none) out[i] = (double)NAN;
        }
}

void c2_num_load_i64(const struct c2_num *num, const uint8_t *items, int64_t n, int64_t *out)
{
    const uint8_t *p = items + num->offset;
    const int64_t step = num->itemsize;
    const uint64_t turn = num->kind == 'u' ? TOP_BIT : 0;

    LOOP((int64_t)(c2_item_uint(p, 8, num->swapped) ^ turn));
}

/* ---- writing ---- */

static void store_real(int size, double v, uint8_t *to)
{
    float v4 = (float)v;
    uint64_t u;
    uint32_t u4;

    if (size == 8) {
        memcpy(&u, &v, 8);
        c2_put_le64(to, u);
    } else {
        memcpy(&u4, &v4, 4);
        c2_put_le32(to, u4);
    }
}

void c2_num_store(const struct c2_num *num, const double *from, int64_t n, uint8_t *out)
{
    for (int64_t i = 0; i < n; i++, out += num->out_size) {
        int64_t v = num->out_kind == 'f' ? 0 : (int64_t)from[i];
        if (num->out_kind == 'f')
            store_real(num->out_size, from[i], out);
        else if (num->out_size == 1)
            *out = (uint8_t)v;
        else if (num->out_size == 2)
            c2_put_le16(out, (uint16_t)v);
        else if (num->out_size == 4)
            c2_put_le32(out, (uint32_t)v);
        else
            c2_put_le64(out, (uint64_t)v);
    }
}

void c2_num_store_i64(const struct c2_num *num, const int64_t *from, int64_t n, uint8_t *out)
{
    const uint64_t turn = num->kind == 'u' ? TOP_BIT : 0;

    for (int64_t i = 0; i < n; i++)
        c2_put_le64(out + 8 * i, (uint64_t)from[i] ^ turn);
}

double c2_num_wide_real(const struct c2_num *num, int64_t v)
{
    return num->kind == 'u' ? (double)((uint64_t)v ^ TOP_BIT) : (double)v;
}
