/* SPDX-License-Identifier: BSD-3-Clause */
/* The REST face: roots, lists, URLs, metadata. docs/protocol.md "Subscriber". */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "subscriber/answer/lookup.h"
#include "subscriber/answer/refuse.h"
#include "subscriber/api/api.h"
#include "subscriber/api/fetch_kinds.h"
#include "subscriber/api/lazy.h"
#include "subscriber/api/old_client.h"
#include "subscriber/mirror/follow.h"
#include "subscriber/mirror/names_so_far.h"
#include "subscriber/mirror/roots.h"
#include "subscriber/mirror/suppliers.h"

/* What a server of 2026 asks before it takes our roots for its own. */
static void handle_peer(struct c2_request *req, void *state)
{
    struct c2_subscriber *sub = state;
    struct c2_buf out = C2_BUF_INIT(1 << 20);
    struct cat2_error err;
    struct c2_jw w;

    c2_jw_init(&w, &out, C2_JSON_COMPACT, &err);
    c2_jw_begin_object(&w);
    c2_jw_put_cstr(&w, "peer_id", sub->peer_id);
    c2_jw_put_cstr(&w, "name", sub->config.public_url);
    c2_jw_put_int(&w, "api_version", 1);
    c2_jw_open_array(&w, "roots");
    for (const struct c2_root_state *root = c2_sub_seen(req, sub->roots); root;
         root = c2_sub_seen(req, root->next))
        c2_jw_cstr(&w, root->root.name);
    c2_jw_end_array(&w);
    c2_jw_open_object(&w, "capabilities");
    c2_jw_put_cstr(&w, "chunk_api", "plain");
    c2_jw_end_object(&w);
    c2_jw_end_object(&w);
    c2_reply_built(req, c2_jw_finish(&w), &out, &err);
}

/* Where there are several: how each is, and which is asked now. */
static void put_sources(struct c2_jw *w, const struct c2_root_state *root)
{
    int used = c2_supplier_used(root);

    if (root->nsuppliers == 0) return;
    c2_jw_open_array(w, "sources");
    for (int i = 0; i < root->nsuppliers; i++) {
        const struct c2_supplier *supplier = root->suppliers[i];
        c2_jw_begin_object(w);
        c2_root_place_jw(w, &supplier->place);
        c2_jw_put_bool(w, "mirror", supplier->place.mirror);
        c2_jw_put_cstr(w, "state", c2_supplier_state(supplier));
        c2_jw_put_bool(w, "used", i == used);
        if (supplier->round_trip_ms >= 0) c2_jw_put_real(w, "round_trip_ms", supplier->round_trip_ms);
        c2_jw_put_int(w, "failures", supplier->nfailures);
        if (supplier->nfailed) c2_jw_put_cstr(w, "reason", supplier->why);
        c2_jw_end_object(w);
    }
    c2_jw_end_array(w);
}

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
        put_sources(&w, root);
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

    if (!root) return;
    c2_old_client_note(state, req);
    c2_sub_when_listed(root, on_subscribed, req);
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

/* ---- lists ---- */

/* What is below the root or folder; *skip: what its paths begin with. */
static size_t beneath(const struct c2_found *found, size_t *skip, struct c2_ds ***first)
{
    char dir[C2_PATH_MAX + 2];
    int n = (int)c2_min_i64(C2_PATH_MAX, (int64_t)found->path.n);

    *skip = (size_t)snprintf(dir, sizeof(dir), "%.*s%s", n, found->path.p, n ? "/" : "");
    return c2_sub_first_beneath(found->root, (struct c2_str){dir, *skip}, first);
}

/* Is it in a file that is listed itself? Its neighbours in the list are in the same one: *last. */
static bool is_contained(const struct c2_ds *ds, struct c2_root_state *root, struct c2_str *last)
{
    struct c2_str path = c2_str_of(ds->path);

    if (!ds->within && !ds->error) return false;
    if (last->n && path.n > last->n && memcmp(path.p, last->p, last->n) == 0 && path.p[last->n] == '/')
        return true;
    struct c2_ds *file = c2_sub_find_container(root, path);
    if (file) *last = c2_str_of(file->path);
    return file != NULL;
}

static int by_text(const void *a, const void *b)
{
    return c2_str_cmp(*(const struct c2_str *)a, *(const struct c2_str *)b);
}

/* What is below: a file that holds datasets is one name, and its folders have the names that are in it. With
 * `inside` it is all paths. */
static void put_beneath(struct c2_jw *w, const struct c2_found *found, bool inside)
{
    struct c2_ds **first;
    size_t skip, n = beneath(found, &skip, &first), shown = 0;
    bool own = !inside && found->path.n && c2_sub_is_container(found->root, found->path);
    struct c2_str last = {"", 0}, *names = calloc(n + 1, sizeof(*names));

    if (!names) {
        w->ok = w->ok && c2_fail_nomem(w->err, "list");
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (first[i]->group_attrs || (!inside && !own && is_contained(first[i], found->root, &last)))
            continue;
        struct c2_str name = own ? c2_ds_own_name(first[i]) : c2_str_of(first[i]->path);
        names[shown++] = (struct c2_str){name.p + skip, name.n - skip};
    }
    if (own) qsort(names, shown, sizeof(*names), by_text);
    for (size_t i = 0; i < shown; i++)
        c2_jw_str(w, names[i]);
    free(names);
}

