/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading items of any byte order, and writing them short. */
#include "tui/tui_number.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "ndim/item.h"
#include "ndim/print.h"

bool c2_tui_is_number(const struct c2_dtype *dtype)
{
    return dtype->nfields == 0 && dtype->itemsize > 0 && strchr("biufcmM", dtype->kind) &&
           (dtype->itemsize <= 8 || (dtype->kind == 'c' && dtype->itemsize <= 16));
}

double c2_tui_number(const struct c2_dtype *dtype, const uint8_t *item)
{
    bool swapped = c2_dtype_swapped(dtype);
    int64_t n = dtype->itemsize;

    if (!c2_tui_is_number(dtype)) return NAN;
    switch (dtype->kind) {
    case 'f':
        return c2_item_real(item, n, swapped);
    case 'c':
        return hypot(c2_item_real(item, n / 2, swapped), c2_item_real(item + n / 2, n / 2, swapped));
    case 'i':
        return (double)c2_item_int(item, n, swapped);
    case 'm':
    case 'M': {
        int64_t count = c2_item_int(item, n, swapped);
        return count == INT64_MIN ? NAN : (double)count;
    }
    default:
        return (double)c2_item_uint(item, n, swapped);
    }
}

double c2_tui_distance(const struct c2_dtype *dtype, const uint8_t *item, const uint8_t *base)
{
    bool swapped = c2_dtype_swapped(dtype);
    double a = c2_tui_number(dtype, item), b = c2_tui_number(dtype, base);

    if (!strchr("iumM", dtype->kind) || dtype->itemsize != 8 || isnan(a) || isnan(b)) return a - b;
    uint64_t x = c2_item_uint(item, 8, swapped), y = c2_item_uint(base, 8, swapped);
    bool less = dtype->kind == 'u' ? x < y : (int64_t)x < (int64_t)y;
    return less ? -(double)(y - x) : (double)(x - y);
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
        snprintf(out, C2_TUI_WORD_MAX, "%" PRIu64, c2_item_uint(item, n, swapped));
    else if (plain && dtype->kind == 'i')
        snprintf(out, C2_TUI_WORD_MAX, "%" PRId64, c2_item_int(item, n, swapped));
    else if (plain && dtype->kind == 'f')
        snprintf(out, C2_TUI_WORD_MAX, "%.6g", c2_item_real(item, n, swapped));
    else if (plain && dtype->kind == 'c')
        snprintf(out, C2_TUI_WORD_MAX, "%.5g%+.5gi", c2_item_real(item, n / 2, swapped),
                 c2_item_real(item + n / 2, n / 2, swapped));
    else if (dtype->kind == 'S')
        bytes_text(dtype, item, out);
    else
        print_item(dtype, item, out);
}
