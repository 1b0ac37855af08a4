/* SPDX-License-Identifier: BSD-3-Clause */
/* The routes below /mirror/ROOT; single datasets and attributes are here. */
#include "subscriber/republish/republish.h"

#include "base/limits.h"
#include "subscriber/answer/folder_attrs.h"
#include "subscriber/answer/lookup.h"
#include "subscriber/answer/refuse.h"
#include "subscriber/mirror/follow.h"
#include "subscriber/mirror/roots.h"

struct meant {
    void (*fn)(struct c2_request *req, struct c2_ds *ds);
};

static void found(const struct c2_found *found, const struct cat2_error *err)
{
    const struct meant *meant = found->ctx;

    if (err)
        c2_reply_reason(found->req, found->root, err);
    else if (!found->root)
        c2_reply_no_root(found->req, c2_request_param(found->req, "root"));
    else if (!found->ds)
        c2_reply_detail(found->req, 404, "there is no such dataset");
    else
        meant->fn(found->req, found->ds);
}

void c2_republish_with(struct c2_request *req, struct c2_subscriber *sub,
                       void (*fn)(struct c2_request *req, struct c2_ds *ds))
{
    struct c2_str root = c2_request_param(req, "root"), path = c2_request_param(req, "path");
    struct meant *meant = c2_arena_alloc(c2_request_arena(req), sizeof(*meant));
    struct cat2_error err;

    if (!meant) {
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    *meant = (struct meant){fn};
    if (!c2_path_check(path, &err))
        c2_reply_error(req, &err);
    else
        c2_sub_find_path(req, sub, root, path, C2_FIND_DATASET, found, meant);
}

bool c2_republish_is_meant(struct c2_request *req, struct c2_ds *ds)
{
    if (ds->error) {
        c2_reply_unserved(req, ds);
        return false;
    }
    c2_reply_header(req, "X-Caterva2-Generation", ds->etag);
    return !c2_reply_if_other(req, ds->quoted, ds->match);
}

/* The line of the list, as its publisher wrote it. */
static void reply_line(struct c2_request *req, struct c2_ds *ds)
{
    struct c2_buf out = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    struct cat2_error err;

    if (c2_buf_puts(&out, ds->line, &err) && c2_buf_putc(&out, '\n', &err)) {
        c2_reply_buf(req, 200, "application/x-ndjson", &out);
        return;
    }
    c2_buf_fini(&out);
    c2_reply_error(req, &err);
}

static void handle_info(struct c2_request *req, void *state)
{
    c2_republish_with(req, state, reply_line);
}

/* ---- attributes ---- */

static void reply_attrs(void *ctx, struct c2_str json, const struct cat2_error *why)
{
    struct c2_request *req = ctx;
    struct c2_buf out = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    struct cat2_error err;
    bool ok = !why && c2_buf_append_str(&out, json, &err);

    c2_reply_built(req, ok, &out, why ? why : &err);
}

static void handle_attrs(struct c2_request *req, void *state)
{
    struct c2_str root = c2_request_param(req, "root"), path = c2_request_param(req, "path");
    const char *whole = c2_arena_printf(c2_request_arena(req), "%.*s%s%.*s", C2_STR_ARG(root),
                                        path.n ? "/" : "", C2_STR_ARG(path));

    if (!whole)
        c2_reply_detail(req, 503, "out of memory");
    else if (!c2_request_sees(req, root))
        c2_reply_no_root(req, root);
    else
        c2_sub_attrs(state, c2_str_of(whole), reply_attrs, req);
}

static const struct c2_route routes[] = {
    {C2_GET, "/mirror/{root}/api/list", c2_republish_list, "full!", NULL},
    {C2_GET, "/mirror/{root}/api/info/{path*}", handle_info, "full!", NULL},
    {C2_GET, "/mirror/{root}/api/download/{path*}", c2_republish_pieces, "pieces", NULL},
    {C2_GET, "/mirror/{root}/api/frame/{path*}", c2_republish_frame, "", NULL},
    {C2_GET, "/mirror/{root}/api/attrs", handle_attrs, "", NULL},
    {C2_GET, "/mirror/{root}/api/attrs/{path*}", handle_attrs, "", NULL},
};

void c2_republish_add_routes(struct c2_subscriber *sub)
{
    c2_server_routes(sub->config.server, routes, C2_ARRAY_LEN(routes), sub);
}
