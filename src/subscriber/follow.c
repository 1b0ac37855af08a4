/* SPDX-License-Identifier: BSD-3-Clause */
/* Following a root: one full listing from a publisher of ours, a list and an info a dataset from a Python
 * one; then its events.
 *
 * A listing is taken over when it is complete: datasets with the same etag stay as they are, others become
 * new generations, those no longer listed are dropped. What cannot be reached is retried, 1 s to 60 s apart;
 * meanwhile the root serves what it has. */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/log.h"
#include "subscriber/events.h"
#include "wire/url.h"

#define INFOS_AT_ONCE 16

struct c2_follow {
    struct c2_root_state *root;
    struct c2_http_flight *list;
    struct c2_buf text; /* a Python list, or the line at hand */
    bool streaming, known_type;
    bool unsure;          /* Python: a 5xx may mean that the dataset is not announced yet */
    struct c2_ds **found; /* in listing order */
    size_t nfound, cap;
    struct info { /* Python: one info a dataset */
        struct c2_follow *follow;
        struct c2_http_flight *flight;
        char *path;
    } * infos;
    size_t ninfos, next, under_way;
};

static void follow_free(struct c2_follow *f)
{
    c2_http_cancel(f->list);
    for (size_t i = 0; i < f->ninfos; i++) {
        c2_http_cancel(f->infos[i].flight);
        free(f->infos[i].path);
    }
    for (size_t i = 0; i < f->nfound; i++)
        c2_ds_unref(f->found[i]);
    free(f->infos);
    free(f->found);
    c2_buf_fini(&f->text);
    free(f);
}

void c2_follow_cancel(struct c2_root_state *root, const char *why)
{
    struct cat2_error err;

    if (root->follow) follow_free(root->follow);
    root->follow = NULL;
    c2_refresh_cancel(root);
    c2_timer_stop(root->timer);
    root->timer = NULL;
    c2_fail(&err, CAT2_ECANCELLED, "%s", why);
    while (root->waiters) {
        struct c2_sub_waiter *waiter = root->waiters;
        root->waiters = waiter->next;
        waiter->fn(waiter->ctx, &err);
        free(waiter);
    }
}

static void tell_waiters(struct c2_root_state *root, const struct cat2_error *err)
{
    struct c2_sub_waiter *waiter = root->waiters;

    root->waiters = NULL;
    while (waiter) {
        struct c2_sub_waiter *next = waiter->next;
        waiter->fn(waiter->ctx, err);
        free(waiter);
        waiter = next;
    }
}

static void on_timer(void *ctx)
{
    struct c2_root_state *root = ctx;

    root->timer = NULL;
    c2_sub_follow(root);
}

static void follow_later(struct c2_root_state *root, int64_t ms)
{
    if (root->timer || root->sub->stopping) return;
    root->timer = c2_timer_start(root->sub->config.loop, ms, 0, on_timer, root);
}

static void failed(struct c2_follow *f, const struct cat2_error *err)
{
    struct c2_root_state *root = f->root;
    struct cat2_error why = *err;

    root->follow = NULL;
    follow_free(f);
    if (++root->failures == 1) c2_events_root(root);
    root->fresh = false;
    c2_log_warn("follow root=%s try=%d: %s", root->root.name, root->failures, why.message);
    follow_later(root, c2_min_i64(60000, (int64_t)500 << c2_min_i64(root->failures, 7)));
    if (why.code == CAT2_ENOTFOUND) why.code = CAT2_EUPSTREAM; /* the publisher's 404 is not ours */
    why.http_status = 0;
    tell_waiters(root, &why);
}

