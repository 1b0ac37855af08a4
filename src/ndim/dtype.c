/* SPDX-License-Identifier: BSD-3-Clause */
/* dtypes: parsing. Nothing of the text is evaluated. */
#include "ndim/dtype.h"
#include "base/vec.h"

#include <stdlib.h>

#define EMPTY_ITEMS_MAX                                                                                      \
    65536 /* of a sub-array whose items have no bytes: printing them costs time all the same */

struct parser {
    struct c2_cursor in;
    const char *start;
    int nfields; /* over all levels */
    struct cat2_error *err;
};

static bool parse_type(struct parser *p, int depth, struct c2_dtype *out);

static bool fail_at(const struct parser *p, const char *what)
{
    return c2_fail(p->err, CAT2_EINVAL, "dtype: %s at character %td", what, p->in.p - p->start + 1);
}

void c2_dtype_fini(struct c2_dtype *dtype)
{
    if (!dtype) return;
    for (int i = 0; i < dtype->nfields; i++) {
        free(dtype->fields[i].name);
        free(dtype->fields[i].title);
        c2_dtype_fini(&dtype->fields[i].type);
    }
    free(dtype->fields);
    *dtype = (struct c2_dtype){0};
}

/* Item sizes that a kind may have. */
static bool size_ok(char kind, int64_t n)
{
    switch (kind) {
    case 'b':
        return n == 1;
    case 'i':
    case 'u':
        return n == 1 || n == 2 || n == 4 || n == 8;
    case 'f':
        return n == 2 || n == 4 || n == 8 || n == 12 || n == 16;
    case 'c':
        return n == 8 || n == 16 || n == 24 || n == 32;
    case 'M':
    case 'm':
        return n == 8;
    case 'S':
    case 'U':
    case 'V':
        return n >= 0 && n <= C2_CHUNK_NBYTES_MAX;
    default:
        return false;
    }
}

static char native_order(void)
{
    const uint16_t one = 1;
    return *(const uint8_t *)&one ? '<' : '>';
}

/* "[ns]" after M8 or m8. */
static bool parse_unit(struct c2_cursor *in, struct c2_dtype *out)
{
    size_t n = 0;

    if (!c2_cursor_eat(in, "[")) return true;
    while (!c2_cursor_done(in) && *in->p != ']') {
        char c = *in->p;
        if ((!c2_is_alnum(c) && c != '/') || n + 1 >= sizeof(out->unit)) return false;
        out->unit[n++] = c;
        in->p++;
    }
    return c2_cursor_eat(in, "]");
}

/* "<i8", "|S6", "M8[ns]", "u1". */
static bool parse_typestr(struct c2_str text, struct c2_dtype *out)
{
    struct c2_cursor in = c2_cursor_of(text);
    int64_t n;
    bool overflow;

    *out = (struct c2_dtype){0};
    if (c2_cursor_done(&in)) return false;
    char order = *in.p;
    if (strchr("<>|=", order))
        in.p++;
    else
        order = '=';
    if (c2_cursor_eat(&in, "?")) {
        *out = (struct c2_dtype){.kind = 'b', .order = '|', .itemsize = 1};
        return c2_cursor_done(&in);
    }
    if (c2_cursor_done(&in) || !strchr("biufcSaUMmV", *in.p)) return false;
    out->kind = *in.p == 'a' ? 'S' : *in.p;
    in.p++;
    if (!c2_cursor_i64(&in, &n, &overflow) || overflow || n < 0 || !size_ok(out->kind, n)) return false;
    if ((out->kind == 'M' || out->kind == 'm') && !parse_unit(&in, out)) return false;
    out->itemsize = out->kind == 'U' ? 4 * n : n;
    out->order = order == '=' ? native_order() : order;
    bool orderless =
        out->kind == 'S' || out->kind == 'V' || out->kind == 'b' || (out->itemsize == 1 && out->kind != 'U');
    if (orderless)
        out->order = '|';
    else if (out->order == '|')
        out->order = native_order();
    return c2_cursor_done(&in) && out->itemsize <= C2_CHUNK_NBYTES_MAX;
}

