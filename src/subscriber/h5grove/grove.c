/* SPDX-License-Identifier: BSD-3-Clause */
/* GET /h5grove/...: what H5Web asks of its server, answered from the roots. docs/protocol.md "H5Web
 * (h5grove)".
 */
#include "subscriber/h5grove/grove.h"
#include "base/limits.h"
#include "subscriber/answer/folder_attrs.h"
#include "subscriber/answer/refuse.h"
#include "subscriber/answer/view.h"
#include "subscriber/mirror/roots.h"

#define NAMES_MAX 64 /* attr_keys of one request */

/* ---- what is meant ---- */

struct asked {
    bool data;
    c2_grove_fn *fn;
};

static int shown(struct c2_str text)
{
    return (int)c2_min_i64(200, (int64_t)text.n);
}

/* 404 as H5Web knows it. */
static void no_path(struct c2_request *req, struct c2_str path, struct c2_str file)
{
    c2_reply_detail(req, 404, "/%.*s is not a valid path in %.*s", shown(path), path.p, shown(file), file.p);
}

/* Without a slash at its beginning, and one where there are several. */
static struct c2_str path_of(struct c2_request *req)
{
    struct c2_str path = c2_view_query(req, "path");
    char *copy = c2_arena_strdup(c2_request_arena(req), path);
    size_t n = 0;

    for (size_t i = 0; copy && i < path.n; i++)
        if (path.p[i] != '/' || (n && copy[n - 1] != '/')) copy[n++] = path.p[i];
    return (struct c2_str){copy ? copy : "", n};
}

static void resolve(const struct c2_found *found, const struct cat2_error *err)
{
    const struct asked *asked = found->ctx;
    struct c2_request *req = found->req;
    struct c2_str file = c2_view_query(req, "file"), path = found->path;

    if (err)
        c2_reply_reason(req, found->root, err);
    else if (!found->root)
        c2_reply_detail(req, 404, "File not found: %.*s", shown(file), file.p);
    else if (!found->ds && !found->folder)
        no_path(req, path, file);
    else if (!found->ds && asked->data)
        c2_reply_detail(req, 400, "/%.*s is a group, not a dataset", shown(path), path.p);
    else if (found->ds && found->ds->error && asked->data)
        c2_reply_unserved(req, found->ds);
    else
        asked->fn(found);
}

/* The request is answered {"message"} if there is no such thing, else by fn; only for datasets that can be
 * served when `data`. */
static void find_entity(struct c2_request *req, struct c2_subscriber *sub, bool data, c2_grove_fn *fn)
{
    struct c2_str file, path = path_of(req), links = c2_view_query(req, "resolve_links");
    struct cat2_error err;

    if (!c2_request_query(req, "file", &file)) {
        c2_reply_detail(req, 400, "the parameter file is missing: the name of a root");
        return;
    }
    if (links.n && !c2_str_is(links, "only_valid") && !c2_str_is(links, "all")) {
        c2_reply_detail(req, c2_str_is(links, "none") ? 501 : 400,
                        "resolve_links is only_valid or all: links are followed where they lead somewhere");
        return;
    }
    struct c2_root_state *root = c2_sub_root_of(req, sub, file);
    struct c2_str bare = {path.p, path.n && path.p[path.n - 1] == '/' ? path.n - 1 : path.n};
    if (root && bare.n && !c2_path_check(bare, &err)) {
        no_path(req, bare, file);
        return;
    }
    struct asked *asked = c2_arena_alloc(c2_request_arena(req), sizeof(*asked));
    if (!asked) {
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    *asked = (struct asked){data, fn};
    c2_sub_find_path(req, sub, file, path, C2_FIND_NAMED, resolve, asked);
}

/* ---- entities and attributes ---- */

static void reply_built(const struct c2_found *at, bool ok, struct c2_buf *out, const struct cat2_error *err)
{
    if (ok && at->ds) c2_reply_header(at->req, "ETag", at->ds->quoted);
    if (ok) c2_reply_header(at->req, "Cache-Control", "no-cache");
    c2_reply_built(at->req, ok, out, err);
}

static void give_meta(const struct c2_found *at)
{
    struct c2_buf out = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    struct cat2_error err;
    struct c2_jw w;

    if (!at->ds) {
        c2_grove_folder(at);
        return;
    }
    c2_jw_init(&w, &out, C2_JSON_COMPACT, &err);
    c2_grove_dataset(at->ds, &w);
    reply_built(at, c2_jw_finish(&w), &out, &err);
}

static void give_attrs_of(const struct c2_found *at, struct c2_str json)
{
    struct c2_str names[NAMES_MAX + 1];
    size_t n = c2_request_queries(at->req, "attr_keys", names, NAMES_MAX + 1);
    struct c2_buf out = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    struct cat2_error err;
    struct c2_jw w;

    if (n > NAMES_MAX) {
        c2_fail(&err, CAT2_EINVAL, "attr_keys: up to %d names in one request", NAMES_MAX);
        c2_reply_error(at->req, &err);
        return;
    }
    c2_jw_init(&w, &out, C2_JSON_COMPACT, &err);
    if (at->ds)
        c2_grove_attrs(at->ds, names, n, &w);
    else
        c2_grove_attr_values(json, names, n, &w);
    reply_built(at, c2_jw_finish(&w), &out, &err);
}

/* A group whose attributes cannot be had now has none. */
static void on_group_attrs(void *ctx, struct c2_str json, const struct cat2_error *why)
{
    struct c2_found at = {.req = ctx};

    give_attrs_of(&at, why ? C2_STR("") : json);
}

static void give_attrs(const struct c2_found *at)
{
    const char *whole = "";

    if (!at->ds && c2_sub_may_have_attrs(at->root, at->path))
        whole = c2_arena_printf(c2_request_arena(at->req), "%s%s%.*s", at->root->root.name,
                                at->path.n ? "/" : "", C2_STR_ARG(at->path));
    if (!whole)
        c2_reply_detail(at->req, 503, "out of memory");
    else if (*whole)
        c2_sub_attrs(at->sub, c2_str_of(whole), on_group_attrs, at->req);
    else
        give_attrs_of(at, C2_STR(""));
}

static void handle_meta(struct c2_request *req, void *state)
{
    find_entity(req, state, false, give_meta);
}

static void handle_attr(struct c2_request *req, void *state)
{
    find_entity(req, state, false, give_attrs);
}

static void handle_data(struct c2_request *req, void *state)
{
    find_entity(req, state, true, c2_grove_data);
}

static void handle_paths(struct c2_request *req, void *state)
{
    find_entity(req, state, false, c2_grove_paths);
}

static const struct c2_route routes[] = {
    {C2_GET, "/h5grove/meta", handle_meta, "@message file path? resolve_links", NULL},
    {C2_GET, "/h5grove/attr", handle_attr, "@message file path? attr_keys*", NULL},
    {C2_GET, "/h5grove/data", handle_data, "@message file path? selection? format dtype flatten!", NULL},
    {C2_GET, "/h5grove/paths", handle_paths, "@message file path? resolve_links", NULL},
};

void c2_grove_add_routes(struct c2_subscriber *sub)
{
    c2_server_routes(sub->config.server, routes, C2_ARRAY_LEN(routes), sub);
}
