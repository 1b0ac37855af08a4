/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing JSON as Python's json.dumps does, in its two styles. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "wire/json.h"
#include "wire/real.h"

static bool format_finite(double v, struct c2_buf *out, struct cat2_error *err)
{
    char text[32];

    return c2_buf_append(out, text, c2_double_text(v, text), err);
}

bool c2_format_double(double v, struct c2_buf *out, struct cat2_error *err)
{
    if (isnan(v)) return c2_buf_puts(out, "nan", err);
    if (isinf(v)) return c2_buf_puts(out, v < 0 ? "-inf" : "inf", err);
    return format_finite(v, out, err);
}

void c2_jw_init(struct c2_jw *w, struct c2_buf *out, enum c2_json_style style, struct cat2_error *err)
{
    *w = (struct c2_jw){.out = out, .err = err, .style = style, .ok = true};
}

static void put(struct c2_jw *w, const char *text, size_t n)
{
    w->ok = w->ok && c2_buf_append(w->out, text, n, w->err);
}

/* What stands between the value before and this one. */
static void separate(struct c2_jw *w)
{
    if (w->comma && !w->after_key) put(w, ", ", w->style == C2_JSON_PYTHON ? 2 : 1);
    w->after_key = false;
    w->comma = true;
}

static void begin(struct c2_jw *w, char bracket)
{
    separate(w);
    put(w, &bracket, 1);
    w->comma = false;
}

static void end(struct c2_jw *w, char bracket)
{
    put(w, &bracket, 1);
    w->comma = true;
}

void c2_jw_begin_object(struct c2_jw *w)
{
    begin(w, '{');
}
void c2_jw_end_object(struct c2_jw *w)
{
    end(w, '}');
}
void c2_jw_begin_array(struct c2_jw *w)
{
    begin(w, '[');
}
void c2_jw_end_array(struct c2_jw *w)
{
    end(w, ']');
}

/* Decode one character at p; *n gets its length. An ill-formed byte is U+FFFD, one byte long. */
static uint32_t decode_utf8(const char *p, size_t left, size_t *n)
{
    uint32_t c = (unsigned char)*p;

    *n = 1;
    if (c < 0x80) return c;
    size_t length = c2_utf8_first((struct c2_str){p, left});
    if (length == 0) return 0xfffd;
    *n = length;
    c &= 0x3fu >> (length - 1);
    for (size_t i = 1; i < length; i++)
        c = c << 6 | ((unsigned char)p[i] & 0x3f);
    return c;
}

static void put_escaped(struct c2_jw *w, uint32_t c)
{
    char text[16];
    int n;

    if (c >= 0x10000) {
        c -= 0x10000;
        n = snprintf(text, sizeof(text), "\\u%04x\\u%04x", (unsigned)(0xd800 + (c >> 10)),
                     (unsigned)(0xdc00 + (c & 0x3ff)));
    } else {
        n = snprintf(text, sizeof(text), "\\u%04x", (unsigned)c);
    }
    put(w, text, (size_t)n);
}

static const char *short_escape(uint32_t c)
{
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    case '\b':
        return "\\b";
    case '\f':
        return "\\f";
    default:
        return NULL;
    }
}

static void put_string(struct c2_jw *w, struct c2_str s)
{
    size_t n, start = 0;

    put(w, "\"", 1);
    for (size_t i = 0; w->ok && i < s.n; i += n) {
        uint32_t c = decode_utf8(s.p + i, s.n - i, &n);
        const char *escape = short_escape(c);
        bool broken = c == 0xfffd && n == 1;
        bool escaped = escape || c < 0x20 || (w->style == C2_JSON_PYTHON && c >= 0x7f);
        if (!escaped && !broken) continue;
        put(w, s.p + start, i - start);
        start = i + n;
        if (escape)
            put(w, escape, 2);
        else if (escaped)
            put_escaped(w, c);
        else
            put(w, "\xef\xbf\xbd", 3);
    }
    if (start < s.n) put(w, s.p + start, s.n - start);
    put(w, "\"", 1);
}

void c2_jw_key_str(struct c2_jw *w, struct c2_str key)
{
    separate(w);
    put_string(w, key);
    put(w, ": ", w->style == C2_JSON_PYTHON ? 2 : 1);
    w->after_key = true;
}

