/* SPDX-License-Identifier: BSD-3-Clause */
/* Saved expressions: their text, and where their operands are. */
#include "subscriber/api/lazy.h"
#include "subscriber/mirror/follow.h"
#include "subscriber/mirror/roots.h"

/* One expression, within that of which it is an operand. */
struct level {
    struct c2_ds *ds;
    const struct level *outer;
    int depth;
    struct c2_jval operands;
    const struct c2_lazy_operands *to;
};

static struct c2_jval object_of(struct c2_json *json)
{
    struct c2_jval root = c2_json_root(json), object = c2_jget(root, "b2o");

    return c2_jval_kind(object) == C2_JOBJECT ? object : c2_jget(root, "_LazyArray");
}

bool c2_is_lazy(const struct c2_ds *ds)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_str vlmeta = c2_buf_str(&ds->meta->vlmeta);
    struct cat2_error err;

    return ds->refused && (c2_str_has(vlmeta, "\"b2o\"") || c2_str_has(vlmeta, "\"_LazyArray\"")) &&
           c2_json_parse(vlmeta, &json, &err) && c2_jval_kind(object_of(json)) == C2_JOBJECT;
}

static struct c2_str kind_of(struct c2_jval object)
{
    struct c2_str kind;

    if (c2_jstr(c2_jget(object, "kind"), &kind)) return kind;
    bool function = c2_jval_kind(c2_jget(object, "UDF")) == C2_JSTR; /* of versions without kinds */
    return function ? C2_STR("lazyudf") : C2_STR("lazyexpr");
}

bool c2_lazy_put_info(const struct c2_ds *ds, struct c2_buf *info, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    C2_AUTO(c2_buf) members = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    struct c2_jw w;

    if (!c2_json_parse(c2_buf_str(&ds->meta->vlmeta), &json, err)) return false;
    struct c2_jval object = object_of(json), text = c2_jget(object, "expression");
    c2_jw_init(&w, &members, C2_JSON_COMPACT, err);
    c2_jw_begin_object(&w);
    c2_jw_put_str(&w, "kind", kind_of(object));
    if (c2_jval_kind(text) == C2_JSTR) {
        c2_jw_key(&w, "expression");
        c2_jw_value(&w, text);
        c2_jw_key(&w, "operands");
        c2_jw_value(&w, c2_jget(object, "operands"));
    }
    c2_jw_end_object(&w);
    if (!c2_jw_finish(&w)) return false;
    members.p[0] = ','; /* they go on where the brace of info was */
    info->n--;
    return c2_buf_append(info, members.p, members.n, err);
}

/* ---- where an operand is ---- */

/* The folder of the root on the publisher, by where the expression is there; with its slash. */
static struct c2_str root_folder(const struct c2_ds *ds)
{
    struct c2_str at = c2_str_of(c2_ds_urlpath(ds));

    if (at.n <= strlen(ds->path) || !c2_str_ends(at, ds->path)) return C2_STR("");
    at.n -= strlen(ds->path);
    return at.p[at.n - 1] == '/' ? at : C2_STR("");
}

/* One part of a path onto another; false: it leads out of it. */
static bool go(struct c2_buf *path, struct c2_str part, struct cat2_error *err)
{
    if (part.n == 0 || c2_str_is(part, ".")) return true;
    if (c2_str_is(part, "..")) {
        if (path->n == 0) return false;
        path->n = c2_path_parent(c2_buf_str(path)).n;
        return true;
    }
    return (path->n == 0 || c2_buf_putc(path, '/', err)) && c2_buf_append_str(path, part, err);
}

static bool outside(struct c2_str name, struct c2_str url, struct cat2_error *err)
{
    return c2_fail(err, CAT2_EINVAL, "operand %.*s: '%.*s' lies outside of the root",
                   (int)c2_min_i64(60, (int64_t)name.n), name.p, (int)c2_min_i64(120, (int64_t)url.n), url.p);
}

/* Beside the expression, or beneath the root's folder by its whole path on the publisher. */
static bool resolve(const struct c2_ds *ds, struct c2_str name, struct c2_str url, struct c2_buf *path,
                    struct cat2_error *err)
{
    struct c2_str folder = root_folder(ds), part, rest = url;
    bool absolute = url.n && url.p[0] == '/';

    if (absolute) {
        if (!folder.n || url.n <= folder.n || memcmp(url.p, folder.p, folder.n) != 0)
            return outside(name, url, err);
        rest = (struct c2_str){url.p + folder.n, url.n - folder.n};
    } else if (!c2_buf_append_str(path, c2_path_parent(c2_str_of(ds->path)), err)) {
        return false;
    }
    for (bool more = true; more;) {
        more = c2_str_cut(rest, '/', &part, &rest);
        if (!go(path, part, err)) return outside(name, url, err);
    }
    return true;
}

