/* SPDX-License-Identifier: BSD-3-Clause */
/* GET /api/attrs: attributes of a root or a folder of it, which HDF5 groups have. The publisher is asked each
 * time; what it said last is kept, and given while it is away. */
#include <stdlib.h>

#include "base/limits.h"
#include "base/log.h"
#include "subscriber/sub_impl.h"
#include "wire/url.h"

struct asking {
    struct c2_request *req;
    struct c2_subscriber *sub;
};

static void give(struct c2_request *req, struct c2_str json)
{
    struct c2_buf out = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    struct cat2_error err;

    if (c2_buf_append_str(&out, json, &err)) {
        c2_reply_json(req, 200, &out);
        return;
    }
    c2_buf_fini(&out);
    c2_reply_error(req, &err);
}

/* The publisher cannot be asked: what it said before, or why. */
static void give_kept(struct asking *a, const struct cat2_error *why)
{
    C2_AUTO(c2_buf) kept = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    struct cat2_error err;

    if (c2_state_get(a->sub->state, "attrs", c2_request_param(a->req, "path"), &kept, &err))
        give(a->req, c2_buf_str(&kept));
    else
        c2_reply_error(a->req, why);
}

static void on_answer(void *ctx, struct c2_http_reply *reply, const struct cat2_error *why)
{
    struct asking *a = ctx;
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct cat2_error err;
    struct c2_str path = c2_request_param(a->req, "path");

    if (why) {
        give_kept(a, why);
    } else if (reply->status == 404) {
        (void)c2_state_del(a->sub->state, "attrs", path, &err);
        c2_reply_detail(a->req, 404, "it has no attributes of its own");
    } else if (reply->status != 200 || !c2_json_parse(c2_buf_str(reply->body), &json, &err) ||
               c2_jval_kind(c2_json_root(json)) != C2_JOBJECT) {
        c2_fail(&err, CAT2_EUPSTREAM, "the publisher answers %d for attributes", reply->status);
        give_kept(a, &err);
    } else {
        if (!c2_state_put(a->sub->state, "attrs", path, c2_buf_str(reply->body), &err))
            c2_log_warn("state: %s", err.message);
        give(a->req, c2_buf_str(reply->body));
    }
    free(a);
}

static bool ask(struct asking *a, const struct c2_root_state *root, struct c2_str path,
                struct cat2_error *err)
{
    C2_AUTO(c2_buf) url = C2_BUF_INIT(8192);

    if (!c2_buf_printf(&url, err, "http://%s/api/attrs", root->root.http) ||
        (path.n && (!c2_buf_putc(&url, '/', err) || !c2_url_encode(path, true, &url, err))))
        return false;
    struct c2_http_call call = {
        .url = c2_buf_cstr(&url), .body_max = C2_VLMETA_NBYTES_MAX, .done = on_answer, .ctx = a};
    return c2_upcall_start(a->sub, &call, err);
}

void c2_handle_attrs(struct c2_request *req, void *state)
{
    struct c2_str whole = c2_request_param(req, "path"), name, path;
    struct c2_subscriber *sub = state;
    struct cat2_error err;

    c2_str_cut(whole, '/', &name, &path);
    const struct c2_root_state *root = c2_sub_root(sub, name);
    if (!root) {
        c2_reply_detail(req, 404, "Not Found");
        return;
    }
    if (path.n && !c2_path_check(path, &err)) {
        c2_reply_detail(req, 400, "Invalid path %.*s", (int)c2_min_i64(200, (int64_t)path.n), path.p);
        return;
    }
    struct asking *a = calloc(1, sizeof(*a));
    if (!a) {
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    *a = (struct asking){req, sub};
    if (ask(a, root, path, &err)) return;
    give_kept(a, &err);
    free(a);
}
