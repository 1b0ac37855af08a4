/* SPDX-License-Identifier: BSD-3-Clause */
/* Single items as str() prints them, and as JSON. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/cancel.h"
#include "ndim/print_impl.h"
#include "wire/json.h"

/* ---- moments ---- */

struct unit {
    char code[4];
    const char *name;
    int64_t per_second; /* below a second; 0 else */
    int64_t seconds;    /* a second and above; 0 for calendar units */
    int digits;         /* of the fraction */
};
static const struct unit units[] = {{"Y", "years", 0, 0, 0},
                                    {"M", "months", 0, 0, 0},
                                    {"W", "weeks", 0, 604800, 0},
                                    {"D", "days", 0, 86400, 0},
                                    {"h", "hours", 0, 3600, 0},
                                    {"m", "minutes", 0, 60, 0},
                                    {"s", "seconds", 0, 1, 0},
                                    {"ms", "milliseconds", 1000, 0, 3},
                                    {"us", "microseconds", 1000000, 0, 6},
                                    {"ns", "nanoseconds", 1000000000, 0, 9},
                                    {"ps", "picoseconds", 1000000000000, 0, 12},
                                    {"fs", "femtoseconds", 1000000000000000, 0, 15},
                                    {"as", "attoseconds", 1000000000000000000, 0, 18}};

