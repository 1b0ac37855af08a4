/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes of a root or a folder of it, which HDF5 groups have. Those of groups that cat2import made
 * folders of are attributes of an array. For others the publisher is asked each time; what it said last is
 * kept, and given while it is away. */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/log_share.h"
#include "meaning/attrs.h"
#include "subscriber/answer/folder_attrs.h"
#include "subscriber/answer/refuse.h"
#include "subscriber/mirror/reason.h"
#include "subscriber/mirror/roots.h"
#include "subscriber/mirror/upcall.h"
#include "subscriber/mirror/via.h"
#include "wire/url.h"

#define KEPT_NBYTES_MAX (32 << 20) /* of attributes of one root: whoever publishes it may tell any number */
#define ASKED_MAX       8          /* folders of one batch that are asked for at a time */

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
    bool found = a->sub->state && c2_state_get(a->sub->state, "attrs", c2_str_of(a->whole), &kept, &err);

    answer(a, c2_buf_str(&kept), found ? NULL : why);
}

static struct c2_root_state *root_of(const struct asking *a)
{
    struct c2_str name, path;

    c2_str_cut(c2_str_of(a->whole), '/', &name, &path);
    return c2_sub_root(a->sub, name);
}

static bool add_nbytes(void *ctx, struct c2_str key, struct c2_str value, struct cat2_error *err)
{
    struct c2_root_state *root = ctx;
    size_t n = strlen(root->root.name);

    (void)err;
    if (key.n == n || key.p[n] == '/') root->attrs_nbytes += (int64_t)value.n;
    return true;
}

/* Is there room for so many bytes more? What earlier runs have kept is counted once. */
static bool has_room(struct c2_root_state *root, int64_t n, struct cat2_error *err)
{
    if (root->attrs_nbytes == 0 &&
        !c2_state_each(root->sub->state, "attrs", c2_str_of(root->root.name), add_nbytes, root, err))
        return false;
    return root->attrs_nbytes + n <= KEPT_NBYTES_MAX ||
           c2_fail(err, CAT2_ELIMIT, "attributes of root %.100s are not kept: they are more than %d MiB",
                   root->root.name, KEPT_NBYTES_MAX >> 20);
}

/* For when the publisher is away. Empty: there are none. */
static void keep(struct asking *a, struct c2_str json)
{
    C2_AUTO(c2_buf) was = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    struct c2_str key = c2_str_of(a->whole);
    struct c2_root_state *root = root_of(a);
    struct cat2_error err;

    if (!root) return;
    bool found = c2_state_get(a->sub->state, "attrs", key, &was, &err);
    if (found ? c2_str_eq(c2_buf_str(&was), json) : !json.n) return;
    bool fits = json.n && has_room(root, (int64_t)json.n - (int64_t)was.n, &err);
    bool ok = fits ? c2_state_put(a->sub->state, "attrs", key, json, &err) : !json.n;
    if (!ok) c2_log_some(C2_WARN, "state: %s", err.message);
    if (fits && ok) root->attrs_nbytes += (int64_t)json.n - (int64_t)was.n;
    if (!fits && found && c2_state_del(a->sub->state, "attrs", key, &err))
        root->attrs_nbytes = c2_max_i64(0, root->attrs_nbytes - (int64_t)was.n);
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
        keep(a, none);
        c2_fail(&err, CAT2_ENOTFOUND, "%.190s has no attributes of its own", a->whole);
        answer(a, none, &err);
    } else if (reply->status != 200 || !c2_json_parse(c2_buf_str(reply->body), &json, &err) ||
               c2_jval_kind(c2_json_root(json)) != C2_JOBJECT) {
        const struct c2_root_state *root = root_of(a);
        c2_reason_of_reply(reply, root ? root->root.http : "?", "attributes", a->whole, &err);
        give_kept(a, &err);
    } else {
        keep(a, c2_buf_str(reply->body));
        answer(a, c2_buf_str(reply->body), NULL);
    }
}

static bool ask(struct asking *a, const struct c2_root_state *root, struct c2_str path,
                struct cat2_error *err)
{
    C2_AUTO(c2_buf) url = C2_BUF_INIT(4 * C2_PATH_MAX);

    if (!c2_via_may_ask(root, err) || !c2_root_put_url(&root->root, "attrs", &url, err) ||
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
    bool ok = c2_attrs_put(c2_buf_str(&ds->meta->vlmeta), &json, &err);

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

static void reply(void *ctx, struct c2_str json, const struct cat2_error *why)
{
    struct c2_request *req = ctx;
    struct c2_buf out = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    struct cat2_error err;

    bool ok = !why && c2_buf_append_str(&out, json, &err);
    c2_reply_built(req, ok, &out, why ? why : &err);
}

void c2_sub_reply_attrs(struct c2_request *req, struct c2_subscriber *sub, struct c2_str whole)
{
    struct c2_str name, path;

    whole = c2_str_no_slashes(whole);
    c2_str_cut(whole, '/', &name, &path);
    if (!c2_request_sees(req, name))
        c2_reply_no_root(req, name);
    else
        c2_sub_attrs(sub, whole, reply, req);
}

/* ---- of several folders ---- */

static void ask_next(struct c2_attrs_batch *batch);

static void on_one(void *ctx, struct c2_str json, const struct cat2_error *why)
{
    struct c2_folder_attrs *one = ctx;
    struct c2_attrs_batch *batch = one->batch;
    struct cat2_error err;

    c2_buf_init(&one->json, json.n);
    one->failed = why && why->code != CAT2_ENOTFOUND;
    if (!why && json.n > 2 && !c2_buf_append_str(&one->json, json, &err)) c2_buf_clear(&one->json);
    batch->asked--;
    ask_next(batch);
}

/* An answer may come at once: then the loop below goes on, not another one within it. */
static void ask_next(struct c2_attrs_batch *batch)
{
    char whole[2 * C2_PATH_MAX];

    if (batch->asking) return;
    batch->asking = true;
    while (batch->next < batch->n && batch->asked < ASKED_MAX) {
        struct c2_folder_attrs *one = &batch->folders[batch->next++];
        int n = snprintf(whole, sizeof(whole), "%s%s%.*s", batch->root, one->path.n ? "/" : "",
                         C2_STR_ARG(one->path));
        one->batch = batch;
        batch->asked++;
        c2_sub_attrs(batch->sub, (struct c2_str){whole, (size_t)n}, on_one, one);
    }
    batch->asking = false;
    if (batch->next == batch->n && batch->asked == 0) batch->done(batch->ctx);
}

void c2_sub_attrs_batch(struct c2_attrs_batch *batch)
{
    ask_next(batch);
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
    return (i < root->n && root->datasets[i]->within) || imported(root, path);
}
