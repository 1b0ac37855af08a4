/* SPDX-License-Identifier: BSD-3-Clause */
/* Parsing. */
#include <math.h>
#include <stdlib.h>

#include "reduce/where_impl.h"

struct parser {
    struct c2_cursor in;
    const char *start;
    struct c2_where *where;
    int level;
    bool python;     /* read as Python does, or refused */
    bool misleading; /* it means something else in Python than it looks like */
    bool bare;       /* the operand that was read last is a comparison without parentheses */
    int64_t *position;
    struct cat2_error *err;
};

static bool fail_at(struct parser *p, const char *place, const char *what)
{
    *p->position = place - p->start;
    return c2_fail(p->err, CAT2_EINVAL, "%s: %s at character %lld", p->python ? "filter" : "where", what,
                   (long long)*p->position + 1);
}

/* ---- columns ---- */

static bool is_name(char c)
{
    return c2_is_alnum(c) || c == '_' || c == '.' || (unsigned char)c >= 0x80;
}

struct c2_column c2_column_of(const struct c2_dtype *dtype, const struct c2_field *field, int64_t offset)
{
    struct c2_column column = {
        .type = field ? &field->type : dtype, .offset = offset, .nbytes = dtype->itemsize};

    if (!field) return column;
    column.nbytes = field->nbytes;
    column.ndim = field->ndim;
    for (int i = 0; i < field->ndim; i++)
        column.shape[i] = field->shape[i];
    return column;
}

void c2_column_fini(struct c2_column *column)
{
    free(column->name);
    column->name = NULL;
}

/* The name alone. */
static bool read_name(struct c2_cursor *in, struct c2_str *out)
{
    *out = (struct c2_str){in->p, 0};
    if (c2_cursor_eat(in, "`")) {
        out->p = in->p;
        while (!c2_cursor_done(in) && *in->p != '`')
            in->p++;
        out->n = (size_t)(in->p - out->p);
        return c2_cursor_eat(in, "`") && out->n > 0;
    }
    while (!c2_cursor_done(in) && is_name(*in->p))
        in->p++;
    out->n = (size_t)(in->p - out->p);
    return out->n > 0;
}

bool c2_column_read(struct c2_cursor *in, const struct c2_dtype *dtype, struct c2_column *out,
                    struct cat2_error *err)
{
    const struct c2_field *field = NULL;
    struct c2_str name;
    int64_t offset = 0;

    *out = (struct c2_column){0};
    if (!read_name(in, &name)) return c2_fail(err, CAT2_EINVAL, "expected the name of a field");
    if (dtype->nfields) field = c2_dtype_field(dtype, name, &offset);
    if (!field && (dtype->nfields || !c2_str_is(name, "value")))
        return c2_fail(err, CAT2_EINVAL, "there is no field '%.*s'", (int)c2_min_i64(80, (int64_t)name.n),
                       name.p);
    *out = c2_column_of(dtype, field, offset);
    out->name = c2_str_dup(name);
    return out->name || c2_fail_nomem(err, "column");
}

/* ---- operands ---- */

static bool read_text(struct parser *p, struct c2_operand *out)
{
    const char *start = p->in.p;
    char quote = *p->in.p++;

    out->kind = C2_OPERAND_TEXT;
    c2_buf_init(&out->text, C2_WHERE_TEXT_MAX);
    for (; !c2_cursor_done(&p->in) && *p->in.p != quote; p->in.p++) {
        if (*p->in.p == '\\' && c2_cursor_left(&p->in) > 1) p->in.p++;
        if (!c2_buf_putc(&out->text, *p->in.p, p->err)) return false;
    }
    if (c2_cursor_done(&p->in)) return fail_at(p, start, "a text does not end");
    p->in.p++;
    return true;
}

static bool read_number(struct parser *p, struct c2_operand *out)
{
    const char *start = p->in.p;
    char text[64], *end;
    size_t n = 0;

    for (const char *c = start; c < p->in.end && n + 1 < sizeof(text); c++) { /* a copy that ends */
        bool sign = (*c == '-' || *c == '+') && (c == start || c[-1] == 'e' || c[-1] == 'E');
        if (!sign && !(*c >= '0' && *c <= '9') && *c != '.' && *c != 'e' && *c != 'E') break;
        text[n++] = *c;
    }
    text[n] = '\0';
    out->kind = C2_OPERAND_NUMBER;
    out->number = strtold(text, &end);
    if (n == 0 || end != text + n || (p->in.p + n < p->in.end && is_name(p->in.p[n])))
        return fail_at(p, start, "not a number");
    out->exact = (long double)(double)out->number == out->number;
    bool fraction = strpbrk(text, ".eE") != NULL;
    if (fraction) { /* what is written with a fraction is a double, as in the data */
        out->number = (long double)(double)out->number;
        out->exact = true;
    }
    p->in.p += n;
    return true;
}

