/* SPDX-License-Identifier: BSD-3-Clause */
/* GET /zarr/...: arrays, for programs that read Zarr. docs/protocol.md "Zarr". */
#include "subscriber/zarr/zarr3.h"

#include <stdio.h>

#include "base/limits.h"
#include "subscriber/answer/folder_attrs.h"
#include "subscriber/answer/lookup.h"
#include "subscriber/answer/refuse.h"
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
    c2_zarr_array_json(ds->meta, &w);
    reply_json(req, ds, c2_jw_finish(&w), &out, &err);
}

static void zarr3_json(struct c2_request *req, struct c2_ds *ds)
{
    struct c2_buf out = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    struct cat2_error err;
    struct c2_jw w;

    if (!is_array(req, ds) || c2_view_generation(req, ds)) return;
    if (!c2_zarr3_knows(&ds->meta->dtype, &err)) { /* readers look for version 2 */
        c2_reply_detail(req, 404, "%s", err.message);
        return;
    }
    c2_jw_init(&w, &out, C2_JSON_COMPACT, &err);
    reply_json(req, ds, c2_zarr3_array_json(ds, &w) && c2_jw_finish(&w), &out, &err);
}

static void attrs_json(struct c2_request *req, struct c2_ds *ds)
{
    struct c2_buf out = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    struct cat2_error err;
    struct c2_jw w;

    if (!is_array(req, ds) || c2_view_generation(req, ds)) return;
    c2_jw_init(&w, &out, C2_JSON_COMPACT, &err);
    reply_json(req, ds, c2_zarr_attrs_json(ds, &w) && c2_jw_finish(&w), &out, &err);
}

/* ---- chunks ---- */

static bool chunk_bound(struct c2_view *view, int64_t i, struct c2_bound *out)
{
    struct c2_bound part = c2_select_part(&view->parts, i);

    return c2_zarr_clip(&view->ds->meta->grid, &part, out);
}

