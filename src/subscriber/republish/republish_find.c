/* SPDX-License-Identifier: BSD-3-Clause */
/* The dataset that a route means, in the generation that it means. */
#include "base/limits.h"
#include "subscriber/answer/lookup.h"
#include "subscriber/answer/refuse.h"
#include "subscriber/mirror/roots.h"
#include "subscriber/republish/republish.h"

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
