/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading numbers of any dtype, writing them as browsers have them. */
#include "view/number.h"

#include <math.h>

#include "base/endian.h"

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

static inline uint64_t bits(const uint8_t *p, int size, bool swapped)
{
    switch (size) {
    case 1:
        return *p;
    case 2:
        return swapped ? c2_be16(p) : c2_le16(p);
    case 4:
        return swapped ? c2_be32(p) : c2_le32(p);
    default:
        return swapped ? c2_be64(p) : c2_le64(p);
    }
}

static double half_of(uint16_t h)
{
    int exponent = h >> 10 & 31;
    double fraction = h & 1023, v;

    if (exponent == 31)
        v = (h & 1023) ? (double)NAN : (double)INFINITY;
    else
        v = exponent ? ldexp(fraction + 1024, exponent - 25) : ldexp(fraction, -24);
    return h & 0x8000 ? -v : v;
}

static double long_of(const uint8_t *p, int size, bool swapped)
{
    uint8_t turned[16];
    long double v = 0;

    for (int i = 0; i < size; i++)
        turned[i] = swapped ? p[size - 1 - i] : p[i];
    memcpy(&v, turned, sizeof(v) < (size_t)size ? sizeof(v) : (size_t)size);
    return (double)v;
}

static inline double real_at(const uint8_t *p, int size, bool swapped)
{
    uint64_t u;
    uint32_t u4;
    double v;
    float v4;

    if (size == 8) {
        u = bits(p, 8, swapped);
        memcpy(&v, &u, 8);
        return v;
    }
    if (size == 4) {
        u4 = (uint32_t)bits(p, 4, swapped);
        memcpy(&v4, &u4, 4);
        return (double)v4;
    }
    if (size == 2) return half_of((uint16_t)bits(p, 2, swapped));
    return long_of(p, size, swapped);
}

static double complex_at(const struct c2_num *num, const uint8_t *p)
{
    double re = real_at(p, num->size, num->swapped);
    double im = real_at(p + num->size, num->size, num->swapped);

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
        if (sign) LOOP((int8_t)*p);
        LOOP(*p);
    case 2:
        if (sign) LOOP((int16_t)bits(p, 2, turn));
        LOOP((uint16_t)bits(p, 2, turn));
    case 4:
        if (sign) LOOP((int32_t)bits(p, 4, turn));
        LOOP((uint32_t)bits(p, 4, turn));
    default:
        if (sign) LOOP((double)(int64_t)bits(p, 8, turn));
        LOOP((double)bits(p, 8, turn));
    }
}

void c2_num_load(const struct c2_num *num, const uint8_t *items, int64_t n, double *out)
{
    const uint8_t *p = items + num->offset;
    const int64_t step = num->itemsize;

    if (num->kind == 'c') LOOP(complex_at(num, p));
    if (num->kind != 'f') {
        load_ints(num, p, n, out);
        return;
    }
    if (num->size == 4) LOOP(real_at(p, 4, num->swapped));
    if (num->size == 8) LOOP(real_at(p, 8, num->swapped));
    LOOP(real_at(p, num->size, num->swapped));
}

void c2_num_load_i64(const struct c2_num *num, const uint8_t *items, int64_t n, int64_t *out)
{
    const uint8_t *p = items + num->offset;
    const int64_t step = num->itemsize;
    const uint64_t turn = num->kind == 'u' ? TOP_BIT : 0;

    LOOP((int64_t)(bits(p, 8, num->swapped) ^ turn));
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
