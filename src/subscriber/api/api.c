/* SPDX-License-Identifier: BSD-3-Clause */
/* The REST face: roots, lists, URLs, metadata. docs/protocol.md "Subscriber". */
#include <stdlib.h>

#include "base/limits.h"
#include "subscriber/answer/lookup.h"
#include "subscriber/answer/refuse.h"
#include "subscriber/api/api.h"
#include "subscriber/mirror/follow.h"
#include "subscriber/mirror/roots.h"

static void handle_roots(struct c2_request *req, void *state)
{
    struct c2_subscriber *sub = state;
    struct c2_buf out = C2_BUF_INIT(16 << 20);
    struct cat2_error err;
    struct c2_jw w;

    c2_jw_init(&w, &out, C2_JSON_COMPACT, &err);
    c2_jw_begin_object(&w);
    for (const struct c2_root_state *root = c2_sub_seen(req, sub->roots); root;
         root = c2_sub_seen(req, root->next)) {
        c2_jw_open_object(&w, root->root.name);
        c2_root_jw(&w, &root->root);
        c2_jw_key(&w, "subscribed");
        if (c2_root_is_followed(root))
            c2_jw_bool(&w, true);
        else
            c2_jw_null(&w);
        c2_jw_end_object(&w);
    }
    c2_jw_end_object(&w);
    c2_reply_built(req, c2_jw_finish(&w), &out, &err);
}

/* The root of the route, or NULL after a 404 that names it. */
static struct c2_root_state *root_of(struct c2_request *req, struct c2_subscriber *sub, struct c2_str name)
{
    struct c2_root_state *root = c2_sub_root_of(req, sub, name);

    if (!root)
        c2_reply_detail(req, 404, "%.*s not known by the broker", (int)c2_min_i64(200, (int64_t)name.n),
                        name.p);
    return root;
}

static void on_subscribed(void *ctx, const struct cat2_error *err)
{
    struct c2_request *req = ctx;

    if (err)
        c2_reply_error(req, err);
    else
        c2_reply_static(req, 200, "application/json", c2_bytes_of(C2_STR("\"Ok\"")));
}

static void handle_subscribe(struct c2_request *req, void *state)
{
    struct c2_root_state *root = root_of(req, state, c2_request_param(req, "root"));

    if (root) c2_sub_when_listed(root, on_subscribed, req);
}

static void handle_unsubscribe(struct c2_request *req, void *state)
{
    struct c2_root_state *root = root_of(req, state, c2_request_param(req, "root"));
    struct cat2_error err;

    if (!root) return;
    if (c2_sub_leave(root, &err))
        on_subscribed(req, NULL);
    else
        c2_reply_error(req, &err);
}

struct list_request {
    struct c2_request *req;
    struct c2_subscriber *sub;
};

static void on_listed(void *ctx, const struct cat2_error *why)
{
    struct list_request l = *(struct list_request *)ctx;
    struct c2_root_state *root = c2_sub_root(l.sub, c2_request_param(l.req, "root"));
    struct c2_buf out = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    struct cat2_error err;
    struct c2_jw w;

    free(ctx);
    if (why || !root) {
        if (why)
            c2_reply_reason(l.req, root, why);
        else
            c2_reply_no_root(l.req, c2_request_param(l.req, "root"));
        return;
    }
    c2_jw_init(&w, &out, C2_JSON_COMPACT, &err);
    c2_jw_begin_array(&w);
    for (size_t i = 0; i < root->n; i++)
        if (!root->datasets[i]->group_attrs) c2_jw_cstr(&w, root->datasets[i]->path);
    c2_jw_end_array(&w);
    c2_sub_say_stale(l.req, root);
    c2_reply_built(l.req, c2_jw_finish(&w), &out, &err);
}

static void handle_list(struct c2_request *req, void *state)
{
    struct c2_root_state *root = root_of(req, state, c2_request_param(req, "root"));
    struct list_request *l = root && c2_root_is_followed(root) ? malloc(sizeof(*l)) : NULL;

    if (!root) return;
    if (!c2_root_is_followed(root)) {
        c2_reply_detail(req, 404, "Not subscribed to %s", root->root.name);
    } else if (!l) {
        c2_reply_detail(req, 503, "out of memory");
    } else {
        *l = (struct list_request){req, state};
        c2_sub_when_known(root, on_listed, l);
    }
}

