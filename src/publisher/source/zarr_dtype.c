/* SPDX-License-Identifier: BSD-3-Clause */
/* Types and fill values of Zarr arrays. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/endian.h"
#include "ndim/item.h"
#include "publisher/source/zarr_array.h"
#include "wire/real.h"

/* ---- texts that c2_dtype_parse() reads ---- */

static bool put_name(struct c2_str name, struct c2_buf *out, struct cat2_error *err)
{
    if (!c2_buf_putc(out, '\'', err)) return false;
    for (size_t i = 0; i < name.n; i++) {
        if (strchr("'\\", name.p[i]) && !c2_buf_putc(out, '\\', err)) return false;
        if (!c2_buf_putc(out, name.p[i], err)) return false;
    }
    return c2_buf_putc(out, '\'', err);
}

static bool put_shape(struct c2_jval v, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_jiter it = c2_jiter_of(v);
    struct c2_str key;
    struct c2_jval edge;
    int64_t n;

    if (!c2_buf_puts(out, ", (", err)) return false;
    if (c2_jint(v, &n)) return c2_buf_printf(out, err, "%lld,)", (long long)n);
    while (c2_jnext(&it, &key, &edge))
        if (!c2_jint(edge, &n) || !c2_buf_printf(out, err, "%lld,", (long long)n))
            return c2_fail(err, CAT2_EDATA, "dtype: the shape of a field is not of numbers");
    return c2_buf_putc(out, ')', err);
}

/* What is a type within a list of fields: a text, or again such a list. Deeper ones c2_dtype_parse() refuses;
 * c2_json_parse() has bounded the depth. */
static bool put_type_v2(struct c2_jval v, bool inner, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_jiter it = c2_jiter_of(v);
    struct c2_str text, key;
    struct c2_jval field;

    if (c2_jstr(v, &text)) return inner ? put_name(text, out, err) : c2_buf_append_str(out, text, err);
    if (c2_jval_kind(v) != C2_JARRAY) return c2_fail(err, CAT2_EDATA, "dtype is neither text nor list");
    if (!c2_buf_putc(out, '[', err)) return false;
    while (c2_jnext(&it, &key, &field)) {
        if (!c2_jstr(c2_jat(field, 0), &text)) return c2_fail(err, CAT2_EDATA, "dtype: a field has no name");
        if (!c2_buf_putc(out, '(', err) || !put_name(text, out, err) || !c2_buf_puts(out, ", ", err) ||
            !put_type_v2(c2_jat(field, 1), true, out, err) ||
            (c2_jlen(field) > 2 && !put_shape(c2_jat(field, 2), out, err)) || !c2_buf_puts(out, "), ", err))
            return false;
    }
    return c2_buf_putc(out, ']', err);
}

static bool parse(const struct c2_buf *text, struct c2_dtype *out, struct cat2_error *err)
{
    if (c2_str_has(c2_buf_str(text), "|O"))
        return c2_fail(err, CAT2_EUNSUPPORTED, "items are objects (text of variable length?)");
    if (c2_dtype_parse(c2_buf_str(text), out, err)) return true;
    if (err->code == CAT2_EINVAL) err->code = CAT2_EDATA;
    return false;
}

bool c2_zs_dtype_v2(struct c2_jval v, struct c2_dtype *out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_DTYPE_TEXT_MAX);

    return put_type_v2(v, false, &text, err) && parse(&text, out, err);
}

/* ---- version 3 ---- */

static bool put_type_v3(struct c2_jval v, char order, struct c2_buf *out, struct cat2_error *err);

static bool put_fields_v3(struct c2_jval fields, char order, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_jiter it = c2_jiter_of(fields);
    struct c2_str name, key;
    struct c2_jval field;

    if (!c2_buf_putc(out, '[', err)) return false;
    while (c2_jnext(&it, &key, &field)) {
        bool object = c2_jval_kind(field) == C2_JOBJECT; /* {"name": , "data_type": }, or a pair */
        if (!c2_jstr(object ? c2_jget(field, "name") : c2_jat(field, 0), &name))
            return c2_fail(err, CAT2_EDATA, "data_type: a field has no name");
        struct c2_jval type = object ? c2_jget(field, "data_type") : c2_jat(field, 1);
        struct c2_jval inner = c2_jget(c2_jget(type, "configuration"), "fields");
        bool list = c2_jval_kind(inner) == C2_JARRAY;
        if (!c2_buf_putc(out, '(', err) || !put_name(name, out, err) ||
            !c2_buf_puts(out, list ? ", " : ", '", err) || !put_type_v3(type, order, out, err) ||
            !c2_buf_puts(out, list ? "), " : "'), ", err))
            return false;
    }
    return c2_buf_putc(out, ']', err);
}