/* "int64", "float32", "bool", "complex128", "datetime64[ns]", "bytes48", "str320", "void16": NumPy's names.
 */
static bool parse_name(struct c2_str text, struct c2_dtype *out)
{
    static const struct {
        const char *name;
        char kind;
    } names[] = {{"int", 'i'},   {"uint", 'u'}, {"float", 'f'}, {"complex", 'c'},
                 {"bytes", 'S'}, {"str", 'U'},  {"void", 'V'}};
    struct c2_cursor in = c2_cursor_of(text);
    int64_t bits;
    bool overflow;

    *out = (struct c2_dtype){.order = native_order()};
    if (c2_str_is(text, "bool")) {
        *out = (struct c2_dtype){.kind = 'b', .order = '|', .itemsize = 1};
        return true;
    }
    bool moment = c2_cursor_eat(&in, "datetime64"), span = !moment && c2_cursor_eat(&in, "timedelta64");
    if (moment || span) {
        out->kind = moment ? 'M' : 'm';
        out->itemsize = 8;
        return parse_unit(&in, out) && c2_cursor_done(&in);
    }
    for (size_t i = 0; i < C2_ARRAY_LEN(names); i++) {
        struct c2_cursor at = in;
        if (!c2_cursor_eat(&at, names[i].name) || !c2_cursor_i64(&at, &bits, &overflow) || overflow ||
            bits < 0 || bits % 8)
            continue;
        out->kind = names[i].kind;
        out->itemsize = bits / 8;
        if (out->itemsize == 1 || out->kind == 'S' || out->kind == 'V') out->order = '|';
        bool sized = out->kind == 'U' ? bits % 32 == 0 && out->itemsize <= C2_CHUNK_NBYTES_MAX
                                      : size_ok(out->kind, out->itemsize);
        return sized && c2_cursor_done(&at);
    }
    return false;
}

/* After a backslash: what Python's repr() writes of a character. The cursor stays on the last of it. */
static bool parse_escape(struct parser *p, struct c2_buf *text)
{
    static const char hex[] = "0123456789abcdef";
    char kind = c2_cursor_peek(&p->in);
    const char *plain = kind >= 0x20 ? strchr("\\\\''\"\"n\nr\rt\t", kind) : NULL;
    int ndigits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
    uint32_t c = 0;
    uint8_t bytes[4];

    if (plain) return c2_buf_putc(text, plain[1], p->err);
    if (ndigits == 0 || c2_cursor_left(&p->in) <= (size_t)ndigits)
        return fail_at(p, "an escape that is not known");
    while (ndigits--) {
        const char *digit = strchr(hex, *++p->in.p | 0x20);
        if (!digit || !*digit) return fail_at(p, "an escape that is not known");
        c = c << 4 | (uint32_t)(digit - hex);
    }
    if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return fail_at(p, "an escape of no character");
    return c2_buf_append(text, bytes, c2_utf8_encode(c, bytes), p->err);
}

static bool parse_quoted(struct parser *p, char **out)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_DTYPE_TEXT_MAX);
    char quote = c2_cursor_peek(&p->in);

    if (quote != '\'' && quote != '"') return fail_at(p, "expected a string");
    for (p->in.p++; !c2_cursor_done(&p->in) && *p->in.p != quote; p->in.p++) {
        char c = *p->in.p;
        if (c == '\\') {
            p->in.p++;
            if (!parse_escape(p, &text)) return false;
            continue;
        }
        if ((unsigned char)c < 0x20) return fail_at(p, "a control character in a string");
        if (!c2_buf_putc(&text, c, p->err)) return false;
    }
    if (!c2_cursor_eat(&p->in, (const char[]){quote, '\0'})) return fail_at(p, "a string does not end");
    *out = c2_str_dup(c2_buf_str(&text));
    return *out || c2_fail_nomem(p->err, "dtype");
}

