/* SPDX-License-Identifier: BSD-3-Clause */
/* From HDF5 datatypes to the names of their numbers. */
#include "blosc/enums.h"

#include <inttypes.h>
#include <stdio.h>

#include "ndim/dtype.h"
#include "ndim/item.h"
#include "wire/mp.h"

#define NAMES_MAX 65536 /* bytes of the names of a dataset; longer lists name nothing */
#define NODES_MAX 65536 /* of a description */
#define DEPTH_MAX 16    /* structures in structures */
#define NAME_MAX  1024  /* "a.b.c" */

static bool put_names(struct c2_jw *w, const struct c2_mp_node *type, const char *field)
{
    const struct c2_mp_node *names = c2_mp_get(type, "names"), *values = c2_mp_get(type, "values");
    C2_AUTO(c2_dtype) base = {0};
    struct cat2_error ignored;
    struct c2_str text;
    char number[24];

    if (!c2_mp_name(c2_mp_get(type, "base"), &text) || !c2_dtype_parse(text, &base, &ignored) ||
        (base.kind != 'i' && base.kind != 'u') || !values || values->kind != C2_MP_BYTES)
        return false;
    size_t n = c2_mp_count(names), size = (size_t)base.itemsize;
    bool swapped = c2_dtype_swapped(&base);
    if (n == 0 || size > 8 || values->bytes.n / size != n) return false;
    c2_jw_open_object(w, field);
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *value = values->bytes.p + i * size;
        if (base.kind == 'i')
            snprintf(number, sizeof(number), "%" PRId64, c2_item_int(value, base.itemsize, swapped));
        else
            snprintf(number, sizeof(number), "%" PRIu64, c2_item_uint(value, base.itemsize, swapped));
        if (c2_mp_name(c2_mp_item(names, i), &text)) {
            c2_jw_key(w, number);
            c2_jw_str(w, text);
        }
    }
    c2_jw_end_object(w);
    return true;
}

/* Are there names in it? */
static bool put_type(struct c2_jw *w, const struct c2_mp_node *type, const char *field, int depth)
{
    const struct c2_mp_node *named = c2_mp_get(type, "type"), *class = c2_mp_get(type, "class");
    char inner[NAME_MAX];
    bool some = false;
    struct c2_str name;

    if (depth > DEPTH_MAX) return false;
    if (!class) return named && put_type(w, named, field, depth + 1);
    if (c2_mp_is(class, "enum")) return put_names(w, type, field);
    if (c2_mp_is(class, "array")) return put_type(w, c2_mp_get(type, "base"), field, depth + 1);
    if (!c2_mp_is(class, "compound")) return false;
    const struct c2_mp_node *members = c2_mp_get(type, "members");
    for (uint32_t i = 0; i < c2_mp_count(members); i++) {
        const struct c2_mp_node *member = c2_mp_item(members, i);
        if (!c2_mp_name(c2_mp_item(member, 0), &name)) continue;
        int n = snprintf(inner, sizeof(inner), "%s%s%.*s", field, *field ? "." : "", C2_STR_ARG(name));
        if (n < NAME_MAX) some = put_type(w, c2_mp_item(member, 2), inner, depth + 1) || some;
    }
    return some;
}

void c2_enums_of(struct c2_bytes msgpack, const char *key, struct c2_buf *out)
{
    C2_AUTO(c2_buf) json = C2_BUF_INIT(NAMES_MAX);
    C2_AUTO(c2_mp) tree = {0};
    struct cat2_error ignored;
    struct c2_jw w;

    c2_buf_init(out, NAMES_MAX);
    if (!c2_mp_parse(msgpack, NODES_MAX, &tree, &ignored)) return;
    c2_jw_init(&w, &json, C2_JSON_COMPACT, &ignored);
    c2_jw_begin_object(&w);
    bool some = put_type(&w, key ? c2_mp_get(tree.nodes, key) : tree.nodes, "", 0);
    c2_jw_end_object(&w);
    if (c2_jw_finish(&w) && some) c2_buf_append(out, json.p, json.n, &ignored);
}

bool c2_enums_from_json(struct c2_jval v, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_jiter fields = c2_jiter_of(v), numbers;
    struct c2_str key, text;
    struct c2_jval names, name;

    c2_buf_init(out, NAMES_MAX);
    if (c2_jval_kind(v) != C2_JOBJECT) return c2_fail(err, CAT2_EDATA, "names of numbers: no JSON object");
    while (c2_jnext(&fields, &key, &names)) {
        if (c2_jval_kind(names) != C2_JOBJECT)
            return c2_fail(err, CAT2_EDATA, "names of numbers: no JSON object in one");
        for (numbers = c2_jiter_of(names); c2_jnext(&numbers, &key, &name);)
            if (!c2_jstr(name, &text)) return c2_fail(err, CAT2_EDATA, "names of numbers: one is no text");
    }
    return c2_json_print(v, C2_JSON_COMPACT, out, err);
}
