/* SPDX-License-Identifier: BSD-3-Clause */
/* The escaping writer. */
#include "web/html.h"

#include <inttypes.h>
#include <stdarg.h>

#include "wire/url.h"

void c2_html_init(struct c2_html *h, struct c2_buf *out, struct cat2_error *err)
{
    *h = (struct c2_html){out, err, true, NULL};
    *err = (struct cat2_error){0};
}

bool c2_html_has(struct c2_html *h, bool made, const struct cat2_error *why)
{
    if (!made && h->ok && why->code == CAT2_ENOMEM) {
        *h->err = *why;
        h->ok = false;
    }
    return made;
}

void c2_html_made(struct c2_html *h, struct c2_str html)
{
    h->ok = h->ok && c2_buf_append_str(h->out, html, h->err);
}

static const char *entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* Bytes of the well-formed character at the start of s that a page may hold; 0 when there is none. */
static size_t character(struct c2_str s)
{
    unsigned char c = (unsigned char)s.p[0];
    size_t n = c2_utf8_first(s);

    bool control = c < 0x20 && c != '\n' && c != '\t' && c != '\r';
    return control || c == 0x7f ? 0 : n;
}

void c2_html_text(struct c2_html *h, struct c2_str text)
{
    while (h->ok && text.n) {
        size_t n = character(text);
        const char *instead = n == 0 ? "\xef\xbf\xbd" : entity(text.p[0]);
        h->ok = instead ? c2_buf_puts(h->out, instead, h->err) : c2_buf_append(h->out, text.p, n, h->err);
        text.p += n ? n : 1;
        text.n -= n ? n : 1;
    }
}

void c2_html_int(struct c2_html *h, int64_t value)
{
    h->ok = h->ok && c2_buf_printf(h->out, h->err, "%" PRId64, value);
}

/* Part of a frame; addresses of this site are made relative. */
static void literal(struct c2_html *h, struct c2_str text)
{
    const char *found;

    while (h->base && (found = memmem(text.p, text.n, "=\"/", 3))) {
        size_t n = (size_t)(found - text.p) + 2;
        c2_html_made(h, (struct c2_str){text.p, n});
        c2_html_made(h, c2_str_of(h->base));
        text = (struct c2_str){text.p + n, text.n - n};
    }
    c2_html_made(h, text);
}

void c2_html(struct c2_html *h, const char *frame, ...)
{
    va_list args;

    va_start(args, frame);
    for (const char *p = frame; h->ok && *p;) {
        size_t n = strcspn(p, "$~");
        literal(h, (struct c2_str){p, n});
        p += n;
        if (!*p) break;
        const char *text = va_arg(args, const char *);
        if (*p++ == '$')
            c2_html_text(h, c2_str_of(text));
        else
            h->ok = h->ok && c2_url_encode(c2_str_of(text), true, h->out, h->err);
    }
    va_end(args);
}
