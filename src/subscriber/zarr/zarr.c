/* SPDX-License-Identifier: BSD-3-Clause */
/* GET /zarr/...: arrays, for programs that read Zarr. docs/protocol.md "Zarr". */
#include "subscriber/zarr/zarr.h"
#include "subscriber/answer/folder_attrs.h"
#include "subscriber/answer/lookup.h"
#include "subscriber/answer/view.h"
#include "subscriber/mirror/roots.h"

static bool is_array(struct c2_request *req, const struct c2_ds *ds)
{
    if (c2_kind_of(c2_str_of(ds->path)) == C2_KIND_ARRAY) return true;
    c2_reply_detail(req, 404, "only arrays (.b2nd) are arrays of Zarr");
    return false;
}

/* ---- metadata ---- */

static void reply_json(struct c2_request *req, const struct c2_ds *ds, bool ok, struct c2_buf *out,
                       const struct cat2_error *err)
{
    if (ok) c2_reply_header(req, "ETag", ds->quoted);
    c2_reply_built(req, ok, out, err);
}

static void array_json(struct c2_request *req, struct c2_ds *ds)
{
    struct c2_buf out = C2_BUF_INIT(1 << 20);
    struct cat2_error err;
    struct c2_jw w;

    if (!is_array(req, ds) || c2_view_generation(req, ds)) return;
    c2_jw_init(&w, &out, C2_JSON_COMPACT, &err);
    c2_zarr_array_json(&ds->meta, &w);
    reply_json(req, ds, c2_jw_finish(&w), &out, &err);
}

static void attrs_json(struct c2_request *req, struct c2_ds *ds)
{
    struct c2_str text = c2_zarr_attrs_json(&ds->meta);
    struct c2_buf out = C2_BUF_INIT(text.n);
    struct cat2_error err;

    if (!is_array(req, ds) || c2_view_generation(req, ds)) return;
    reply_json(req, ds, c2_buf_append_str(&out, text, &err), &out, &err);
}

/* ---- chunks ---- */

static bool chunk_bound(struct c2_view *view, int64_t i, struct c2_bound *out)
{
    struct c2_bound part = c2_select_part(&view->parts, i);

    return c2_zarr_clip(&view->ds->meta.grid, &part, out);
}

static bool chunk_run(struct c2_view *view, const struct c2_reading *reading, int64_t i, struct c2_buf *out,
                      struct cat2_error *err)
{
    const struct c2_meta *meta = &view->ds->meta;
    struct c2_bound part = c2_select_part(&view->parts, i), clipped;
    size_t itemsize = (size_t)meta->dtype.itemsize, nbytes = (size_t)part.nitems * itemsize;
    C2_AUTO(c2_buf) items = C2_BUF_INIT(nbytes);

    bool within = c2_zarr_clip(&meta->grid, &part, &clipped);
    if (within && clipped.nitems == part.nitems) return c2_read_items(reading, &part, out, err);
    if (!c2_buf_resize(out, nbytes, err)) return false;
    memset(out->p, 0, nbytes);
    if (!within) return true;
    if (!c2_read_items(reading, &clipped, &items, err)) return false;
    c2_zarr_pad(&part, &clipped, itemsize, items.p, out->p);
    return true;
}

static bool chunk_parse(struct c2_view *view, struct cat2_error *err)
{
    const struct c2_meta *meta = &view->ds->meta;
    struct c2_str key = c2_request_param(view->req, "key");
    struct c2_bound bound;
    int64_t index[C2_DIM_MAX];

    if (!c2_zarr_key_parse(key, meta->grid.ndim, index))
        return c2_fail(err, CAT2_ENOTFOUND, "'%.*s' is no chunk of an array of %d axes",
                       (int)c2_min_i64(100, (int64_t)key.n), key.p, meta->grid.ndim);
    if (!c2_zarr_chunk_bound(&meta->grid, index, &bound, err)) return false;
    if (!c2_mul_i64(bound.nitems, meta->dtype.itemsize, &view->length))
        return c2_fail(err, CAT2_ELIMIT, "the chunk is too large");
    c2_view_select(view, &bound, C2_VIEW_PART_NBYTES);
    view->content_type = "application/octet-stream";
    return c2_codec_supports(&meta->cparams, err);
}

static const struct c2_view_type chunk_view = {.parse = chunk_parse, .bound = chunk_bound, .run = chunk_run};

