/* SPDX-License-Identifier: BSD-3-Clause */
/* Items as words of one array: numbers share a format that is found by looking at all of them first. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ndim/print_impl.h"

#define PRECISION 8

/* NumPy's layout of real numbers: all positional or all scientific, aligned at the point. */
struct real_format {
    bool scientific, plus;
    int pad_left, pad_right, precision, exponent_digits;
};
struct c2_words {
    const struct c2_dtype *dtype;
    struct real_format re, im;
    int width; /* of integers and moments */
    bool lone; /* of one scalar: booleans are not padded */
    struct c2_words **fields;
};

void c2_words_free(struct c2_words *words)
{
    if (!words) return;
    for (int i = 0; words->fields && i < words->dtype->nfields; i++)
        c2_words_free(words->fields[i]);
    free(words->fields);
    free(words);
}

/* ---- reals ---- */

static int most(int a, int b)
{
    return a > b ? a : b;
}

/* Characters before the point and digits after it, as printed positionally. */
static void measure_positional(const struct c2_digits *d, bool plus, struct real_format *f)
{
    int whole = d->exponent >= 0 ? d->exponent + 1 : 1, fraction = d->n - 1 - d->exponent;

    f->pad_left = most(f->pad_left, whole + (d->negative || plus));
    f->pad_right = most(f->pad_right, fraction > 0 ? fraction : 0);
}

static void measure_scientific(const struct c2_digits *d, bool plus, struct real_format *f)
{
    int digits = abs(d->exponent) >= 1000 ? 4 : abs(d->exponent) >= 100 ? 3 : 2;

    f->pad_left = most(f->pad_left, 1 + (d->negative || plus));
    f->precision = most(f->precision, d->n - 1);
    f->exponent_digits = most(f->exponent_digits, digits);
}

/* Is the ratio, in the arithmetic of the type, beyond 1000? */
static bool far_apart(long double largest, long double smallest, int64_t size)
{
    if (size == 2) return (float)largest / (float)smallest > 1000.25F; /* so much rounds to 1000 */
    if (size == 4) return (float)largest / (float)smallest > 1000;
    if (size == 8) return (double)largest / (double)smallest > 1000;
    return largest / smallest > 1000;
}

static void fit_reals(struct real_format *f, const uint8_t *items, int64_t n, int64_t stride, int64_t size,
                      bool swapped)
{
    long double largest = 0, smallest = INFINITY;
    bool finite = false, odd = false, negative_inf = f->plus;

    for (int64_t i = 0; i < n; i++) {
        long double v = c2_read_real(items + i * stride, size, swapped).v;
        if (!isfinite(v)) {
            odd = true;
            negative_inf |= isinf(v) && v < 0;
            continue;
        }
        finite = true;
        if (v == 0) continue;
        largest = fmaxl(largest, fabsl(v));
        smallest = fminl(smallest, fabsl(v));
    }
    if (largest > 0)
        f->scientific = largest >= 1e8L || smallest < (long double)1e-4 || far_apart(largest, smallest, size);
    for (int64_t i = 0; finite && i < n; i++) {
        struct c2_real x = c2_read_real(items + i * stride, size, swapped);
        struct c2_digits d;
        if (!isfinite(x.v)) continue;
        c2_real_digits_cut(x, PRECISION, f->scientific, &d);
        if (f->scientific)
            measure_scientific(&d, f->plus, f);
        else
            measure_positional(&d, f->plus, f);
    }
    if (f->scientific) f->pad_right = f->exponent_digits + 2 + f->precision;
    if (!odd) return;
    int offset = f->pad_right + 1;
    f->pad_left = most(f->pad_left, most(3 - offset, 3 + negative_inf - offset));
}

static bool pad(struct c2_buf *out, int n, struct cat2_error *err)
{
    return n <= 0 || c2_buf_printf(out, err, "%*s", n, "");
}

static bool put_positional(const struct real_format *f, struct c2_real x, char sign, struct c2_buf *out,
                           struct cat2_error *err)
{
    struct c2_digits d;

    c2_real_digits_cut(x, PRECISION, false, &d);
    int whole = d.exponent >= 0 ? d.exponent + 1 : 1, fraction = d.n - 1 - d.exponent;
    if (fraction < 0) fraction = 0;
    bool ok = pad(out, f->pad_left - whole - (sign != 0), err) && (!sign || c2_buf_putc(out, sign, err));
    for (int place = whole - 1; ok && place >= -fraction; place--) {
        int i = d.exponent - place;
        if (place == -1) ok = c2_buf_putc(out, '.', err);
        ok = ok && c2_buf_putc(out, i >= 0 && i < d.n ? d.digits[i] : '0', err);
    }
    if (ok && fraction == 0) ok = c2_buf_putc(out, '.', err);
    return ok && pad(out, f->pad_right - fraction, err);
}

/* All items are printed with the same number of digits. Digits beyond the shortest form are those of the
 * exact number, not zeros. */