static bool read_field(struct parser *p, struct c2_operand *out)
{
    const char *start = p->in.p;
    struct c2_column column;
    struct cat2_error err;

    if (!c2_column_read(&p->in, p->where->dtype, &column, &err)) return fail_at(p, start, err.message);
    const struct c2_dtype *type = column.type;
    int64_t offset = column.offset;
    bool array = column.ndim > 0;
    c2_column_fini(&column);
    if (array) return fail_at(p, start, "a field of arrays does not compare");
    if (type->kind == 'S' || type->kind == 'U') {
        *out = (struct c2_operand){.kind = C2_OPERAND_TEXT_FIELD, .type = type, .offset = offset};
        return true;
    }
    *out = (struct c2_operand){.kind = C2_OPERAND_FIELD};
    if (type->kind == 'c' || !c2_num_of(type, C2_STR(""), C2_STR(""), &out->num, &err))
        return fail_at(p, start, "a field of this type does not compare");
    out->num.offset += offset;
    out->num.itemsize = p->where->dtype->itemsize;
    return true;
}

/* Is this word next, and no longer name? */
static bool eat_word(struct parser *p, const char *word)
{
    struct c2_cursor at = p->in;

    if (!c2_cursor_eat(&at, word) || is_name(c2_cursor_peek(&at))) return false;
    p->in = at;
    return true;
}

static bool read_operand(struct parser *p, struct c2_operand *out)
{
    *out = (struct c2_operand){0};
    c2_cursor_blanks(&p->in);
    char c = c2_cursor_peek(&p->in);
    bool bytes = c == 'b' && c2_cursor_left(&p->in) > 1 && (p->in.p[1] == '"' || p->in.p[1] == '\'');
    if (bytes) p->in.p++;
    if (c == '"' || c == '\'' || bytes) return read_text(p, out);
    bool yes = eat_word(p, "true") || (p->python && eat_word(p, "True"));
    if (yes || eat_word(p, "false") || (p->python && eat_word(p, "False"))) {
        *out = (struct c2_operand){.kind = C2_OPERAND_NUMBER, .number = yes, .exact = true};
        return true;
    }
    if (c2_is_digit(c) || c == '-' || c == '+' || c == '.') return read_number(p, out);
    if (c2_cursor_done(&p->in)) return fail_at(p, p->in.p, "the expression ends too early");
    return read_field(p, out);
}

/* ---- comparisons ---- */

static bool read_how(struct parser *p, enum c2_compare *out)
{
    static const struct {
        const char *text;
        enum c2_compare how;
    } table[] = {{"<=", C2_CMP_LE}, {">=", C2_CMP_GE}, {"==", C2_CMP_EQ},
                 {"!=", C2_CMP_NE}, {"<", C2_CMP_LT},  {">", C2_CMP_GT}};

    c2_cursor_blanks(&p->in);
    for (size_t i = 0; i < C2_ARRAY_LEN(table); i++)
        if (c2_cursor_eat(&p->in, table[i].text)) {
            *out = table[i].how;
            return true;
        }
    return false;
}

static bool is_text(const struct c2_operand *o)
{
    return o->kind == C2_OPERAND_TEXT || o->kind == C2_OPERAND_TEXT_FIELD;
}

static bool push_op(struct parser *p, int op)
{
    if (p->where->nops == C2_WHERE_OPS_MAX) return fail_at(p, p->in.p, "the expression is too long");
    p->where->ops[p->where->nops++] = op;
    return true;
}

/* NumPy reads a number that is compared with reals of less than 8 bytes as one of them. */
static void fit_number(struct c2_operand *number, const struct c2_operand *field)
{
    const struct c2_num *num = &field->num;
    int exponent;

    if (number->kind != C2_OPERAND_NUMBER || field->kind != C2_OPERAND_FIELD || num->kind != 'f') return;
    double v = (double)number->number;
    if (num->size == 4) v = (double)(float)v;
    if (num->size == 2) { /* 11 bits, of 2^-24 at least */
        frexp(v, &exponent);
        double unit = ldexp(1, exponent < -13 ? -24 : exponent - 11);
        v = nearbyint(v / unit) * unit;
        if (fabs(v) > 65504) v = v > 0 ? HUGE_VAL : -HUGE_VAL;
    }
    if (num->size > 4) return;
    number->number = (long double)v;
    number->exact = true;
}

