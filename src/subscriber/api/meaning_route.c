/* SPDX-License-Identifier: BSD-3-Clause */
/* GET /api/meaning: what to plot of a dataset or group. The model asks for the attributes of one group after
 * the other; what it was told is kept until it has all. */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "meaning/model.h"
#include "subscriber/answer/folder_attrs.h"
#include "subscriber/answer/lookup.h"
#include "subscriber/answer/refuse.h"
#include "subscriber/api/api.h"
#include "subscriber/mirror/dataset.h"
#include "subscriber/mirror/roots.h"

#define ATTRS_NBYTES                                                                                         \
    (8 << 20) /* of attributes parsed for one answer, on the loop: beyond, objects have none */

/* Of a dataset, in one of its generations; parsed once for all runs of the model. */
struct parsed {
    uint64_t serial;
    struct c2_json *json;
};

struct group {
    char path[C2_PATH_MAX + 1];
    struct c2_json *json; /* NULL: it has none */
};
struct meaning {
    struct c2_request *req;
    struct c2_subscriber *sub;
    char root[256], path[C2_PATH_MAX + 1], subgroup[C2_PATH_MAX + 1];
    struct group groups[C2_MEANING_GROUPS_MAX];
    size_t ngroups;
    bool asking, again; /* the answer came at once: do not nest */
    struct parsed parsed[C2_MEANING_LOOKS_MAX];
    size_t nparsed, nbytes;      /* nbytes: that were parsed */
    struct c2_root_state *state; /* for one run of the model */
};

static void meaning_free(struct meaning *m)
{
    for (size_t i = 0; i < m->ngroups; i++)
        c2_json_free(m->groups[i].json);
    for (size_t i = 0; i < m->nparsed; i++)
        c2_json_free(m->parsed[i].json);
    free(m);
}

/* ---- objects ---- */

/* NULL: it has none, or there is no room. */
static struct c2_json *attrs_of(struct meaning *m, const struct c2_ds *ds)
{
    C2_AUTO(c2_buf) attrs = C2_BUF_INIT(ATTRS_NBYTES);
    struct c2_str vlmeta = c2_buf_str(&ds->meta->vlmeta);
    struct c2_json *json = NULL;
    struct cat2_error err;

    if (vlmeta.n <= 2) return NULL;
    for (size_t i = 0; i < m->nparsed; i++)
        if (m->parsed[i].serial == ds->serial) return m->parsed[i].json;
    if (m->nparsed == C2_MEANING_LOOKS_MAX || vlmeta.n > ATTRS_NBYTES - m->nbytes) return NULL;
    m->nbytes += vlmeta.n;
    if (!c2_attrs_put(vlmeta, &attrs, &err) || !c2_json_parse(c2_buf_str(&attrs), &json, &err)) return NULL;
    m->parsed[m->nparsed++] = (struct parsed){ds->serial, json};
    return json;
}

static void take_dataset(struct meaning *m, const struct c2_ds *ds, struct c2_object *out)
{
    const struct c2_json *json = attrs_of(m, ds);

    *out = (struct c2_object){.path = c2_ds_name(ds),
                              .at = c2_str_of(ds->path),
                              .ndim = ds->meta->grid.ndim,
                              .shape = ds->meta->grid.shape,
                              .dtype = &ds->meta->dtype};
    if (json) out->attrs = c2_json_root(json);
}

static enum c2_model_found find(void *ctx, struct c2_str path, struct c2_object *out)
{
    struct meaning *m = ctx;
    bool folder;
    const struct c2_ds *ds = c2_sub_find_named(m->state, path, false, &folder);

    if (ds && ds->error) return C2_LOOK_NONE;
    if (ds) {
        take_dataset(m, ds, out);
        return C2_LOOK_FOUND;
    }
    if (!folder) return C2_LOOK_NONE;
    for (size_t i = 0; i < m->ngroups; i++) {
        if (!c2_str_is(path, m->groups[i].path)) continue;
        struct c2_str kept = c2_str_of(m->groups[i].path);
        *out = (struct c2_object){.group = true, .path = kept, .at = kept};
        if (m->groups[i].json) out->attrs = c2_json_root(m->groups[i].json);
        return C2_LOOK_FOUND;
    }
    return m->ngroups < C2_MEANING_GROUPS_MAX ? C2_LOOK_ASK : C2_LOOK_NONE;
}

static bool child(void *ctx, struct c2_str group, size_t i, struct c2_object *out)
{
    struct meaning *m = ctx;
    char dir[C2_PATH_MAX + 2];
    int n = snprintf(dir, sizeof(dir), "%.*s%s", C2_STR_ARG(group), group.n ? "/" : "");
    struct c2_ds **list;
    size_t count = c2_sub_first_beneath(m->state, (struct c2_str){dir, (size_t)n}, &list);

    for (size_t k = 0; k < count && k < C2_MEANING_LOOKS_MAX; k++) {
        if (strchr(list[k]->path + n, '/') || list[k]->error || list[k]->group_attrs || i-- > 0) continue;
        take_dataset(m, list[k], out);
        return true;
    }
    return false;
}