static bool put_scientific(const struct real_format *f, struct c2_real x, char sign, struct c2_buf *out,
                           struct cat2_error *err)
{
    char text[64];

    struct c2_digits d;
    c2_real_digits_cut(x, PRECISION, true, &d);
    if (d.n - 1 == f->precision) /* the shortest digits are not always the nearest of this length */
        snprintf(text, sizeof(text), "%c.%se%d", d.digits[0], d.digits + 1, d.exponent);
    else
        snprintf(text, sizeof(text), "%.*Le", f->precision, fabsl(x.v));
    struct c2_str mantissa, exponent;
    int64_t power = 0;
    c2_str_cut(c2_str_of(text), 'e', &mantissa, &exponent);
    c2_str_to_i64(exponent, &power);
    return pad(out, f->pad_left - 1 - (sign != 0), err) && (!sign || c2_buf_putc(out, sign, err)) &&
           c2_buf_append_str(out, mantissa, err) &&
           (memchr(mantissa.p, '.', mantissa.n) || c2_buf_putc(out, '.', err)) &&
           c2_buf_printf(out, err, "e%c%0*d", power < 0 ? '-' : '+', f->exponent_digits, abs((int)power));
}

static bool put_real(const struct real_format *f, struct c2_real x, struct c2_buf *out,
                     struct cat2_error *err)
{
    if (!isfinite(x.v)) {
        const char *word = isnan(x.v) ? (f->plus ? "+nan" : "nan")
                           : x.v < 0  ? "-inf"
                           : f->plus  ? "+inf"
                                      : "inf";
        return pad(out, f->pad_left + f->pad_right + 1 - (int)strlen(word), err) &&
               c2_buf_puts(out, word, err);
    }
    char sign = signbit(x.v) ? '-' : f->plus ? '+' : 0;
    return f->scientific ? put_scientific(f, x, sign, out, err) : put_positional(f, x, sign, out, err);
}

static bool put_complex(const struct c2_words *w, const uint8_t *item, struct c2_buf *out,
                        struct cat2_error *err)
{
    int64_t half = w->dtype->itemsize / 2;
    bool swapped = c2_dtype_swapped(w->dtype);
    C2_AUTO(c2_buf) imag = C2_BUF_INIT(256);

    if (!put_real(&w->re, c2_read_real(item, half, swapped), out, err) ||
        !put_real(&w->im, c2_read_real(item + half, half, swapped), &imag, err))
        return false;
    size_t n = imag.n; /* the j stands before the padding */
    while (n > 0 && imag.p[n - 1] == ' ')
        n--;
    return c2_buf_append(out, imag.p, n, err) && c2_buf_putc(out, 'j', err) &&
           c2_buf_append(out, imag.p + n, imag.n - n, err);
}

/* ---- integers and moments ---- */

static bool plain_word(const struct c2_words *w, const uint8_t *item, struct c2_buf *out,
                       struct cat2_error *err)
{
    bool span = w->dtype->kind == 'm', swapped = c2_dtype_swapped(w->dtype);

    if (!span && w->dtype->kind != 'M') return c2_print_scalar(w->dtype, item, out, err);
    if (c2_item_int(item, 8, swapped) == INT64_MIN) return c2_buf_puts(out, "'NaT'", err);
    if (span) return c2_buf_printf(out, err, "%lld", (long long)c2_item_int(item, 8, swapped));
    return c2_buf_putc(out, '\'', err) && c2_print_moment(w->dtype, item, out, err) &&
           c2_buf_putc(out, '\'', err);
}

/* The column is as wide as the smallest and the greatest item, and "NaT" if there is one. Other items may be
 * wider, as in NumPy. */
static bool fit_width(struct c2_words *w, const uint8_t *items, int64_t n, struct cat2_error *err)
{
    bool swapped = c2_dtype_swapped(w->dtype), moment = strchr("Mm", w->dtype->kind) != NULL, any = false;
    int64_t size = w->dtype->itemsize, at[2] = {0, 0}; /* least, greatest */

    for (int64_t i = 0; i < n; i++) {
        int64_t v = c2_item_int(items + i * size, size, swapped);
        uint64_t u = c2_item_uint(items + i * size, size, swapped);
        if (moment && v == INT64_MIN) {
            w->width = most(w->width, 5);
            continue;
        }
        for (int end = 0; end < 2; end++) {
            const uint8_t *best = items + at[end] * size;
            bool less = w->dtype->kind == 'u' ? u < c2_item_uint(best, size, swapped)
                                              : v < c2_item_int(best, size, swapped);
            bool more = w->dtype->kind == 'u' ? u > c2_item_uint(best, size, swapped)
                                              : v > c2_item_int(best, size, swapped);
            if (!any || (end == 0 ? less : more)) at[end] = i;
        }
        any = true;
    }
    for (int end = 0; any && end < 2; end++) {
        C2_AUTO(c2_buf) word = C2_BUF_INIT(256);
        if (!plain_word(w, items + at[end] * size, &word, err)) return false;
        w->width = most(w->width, (int)word.n);
    }
    return true;
}

