/* SPDX-License-Identifier: BSD-3-Clause */
/* GET /api/attrs: attributes of a root or a folder of it. */
#include "subscriber/answer/folder_attrs.h"
#include "subscriber/answer/refuse.h"
#include "subscriber/api/api.h"

static void reply(void *ctx, struct c2_str json, const struct cat2_error *why)
{
    struct c2_request *req = ctx;
    struct c2_buf out = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    struct cat2_error err;

    bool ok = !why && c2_buf_append_str(&out, json, &err);
    c2_reply_built(req, ok, &out, why ? why : &err);
}

void c2_handle_attrs(struct c2_request *req, void *state)
{
    struct c2_str name, path;

    c2_str_cut(c2_request_param(req, "path"), '/', &name, &path);
    if (!c2_request_sees(req, name))
        c2_reply_no_root(req, name);
    else
        c2_sub_attrs(state, c2_request_param(req, "path"), reply, req);
}