/* Take the listing over. */
static void complete(struct c2_follow *f)
{
    struct c2_root_state *root = f->root;
    struct cat2_error err = {0};
    size_t before = root->n;
    uint64_t changes = root->changes;
    bool modern = f->streaming, unsure = f->unsure;

    bool ok = c2_state_begin(root->sub->state, &err);
    size_t n = f->nfound;
    struct c2_root_state fresh = {.root = root->root,
                                  .sub = root->sub}; /* names now listed, to see what is gone */
    root->sub->restoring = true;                     /* this list is only looked at */
    for (size_t i = 0; i < n; i++)
        if (!c2_sub_put(&fresh, c2_ds_ref(f->found[i]), &err))
            c2_log_error("follow root=%s: %s", root->root.name, err.message);
    root->sub->restoring = false;
    for (size_t i = before; i-- > 0;)
        if (!c2_sub_find(&fresh, c2_str_of(root->datasets[i]->path)))
            c2_sub_drop(root, c2_str_of(root->datasets[i]->path));
    for (size_t i = 0; i < fresh.n; i++)
        c2_ds_unref(fresh.datasets[i]);
    free(fresh.datasets);
    for (size_t i = 0; i < n; i++) {
        struct c2_ds *ds = f->found[i];
        f->found[i] = NULL;
        if (!c2_sub_put(root, ds, &err)) c2_log_error("follow root=%s: %s", root->root.name, err.message);
    }
    if (ok && !c2_state_commit(root->sub->state, &err)) c2_log_error("state: %s", err.message);
    root->follow = NULL;
    follow_free(f);
    bool news = !root->listed || root->changes != changes || root->failures > 0;
    root->failures = 0;
    root->listed = true;
    if (news) c2_events_root(root);
    root->modern = modern;
    root->fresh = true;
    c2_log_info("follow root=%s datasets=%zu", root->root.name, root->n);
    tell_waiters(root, NULL);
    if (root->follow_again) follow_later(root, C2_SETTLE_MS);
    root->follow_again = false;
    root->doubts = unsure ? root->doubts + 1 : 0;
    if (unsure) follow_later(root, c2_min_i64(60000, (int64_t)500 << c2_min_i64(root->doubts, 7)));
}

static bool keep(struct c2_follow *f, struct c2_ds *ds, struct cat2_error *err)
{
    if (f->nfound == f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 64;
        struct c2_ds **grown = realloc(f->found, cap * sizeof(*grown));
        if (!grown) {
            c2_ds_unref(ds);
            return c2_fail_nomem(err, "listing");
        }
        f->found = grown;
        f->cap = cap;
    }
    f->found[f->nfound++] = ds;
    return true;
}

static bool take_line(struct c2_follow *f, struct c2_str line, struct cat2_error *err)
{
    struct cat2_error why;
    struct c2_ds *ds;

    if (c2_str_trim(line).n == 0) return true;
    if (c2_ds_from_line(f->root, line, true, &ds, &why)) return keep(f, ds, err);
    c2_log_warn("follow root=%s: %s", f->root->root.name,
                why.message); /* one line is no reason to lose the others */
    return true;
}

static bool on_list_data(void *ctx, int status, struct c2_bytes bytes, struct cat2_error *err)
{
    struct c2_follow *f = ctx;
    struct c2_str line, rest;

    (void)status;
    if (!c2_buf_append(&f->text, bytes.p, bytes.n, err)) return false;
    if (!f->known_type) { /* '{' starts a line of ours, '[' a Python list */
        struct c2_str head = c2_str_trim(c2_buf_str(&f->text));
        if (head.n == 0) return true;
        f->known_type = true;
        f->streaming = head.p[0] == '{';
    }
    if (!f->streaming) return true;
    rest = c2_buf_str(&f->text);
    while (memchr(rest.p, '\n', rest.n)) {
        c2_str_cut(rest, '\n', &line, &rest);
        if (!take_line(f, line, err)) return false;
    }
    memmove(f->text.p, rest.p, rest.n);
    f->text.n = rest.n;
    return true;
}

static void more_infos(struct c2_follow *f);

bool c2_follow_line_of_info(const char *path, struct c2_http_reply *reply, struct c2_buf *line,
                            struct cat2_error *err)
{
    struct c2_jw w;

    c2_jw_init(&w, line, C2_JSON_COMPACT, err);
    c2_jw_begin_object(&w);
    c2_jw_key(&w, "path");
    c2_jw_cstr(&w, path);
    if (reply->status == 200) {
        c2_jw_key(&w, "etag");
        c2_jw_str(&w, reply->etag);
        c2_jw_key(&w, "metadata");
        c2_jw_raw(&w, c2_buf_str(reply->body));
    } else {
        char text[100];
        snprintf(text, sizeof(text), "the publisher answers %d for its metadata", reply->status);
        c2_jw_key(&w, "error");
        c2_jw_cstr(&w, text);
    }
    c2_jw_end_object(&w);
    return c2_jw_finish(&w);
}

static void on_info(void *ctx, struct c2_http_reply *reply, const struct cat2_error *why)
{
    struct info *info = ctx;
    struct c2_follow *f = info->follow;
    struct cat2_error err = {0};
    struct c2_ds *ds;
    C2_AUTO(c2_buf) line = C2_BUF_INIT(C2_JSON_NBYTES_MAX);

    info->flight = NULL;
    f->under_way--;
    if (why) {
        failed(f, why);
        return;
    }
    struct c2_ds *old = reply->status == 304 ? c2_sub_find(f->root, c2_str_of(info->path)) : NULL;
    bool ok = true;
    if (reply->status >= 500) f->unsure = true;
    if (old)
        ok = keep(f, c2_ds_ref(old), &err);
    else {
        struct cat2_error bad;
        if (c2_follow_line_of_info(info->path, reply, &line, &bad) &&
            c2_ds_from_line(f->root, c2_buf_str(&line), false, &ds, &bad))
            ok = keep(f, ds, &err);
    }
    if (!ok)
        failed(f, &err);
    else
        more_infos(f);
}

