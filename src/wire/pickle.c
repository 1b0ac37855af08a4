/* SPDX-License-Identifier: BSD-3-Clause */
/* Pickles, opcode by opcode. An array is numpy.core.numeric._frombuffer(data, numpy.dtype(descr), shape,
 * "C"); the data's bytes stand between head and tail. */
#include "wire/pickle.h"

#include "base/endian.h"
#include "base/limits.h"

void c2_pickle_fini(struct c2_pickle *p)
{
    if (!p) return;
    c2_buf_fini(&p->head);
    c2_buf_fini(&p->tail);
}

static bool put(struct c2_buf *out, const char *ops, size_t n, struct cat2_error *err)
{
    return c2_buf_append(out, ops, n, err);
}

static bool put_text(struct c2_buf *out, struct c2_str s, struct cat2_error *err)
{
    uint8_t head[5] = {0x8c, (uint8_t)s.n}; /* SHORT_BINUNICODE */

    if (s.n > 255) {
        head[0] = 'X'; /* BINUNICODE */
        c2_put_le32(head + 1, (uint32_t)s.n);
    }
    return c2_buf_append(out, head, s.n > 255 ? 5 : 2, err) && c2_buf_append_str(out, s, err);
}

static bool put_global(struct c2_buf *out, const char *module, const char *name, struct cat2_error *err)
{
    return put_text(out, c2_str_of(module), err) && put_text(out, c2_str_of(name), err) &&
           put(out, "\x93", 1, err);
}

static bool put_int(struct c2_buf *out, int64_t v, struct cat2_error *err)
{
    uint8_t ops[10] = {'J'}; /* BININT */

    if (v >= INT32_MIN && v <= INT32_MAX) {
        c2_put_le32(ops + 1, (uint32_t)(int32_t)v);
        return c2_buf_append(out, ops, 5, err);
    }
    ops[0] = 0x8a; /* LONG1 */
    ops[1] = 8;
    c2_put_le64(ops + 2, (uint64_t)v);
    return c2_buf_append(out, ops, 10, err);
}

static bool put_shape(struct c2_buf *out, const int64_t *shape, int ndim, struct cat2_error *err)
{
    bool ok = put(out, "(", 1, err);

    for (int axis = 0; ok && axis < ndim; axis++)
        ok = put_int(out, shape[axis], err);
    return ok && put(out, "t", 1, err);
}

/* One value of a Python literal: list, tuple, dict, string, integer, True, False or None. What NumPy prints
 * of a structured dtype is made of these. */
static bool put_literal(struct c2_cursor *in, struct c2_buf *out, int depth, struct cat2_error *err);

static bool put_sequence(struct c2_cursor *in, char close, struct c2_buf *out, int depth,
                         struct cat2_error *err)
{
    const char ends[] = {close, '\0'};

    if (!put(out, "(", 1, err)) return false;
    for (c2_cursor_blanks(in); !c2_cursor_eat(in, ends); c2_cursor_blanks(in)) {
        if (!put_literal(in, out, depth + 1, err)) return false;
        c2_cursor_blanks(in);
        if (!c2_cursor_eat(in, ",") && c2_cursor_peek(in) != close)
            return c2_fail(err, CAT2_EINVAL, "dtype: expected ',' or '%c'", close);
    }
    return put(out, close == ']' ? "l" : "t", 1, err);
}

static bool put_dict(struct c2_cursor *in, struct c2_buf *out, int depth, struct cat2_error *err)
{
    if (!put(out, "(", 1, err)) return false;
    for (c2_cursor_blanks(in); !c2_cursor_eat(in, "}"); c2_cursor_blanks(in)) {
        if (!put_literal(in, out, depth + 1, err)) return false;
        c2_cursor_blanks(in);
        if (!c2_cursor_eat(in, ":")) return c2_fail(err, CAT2_EINVAL, "dtype: expected ':'");
        if (!put_literal(in, out, depth + 1, err)) return false;
        c2_cursor_blanks(in);
        if (!c2_cursor_eat(in, ",") && c2_cursor_peek(in) != '}')
            return c2_fail(err, CAT2_EINVAL, "dtype: expected ',' or '}'");
    }
    return put(out, "d", 1, err);
}

static bool put_utf8(uint32_t c, struct c2_buf *text, struct cat2_error *err)
{
    int n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    uint8_t bytes[4];

    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return c2_fail(err, CAT2_EINVAL, "dtype: U+%04X is no character", (unsigned)c);
    for (int i = n - 1; i > 0; i--, c >>= 6)
        bytes[i] = (uint8_t)(0x80 | (c & 0x3f));
    bytes[0] = (uint8_t)(lead[n] | c);
    return c2_buf_append(text, bytes, (size_t)n, err);
}