static bool read_cmp(struct parser *p)
{
    if (p->where->ncmps == C2_WHERE_CMPS_MAX) return fail_at(p, p->in.p, "too many comparisons");
    struct c2_cmp *cmp = &p->where->cmps[p->where->ncmps++];
    c2_cursor_blanks(&p->in);
    const char *start = p->in.p;
    if (!read_operand(p, &cmp->left)) return false;
    cmp->text = is_text(&cmp->left);
    p->bare = read_how(p, &cmp->how);
    if (p->bare) {
        c2_cursor_blanks(&p->in);
        const char *second = p->in.p;
        if (!read_operand(p, &cmp->right)) return false;
        if (is_text(&cmp->right) != cmp->text)
            return fail_at(p, second, "text does not compare with numbers");
        if (p->python) {
            fit_number(&cmp->left, &cmp->right);
            fit_number(&cmp->right, &cmp->left);
        }
    } else {
        if (cmp->text) return fail_at(p, start, "a text alone is neither true nor false");
        bool boolean = cmp->left.kind == C2_OPERAND_FIELD && cmp->left.num.kind == 'b';
        if (p->python && !boolean) return fail_at(p, start, "what is no boolean does not stand alone");
        cmp->how = C2_CMP_NE;
        cmp->right = (struct c2_operand){.kind = C2_OPERAND_NUMBER, .exact = true};
    }
    return push_op(p, p->where->ncmps - 1);
}

static bool read_or(struct parser *p);

/* Words that bind otherwise in Python, and symbols that it has not. */
static bool eat_either(struct parser *p, const char *symbol, const char *word)
{
    return !p->python && (c2_cursor_eat(&p->in, symbol) || eat_word(p, word));
}

/* In Python & | ~ bind closer than comparisons. */
static bool stands_apart(struct parser *p, const char *place)
{
    if (!p->python || !p->bare) return true;
    p->misleading = true;
    return fail_at(p, place, "a comparison beside & | ~ needs parentheses");
}

static bool read_not(struct parser *p)
{
    bool ok;

    if (++p->level > C2_WHERE_DEPTH_MAX) return fail_at(p, p->in.p, "the expression is nested too deep");
    c2_cursor_blanks(&p->in);
    const char *start = p->in.p;
    if (c2_cursor_eat(&p->in, "~") || eat_either(p, "!", "not")) {
        ok = read_not(p) && stands_apart(p, start) && push_op(p, C2_WHERE_NOT);
    } else if (c2_cursor_eat(&p->in, "(")) {
        ok = read_or(p);
        c2_cursor_blanks(&p->in);
        if (ok && !c2_cursor_eat(&p->in, ")"))
            ok = c2_cursor_done(&p->in) ? fail_at(p, start, "a parenthesis is not closed")
                                        : fail_at(p, p->in.p, "expected ')' or an operator");
        p->bare = false;
    } else {
        ok = read_cmp(p);
    }
    p->level--;
    return ok;
}

static bool read_and(struct parser *p)
{
    const char *place = p->in.p;

    if (!read_not(p)) return false;
    for (;;) {
        c2_cursor_blanks(&p->in);
        if (!eat_either(p, "&&", "and") && !c2_cursor_eat(&p->in, "&")) return true;
        if (!stands_apart(p, place)) return false;
        place = p->in.p;
        if (!read_not(p) || !stands_apart(p, place) || !push_op(p, C2_WHERE_AND)) return false;
    }
}

static bool read_or(struct parser *p)
{
    const char *place = p->in.p;

    if (!read_and(p)) return false;
    for (;;) {
        c2_cursor_blanks(&p->in);
        if (!eat_either(p, "||", "or") && !c2_cursor_eat(&p->in, "|")) return true;
        if (!stands_apart(p, place)) return false;
        place = p->in.p;
        if (!read_and(p) || !stands_apart(p, place) || !push_op(p, C2_WHERE_OR)) return false;
    }
}

/* ---- the whole ---- */

void c2_where_free(struct c2_where *where)
{
    if (!where) return;
    for (int i = 0; i < where->ncmps; i++) {
        c2_buf_fini(&where->cmps[i].left.text);
        c2_buf_fini(&where->cmps[i].right.text);
    }
    c2_buf_fini(&where->scratch[0]);
    c2_buf_fini(&where->scratch[1]);
    c2_expr_free(where->expr);
    free(where->cmps);
    free(where->ops);
    free(where->masks);
    free(where->left);
    free(where->right);
    free(where);
}

