/* SPDX-License-Identifier: BSD-3-Clause */
/* Groups of the Zarr face: a root, a folder. */
#include <stdio.h>
#include <stdlib.h>

#include "subscriber/answer/folder_attrs.h"
#include "subscriber/answer/refuse.h"
#include "subscriber/answer/view.h"
#include "subscriber/mirror/age.h"
#include "subscriber/mirror/dataset.h"
#include "subscriber/mirror/follow.h"
#include "subscriber/mirror/roots.h"
#include "subscriber/zarr/zarr3.h"
#include "wire/url.h"

enum what { WHAT_GROUP, WHAT_ALL, WHAT_V3, WHAT_LINKS }; /* .zgroup, .zmetadata, zarr.json, links */

struct group {
    struct c2_request *req;
    struct c2_subscriber *sub;
    enum what what;
    c2_zarr_handler *fn; /* instead */
    char root[256], dir[C2_PATH_MAX + 2];
    size_t dir_n; /* with its final '/', 0 for the root */
    struct c2_ds **list;
    size_t n;
    struct c2_attrs_batch folders; /* the group, and those in it, sorted as the list is */
    bool netcdf, alone;            /* alone: zarr.json without what is in the group */
    bool ok;
    struct c2_buf out;
    struct cat2_error err;
};

static void group_free(struct group *g)
{
    for (size_t i = 0; i < g->n; i++)
        c2_ds_unref(g->list[i]);
    c2_sub_attrs_batch_fini(&g->folders);
    free(g->list);
    c2_buf_fini(&g->out);
    free(g);
}

/* Datasets that are arrays of the view. */
static bool is_array(const struct c2_ds *ds)
{
    return !ds->error && c2_kind_of(c2_str_of(ds->path)) == C2_KIND_ARRAY && !c2_zarr_is_hidden(ds);
}

/* Its name beneath the group. */
static struct c2_str name_in(const struct group *g, const struct c2_ds *ds)
{
    struct c2_str name = c2_ds_name(ds);

    return (struct c2_str){name.p + g->dir_n, name.n - g->dir_n};
}

/* ---- .zmetadata ---- */

static void put_key(struct c2_jw *w, struct c2_str path, bool folder, const char *name)
{
    C2_AUTO(c2_buf) key = C2_BUF_INIT(3 * path.n + 16);

    w->ok = w->ok && c2_zarr_put_path(path, folder, &key, w->err) &&
            c2_buf_printf(&key, w->err, "%s%s", path.n && *name ? "/" : "", name);
    c2_jw_key(w, c2_buf_cstr(&key));
}

static struct c2_str path_in(const struct group *g, const struct c2_folder_attrs *folder)
{
    size_t skip = g->dir_n < folder->path.n ? g->dir_n : folder->path.n;

    return (struct c2_str){folder->path.p + skip, folder->path.n - skip};
}

static void put_group(const struct group *g, const struct c2_folder_attrs *folder, struct c2_jw *w)
{
    struct c2_str path = path_in(g, folder);

    put_key(w, path, true, ".zgroup");
    c2_jw_raw(w, C2_STR("{\"zarr_format\":2}"));
    if (!folder->json.n) return;
    put_key(w, path, true, ".zattrs");
    c2_zarr_group_attrs_json(c2_buf_str(&folder->json), g->netcdf, 2, w);
}

static void put_array(struct c2_jw *w, const struct c2_ds *ds, struct c2_str name)
{
    put_key(w, name, false, ".zarray");
    c2_zarr_array_json(ds->meta, w);
    put_key(w, name, false, ".zattrs");
    c2_zarr_attrs_json(ds, w);
}

/* Groups that begin at dataset i of the list, *k being the next one. zarr-python takes members of a group
 * that do not lie together for those of two groups, so each group stands directly before what is in it. */
static const struct c2_folder_attrs *next_group(const struct group *g, size_t i, size_t *k)
{
    bool begins = *k < g->folders.n && g->folders.folders[*k].path.p == g->list[i]->path;

    return begins ? &g->folders.folders[(*k)++] : NULL;
}