static bool subgroup(void *ctx, struct c2_str group, size_t i, struct c2_str *path)
{
    struct meaning *m = ctx;
    char dir[C2_PATH_MAX + 2], after[C2_PATH_MAX + 3];
    size_t n = (size_t)snprintf(dir, sizeof(dir), "%.*s%s", C2_STR_ARG(group), group.n ? "/" : "");
    struct c2_ds **list;
    size_t count = c2_sub_first_beneath(m->state, (struct c2_str){dir, n}, &list), at = 0;

    for (size_t k = 0; at < count && k < C2_MEANING_LOOKS_MAX; k++) {
        const char *whole = list[at]->path, *slash = strchr(whole + n, '/');
        if (!slash) { /* a dataset */
            at++;
            continue;
        }
        size_t length = (size_t)(slash - whole);
        if (i-- == 0) {
            snprintf(m->subgroup, sizeof(m->subgroup), "%.*s", (int)length, whole);
            *path = c2_str_of(m->subgroup);
            return true;
        }
        size_t end =
            (size_t)snprintf(after, sizeof(after), "%.*s0", (int)length, whole); /* '0' follows '/' */
        at = c2_sub_lower(m->state, (struct c2_str){after, end}) - (size_t)(list - m->state->datasets);
    }
    return false;
}

/* ---- the request ---- */

static void on_attrs(void *ctx, struct c2_str json, const struct cat2_error *why);

static void ask_attrs(struct meaning *m, const char *path)
{
    char whole[C2_PATH_MAX + 300];
    struct group *group = &m->groups[m->ngroups++];
    int n = snprintf(whole, sizeof(whole), "%s%s%s", m->root, *path ? "/" : "", path);

    snprintf(group->path, sizeof(group->path), "%s", path);
    if (!c2_sub_may_have_attrs(m->state, c2_str_of(path))) {
        m->again = true;
        return;
    }
    m->asking = true;
    c2_sub_attrs(m->sub, (struct c2_str){whole, (size_t)n}, on_attrs, m);
}

/* One run: true, the request was answered. */
static bool run(struct meaning *m)
{
    struct c2_objects objects = {find, child, subgroup, m};
    struct c2_buf out = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    char ask[C2_PATH_MAX + 1];
    struct cat2_error err;

    m->state = c2_sub_root_of(m->req, m->sub, c2_str_of(m->root));
    if (!m->state) {
        c2_reply_no_root(m->req, c2_str_of(m->root));
        return true;
    }
    enum c2_meaning end = c2_meaning_put(&objects, c2_str_of(m->path), &out, ask, &err);
    if (end == C2_MEANING_ASK) {
        ask_attrs(m, ask);
        return false;
    }
    c2_reply_header(m->req, "Cache-Control", "no-cache");
    c2_reply_built(m->req, end == C2_MEANING_TOLD, &out, &err);
    return true;
}

static void go_on(struct meaning *m)
{
    do {
        m->again = m->asking = false;
        if (run(m)) {
            meaning_free(m);
            return;
        }
        m->asking = false; /* from here on an answer comes later */
    } while (m->again);
}

/* A group whose attributes cannot be had now has none. */
static void on_attrs(void *ctx, struct c2_str json, const struct cat2_error *why)
{
    struct meaning *m = ctx;
    struct group *group = &m->groups[m->ngroups - 1];
    struct cat2_error err;

    if (!why && json.n <= ATTRS_NBYTES - m->nbytes) {
        m->nbytes += json.n;
        if (!c2_json_parse(json, &group->json, &err)) group->json = NULL;
    }
    if (m->asking)
        m->again = true;
    else
        go_on(m);
}

static void start(const struct c2_found *found, const struct cat2_error *err)
{
    struct c2_request *req = found->req;
    struct meaning *m;

    if (err) {
        c2_reply_reason(req, found->root, err);
    } else if (!found->root) {
        c2_reply_no_root(req, c2_request_param(req, "path"));
    } else if (found->ds && found->ds->error) {
        c2_reply_unserved(req, found->ds);
    } else if (!found->ds && !found->folder) {
        c2_reply_no_dataset(req, found->sub);
    } else if (!(m = calloc(1, sizeof(*m)))) {
        c2_reply_detail(req, 503, "out of memory");
    } else {
        struct c2_str path = found->ds ? c2_ds_name(found->ds) : found->path;
        m->req = req;
        m->sub = found->sub;
        snprintf(m->root, sizeof(m->root), "%s", found->root->root.name);
        snprintf(m->path, sizeof(m->path), "%.*s", C2_STR_ARG(path));
        go_on(m);
    }
}

void c2_handle_meaning(struct c2_request *req, void *state)
{
    struct c2_str name, path;
    struct cat2_error err;

    c2_str_cut(c2_request_param(req, "path"), '/', &name, &path);
    struct c2_str bare = {path.p, path.n && path.p[path.n - 1] == '/' ? path.n - 1 : path.n};
    if (bare.n && !c2_path_check(bare, &err))
        c2_reply_detail(req, 400, "Invalid path %.*s", (int)c2_min_i64(200, (int64_t)bare.n), bare.p);
    else
        c2_sub_find_path(req, state, name, path, C2_FIND_NAMED, start, NULL);
}
