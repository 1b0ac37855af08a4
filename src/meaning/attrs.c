/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes as JSON objects. */
#include "meaning/attrs.h"

#include <stdio.h>

#define LONG_NAMES  "CATERVA2_LONG" /* {NAME: VALUE} of names that Blosc2 has no room for */
#define DESCRIPTION "CATERVA2_HDF5" /* what cat2export needs, where a metalayer has no room for it */

static bool put_flat(struct c2_jval attrs, struct c2_jw *w)
{
    struct c2_jiter it = c2_jiter_of(attrs);
    struct c2_str key;
    struct c2_jval v;

    while (w->ok && c2_jnext(&it, &key, &v)) {
        if (c2_str_is(key, DESCRIPTION)) continue;
        if (c2_str_is(key, LONG_NAMES) && c2_jval_kind(v) == C2_JOBJECT) {
            c2_jw_members(w, v, NULL);
            continue;
        }
        c2_jw_key_str(w, key);
        c2_jw_value(w, v);
    }
    return w->ok;
}

bool c2_attrs_put(struct c2_str vlmeta, struct c2_buf *out, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_jw w;

    if (vlmeta.n <= 2) return c2_buf_puts(out, "{}", err);
    if (!c2_str_has(vlmeta, "\"CATERVA2_")) return c2_buf_append_str(out, vlmeta, err);
    if (!c2_json_parse(vlmeta, &json, err)) return false;
    c2_jw_init(&w, out, C2_JSON_COMPACT, err);
    c2_jw_begin_object(&w);
    if (!put_flat(c2_json_root(json), &w)) return false;
    c2_jw_end_object(&w);
    return c2_jw_finish(&w);
}

struct c2_jval c2_attr_item(struct c2_jval v)
{
    return c2_jval_kind(v) == C2_JARRAY && c2_jlen(v) == 1 ? c2_jat(v, 0) : v;
}

bool c2_attr_path(struct c2_str group, struct c2_str name, char out[C2_PATH_MAX + 1])
{
    while (name.n && name.p[0] == '/') {
        name = (struct c2_str){name.p + 1, name.n - 1};
        group.n = 0;
    }
    name = c2_str_no_slashes(name);
    if (!name.n || c2_str_is(name, ".") || group.n + name.n + 1 > C2_PATH_MAX) return false;
    snprintf(out, C2_PATH_MAX + 1, "%.*s%s%.*s", C2_STR_ARG(group), group.n ? "/" : "", C2_STR_ARG(name));
    return true;
}

bool c2_attr_text(struct c2_jval attrs, const char *name, struct c2_str *out)
{
    return c2_jstr(c2_attr_item(c2_jget(attrs, name)), out);
}

bool c2_attr_number(struct c2_jval attrs, const char *name, double *out)
{
    return c2_jreal(c2_attr_item(c2_jget(attrs, name)), out);
}