static void chunk(struct c2_request *req, struct c2_ds *ds)
{
    if (is_array(req, ds)) c2_view_answer(req, ds, &chunk_view);
}

/* ---- the request ---- */

/* A group whose attributes cannot be had now must open all the same: it has none. */
static void reply_group_attrs(void *ctx, struct c2_str json, const struct cat2_error *why)
{
    struct c2_buf out = C2_BUF_INIT(json.n);
    struct cat2_error err;

    if (why)
        c2_reply_detail(ctx, 404, "%.300s", why->message);
    else if (c2_buf_append_str(&out, json, &err))
        c2_reply_json(ctx, 200, &out);
    else
        c2_reply_error(ctx, &err);
    c2_buf_fini(&out);
}

/* Its path ends as those of folders do which are called like arrays. */
static bool means_folder(struct c2_request *req)
{
    struct c2_str whole = c2_request_path(req), key = c2_request_param(req, "key");

    return whole.n > key.n && c2_zarr_is_folder((struct c2_str){whole.p, whole.n - key.n - 1});
}

/* .zattrs is of arrays and of groups, and what looks like a chunk may be a folder: what a path is, is known
 * when its root has been listed. */
static bool is_dataset(struct c2_request *req, struct c2_subscriber *sub)
{
    struct c2_str name, path;

    c2_str_cut(c2_request_param(req, "path"), '/', &name, &path);
    struct c2_root_state *root = c2_sub_root_of(req, sub, name);
    return root && !means_folder(req) && c2_sub_find(root, path);
}

static void attrs_of_array_or_group(struct c2_request *req, struct c2_subscriber *sub)
{
    if (is_dataset(req, sub))
        c2_sub_with_dataset(req, sub, false, attrs_json);
    else
        c2_sub_attrs(sub, c2_request_param(req, "path"), reply_group_attrs, req);
}

static void chunk_or_links(struct c2_request *req, struct c2_subscriber *sub)
{
    if (is_dataset(req, sub))
        c2_sub_with_dataset(req, sub, false, chunk);
    else
        c2_zarr_group(req, sub, NULL);
}

/* {path*} is a key: the path it stands for takes its place. */
static bool take_path(struct c2_request *req)
{
    struct c2_str whole = c2_request_param(req, "path"), root, key;
    C2_AUTO(c2_buf) path = C2_BUF_INIT(whole.n + 1);
    struct cat2_error err;

    c2_str_cut(whole, '/', &root, &key);
    if (!memchr(whole.p, '~', whole.n)) return true;
    bool ok = c2_buf_append(&path, whole.p, whole.n - key.n, &err) && c2_zarr_path_of(key, &path, &err);
    const char *copy = ok ? c2_arena_strdup(c2_request_arena(req), c2_buf_str(&path)) : NULL;
    if (copy)
        c2_request_param_set(req, "path", c2_str_of(copy));
    else
        c2_reply_detail(req, 503, "out of memory");
    return copy;
}

static void handle_zarr(struct c2_request *req, void *state)
{
    struct c2_str key = c2_request_param(req, "key");

    if (c2_str_is(key, "zarr.json")) {
        c2_reply_detail(req, 404, "this is Zarr of version 2: .zarray, .zgroup, .zattrs");
        return;
    }
    if (!take_path(req)) return;
    if (c2_str_is(key, ".zarray") && means_folder(req))
        c2_reply_detail(req, 404, "%.*s is a folder", (int)c2_min_i64(300, (int64_t)c2_request_path(req).n),
                        c2_request_path(req).p);
    else if (c2_str_is(key, ".zarray"))
        c2_sub_with_dataset(req, state, false, array_json);
    else if (c2_str_is(key, ".zattrs"))
        c2_zarr_group(req, state, attrs_of_array_or_group);
    else if (key.p[0] >= '0' && key.p[0] <= '9')
        c2_zarr_group(req, state, chunk_or_links);
    else
        c2_zarr_group(req, state, NULL);
}

void c2_zarr_add_routes(struct c2_subscriber *sub)
{
    static const struct c2_route routes[] = {
        {C2_GET, "/zarr/{path*}/{key}", handle_zarr, "", NULL},
        {C2_GET, "/zarr/{path*}", c2_zarr_links, "", NULL},
    };

    c2_server_routes(sub->config.server, routes, C2_ARRAY_LEN(routes), sub);
}