static bool put_padded(const struct c2_words *w, const uint8_t *item, struct c2_buf *out,
                       struct cat2_error *err)
{
    C2_AUTO(c2_buf) word = C2_BUF_INIT(256);

    return plain_word(w, item, &word, err) && pad(out, w->width - (int)word.n, err) &&
           c2_buf_append(out, word.p, word.n, err);
}

/* ---- structures ---- */

static bool fit_fields(struct c2_words *w, const uint8_t *items, int64_t n, struct cat2_error *err)
{
    w->fields = calloc((size_t)w->dtype->nfields, sizeof(*w->fields));
    if (!w->fields) return c2_fail_nomem(err, "print");
    for (int i = 0; i < w->dtype->nfields; i++) {
        const struct c2_field *field = &w->dtype->fields[i];
        int64_t inner = field->type.itemsize ? field->nbytes / field->type.itemsize : 0;
        uint8_t *column = calloc(1, (size_t)(n * field->nbytes) + 1);
        if (!column) return c2_fail_nomem(err, "print");
        for (int64_t k = 0; k < n; k++)
            memcpy(column + k * field->nbytes, items + k * w->dtype->itemsize + field->offset,
                   (size_t)field->nbytes);
        bool ok = c2_words_new(&field->type, column, n * inner, &w->fields[i], err);
        free(column);
        if (!ok) return false;
    }
    return true;
}

static bool put_subarray(const struct c2_words *w, const struct c2_field *field, const uint8_t *item,
                         int axis, int64_t nbytes, struct c2_buf *out, struct cat2_error *err)
{
    if (axis == field->ndim) return c2_words_put(w, item, out, err);
    int64_t n = field->shape[axis], step = n ? nbytes / n : 0;
    bool cut = n > 6 && c2_print_summarised(field->shape, field->ndim), ok = c2_buf_putc(out, '[', err);
    for (int64_t i = 0; ok && i < n; i++) {
        if (i) ok = c2_buf_puts(out, ", ", err);
        if (cut && i == 3) {
            ok = ok && c2_buf_puts(out, "..., ", err);
            i = n - 3;
        }
        ok = ok && put_subarray(w, field, item + i * step, axis + 1, step, out, err);
    }
    return ok && c2_buf_putc(out, ']', err);
}

static bool put_tuple(const struct c2_words *w, const uint8_t *item, struct c2_buf *out,
                      struct cat2_error *err)
{
    bool ok = c2_buf_putc(out, '(', err);

    for (int i = 0; ok && i < w->dtype->nfields; i++) {
        const struct c2_field *field = &w->dtype->fields[i];
        ok = (i == 0 || c2_buf_puts(out, ", ", err)) &&
             put_subarray(w->fields[i], field, item + field->offset, 0, field->nbytes, out, err);
    }
    return ok && c2_buf_puts(out, w->dtype->nfields == 1 ? ",)" : ")", err);
}

bool c2_words_new(const struct c2_dtype *dtype, const uint8_t *items, int64_t nitems, struct c2_words **out,
                  struct cat2_error *err)
{
    C2_AUTO_PTR(c2_words) *w = calloc(1, sizeof(*w));
    bool ok = true, swapped = c2_dtype_swapped(dtype);
    int64_t size = dtype->itemsize;

    if (!w) return c2_fail_nomem(err, "print");
    w->dtype = dtype;
    w->im.plus = true;
    if (dtype->nfields)
        ok = fit_fields(w, items, nitems, err);
    else if (dtype->kind == 'f')
        fit_reals(&w->re, items, nitems, size, size, swapped);
    else if (dtype->kind == 'c') {
        fit_reals(&w->re, items, nitems, size, size / 2, swapped);
        fit_reals(&w->im, items + size / 2, nitems, size, size / 2, swapped);
    } else if (strchr("iuMm", dtype->kind))
        ok = fit_width(w, items, nitems, err);
    if (!ok) return false;
    *out = w;
    w = NULL;
    return true;
}

void c2_words_alone(struct c2_words *words)
{
    words->lone = true;
    for (int i = 0; i < words->dtype->nfields; i++)
        if (words->dtype->fields[i].ndim == 0) c2_words_alone(words->fields[i]);
}

bool c2_words_put(const struct c2_words *w, const uint8_t *item, struct c2_buf *out, struct cat2_error *err)
{
    if (w->dtype->nfields) return put_tuple(w, item, out, err);
    switch (w->dtype->kind) {
    case 'b':
        return c2_buf_puts(out, *item ? (w->lone ? "True" : " True") : "False", err);
    case 'f':
        return put_real(&w->re, c2_read_real(item, w->dtype->itemsize, c2_dtype_swapped(w->dtype)), out, err);
    case 'c':
        return put_complex(w, item, out, err);
    case 'S':
    case 'U':
    case 'V':
        return c2_print_text(w->dtype, item, true, out, err);
    default:
        return put_padded(w, item, out, err);
    }
}
