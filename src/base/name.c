/* SPDX-License-Identifier: BSD-3-Clause */
/* Names to text and back. */
#include "base/name.h"

static const char digits[] = "0123456789ABCDEF";

static int hex(char c)
{
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) : -1;
}

static bool is_dots(struct c2_str name)
{
    return c2_str_is(name, ".") || c2_str_is(name, "..");
}

/* The byte that begins at text[i], as text or as %XX; *n of text's bytes. */
static char byte_at(struct c2_str text, size_t i, size_t *n)
{
    int high = text.p[i] == '%' && i + 2 < text.n ? hex(text.p[i + 1]) : -1;
    int low = high >= 0 ? hex(text.p[i + 2]) : -1;

    *n = low >= 0 ? 3 : 1;
    if (low < 0) return text.p[i];
    return (char)(high << 4 | low);
}

static bool decode(struct c2_str text, struct c2_buf *out, struct cat2_error *err)
{
    bool ok = true;

    for (size_t i = 0, n; ok && i < text.n; i += n)
        ok = c2_buf_putc(out, byte_at(text, i, &n), err);
    return ok;
}

static bool encode(struct c2_str name, struct c2_buf *out, struct cat2_error *err)
{
    bool all = is_dots(name), ok = true;

    for (size_t i = 0; ok && i < name.n; i++) {
        uint8_t c = (uint8_t)name.p[i];
        const char escaped[] = {'%', digits[c >> 4], digits[c & 15]};
        ok = all || c >= 0x80 || c == '%' ? c2_buf_append(out, escaped, 3, err)
                                          : c2_buf_putc(out, (char)c, err);
    }
    return ok;
}

/* Would `text` be the encoded text of what it decodes to? Then that is appended to out. */
static bool is_faithful(struct c2_str text, bool *faithful, struct c2_buf *out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) again = C2_BUF_INIT(3 * text.n + 3);

    *faithful = false;
    if (!text.n || !memchr(text.p, '%', text.n)) return true;
    if (!decode(text, out, err) || !encode(c2_buf_str(out), &again, err)) return false;
    *faithful = out->n < text.n && c2_str_eq(c2_buf_str(&again), text);
    return true;
}

/* A name that is the encoded text of another is its own text if that one is. Each is shorter than the one
 * before: this ends. */
static bool is_own_text(struct c2_str name, bool *own, struct cat2_error *err)
{
    C2_AUTO(c2_buf) at = C2_BUF_INIT(name.n + 1);
    bool faithful;

    if (!c2_buf_append_str(&at, name, err)) return false;
    for (;;) {
        C2_AUTO(c2_buf) next = C2_BUF_INIT(name.n + 1);
        *own = false;
        if (!c2_str_is_utf8(c2_buf_str(&at)) || is_dots(c2_buf_str(&at))) return true;
        *own = true;
        if (!is_faithful(c2_buf_str(&at), &faithful, &next, err)) return false;
        if (!faithful) return true;
        c2_buf_fini(&at);
        at = c2_buf_steal(&next);
    }
}

bool c2_name_show(struct c2_str name, struct c2_buf *out, struct cat2_error *err)
{
    bool own;

    if (!is_own_text(name, &own, err)) return false;
    return own ? c2_buf_append_str(out, name, err) : encode(name, out, err);
}

static bool name_of_text(struct c2_str text, struct c2_buf *out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(text.n + 1);
    bool faithful, own = true;

    if (!is_faithful(text, &faithful, &name, err)) return false;
    if (faithful && !is_own_text(c2_buf_str(&name), &own, err)) return false;
    return c2_buf_append_str(out, own ? text : c2_buf_str(&name), err);
}

static bool by_parts(struct c2_str path,
                     bool (*one)(struct c2_str name, struct c2_buf *out, struct cat2_error *err),
                     struct c2_buf *out, struct cat2_error *err)
{
    struct c2_str part;
    bool more = true;

    while (more) {
        more = c2_str_cut(path, '/', &part, &path);
        if (!one(part, out, err) || (more && !c2_buf_putc(out, '/', err))) return false;
    }
    return true;
}

bool c2_path_show(struct c2_str path, struct c2_buf *out, struct cat2_error *err)
{
    return by_parts(path, c2_name_show, out, err);
}

bool c2_path_of_text(struct c2_str text, struct c2_buf *out, struct cat2_error *err)
{
    return by_parts(text, name_of_text, out, err);
}