static int depth_of(const struct c2_where *where)
{
    int depth = 0, most = 0;

    for (int i = 0; i < where->nops; i++) {
        depth += where->ops[i] >= 0 ? 1 : where->ops[i] == C2_WHERE_NOT ? 0 : -1;
        if (depth > most) most = depth;
    }
    return most;
}

static struct c2_where *new_where(const struct c2_dtype *dtype)
{
    struct c2_where *where = calloc(1, sizeof(*where));

    if (!where) return NULL;
    where->dtype = dtype;
    where->cmps = calloc(C2_WHERE_CMPS_MAX, sizeof(*where->cmps));
    where->ops = calloc(C2_WHERE_OPS_MAX, sizeof(*where->ops));
    where->left = calloc(C2_WHERE_BATCH, sizeof(*where->left));
    where->right = calloc(C2_WHERE_BATCH, sizeof(*where->right));
    c2_buf_init(&where->scratch[0], C2_CHUNK_NBYTES_MAX);
    c2_buf_init(&where->scratch[1], C2_CHUNK_NBYTES_MAX);
    if (where->cmps && where->ops && where->left && where->right) return where;
    c2_where_free(where);
    return NULL;
}

static bool parse(struct c2_str text, const struct c2_dtype *dtype, bool python, bool *misleading,
                  struct c2_where **out, int64_t *position, struct cat2_error *err)
{
    struct parser p = {.in = c2_cursor_of(text),
                       .start = text.p,
                       .where = new_where(dtype),
                       .python = python,
                       .position = position,
                       .err = err};

    *position = 0;
    if (!p.where) return c2_fail_nomem(err, "expression");
    bool ok =
        text.n <= C2_WHERE_TEXT_MAX || fail_at(&p, text.p + C2_WHERE_TEXT_MAX, "the expression is too long");
    ok = ok && read_or(&p);
    c2_cursor_blanks(&p.in);
    if (ok && !c2_cursor_done(&p.in)) ok = fail_at(&p, p.in.p, "expected an operator");
    if (ok) {
        p.where->depth = depth_of(p.where);
        p.where->masks = malloc((size_t)p.where->depth * C2_WHERE_BATCH);
        ok = p.where->masks || c2_fail_nomem(err, "expression");
    }
    *misleading = p.misleading;
    if (!ok) {
        c2_where_free(p.where);
        return false;
    }
    *out = p.where;
    return true;
}

bool c2_where_parse(struct c2_str text, const struct c2_dtype *dtype, struct c2_where **out,
                    int64_t *position, struct cat2_error *err)
{
    bool misleading;

    return parse(text, dtype, false, &misleading, out, position, err);
}

/* ---- arithmetic ---- */

static bool find_field(void *ctx, struct c2_expr *expr, struct c2_str name, int *node, struct cat2_error *err)
{
    const int64_t any = INT32_MAX; /* rows: they are given by the batch */
    int item;

    return c2_expr_operand(expr, 0, ctx, &any, 1, &item, err) && c2_expr_field(expr, item, name, node, err);
}

/* What has more than comparisons. A boolean for each row is wanted. */
static bool parse_expr(struct c2_str text, const struct c2_dtype *dtype, struct c2_where **out,
                       int64_t *position, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_where) *where = new_where(dtype);
    struct c2_expr_names names = {find_field, (void *)(uintptr_t)dtype};

    if (where) where->expr = c2_expr_new();
    if (!where || !where->expr) return c2_fail_nomem(err, "expression");
    if (!c2_expr_parse(where->expr, text, &names, &where->node, position, err))
        return c2_fail_within(err, "filter");
    struct c2_expr_type type = c2_expr_type(where->expr, where->node);
    *position = 0;
    if (type.kind != 'b' || type.ndim != 1 || !c2_expr_is_rowwise(where->expr))
        return c2_fail(err, CAT2_EINVAL, "filter: the expression is no boolean for each row");
    *out = where;
    where = NULL;
    return true;
}

bool c2_where_parse_python(struct c2_str text, const struct c2_dtype *dtype, struct c2_where **out,
                           int64_t *position, struct cat2_error *err)
{
    struct cat2_error other;
    int64_t further = 0;

    bool misleading = false;

    if (parse(text, dtype, true, &misleading, out, position, err)) return true;
    if (misleading || text.n > C2_WHERE_TEXT_MAX) return false;
    if (parse_expr(text, dtype, out, &further, &other)) return true;
    if (further <= *position) return false; /* the one that understood more of it says what is wrong */
    *position = further;
    *err = other;
    return false;
}
