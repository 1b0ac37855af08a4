/* SPDX-License-Identifier: BSD-3-Clause */
/* One pass over the text; what is open is the only state. */
#include "wire/xml.h"

#define ENTITY_MAX 10 /* bytes between '&' and ';': "#x10FFFF" has 8 */

struct c2_xml c2_xml_of(struct c2_str text)
{
    struct c2_xml xml = {.in = c2_cursor_of(text)};

    c2_cursor_eat(&xml.in, "\xEF\xBB\xBF"); /* a byte order mark */
    return xml;
}

static bool bad(struct cat2_error *err, const char *why)
{
    return c2_fail(err, CAT2_EDATA, "not the XML of an object store: %s", why);
}

/* Everything up to and with `end`. */
static bool pass(struct c2_cursor *in, const char *end)
{
    while (!c2_cursor_done(in)) {
        if (c2_cursor_eat(in, end)) return true;
        in->p++;
    }
    return false;
}

static bool is_name(char c)
{
    return c2_is_alnum(c) || c == '_' || c == '-' || c == '.' || c == ':' || (unsigned char)c >= 0x80;
}

static bool take_name(struct c2_cursor *in, struct c2_str *out)
{
    const char *start = in->p;
    struct c2_str space, local;

    while (is_name(c2_cursor_peek(in)))
        in->p++;
    *out = (struct c2_str){start, (size_t)(in->p - start)};
    if (c2_str_cut(*out, ':', &space, &local)) *out = local;
    return out->n > 0;
}

/* Attributes, whose values may hold '>'; then ">" or "/>". */
static bool end_tag(struct c2_xml *xml, struct cat2_error *err)
{
    struct c2_cursor *in = &xml->in;
    char quote;

    for (; !c2_cursor_done(in); in->p++) {
        if (c2_cursor_eat(in, "/>")) return xml->closes = true;
        if (c2_cursor_eat(in, ">")) return true;
        quote = c2_cursor_peek(in);
        if (quote != '"' && quote != '\'') continue;
        do
            in->p++;
        while (!c2_cursor_done(in) && *in->p != quote);
        if (c2_cursor_done(in)) break;
    }
    return bad(err, "a tag does not end");
}

static bool open_element(struct c2_xml *xml, struct c2_xml_event *out, struct cat2_error *err)
{
    if (xml->over) return bad(err, "something follows its end");
    if (xml->depth == C2_XML_DEPTH_MAX) return bad(err, "too many elements in each other");
    if (!take_name(&xml->in, &out->text)) return bad(err, "an element has no name");
    xml->names[xml->depth++] = out->text;
    out->kind = C2_XML_OPEN;
    return end_tag(xml, err);
}

static bool close_element(struct c2_xml *xml, struct c2_xml_event *out, struct c2_str name)
{
    if (xml->depth == 0 || !c2_str_eq(name, xml->names[xml->depth - 1])) return false;
    xml->depth--;
    xml->over = xml->depth == 0;
    *out = (struct c2_xml_event){C2_XML_CLOSE, name};
    return true;
}

static bool take_close(struct c2_xml *xml, struct c2_xml_event *out, struct cat2_error *err)
{
    struct c2_str name;

    bool ok = take_name(&xml->in, &name);
    c2_cursor_blanks(&xml->in);
    return (ok && c2_cursor_eat(&xml->in, ">") && close_element(xml, out, name)) ||
           bad(err, "an element ends that did not begin");
}

/* Text up to the next tag; false: there is none but blanks. */
static bool take_text(struct c2_xml *xml, struct c2_str *out)
{
    const char *start = xml->in.p;

    while (!c2_cursor_done(&xml->in) && *xml->in.p != '<')
        xml->in.p++;
    *out = (struct c2_str){start, (size_t)(xml->in.p - start)};
    return c2_str_trim(*out).n > 0;
}

bool c2_xml_next(struct c2_xml *xml, struct c2_xml_event *out, struct cat2_error *err)
{
    struct c2_cursor *in = &xml->in;

    if (xml->closes) {
        xml->closes = false;
        return close_element(xml, out, xml->names[xml->depth - 1]);
    }
    for (;;) {
        if (take_text(xml, &out->text)) {
            out->kind = C2_XML_TEXT;
            return xml->depth > 0 || bad(err, "there is text outside of it");
        }
        if (c2_cursor_done(in)) {
            out->kind = C2_XML_END;
            return xml->over || bad(err, "it ends too early");
        }
        if (c2_cursor_eat(in, "<?")) {
            if (!pass(in, "?>")) return bad(err, "a declaration does not end");
        } else if (c2_cursor_eat(in, "<!--")) {
            if (!pass(in, "-->")) return bad(err, "a comment does not end");
        } else if (c2_cursor_eat(in, "<!")) {
            return bad(err, "it declares a document type");
        } else if (c2_cursor_eat(in, "</")) {
            return take_close(xml, out, err);
        } else {
            in->p++;
            return open_element(xml, out, err);
        }
    }
}

/* ---- entities ---- */

static bool number_of(struct c2_str digits, uint32_t *out)
{
    bool hex = digits.n > 1 && c2_lower(digits.p[0]) == 'x';
    uint32_t value = 0;

    if (digits.n == 0 || digits.n > ENTITY_MAX) return false;
    for (size_t i = hex; i < digits.n; i++) {
        int digit = c2_hex_digit(digits.p[i]);
        if (digit < 0 || (!hex && digit > 9)) return false;
        value = value * (hex ? 16 : 10) + (uint32_t)digit;
        if (value > 0x10FFFF) return false;
    }
    *out = value;
    return value != 0 && (value < 0xD800 || value > 0xDFFF);
}

static bool code_of(struct c2_str name, uint32_t *out)
{
    static const struct {
        const char *name;
        uint32_t code;
    } KNOWN[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};

    for (size_t i = 0; i < C2_ARRAY_LEN(KNOWN); i++) {
        *out = KNOWN[i].code;
        if (c2_str_is(name, KNOWN[i].name)) return true;
    }
    return name.n > 1 && name.p[0] == '#' && number_of((struct c2_str){name.p + 1, name.n - 1}, out);
}

bool c2_xml_decode(struct c2_str text, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_str plain, rest, name;
    uint8_t bytes[4];
    uint32_t code;

    while (c2_str_cut(text, '&', &plain, &rest)) {
        if (!c2_buf_append_str(out, plain, err)) return false;
        if (!c2_str_cut(rest, ';', &name, &text) || !code_of(name, &code))
            return bad(err, "an entity is none of XML's own");
        if (!c2_buf_append(out, bytes, c2_utf8_encode(code, bytes), err)) return false;
    }
    return c2_buf_append_str(out, plain, err);
}

bool c2_xml_is_at(const struct c2_xml *xml, const char *path)
{
    struct c2_str rest = c2_str_of(path), name;

    for (int i = 0; i < xml->depth; i++) {
        if (rest.n == 0) return false;
        c2_str_cut(rest, '/', &name, &rest);
        if (!c2_str_eq(name, xml->names[i])) return false;
    }
    return rest.n == 0;
}