static bool start_info(struct c2_follow *f, struct info *info, struct cat2_error *err)
{
    C2_AUTO(c2_buf) url = C2_BUF_INIT(8192);
    char condition[600];
    const char *headers[] = {condition, NULL};
    struct c2_ds *old = c2_sub_find(f->root, c2_str_of(info->path));
    bool conditional = old && *old->etag && !old->modern && !old->error;

    if (!c2_buf_printf(&url, err, "http://%s/api/info/", f->root->root.http) ||
        !c2_url_encode(c2_str_of(info->path), true, &url, err))
        return false;
    snprintf(condition, sizeof(condition), "If-None-Match: %s", conditional ? old->etag : "");
    struct c2_http_call call = {.url = c2_buf_cstr(&url),
                                .headers = conditional ? headers : NULL,
                                .body_max = 16 << 20,
                                .done = on_info,
                                .ctx = info};
    info->flight = c2_http_start(f->root->sub->config.http, &call);
    if (!info->flight) return c2_fail_nomem(err, "request");
    f->under_way++;
    return true;
}

static void more_infos(struct c2_follow *f)
{
    struct cat2_error err;

    while (f->next < f->ninfos && f->under_way < INFOS_AT_ONCE)
        if (!start_info(f, &f->infos[f->next++], &err)) {
            failed(f, &err);
            return;
        }
    if (f->under_way == 0) complete(f);
}

static bool plan_infos(struct c2_follow *f, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_str path = {0}, key;
    struct c2_jval value;

    if (!c2_json_parse(c2_buf_str(&f->text), &json, err)) return false;
    struct c2_jval list = c2_json_root(json);
    if (c2_jval_kind(list) != C2_JARRAY) return c2_fail(err, CAT2_EDATA, "the publisher's list is no array");
    f->infos = calloc(c2_jlen(list) + 1, sizeof(*f->infos));
    if (!f->infos) return c2_fail_nomem(err, "listing");
    struct c2_jiter it = c2_jiter_of(list);
    while (c2_jnext(&it, &key, &value)) {
        struct cat2_error bad;
        if (!c2_jstr(value, &path) || !c2_path_check(path, &bad)) continue;
        f->infos[f->ninfos] = (struct info){f, NULL, c2_str_dup(path)};
        if (!f->infos[f->ninfos++].path) return c2_fail_nomem(err, "listing");
    }
    return true;
}

static void on_list(void *ctx, struct c2_http_reply *reply, const struct cat2_error *why)
{
    struct c2_follow *f = ctx;
    struct cat2_error err = {0};

    f->list = NULL;
    if (why) {
        failed(f, why);
        return;
    }
    if (!f->known_type) /* no line at all: an empty root of ours */
        f->streaming = c2_str_starts(reply->content_type, "application/x-ndjson");
    if (reply->status != 200) {
        c2_fail(&err, CAT2_EUPSTREAM, "the publisher at %.100s answers %d to /api/list", f->root->root.http,
                reply->status);
        failed(f, &err);
    } else if (f->streaming) {
        if (take_line(f, c2_buf_str(&f->text), &err))
            complete(f);
        else
            failed(f, &err);
    } else if (plan_infos(f, &err)) {
        more_infos(f);
    } else {
        failed(f, &err);
    }
}

/* ---- events ---- */

static void on_event(void *ctx, const struct c2_event *event)
{
    struct c2_root_state *root = ctx;

    c2_log_debug("event root=%s seq=%lld: %.*s", root->root.name, (long long)event->seq,
                 (int)c2_min_i64(200, (int64_t)event->data.n), event->data.p);
    if (root->follow)
        root->follow_again = true;
    else if (root->timer || !root->fresh || !c2_sub_refresh(root, event->data))
        follow_later(root, C2_SETTLE_MS);
}

static void on_resync(void *ctx)
{
    struct c2_root_state *root = ctx;

    if (root->follow)
        root->follow_again = true;
    else
        follow_later(root, root->listed ? C2_SETTLE_MS : 0);
}

