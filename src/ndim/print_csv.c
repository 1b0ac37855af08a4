/* SPDX-License-Identifier: BSD-3-Clause */
/* Items as fields of CSV (RFC 4180): as they would be typed in, between quotes where they must be. */
#include <string.h>

#include "ndim/print_impl.h"

/* A file of CSV is UTF-8: any other byte becomes U+FFFD. */
static bool put_utf8(struct c2_str text, struct c2_buf *out, struct cat2_error *err)
{
    bool ok = true;

    if (c2_str_is_utf8(text)) return c2_buf_append_str(out, text, err);
    for (size_t i = 0, n; ok && i < text.n; i += n ? n : 1) {
        n = c2_utf8_first((struct c2_str){text.p + i, text.n - i});
        ok = n ? c2_buf_append(out, text.p + i, n, err) : c2_buf_puts(out, "\xef\xbf\xbd", err);
    }
    return ok;
}

bool c2_print_csv_text(struct c2_str text, struct c2_buf *out, struct cat2_error *err)
{
    bool bare = text.n == 0 || (text.p[0] != ' ' && text.p[text.n - 1] != ' ');

    for (size_t i = 0; bare && i < text.n; i++)
        bare = text.p[i] && !strchr(",\"\r\n", text.p[i]);
    if (bare) return put_utf8(text, out, err);
    bool ok = c2_buf_putc(out, '"', err);
    for (const char *quote; ok && (quote = text.n ? memchr(text.p, '"', text.n) : NULL);) {
        size_t n = (size_t)(quote - text.p) + 1;
        ok = put_utf8((struct c2_str){text.p, n}, out, err) && c2_buf_putc(out, '"', err);
        text = (struct c2_str){text.p + n, text.n - n};
    }
    return ok && put_utf8(text, out, err) && c2_buf_putc(out, '"', err);
}

static bool put_hex(const uint8_t *item, int64_t n, struct c2_buf *out, struct cat2_error *err)
{
    bool ok = true;

    for (int64_t i = 0; ok && i < n; i++)
        ok = c2_buf_printf(out, err, "%02x", item[i]);
    return ok;
}

static bool put_text(const struct c2_dtype *dtype, const uint8_t *item, struct c2_buf *out,
                     struct cat2_error *err)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT((size_t)4 * C2_CHUNK_NBYTES_MAX);
    size_t n = (size_t)dtype->itemsize;

    if (dtype->kind == 'U')
        return c2_print_text(dtype, item, false, &text, err) &&
               c2_print_csv_text(c2_buf_str(&text), out, err);
    while (n > 0 && item[n - 1] == 0)
        n--;
    return c2_print_csv_text((struct c2_str){(const char *)item, n}, out, err);
}

static bool print_field(const struct c2_field *field, const uint8_t *item, struct c2_buf *out,
                        struct cat2_error *err)
{
    C2_AUTO(c2_buf) json = C2_BUF_INIT((size_t)8 * C2_CHUNK_NBYTES_MAX);
    const struct c2_dtype *type = &field->type;
    int64_t span;

    if (type->nfields || field->ndim)
        return c2_print_json_field(field, item, &json, err) && c2_print_csv_text(c2_buf_str(&json), out, err);
    switch (type->kind) {
    case 'S':
    case 'U':
        return put_text(type, item, out, err);
    case 'V':
        return put_hex(item, type->itemsize, out, err);
    case 'm':
        span = c2_item_int(item, type->itemsize, c2_dtype_swapped(type));
        return span == INT64_MIN ? c2_buf_puts(out, "NaT", err)
                                 : c2_buf_printf(out, err, "%lld", (long long)span);
    default:
        return c2_print_scalar(type, item, out, err);
    }
}

bool c2_print_csv_names(const struct c2_field *fields, int n, struct c2_buf *out, struct cat2_error *err)
{
    bool ok = true;

    for (int i = 0; ok && i < n; i++)
        ok = (i == 0 || c2_buf_putc(out, ',', err)) && c2_print_csv_text(c2_str_of(fields[i].name), out, err);
    return ok && c2_buf_puts(out, "\r\n", err);
}

bool c2_print_csv_item(const struct c2_field *fields, int n, const uint8_t *item, struct c2_buf *out,
                       struct cat2_error *err)
{
    bool ok = true;

    for (int i = 0; ok && i < n; i++)
        ok = (i == 0 || c2_buf_putc(out, ',', err)) &&
             print_field(&fields[i], item + fields[i].offset, out, err);
    return ok;
}
