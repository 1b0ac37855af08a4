/* SPDX-License-Identifier: BSD-3-Clause */
/* Real numbers as digits. The shortest digits are found by trying: a precision more, until the text reads
 * back as the number in its own type. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/endian.h"
#include "ndim/print_impl.h"

uint64_t c2_read_uint(const uint8_t *item, int64_t size, bool swapped)
{
    uint8_t bytes[8] = {0};
    uint64_t v;

    for (int64_t i = 0; i < size; i++)
        bytes[i] = item[swapped ? size - 1 - i : i];
    if (__BYTE_ORDER == __BIG_ENDIAN) {
        memcpy(&v, bytes, 8);
        return v >> (64 - 8 * size);
    }
    memcpy(&v, bytes, 8);
    return v;
}

int64_t c2_read_int(const uint8_t *item, int64_t size, bool swapped)
{
    uint64_t v = c2_read_uint(item, size, swapped);

    return size == 1 ? (int8_t)v : size == 2 ? (int16_t)v : size == 4 ? (int32_t)v : (int64_t)v;
}

static double half_value(uint16_t h)
{
    int exponent = h >> 10 & 31;
    double fraction = (h & 1023) / 1024.0, v;

    if (exponent == 31)
        v = h & 1023 ? NAN : INFINITY;
    else if (exponent == 0)
        v = ldexp(fraction, -14);
    else
        v = ldexp(1 + fraction, exponent - 15);
    return h >> 15 ? -v : v;
}

/* The half-precision number nearest to v (ties to even), as a double. */
static double to_half(double v)
{
    int exponent;

    if (v == 0 || !isfinite(v)) return v;
    frexp(v, &exponent);
    int unit = exponent - 11 < -24 ? -24 : exponent - 11;
    double rounded = ldexp(nearbyint(ldexp(v, -unit)), unit);
    return fabs(rounded) > 65504 ? copysign(INFINITY, v) : rounded;
}

struct c2_real c2_read_real(const uint8_t *item, int64_t size, bool swapped)
{
    struct c2_real x = {0, size};
    uint64_t bits = size <= 8 ? c2_read_uint(item, size, swapped) : 0;
    uint32_t low = (uint32_t)bits;
    double d;
    float f;

    if (size == 2) x.v = (long double)half_value((uint16_t)bits);
    memcpy(&d, &bits, sizeof(d));
    memcpy(&f, &low, sizeof(f));
    if (size == 4) x.v = (long double)f;
    if (size == 8) x.v = (long double)d;
    if (size > 8) { /* the machine's own extended format, in 12 or 16 bytes */
        uint8_t bytes[sizeof(long double)] = {0};
        for (int64_t i = 0; i < size && i < (int64_t)sizeof(bytes); i++)
            bytes[i] = item[swapped ? size - 1 - i : i];
        memcpy(&x.v, bytes, sizeof(x.v));
    }
    return x;
}

static bool reads_back(const char *text, struct c2_real x)
{
    if (x.size == 2) return to_half(strtod(text, NULL)) == (double)x.v;
    if (x.size == 4) return strtof(text, NULL) == (float)x.v;
    if (x.size == 8) return strtod(text, NULL) == (double)x.v;
    return strtold(text, NULL) == x.v;
}

/* "-1.25e+03" as digits without trailing zeros. */
static void from_text(const char *text, struct c2_digits *out)
{
    const char *e = strchr(text, 'e');
    int64_t exponent = 0;

    *out = (struct c2_digits){.negative = text[0] == '-'};
    for (const char *p = text; p < e; p++)
        if (*p >= '0' && *p <= '9') out->digits[out->n++] = *p;
    c2_str_to_i64(c2_str_of(e + 1), &exponent);
    out->exponent = (int)exponent;
    while (out->n > 1 && out->digits[out->n - 1] == '0')
        out->n--;
    out->digits[out->n] = '\0';
    if (out->n == 1 && out->digits[0] == '0') out->exponent = 0;
}

/* One more in the last digit. At a power of two a type's numbers are twice as dense below as above: the text
 * nearest from below may miss while the next one above still reads back. */
static bool bump(char *text)
{
    char *p = strchr(text, 'e') - 1;

    for (; p > text && (*p == '9' || *p == '.'); p--)
        if (*p == '9') *p = '0';
    if (*p < '0' || *p >= '9') return false; /* 9.99: more digits will tell */
    ++*p;
    return true;
}

void c2_real_digits(struct c2_real x, struct c2_digits *out)
{
    int most = x.size == 2 ? 5 : x.size == 4 ? 9 : x.size == 8 ? 17 : 21;
    char text[64];

    for (int n = 0; n < most; n++) {
        snprintf(text, sizeof(text), "%.*Le", n, x.v);
        if (reads_back(text, x)) break;
        if (n > 0 && bump(text) && reads_back(text, x)) break;
    }
    from_text(text, out);
}

void c2_real_digits_cut(struct c2_real x, int precision, bool scientific, struct c2_digits *out)
{
    char text[64];

    c2_real_digits(x, out);
    int keep = scientific ? precision : out->exponent + precision; /* digits after the first that may stay */
    if (!scientific && out->n - 1 < out->exponent) { /* down to the ones, digits are the exact number's */
        snprintf(text, sizeof(text), "%.*Le", out->exponent < 40 ? out->exponent : 40, x.v);
        from_text(text, out);
        return;
    }
    if (out->n - 1 <= keep) return;
    if (keep >= 0) {
        snprintf(text, sizeof(text), "%.*Le", keep, x.v);
        from_text(text, out);
        return;
    }
    /* Smaller than the last place: it rounds to nothing, or up to one unit of it. */
    long double unit = powl(10, -precision);
    bool up = fabsl(x.v) > unit / 2;
    *out = (struct c2_digits){
        .negative = out->negative, .digits = {up ? '1' : '0'}, .n = 1, .exponent = up ? -precision : 0};
}

bool c2_print_real_scalar(struct c2_real x, bool bare, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_digits d;
    char text[64];
    int at = 0;

    if (isnan(x.v)) return c2_buf_puts(out, "nan", err);
    if (isinf(x.v)) return c2_buf_puts(out, x.v < 0 ? "-inf" : "inf", err);
    c2_real_digits(x, &d);
    if (d.negative) text[at++] = '-';
    if (x.v != 0 && (fabsl(x.v) < 1e-4L || fabsl(x.v) >= 1e16L)) { /* by value: float32 1e-4 is less */
        text[at++] = d.digits[0];
        if (d.n > 1) at += snprintf(text + at, sizeof(text) - (size_t)at, ".%s", d.digits + 1);
        at += snprintf(text + at, sizeof(text) - (size_t)at, "e%c%02d", d.exponent < 0 ? '-' : '+',
                       abs(d.exponent));
        return c2_buf_append(out, text, (size_t)at, err);
    }
    for (int place = d.exponent > 0 ? d.exponent : 0; place > d.exponent - d.n || place >= 0; place--) {
        int i = d.exponent - place;
        if (place == -1) text[at++] = '.';
        text[at++] = i >= 0 && i < d.n ? d.digits[i] : '0';
    }
    if (d.n <= d.exponent + 1 && !bare) at += snprintf(text + at, sizeof(text) - (size_t)at, ".0");
    return c2_buf_append(out, text, (size_t)at, err);
}
