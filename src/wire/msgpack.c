/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes between msgpack and JSON: written as they are read, in bounded depth and without a tree. */
#include "wire/msgpack.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/limits.h"
#include "wire/mp.h"

/* Attributes are nested in metadata, and metadata in a message: the whole must not be nested deeper than JSON
 * is parsed. */
enum { ENVELOPE = 16, DEPTH_MAX = C2_JSON_DEPTH_MAX - ENVELOPE };
_Static_assert((int)DEPTH_MAX <= (int)C2_MSGPACK_DEPTH_MAX, "never deeper than the limit of msgpack");

static bool value(struct c2_mp_reader *r, struct c2_jw *out, int depth);

static struct c2_str text_of(const struct c2_mp_node *node)
{
    return (struct c2_str){(const char *)node->bytes.p, node->bytes.n};
}

/* Keys are text in JSON: integers, booleans and nil become theirs; anything else cannot be a key. */
static bool key(struct c2_mp_reader *r, struct c2_jw *out)
{
    struct c2_mp_node node;
    char digits[24];

    if (!c2_mp_read(r, &node)) return false;
    switch (node.kind) {
    case C2_MP_TEXT:
    case C2_MP_BYTES:
        c2_jw_key_str(out, text_of(&node));
        return out->ok;
    case C2_MP_INT:
        snprintf(digits, sizeof(digits), node.huge ? "%" PRIu64 : "%" PRId64, node.u);
        c2_jw_key(out, digits);
        return out->ok;
    case C2_MP_NIL:
        c2_jw_key(out, "null");
        return out->ok;
    case C2_MP_BOOL:
        c2_jw_key(out, node.b ? "true" : "false");
        return out->ok;
    default:
        return c2_fail(r->err, CAT2_EDATA, "msgpack: a map key is neither text nor a number");
    }
}

static bool list(struct c2_mp_reader *r, struct c2_jw *out, uint32_t n, int depth)
{
    n = c2_mp_skip_tuple_mark(r, n);
    c2_jw_begin_array(out);
    for (uint32_t i = 0; i < n; i++)
        if (!value(r, out, depth + 1)) return false;
    c2_jw_end_array(out);
    return out->ok;
}

static bool map(struct c2_mp_reader *r, struct c2_jw *out, uint32_t n, int depth)
{
    c2_jw_begin_object(out);
    for (uint32_t i = 0; i < n; i++)
        if (!key(r, out) || !value(r, out, depth + 1)) return false;
    c2_jw_end_object(out);
    return out->ok;
}

/* Application types carry bytes of their own meaning: shown by type and size. */
static void extension(struct c2_jw *out, const struct c2_mp_node *node)
{
    c2_jw_begin_object(out);
    c2_jw_put_int(out, "__ext__", node->i);
    c2_jw_put_uint(out, "nbytes", node->bytes.n);
    c2_jw_end_object(out);
}

static bool value(struct c2_mp_reader *r, struct c2_jw *out, int depth)
{
    struct c2_mp_node node;

    if (!c2_mp_read(r, &node)) return false;
    if (depth + (node.kind == C2_MP_EXT) > DEPTH_MAX) /* an extension is an object with values */
        return c2_fail(r->err, CAT2_ELIMIT, "msgpack: nested deeper than %d", (int)DEPTH_MAX);
    switch (node.kind) {
    case C2_MP_NIL:
        c2_jw_null(out);
        break;
    case C2_MP_BOOL:
        c2_jw_bool(out, node.b);
        break;
    case C2_MP_INT:
        node.huge ? c2_jw_uint(out, node.u) : c2_jw_int(out, node.i);
        break;
    case C2_MP_REAL:
        c2_jw_real(out, node.d);
        break;
    case C2_MP_TEXT:
    case C2_MP_BYTES:
        c2_jw_str(out, text_of(&node));
        break;
    case C2_MP_LIST:
        return list(r, out, node.n, depth);
    case C2_MP_MAP:
        return map(r, out, node.n, depth);
    case C2_MP_EXT:
        extension(out, &node);
    }
    return out->ok;
}

bool c2_msgpack_to_json(struct c2_bytes in, struct c2_jw *out, struct cat2_error *err)
{
    struct c2_mp_reader r = c2_mp_reader_of(in, err);

    return value(&r, out, 0) && c2_mp_at_end(&r);
}

/* ---- the reverse ---- */

static void put(struct c2_mpw *w, struct c2_jval v);

static void put_container(struct c2_mpw *w, struct c2_jval v)
{
    bool object = c2_jval_kind(v) == C2_JOBJECT;
    struct c2_jiter it = c2_jiter_of(v);
    struct c2_str name = {0};
    struct c2_jval item;

    c2_mpw_head(w, object ? C2_MP_MAP : C2_MP_LIST, c2_jlen(v));
    while (w->ok && c2_jnext(&it, &name, &item)) {
        if (object) c2_mpw_str(w, name);
        put(w, item);
    }
}

static void put(struct c2_mpw *w, struct c2_jval v)
{
    struct c2_str s = {0};
    int64_t n = 0;
    double d = 0;
    bool truth = false;

    switch (c2_jval_kind(v)) {
    case C2_JSTR:
        c2_jstr(v, &s);
        c2_mpw_str(w, s);
        break;
    case C2_JINT:
        c2_jint(v, &n);
        c2_mpw_int(w, n);
        break;
    case C2_JUINT:
        c2_mpw_uint(w, c2_juint(v));
        break;
    case C2_JREAL:
        c2_jreal(v, &d);
        c2_mpw_real(w, d);
        break;
    case C2_JBOOL:
        c2_jbool(v, &truth);
        c2_mpw_bool(w, truth);
        break;
    case C2_JARRAY:
    case C2_JOBJECT:
        put_container(w, v);
        break;
    default:
        c2_mpw_nil(w);
    }
}

bool c2_msgpack_from_json(struct c2_jval v, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_mpw w;

    c2_mpw_init(&w, out, err);
    put(&w, v);
    return w.ok;
}
