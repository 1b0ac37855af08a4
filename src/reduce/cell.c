/* SPDX-License-Identifier: BSD-3-Clause */
/* Cells. */
#include "reduce/cell.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "ndim/print.h"
#include "reduce/number.h"
#include "wire/real.h"

#define EXACT_MAX ((int64_t)1 << 53) /* integers up to here are numbers in every browser */

const char *c2_cell_kind(const struct c2_dtype *dtype)
{
    if (dtype->nfields) return "struct";
    switch (dtype->kind) {
    case 'b':
        return "bool";
    case 'i':
    case 'u':
        return "int";
    case 'f':
        return "float";
    case 'c':
        return "complex";
    case 'S':
    case 'U':
        return "text";
    case 'M':
        return "time";
    case 'm':
        return "span";
    default:
        return "raw";
    }
}

/* The shortest text that is this number again, in its own width. */
static const char *put_real(double v, int size, struct c2_jw *w)
{
    struct c2_digits digits;
    char text[64];

    if (!isfinite(v)) {
        c2_jw_null(w);
        return isnan(v) ? "nan" : v > 0 ? "inf" : "-inf";
    }
    if (size > 4) {
        c2_jw_real(w, v);
        return NULL;
    }
    c2_digits_of_float((float)v, &digits);
    bool scientific = digits.exponent < -4 || digits.exponent >= 9;
    c2_jw_raw(w, (struct c2_str){text, c2_digits_text(&digits, scientific, false, text)});
    return NULL;
}

static void put_int(int64_t v, struct c2_jw *w)
{
    char text[32];

    if (v >= -EXACT_MAX && v <= EXACT_MAX) {
        c2_jw_int(w, v);
        return;
    }
    snprintf(text, sizeof(text), "%" PRId64, v);
    c2_jw_cstr(w, text);
}

static void put_uint(uint64_t v, struct c2_jw *w)
{
    char text[32];

    if (v <= (uint64_t)EXACT_MAX) {
        c2_jw_uint(w, v);
        return;
    }
    snprintf(text, sizeof(text), "%" PRIu64, v);
    c2_jw_cstr(w, text);
}

static const char *put_number(const struct c2_dtype *type, const uint8_t *item, struct c2_jw *w)
{
    struct cat2_error err;
    struct c2_num num;
    int64_t wide;
    double v;

    if (!c2_num_of(type, C2_STR(""), C2_STR(""), &num, &err)) {
        c2_jw_null(w);
        return NULL;
    }
    if (!num.wide) {
        c2_num_load(&num, item, 1, &v);
        if (type->kind == 'f') return put_real(v, num.size, w);
        c2_jw_int(w, (int64_t)v);
        return NULL;
    }
    c2_num_load_i64(&num, item, 1, &wide);
    if (type->kind == 'm' && wide == INT64_MIN) {
        c2_jw_null(w);
        return "nat";
    }
    if (type->kind == 'u')
        put_uint((uint64_t)wide ^ (uint64_t)1 << 63, w);
    else
        put_int(wide, w);
    return NULL;
}

static const char *put_complex(const struct c2_dtype *type, const uint8_t *item, struct c2_jw *w)
{
    struct cat2_error err;
    struct c2_num num;
    double v[2] = {0, 0};

    for (int i = 0; i < 2; i++)
        if (c2_num_of(type, C2_STR(""), i ? C2_STR("im") : C2_STR("re"), &num, &err))
            c2_num_load(&num, item, 1, &v[i]);
    c2_jw_begin_array(w);
    put_real(v[0], num.size, w);
    put_real(v[1], num.size, w);
    c2_jw_end_array(w);
    return NULL;
}

static void put_raw(const uint8_t *item, int64_t n, struct c2_jw *w)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT((size_t)2 * C2_CHUNK_NBYTES_MAX);

    for (int64_t i = 0; w->ok && i < n; i++)
        w->ok = c2_buf_printf(&text, w->err, "%02x", item[i]);
    c2_jw_str(w, c2_buf_str(&text));
}

/* Text and moments are printed where NumPy's way of it is known. */
static const char *put_printed(const struct c2_dtype *type, const uint8_t *item, struct c2_jw *w)
{
    C2_AUTO(c2_buf) json = C2_BUF_INIT((size_t)4 * C2_CHUNK_NBYTES_MAX);

    w->ok = w->ok && c2_print_json_item(type, item, &json, w->err);
    if (!w->ok) return NULL;
    c2_jw_raw(w, c2_buf_str(&json));
    return type->kind == 'M' && c2_str_is(c2_buf_str(&json), "null") ? "nat" : NULL;
}

static const char *put_one(const struct c2_dtype *type, const uint8_t *item, struct c2_jw *w);

static void put_array(const struct c2_column *column, int axis, int64_t stride, const uint8_t *item,
                      struct c2_jw *w)
{
    if (axis == column->ndim) {
        put_one(column->type, item, w);
        return;
    }
    int64_t n = column->shape[axis], step = n ? stride / n : 0;
    c2_jw_begin_array(w);
    for (int64_t i = 0; w->ok && i < n; i++)
        put_array(column, axis + 1, step, item + i * step, w);
    c2_jw_end_array(w);
}

static const char *put_struct(const struct c2_dtype *type, const uint8_t *item, struct c2_jw *w)
{
    c2_jw_begin_array(w);
    for (int i = 0; w->ok && i < type->nfields; i++) {
        struct c2_column column = c2_column_of(type, &type->fields[i], type->fields[i].offset);
        put_array(&column, 0, column.nbytes, item + column.offset, w);
    }
    c2_jw_end_array(w);
    return NULL;
}

static const char *put_one(const struct c2_dtype *type, const uint8_t *item, struct c2_jw *w)
{
    if (type->nfields) return put_struct(type, item, w);
    switch (type->kind) {
    case 'b':
        c2_jw_bool(w, *item != 0);
        return NULL;
    case 'c':
        return put_complex(type, item, w);
    case 'S':
    case 'U':
    case 'M':
        return put_printed(type, item, w);
    case 'V':
        put_raw(item, type->itemsize, w);
        return NULL;
    default:
        return put_number(type, item, w);
    }
}

const char *c2_cell_json(const struct c2_column *column, const uint8_t *item, struct c2_jw *w)
{
    item += column->offset;
    if (column->ndim == 0) return put_one(column->type, item, w);
    put_array(column, 0, column->nbytes, item, w);
    return NULL;
}
