/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading JSON: yyjson behind typed accessors that answer "absent" instead of crashing. */
#include "wire/json.h"

#include <stdlib.h>
#include <yyjson.h>

#include "base/limits.h"

struct c2_json {
    yyjson_doc *doc;
};

/* Nesting of brackets outside strings, so that no reader below recurses deeper than allowed. */
static bool depth_ok(struct c2_str text)
{
    int depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '[' || c == '{') && ++depth > C2_JSON_DEPTH_MAX)
            return false;
        else if (!quoted && (c == ']' || c == '}'))
            depth--;
    }
    return true;
}

bool c2_json_parse(struct c2_str text, struct c2_json **out, struct cat2_error *err)
{
    yyjson_read_err why;

    if (text.n > C2_JSON_NBYTES_MAX)
        return c2_fail(err, CAT2_ELIMIT, "JSON is longer than %d bytes", C2_JSON_NBYTES_MAX);
    if (!depth_ok(text)) return c2_fail(err, CAT2_ELIMIT, "JSON is nested deeper than %d", C2_JSON_DEPTH_MAX);
    struct c2_json *json = calloc(1, sizeof(*json));
    if (!json) return c2_fail_nomem(err, "JSON");
    json->doc = yyjson_read_opts((char *)(uintptr_t)text.p, text.n, YYJSON_READ_NOFLAG, NULL, &why);
    if (!json->doc) {
        free(json);
        if (why.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION) return c2_fail_nomem(err, "JSON");
        if (text.n == 0) return c2_fail(err, CAT2_EDATA, "JSON is empty");
        return c2_fail(err, CAT2_EDATA, "JSON at byte %zu: %s", why.pos, why.msg);
    }
    *out = json;
    return true;
}

void c2_json_free(struct c2_json *json)
{
    if (!json) return;
    yyjson_doc_free(json->doc);
    free(json);
}

struct c2_jval c2_json_root(const struct c2_json *json)
{
    return (struct c2_jval){json ? yyjson_doc_get_root(json->doc) : NULL};
}

enum c2_jkind c2_jval_kind(struct c2_jval v)
{
    yyjson_val *val = v.v;

    switch (yyjson_get_type(val)) {
    case YYJSON_TYPE_NULL:
        return C2_JNULL;
    case YYJSON_TYPE_BOOL:
        return C2_JBOOL;
    case YYJSON_TYPE_NUM:
        if (yyjson_is_real(val)) return C2_JREAL;
        return yyjson_is_uint(val) && yyjson_get_uint(val) > INT64_MAX ? C2_JUINT : C2_JINT;
    case YYJSON_TYPE_STR:
        return C2_JSTR;
    case YYJSON_TYPE_ARR:
        return C2_JARRAY;
    case YYJSON_TYPE_OBJ:
        return C2_JOBJECT;
    default:
        return C2_JNONE;
    }
}

struct c2_jval c2_jget(struct c2_jval object, const char *key)
{
    return (struct c2_jval){yyjson_obj_get(object.v, key)};
}
struct c2_jval c2_jat(struct c2_jval array, size_t i)
{
    return (struct c2_jval){yyjson_arr_get(array.v, i)};
}

size_t c2_jlen(struct c2_jval v)
{
    return yyjson_is_arr(v.v) ? yyjson_arr_size(v.v) : yyjson_is_obj(v.v) ? yyjson_obj_size(v.v) : 0;
}

bool c2_jstr(struct c2_jval v, struct c2_str *out)
{
    if (!yyjson_is_str(v.v)) return false;
    *out = (struct c2_str){yyjson_get_str(v.v), yyjson_get_len(v.v)};
    return true;
}

bool c2_jint(struct c2_jval v, int64_t *out)
{
    if (c2_jval_kind(v) != C2_JINT) return false;
    *out = yyjson_is_uint(v.v) ? (int64_t)yyjson_get_uint(v.v) : yyjson_get_sint(v.v);
    return true;
}

uint64_t c2_juint(struct c2_jval v)
{
    return yyjson_get_uint(v.v);
}

bool c2_jreal(struct c2_jval v, double *out)
{
    if (!yyjson_is_num(v.v)) return false;
    *out = yyjson_get_num(v.v);
    return true;
}

bool c2_jbool(struct c2_jval v, bool *out)
{
    if (!yyjson_is_bool(v.v)) return false;
    *out = yyjson_get_bool(v.v);
    return true;
}

struct c2_jiter c2_jiter_of(struct c2_jval container)
{
    bool any = c2_jlen(container) > 0;

    return (struct c2_jiter){container, any ? unsafe_yyjson_get_first(container.v) : NULL, 0};
}

bool c2_jnext(struct c2_jiter *it, struct c2_str *key, struct c2_jval *value)
{
    yyjson_val *val = it->next;

    if (it->i == c2_jlen(it->container)) return false;
    if (yyjson_is_obj(it->container.v)) {
        *key = (struct c2_str){yyjson_get_str(val), yyjson_get_len(val)};
        val++;
    }
    *value = (struct c2_jval){val};
    it->i++;
    it->next = unsafe_yyjson_get_next(val);
    return true;
}
