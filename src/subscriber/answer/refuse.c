/* SPDX-License-Identifier: BSD-3-Clause */
/* Why there is no answer, told to who asked: the publisher's reason, or what was asked for when there is no
 * such thing. */

#include "subscriber/answer/refuse.h"
#include "subscriber/mirror/roots.h"

void c2_reply_reason(struct c2_request *req, const struct c2_root_state *root, const struct cat2_error *err)
{
    if (err->http_status == 503 && root && root->retry_s > 1)
        c2_reply_later(req, root->retry_s, "%s", err->message);
    else
        c2_reply_error(req, err);
}

/* ---- of the dataset ---- */

int c2_ds_unserved_status(const struct c2_ds *ds)
{
    return ds->refused ? 501 : ds->busy ? 503 : 422;
}

void c2_reply_unserved(struct c2_request *req, const struct c2_ds *ds)
{
    c2_reply_detail(req, c2_ds_unserved_status(ds), "%s/%.400s cannot be served: %.300s", ds->root, ds->path,
                    ds->error);
}

/* ---- of the path ---- */

static int shown(struct c2_str text)
{
    return (int)c2_min_i64(300, (int64_t)text.n);
}

void c2_reply_no_root(struct c2_request *req, struct c2_str name)
{
    c2_reply_detail(req, 404, "there is no root '%.*s'", shown(name), name.p);
}

void c2_reply_no_dataset(struct c2_request *req, struct c2_subscriber *sub)
{
    struct c2_str whole = c2_request_param(req, "path"), name, path;
    bool inside = c2_str_cut(whole, '/', &name, &path) && path.n;
    struct c2_root_state *root = c2_sub_root_of(req, sub, name);
    struct c2_ds *in;
    const char *why;

    path = c2_str_no_slashes(path);
    if (whole.n == 0)
        c2_reply_detail(req, 404, "a dataset is named ROOT/PATH; there is no name in the request");
    else if (!root)
        c2_reply_detail(req, 404, "%.*s: there is no root '%.*s'", shown(whole), whole.p, shown(name),
                        name.p);
    else if (!inside || path.n == 0)
        c2_reply_detail(req, 404, "%.*s is a root, not a dataset", shown(name), name.p);
    else if (c2_sub_is_folder(root, path))
        c2_reply_detail(req, 404, "%.*s is a folder, not a dataset", shown(whole), whole.p);
    else if ((in = c2_sub_find_broken(root, path, &why)))
        c2_reply_detail(req, 422, "%.*s cannot be read: %.300s %.300s", shown(whole), whole.p, in->path, why);
    else
        c2_reply_detail(req, 404, "%.*s: there is no such dataset", shown(whole), whole.p);
}