/* "25s" -> 25 and seconds; NULL for generic. */
static const struct unit *unit_of(const char *text, int64_t *factor)
{
    struct c2_cursor in = c2_cursor_of(c2_str_of(text));
    bool overflow;

    *factor = 1;
    if (!c2_cursor_i64(&in, factor, &overflow)) *factor = 1;
    for (size_t i = 0; i < C2_ARRAY_LEN(units); i++)
        if (c2_str_is((struct c2_str){in.p, c2_cursor_left(&in)}, units[i].code)) return &units[i];
    return NULL;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* What floor_div() leaves, from 0 up. Not by multiplying back: that may not fit. */
static int64_t floor_rest(int64_t a, int64_t b)
{
    int64_t rest = a % b;

    return rest < 0 ? rest + b : rest;
}

/* Days since 1970 to a date of the proleptic Gregorian calendar. */
static void civil(int64_t days, int64_t *year, int *month, int *day)
{
    int64_t z = days + 719468, era = floor_div(z, 146097), doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;

    *day = (int)(doy - (153 * mp + 2) / 5 + 1);
    *month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *year = yoe + era * 400 + (*month <= 2);
}

static bool put_date(int64_t year, const char *fmt, int month, int day, struct c2_buf *out,
                     struct cat2_error *err)
{
    char text[40];
    int n = snprintf(text, sizeof(text), "%04" PRId64, year);

    if (!c2_buf_append(out, text, (size_t)n, err)) return false;
    if (strcmp(fmt, "Y") == 0) return true;
    if (!c2_buf_printf(out, err, "-%02d", month)) return false;
    return strcmp(fmt, "M") == 0 || c2_buf_printf(out, err, "-%02d", day);
}

bool c2_print_moment(const struct c2_dtype *dtype, const uint8_t *item, struct c2_buf *out,
                     struct cat2_error *err)
{
    int64_t v = c2_item_int(item, 8, c2_dtype_swapped(dtype)), factor, year, total;
    const struct unit *unit = unit_of(dtype->unit, &factor);
    int month, day;

    if (v == INT64_MIN) return c2_buf_puts(out, "NaT", err);
    if (!unit) return c2_buf_printf(out, err, "%" PRId64, v);
    if (!c2_mul_i64(v, factor, &total)) return c2_fail(err, CAT2_ELIMIT, "a moment is out of range");
    if (unit->code[0] == 'Y' && !unit->code[1])
        return c2_add_i64(1970, total, &year) ? put_date(year, "Y", 1, 1, out, err)
                                              : c2_fail(err, CAT2_ELIMIT, "a moment is out of range");
    if (unit->code[0] == 'M' && !unit->code[1])
        return put_date(1970 + floor_div(total, 12), "M", (int)floor_rest(total, 12) + 1, 1, out, err);
    int64_t fraction = 0, seconds;
    if (unit->per_second) {
        seconds = floor_div(total, unit->per_second);
        fraction = floor_rest(total, unit->per_second);
    } else if (!c2_mul_i64(total, unit->seconds, &seconds)) {
        return c2_fail(err, CAT2_ELIMIT, "a moment is out of range");
    }
    int64_t days = floor_div(seconds, 86400), rest = floor_rest(seconds, 86400);
    civil(days, &year, &month, &day);
    if (!put_date(year, "D", month, day, out, err)) return false;
    if (unit->seconds >= 86400) return true;
    if (!c2_buf_printf(out, err, "T%02d", (int)(rest / 3600))) return false;
    if (unit->seconds == 3600) return true;
    if (!c2_buf_printf(out, err, ":%02d", (int)(rest / 60 % 60))) return false;
    if (unit->seconds == 60) return true;
    if (!c2_buf_printf(out, err, ":%02d", (int)(rest % 60))) return false;
    return !unit->digits || c2_buf_printf(out, err, ".%0*" PRId64, unit->digits, fraction);
}

static bool print_span(const struct c2_dtype *dtype, const uint8_t *item, struct c2_buf *out,
                       struct cat2_error *err)
{
    int64_t v = c2_item_int(item, 8, c2_dtype_swapped(dtype)), factor, total;
    const struct unit *unit = unit_of(dtype->unit, &factor);

    if (v == INT64_MIN) return c2_buf_puts(out, "NaT", err);
    if (!c2_mul_i64(v, factor, &total)) return c2_fail(err, CAT2_ELIMIT, "a time span is out of range");
    return c2_buf_printf(out, err, "%" PRId64 " %s", total, unit ? unit->name : "generic time units");
}

/* ---- text ---- */

static bool put_bytes(const uint8_t *p, size_t n, struct c2_buf *out, struct cat2_error *err)
{
    char quote = memchr(p, '\'', n) && !memchr(p, '"', n) ? '"' : '\'';
    bool ok = c2_buf_putc(out, 'b', err) && c2_buf_putc(out, quote, err);

    for (size_t i = 0; ok && i < n; i++) {
        uint8_t c = p[i];
        if (c == '\\' || c == (uint8_t)quote)
            ok = c2_buf_printf(out, err, "\\%c", c);
        else if (c == '\t' || c == '\n' || c == '\r')
            ok = c2_buf_puts(out, c == '\t' ? "\\t" : c == '\n' ? "\\n" : "\\r", err);
        else if (c < 0x20 || c >= 0x7f)
            ok = c2_buf_printf(out, err, "\\x%02x", c);
        else
            ok = c2_buf_putc(out, (char)c, err);
    }
    return ok && c2_buf_putc(out, quote, err);
}

static bool put_char(uint32_t c, struct c2_buf *out, struct cat2_error *err)
{
    uint8_t text[4];

    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return c2_buf_puts(out, "\xef\xbf\xbd", err);
    return c2_buf_append(out, text, c2_utf8_encode(c, text), err);
}

static bool put_unicode(const struct c2_dtype *dtype, const uint8_t *item, bool quoted, struct c2_buf *out,
                        struct cat2_error *err)
{
    bool swapped = c2_dtype_swapped(dtype), single = false, twice = false;
    int64_t n = dtype->itemsize / 4;

    while (n > 0 && c2_item_uint(item + 4 * (n - 1), 4, swapped) == 0)
        n--;
    for (int64_t i = 0; i < n; i++) {
        uint64_t c = c2_item_uint(item + 4 * i, 4, swapped);
        single |= c == '\'';
        twice |= c == '"';
    }
    char quote = single && !twice ? '"' : '\'';
    bool ok = !quoted || c2_buf_putc(out, quote, err);
    for (int64_t i = 0; ok && i < n; i++) {
        uint32_t c = (uint32_t)c2_item_uint(item + 4 * i, 4, swapped);
        if (!quoted)
            ok = put_char(c, out, err);
        else if (c == '\\' || c == (uint32_t)quote)
            ok = c2_buf_printf(out, err, "\\%c", (int)c);
        else if (c == '\t' || c == '\n' || c == '\r')
            ok = c2_buf_puts(out, c == '\t' ? "\\t" : c == '\n' ? "\\n" : "\\r", err);
        else if (!c2_printable(c))
            ok = c2_buf_printf(out, err, c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
        else
            ok = put_char(c, out, err);
    }
    return ok && (!quoted || c2_buf_putc(out, quote, err));
}

bool c2_print_text(const struct c2_dtype *dtype, const uint8_t *item, bool quoted, struct c2_buf *out,
                   struct cat2_error *err)
{
    size_t n = (size_t)dtype->itemsize;
    bool ok = true;

    if (dtype->kind == 'U') return put_unicode(dtype, item, quoted, out, err);
    if (dtype->kind == 'S') {
        while (n > 0 && item[n - 1] == 0)
            n--;
        return put_bytes(item, n, out, err);
    }
    ok = c2_buf_puts(out, "b'", err);
    for (size_t i = 0; ok && i < n; i++)
        ok = c2_buf_printf(out, err, "\\x%02X", item[i]);
    return ok && c2_buf_putc(out, '\'', err);
}

/* ---- scalars ---- */

static bool print_complex(const struct c2_dtype *dtype, const uint8_t *item, struct c2_buf *out,
                          struct cat2_error *err)
{
    int64_t half = dtype->itemsize / 2;
    bool swapped = c2_dtype_swapped(dtype);
    struct c2_real re = c2_read_real(item, half, swapped), im = c2_read_real(item + half, half, swapped);
    bool pure = re.v == 0 && !signbit(re.v);

    if (!pure && (!c2_buf_putc(out, '(', err) || !c2_print_real_scalar(re, true, out, err))) return false;
    bool sign = !pure && (isnan(im.v) || !signbit(im.v));
    if (sign && !c2_buf_putc(out, '+', err)) return false;
    return c2_print_real_scalar(im, true, out, err) && c2_buf_puts(out, pure ? "j" : "j)", err);
}

bool c2_print_scalar(const struct c2_dtype *dtype, const uint8_t *item, struct c2_buf *out,
                     struct cat2_error *err)
{
    bool swapped = c2_dtype_swapped(dtype);

    switch (dtype->kind) {
    case 'b':
        return c2_buf_puts(out, *item ? "True" : "False", err);
    case 'i':
        return c2_buf_printf(out, err, "%" PRId64, c2_item_int(item, dtype->itemsize, swapped));
    case 'u':
        return c2_buf_printf(out, err, "%" PRIu64, c2_item_uint(item, dtype->itemsize, swapped));
    case 'f':
        return c2_print_real_scalar(c2_read_real(item, dtype->itemsize, swapped), false, out, err);
    case 'c':
        return print_complex(dtype, item, out, err);
    case 'M':
        return c2_print_moment(dtype, item, out, err);
    case 'm':
        return print_span(dtype, item, out, err);
    default:
        return c2_print_text(dtype, item, false, out, err);
    }
}

/* ---- JSON ---- */

static bool json_item(const struct c2_dtype *dtype, const uint8_t *item, struct c2_jw *w);

static void json_field(const struct c2_field *field, const uint8_t *item, int axis, int64_t stride,
                       struct c2_jw *w)
{
    if (axis == field->ndim) {
        json_item(&field->type, item, w);
        return;
    }
    c2_jw_begin_array(w);
    int64_t step = field->shape[axis] ? stride / field->shape[axis] : 0;
    for (int64_t i = 0; w->ok && i < field->shape[axis]; i++)
        json_field(field, item + i * step, axis + 1, step, w);
    c2_jw_end_array(w);
}

static void json_text(const struct c2_dtype *dtype, const uint8_t *item, struct c2_jw *w)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_CHUNK_NBYTES_MAX);
    size_t n = (size_t)dtype->itemsize;

    if (dtype->kind == 'S') {
        while (n > 0 && item[n - 1] == 0)
            n--;
        c2_jw_str(w, (struct c2_str){(const char *)item, n});
        return;
    }
    w->ok = w->ok && c2_print_scalar(dtype, item, &text, w->err);
    if (dtype->kind == 'M' && c2_str_is(c2_buf_str(&text), "NaT"))
        c2_jw_null(w);
    else
        c2_jw_str(w, c2_buf_str(&text));
}