static bool make_all(struct group *g)
{
    const struct c2_folder_attrs *folder;
    struct c2_jw w;
    size_t k = 1;

    c2_jw_init(&w, &g->out, C2_JSON_COMPACT, &g->err);
    c2_jw_begin_object(&w);
    c2_jw_put_int(&w, "zarr_consolidated_format", 1);
    c2_jw_open_object(&w, "metadata");
    g->netcdf = c2_zarr_is_netcdf(g->list, g->n);
    put_group(g, &g->folders.folders[0], &w);
    for (size_t i = 0; w.ok && i < g->n; i++) {
        while ((folder = next_group(g, i, &k)))
            put_group(g, folder, &w);
        if (is_array(g->list[i]) && c2_zarr_common(&g->list[i]->meta->dtype))
            put_array(&w, g->list[i], name_in(g, g->list[i]));
    }
    c2_jw_end_object(&w);
    c2_jw_end_object(&w);
    return c2_jw_finish(&w);
}

/* ---- zarr.json ---- */

static void put_consolidated(struct group *g, struct c2_jw *w)
{
    const struct c2_folder_attrs *folder;
    struct cat2_error ignored;
    size_t k = 1;

    c2_jw_open_object(w, "consolidated_metadata");
    c2_jw_put_cstr(w, "kind", "inline");
    c2_jw_put_bool(w, "must_understand", false);
    c2_jw_open_object(w, "metadata");
    for (size_t i = 0; w->ok && i < g->n; i++) {
        while ((folder = next_group(g, i, &k))) {
            put_key(w, path_in(g, folder), true, "");
            c2_zarr3_begin_group(c2_buf_str(&folder->json), g->netcdf, w);
            c2_jw_end_object(w);
        }
        if (!is_array(g->list[i]) || !c2_zarr3_knows(&g->list[i]->meta->dtype, &ignored)) continue;
        put_key(w, name_in(g, g->list[i]), false, "");
        c2_zarr3_array_json(g->list[i], w);
    }
    c2_jw_end_object(w);
    c2_jw_end_object(w);
}

static bool make_v3(struct group *g)
{
    struct c2_jw w;

    c2_buf_clear(&g->out);
    g->netcdf = c2_zarr_is_netcdf(g->list, g->n);
    c2_jw_init(&w, &g->out, C2_JSON_COMPACT, &g->err);
    c2_zarr3_begin_group(c2_buf_str(&g->folders.folders[0].json), g->netcdf, &w);
    if (!g->alone) put_consolidated(g, &w);
    c2_jw_end_object(&w);
    if (c2_jw_finish(&w)) return true;
    if (g->alone || g->err.code != CAT2_ELIMIT) return false;
    g->alone = true; /* readers then ask for each one */
    return make_v3(g);
}

/* Note a folder; its group is counted on. */
static bool add_folder(struct group *g, struct c2_str path, struct cat2_error *err)
{
    if (g->folders.n == C2_ZARR_FOLDERS_MAX)
        return c2_fail(err, CAT2_ELIMIT, "there are more than %d folders", C2_ZARR_FOLDERS_MAX);
    g->folders.folders[g->folders.n++] = (struct c2_folder_attrs){.path = path};
    return true;
}

static bool gather_folders(struct group *g, struct cat2_error *err)
{
    const char *before = "";

    g->folders.folders = calloc(C2_ZARR_FOLDERS_MAX, sizeof(*g->folders.folders));
    if (!g->folders.folders) return c2_fail_nomem(err, "folders");
    if (!add_folder(g, (struct c2_str){g->dir, g->dir_n ? g->dir_n - 1 : 0}, err)) return false;
    for (size_t i = 0; i < g->n; i++) {
        const char *path = g->list[i]->path;
        size_t same = g->dir_n;
        while (path[same] && *before && path[same] == before[same])
            same++;
        for (size_t k = same; path[k]; k++) /* those that the one before was not in */
            if (path[k] == '/' && !add_folder(g, (struct c2_str){path, k}, err)) return false;
        before = path;
    }
    return true;
}

