/* SPDX-License-Identifier: BSD-3-Clause */
/* Parsing: operators, numbers and names, as Python reads them. */
#include <stdlib.h>

#include "expr/expr_impl.h"

bool c2_expr_fail_at(struct c2_expr_parser *p, const char *place, enum cat2_code code, const char *what)
{
    *p->position = place - p->start;
    return c2_fail(p->err, code, "%s at character %lld", what, (long long)*p->position + 1);
}

bool c2_expr_fail_here(struct c2_expr_parser *p, const char *place)
{
    struct cat2_error why = *p->err;

    return c2_expr_fail_at(p, place, why.code, why.message);
}

static bool is_name(char c)
{
    return c2_is_alnum(c) || c == '_' || (unsigned char)c >= 0x80;
}

bool c2_expr_name(struct c2_cursor *in, struct c2_str *name)
{
    c2_cursor_blanks(in);
    *name = (struct c2_str){in->p, 0};
    if (c2_is_digit(c2_cursor_peek(in))) return false;
    while (!c2_cursor_done(in) && is_name(*in->p))
        in->p++;
    name->n = (size_t)(in->p - name->p);
    return name->n > 0;
}

/* ---- numbers ---- */

static bool read_number(struct c2_expr_parser *p, int *node)
{
    const char *start = p->in.p;
    char text[64], *end;
    bool real = false;
    size_t n = 0;

    for (const char *c = start; c < p->in.end && n + 1 < sizeof(text); c++) {
        bool sign = (*c == '-' || *c == '+') && c > start && (c[-1] == 'e' || c[-1] == 'E');
        if (!sign && !c2_is_digit(*c) && *c != '.' && *c != 'e' && *c != 'E') break;
        real = real || !c2_is_digit(*c);
        text[n++] = *c;
    }
    text[n] = '\0';
    union c2_cell value = {.f = strtod(text, &end)};
    if (n == 0 || end != text + n || (start + n < p->in.end && is_name(start[n])))
        return c2_expr_fail_at(p, start, CAT2_EINVAL, "not a number");
    if (!real && !c2_str_to_i64((struct c2_str){text, n}, &value.i))
        return c2_expr_fail_at(p, start, CAT2_EUNSUPPORTED, "an integer of more than 63 bits");
    p->in.p += n;
    return c2_expr_number(p->expr, real ? 'f' : 'i', value, node, p->err) || c2_expr_fail_here(p, start);
}

/* ---- names ---- */

static bool read_name(struct c2_expr_parser *p, int *node)
{
    const char *start = p->in.p;
    struct c2_str name;
    struct c2_cursor after;

    if (!c2_expr_name(&p->in, &name))
        return c2_expr_fail_at(p, start, CAT2_EINVAL,
                               c2_cursor_done(&p->in) ? "the expression ends too early"
                                                      : "expected a name or a number");
    bool module = c2_str_is(name, "np") || c2_str_is(name, "numpy") || c2_str_is(name, "blosc2");
    after = p->in;
    if (module && c2_cursor_eat(&after, ".")) {
        p->in = after;
        return read_name(p, node);
    }
    if (c2_str_is(name, "True") || c2_str_is(name, "False"))
        return c2_expr_number(p->expr, 'b', (union c2_cell){.i = name.p[0] == 'T'}, node, p->err) ||
               c2_expr_fail_here(p, start);
    c2_cursor_blanks(&after);
    if (c2_cursor_eat(&after, "(")) {
        p->in = after;
        return c2_expr_call(p, name, -1, node);
    }
    return p->names->find(p->names->ctx, p->expr, name, node, p->err) || c2_expr_fail_here(p, start);
}

static bool read_atom(struct c2_expr_parser *p, int *node)
{
    const char *start = p->in.p;

    if (c2_is_digit(c2_cursor_peek(&p->in)) || c2_cursor_peek(&p->in) == '.') return read_number(p, node);
    if (!c2_cursor_eat(&p->in, "(")) return read_name(p, node);
    if (!c2_expr_read(p, node)) return false;
    c2_cursor_blanks(&p->in);
    if (c2_cursor_eat(&p->in, ")")) return true;
    return c2_cursor_done(&p->in) ? c2_expr_fail_at(p, start, CAT2_EINVAL, "a parenthesis is not closed")
                                  : c2_expr_fail_at(p, p->in.p, CAT2_EINVAL, "expected ')' or an operator");
}

/* .T, .f(...), .field */
static bool read_member(struct c2_expr_parser *p, int *node)
{
    const char *start = p->in.p;
    struct c2_str name;

    if (!c2_expr_name(&p->in, &name)) return c2_expr_fail_at(p, start, CAT2_EINVAL, "expected a name");
    if (c2_expr_at(p->expr, *node)->kind == 'V')
        return c2_expr_field(p->expr, *node, name, node, p->err) || c2_expr_fail_here(p, start);
    if (c2_str_is(name, "T"))
        return c2_expr_transpose(p->expr, *node, node, p->err) || c2_expr_fail_here(p, start);
    struct c2_cursor after = p->in;
    c2_cursor_blanks(&after);
    if (c2_cursor_eat(&after, "(")) {
        p->in = after;
        return c2_expr_call(p, name, *node, node);
    }
    return c2_expr_fail_at(p, start, CAT2_EUNSUPPORTED, "this member of an array is not known here");
}

static bool read_postfix(struct c2_expr_parser *p, int *node)
{
    c2_cursor_blanks(&p->in);
    if (!read_atom(p, node)) return false;
    for (;;) {
        struct c2_cursor before = p->in;
        c2_cursor_blanks(&p->in);
        if (c2_cursor_eat(&p->in, ".")) {
            if (!read_member(p, node)) return false;
        } else if (c2_cursor_eat(&p->in, "[")) {
            if (!c2_expr_subscript(p, *node, node)) return false;
        } else {
            p->in = before;
            return true;
        }
    }
}

