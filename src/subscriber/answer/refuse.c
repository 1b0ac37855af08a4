/* SPDX-License-Identifier: BSD-3-Clause */
/* Why there is no answer: what the publisher said, in its words and with its status; what was asked for, when
 * there is no such thing. */
#include <stdio.h>

#include "subscriber/pages/pages.h"
#include "subscriber/mirror/mirror.h"

#define RETRY_MAX_S 60

/* ---- of the publisher ---- */

struct c2_str c2_reason_without_place(struct c2_str reason)
{
    const char *end = reason.n && reason.p[0] == '/' ? memmem(reason.p, reason.n, ": ", 2) : NULL;

    return end ? (struct c2_str){end + 2, reason.n - (size_t)(end + 2 - reason.p)} : reason;
}

static enum cat2_code code_of(int status)
{
    return status == 404   ? CAT2_ENOTFOUND
           : status == 412 ? CAT2_ECHANGED
           : status == 422 ? CAT2_EDATA
           : status == 501 ? CAT2_EUNSUPPORTED
                           : CAT2_EUPSTREAM;
}

int c2_reason_retry_s(const struct c2_http_reply *reply)
{
    struct c2_str text;
    int64_t seconds = 1;

    if (c2_http_header(reply, "Retry-After", &text) && !c2_str_to_i64(text, &seconds)) seconds = 1;
    return (int)c2_max_i64(1, c2_min_i64(RETRY_MAX_S, seconds));
}

bool c2_reason_of_reply(const struct c2_http_reply *reply, const char *http, const char *what,
                        struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_str detail = {"", 0};
    enum cat2_code code = code_of(reply->status);
    struct cat2_error ignored;

    if (c2_json_parse(c2_buf_str(reply->body), &json, &ignored))
        c2_jstr(c2_jget(c2_json_root(json), "detail"), &detail);
    detail = c2_reason_without_place(c2_str_trim(detail));
    int n = (int)c2_min_i64(200, (int64_t)detail.n);
    if (code == CAT2_ECHANGED)
        c2_fail(err, code, "the dataset has just changed at its publisher: ask again");
    else if (detail.n == 0)
        c2_fail(err, code, "the publisher at %.80s answers %d for %s", http, reply->status, what);
    else if (code == CAT2_EUPSTREAM && reply->status != 503)
        c2_fail(err, code, "the publisher at %.80s answers %d: %.*s", http, reply->status, n, detail.p);
    else
        c2_fail(err, code, "%.*s (the publisher at %.80s)", n, detail.p, http);
    if (code == CAT2_EDATA || reply->status == 503) err->http_status = reply->status;
    return false;
}

bool c2_upstream_refused(const struct c2_ds *ds, const struct c2_http_reply *reply, struct cat2_error *err)
{
    struct c2_root_state *root = c2_sub_root(ds->sub, c2_str_of(ds->root));

    if (root && reply->status == 503) root->retry_s = c2_reason_retry_s(reply);
    return c2_reason_of_reply(reply, root ? root->root.http : "?", "its data", err);
}

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

void c2_reply_no_dataset(struct c2_request *req, struct c2_subscriber *sub, bool b2)
{
    struct c2_str whole = c2_request_param(req, "path"), name, path;
    bool inside = c2_str_cut(whole, '/', &name, &path) && path.n;
    struct c2_root_state *root = c2_sub_root(sub, name);
    struct c2_ds *in;
    const char *why;

    while (path.n && path.p[path.n - 1] == '/')
        path.n--;
    if (whole.n == 0)
        c2_reply_detail(req, 404, "a dataset is named ROOT/PATH; there is no name in the request");
    else if (!root)
        c2_reply_detail(req, 404, "%.*s: there is no root '%.*s'", shown(whole), whole.p, shown(name),
                        name.p);
    else if (!inside || path.n == 0)
        c2_reply_detail(req, 404, "%.*s is a root, not a dataset", shown(name), name.p);
    else if (c2_page_is_folder(root, path))
        c2_reply_detail(req, 404, "%.*s is a folder, not a dataset", shown(whole), whole.p);
    else if (b2 && c2_sub_find(root, path))
        c2_reply_detail(req, 404, "%.*s is a plain file: its frame is %.*s.b2", shown(whole), whole.p,
                        shown(whole), whole.p);
    else if ((in = c2_sub_find_broken(root, path, &why)))
        c2_reply_detail(req, 422, "%.*s cannot be read: %.300s %.300s", shown(whole), whole.p, in->path, why);
    else
        c2_reply_detail(req, 404, "%.*s: there is no such dataset", shown(whole), whole.p);
}