static void handle_url(struct c2_request *req, void *state)
{
    struct c2_str name, path;
    bool dataset = c2_str_cut(c2_request_param(req, "path"), '/', &name, &path);
    struct c2_root_state *root = root_of(req, state, name);
    struct c2_buf out = C2_BUF_INIT(65536);
    struct cat2_error err;
    struct c2_jw w;

    if (!root) return;
    c2_jw_init(&w, &out, C2_JSON_COMPACT, &err);
    c2_jw_begin_array(&w);
    const char *scheme = root->root.tls ? "https://" : "http://";
    if (dataset) c2_sub_put_url(&w, scheme, root->root.http, "/api/info/", path);
    c2_sub_put_url(&w, scheme, root->root.http, dataset ? "/api/download/" : "", path);
    c2_jw_end_array(&w);
    c2_reply_built(req, c2_jw_finish(&w), &out, &err);
}

static void reply_info(struct c2_request *req, struct c2_ds *ds)
{
    struct c2_buf copy = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    struct cat2_error err;

    if (c2_reply_if_settled(req, ds->quoted)) return;
    c2_reply_header(req, "ETag", ds->quoted);
    c2_reply_built(req, c2_buf_append(&copy, ds->info.p, ds->info.n, &err), &copy, &err);
}

static void handle_info(struct c2_request *req, void *state)
{
    c2_sub_with_known(req, state, reply_info);
}

static void handle_download_url(struct c2_request *req, void *state)
{
    c2_sub_with_dataset(req, state, false, c2_sub_reply_url);
}

static const struct c2_route routes[] = {
    {C2_GET, "/api/roots", handle_roots, "", NULL},
    {C2_POST, "/api/subscribe/{root}", handle_subscribe, "", NULL, .scope = C2_SCOPE_FOLLOW},
    {C2_POST, "/api/unsubscribe/{root}", handle_unsubscribe, "", NULL},
    {C2_GET, "/api/list/{root}", handle_list, "", NULL},
    {C2_GET, "/api/url/{path*}", handle_url, "", NULL},
    {C2_GET, "/api/info/{path*}", handle_info, "", NULL},
    {C2_GET, "/api/attrs/{path*}", c2_handle_attrs, "", NULL},
    {C2_GET, "/api/meaning/{path*}", c2_handle_meaning, "", NULL},
    {C2_GET, "/api/fetch/{path*}", c2_handle_fetch,
     "slice_/at? format prefer_schunk!? download! v rows fields sort where? format=png: axes field part fill "
     "agg cmap scale lo hi width colours order",
     NULL},
    {C2_GET, "/api/tile/{path*}", c2_handle_view, "axes slice_/at? field part fill z x y agg exact! over v",
     &c2_tile_view},
    {C2_GET, "/api/colormaps", c2_handle_colormaps, "", NULL},
    {C2_GET, "/api/line/{path*}", c2_handle_view, "slice_/at? field part fill px over axis v", &c2_line_view},
    {C2_GET, "/api/stats/{path*}", c2_handle_view, "slice_/at? field part fill where? v", &c2_stats_view},
    {C2_GET, "/api/table/{path*}", c2_handle_view, "rows fields cols axes slice_/at? field sort where? v",
     &c2_table_view},
    {C2_GET, "/api/tree/{root}", c2_handle_tree, "dir? q? sort offset limit deep broken cached v", NULL},
    {C2_GET, "/api/chunks/{path*}", c2_handle_view, "offset limit", &c2_chunks_view},
    {C2_GET, "/api/download-url/{path*}", handle_download_url, "", NULL},
    {C2_GET, "/api/download/{path*}", c2_handle_download, "", NULL},
    {C2_GET, "/files/{path*}", c2_handle_files, "v", NULL},
};

void c2_api_add_routes(struct c2_subscriber *sub)
{
    c2_server_routes(sub->config.server, routes, C2_ARRAY_LEN(routes), sub);
}
