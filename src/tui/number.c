/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading items of any byte order, and writing them short. */
#include "tui/number.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "ndim/print.h"

bool c2_tui_is_number(const struct c2_dtype *dtype)
{
    return dtype->nfields == 0 && dtype->itemsize > 0 && strchr("biufcmM", dtype->kind) &&
           (dtype->itemsize <= 8 || (dtype->kind == 'c' && dtype->itemsize <= 16));
}

/* n <= 8 bytes of the item as an unsigned number. */
static uint64_t bits_of(const uint8_t *item, int64_t n, bool swapped)
{
    uint8_t raw[8] = {0};
    uint64_t bits;

    for (int64_t i = 0; i < n; i++)
        raw[i] = swapped ? item[n - 1 - i] : item[i];
    memcpy(&bits, raw, 8);
    return bits;
}

static int64_t signed_of(uint64_t bits, int64_t n)
{
    int shift = (int)(64 - 8 * n);
    return (int64_t)(bits << shift) >> shift;
}

static double half_of(uint64_t bits)
{
    int exponent = (int)(bits >> 10 & 31);
    double fraction = (double)(bits & 1023), sign = bits >> 15 ? -1.0 : 1.0;

    if (exponent == 31) return fraction > 0 ? NAN : sign * INFINITY;
    if (exponent == 0) return sign * ldexp(fraction, -24);
    return sign * ldexp(1024 + fraction, exponent - 25);
}

static double real_of(const uint8_t *item, int64_t n, bool swapped)
{
    uint64_t bits = bits_of(item, n, swapped);
    uint32_t low = (uint32_t)bits;
    float single;
    double wide;

    if (n == 2) return half_of(bits);
    memcpy(&single, &low, 4);
    memcpy(&wide, &bits, 8);
    return n == 4 ? (double)single : wide;
}

double c2_tui_number(const struct c2_dtype *dtype, const uint8_t *item)
{
    bool swapped = c2_dtype_swapped(dtype);
    int64_t n = dtype->itemsize;

    if (!c2_tui_is_number(dtype)) return NAN;
    switch (dtype->kind) {
    case 'f':
        return real_of(item, n, swapped);
    case 'c':
        return hypot(real_of(item, n / 2, swapped), real_of(item + n / 2, n / 2, swapped));
    case 'i':
        return (double)signed_of(bits_of(item, n, swapped), n);
    case 'm':
    case 'M': {
        int64_t count = signed_of(bits_of(item, n, swapped), n);
        return count == INT64_MIN ? NAN : (double)count;
    }
    default:
        return (double)bits_of(item, n, swapped);
    }
}

/* As NumPy prints one item; for what has no short form of ours. */
static void print_item(const struct c2_dtype *dtype, const uint8_t *item, char out[C2_TUI_WORD_MAX])
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(1 << 20);
    struct cat2_error ignored;

    if (!c2_print_array(dtype, NULL, 0, item, &text, &ignored)) c2_buf_clear(&text);
    snprintf(out, C2_TUI_WORD_MAX, "%s", text.n ? c2_buf_cstr(&text) : "?");
}

static void bytes_text(const struct c2_dtype *dtype, const uint8_t *item, char out[C2_TUI_WORD_MAX])
{
    size_t n = (size_t)c2_min_i64(dtype->itemsize, C2_TUI_WORD_MAX - 1);

    memcpy(out, item, n);
    out[n] = '\0';
}

void c2_tui_word(const struct c2_dtype *dtype, const uint8_t *item, char out[C2_TUI_WORD_MAX])
{
    bool swapped = c2_dtype_swapped(dtype);
    int64_t n = dtype->itemsize;
    bool plain = c2_tui_is_number(dtype);

    if (plain && dtype->kind == 'b')
        snprintf(out, C2_TUI_WORD_MAX, "%s", item[0] ? "True" : "False");
    else if (plain && dtype->kind == 'u')
        snprintf(out, C2_TUI_WORD_MAX, "%" PRIu64, bits_of(item, n, swapped));
    else if (plain && dtype->kind == 'i')
        snprintf(out, C2_TUI_WORD_MAX, "%" PRId64, signed_of(bits_of(item, n, swapped), n));
    else if (plain && dtype->kind == 'f')
        snprintf(out, C2_TUI_WORD_MAX, "%.6g", real_of(item, n, swapped));
    else if (plain && dtype->kind == 'c')
        snprintf(out, C2_TUI_WORD_MAX, "%.5g%+.5gi", real_of(item, n / 2, swapped),
                 real_of(item + n / 2, n / 2, swapped));
    else if (dtype->kind == 'S')
        bytes_text(dtype, item, out);
    else
        print_item(dtype, item, out);
}