/* Those that an object names, with how long they are. */
static bool put_sized(struct c2_str name, struct c2_jval conf, char order, struct c2_buf *out,
                      struct cat2_error *err)
{
    struct c2_str unit = C2_STR("generic");
    int64_t n = 0, scale = 1;
    bool moment = c2_str_is(name, "numpy.datetime64");

    if (moment || c2_str_is(name, "numpy.timedelta64")) {
        c2_jstr(c2_jget(conf, "unit"), &unit);
        c2_jint(c2_jget(conf, "scale_factor"), &scale);
        if (!c2_str_is_made_of(unit, "") || scale < 1)
            return c2_fail(err, CAT2_EDATA, "data_type: the unit of times");
        if (c2_str_is(unit, "generic")) return c2_buf_printf(out, err, "%c%c8", order, moment ? 'M' : 'm');
        if (scale == 1)
            return c2_buf_printf(out, err, "%c%c8[%.*s]", order, moment ? 'M' : 'm', C2_STR_ARG(unit));
        return c2_buf_printf(out, err, "%c%c8[%lld%.*s]", order, moment ? 'M' : 'm', (long long)scale,
                             C2_STR_ARG(unit));
    }
    if (!c2_jint(c2_jget(conf, "length_bytes"), &n) || n < 0)
        return c2_fail(err, CAT2_EUNSUPPORTED, "data_type '%.60s' is not read", name.p);
    if (c2_str_is(name, "null_terminated_bytes")) return c2_buf_printf(out, err, "|S%lld", (long long)n);
    if (c2_str_is(name, "raw_bytes")) return c2_buf_printf(out, err, "|V%lld", (long long)n);
    if (c2_str_is(name, "fixed_length_utf32") && n % 4 == 0)
        return c2_buf_printf(out, err, "%cU%lld", order, (long long)n / 4);
    return c2_fail(err, CAT2_EUNSUPPORTED, "data_type '%.60s' is not read", name.p);
}

static bool put_type_v3(struct c2_jval v, char order, struct c2_buf *out, struct cat2_error *err)
{
    static const char *const PLAIN[][2] = {
        {"bool", "b1"},    {"int8", "i1"},    {"int16", "i2"},     {"int32", "i4"},      {"int64", "i8"},
        {"uint8", "u1"},   {"uint16", "u2"},  {"uint32", "u4"},    {"uint64", "u8"},     {"float16", "f2"},
        {"float32", "f4"}, {"float64", "f8"}, {"complex64", "c8"}, {"complex128", "c16"}};
    struct c2_jval conf = c2_jget(v, "configuration");
    struct c2_jval fields = c2_jget(conf, "fields");
    struct c2_str name;
    int64_t bits;

    if (!c2_jstr(v, &name) && !c2_jstr(c2_jget(v, "name"), &name))
        return c2_fail(err, CAT2_EDATA, "data_type is neither text nor object with a name");
    if (c2_jval_kind(fields) == C2_JARRAY && (c2_str_is(name, "structured") || c2_str_is(name, "struct")))
        return put_fields_v3(fields, order, out, err);
    for (size_t i = 0; i < C2_ARRAY_LEN(PLAIN); i++)
        if (c2_str_is(name, PLAIN[i][0])) return c2_buf_printf(out, err, "%c%s", order, PLAIN[i][1]);
    if (c2_str_starts(name, "r") && c2_str_to_i64((struct c2_str){name.p + 1, name.n - 1}, &bits) &&
        bits > 0 && bits % 8 == 0)
        return c2_buf_printf(out, err, "|V%lld", (long long)bits / 8);
    if (c2_str_is(name, "string") || c2_str_is(name, "variable_length_bytes") || c2_str_is(name, "bytes"))
        return c2_fail(err, CAT2_EUNSUPPORTED, "items are of variable length (data_type '%s')", name.p);
    return put_sized(name, conf, order, out, err);
}

bool c2_zs_dtype_v3(struct c2_jval v, char order, struct c2_dtype *out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_DTYPE_TEXT_MAX);

    return put_type_v3(v, order, &text, err) && parse(&text, out, err);
}

