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

/* One value of a Python literal: list, tuple, string or integer. What the descr of a structured dtype is made
 * of. */
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

static bool put_quoted(struct c2_cursor *in, struct c2_buf *out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_DTYPE_TEXT_MAX);
    char quote = *in->p++;

    while (!c2_cursor_done(in) && *in->p != quote) {
        if (*in->p == '\\' && c2_cursor_left(in) > 1) in->p++;
        if (!c2_buf_putc(&text, *in->p++, err)) return false;
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
    if (c2_cursor_peek(in) == '\'' || c2_cursor_peek(in) == '"') return put_quoted(in, out, err);
    if (c2_cursor_i64(in, &v, &overflow) && !overflow) return put_int(out, v, err);
    return c2_fail(err, CAT2_EINVAL, "dtype: unexpected '%c'", c2_cursor_peek(in));
}

static bool put_descr(struct c2_str descr, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_cursor in = c2_cursor_of(descr);

    if (descr.n == 0 || descr.p[0] != '[') return put_text(out, descr, err);
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
