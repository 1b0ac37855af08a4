/* SPDX-License-Identifier: BSD-3-Clause */
/* The growing buffer: doubles up to its ceiling, always keeps one byte more for a NUL. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void c2_buf_init(struct c2_buf *buf, size_t ceiling)
{
    *buf = C2_BUF_INIT(ceiling);
}

void c2_buf_fini(struct c2_buf *buf)
{
    if (!buf) return;
    free(buf->p);
    *buf = C2_BUF_INIT(buf->max);
}

bool c2_buf_reserve(struct c2_buf *buf, size_t more, struct cat2_error *err)
{
    size_t need, cap = buf->cap;

    if (!c2_add_size(buf->n, more, &need) || need > buf->max)
        return c2_fail(err, CAT2_ELIMIT, "more than %zu bytes", buf->max);
    if (buf->p && need <= cap) return true;
    cap = cap > buf->max / 2 ? buf->max : cap * 2;
    if (cap < need) cap = need;
    if (cap < 64 && buf->max >= 64) cap = 64;
    uint8_t *grown = realloc(buf->p, cap + 1);
    if (!grown) return c2_fail_nomem(err, "buffer");
    buf->p = grown;
    buf->cap = cap;
    buf->p[buf->n] = '\0';
    return true;
}

bool c2_buf_resize(struct c2_buf *buf, size_t n, struct cat2_error *err)
{
    if (n > buf->n && !c2_buf_reserve(buf, n - buf->n, err)) return false;
    buf->n = n;
    if (buf->p) buf->p[n] = '\0';
    return true;
}

bool c2_buf_append(struct c2_buf *buf, const void *bytes, size_t n, struct cat2_error *err)
{
    if (!c2_buf_reserve(buf, n, err)) return false;
    if (n) memcpy(buf->p + buf->n, bytes, n);
    buf->n += n;
    buf->p[buf->n] = '\0';
    return true;
}

bool c2_buf_append_str(struct c2_buf *buf, struct c2_str s, struct cat2_error *err)
{
    return c2_buf_append(buf, s.p, s.n, err);
}

bool c2_buf_puts(struct c2_buf *buf, const char *text, struct cat2_error *err)
{
    return c2_buf_append(buf, text, strlen(text), err);
}

bool c2_buf_putc(struct c2_buf *buf, char c, struct cat2_error *err)
{
    return c2_buf_append(buf, &c, 1, err);
}

bool c2_buf_printf(struct c2_buf *buf, struct cat2_error *err, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0) return c2_fail(err, CAT2_EINVAL, "text cannot be formatted");
    if (!c2_buf_reserve(buf, (size_t)n, err)) return false;
    va_start(args, fmt);
    vsnprintf((char *)buf->p + buf->n, (size_t)n + 1, fmt, args);
    va_end(args);
    buf->n += (size_t)n;
    return true;
}

void c2_buf_fit(struct c2_buf *buf)
{
    if (buf->cap / 2 <= buf->n || buf->cap < 4096) return;
    uint8_t *fitting = realloc(buf->p, buf->n + 1);
    if (!fitting) return;
    buf->p = fitting;
    buf->cap = buf->n;
}

void c2_buf_clear(struct c2_buf *buf)
{
    buf->n = 0;
    if (buf->p) buf->p[0] = '\0';
}

struct c2_buf c2_buf_steal(struct c2_buf *buf)
{
    struct c2_buf taken = *buf;

    *buf = C2_BUF_INIT(taken.max);
    return taken;
}

const char *c2_buf_cstr(const struct c2_buf *buf)
{
    return buf->p ? (const char *)buf->p : "";
}