static bool path_of(const struct level *l, struct c2_str name, struct c2_buf *path, struct cat2_error *err)
{
    struct c2_str text, kind;
    struct c2_jiter it = c2_jiter_of(l->operands);
    struct c2_jval value, found = {0};
    struct c2_str key;

    bool there = false;
    while (!there && c2_jnext(&it, &key, &value))
        if (c2_str_eq(key, name)) {
            found = value;
            there = true;
        }
    int n = (int)c2_min_i64(60, (int64_t)name.n);
    if (!there) return c2_fail(err, CAT2_EINVAL, "there is no operand '%.*s'", n, name.p);
    if (!c2_jstr(found, &text)) {
        if (c2_jstr(c2_jget(found, "kind"), &kind) && !c2_str_is(kind, "urlpath"))
            return c2_fail(err, CAT2_EUNSUPPORTED, "operand %.*s: operands of the kind '%.*s' are not read",
                           n, name.p, (int)c2_min_i64(60, (int64_t)kind.n), kind.p);
        if (!c2_jstr(c2_jget(found, "urlpath"), &text))
            return c2_fail(err, CAT2_EDATA, "operand %.*s: it is not said where it is", n, name.p);
    }
    return resolve(l->ds, name, text, path, err);
}

/* ---- what it is ---- */

static bool parse_level(const struct level *l, struct c2_expr *expr, int *node, struct cat2_error *err);

static bool parse_inner(const struct level *l, struct c2_ds *ds, struct c2_expr *expr, int *node,
                        struct cat2_error *err)
{
    struct level inner = {.ds = ds, .outer = l, .depth = l->depth + 1, .to = l->to};

    for (const struct level *at = l; at; at = at->outer)
        if (at->ds == ds) return c2_fail(err, CAT2_EINVAL, "%.200s: it is an operand of itself", ds->path);
    if (inner.depth > C2_LAZY_DEPTH_MAX)
        return c2_fail(err, CAT2_ELIMIT, "more than %d expressions are operands of each other",
                       C2_LAZY_DEPTH_MAX);
    return parse_level(&inner, expr, node, err) || c2_fail_within(err, "%.200s", ds->path);
}

/* A field of the name of the operand is meant where its items have fields, for then one has to be. */
static bool take_array(const struct level *l, struct c2_ds *ds, struct c2_str name, struct c2_expr *expr,
                       int *node, struct cat2_error *err)
{
    const struct c2_meta *meta = ds->meta;
    int64_t offset;
    int id;

    if (ds->error) return c2_fail(err, CAT2_EDATA, "%.200s: %.200s", ds->path, ds->error);
    if (meta->kind != C2_KIND_ARRAY) return c2_fail(err, CAT2_EINVAL, "%.200s: it is not an array", ds->path);
    if (!l->to->add(l->to->ctx, ds, &id, err) ||
        !c2_expr_operand(expr, id, &meta->dtype, meta->grid.shape, meta->grid.ndim, node, err))
        return false;
    return !meta->dtype.nfields || !c2_dtype_field(&meta->dtype, name, &offset) ||
           c2_expr_field(expr, *node, name, node, err);
}

static bool find(void *ctx, struct c2_expr *expr, struct c2_str name, int *node, struct cat2_error *err)
{
    const struct level *l = ctx;
    C2_AUTO(c2_buf) path = C2_BUF_INIT(C2_PATH_MAX);
    struct c2_root_state *root = c2_sub_root(l->ds->sub, c2_str_of(l->ds->root));

    if (!path_of(l, name, &path, err)) return false;
    struct c2_ds *ds = root ? c2_sub_find(root, c2_buf_str(&path)) : NULL;
    int n = (int)c2_min_i64(60, (int64_t)name.n);
    if (!ds)
        return c2_fail(err, CAT2_ENOTFOUND, "operand %.*s: there is no %.100s/%.200s", n, name.p, l->ds->root,
                       c2_buf_cstr(&path));
    bool ok = c2_is_lazy(ds) ? parse_inner(l, ds, expr, node, err) : take_array(l, ds, name, expr, node, err);
    return ok || c2_fail_within(err, "operand %.*s", n, name.p);
}

static bool parse_level(const struct level *l, struct c2_expr *expr, int *node, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_expr_names names = {find, NULL};
    struct level here = *l;
    struct c2_str text;
    int64_t position;

    if (!c2_json_parse(c2_buf_str(&l->ds->meta->vlmeta), &json, err)) return false;
    struct c2_jval object = object_of(json);
    struct c2_str kind = kind_of(object);
    if (!c2_str_is(kind, "lazyexpr"))
        return c2_fail(err, CAT2_EUNSUPPORTED,
                       "it is a saved object of the kind '%.*s': only expressions are evaluated, no Python "
                       "functions",
                       (int)c2_min_i64(60, (int64_t)kind.n), kind.p);
    if (!c2_jstr(c2_jget(object, "expression"), &text))
        return c2_fail(err, CAT2_EINVAL, "it has no expression");
    here.operands = c2_jget(object, "operands");
    names.ctx = &here;
    return c2_expr_parse(expr, text, &names, node, &position, err);
}

bool c2_lazy_parse(struct c2_ds *ds, struct c2_expr *expr, const struct c2_lazy_operands *operands, int *node,
                   struct cat2_error *err)
{
    struct level outermost = {.ds = ds, .to = operands};

    return parse_level(&outermost, expr, node, err);
}