void c2_jw_key(struct c2_jw *w, const char *key)
{
    c2_jw_key_str(w, c2_str_of(key));
}

void c2_jw_str(struct c2_jw *w, struct c2_str s)
{
    separate(w);
    put_string(w, s);
}

void c2_jw_cstr(struct c2_jw *w, const char *s)
{
    c2_jw_str(w, c2_str_of(s));
}

static void put_word(struct c2_jw *w, const char *text)
{
    separate(w);
    put(w, text, strlen(text));
}

void c2_jw_int(struct c2_jw *w, int64_t v)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRId64, v);
    put_word(w, text);
}

void c2_jw_uint(struct c2_jw *w, uint64_t v)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, v);
    put_word(w, text);
}

void c2_jw_real(struct c2_jw *w, double v)
{
    if (!isfinite(v)) {
        put_word(w, "null");
        return;
    }
    separate(w);
    w->ok = w->ok && format_finite(v, w->out, w->err);
}

void c2_jw_bool(struct c2_jw *w, bool v)
{
    put_word(w, v ? "true" : "false");
}
void c2_jw_null(struct c2_jw *w)
{
    put_word(w, "null");
}

void c2_jw_raw(struct c2_jw *w, struct c2_str json)
{
    separate(w);
    put(w, json.p, json.n);
}

static bool is_one_of(struct c2_str key, const char *const *keys)
{
    while (keys && *keys && !c2_str_is(key, *keys))
        keys++;
    return keys && *keys;
}

void c2_jw_members(struct c2_jw *w, struct c2_jval object, const char *const *but)
{
    struct c2_jiter it = c2_jiter_of(object);
    struct c2_str key;
    struct c2_jval value;

    while (w->ok && c2_jnext(&it, &key, &value)) {
        if (is_one_of(key, but)) continue;
        c2_jw_key_str(w, key);
        c2_jw_value(w, value);
    }
}

static void put_container(struct c2_jw *w, struct c2_jval v, bool object)
{
    struct c2_jiter it = c2_jiter_of(v);
    struct c2_str key = {0};
    struct c2_jval value;

    begin(w, object ? '{' : '[');
    while (w->ok && c2_jnext(&it, &key, &value)) {
        if (object) c2_jw_key_str(w, key);
        c2_jw_value(w, value);
    }
    end(w, object ? '}' : ']');
}

void c2_jw_value(struct c2_jw *w, struct c2_jval v)
{
    struct c2_str text = {0};
    int64_t integer = 0;
    double real = 0;
    bool truth = false;

    switch (c2_jval_kind(v)) {
    case C2_JSTR:
        c2_jstr(v, &text);
        c2_jw_str(w, text);
        return;
    case C2_JINT:
        c2_jint(v, &integer);
        c2_jw_int(w, integer);
        return;
    case C2_JUINT:
        c2_jw_uint(w, c2_juint(v));
        return;
    case C2_JREAL:
        c2_jreal(v, &real);
        c2_jw_real(w, real);
        return;
    case C2_JBOOL:
        c2_jbool(v, &truth);
        c2_jw_bool(w, truth);
        return;
    case C2_JARRAY:
    case C2_JOBJECT:
        put_container(w, v, c2_jval_kind(v) == C2_JOBJECT);
        return;
    default:
        c2_jw_null(w);
    }
}

bool c2_jw_has(struct c2_jw *w, bool made, const struct cat2_error *why)
{
    if (!made && w->ok && why->code == CAT2_ENOMEM) {
        *w->err = *why;
        w->ok = false;
    }
    return made;
}

bool c2_jw_read(struct c2_jw *w, struct c2_str text, struct c2_json **out)
{
    struct cat2_error why;

    return w->ok && c2_jw_has(w, c2_json_parse(text, out, &why), &why);
}

bool c2_jw_finish(struct c2_jw *w)
{
    return w->ok;
}

bool c2_json_print(struct c2_jval v, enum c2_json_style style, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_jw w;

    c2_jw_init(&w, out, style, err);
    c2_jw_value(&w, v);
    return c2_jw_finish(&w);
}
