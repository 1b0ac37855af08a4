/* SPDX-License-Identifier: BSD-3-Clause */
/* From the path of a request to its dataset; and its addresses. */
#include <stdlib.h>

#include "base/limits.h"
#include "subscriber/answer/lookup.h"
#include "subscriber/answer/refuse.h"
#include "subscriber/mirror/catalog.h"
#include "subscriber/mirror/follow.h"
#include "wire/url.h"

#define ANEW_MAX 3 /* generations one request runs after */

/* Plain files are frames under NAME.b2. */
static struct c2_str dataset_path(struct c2_str path, bool b2)
{
    if (b2 && c2_kind_of(path) == C2_KIND_FILE) path.n = c2_str_ends(path, ".b2") ? path.n - 3 : 0;
    return path;
}

struct lookup {
    struct c2_request *req;
    struct c2_subscriber *sub;
    bool b2;
    bool refused; /* also one that cannot be served, if its metadata is known */
    c2_dataset_handler *fn;
};

static void resolve(void *ctx, const struct cat2_error *err)
{
    struct lookup *l = ctx;
    struct c2_str name, path;
    struct c2_request *req = l->req;

    c2_str_cut(c2_request_param(req, "path"), '/', &name, &path);
    struct c2_root_state *root = c2_sub_root(l->sub, name);
    path = dataset_path(path, l->b2);
    struct c2_ds *ds = root ? c2_sub_find(root, path) : NULL;
    if (err)
        c2_reply_reason(req, root, err);
    else if (!ds)
        c2_reply_no_dataset(req, l->sub, l->b2);
    else if (ds->error && !(ds->refused && l->refused))
        c2_reply_unserved(req, ds);
    else
        l->fn(req, ds);
    free(l);
}

void c2_sub_answer_error(struct c2_request *req, struct c2_ds *ds, const struct cat2_error *err, bool b2,
                         c2_dataset_handler *fn)
{
    struct c2_root_state *root = c2_sub_root(ds->sub, c2_str_of(ds->root));
    bool again = err->code == CAT2_ECHANGED && root && !ds->sub->stopping;
    struct lookup *l = again && c2_request_again(req) < ANEW_MAX ? calloc(1, sizeof(*l)) : NULL;

    if (l) {
        *l = (struct lookup){.req = req, .sub = ds->sub, .b2 = b2, .fn = fn};
        c2_sub_when_listed(root, resolve, l);
    } else if (again) {
        c2_reply_detail(req, 503, "%.100s/%.200s changes faster than it can be read", ds->root, ds->path);
    } else {
        c2_reply_reason(req, root, err);
    }
}

static void find(struct c2_request *req, struct c2_subscriber *sub, bool b2, bool refused,
                 c2_dataset_handler *fn)
{
    struct c2_str whole = c2_request_param(req, "path"), name, path;
    struct cat2_error err;

    if (!c2_str_cut(whole, '/', &name, &path) || path.n == 0) {
        c2_reply_no_dataset(req, sub, b2);
        return;
    }
    if (!c2_path_check(path, &err)) {
        c2_reply_detail(req, 400, "Invalid path %.*s", (int)c2_min_i64(200, (int64_t)whole.n), whole.p);
        return;
    }
    struct c2_root_state *root = c2_sub_root(sub, name);
    struct lookup *l = root ? calloc(1, sizeof(*l)) : NULL;
    if (!root) {
        c2_reply_no_dataset(req, sub, b2);
        return;
    }
    if (!l) {
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    *l = (struct lookup){req, sub, b2, refused, fn};
    c2_sub_when_found(root, dataset_path(path, b2), resolve, l);
}

void c2_sub_with_dataset(struct c2_request *req, struct c2_subscriber *sub, bool b2, c2_dataset_handler *fn)
{
    find(req, sub, b2, false, fn);
}

void c2_sub_with_known(struct c2_request *req, struct c2_subscriber *sub, c2_dataset_handler *fn)
{
    find(req, sub, false, true, fn);
}

void c2_sub_put_url(struct c2_jw *w, const char *scheme, const char *base, const char *route,
                    struct c2_str path)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(4 * C2_PATH_MAX);

    w->ok = w->ok && c2_buf_printf(&text, w->err, "%s%s%s", scheme, base, route) &&
            c2_url_encode_least(path, &text, w->err);
    c2_jw_cstr(w, c2_buf_cstr(&text));
}

void c2_sub_reply_url(struct c2_request *req, struct c2_ds *ds)
{
    struct c2_buf out = C2_BUF_INIT(65536);
    struct cat2_error err;
    C2_AUTO(c2_buf) path = C2_BUF_INIT(2 * C2_PATH_MAX);
    struct c2_jw w;

    c2_jw_init(&w, &out, C2_JSON_COMPACT, &err);
    w.ok =
        c2_buf_printf(&path, &err, "%s/%s%s", ds->root, ds->path, ds->meta.kind == C2_KIND_FILE ? ".b2" : "");
    c2_sub_put_url(&w, "", ds->sub->config.public_url, "/files/", c2_buf_str(&path));
    c2_reply_built(req, c2_jw_finish(&w), &out, &err);
}

size_t c2_sub_queries(struct c2_request *req, const char *name, struct c2_str *out, size_t max)
{
    struct c2_str path, rest, key, value;
    struct cat2_error err;
    size_t n = 0;

    c2_str_cut(c2_request_target(req), '?', &path, &rest);
    while (n < max && c2_query_next(&rest, &key, &value)) {
        C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_PATH_MAX);
        C2_AUTO(c2_buf) plain = C2_BUF_INIT(C2_PATH_MAX);
        if (!c2_url_decode(key, true, &plain, &err) || !c2_str_is(c2_buf_str(&plain), name) ||
            !c2_url_decode(value, true, &text, &err))
            continue;
        char *copy = c2_arena_strdup(c2_request_arena(req), c2_buf_str(&text));
        if (copy) out[n++] = c2_str_of(copy);
    }
    return n;
}