/* Of too many folders zarr.json tells nothing. */
static bool gather(struct group *g, struct cat2_error *err)
{
    if (gather_folders(g, err)) return true;
    if (g->what != WHAT_V3 || err->code != CAT2_ELIMIT) return false;
    g->alone = true;
    g->folders.n = 1;
    return true;
}

#define ENTRY_COST 16384 /* bytes that are decoded while the metadata of a dataset is written */

static void start_work(void *ctx);

/* What the publisher does not tell, a folder does not have. */
static void ask_attrs(struct group *g)
{
    g->folders.sub = g->sub;
    g->folders.root = g->root;
    g->folders.done = start_work;
    g->folders.ctx = g;
    c2_sub_attrs_batch(&g->folders);
}

/* ---- links ---- */

static bool put_link(struct c2_buf *out, struct c2_str name, bool folder, struct cat2_error *err)
{
    C2_AUTO(c2_buf) key = C2_BUF_INIT(4 * C2_PATH_MAX);
    C2_AUTO(c2_buf) text = C2_BUF_INIT(4 * C2_PATH_MAX);

    return c2_zarr_put_path(name, folder, &key, err) && c2_url_encode(c2_buf_str(&key), false, &text, err) &&
           c2_buf_printf(out, err, "<li><a href=\"%s/\">%s/</a>\n", c2_buf_cstr(&text), c2_buf_cstr(&text));
}

static bool make_links(struct group *g)
{
    struct c2_str before = {"", 0}, name, rest;

    if (!c2_buf_puts(&g->out, "<!doctype html><meta charset=\"utf-8\"><title>Zarr</title><ul>\n", &g->err))
        return false;
    for (size_t i = 0; i < g->n; i++) { /* the list is sorted: what is in one folder lies together */
        bool folder = c2_str_cut(c2_str_of(g->list[i]->path + g->dir_n), '/', &name, &rest);
        if (folder ? c2_str_eq(name, before) : !is_array(g->list[i])) continue;
        if (!put_link(&g->out, folder ? name : name_in(g, g->list[i]), folder, &g->err)) return false;
        if (folder) before = name;
    }
    return c2_buf_puts(&g->out, "</ul>\n", &g->err);
}

/* ---- the request ---- */

static void group_work(void *job, void *codec)
{
    struct group *g = job;

    (void)codec;
    g->ok = g->what == WHAT_ALL ? make_all(g) : g->what == WHAT_V3 ? make_v3(g) : make_links(g);
}

static void group_done(void *job)
{
    struct group *g = job;

    if (g->ok) {
        c2_reply_header(g->req, "Cache-Control", "no-cache");
        c2_reply_buf(g->req, 200, g->what == WHAT_LINKS ? "text/html; charset=utf-8" : "application/json",
                     &g->out);
    } else if (g->err.code == CAT2_ELIMIT && g->what == WHAT_ALL) { /* readers go on without */
        c2_reply_detail(g->req, 404, "the metadata of %zu datasets together is more than %d bytes", g->n,
                        C2_ZARR_METADATA_NBYTES);
    } else {
        c2_reply_error(g->req, &g->err);
    }
    group_free(g);
}

static void start_work(void *ctx)
{
    struct group *g = ctx;
    struct c2_pool_share share = {c2_view_client(g->req), (int64_t)g->n * ENTRY_COST};

    c2_pool_run_for(g->sub->config.pool, &share, group_work, group_done, g);
}

/* Tell readers that look again that nothing has changed. */
static bool settled(struct group *g, const struct c2_root_state *root)
{
    char text[48], etag[80];

    c2_sub_root_etag(root, text);
    snprintf(etag, sizeof(etag), "\"%s\"", text);
    if (c2_reply_if_settled(g->req, etag)) return true;
    c2_reply_header(g->req, "ETag", etag);
    return false;
}