static bool chunk_run(struct c2_view *view, const struct c2_reading *reading, int64_t i, struct c2_buf *out,
                      struct cat2_error *err)
{
    const struct c2_meta *meta = view->ds->meta;
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

static bool bind_key(struct c2_view *view, struct c2_str key, struct cat2_error *err)
{
    const struct c2_meta *meta = view->ds->meta;
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

static bool chunk_parse(struct c2_view *view, struct cat2_error *err)
{
    return bind_key(view, c2_request_param(view->req, "key"), err);
}

static const struct c2_view_type chunk_view = {.parse = chunk_parse, .bound = chunk_bound, .run = chunk_run};

static void chunk(struct c2_request *req, struct c2_ds *ds)
{
    if (is_array(req, ds)) c2_view_answer(req, ds, &chunk_view);
}

/* ---- chunks of version 3 ---- */

static bool chunk3_run(struct c2_view *view, const struct c2_reading *reading, int64_t i, struct c2_buf *out,
                       struct cat2_error *err)
{
    const struct c2_dtype *dtype = &view->ds->meta->dtype;

    if (!c2_zarr3_differs(dtype)) return chunk_run(view, reading, i, out, err);
    C2_AUTO(c2_buf) items = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    if (!chunk_run(view, reading, i, &items, err)) return false;
    int64_t nitems = (int64_t)items.n / dtype->itemsize;
    if (!c2_buf_resize(out, (size_t)(nitems * c2_zarr3_itemsize(dtype)), err)) return false;
    c2_zarr3_items(dtype, items.p, nitems, out->p);
    return true;
}

static bool chunk3_parse(struct c2_view *view, struct cat2_error *err)
{
    const struct c2_dtype *dtype = &view->ds->meta->dtype;
    struct c2_str path = c2_request_path(view->req);
    C2_AUTO(c2_buf) key = C2_BUF_INIT(path.n + 1);

    if (!c2_zarr3_knows(dtype, err)) return false;
    if (!c2_zarr3_cut_key(&path, &key)) return c2_fail(err, CAT2_ENOTFOUND, "this is no chunk");
    if (!bind_key(view, c2_buf_str(&key), err)) return false;
    view->length = view->length / dtype->itemsize * c2_zarr3_itemsize(dtype);
    return true;
}

static const struct c2_view_type chunk3_view = {
    .parse = chunk3_parse, .bound = chunk_bound, .run = chunk3_run};

static void chunk3(struct c2_request *req, struct c2_ds *ds)
{
    if (is_array(req, ds)) c2_view_answer(req, ds, &chunk3_view);
}

/* ---- the request ---- */

struct group_asked {
    struct c2_request *req;
    bool netcdf;
};

/* A group whose attributes cannot be had now must open all the same: it has none. */
static void reply_group_attrs(void *ctx, struct c2_str json, const struct cat2_error *why)
{
    const struct group_asked *asked = ctx;
    struct c2_buf out = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    struct cat2_error err;
    struct c2_jw w;

    if (why) {
        c2_reply_detail(asked->req, 404, "%.300s", why->message);
        return;
    }
    c2_jw_init(&w, &out, C2_JSON_COMPACT, &err);
    bool ok = c2_zarr_group_attrs_json(json, asked->netcdf, 2, &w) && c2_jw_finish(&w);
    c2_reply_built(asked->req, ok, &out, &err);
}

/* Its path ends as those of folders do which are called like arrays. */
static bool means_folder(struct c2_request *req)
{
    struct c2_str whole = c2_request_path(req), key = c2_request_param(req, "key");

    return whole.n > key.n && c2_zarr_is_folder((struct c2_str){whole.p, whole.n - key.n - 1});
}

/* .zattrs is of arrays and of groups, and what looks like a chunk may be a folder: what a path is, is known
 * when its root has been listed. */
static struct c2_ds *dataset_at(struct c2_request *req, struct c2_subscriber *sub, struct c2_str whole)
{
    struct c2_str name, path;
    bool folder;

    c2_str_cut(whole, '/', &name, &path);
    struct c2_root_state *root = c2_sub_root_of(req, sub, name);
    return root ? c2_sub_find_named(root, path, means_folder(req), &folder) : NULL;
}

static struct c2_ds *dataset_of(struct c2_request *req, struct c2_subscriber *sub)
{
    return dataset_at(req, sub, c2_request_param(req, "path"));
}

/* The array of PATH/c/0/1, whose key the route has taken apart. */
static struct c2_ds *array_of_chunk3(struct c2_request *req, struct c2_subscriber *sub)
{
    struct c2_str path = c2_request_param(req, "path"), key = c2_request_param(req, "key");
    C2_AUTO(c2_buf) text = C2_BUF_INIT(path.n + key.n + 1), ignored = C2_BUF_INIT(path.n + key.n + 1);
    struct cat2_error err;

    if (!c2_buf_printf(&text, &err, "%.*s/%.*s", C2_STR_ARG(path), C2_STR_ARG(key))) return NULL;
    struct c2_str whole = c2_buf_str(&text);
    return c2_zarr3_cut_key(&whole, &ignored) ? dataset_at(req, sub, whole) : NULL;
}

static void with_array(struct c2_request *req, struct c2_subscriber *sub, struct c2_ds *ds,
                       c2_dataset_handler *fn)
{
    if (!ds)
        c2_reply_no_dataset(req, sub);
    else if (ds->error)
        c2_reply_unserved(req, ds);
    else
        fn(req, ds);
}

static void attrs_of_group(struct c2_request *req, struct c2_subscriber *sub)
{
    struct group_asked *asked = c2_arena_alloc(c2_request_arena(req), sizeof(*asked));
    struct c2_str name, path;
    struct c2_ds **list = NULL;
    char dir[C2_PATH_MAX + 2];
    size_t n = 0;

    if (!asked) {
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    c2_str_cut(c2_request_param(req, "path"), '/', &name, &path);
    struct c2_root_state *root = c2_sub_root_of(req, sub, name);
    int length = snprintf(dir, sizeof(dir), "%.*s%s", C2_STR_ARG(path), path.n ? "/" : "");
    if (root) n = c2_sub_first_beneath(root, (struct c2_str){dir, (size_t)length}, &list);
    *asked = (struct group_asked){req, c2_zarr_is_netcdf(list, n)};
    c2_sub_attrs(sub, c2_request_param(req, "path"), reply_group_attrs, asked);
}

static void attrs_of_array_or_group(struct c2_request *req, struct c2_subscriber *sub)
{
    struct c2_ds *ds = dataset_of(req, sub);

    if (ds)
        with_array(req, sub, ds, attrs_json);
    else
        attrs_of_group(req, sub);
}

static void array_of(struct c2_request *req, struct c2_subscriber *sub)
{
    with_array(req, sub, dataset_of(req, sub), array_json);
}

static void array3_or_group(struct c2_request *req, struct c2_subscriber *sub)
{
    struct c2_ds *ds = dataset_of(req, sub);

    if (ds)
        with_array(req, sub, ds, zarr3_json);
    else
        c2_zarr_group(req, sub, NULL);
}

static void chunk_or_links(struct c2_request *req, struct c2_subscriber *sub)
{
    bool scalar = c2_str_is(c2_request_param(req, "key"), "c"); /* the chunk of an array without axes */
    struct c2_ds *ds = dataset_of(req, sub), *other = ds ? NULL : array_of_chunk3(req, sub);

    if (ds || other)
        with_array(req, sub, ds ? ds : other, ds && !scalar ? chunk : chunk3);
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

    if (!take_path(req)) return;
    if (c2_str_is(key, ".zarray") && means_folder(req))
        c2_reply_detail(req, 404, "%.*s is a folder", (int)c2_min_i64(300, (int64_t)c2_request_path(req).n),
                        c2_request_path(req).p);
    else if (c2_str_is(key, ".zarray"))
        c2_zarr_group(req, state, array_of);
    else if (c2_str_is(key, ".zattrs"))
        c2_zarr_group(req, state, attrs_of_array_or_group);
    else if (c2_str_is(key, "zarr.json"))
        c2_zarr_group(req, state, array3_or_group);
    else if ((key.p[0] >= '0' && key.p[0] <= '9') || c2_str_is(key, "c"))
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