/* ---- operators ---- */

#define LEVEL_COMPARE 0
#define LEVEL_UNARY   7
static const struct {
    const char *text;
    int level;
    const char *fn;
} binaries[] = {{"==", 0, "equal"},
                {"!=", 0, "not_equal"},
                {"<=", 0, "less_equal"},
                {">=", 0, "greater_equal"},
                {"<", 0, "less"},
                {">", 0, "greater"},
                {"|", 1, "bitwise_or"},
                {"^", 2, "bitwise_xor"},
                {"&", 3, "bitwise_and"},
                {"<<", 4, "bitwise_left_shift"},
                {">>", 4, "bitwise_right_shift"},
                {"+", 5, "add"},
                {"-", 5, "subtract"},
                {"*", 6, "multiply"},
                {"//", 6, "floor_divide"},
                {"/", 6, "divide"},
                {"%", 6, "remainder"}};

static bool apply(struct c2_expr_parser *p, const char *place, const char *fn, int a, int b, int *node)
{
    int args[2] = {a, b};

    return c2_expr_apply(p->expr, c2_expr_fn_of(c2_str_of(fn)), args, node, p->err) ||
           c2_expr_fail_here(p, place);
}

static bool read_unary(struct c2_expr_parser *p, int *node);

/* ** binds closer than what is before it, and takes what has a sign behind it. */
static bool read_power(struct c2_expr_parser *p, int *node)
{
    int right;

    if (!read_postfix(p, node)) return false;
    struct c2_cursor after = p->in;
    c2_cursor_blanks(&after);
    const char *place = after.p;
    if (!c2_cursor_eat(&after, "**")) return true;
    p->in = after;
    return read_unary(p, &right) && apply(p, place, "power", *node, right, node);
}

static bool read_negated(struct c2_expr_parser *p, const char *place, int *node)
{
    const struct c2_expr_node *n = c2_expr_at(p->expr, *node);
    union c2_cell value = n->value;

    if (n->sort != C2_SORT_CONST || n->kind == 'b') return apply(p, place, "negative", *node, 0, node);
    if (n->kind == 'i')
        value.i = -value.i;
    else
        value.f = -value.f;
    return c2_expr_number(p->expr, n->kind, value, node, p->err) || c2_expr_fail_here(p, place);
}

static bool read_unary(struct c2_expr_parser *p, int *node)
{
    c2_cursor_blanks(&p->in);
    const char *place = p->in.p;
    bool ok;

    if (++p->level > C2_EXPR_NESTED_MAX)
        return c2_expr_fail_at(p, place, CAT2_ELIMIT, "the expression is nested too deep");
    if (c2_cursor_eat(&p->in, "-"))
        ok = read_unary(p, node) && read_negated(p, place, node);
    else if (c2_cursor_eat(&p->in, "+"))
        ok = read_unary(p, node) && apply(p, place, "positive", *node, 0, node);
    else if (c2_cursor_eat(&p->in, "~"))
        ok = read_unary(p, node) && apply(p, place, "invert", *node, 0, node);
    else
        ok = read_power(p, node);
    p->level--;
    return ok;
}

/* -1: none of this level. */
static int eat_binary(struct c2_expr_parser *p, int level)
{
    struct c2_cursor before = p->in;

    c2_cursor_blanks(&p->in);
    for (size_t i = 0; i < C2_ARRAY_LEN(binaries); i++)
        if (binaries[i].level == level && c2_cursor_eat(&p->in, binaries[i].text)) return (int)i;
    p->in = before;
    return -1;
}

static bool read_binary(struct c2_expr_parser *p, int level, int *node)
{
    int right, op, n = 0;

    if (level == LEVEL_UNARY) return read_unary(p, node);
    if (!read_binary(p, level + 1, node)) return false;
    while ((op = eat_binary(p, level)) >= 0) {
        const char *place = p->in.p - strlen(binaries[op].text);
        if (level == LEVEL_COMPARE && n++)
            return c2_expr_fail_at(p, place, CAT2_EINVAL, "comparisons in a row need parentheses and &");
        if (!read_binary(p, level + 1, &right) || !apply(p, place, binaries[op].fn, *node, right, node))
            return false;
    }
    return true;
}

bool c2_expr_read(struct c2_expr_parser *p, int *node)
{
    if (++p->level > C2_EXPR_NESTED_MAX)
        return c2_expr_fail_at(p, p->in.p, CAT2_ELIMIT, "the expression is nested too deep");
    bool ok = read_binary(p, LEVEL_COMPARE, node);
    p->level--;
    return ok;
}

bool c2_expr_parse(struct c2_expr *expr, struct c2_str text, const struct c2_expr_names *names, int *node,
                   int64_t *position, struct cat2_error *err)
{
    struct c2_expr_parser p = {.in = c2_cursor_of(text),
                               .start = text.p,
                               .expr = expr,
                               .names = names,
                               .position = position,
                               .err = err};

    *position = 0;
    if (text.n > C2_EXPR_TEXT_MAX)
        return c2_expr_fail_at(&p, text.p + C2_EXPR_TEXT_MAX, CAT2_ELIMIT, "the expression is too long");
    if (!c2_expr_read(&p, node)) return false;
    c2_cursor_blanks(&p.in);
    return c2_cursor_done(&p.in) || c2_expr_fail_at(&p, p.in.p, CAT2_EINVAL, "expected an operator");
}
