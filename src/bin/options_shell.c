/* SPDX-License-Identifier: BSD-3-Clause */
/* Taking apart a line that is being typed. */
#include "bin/options_shell.h"

#include <stdlib.h>

/* Characters that end a word where they are not quoted. */
static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}
static bool is_operator(char c)
{
    return c && strchr("<>|;&()", c);
}

struct splitter {
    struct c2_cursor in;
    bool fish;
    struct c2_shell_line *out;
    size_t starts[C2_WORDS_MAX];
};

static bool put(struct splitter *s, char c, struct cat2_error *err)
{
    return c2_buf_putc(&s->out->text, c, err);
}

/* What follows a backslash. */
static bool take_escaped(struct splitter *s, struct cat2_error *err)
{
    struct c2_shell_line *out = s->out;
    char next = c2_cursor_peek(&s->in);
    bool any = out->state == C2_SHELL_PLAIN;

    if (c2_cursor_done(&s->in)) {
        out->unclear = true;
        return true;
    }
    s->in.p++;
    if (any && next == '\n') return true;
    bool special =
        out->state == C2_SHELL_SINGLE ? next == '\'' || next == '\\' : strchr("$`\"\\", next) != NULL;
    if (!any && !special && !put(s, '\\', err)) return false;
    return put(s, next, err);
}

/* One character of a word, or what a backslash makes of two. */
static bool take_char(struct splitter *s, struct cat2_error *err)
{
    struct c2_shell_line *out = s->out;
    char c = *s->in.p++, quote = out->state == C2_SHELL_SINGLE ? '\'' : '"';
    bool plain = out->state == C2_SHELL_PLAIN;

    if (c == '\\' && (out->state != C2_SHELL_SINGLE || s->fish)) return take_escaped(s, err);
    if (plain && (c == '\'' || c == '"')) {
        out->state = c == '"' ? C2_SHELL_DOUBLE : C2_SHELL_SINGLE;
        out->open = s->in.p;
        return true;
    }
    if (!plain && c == quote) {
        out->state = C2_SHELL_PLAIN;
        out->open = NULL;
        return true;
    }
    if ((c == '$' || c == '`') && out->state != C2_SHELL_SINGLE) out->unclear = true;
    return put(s, c, err);
}

static bool take_word(struct splitter *s, struct cat2_error *err)
{
    const char *home = getenv("HOME");

    s->out->raw = s->in.p;
    s->out->unclear = false;
    if (home && c2_cursor_left(&s->in) > 1 && s->in.p[0] == '~' && s->in.p[1] == '/') {
        s->in.p++;
        if (!c2_buf_puts(&s->out->text, home, err)) return false;
    }
    while (!c2_cursor_done(&s->in)) {
        char c = c2_cursor_peek(&s->in);
        if (s->out->state == C2_SHELL_PLAIN && (is_blank(c) || is_operator(c))) break;
        if (!take_char(s, err)) return false;
    }
    return put(s, '\0', err);
}

/* Blanks and operators; was there a < or >? */
static bool skip_between(struct splitter *s)
{
    bool redirects = false;

    while (!c2_cursor_done(&s->in) && (is_blank(*s->in.p) || is_operator(*s->in.p))) {
        redirects = redirects || *s->in.p == '<' || *s->in.p == '>';
        s->in.p++;
    }
    return redirects;
}

/* The 2 of 2>file. */
static bool is_descriptor(const struct splitter *s, size_t start)
{
    struct c2_str word = c2_str_of((const char *)s->out->text.p + start);
    int64_t n;
    char next = c2_cursor_peek(&s->in);

    return (next == '<' || next == '>') && c2_str_to_i64(word, &n);
}

bool c2_shell_split(struct c2_str line, bool fish, struct c2_shell_line *out, struct cat2_error *err)
{
    struct splitter s = {.in = c2_cursor_of(line), .fish = fish, .out = out};

    *out = (struct c2_shell_line){.text = C2_BUF_INIT(2 * C2_LINE_NBYTES_MAX)};
    if (line.n > C2_LINE_NBYTES_MAX) return c2_fail(err, CAT2_ELIMIT, "the line is too long");
    for (bool more = true; more;) {
        bool redirected = skip_between(&s);
        size_t start = out->text.n;
        if (out->nwords == C2_WORDS_MAX) return c2_fail(err, CAT2_ELIMIT, "too many words");
        if (!take_word(&s, err)) return false;
        more = !c2_cursor_done(&s.in);
        out->redirected = redirected;
        if (!more || !(redirected || is_descriptor(&s, start))) s.starts[out->nwords++] = start;
    }
    for (size_t i = 0; i < out->nwords; i++)
        out->words[i] = (const char *)out->text.p + s.starts[i];
    return true;
}

void c2_shell_line_fini(struct c2_shell_line *line)
{
    c2_buf_fini(&line->text);
}

/* What stands for c in this state; NULL: itself. */
static const char *quoted(char c, enum c2_shell_state state, char two[3])
{
    two[0] = '\\';
    two[1] = c;
    two[2] = '\0';
    if (state == C2_SHELL_SINGLE) return c == '\'' ? "'\\''" : NULL;
    if (state == C2_SHELL_DOUBLE) return c == '!' ? "\"\\!\"" : strchr("$`\"\\", c) ? two : NULL;
    return strchr(" '\"`$&;|<>()[]{}*?!\\~#^", c) ? two : NULL;
}

bool c2_shell_quote(struct c2_str text, enum c2_shell_state state, struct c2_buf *out, struct cat2_error *err)
{
    char two[3];

    for (size_t i = 0; i < text.n; i++) {
        const char *instead = text.p[i] ? quoted(text.p[i], state, two) : "";
        if (!(instead ? c2_buf_puts(out, instead, err) : c2_buf_putc(out, text.p[i], err))) return false;
    }
    return true;
}

const char *c2_shell_replaced(const struct c2_shell_line *line, struct c2_str whole, const char *breaks)
{
    const char *start = line->raw, *end = whole.p + whole.n;
    char quote = '\0';

    if (line->open) return line->open;
    for (const char *p = line->raw; p < end; p++) {
        if (*p == '\\' && quote != '\'')
            p++;
        else if (quote)
            quote = *p == quote ? '\0' : quote;
        else if (*p == '\'' || *p == '"')
            quote = *p;
        else if (*p && strchr(breaks, *p))
            start = *p == '@' || *p == '$' ? p : p + 1; /* readline keeps these */
    }
    return start;
}
