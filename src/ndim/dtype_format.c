/* SPDX-License-Identifier: BSD-3-Clause */
/* dtypes as text: the descr that files hold, and the name that NumPy prints. */
#include <inttypes.h>

#include "ndim/dtype.h"
#include "ndim/shape.h"

/* One character of a string literal, as Python's repr() writes it. */
static bool put_escaped(char c, char quote, struct c2_buf *out, struct cat2_error *err)
{
    if (c == '\n') return c2_buf_puts(out, "\\n", err);
    if (c == '\r') return c2_buf_puts(out, "\\r", err);
    if (c == '\t') return c2_buf_puts(out, "\\t", err);
    if ((unsigned char)c < 0x20 || c == 0x7f) return c2_buf_printf(out, err, "\\x%02x", (unsigned)c);
    return ((c != quote && c != '\\') || c2_buf_putc(out, '\\', err)) && c2_buf_putc(out, c, err);
}

/* A Python string literal. */
static bool put_repr(const char *text, struct c2_buf *out, struct cat2_error *err)
{
    char quote = strchr(text, '\'') && !strchr(text, '"') ? '"' : '\'';
    bool ok = c2_buf_putc(out, quote, err);

    for (; ok && *text; text++)
        ok = put_escaped(*text, quote, out, err);
    return ok && c2_buf_putc(out, quote, err);
}

static bool put_unit(const struct c2_dtype *dtype, struct c2_buf *out, struct cat2_error *err)
{
    return !dtype->unit[0] || c2_buf_printf(out, err, "[%s]", dtype->unit);
}

/* "<i8". Inside a list NumPy leaves out the '|' of one-byte types ("u1"), but for strings and void. */
static bool put_typestr(const struct c2_dtype *dtype, bool bare, struct c2_buf *out, struct cat2_error *err)
{
    int64_t n = dtype->kind == 'U' ? dtype->itemsize / 4 : dtype->itemsize;
    bool silent = bare && dtype->order == '|' && strchr("iu", dtype->kind);

    if (bare && dtype->kind == 'b') return c2_buf_puts(out, "?", err);
    if (bare && (dtype->kind == 'S' || dtype->kind == 'V')) silent = true;
    if (!silent && !c2_buf_putc(out, dtype->order, err)) return false;
    return c2_buf_printf(out, err, "%c%" PRId64, dtype->kind, n) && put_unit(dtype, out, err);
}

static bool put_list(const struct c2_dtype *dtype, bool bare, struct c2_buf *out, struct cat2_error *err);

static bool put_field(const struct c2_field *field, bool bare, struct c2_buf *out, struct cat2_error *err)
{
    bool ok = c2_buf_putc(out, '(', err);
    char shape[C2_SHAPE_ROOM];

    if (ok && field->title)
        ok = c2_buf_putc(out, '(', err) && put_repr(field->title, out, err) && c2_buf_puts(out, ", ", err);
    ok = ok && put_repr(field->name, out, err) && c2_buf_puts(out, field->title ? "), " : ", ", err);
    if (ok && field->type.nfields)
        ok = put_list(&field->type, bare, out, err);
    else
        ok = ok && c2_buf_putc(out, '\'', err) && put_typestr(&field->type, bare, out, err) &&
             c2_buf_putc(out, '\'', err);
    if (ok && field->ndim)
        ok = c2_buf_printf(out, err, ", %s", c2_shape_text(field->shape, field->ndim, shape));
    return ok && c2_buf_putc(out, ')', err);
}

static bool put_list(const struct c2_dtype *dtype, bool bare, struct c2_buf *out, struct cat2_error *err)
{
    bool ok = c2_buf_putc(out, '[', err);

    for (int i = 0; ok && i < dtype->nfields; i++)
        ok = (i == 0 || c2_buf_puts(out, ", ", err)) && put_field(&dtype->fields[i], bare, out, err);
    return ok && c2_buf_putc(out, ']', err);
}

bool c2_dtype_descr(const struct c2_dtype *dtype, struct c2_buf *out, struct cat2_error *err)
{
    return dtype->nfields ? put_list(dtype, false, out, err) : put_typestr(dtype, false, out, err);
}

bool c2_dtype_name(const struct c2_dtype *dtype, struct c2_buf *out, struct cat2_error *err)
{
    const char *name = NULL;

    if (dtype->nfields) return put_list(dtype, true, out, err);
    if (dtype->kind == 'S' || dtype->kind == 'V' || dtype->kind == 'U' || c2_dtype_swapped(dtype))
        return put_typestr(dtype, false, out, err);
    switch (dtype->kind) {
    case 'b':
        return c2_buf_puts(out, "bool", err);
    case 'i':
        name = "int";
        break;
    case 'u':
        name = "uint";
        break;
    case 'f':
        name = "float";
        break;
    case 'c':
        name = "complex";
        break;
    default:
        return c2_buf_puts(out, dtype->kind == 'M' ? "datetime64" : "timedelta64", err) &&
               put_unit(dtype, out, err);
    }
    return c2_buf_printf(out, err, "%s%" PRId64, name, dtype->itemsize * 8);
}
