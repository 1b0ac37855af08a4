/* SPDX-License-Identifier: BSD-3-Clause */
/* Metadata for people: laid out as Python prints a dict, folded where a line gets too long. */
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bin/cat2cli.h"

static bool python_string(struct c2_str s, struct c2_buf *out, struct cat2_error *err)
{
    bool single = s.n && memchr(s.p, '\'', s.n), plain = !(s.n && memchr(s.p, '"', s.n));
    char quote = single && plain ? '"' : '\'';
    bool ok = c2_buf_putc(out, quote, err);

    for (size_t i = 0; ok && i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '\\' || c == (unsigned char)quote)
            ok = c2_buf_printf(out, err, "\\%c", c);
        else if (c == '\n')
            ok = c2_buf_puts(out, "\\n", err);
        else if (c == '\r')
            ok = c2_buf_puts(out, "\\r", err);
        else if (c == '\t')
            ok = c2_buf_puts(out, "\\t", err);
        else if (c < 0x20 || c == 0x7f)
            ok = c2_buf_printf(out, err, "\\x%02x", c);
        else
            ok = c2_buf_putc(out, (char)c, err);
    }
    return ok && c2_buf_putc(out, quote, err);
}

static bool python_scalar(struct c2_jval v, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_str text;
    bool truth;

    if (c2_jstr(v, &text)) return python_string(text, out, err);
    if (c2_jbool(v, &truth)) return c2_buf_puts(out, truth ? "True" : "False", err);
    if (c2_jval_kind(v) == C2_JNULL) return c2_buf_puts(out, "None", err);
    return c2_json_print(v, C2_JSON_COMPACT, out, err);
}

struct layout {
    int width, indent;
    bool folded; /* an item a line */
};

/* columns: what the line holds before this value, and the comma after it. */
static bool print_value(struct c2_jval v, struct layout at, int columns, struct c2_buf *out,
                        struct cat2_error *err);

static bool print_items(struct c2_jval v, struct layout at, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_jiter it = c2_jiter_of(v);
    struct c2_str key = {0};
    struct c2_jval value;
    struct layout inner = {at.width, at.indent + 4, at.folded};
    bool object = c2_jval_kind(v) == C2_JOBJECT, ok = c2_buf_putc(out, object ? '{' : '[', err);

    for (size_t i = 0; ok && c2_jnext(&it, &key, &value); i++) {
        if (at.folded)
            ok = c2_buf_printf(out, err, "%s\n%*s", i ? "," : "", inner.indent, "");
        else if (i)
            ok = c2_buf_puts(out, ", ", err);
        size_t start = out->n;
        if (ok && object) ok = python_string(key, out, err) && c2_buf_puts(out, ": ", err);
        ok = ok && print_value(value, inner, inner.indent + (int)(out->n - start) + 1, out, err);
    }
    if (ok && at.folded) ok = c2_buf_printf(out, err, "\n%*s", at.indent, "");
    return ok && c2_buf_putc(out, object ? '}' : ']', err);
}

static bool print_value(struct c2_jval v, struct layout at, int columns, struct c2_buf *out,
                        struct cat2_error *err)
{
    enum c2_jkind kind = c2_jval_kind(v);
    size_t start = out->n;

    if (kind != C2_JOBJECT && kind != C2_JARRAY) return python_scalar(v, out, err);
    if (!print_items(v, (struct layout){at.width, at.indent, false}, out, err)) return false;
    struct c2_str line = {(const char *)out->p + start, out->n - start};
    if (!at.folded || c2_jlen(v) == 0 || columns + (int)c2_utf8_count(line) <= at.width) return true;
    out->n = start;
    return print_items(v, at, out, err);
}

bool c2_pretty_print(struct c2_jval v, int width, struct c2_buf *out, struct cat2_error *err)
{
    return print_value(v, (struct layout){width, 0, true}, 0, out, err);
}

int c2_terminal_columns(void)
{
    static int found; /* a pager may take the terminal's place later */
    const char *columns = getenv("COLUMNS");
    struct winsize size;
    int64_t n;

    if (found) return found;
    found = 80;
    if (columns && c2_str_to_i64(c2_str_of(columns), &n) && n > 0 && n < 10000)
        found = (int)n;
    else if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        found = size.ws_col;
    return found;
}