static bool json_item(const struct c2_dtype *dtype, const uint8_t *item, struct c2_jw *w)
{
    bool swapped = c2_dtype_swapped(dtype);
    int64_t n = dtype->itemsize;

    if (dtype->nfields) {
        c2_jw_begin_array(w);
        for (int i = 0; w->ok && i < dtype->nfields; i++)
            json_field(&dtype->fields[i], item + dtype->fields[i].offset, 0, dtype->fields[i].nbytes, w);
        c2_jw_end_array(w);
        return w->ok;
    }
    if (dtype->kind == 'b')
        c2_jw_bool(w, *item != 0);
    else if (dtype->kind == 'i')
        c2_jw_int(w, c2_item_int(item, n, swapped));
    else if (dtype->kind == 'u')
        c2_jw_uint(w, c2_item_uint(item, n, swapped));
    else if (dtype->kind == 'm' && c2_item_int(item, n, swapped) == INT64_MIN)
        c2_jw_null(w);
    else if (dtype->kind == 'm')
        c2_jw_int(w, c2_item_int(item, n, swapped));
    else if (dtype->kind == 'f')
        c2_jw_real(w, (double)c2_read_real(item, n, swapped).v);
    else if (dtype->kind == 'c') {
        c2_jw_begin_array(w);
        c2_jw_real(w, (double)c2_read_real(item, n / 2, swapped).v);
        c2_jw_real(w, (double)c2_read_real(item + n / 2, n / 2, swapped).v);
        c2_jw_end_array(w);
    } else
        json_text(dtype, item, w);
    return w->ok;
}