/* After a backslash: Python's repr() writes \n \r \t \\ \' \xNN \uNNNN \UNNNNNNNN. */
static bool put_escape(struct c2_cursor *in, struct c2_buf *text, struct cat2_error *err)
{
    static const char hex[] = "0123456789abcdef";
    char kind = *in->p++;
    int ndigits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
    uint32_t c = kind == 'n' ? '\n' : kind == 'r' ? '\r' : kind == 't' ? '\t' : (uint8_t)kind;

    if (ndigits == 0) return c2_buf_putc(text, (char)c, err);
    for (c = 0; ndigits > 0; ndigits--) {
        char digit = c2_cursor_peek(in);
        const char *at = digit ? strchr(hex, digit) : NULL;
        if (!at) return c2_fail(err, CAT2_EINVAL, "dtype: a \\%c escape does not end", kind);
        c = c << 4 | (uint32_t)(at - hex);
        in->p++;
    }
    return put_utf8(c, text, err);
}

static bool put_quoted(struct c2_cursor *in, struct c2_buf *out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_DTYPE_TEXT_MAX);
    char quote = *in->p++;

    while (!c2_cursor_done(in) && *in->p != quote) {
        bool escaped = *in->p == '\\' && c2_cursor_left(in) > 1;
        if (escaped) in->p++;
        if (!(escaped ? put_escape(in, &text, err) : c2_buf_putc(&text, *in->p++, err))) return false;
    }
    if (c2_cursor_done(in)) return c2_fail(err, CAT2_EINVAL, "dtype: a string does not end");
    in->p++;
    return put_text(out, c2_buf_str(&text), err);
}

static bool put_literal(struct c2_cursor *in, struct c2_buf *out, int depth, struct cat2_error *err)
{
    bool overflow;
    int64_t v;

    if (depth > 2 * C2_DTYPE_DEPTH_MAX) return c2_fail(err, CAT2_ELIMIT, "dtype: nested too deep");
    c2_cursor_blanks(in);
    if (c2_cursor_eat(in, "[")) return put_sequence(in, ']', out, depth, err);
    if (c2_cursor_eat(in, "(")) return put_sequence(in, ')', out, depth, err);
    if (c2_cursor_eat(in, "{")) return put_dict(in, out, depth, err);
    if (c2_cursor_eat(in, "None")) return put(out, "N", 1, err);
    if (c2_cursor_eat(in, "True")) return put(out, "\x88", 1, err);
    if (c2_cursor_eat(in, "False")) return put(out, "\x89", 1, err);
    if (c2_cursor_peek(in) == '\'' || c2_cursor_peek(in) == '"') return put_quoted(in, out, err);
    if (c2_cursor_i64(in, &v, &overflow) && !overflow) return put_int(out, v, err);
    return c2_fail(err, CAT2_EINVAL, "dtype: unexpected '%c'", c2_cursor_peek(in));
}

static bool put_descr(struct c2_str descr, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_cursor in = c2_cursor_of(descr);

    if (descr.n > C2_DTYPE_TEXT_MAX || !c2_str_is_utf8(descr))
        return c2_fail(err, CAT2_EDATA, "dtype: too long, or no UTF-8");
    if (descr.n == 0 || !strchr("[{", descr.p[0])) return put_text(out, descr, err);
    return put_literal(&in, out, 0, err) &&
           (c2_cursor_done(&in) || c2_fail(err, CAT2_EINVAL, "dtype: text after its end"));
}

static bool put_data_head(struct c2_buf *out, char op, size_t n, struct cat2_error *err)
{
    uint8_t length[8];

    c2_put_le64(length, n);
    return c2_buf_putc(out, op, err) && c2_buf_append(out, length, 8, err);
}

static void init(struct c2_pickle *p)
{
    c2_buf_init(&p->head, 4096);
    c2_buf_init(&p->tail, 8 * C2_DTYPE_TEXT_MAX);
}

bool c2_pickle_bytes(size_t n, struct c2_pickle *out, struct cat2_error *err)
{
    init(out);
    if (put(&out->head, "\x80\x05", 2, err) && put_data_head(&out->head, (char)0x8e, n, err) &&
        put(&out->tail, ".", 1, err))
        return true;
    c2_pickle_fini(out);
    return false;
}

bool c2_pickle_ndarray(struct c2_str descr, const int64_t *shape, int ndim, size_t nbytes,
                       struct c2_pickle *out, struct cat2_error *err)
{
    init(out);
    struct c2_buf *head = &out->head, *tail = &out->tail;
    bool ok = put(head, "\x80\x05", 2, err) && put_global(head, "numpy.core.numeric", "_frombuffer", err) &&
              put(head, "(", 1, err) && put_data_head(head, (char)0x96, nbytes, err);
    ok = ok && put_global(tail, "numpy", "dtype", err) && put_descr(descr, tail, err) &&
         put(tail, "\x85R", 2, err) && put_shape(tail, shape, ndim, err) &&
         put_text(tail, C2_STR("C"), err) && put(tail, "tR.", 3, err);
    if (!ok) c2_pickle_fini(out);
    return ok;
}
