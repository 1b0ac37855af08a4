/* SPDX-License-Identifier: BSD-3-Clause */
/* A group with its children, and all paths below one: written while the socket drains, however many there
 * are.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/bisect.h"
#include "base/hash.h"
#include "base/limits.h"
#include "subscriber/answer/folder_attrs.h"
#include "subscriber/h5grove/grove.h"
#include "subscriber/mirror/dataset.h"
#include "subscriber/mirror/follow.h"
#include "subscriber/mirror/roots.h"

#define GROUPS_MAX 256 /* children whose attributes are told: the publisher is asked for each */

struct listing {
    struct c2_request *req;      /* until it is answered */
    struct c2_attrs_batch attrs; /* the group's, then of its children, in their order */
    size_t told;                 /* of those */
    char dir[C2_PATH_MAX + 2];
    size_t dir_n; /* with its final '/', 0 for the top */
    struct c2_ds **list;
    size_t n, i;
    bool (*put)(struct listing *l, struct cat2_error *err); /* one dataset or folder; advances i */
    const char *tail;
    bool any; /* a comma comes first */
    struct c2_buf out;
    size_t sent;
};

static void listing_free(void *ctx)
{
    struct listing *l = ctx;

    for (size_t i = 0; i < l->n; i++)
        c2_ds_unref(l->list[i]);
    c2_sub_attrs_batch_fini(&l->attrs);
    free(l->list);
    c2_buf_fini(&l->out);
    free(l);
}

static bool fill(struct listing *l, size_t room, struct cat2_error *err)
{
    while (l->out.n < room && l->i < l->n)
        if (!l->put(l, err)) return false;
    if (l->i == l->n && l->tail) {
        if (!c2_buf_puts(&l->out, l->tail, err)) return false;
        l->tail = NULL;
    }
    return true;
}

static int64_t pull(void *ctx, uint8_t *to, size_t room)
{
    struct listing *l = ctx;
    struct cat2_error err;

    if (l->sent == l->out.n) {
        l->sent = 0;
        c2_buf_clear(&l->out);
    }
    if (l->out.n == 0 && !fill(l, room, &err)) return C2_BODY_FAIL;
    size_t n = l->out.n - l->sent;
    if (n > room) n = room;
    if (n == 0) return C2_BODY_END;
    memcpy(to, l->out.p + l->sent, n);
    l->sent += n;
    return (int64_t)n;
}

/* What was asked for of the attributes of a folder, path[:n]; they come in the order of the list. */
static struct c2_str attrs_of(struct listing *l, const char *path, size_t n)
{
    struct c2_folder_attrs *next = l->attrs.folders + l->told;

    if (l->told == l->attrs.n || !c2_str_eq(next->path, (struct c2_str){path, n})) return C2_STR("");
    l->told++;
    return c2_buf_str(&next->json);
}

/* A group that is called as a dataset beside it is told from it by a slash. The list is sorted. */
static const char *group_slash(const struct listing *l, const char *path, size_t n)
{
    struct c2_str name = {path, n};
    size_t at;

    c2_bisect(at, l->n, c2_str_cmp(c2_str_of(l->list[at]->path), name) < 0);
    return at < l->n && c2_str_is(name, l->list[at]->path) && !l->list[at]->bare ? "/" : "";
}

/* ---- children ---- */

static bool put_child(struct listing *l, struct cat2_error *err)
{
    const struct c2_ds *ds = l->list[l->i];
    struct c2_str name, rest;
    char text[C2_PART_MAX + 2];
    struct c2_jw w;

    if (l->any && !c2_buf_putc(&l->out, ',', err)) return false;
    l->any = true;
    c2_jw_init(&w, &l->out, C2_JSON_COMPACT, err);
    if (!c2_str_cut(c2_str_of(ds->path + l->dir_n), '/', &name, &rest)) {
        c2_grove_dataset(ds, &w);
        l->i++;
        return c2_jw_finish(&w);
    }
    size_t same = l->dir_n + name.n + 1; /* what lies in one folder lies together */
    while (l->i < l->n && strncmp(l->list[l->i]->path, ds->path, same) == 0)
        l->i++;
    c2_jw_begin_object(&w);
    c2_jw_put_cstr(&w, "kind", "group");
    c2_jw_key(&w, "name");
    snprintf(text, sizeof(text), "%.*s%s", C2_STR_ARG(name), group_slash(l, ds->path, l->dir_n + name.n));
    c2_jw_cstr(&w, text);
    c2_jw_key(&w, "attributes");
    c2_grove_attr_types(attrs_of(l, ds->path, l->dir_n + name.n), &w);
    c2_jw_end_object(&w);
    return c2_jw_finish(&w);
}

static bool begin_group(struct listing *l, struct cat2_error *err)
{
    struct c2_str dir = {l->dir, l->dir_n ? l->dir_n - 1 : 0};
    struct c2_jw w;

    for (size_t i = dir.n; i > 0; i--)
        if (dir.p[i - 1] == '/') {
            dir = (struct c2_str){dir.p + i, dir.n - i};
            break;
        }
    c2_jw_init(&w, &l->out, C2_JSON_COMPACT, err);
    c2_jw_begin_object(&w);
    c2_jw_put_cstr(&w, "kind", "group");
    c2_jw_put_str(&w, "name", dir);
    c2_jw_key(&w, "attributes");
    c2_grove_attr_types(attrs_of(l, l->dir, l->dir_n ? l->dir_n - 1 : 0), &w);
    c2_jw_end_object(&w);
    if (!c2_jw_finish(&w)) return false;
    l->out.n--; /* its brace comes last */
    l->put = put_child;
    l->tail = "]}";
    return c2_buf_puts(&l->out, ",\"children\":[", err);
}