/* ---- fill values ---- */

static void put_bits(uint64_t bits, int64_t size, bool big, uint8_t *to)
{
    for (int64_t i = 0; i < size; i++)
        to[big ? size - 1 - i : i] = (uint8_t)(i < 8 ? bits >> 8 * i : 0);
}

static uint64_t real_bits(double v, int64_t size)
{
    float narrow = (float)v;
    uint32_t low;
    uint64_t bits;

    memcpy(&low, &narrow, 4);
    memcpy(&bits, &v, 8);
    return size == 2 ? c2_half_bits(v) : size == 4 ? low : bits;
}

static bool hex_bits(struct c2_str text, uint64_t *out)
{
    *out = 0;
    if (!c2_str_starts(text, "0x") || text.n < 3 || text.n > 18) return false;
    for (size_t i = 2; i < text.n; i++) {
        int digit = c2_hex_digit(text.p[i]);
        if (digit < 0) return false;
        *out = *out << 4 | (uint64_t)digit;
    }
    return true;
}

/* Is a number without a sign one of so many bytes? */
static bool fits(uint64_t bits, int64_t size)
{
    return size >= 8 || bits >> 8 * size == 0;
}

/* Numbers beyond the largest are infinite, as in NumPy. */
static bool fill_real(struct c2_jval v, int64_t size, bool big, uint8_t *to)
{
    struct c2_str text;
    uint64_t bits = 0;
    double number = 0;

    if (size > 8) return c2_jreal(v, &number) && number == 0;
    if (c2_jstr(v, &text)) {
        bool word = c2_str_is(text, "NaN") || c2_str_is(text, "Infinity") || c2_str_is(text, "-Infinity");
        if (!word && (!hex_bits(text, &bits) || !fits(bits, size))) return false;
        number = c2_str_is(text, "NaN") ? (double)NAN : text.p[0] == '-' ? -(double)INFINITY : INFINITY;
        if (word) bits = real_bits(number, size);
    } else if (c2_jreal(v, &number)) {
        bits = real_bits(number, size);
    } else {
        return false;
    }
    put_bits(bits, size, big, to);
    return true;
}

/* An integer, also when it is written as 5.0 or true. *negative: bits are those of its two's complement. */
static bool whole(struct c2_jval v, uint64_t *bits, bool *negative)
{
    int64_t n;
    double real;
    bool flag;

    *negative = false;
    if (c2_jbool(v, &flag)) {
        *bits = flag;
    } else if (c2_jval_kind(v) == C2_JUINT) {
        *bits = c2_juint(v);
    } else if (c2_jint(v, &n)) {
        *bits = (uint64_t)n;
        *negative = n < 0;
    } else if (c2_jreal(v, &real) && real == trunc(real) && real >= -0x1p63 && real < 0x1p64) {
        *negative = real < 0;
        *bits = *negative ? (uint64_t)(int64_t)real : (uint64_t)real;
    } else {
        return false;
    }
    return true;
}

static bool in_range(uint64_t bits, bool negative, const struct c2_dtype *dtype)
{
    uint64_t most = UINT64_MAX >> (64 - 8 * dtype->itemsize);

    if (dtype->kind == 'b') most = 1;
    if (dtype->kind == 'b' || dtype->kind == 'u') return !negative && bits <= most;
    return (negative ? ~bits : bits) <= most >> 1;
}

static bool fill_int(struct c2_jval v, const struct c2_dtype *dtype, uint8_t *to)
{
    bool negative, time = dtype->kind == 'M' || dtype->kind == 'm';
    uint64_t bits;
    struct c2_str text;

    if (time && c2_jstr(v, &text) && c2_str_is(text, "NaT"))
        bits = (uint64_t)INT64_MIN;
    else if (!whole(v, &bits, &negative) || !in_range(bits, negative, dtype))
        return false;
    put_bits(bits, dtype->itemsize, dtype->order == '>', to);
    return true;
}

static int digit64(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c2_is_digit(c)) return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

