/* SPDX-License-Identifier: BSD-3-Clause */
/* JSON as Zarr's writers make it, and attributes. */
#include <math.h>

#include "base/endian.h"
#include "publisher/source/zarr_array.h"

#define DIMENSIONS "_ARRAY_DIMENSIONS" /* as xarray calls the names of axes in version 2 */
#define FILL       "_FillValue"

/* "fill_value": */
static bool ends_with_fill(const struct c2_buf *out)
{
    struct c2_str text = c2_str_trim(c2_buf_str(out));

    if (!text.n || text.p[text.n - 1] != ':') return false;
    text.n--;
    return c2_str_ends(c2_str_trim(text), "\"fill_value\"");
}

/* Python's json prints NaN and Infinity as words that JSON does not have. Fill values have them as texts. */
static bool without_words(struct c2_str text, struct c2_buf *out, struct cat2_error *err)
{
    static const char *const WORDS[] = {"NaN", "Infinity", "-Infinity"};
    struct c2_cursor in = c2_cursor_of(text);
    bool quoted = false, escaped = false, ok = true;

    while (ok && !c2_cursor_done(&in)) {
        char c = *in.p;
        const char *begin = in.p;
        bool word = false;
        for (size_t i = 0; !quoted && (c == 'N' || c == 'I' || c == '-') && i < 3 && !word; i++)
            word = c2_cursor_eat(&in, WORDS[i]);
        if (word) {
            ok = ends_with_fill(out) ? c2_buf_printf(out, err, "\"%.*s\"", (int)(in.p - begin), begin)
                                     : c2_buf_puts(out, "null", err);
            continue;
        }
        if (c == '"' && !escaped) quoted = !quoted;
        escaped = quoted && c == '\\' && !escaped;
        ok = c2_buf_putc(out, c, err);
        in.p++;
    }
    return ok;
}

bool c2_zs_parse(struct c2_str text, struct c2_json **out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) plain = C2_BUF_INIT(2 * (size_t)C2_ZS_JSON_NBYTES);

    if (!c2_str_has(text, "NaN") && !c2_str_has(text, "Infinity")) return c2_json_parse(text, out, err);
    return without_words(text, &plain, err) && c2_json_parse(c2_buf_str(&plain), out, err);
}

bool c2_zs_group_attrs(struct c2_jval attrs, struct c2_buf *out, struct cat2_error *err)
{
    if (c2_jval_kind(attrs) != C2_JOBJECT) return c2_buf_puts(out, "{}", err);
    return c2_json_print(attrs, C2_JSON_COMPACT, out, err);
}

static void put_names(struct c2_jval names, struct c2_jw *w)
{
    struct c2_jiter it = c2_jiter_of(names);
    struct c2_str key, name;
    struct c2_jval one;

    c2_jw_open_array(w, DIMENSIONS);
    while (c2_jnext(&it, &key, &one)) {
        if (!c2_jstr(one, &name)) name = C2_STR(""); /* an axis without a name */
        c2_jw_str(w, name);
    }
    c2_jw_end_array(w);
}

static bool is_number(struct c2_jval v)
{
    enum c2_jkind kind = c2_jval_kind(v);

    return kind == C2_JINT || kind == C2_JUINT || kind == C2_JREAL;
}

/* In version 3 xarray has _FillValue of reals as base64 of a double. NaN is no number of JSON, and missing
 * anyway. */
static void put_coded_fill(struct c2_str text, struct c2_jw *w)
{
    uint8_t bytes[8] = {0};
    uint64_t bits;
    double v;

    if (!c2_zs_base64(text, sizeof(bytes), bytes)) return;
    bits = c2_le64(bytes);
    memcpy(&v, &bits, sizeof(v));
    if (isfinite(v)) c2_jw_put_real(w, FILL, v);
}

bool c2_zs_array_attrs(struct c2_jval attrs, struct c2_jval names, struct c2_jval fill,
                       const struct c2_dtype *dtype, struct c2_buf *out, struct cat2_error *err)
{
    static const char *const BUT_FILL[] = {FILL, NULL};
    struct c2_str text;
    struct c2_jw w;

    c2_jw_init(&w, out, C2_JSON_COMPACT, err);
    c2_jw_begin_object(&w);
    bool coded = dtype->kind == 'f' && c2_jstr(c2_jget(attrs, FILL), &text);
    if (c2_jval_kind(attrs) == C2_JOBJECT) c2_jw_members(&w, attrs, coded ? BUT_FILL : NULL);
    if (coded) put_coded_fill(text, &w);
    bool named = c2_jval_kind(c2_jget(attrs, DIMENSIONS)) == C2_JARRAY;
    if (c2_jval_kind(names) == C2_JARRAY && c2_jval_kind(c2_jget(attrs, DIMENSIONS)) == C2_JNONE)
        put_names(names, &w);
    bool has = c2_jval_kind(c2_jget(attrs, FILL)) != C2_JNONE;
    if (named && !has && is_number(fill) && strchr("iuf", dtype->kind)) {
        c2_jw_key(&w, FILL);
        c2_jw_value(&w, fill);
    }
    c2_jw_end_object(&w);
    return c2_jw_finish(&w);
}