/* ---- paths ---- */

static bool put_path(struct listing *l, const char *path, size_t n, bool group, struct cat2_error *err)
{
    char text[C2_PATH_MAX + 3];
    struct c2_jw w;

    if (l->any && !c2_buf_putc(&l->out, ',', err)) return false;
    l->any = true;
    snprintf(text, sizeof(text), "/%.*s%s", (int)n, path, group && n ? group_slash(l, path, n) : "");
    c2_jw_init(&w, &l->out, C2_JSON_COMPACT, err);
    c2_jw_cstr(&w, text);
    return c2_jw_finish(&w);
}

/* The folders that begin with this dataset, then the dataset. */
static bool put_paths(struct listing *l, struct cat2_error *err)
{
    const char *path = l->list[l->i]->path, *before = l->i ? l->list[l->i - 1]->path : "";
    size_t common = 0, n = c2_ds_name(l->list[l->i]).n;

    while (common < n && path[common] == before[common])
        common++;
    for (size_t k = l->dir_n; k < n; k++)
        if (path[k] == '/' && (common <= k || l->i == 0) && !put_path(l, path, k, true, err)) return false;
    l->i++;
    return put_path(l, path, n, false, err);
}

static bool begin_paths(struct listing *l, struct cat2_error *err)
{
    l->put = put_paths;
    l->tail = "]";
    return c2_buf_putc(&l->out, '[', err) && put_path(l, l->dir, l->dir_n ? l->dir_n - 1 : 0, true, err);
}

/* ---- the request ---- */

/* Changes with the list and with what is told of groups. */
static bool settled(struct c2_request *req, const struct c2_root_state *root,
                    const struct c2_attrs_batch *attrs)
{
    char text[48], quoted[100];
    uint64_t sum = 0;

    for (size_t i = 0; i < attrs->n; i++)
        sum = sum * 31 + c2_hash64(attrs->folders[i].json.p, attrs->folders[i].json.n);
    c2_sub_root_etag(root, text);
    snprintf(quoted, sizeof(quoted), "\"%s-%llx\"", text, (unsigned long long)sum);
    c2_reply_header(req, "Cache-Control", "no-cache");
    if (c2_reply_if_settled(req, quoted)) return true;
    c2_reply_header(req, "ETag", quoted);
    return false;
}

static struct listing *listing_of(const struct c2_found *at)
{
    struct listing *l = calloc(1, sizeof(*l));
    struct cat2_error err;

    if (!l) {
        c2_reply_detail(at->req, 503, "out of memory");
        return NULL;
    }
    l->req = at->req;
    l->attrs = (struct c2_attrs_batch){.sub = at->sub, .root = at->root->root.name};
    c2_buf_init(&l->out, C2_JSON_NBYTES_MAX);
    if (at->path.n) l->dir_n = (size_t)snprintf(l->dir, sizeof(l->dir), "%.*s/", C2_STR_ARG(at->path));
    if (at->ds || /* nothing is beneath it */
        c2_sub_beneath(at->root, (struct c2_str){l->dir, l->dir_n}, &l->list, &l->n, &err))
        return l;
    c2_reply_error(at->req, &err);
    listing_free(l);
    return NULL;
}

static void send(struct listing *l, bool (*begin)(struct listing *l, struct cat2_error *err))
{
    struct c2_body body = {pull, listing_free, l};
    struct cat2_error err;

    if (begin(l, &err)) {
        c2_reply_body(l->req, 200, "application/json", -1, &body);
        return;
    }
    c2_reply_error(l->req, &err);
    listing_free(l);
}

/* The group and its children, where they may have attributes. */
static bool gather_groups(struct listing *l, struct c2_root_state *root, struct cat2_error *err)
{
    struct c2_str name, rest, before = {"", 0};
    struct c2_folder_attrs *to = calloc(GROUPS_MAX + 1, sizeof(*to));
    size_t n = 0;

    if (!to) return c2_fail_nomem(err, "groups");
    l->attrs.folders = to;
    to[n].path = (struct c2_str){l->dir, l->dir_n ? l->dir_n - 1 : 0};
    n += c2_sub_may_have_attrs(root, to[n].path);
    for (size_t i = 0; n <= GROUPS_MAX && i < l->n; i++) {
        const char *path = l->list[i]->path;
        if (!c2_str_cut(c2_str_of(path + l->dir_n), '/', &name, &rest) || c2_str_eq(name, before)) continue;
        before = name;
        to[n].path = (struct c2_str){path, l->dir_n + name.n};
        n += c2_sub_may_have_attrs(root, to[n].path);
    }
    l->attrs.n = n;
    return true;
}

static void on_attrs(void *ctx)
{
    struct listing *l = ctx;
    struct c2_root_state *root = c2_sub_root(l->attrs.sub, c2_str_of(l->attrs.root));

    if (root && settled(l->req, root, &l->attrs))
        listing_free(l);
    else
        send(l, begin_group);
}

void c2_grove_folder(const struct c2_found *at)
{
    struct listing *l = listing_of(at);
    struct cat2_error err;

    if (!l) return;
    if (!gather_groups(l, at->root, &err)) {
        c2_reply_error(at->req, &err);
        listing_free(l);
        return;
    }
    l->attrs.done = on_attrs;
    l->attrs.ctx = l;
    c2_sub_attrs_batch(&l->attrs);
}

void c2_grove_paths(const struct c2_found *at)
{
    const struct c2_attrs_batch none = {0};

    if (settled(at->req, at->root, &none)) return;
    struct listing *l = listing_of(at);
    if (l) send(l, begin_paths);
}
