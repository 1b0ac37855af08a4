/* SPDX-License-Identifier: BSD-3-Clause */
/* Real numbers as NumPy prints them. */
#include <math.h>

#include "ndim/print_impl.h"

struct c2_real c2_read_real(const uint8_t *item, int64_t size, bool swapped)
{
    struct c2_real x = {.size = size};

    if (size == 2) x.half = (uint16_t)c2_item_uint(item, 2, swapped);
    x.v =
        size > 8 ? c2_item_long_double(item, size, swapped) : (long double)c2_item_real(item, size, swapped);
    return x;
}

static void real_digits(struct c2_real x, struct c2_digits *out)
{
    if (x.size == 2)
        c2_digits_of_half(x.half, out);
    else if (x.size == 4)
        c2_digits_of_float((float)x.v, out);
    else if (x.size == 8)
        c2_digits_of_double((double)x.v, out);
    else
        c2_digits_of_long_double(x.v, out);
}

void c2_real_digits_cut(struct c2_real x, int precision, bool scientific, struct c2_digits *out)
{
    real_digits(x, out);
    int keep = scientific ? precision : out->exponent + precision; /* digits after the first that may stay */
    if (!scientific && out->n - 1 < out->exponent) { /* down to the ones, digits are the exact number's */
        c2_digits_rounded(x.v, out->exponent < 40 ? out->exponent : 40, out);
        return;
    }
    if (out->n - 1 <= keep) return;
    if (keep >= 0) {
        c2_digits_rounded(x.v, keep, out);
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
    char text[96];

    if (isnan(x.v)) return c2_buf_puts(out, "nan", err);
    if (isinf(x.v)) return c2_buf_puts(out, x.v < 0 ? "-inf" : "inf", err);
    real_digits(x, &d);
    bool scientific =
        x.v != 0 && (fabsl(x.v) < 1e-4L || fabsl(x.v) >= 1e16L); /* by value: float32 1e-4 is less */
    return c2_buf_append(out, text, c2_digits_text(&d, scientific, !bare, text), err);
}