bool c2_zs_base64(struct c2_str text, size_t n, uint8_t *to)
{
    uint32_t bits = 0;
    int nbits = 0;
    size_t at = 0;

    while (text.n && text.p[text.n - 1] == '=')
        text.n--;
    for (size_t i = 0; i < text.n; i++) {
        int digit = digit64(text.p[i]);
        if (digit < 0) return false;
        bits = bits << 6 | (uint32_t)digit;
        nbits += 6;
        if (nbits < 8) continue;
        nbits -= 8;
        if (at == n) return false;
        to[at++] = (uint8_t)(bits >> nbits);
    }
    return true;
}

static bool fill_bytes(struct c2_jval v, size_t n, uint8_t *to)
{
    struct c2_jiter it = c2_jiter_of(v);
    struct c2_str text, key;
    struct c2_jval one;
    int64_t byte;

    if (c2_jstr(v, &text)) return c2_zs_base64(text, n, to);
    if (c2_jint(v, &byte)) return byte == 0;
    if (c2_jval_kind(v) != C2_JARRAY || c2_jlen(v) > n) return false;
    for (size_t i = 0; c2_jnext(&it, &key, &one); i++) {
        if (!c2_jint(one, &byte) || byte < 0 || byte > 255) return false;
        to[i] = (uint8_t)byte;
    }
    return true;
}

static bool fill_text(struct c2_jval v, const struct c2_dtype *dtype, uint8_t *to)
{
    struct c2_str text;
    int64_t n = 0;
    size_t len;

    if (c2_jint(v, &n)) return n == 0;
    if (!c2_jstr(v, &text)) return false;
    for (size_t i = 0; i < text.n; i += len, n += 4) {
        uint8_t c = (uint8_t)text.p[i]; /* yyjson has checked that it is UTF-8 */
        len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
        uint32_t point = len == 1 ? c : c & (0xffu >> (len + 1));
        for (size_t k = 1; k < len && i + k < text.n; k++)
            point = point << 6 | ((uint8_t)text.p[i + k] & 0x3f);
        if (n + 4 > dtype->itemsize) return false;
        put_bits(point, 4, dtype->order == '>', to + n);
    }
    return true;
}

static bool fill_item(struct c2_jval v, const struct c2_dtype *dtype, uint8_t *to)
{
    bool big = dtype->order == '>';
    int64_t half = dtype->itemsize / 2;

    switch (dtype->kind) {
    case 'f':
        return fill_real(v, dtype->itemsize, big, to);
    case 'c':
        if (c2_jval_kind(v) != C2_JARRAY) return fill_real(v, half, big, to);
        if (c2_jlen(v) != 2) return false;
        return fill_real(c2_jat(v, 0), half, big, to) && fill_real(c2_jat(v, 1), half, big, to + half);
    case 'S':
    case 'V':
        return fill_bytes(v, (size_t)dtype->itemsize, to);
    case 'U':
        return fill_text(v, dtype, to);
    default:
        return fill_int(v, dtype, to);
    }
}

static bool refuse_fill(struct c2_jval v, const struct c2_dtype *dtype, struct cat2_error *err)
{
    C2_AUTO(c2_buf) value = C2_BUF_INIT(C2_ZS_JSON_NBYTES), name = C2_BUF_INIT(4 * C2_DTYPE_TEXT_MAX);
    struct cat2_error ignored;
    struct c2_jw w;

    c2_jw_init(&w, &value, C2_JSON_COMPACT, &ignored);
    c2_jw_value(&w, v);
    if (!c2_jw_finish(&w) || !c2_dtype_name(dtype, &name, &ignored))
        return c2_fail(err, CAT2_EDATA, "fill_value is no item of the array's dtype");
    return c2_fail(err, CAT2_EDATA, "fill_value %.40s is no item of dtype %.80s", c2_buf_cstr(&value),
                   c2_buf_cstr(&name));
}

bool c2_zs_fill(struct c2_jval v, const struct c2_dtype *dtype, uint8_t **out, struct cat2_error *err)
{
    bool zero = true;

    *out = NULL;
    if (c2_jval_kind(v) == C2_JNONE || c2_jval_kind(v) == C2_JNULL || dtype->itemsize == 0) return true;
    uint8_t *item = calloc(1, (size_t)dtype->itemsize);
    if (!item) return c2_fail_nomem(err, "fill value");
    if (!fill_item(v, dtype, item)) {
        free(item);
        return refuse_fill(v, dtype, err);
    }
    for (int64_t i = 0; zero && i < dtype->itemsize; i++)
        zero = item[i] == 0;
    if (zero) free(item);
    *out = zero ? NULL : item;
    return true;
}
