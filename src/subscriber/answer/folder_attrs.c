/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes of a root or a folder of it, which HDF5 groups have. Those of groups that cat2import made
 * folders of are attributes of an array. For others the publisher is asked each time; what it said last is
 * kept, and given while it is away. */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/log.h"
#include "meaning/attrs.h"
#include "subscriber/answer/folder_attrs.h"
#include "subscriber/mirror/reason.h"
#include "subscriber/mirror/roots.h"
#include "subscriber/mirror/upcall.h"
#include "wire/url.h"

struct asking {
    struct c2_subscriber *sub;
    char *whole; /* ROOT or ROOT/PATH */
    c2_attrs_fn *fn;
    void *ctx;
};

static void answer(struct asking *a, struct c2_str json, const struct cat2_error *err)
{
    a->fn(a->ctx, json, err);
    free(a->whole);
    free(a);
}

/* The publisher cannot be asked: what it said before, or why. */
static void give_kept(struct asking *a, const struct cat2_error *why)
{
    C2_AUTO(c2_buf) kept = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    struct cat2_error err;
    bool found = c2_state_get(a->sub->state, "attrs", c2_str_of(a->whole), &kept, &err);

    answer(a, c2_buf_str(&kept), found ? NULL : why);
}

static const char *http_of(const struct asking *a)
{
    struct c2_str name, path;

    c2_str_cut(c2_str_of(a->whole), '/', &name, &path);
    const struct c2_root_state *root = c2_sub_root(a->sub, name);
    return root ? root->root.http : "?";
}

static void on_answer(void *ctx, struct c2_http_reply *reply, const struct cat2_error *why)
{
    struct asking *a = ctx;
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct cat2_error err;
    struct c2_str none = {"", 0};

    if (why) {
        give_kept(a, why);
    } else if (reply->status == 404) {
        (void)c2_state_del(a->sub->state, "attrs", c2_str_of(a->whole), &err);
        c2_fail(&err, CAT2_ENOTFOUND, "%.190s has no attributes of its own", a->whole);
        answer(a, none, &err);
    } else if (reply->status != 200 || !c2_json_parse(c2_buf_str(reply->body), &json, &err) ||
               c2_jval_kind(c2_json_root(json)) != C2_JOBJECT) {
        c2_reason_of_reply(reply, http_of(a), "attributes", &err);
        give_kept(a, &err);
    } else {
        if (!c2_state_put(a->sub->state, "attrs", c2_str_of(a->whole), c2_buf_str(reply->body), &err))
            c2_log_warn("state: %s", err.message);
        answer(a, c2_buf_str(reply->body), NULL);
    }
}

static bool ask(struct asking *a, const struct c2_root_state *root, struct c2_str path,
                struct cat2_error *err)
{
    C2_AUTO(c2_buf) url = C2_BUF_INIT(4 * C2_PATH_MAX);

    if (!c2_buf_printf(&url, err, "%s://%s/api/attrs", c2_root_scheme(&root->root), root->root.http) ||
        (path.n && (!c2_buf_putc(&url, '/', err) || !c2_url_encode(path, true, &url, err))))
        return false;
    struct c2_http_call call = {
        .url = c2_buf_cstr(&url), .body_max = C2_VLMETA_NBYTES_MAX, .done = on_answer, .ctx = a};
    return c2_upcall_start(a->sub, &call, C2_WIRE_ATTRS, c2_sub_check(root), err);
}

/* What cat2import made of the group's attributes; NULL: there is no such thing. */
static const struct c2_ds *imported(struct c2_root_state *root, struct c2_str path)
{
    char text[C2_PATH_MAX + sizeof(C2_GROUP_ATTRS C2_ARRAY_SUFFIX) + 1];
    int n = snprintf(text, sizeof(text), "%.*s%s%s", (int)c2_min_i64(C2_PATH_MAX, (int64_t)path.n), path.p,
                     path.n ? "/" : "", C2_GROUP_ATTRS C2_ARRAY_SUFFIX);
    const struct c2_ds *ds = root->nattrs ? c2_sub_find(root, (struct c2_str){text, (size_t)n}) : NULL;

    return ds && ds->group_attrs ? ds : NULL;
}