static bool expect(struct parser *p, const char *what)
{
    c2_cursor_blanks(&p->in);
    if (c2_cursor_eat(&p->in, what)) {
        c2_cursor_blanks(&p->in);
        return true;
    }
    return fail_at(p, "unexpected character");
}

/* 'name' or ('title', 'name'). */
static bool parse_field_name(struct parser *p, struct c2_field *field)
{
    if (!c2_cursor_eat(&p->in, "(")) return parse_quoted(p, &field->name);
    c2_cursor_blanks(&p->in);
    return parse_quoted(p, &field->title) && expect(p, ",") && parse_quoted(p, &field->name) &&
           expect(p, ")");
}

static bool parse_subshape(struct parser *p, struct c2_field *field)
{
    bool overflow, tuple = c2_cursor_eat(&p->in, "(");
    int64_t items = 1; /* of empty types: nothing else bounds how many */

    for (c2_cursor_blanks(&p->in); !tuple || !c2_cursor_eat(&p->in, ")"); c2_cursor_blanks(&p->in)) {
        int64_t n;
        if (field->ndim == C2_DIM_MAX) return fail_at(p, "too many sub-array dimensions");
        if (!c2_cursor_i64(&p->in, &n, &overflow) || overflow || n < 0)
            return fail_at(p, "expected a length");
        field->shape[field->ndim++] = n;
        if (!c2_mul_i64(field->nbytes, n, &field->nbytes) || field->nbytes > C2_CHUNK_NBYTES_MAX ||
            (field->type.itemsize == 0 && n > EMPTY_ITEMS_MAX / items))
            return fail_at(p, "a field too large");
        items *= field->type.itemsize == 0 && n > 0 ? n : 1;
        if (!tuple) return true;
        c2_cursor_blanks(&p->in);
        if (!c2_cursor_eat(&p->in, ",") && c2_cursor_peek(&p->in) != ')')
            return fail_at(p, "unexpected character");
    }
    return true;
}