static void on_listed(void *ctx, const struct cat2_error *why)
{
    struct group *g = ctx;
    struct c2_root_state *root = c2_sub_root(g->sub, c2_str_of(g->root));
    struct cat2_error err;

    if (root && !why) c2_sub_say_stale(g->req, root);
    if (g->fn && !why) {
        g->fn(g->req, g->sub);
    } else if (why || !root ||
               !c2_sub_beneath(root, (struct c2_str){g->dir, g->dir_n}, &g->list, &g->n, &err)) {
        c2_reply_error(g->req, why ? why : &err);
    } else if (g->what == WHAT_GROUP) {
        c2_reply_static(g->req, 200, "application/json", c2_bytes_of(C2_STR("{\"zarr_format\":2}")));
    } else if (g->what == WHAT_LINKS && settled(g, root)) {
        /* answered */
    } else if (g->what == WHAT_LINKS) {
        start_work(g);
        return;
    } else if (!gather(g, &err)) { /* readers go on without */
        c2_reply_detail(g->req, err.code == CAT2_ELIMIT ? 404 : 503, "%s", err.message);
    } else {
        ask_attrs(g);
        return;
    }
    group_free(g);
}

static void start(struct c2_request *req, struct c2_subscriber *sub, struct c2_str whole, enum what what,
                  c2_zarr_handler *fn)
{
    struct c2_str name, path;
    struct cat2_error err;

    whole = c2_str_no_slashes(whole);
    c2_str_cut(whole, '/', &name, &path);
    struct c2_root_state *root = c2_sub_root_of(req, sub, name);
    if (path.n && !c2_path_check(path, &err)) {
        c2_reply_detail(req, 400, "Invalid path %.*s", (int)c2_min_i64(200, (int64_t)path.n), path.p);
        return;
    }
    struct group *g = root ? calloc(1, sizeof(*g)) : NULL;
    if (!root) {
        c2_reply_no_root(req, name);
        return;
    }
    if (!g) {
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    *g = (struct group){.req = req, .sub = sub, .what = what, .fn = fn};
    c2_buf_init(&g->out, C2_ZARR_METADATA_NBYTES);
    snprintf(g->root, sizeof(g->root), "%s", root->root.name);
    if (path.n) g->dir_n = (size_t)snprintf(g->dir, sizeof(g->dir), "%.*s/", C2_STR_ARG(path));
    if (!c2_sub_may_follow(req, root, &err))
        on_listed(g, &err);
    else
        c2_sub_when_known(root, on_listed, g);
}

/* The links of `path` with the folder that has this key in it. */
static void links_of(struct c2_request *req, struct c2_subscriber *sub, struct c2_str path, struct c2_str key)
{
    C2_AUTO(c2_buf) whole = C2_BUF_INIT(path.n + key.n + 2);
    struct cat2_error err;

    if (c2_buf_append_str(&whole, path, &err) && c2_buf_putc(&whole, '/', &err) &&
        c2_zarr_path_of(key, &whole, &err))
        start(req, sub, c2_buf_str(&whole), WHAT_LINKS, NULL);
    else
        c2_reply_error(req, &err);
}

void c2_zarr_group(struct c2_request *req, struct c2_subscriber *sub, c2_zarr_handler *fn)
{
    struct c2_str key = c2_request_param(req, "key"), path = c2_request_param(req, "path");

    if (fn || c2_str_is(key, ".zgroup"))
        start(req, sub, path, WHAT_GROUP, fn);
    else if (c2_str_is(key, "zarr.json"))
        start(req, sub, path, WHAT_V3, NULL);
    else if (c2_str_is(key, ".zmetadata"))
        start(req, sub, path, WHAT_ALL, NULL);
    else /* a folder, without the slash */
        links_of(req, sub, path, key);
}

void c2_zarr_links(struct c2_request *req, void *state)
{
    struct c2_str root, key;

    c2_str_cut(c2_request_param(req, "path"), '/', &root, &key);
    links_of(req, state, root, key);
}
