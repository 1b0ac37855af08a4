/* SPDX-License-Identifier: BSD-3-Clause */
/* From the path of a request to its dataset; and its addresses. */
#include <limits.h>
#include <stdio.h>

#include "base/limits.h"
#include "subscriber/answer/folder_attrs.h"
#include "subscriber/answer/lookup.h"
#include "subscriber/answer/refuse.h"
#include "subscriber/mirror/age.h"
#include "subscriber/mirror/follow.h"
#include "subscriber/mirror/roots.h"
#include "subscriber/mirror/settling.h"
#include "wire/url.h"

#define ANEW_MAX 3 /* generations one request runs after */

struct lookup {
    struct c2_found found;
    struct c2_str root;
    enum c2_find_wait wait;
    c2_found_fn *fn;
};

/* The request may be answered, and all that lives with it gone, when fn returns. */
static void on_known(void *ctx, const struct cat2_error *err)
{
    const struct lookup *l = ctx;
    struct c2_found found = l->found;

    found.root = c2_sub_root_of(found.req, found.sub, l->root); /* which may have come or gone meanwhile */
    if (found.root && l->wait == C2_FIND_NAMED) {
        found.ds = c2_sub_find_named(found.root, found.path, found.slash, &found.folder);
    } else if (found.root) {
        found.folder = found.path.n == 0 || c2_sub_is_folder(found.root, found.path);
        if (found.path.n && !(found.slash && found.folder))
            found.ds = c2_sub_find_own(found.root, found.path);
    }
    if (found.root && !err) c2_sub_say_stale(found.req, found.root);
    l->fn(&found, err);
}

static void find_known(void *ctx)
{
    struct lookup *l = ctx;
    struct c2_root_state *root = c2_sub_root_of(l->found.req, l->found.sub, l->root);

    if (l->wait == C2_FIND_DATASET && root)
        c2_sub_when_found(root, l->found.path, on_known, l);
    else if (l->wait == C2_FIND_PAGE)
        c2_sub_when_known_within(root, C2_PAGE_PATIENCE_MS, on_known, l);
    else
        c2_sub_when_known(root, on_known, l);
}

void c2_sub_find_path(struct c2_request *req, struct c2_subscriber *sub, struct c2_str root,
                      struct c2_str path, enum c2_find_wait wait, c2_found_fn *fn, void *ctx)
{
    struct lookup *l = c2_arena_alloc(c2_request_arena(req), sizeof(*l));
    struct c2_root_state *state = c2_sub_root_of(req, sub, root);
    struct cat2_error err;

    if (!l) {
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    *l = (struct lookup){
        .found = {.req = req, .sub = sub, .path = path, .ctx = ctx}, .root = root, .wait = wait, .fn = fn};
    while (l->found.path.n && l->found.path.p[l->found.path.n - 1] == '/') {
        l->found.path.n--;
        l->found.slash = true;
    }
    if (!c2_sub_may_follow(req, state, &err))
        on_known(l, &err);
    else if (!state || !c2_sub_is_behind(state, l->found.path) ||
             !c2_sub_when_settled(state, l->found.path, find_known, l))
        find_known(l);
}

/* ---- datasets ---- */

struct wanted {
    struct c2_str root,
        other;    /* the path that is meant where there is nothing under the first; n == 0 none */
    bool refused; /* also one that cannot be served, if its metadata is known */
    c2_dataset_handler *fn;
    void (*group)(const struct c2_found *found); /* of a folder; NULL: it is not there */
};

struct emptiness {
    struct c2_found found;
    const struct wanted *wanted;
};

/* In a file that holds datasets it may be a new one, called as it is there: its path is longer. */
static struct c2_str longer(const struct c2_found *found)
{
    size_t n = found->path.n, suffix = strlen(C2_ARRAY_SUFFIX);