bool c2_print_json_item(const struct c2_dtype *dtype, const uint8_t *item, struct c2_buf *out,
                        struct cat2_error *err)
{
    struct c2_jw w;

    c2_jw_init(&w, out, C2_JSON_COMPACT, err);
    return json_item(dtype, item, &w) && c2_jw_finish(&w);
}

/* Advances *item past what was put. */
static bool put_lists(const struct c2_dtype *dtype, const int64_t *shape, int ndim, const uint8_t **item,
                      struct c2_buf *out, struct cat2_error *err)
{
    if (ndim == 0) {
        bool ok = c2_print_json_item(dtype, *item, out, err);
        *item += dtype->itemsize;
        return ok;
    }
    bool ok = c2_buf_putc(out, '[', err);
    for (int64_t i = 0; ok && i < shape[0]; i++)
        ok = (i % 1024 || !c2_cancelled(err)) && (i == 0 || c2_buf_putc(out, ',', err)) &&
             put_lists(dtype, shape + 1, ndim - 1, item, out, err);
    return ok && c2_buf_putc(out, ']', err);
}

bool c2_print_json_array(const struct c2_dtype *dtype, const int64_t *shape, int ndim, const uint8_t *items,
                         struct c2_buf *out, struct cat2_error *err)
{
    return put_lists(dtype, shape, ndim, &items, out, err);
}

bool c2_print_json_field(const struct c2_field *field, const uint8_t *item, struct c2_buf *out,
                         struct cat2_error *err)
{
    struct c2_jw w;

    c2_jw_init(&w, out, C2_JSON_COMPACT, err);
    json_field(field, item, 0, field->nbytes, &w);
    return w.ok && c2_jw_finish(&w);
}