void c2_sub_follow(struct c2_root_state *root)
{
    struct c2_subscriber *sub = root->sub;
    struct c2_follow *f;
    char url[400];

    if (sub->stopping) return;
    c2_refresh_cancel(root); /* the listing says it all */
    if (root->follow) {
        root->follow_again = true;
        return;
    }
    if (!root->subscribed) {
        root->subscribed = true;
        c2_sub_save_root(root);
    }
    if (!root->topic) {
        struct c2_bus_listener listener = {on_event, on_resync, root};
        root->topic = sub->config.bus->ops->subscribe(sub->config.bus, root->root.name, NULL, &listener);
    }
    f = calloc(1, sizeof(*f));
    if (!f) return;
    f->root = root;
    c2_buf_init(&f->text, C2_JSON_NBYTES_MAX);
    root->follow = f;
    snprintf(url, sizeof(url), "http://%s/api/list?full=1", root->root.http);
    struct c2_http_call call = {
        .url = url, .timeout_ms = 120000, .body_max = 65536, .data = on_list_data, .done = on_list, .ctx = f};
    f->list = c2_http_start(sub->config.http, &call);
    if (f->list) return;
    struct cat2_error err;
    c2_fail_nomem(&err, "request");
    failed(f, &err);
}

void c2_sub_when_listed(struct c2_root_state *root, void (*fn)(void *ctx, const struct cat2_error *err),
                        void *ctx)
{
    struct c2_sub_waiter *waiter = calloc(1, sizeof(*waiter));
    struct cat2_error err;

    if (!waiter) {
        c2_fail_nomem(&err, "request");
        fn(ctx, &err);
        return;
    }
    *waiter = (struct c2_sub_waiter){root->waiters, fn, ctx};
    root->waiters = waiter;
    c2_timer_stop(root->timer);
    root->timer = NULL;
    if (!root->follow) c2_sub_follow(root);
}

/* ---- which roots there are ---- */

static void know_root(struct c2_subscriber *sub, const struct c2_root *from)
{
    struct cat2_error err;
    struct c2_root_state *old = c2_sub_root(sub, c2_str_of(from->name));
    bool moved = old && strcmp(old->root.http, from->http) != 0;
    struct c2_root_state *root = c2_sub_root_add(sub, from, &err);

    if (!root) {
        c2_log_warn("root is not taken: %s", err.message);
        return;
    }
    root->known = true;
    if (!old) c2_events_root(root);
    if (!old || moved) c2_sub_save_root(root);
    if (sub->config.follow_all) root->subscribed = true;
    if (root->subscribed && (!old || moved || root->failures || !root->topic)) {
        c2_timer_stop(root->timer);
        root->timer = NULL;
        c2_sub_follow(root);
    }
}

static void on_roots(void *ctx, const struct c2_root *roots, size_t n, const struct cat2_error *err)
{
    struct c2_subscriber *sub = ctx;

    if (err || sub->stopping) {
        if (err) c2_log_warn("broker: %s", err->message);
        return;
    }
    for (struct c2_root_state *root = sub->roots; root; root = root->next)
        root->known = false;
    for (size_t i = 0; i < n; i++)
        know_root(sub, &roots[i]);
}

static void on_news(void *ctx, const struct c2_event *event)
{
    struct c2_subscriber *sub = ctx;
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct cat2_error err;
    struct c2_str name, http;
    struct c2_root root = {0};

    if (!c2_json_parse(event->data, &json, &err) || !c2_jstr(c2_jget(c2_json_root(json), "name"), &name) ||
        !c2_jstr(c2_jget(c2_json_root(json), "http"), &http) || name.n >= sizeof(root.name) ||
        http.n >= sizeof(root.http))
        return;
    memcpy(root.name, name.p, name.n);
    memcpy(root.http, http.p, http.n);
    know_root(sub, &root);
}

static void ask_roots(void *ctx)
{
    struct c2_subscriber *sub = ctx;

    if (!sub->stopping) sub->config.bus->ops->roots(sub->config.bus, on_roots, sub);
}

bool c2_sub_watch_roots(struct c2_subscriber *sub, struct cat2_error *err)
{
    struct c2_bus *bus = sub->config.bus;
    struct c2_bus_listener listener = {on_news, ask_roots, sub};

    sub->news = bus->ops->subscribe(bus, "@new", NULL, &listener);
    if (!sub->news) return c2_fail_nomem(err, "subscription");
    bus->ops->on_connect(bus, ask_roots, sub);
    ask_roots(sub);
    for (struct c2_root_state *root = sub->roots; root; root = root->next)
        if (root->subscribed) follow_later(root, 0);
    return true;
}
