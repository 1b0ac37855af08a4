/* SPDX-License-Identifier: BSD-3-Clause */
/* What Python publishers and servers say of single datasets. Servers of today have files of datasets (HDF5,
 * .b2z) as groups: each is listed, one after the other, and what is in it is asked for as all else. Their
 * datasets have no suffix; here they have those that ours have. */
#include <stdlib.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/log_share.h"
#include "subscriber/mirror/dataset.h"
#include "subscriber/mirror/follow.h"
#include "subscriber/mirror/follow_impl.h"
#include "subscriber/mirror/reason.h"
#include "subscriber/mirror/roots.h"
#include "wire/url.h"

#define GROUP "group"

struct c2_str c2_follow_etag(const struct c2_http_reply *reply)
{
    struct c2_str etag = reply->etag;
    bool quoted = etag.n >= 2 && etag.p[0] == '"' && etag.p[etag.n - 1] == '"';

    return quoted ? (struct c2_str){etag.p + 1, etag.n - 2} : etag;
}

static bool says_error(struct c2_jval info, struct c2_str *why)
{
    return c2_jstr(c2_jget(info, "error"), why) && why->n;
}

/* Why the answer is no metadata; "": it is. */
static struct c2_str why_none(struct c2_jval info)
{
    struct c2_str text;

    if (says_error(info, &text)) return text;
    if (!c2_jstr(c2_jget(info, "kind"), &text)) return C2_STR("");
    if (c2_str_is(text, GROUP))
        return C2_STR("it is a file of datasets, of which a Python server has no chunks");
    return c2_str_is(text, "ctable") ? C2_STR("it is a table, of which a Python server has no chunks")
                                     : C2_STR("");
}

static bool put_path(struct c2_jw *w, const char *path, bool within, struct c2_jval info,
                     struct cat2_error *err)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(2 * C2_PATH_MAX);
    bool frame = c2_jval_kind(c2_jget(info, "chunksize")) != C2_JNONE;

    if (!c2_buf_printf(&name, err, "%s%s", path, !within ? "" : frame ? C2_FRAME_SUFFIX : C2_ARRAY_SUFFIX))
        return false;
    c2_jw_put_cstr(w, "path", c2_buf_cstr(&name));
    if (within) c2_jw_put_cstr(w, "within", "python");
    return true;
}

static bool put_line(const char *path, bool within, const struct c2_http_reply *reply, struct c2_jval info,
                     const struct cat2_error *why, struct c2_buf *line, struct cat2_error *err)
{
    struct c2_str text = why->code != CAT2_OK ? c2_str_of(why->message) : why_none(info);
    struct c2_jw w;

    c2_jw_init(&w, line, C2_JSON_COMPACT, err);
    c2_jw_begin_object(&w);
    if (!put_path(&w, path, within, info, err)) return false;
    if (reply->status == 200) c2_jw_put_str(&w, "etag", c2_follow_etag(reply));
    if (text.n) {
        c2_jw_put_str(&w, "error", text);
        c2_jw_put_bool(&w, "busy", why->http_status == 503);
    } else {
        c2_jw_put_raw(&w, "metadata", c2_buf_str(reply->body));
    }
    c2_jw_end_object(&w);
    return c2_jw_finish(&w);
}

static bool make_ds(struct c2_root_state *root, const char *path, bool within,
                    const struct c2_http_reply *reply, struct c2_jval info, const struct cat2_error *why,
                    struct c2_ds **out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) line = C2_BUF_INIT(C2_JSON_NBYTES_MAX);

    return put_line(path, within, reply, info, why, &line, err) &&
           c2_ds_from_line(root, c2_buf_str(&line), false, out, err);
}

bool c2_follow_ds_of_info(struct c2_root_state *root, const char *path, bool within,
                          struct c2_http_reply *reply, struct c2_ds **out, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct cat2_error why = {0}, bad = {0};

    if (reply->status != 200)
        c2_reason_of_reply(reply, root->root.http, "its metadata", path, &why);
    else if (!c2_json_parse(c2_buf_str(reply->body), &json, &bad))
        c2_fail(&why, CAT2_EDATA, "its metadata: %s", bad.message);
    struct c2_jval info = c2_json_root(json);
    if (make_ds(root, path, within, reply, info, &why, out, err)) return true;
    if (err->code == CAT2_ENOMEM) return false;
    c2_fail(&why, CAT2_EDATA, "its metadata: %s", err->message);
    return make_ds(root, path, within, reply, info, &why, out, err);
}

bool c2_follow_is_doubtful(struct c2_root_state *root, const struct c2_ds *ds,
                           const struct c2_http_reply *reply, uint64_t *told)
{
    if (!ds->error || reply->status != 200 || reply->hashed) return false;
    const struct c2_ds *known = c2_sub_find(root, c2_str_of(ds->path));
    if (known && c2_ds_same_line(known, ds)) return false;
    return !c2_hash_again(c2_hash64(reply->body->p, reply->body->n), told);
}