    if (!found->root || !n || found->folder || c2_str_ends(found->path, C2_ARRAY_SUFFIX) ||
        !c2_sub_is_container(found->root, found->path))
        return C2_STR("");
    char *text = c2_arena_alloc(c2_request_arena(found->req), n + suffix);
    if (!text) return C2_STR("");
    memcpy(text, found->path.p, n);
    memcpy(text + n, C2_ARRAY_SUFFIX, suffix);
    return (struct c2_str){text, n + suffix};
}

/* A group with nothing in it is in no list, but it has attributes, though they may be none. */
static void on_attrs(void *ctx, struct c2_str json, const struct cat2_error *err)
{
    const struct emptiness *empty = ctx;
    struct c2_found found = empty->found;

    (void)json;
    found.root = c2_sub_root_of(found.req, found.sub, empty->wanted->root); /* it may have gone meanwhile */
    if (err && err->code != CAT2_ENOTFOUND)
        c2_reply_reason(found.req, found.root, err);
    else if (err || !found.root)
        c2_reply_no_dataset(found.req, found.sub);
    else
        empty->wanted->group(&found);
}

/* In a file that holds datasets, or where the root is one. */
static bool may_be_group(struct c2_root_state *root, struct c2_str path)
{
    return c2_sub_find_container(root, path) || c2_sub_may_have_attrs(root, path) ||
           (root->n && root->datasets[root->n - 1]->within);
}

static void look_for_group(const struct c2_found *found, const struct wanted *wanted)
{
    struct emptiness *empty = c2_arena_alloc(c2_request_arena(found->req), sizeof(*empty));

    if (!empty) {
        c2_reply_detail(found->req, 503, "out of memory");
        return;
    }
    *empty = (struct emptiness){*found, wanted};
    c2_sub_attrs(found->sub, c2_str_no_slashes(c2_request_param(found->req, "path")), on_attrs, empty);
}

static void resolve(const struct c2_found *found, const struct cat2_error *err)
{
    struct wanted *wanted = found->ctx;
    struct c2_str other = wanted->other;
    struct c2_ds *ds = found->ds;

    /* Of NAME.b2.b2, what NAME.b2 is the frame of is not meant. */
    if (ds && other.n && strlen(ds->path) < found->path.n) ds = NULL;
    if (!err && !ds && !other.n) other = longer(found);
    wanted->other.n = 0;
    if (err)
        c2_reply_reason(found->req, found->root, err);
    else if (!ds && other.n)
        c2_sub_find_path(found->req, found->sub, wanted->root, other, C2_FIND_DATASET, resolve, wanted);
    else if (wanted->group && !ds && found->root && found->folder)
        wanted->group(found);
    else if (wanted->group && !ds && found->root && may_be_group(found->root, found->path))
        look_for_group(found, wanted);
    else if (!ds)
        c2_reply_no_dataset(found->req, found->sub);
    else if (ds->error && !(ds->refused && wanted->refused))
        c2_reply_unserved(found->req, ds);
    else
        wanted->fn(found->req, ds);
}

static void find(struct c2_request *req, struct c2_subscriber *sub, bool file, struct wanted wanted)
{
    struct c2_str whole = c2_request_param(req, "path"), name, path;
    struct cat2_error err;

    bool inside = c2_str_cut(whole, '/', &name, &path) && path.n;
    if ((!inside && !wanted.group) || memchr(whole.p, '\0', whole.n)) { /* no file has such a name */
        c2_reply_no_dataset(req, sub);
        return;
    }
    /* In pages, addresses beside NAME/ would be taken inside of it. */
    if (file && inside && path.p[path.n - 1] == '/' && c2_reply_without_slash(req)) return;
    /* What is left of them was sent as %2F, and no file has such a name. */
    if (inside && !c2_path_check(file ? path : c2_str_no_slashes(path), &err)) {
        c2_reply_detail(req, 400, "Invalid path %.*s", (int)c2_min_i64(200, (int64_t)whole.n), whole.p);
        return;
    }
    if (!c2_sub_root_of(req, sub, name)) {
        c2_reply_no_dataset(req, sub);
        return;
    }
    struct wanted *kept = c2_arena_alloc(c2_request_arena(req), sizeof(*kept));
    if (!kept) {
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    /* NAME.b2 is the frame of the plain file NAME where there is one, and the file of that name elsewhere. */
    struct c2_str frame = file ? c2_kind_bare(path) : C2_STR("");
    *kept = wanted;
    kept->root = name;
    if (frame.n) kept->other = path;
    c2_sub_find_path(req, sub, name, frame.n ? frame : path, inside ? C2_FIND_DATASET : C2_FIND_LISTED,
                     resolve, kept);
}

void c2_sub_with_dataset(struct c2_request *req, struct c2_subscriber *sub, bool file, c2_dataset_handler *fn)
{
    find(req, sub, file, (struct wanted){.fn = fn});
}

void c2_sub_with_known(struct c2_request *req, struct c2_subscriber *sub, c2_dataset_handler *fn,
                       void (*group)(const struct c2_found *found))
{
    find(req, sub, false, (struct wanted){.refused = true, .fn = fn, .group = group});
}

/* ---- a dataset that has just changed ---- */

struct anew {
    struct c2_request *req;
    struct c2_subscriber *sub;
    char root[sizeof(((struct c2_ds *)0)->root)];
};

static void handle_anew(void *ctx, const struct cat2_error *err)
{
    const struct anew *a = ctx;

    if (err)
        c2_reply_reason(a->req, c2_sub_root(a->sub, c2_str_of(a->root)), err);
    else
        c2_request_redo(a->req, INT_MAX);
}

static void begin_anew(struct c2_request *req, struct c2_root_state *root)
{
    struct anew *a = c2_arena_alloc(c2_request_arena(req), sizeof(*a));

    if (!a) {
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    *a = (struct anew){.req = req, .sub = root->sub};
    snprintf(a->root, sizeof(a->root), "%s", root->root.name);
    c2_sub_when_listed_again(root, handle_anew, a);
}

void c2_sub_answer_error(struct c2_request *req, struct c2_ds *ds, const struct cat2_error *err)
{
    struct c2_root_state *root = c2_sub_root(ds->sub, c2_str_of(ds->root));

    bool last = c2_request_again(req) >= ANEW_MAX;
    struct cat2_error gone = *err; /* its publisher lists it still, and says that it is not there */

    gone.code = CAT2_ENOTFOUND;
    if (err->code != CAT2_ECHANGED || !root || ds->sub->stopping)
        c2_reply_reason(req, root, err);
    else if (last && err->http_status == 404)
        c2_reply_reason(req, root, &gone);
    else if (last)
        c2_reply_detail(req, 503, "%.100s/%.200s changes faster than it can be read", ds->root, ds->path);
    else
        begin_anew(req, root);
}

/* ---- addresses ---- */

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
    w.ok = c2_buf_printf(&path, &err, "%s/%s%s", ds->root, ds->path,
                         ds->meta->kind == C2_KIND_FILE ? ".b2" : "");
    const char *told = c2_request_told_url(req);
    c2_sub_put_url(&w, "", told ? told : ds->sub->config.public_url, "/files/", c2_buf_str(&path));
    c2_reply_built(req, c2_jw_finish(&w), &out, &err);
}