/* A plain file that was asked for as NAME.b2 is listed as NAME. */
static struct c2_str listed_as(const struct c2_found *found)
{
    struct c2_str path = c2_str_of(found->ds->path);

    return path.n < found->path.n ? path : found->path;
}

/* A file has its own name, and what is not there nothing. */
static void list(const struct c2_found *found, const struct cat2_error *why)
{
    struct c2_request *req = found->req;
    struct c2_root_state *root = found->root;
    struct c2_buf out = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    struct cat2_error err;
    bool inside = false, partial = false;
    struct c2_jw w;

    if (why || !root) {
        if (why)
            c2_reply_reason(req, root, why);
        else
            c2_reply_no_dataset(req, found->sub);
        return;
    }
    if (!c2_request_query_bool(req, "inside", false, &inside, &err) ||
        !c2_request_query_bool(req, "partial", false, &partial, &err)) {
        c2_reply_error(req, &err);
        return;
    }
    if (partial) c2_reply_header(req, C2_LIST_STATE, "whole");
    c2_jw_init(&w, &out, C2_JSON_COMPACT, &err);
    c2_jw_begin_array(&w);
    bool table = !inside && !partial && found->ds && c2_sub_table_of(root, found->ds);
    if (found->folder && !table)
        put_beneath(&w, found, inside || partial);
    else if (found->ds)
        c2_jw_str(&w, c2_path_last(listed_as(found)));
    c2_jw_end_array(&w);
    c2_reply_built(req, c2_jw_finish(&w), &out, &err);
}

static void reply_so_far(struct c2_request *req, const struct c2_root_state *root, struct c2_str path)
{
    char dir[C2_PATH_MAX + 2];
    int n = path.n ? snprintf(dir, sizeof(dir), "%.*s/", C2_STR_ARG(path)) : 0;
    struct c2_names_wanted wanted = {.dir = {dir, (size_t)n}};

    c2_reply_so_far(req, root, &wanted);
}