static void give_imported(struct asking *a, const struct c2_ds *ds)
{
    C2_AUTO(c2_buf) json = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    struct cat2_error err;
    bool ok = c2_attrs_put(c2_buf_str(&ds->meta.vlmeta), &json, &err);

    answer(a, c2_buf_str(&json), ok ? NULL : &err);
}

void c2_sub_attrs(struct c2_subscriber *sub, struct c2_str whole, c2_attrs_fn *fn, void *ctx)
{
    struct c2_str name, path, none = {"", 0};
    struct cat2_error err;
    struct asking *a = calloc(1, sizeof(*a));

    if (a) *a = (struct asking){sub, c2_str_dup(whole), fn, ctx};
    if (!a || !a->whole) {
        free(a);
        c2_fail_nomem(&err, "attributes");
        fn(ctx, none, &err);
        return;
    }
    c2_str_cut(whole, '/', &name, &path);
    struct c2_root_state *root = c2_sub_root(sub, name);
    const struct c2_ds *ds = root ? imported(root, path) : NULL;
    if (ds) {
        give_imported(a, ds);
    } else if (!root) {
        c2_fail(&err, CAT2_ENOTFOUND, "there is no root '%.*s'", (int)c2_min_i64(200, (int64_t)name.n),
                name.p);
        answer(a, none, &err);
    } else if (path.n && !c2_path_check(path, &err)) {
        c2_fail(&err, CAT2_EINVAL, "Invalid path %.*s", (int)c2_min_i64(200, (int64_t)path.n), path.p);
        answer(a, none, &err);
    } else if (!ask(a, root, path, &err)) {
        give_kept(a, &err);
    }
}

/* ---- of several folders ---- */

static void on_one(void *ctx, struct c2_str json, const struct cat2_error *why)
{
    struct c2_folder_attrs *one = ctx;
    struct c2_attrs_batch *batch = one->batch;
    struct cat2_error err;

    c2_buf_init(&one->json, json.n);
    if (!why && json.n > 2 && !c2_buf_append_str(&one->json, json, &err)) c2_buf_clear(&one->json);
    if (--batch->left == 0) batch->done(batch->ctx);
}

void c2_sub_attrs_batch(struct c2_attrs_batch *batch)
{
    char whole[2 * C2_PATH_MAX];

    batch->left = 1; /* we */
    for (size_t i = 0; i < batch->n; i++) {
        struct c2_str path = batch->folders[i].path;
        int n = snprintf(whole, sizeof(whole), "%s%s%.*s", batch->root, path.n ? "/" : "", C2_STR_ARG(path));
        batch->folders[i].batch = batch;
        batch->left++;
        c2_sub_attrs(batch->sub, (struct c2_str){whole, (size_t)n}, on_one, &batch->folders[i]);
    }
    if (--batch->left == 0) batch->done(batch->ctx);
}

void c2_sub_attrs_batch_fini(struct c2_attrs_batch *batch)
{
    for (size_t i = 0; i < batch->n; i++)
        c2_buf_fini(&batch->folders[i].json);
    free(batch->folders);
}

bool c2_sub_may_have_attrs(struct c2_root_state *root, struct c2_str path)
{
    char prefix[C2_PATH_MAX + 2];
    int n = snprintf(prefix, sizeof(prefix), "%.*s%s", (int)c2_min_i64(C2_PATH_MAX, (int64_t)path.n), path.p,
                     path.n ? "/" : "");
    size_t i = c2_sub_lower(root, (struct c2_str){prefix, (size_t)n});

    if (root->n == 0) return path.n == 0; /* a file of nothing but groups, perhaps */
    return (i < root->n && root->datasets[i]->in_hdf5) || imported(root, path);
}