static bool parse_field(struct parser *p, int depth, struct c2_field *field)
{
    if (!expect(p, "(") || !parse_field_name(p, field) || !expect(p, ",") ||
        !parse_type(p, depth + 1, &field->type))
        return false;
    field->nbytes = field->type.itemsize;
    c2_cursor_blanks(&p->in);
    if (c2_cursor_eat(&p->in, ",")) {
        c2_cursor_blanks(&p->in);
        if (c2_cursor_peek(&p->in) != ')' && !parse_subshape(p, field)) return false;
    }
    return expect(p, ")");
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* NumPy takes titles for names, too, and empty names for gaps. */
static bool names_differ(const struct parser *p, const struct c2_dtype *dtype)
{
    const char **names = calloc((size_t)dtype->nfields * 2, sizeof(*names));
    bool ok = true;
    size_t n = 0;

    if (!names) return c2_fail_nomem(p->err, "dtype");
    for (int i = 0; i < dtype->nfields; i++) {
        const struct c2_field *field = &dtype->fields[i];
        if (field->name[0]) names[n++] = field->name;
        if (field->title && field->title[0]) names[n++] = field->title;
    }
    if (n > 1) qsort(names, n, sizeof(*names), by_text);
    for (size_t i = 1; ok && i < n; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            ok = c2_fail(p->err, CAT2_EINVAL, "dtype: field '%.60s' occurs more than once", names[i]);
    free(names);
    return ok;
}

static bool parse_fields(struct parser *p, int depth, struct c2_dtype *out)
{
    struct {
        C2_VEC(struct c2_field);
    } fields = {0}; /* its memory is out's */

    *out = (struct c2_dtype){.kind = 'V', .order = '|'};
    if (depth > C2_DTYPE_DEPTH_MAX)
        return c2_fail(p->err, CAT2_ELIMIT, "dtype: nested deeper than %d", C2_DTYPE_DEPTH_MAX);
    for (c2_cursor_blanks(&p->in); !c2_cursor_eat(&p->in, "]"); c2_cursor_blanks(&p->in)) {
        if (++p->nfields > C2_DTYPE_FIELDS_MAX)
            return c2_fail(p->err, CAT2_ELIMIT, "dtype: more than %d fields", C2_DTYPE_FIELDS_MAX);
        if (!c2_vec_push(&fields, C2_VEC_NO_MAX, "fields", p->err,
                         (struct c2_field){.offset = out->itemsize}))
            return false;
        struct c2_field *field = &fields.p[out->nfields++];
        out->fields = fields.p;
        if (!parse_field(p, depth, field)) return false;
        out->itemsize += field->nbytes;
        if (out->itemsize > C2_CHUNK_NBYTES_MAX) return fail_at(p, "an item too large");
        c2_cursor_blanks(&p->in);
        if (!c2_cursor_eat(&p->in, ",") && c2_cursor_peek(&p->in) != ']')
            return fail_at(p, "expected ',' or ']'");
    }
    return out->nfields > 0 ? names_differ(p, out) : fail_at(p, "no fields");
}

static bool parse_type(struct parser *p, int depth, struct c2_dtype *out)
{
    char *text = NULL;

    if (c2_cursor_eat(&p->in, "[")) return parse_fields(p, depth, out);
    if (!parse_quoted(p, &text)) return false;
    bool ok = parse_typestr(c2_str_of(text), out) || parse_name(c2_str_of(text), out);
    free(text);
    return ok || fail_at(p, "an item type that is not known");
}

bool c2_dtype_parse(struct c2_str text, struct c2_dtype *out, struct cat2_error *err)
{
    struct c2_str trimmed = c2_str_trim(text);
    struct parser p = {c2_cursor_of(trimmed), trimmed.p, 0, err};

    *out = (struct c2_dtype){0};
    if (text.n > C2_DTYPE_TEXT_MAX)
        return c2_fail(err, CAT2_ELIMIT, "dtype: text longer than %d bytes", C2_DTYPE_TEXT_MAX);
    if (!c2_cursor_eat(&p.in, "[")) {
        if (parse_typestr(trimmed, out) || parse_name(trimmed, out)) return true;
        *out = (struct c2_dtype){0};
        return c2_fail(err, CAT2_EINVAL, "dtype '%.*s' is not known", (int)c2_min_i64(60, (int64_t)trimmed.n),
                       trimmed.p);
    }
    bool ok = parse_fields(&p, 0, out);
    c2_cursor_blanks(&p.in);
    if (ok && !c2_cursor_done(&p.in)) ok = fail_at(&p, "text after the end");
    if (!ok) c2_dtype_fini(out);
    return ok;
}

bool c2_dtype_swapped(const struct c2_dtype *dtype)
{
    for (int i = 0; i < dtype->nfields; i++)
        if (c2_dtype_swapped(&dtype->fields[i].type)) return true;
    return dtype->nfields == 0 && dtype->order != '|' && dtype->order != native_order();
}

const struct c2_field *c2_dtype_field(const struct c2_dtype *dtype, struct c2_str name, int64_t *offset)
{
    struct c2_str head, rest;
    bool more = c2_str_cut(name, '.', &head, &rest);

    for (int i = 0; i < dtype->nfields; i++) {
        const struct c2_field *field = &dtype->fields[i];
        int64_t inner = 0;
        if (!c2_str_is(head, field->name)) continue;
        *offset = field->offset;
        if (!more) return field;
        const struct c2_field *found = field->ndim == 0 ? c2_dtype_field(&field->type, rest, &inner) : NULL;
        *offset += inner;
        return found;
    }
    return NULL;
}
