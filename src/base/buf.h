/* SPDX-License-Identifier: BSD-3-Clause */
/* An owned, growing byte buffer that knows its ceiling. Every operation keeps: n <= cap <= max, p[n] is '\0'
 * when p. */
#ifndef C2_BASE_BUF_H
#define C2_BASE_BUF_H

#include "base/str.h"

struct c2_buf {
    uint8_t *p;    /* malloc'd, or NULL while empty */
    size_t n, cap; /* used, allocated (one more byte is kept for the NUL) */
    size_t max;    /* ceiling for n; passing it is CAT2_ELIMIT */
};

#define C2_BUF_INIT(ceiling) ((struct c2_buf){.max = (ceiling)})

void c2_buf_init(struct c2_buf *buf, size_t ceiling);
void c2_buf_fini(struct c2_buf *buf);
C2_DEFINE_AUTO(c2_buf);

/** Make room for `more` bytes after n. */
bool c2_buf_reserve(struct c2_buf *buf, size_t more, struct cat2_error *err);
/** Set n; new bytes are uninitialised. */
bool c2_buf_resize(struct c2_buf *buf, size_t n, struct cat2_error *err);
bool c2_buf_append(struct c2_buf *buf, const void *bytes, size_t n, struct cat2_error *err);
bool c2_buf_append_str(struct c2_buf *buf, struct c2_str s, struct cat2_error *err);
bool c2_buf_puts(struct c2_buf *buf, const char *text, struct cat2_error *err);
bool c2_buf_putc(struct c2_buf *buf, char c, struct cat2_error *err);
bool c2_buf_printf(struct c2_buf *buf, struct cat2_error *err, const char *fmt, ...) C2_PRINTF(3, 4);
/** Forget the contents, keep the memory. */
void c2_buf_clear(struct c2_buf *buf);
/** Give back what is reserved beyond the contents, when that is more than half. */
void c2_buf_fit(struct c2_buf *buf);
/** Move out: the result owns the bytes, *buf is empty with the same ceiling. */
struct c2_buf c2_buf_steal(struct c2_buf *buf);
static inline struct c2_str c2_buf_str(const struct c2_buf *buf)
{
    return (struct c2_str){(const char *)buf->p, buf->n};
}
static inline struct c2_bytes c2_buf_bytes(const struct c2_buf *buf)
{
    return (struct c2_bytes){buf->p, buf->n};
}
/** The text as a C string, "" when empty. */
const char *c2_buf_cstr(const struct c2_buf *buf);

#endif