/* ---- groups ---- */

/* An error of the server says nothing of what is in it: that stays as it was. */
static bool keep_leaves(struct c2_follow *f, const char *group, struct cat2_error *err)
{
    C2_AUTO(c2_buf) dir = C2_BUF_INIT(2 * C2_PATH_MAX);
    struct c2_ds **leaves;

    if (!c2_buf_printf(&dir, err, "%s/", group)) return false;
    size_t n = c2_sub_first_beneath(f->root, c2_buf_str(&dir), &leaves);
    for (size_t i = 0; i < n; i++)
        if (!c2_follow_keep(f, c2_ds_ref(leaves[i]), err)) return false;
    return true;
}

bool c2_follow_note_group(struct c2_follow *f, const struct c2_follow_info *info,
                          const struct c2_http_reply *reply, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct cat2_error bad;
    struct c2_str text;

    if (info->within || (reply->status != 200 && reply->status < 500)) return true;
    if (reply->status != 200 || !c2_json_parse(c2_buf_str(reply->body), &json, &bad) ||
        says_error(c2_json_root(json), &text))
        return keep_leaves(f, info->path, err);
    if (!c2_jstr(c2_jget(c2_json_root(json), "kind"), &text) || !c2_str_is(text, GROUP)) return true;
    return c2_texts_add(&f->groups, c2_str_of(info->path), C2_DATASETS_MAX, "files of datasets", err);
}

static bool add_leaf(struct c2_follow *f, const char *group, struct c2_str leaf, struct cat2_error *err)
{
    C2_AUTO(c2_buf) path = C2_BUF_INIT(2 * C2_PATH_MAX);
    struct cat2_error bad;

    if (!c2_path_check(leaf, &bad) || !c2_buf_printf(&path, &bad, "%s/%.*s", group, C2_STR_ARG(leaf)) ||
        !c2_path_check(c2_buf_str(&path), &bad)) {
        c2_log_some(C2_WARN, "follow root=%s: a dataset in %.200s has no usable path", f->root->root.name,
                    group);
        return true;
    }
    return c2_follow_add_info(f, c2_buf_str(&path), true, err);
}

static bool add_leaves(struct c2_follow *f, const char *group, struct c2_str text, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_str leaf, key;
    struct c2_jval value;

    if (!c2_json_parse(text, &json, err)) return false;
    struct c2_jiter it = c2_jiter_of(c2_json_root(json));
    while (c2_jnext(&it, &key, &value))
        if (c2_jstr(value, &leaf) && !add_leaf(f, group, leaf, err)) return false;
    return true;
}

/* One flipped bit in a name would drop a dataset that is there: without a hash it is believed when it comes
 * twice. */
static bool is_believed(struct c2_follow *f, const struct c2_http_reply *reply)
{
    uint64_t told = c2_hash64_seeded(reply->body->p, reply->body->n, (uint64_t)reply->status);

    return reply->hashed || c2_hash_again(told, &f->group_told) || ++f->group_tries >= C2_FOLLOW_TRIES;
}

static bool take_group(struct c2_follow *f, const char *group, const struct c2_http_reply *reply,
                       struct cat2_error *err)
{
    if (reply->status == 200) return add_leaves(f, group, c2_buf_str(reply->body), err);
    c2_log_some(C2_WARN, "follow root=%s: %.200s is not listed: status %d", f->root->root.name, group,
                reply->status);
    return reply->status < 500 || keep_leaves(f, group, err);
}

static void on_group(void *ctx, struct c2_http_reply *reply, const struct cat2_error *why)
{
    struct c2_follow *f = ctx;
    struct cat2_error err;

    f->list = NULL;
    c2_follow_clear_infos(f);
    if (!why && !is_believed(f, reply)) {
        c2_follow_next_group(f);
        return;
    }
    const char *group = f->groups.p[f->next_group++];
    f->group_tries = 0;
    f->group_told = 0;
    if (why || !take_group(f, group, reply, &err))
        f->end->failed(f, why ? why : &err);
    else
        c2_follow_more_infos(f);
}

bool c2_follow_next_group(struct c2_follow *f)
{
    C2_AUTO(c2_buf) url = C2_BUF_INIT(4 * C2_PATH_MAX);
    struct c2_http_call call = {
        .body_max = 16 << 20, .fresh = f->group_tries > 0, .done = on_group, .ctx = f};
    struct cat2_error err;

    if (f->next_group == f->groups.n) return false;
    bool ok = c2_root_put_url(&f->root->root, "list/", &url, &err) &&
              c2_url_encode(c2_str_of(f->groups.p[f->next_group]), true, &url, &err);
    call.url = c2_buf_cstr(&url);
    if (ok) f->list = c2_checked_start(f->root->sub->config.http, &call, C2_WIRE_LIST, C2_CHECK_ASK);
    if (ok && !f->list) c2_fail_nomem(&err, "request");
    if (!f->list) f->end->failed(f, &err);
    return true;
}
