/* SPDX-License-Identifier: BSD-3-Clause */
/* The routes below /mirror/ROOT; single datasets and attributes are here. */
#include "subscriber/republish/republish.h"

#include "base/limits.h"
#include "subscriber/answer/folder_attrs.h"
#include "subscriber/answer/lookup.h"
#include "subscriber/mirror/dataset.h"
#include "subscriber/mirror/suppliers.h"

/* The line of the list, as its publisher wrote it. */
static void reply_line(struct c2_request *req, struct c2_ds *ds)
{
    struct c2_buf out = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    struct cat2_error err;

    if (c2_ds_put_line(ds, &out, &err) && c2_buf_putc(&out, '\n', &err)) {
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

static void handle_attrs(struct c2_request *req, void *state)
{
    struct c2_str root = c2_request_param(req, "root"), path = c2_request_param(req, "path");
    const char *whole = c2_arena_printf(c2_request_arena(req), "%.*s%s%.*s", C2_STR_ARG(root),
                                        path.n ? "/" : "", C2_STR_ARG(path));

    if (whole)
        c2_sub_reply_attrs(req, state, c2_str_of(whole));
    else
        c2_reply_detail(req, 503, "out of memory");
}

/* Who measures how far this subscriber is asks this, and learns whether roots come in a circle. */
static void handle_mirror(struct c2_request *req, void *state)
{
    struct c2_buf out = C2_BUF_INIT(1 << 20);
    struct cat2_error err;
    struct c2_jw w;

    c2_jw_init(&w, &out, C2_JSON_COMPACT, &err);
    c2_jw_begin_object(&w);
    c2_jw_open_array(&w, "via");
    c2_suppliers_via_jw(&w, state);
    c2_jw_end_array(&w);
    c2_suppliers_current_jw(&w, req, state);
    c2_jw_end_object(&w);
    c2_reply_built(req, c2_jw_finish(&w), &out, &err);
}

static const struct c2_route routes[] = {
    {C2_GET, "/mirror", handle_mirror, "", NULL},
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