static void handle_list(struct c2_request *req, void *state)
{
    struct c2_str whole = c2_request_param(req, "path"), name, path;
    struct cat2_error err;

    bool inside = c2_str_cut(whole, '/', &name, &path) && c2_str_no_slashes(path).n, partial;
    struct c2_root_state *root = root_of(req, state, name);
    if (!root) return;
    if (!c2_request_query_bool(req, "partial", false, &partial, &err))
        c2_reply_error(req, &err);
    else if (inside && !c2_path_check(c2_str_no_slashes(path), &err))
        c2_reply_detail(req, 400, "Invalid path %.*s", (int)c2_min_i64(200, (int64_t)whole.n), whole.p);
    else if (!c2_root_is_followed(root))
        c2_reply_detail(req, 404, "Not subscribed to %s", root->root.name);
    else if (partial && c2_sub_so_far_is_all(root))
        reply_so_far(req, root, c2_str_no_slashes(path));
    else
        c2_sub_find_path(req, state, name, path, C2_FIND_LISTED, list, NULL);
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

/* A file that holds datasets is a group of them, too. */
static bool put_container(const struct c2_ds *ds, struct c2_buf *info, struct cat2_error *err)
{
    struct c2_root_state *root = c2_sub_root(ds->sub, c2_str_of(ds->root));
    char dir[C2_PATH_MAX + 2];
    struct c2_ds **first;

    if (ds->meta->kind != C2_KIND_FILE || !root) return true;
    int n = snprintf(dir, sizeof(dir), "%s/", ds->path);
    size_t nfiles = c2_sub_first_beneath(root, (struct c2_str){dir, (size_t)n}, &first);
    if (nfiles == 0) return true;
    info->n--; /* its brace comes last */
    return c2_buf_printf(info, err, ",\"kind\":\"group\",\"size\":%" PRId64 ",\"nfiles\":%zu}",
                         ds->meta->nbytes, nfiles);
}

static void reply_info(struct c2_request *req, struct c2_ds *ds)
{
    struct c2_buf copy = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    struct cat2_error err;

    if (c2_reply_if_settled(req, ds->quoted)) return;
    c2_reply_header(req, "ETag", ds->quoted);
    struct c2_ds *rows = c2_ctable_asked(req, ds);
    bool ok = rows ? c2_ctable_info(ds, rows, &copy, &err)
                   : c2_ds_put_info(ds, &copy, &err) && put_container(ds, &copy, &err) &&
                         (!c2_is_lazy(ds) || c2_lazy_put_info(ds, &copy, &err));
    c2_reply_built(req, ok, &copy, &err);
}

/* A plain file is stored as its frame; one that holds datasets as it is. */
static int64_t stored_nbytes(struct c2_root_state *root, const struct c2_ds *ds)
{
    if (ds->meta->kind == C2_KIND_FILE && c2_sub_is_container(root, c2_str_of(ds->path)))
        return ds->meta->nbytes;
    return ds->has_frame ? ds->layout.frame_len : ds->meta->cbytes;
}

/* The root, or a folder: how much there is beneath it, and of when. */
static void reply_group(const struct c2_found *found)
{
    struct c2_buf out = C2_BUF_INIT(4096);
    int64_t mtime = -1, size = 0, nfiles = 0;
    struct cat2_error err;
    struct c2_ds **first;
    struct c2_jw w;

    size_t skip, n = beneath(found, &skip, &first);
    struct c2_str last = {"", 0};
    bool inside = found->path.n && c2_sub_is_container(found->root, found->path);
    for (size_t i = 0; i < n; i++) {
        if (first[i]->group_attrs || (!inside && is_contained(first[i], found->root, &last))) continue;
        mtime = c2_max_i64(mtime, c2_ds_mtime_ms(first[i]));
        size += stored_nbytes(found->root, first[i]);
        nfiles++;
    }
    const struct c2_ds *file = nfiles ? NULL : c2_sub_find_container(found->root, found->path);
    if (file) mtime = c2_ds_mtime_ms(file);
    const struct c2_ds *whole = inside ? c2_sub_find(found->root, found->path) : NULL;
    if (whole) size = stored_nbytes(found->root, whole);
    c2_jw_init(&w, &out, C2_JSON_COMPACT, &err);
    c2_jw_begin_object(&w);
    c2_jw_put_cstr(&w, "kind", "group");
    c2_meta_put_mtime(mtime, &w);
    c2_jw_put_int(&w, "size", size);
    c2_jw_put_int(&w, "nfiles", nfiles);
    c2_jw_end_object(&w);
    c2_reply_built(found->req, c2_jw_finish(&w), &out, &err);
}

static void handle_info(struct c2_request *req, void *state)
{
    c2_sub_with_known(req, state, reply_info, reply_group);
}

static void handle_download_url(struct c2_request *req, void *state)
{
    c2_sub_with_dataset(req, state, false, c2_sub_reply_url);
}

static const struct c2_route routes[] = {
    {C2_GET, "/api/roots", handle_roots, "", NULL},
    {C2_GET, "/api/peer", handle_peer, "", NULL},
    {C2_POST, "/api/subscribe/{root}", handle_subscribe, "", NULL, .scope = C2_SCOPE_FOLLOW},
    {C2_POST, "/api/unsubscribe/{root}", handle_unsubscribe, "", NULL},
    {C2_GET, "/api/list/{path*}", handle_list, "inside partial", NULL},
    {C2_GET, "/api/url/{path*}", handle_url, "", NULL},
    {C2_GET, "/api/info/{path*}", handle_info, "", NULL},
    {C2_GET, "/api/attrs/{path*}", c2_handle_attrs, "", NULL},
    {C2_GET, "/api/meaning/{path*}", c2_handle_meaning, "", NULL},
    {C2_GET, "/api/fetch/{path*}", c2_handle_fetch,
     "slice_/at? indices? field? filter? format prefer_schunk!? download! v rows fields sort where? "
     "format=png: axes part fill agg over cmap scale lo hi width colours order",
     NULL},
    {C2_POST, "/api/fetch/{path*}", c2_handle_fetch_post, "", NULL, .body_max = C2_FETCH_BODY_MAX,
     .scope = C2_SCOPE_READ},
    {C2_GET, "/api/tile/{path*}", c2_handle_view, "axes slice_/at? field part fill z x y agg exact! over v",
     &c2_tile_view},
    {C2_GET, "/api/colormaps", c2_handle_colormaps, "", NULL},
    {C2_GET, "/api/line/{path*}", c2_handle_view, "slice_/at? field part fill px over axis v", &c2_line_view},
    {C2_GET, "/api/stats/{path*}", c2_handle_view, "slice_/at? field part fill where? v", &c2_stats_view},
    {C2_GET, "/api/table/{path*}", c2_handle_view, "rows fields cols axes slice_/at? field sort where? v",
     &c2_table_view},
    {C2_GET, "/api/tree/{root}", c2_handle_tree,
     "dir? q? sort offset limit deep broken cached groups partial v", NULL},
    {C2_GET, "/api/chunk/{path*}", c2_handle_view, "nchunk?", &c2_chunk_view},
    {C2_GET, "/api/chunks/{path*}", c2_handle_view, "offset limit", &c2_chunks_view},
    {C2_GET, "/api/download-url/{path*}", handle_download_url, "", NULL},
    {C2_GET, "/api/download/{path*}", c2_handle_download, "", NULL},
    {C2_GET, "/files/{path*}", c2_handle_files, "v", NULL},
};

void c2_api_add_routes(struct c2_subscriber *sub)
{
    c2_server_routes(sub->config.server, routes, C2_ARRAY_LEN(routes), sub);
    c2_writing_add_routes(sub);
}
