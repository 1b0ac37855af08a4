/* SPDX-License-Identifier: BSD-3-Clause */
/* The bus over a broker elsewhere: one WebSocket, kept alive for ever; the registry by REST.
 *
 *   AWAY ──(timer)──► CONNECTING ──► UP ──► AWAY ...
 *
 * With a broker of ours ("X-Caterva2-Events: 1") topics are taken up by "resume", which needs no resync where
 * its log reaches. */
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/vec.h"
#include "bus/hub.h"
#include "bus/remote_impl.h"
#include "net/address.h"

#define DOUBTS_MAX 2     /* of one answer that tells the roots */
#define AGAIN_MS   10000 /* after a registration failed; a broker may say another time, up to a lease */

static void release(struct c2_remote *r)
{
    if (r->freed && r->flights == 0) free(r);
}

/* ---- registry ---- */

struct ask {
    struct c2_remote *r;
    c2_bus_roots_done *roots_done;
    c2_bus_done *done;
    void *ctx;
    const char *route; /* NULL: roots */
    char name[256];    /* of the root that is posted */
    uint64_t visit;    /* of the remote, when it was asked */
    int at;
    bool check; /* the roots are asked for to see whether ours are among them */
    int tries;
};

static void on_rest(void *ctx, struct c2_http_reply *reply, const struct cat2_error *err);
static void tell(struct c2_remote *r, const struct ask *ask, const struct c2_root *roots, size_t n,
                 struct c2_http_reply *reply, const struct cat2_error *err);

static void rest(struct c2_remote *r, const char *method, const char *name, const char *const *headers,
                 struct c2_str body, struct ask with)
{
    struct ask *ask = malloc(sizeof(*ask));
    struct cat2_error err;
    char url[900];

    if (!ask) {
        c2_fail_nomem(&err, "request");
        tell(r, &with, NULL, 0, NULL, &err);
        return;
    }
    *ask = with;
    ask->r = r;
    ask->visit = r->visit;
    ask->at = r->at;
    snprintf(url, sizeof(url), "%s://%s/api/%s%s%s", r->tls ? "https" : "http", r->broker,
             with.route ? with.route : "roots", name ? "/" : "", name ? name : "");
    struct c2_http_call call = {.method = method,
                                .url = url,
                                .headers = headers,
                                .body = body,
                                .timeout_ms = 10000,
                                .body_max = 16 << 20,
                                .known = true,
                                .fresh = with.tries > 0,
                                .done = on_rest,
                                .ctx = ask};
    r->flights++;
    if (c2_checked_start(r->http, &call, C2_WIRE_ROOTS, r->rest_hashed ? C2_CHECK_PREFER : C2_CHECK_ASK))
        return;
    c2_fail_nomem(&err, "request");
    on_rest(ask, NULL, &err);
}

static void post_root(struct c2_remote *r, struct registration *reg)
{
    struct cat2_error err;
    struct c2_jw w;
    struct ask ask = {0};
    char header[100];
    const char *headers[] = {header, NULL};
    C2_AUTO(c2_buf) body = C2_BUF_INIT(4096);

    c2_jw_init(&w, &body, C2_JSON_COMPACT, &err);
    c2_jw_begin_object(&w);
    c2_root_jw(&w, &reg->root);
    c2_jw_end_object(&w);
    if (!c2_jw_finish(&w)) return;
    snprintf(ask.name, sizeof(ask.name), "%s", reg->root.name);
    snprintf(header, sizeof(header), "X-Caterva2-Token: %s", reg->token);
    rest(r, "POST", NULL, headers, c2_buf_str(&body), ask);
}

struct told_roots {
    C2_VEC(struct c2_root);
};

/* A root, and who mirrors it. */
static bool read_root(struct told_roots *roots, struct c2_str name, struct c2_jval value,
                      struct cat2_error *err)
{
    struct c2_jiter it = c2_jiter_of(c2_jget(value, "mirrors"));
    struct c2_root root;
    struct c2_str key;
    size_t n = 0;

    if (!c2_root_of_json(name, value, &root)) return true;
    bool ok = c2_vec_push(roots, C2_VEC_NO_MAX, "roots", err, root);
    while (ok && n++ < C2_MIRRORS_MAX && c2_jnext(&it, &key, &value))
        if (c2_root_of_json(name, value, &root)) {
            root.mirror = true;
            ok = c2_vec_push(roots, C2_VEC_NO_MAX, "roots", err, root);
        }
    return ok;
}

static bool read_roots(struct c2_http_reply *reply, struct told_roots *roots, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_str name;
    struct c2_jval value;

    C2_ASSERT(reply);
    if (!c2_json_parse(c2_buf_str(reply->body), &json, err)) return false;
    struct c2_jiter it = c2_jiter_of(c2_json_root(json));
    while (c2_jnext(&it, &name, &value))
        if (!read_root(roots, name, value, err)) return false;
    return true;
}

/* Roots of ours that the broker lost, or knows elsewhere, are posted again. */
static void check_registered(struct c2_remote *r, const struct c2_root *roots, size_t n)
{
    for (struct registration *reg = r->registrations; reg; reg = reg->next) {
        bool there = false;
        for (size_t i = 0; i < n && !there; i++)
            there = strcmp(roots[i].name, reg->root.name) == 0 && c2_root_is_at(&roots[i], &reg->root);
        if (there)
            c2_remote_claim(r, reg);
        else
            post_root(r, reg);
    }
}

static void on_again(void *ctx)
{
    struct registration *reg = ctx;

    reg->timer = NULL;
    if (reg->remote->up) post_root(reg->remote, reg); /* else the next connection sees to it */
}

/* The name may be free in a while. */
static void post_again(struct c2_remote *r, struct registration *reg, int64_t delay_ms)
{
    if (!reg->timer) reg->timer = c2_timer_start(r->loop, delay_ms, 0, on_again, reg);
}

/* Whether the broker knows them could not be seen. */
static void post_all_again(struct c2_remote *r)
{
    for (struct registration *reg = r->registrations; reg; reg = reg->next)
        post_again(r, reg, AGAIN_MS);
}

/* false: it is not said. */
static bool read_wait(const struct c2_http_reply *reply, int64_t *wait_ms)
{
    struct c2_str text;
    int64_t seconds;

    if (!reply || !c2_http_header(reply, "Retry-After", &text) || !c2_str_to_i64(text, &seconds))
        return false;
    *wait_ms = 1000 * c2_max_i64(1, c2_min_i64(seconds, C2_HUB_LEASE_MS / 1000));
    return true;
}

static void on_posted(struct c2_remote *r, const struct ask *ask, struct c2_http_reply *reply,
                      const struct cat2_error *err)
{
    struct cat2_error why = err ? *err : (struct cat2_error){0};
    int64_t wait_ms = AGAIN_MS;

    for (struct registration *reg = r->registrations; reg; reg = reg->next) {
        if (strcmp(reg->root.name, ask->name) != 0) continue;
        c2_bus_done *done = reg->done;
        if (err) {
            c2_log_warn("register root=%s: %s", ask->name, err->message);
            if (read_wait(reply, &wait_ms)) why.http_status = 0; /* its owner is away, and may be gone */
            post_again(r, reg, wait_ms);
        } else {
            reg->done = NULL;
            c2_timer_stop(reg->timer);
            reg->timer = NULL;
            c2_remote_claim(r, reg);
        }
        if (done) done(reg->ctx, err ? &why : NULL);
        return;
    }
}

/* Whoever asked how it ended. */
static void tell(struct c2_remote *r, const struct ask *ask, const struct c2_root *roots, size_t n,
                 struct c2_http_reply *reply, const struct cat2_error *err)
{
    if (ask->roots_done) ask->roots_done(ask->ctx, roots, n, err);
    if (ask->name[0]) on_posted(r, ask, reply, err);
    if (ask->done) ask->done(ask->ctx, err);
}

static void fail_status(const struct c2_remote *r, struct c2_http_reply *reply, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct cat2_error none;
    struct c2_str detail = {"", 0};

    if (c2_json_parse(c2_buf_str(reply->body), &json, &none))
        c2_jstr(c2_jget(c2_json_root(json), "detail"), &detail);
    c2_fail(err, CAT2_EUPSTREAM, "broker %.60s answers %d%s%.*s", r->broker, reply->status,
            detail.n ? ": " : "", (int)c2_min_i64(160, (int64_t)detail.n), detail.p);
    err->http_status = reply->status;
}

/* Without a hash, roots that are not those told before are believed when they come twice: one flipped bit
 * would hide a root, or lead to where it is not. */
static bool is_doubtful(struct c2_remote *r, const struct ask *ask, const struct c2_http_reply *reply)
{
    C2_ASSERT(reply);
    return !reply->hashed && !c2_hash_again(c2_hash64(reply->body->p, reply->body->n), &r->roots_told) &&
           ask->tries < DOUBTS_MAX;
}

static void on_rest(void *ctx, struct c2_http_reply *reply, const struct cat2_error *why)
{
    struct ask *ask = ctx;
    struct c2_remote *r = ask->r;
    struct cat2_error err = {0};
    struct told_roots roots = {0};

    bool elsewhere = ask->visit != r->visit;
    if (elsewhere)
        c2_fail(&err, CAT2_EUPSTREAM, "broker %.100s was asked, and left meanwhile",
                r->places[ask->at].broker);
    else if (why)
        err = *why;
    else if (reply->status / 100 != 2)
        fail_status(r, reply, &err);
    r->flights--;
    if (!why && !elsewhere) r->rest_hashed = reply->hashed;
    bool lists = ask->check || ask->roots_done;
    if (!r->freed && lists && err.code == CAT2_OK && is_doubtful(r, ask, reply)) {
        struct ask again = *ask;
        again.tries++;
        rest(r, NULL, NULL, NULL, (struct c2_str){"", 0}, again);
    } else if (!r->freed) {
        if (lists && err.code == CAT2_OK && read_roots(reply, &roots, &err))
            c2_remote_note_who(r, roots.p, roots.n);
        bool ok = err.code == CAT2_OK;
        if (ask->check && ok) check_registered(r, roots.p, roots.n);
        if (ask->check && !ok) post_all_again(r);
        tell(r, ask, roots.p, roots.n, reply, ok ? NULL : &err);
    }
    c2_vec_fini(&roots);
    free(ask);
    release(r);
}

/* See whether the broker still knows our roots, tell who watches. */
static void on_connected(struct c2_remote *r)
{
    if (r->registrations) rest(r, NULL, NULL, NULL, (struct c2_str){"", 0}, (struct ask){.check = true});
    for (struct watcher *watcher = r->watchers; watcher; watcher = watcher->next)
        watcher->fn(watcher->ctx);
}

/* ---- the bus ---- */

static void remote_register(struct c2_bus *bus, const struct c2_root *root, const char *token,
                            c2_bus_done *done, void *ctx)
{
    struct c2_remote *r = (struct c2_remote *)bus;
    struct registration *reg = calloc(1, sizeof(*reg));
    struct cat2_error err;

    if (!reg) {
        c2_fail_nomem(&err, "root");
        if (done) done(ctx, &err);
        return;
    }
    *reg =
        (struct registration){.next = r->registrations, .remote = r, .root = *root, .done = done, .ctx = ctx};
    snprintf(reg->token, sizeof(reg->token), "%s", token);
    r->registrations = reg;
    post_root(r, reg);
}

static void remote_unregister(struct c2_bus *bus, const char *name, c2_bus_done *done, void *ctx)
{
    struct c2_remote *r = (struct c2_remote *)bus;
    char header[100];
    const char *headers[] = {header, NULL};

    for (struct registration **at = &r->registrations; *at; at = &(*at)->next) {
        struct registration *reg = *at;
        if (strcmp(reg->root.name, name) != 0) continue;
        *at = reg->next;
        snprintf(header, sizeof(header), "X-Caterva2-Token: %s", reg->token);
        c2_timer_stop(reg->timer);
        free(reg);
        rest(r, "DELETE", name, headers, (struct c2_str){"", 0}, (struct ask){.done = done, .ctx = ctx});
        return;
    }
}

static void remote_roots(struct c2_bus *bus, c2_bus_roots_done *done, void *ctx)
{
    rest((struct c2_remote *)bus, NULL, NULL, NULL, (struct c2_str){"", 0},
         (struct ask){.roots_done = done, .ctx = ctx});
}

/* An error for a call that could not be made; told a moment later. */
struct refusal {
    struct c2_loop_call call;
    c2_bus_done *done;
    void *ctx;
    struct cat2_error err;
};

static void refuse(void *arg)
{
    struct refusal *refusal = arg;

    refusal->done(refusal->ctx, &refusal->err);
    free(refusal);
}

static void remote_publish(struct c2_bus *bus, const char *topic, struct c2_str data, c2_bus_done *done,
                           void *ctx)
{
    struct c2_remote *r = (struct c2_remote *)bus;
    struct cat2_error err = {0};
    struct c2_jw w;
    C2_AUTO(c2_buf) arguments = C2_BUF_INIT(C2_WS_MESSAGE_MAX);

    c2_jw_init(&w, &arguments, C2_JSON_COMPACT, &err);
    c2_jw_begin_object(&w);
    c2_jw_put_cstr(&w, "topics", topic);
    c2_jw_put_raw(&w, "data", data);
    c2_jw_put_bool(&w, "sync", true);
    c2_jw_put_null(&w, "notifier_id");
    c2_jw_end_object(&w);
    bool ok =
        c2_jw_finish(&w) && (r->up || c2_fail(&err, CAT2_EUPSTREAM, "broker %.100s is away", r->broker));
    if (ok && c2_remote_send(r, "publish", c2_buf_str(&arguments),
                             (struct c2_remote_call){.done = done, .ctx = ctx}, &err))
        return;
    struct refusal *refusal = done ? malloc(sizeof(*refusal)) : NULL;
    if (refusal) {
        *refusal = (struct refusal){.done = done, .ctx = ctx, .err = err};
        c2_loop_post(r->loop, &refusal->call, refuse, refusal);
    } else if (done) {
        done(ctx, &err);
    }
}

static struct c2_bus_subscription *remote_subscribe(struct c2_bus *bus, const char *topic,
                                                    const struct c2_bus_position *from,
                                                    const struct c2_bus_listener *listener)
{
    struct c2_remote *r = (struct c2_remote *)bus;
    struct c2_bus_subscription *subscription = calloc(1, sizeof(*subscription));

    if (!subscription) return NULL;
    *subscription =
        (struct c2_bus_subscription){.next = r->subscriptions, .remote = r, .listener = *listener};
    snprintf(subscription->topic, sizeof(subscription->topic), "%s", topic);
    if (from) subscription->at = *from;
    r->subscriptions = subscription;
    if (r->up) c2_remote_ask_topic(r, subscription);
    return subscription;
}

/* Freed when nobody is being told anything: at the next connect, or with the bus. */
static void remote_unsubscribe(struct c2_bus_subscription *subscription)
{
    if (subscription) subscription->gone = true;
}

static bool remote_connected(const struct c2_bus *bus)
{
    return ((const struct c2_remote *)bus)->up;
}

static bool remote_here(const struct c2_bus *bus)
{
    return ((const struct c2_remote *)bus)->here;
}

static bool remote_on_connect(struct c2_bus *bus, void (*fn)(void *ctx), void *ctx)
{
    struct c2_remote *r = (struct c2_remote *)bus;
    struct watcher *watcher = malloc(sizeof(*watcher));

    if (!watcher) return false;
    *watcher = (struct watcher){r->watchers, fn, ctx};
    r->watchers = watcher;
    return true;
}

static void remote_mirror(struct c2_bus *bus, const struct c2_mirroring *mirroring, c2_bus_done *done,
                          void *ctx)
{
    struct ask ask = {.done = done, .ctx = ctx, .route = "mirrors"};
    C2_AUTO(c2_buf) body = C2_BUF_INIT(C2_MIRRORS_BODY_MAX);
    struct cat2_error err = {0};
    char header[100];
    const char *headers[] = {header, NULL};
    struct c2_jw w;

    c2_jw_init(&w, &body, C2_JSON_COMPACT, &err);
    c2_jw_begin_object(&w);
    c2_root_place_jw(&w, mirroring->place);
    c2_jw_put_raw(&w, "roots", mirroring->roots);
    c2_jw_end_object(&w);
    snprintf(header, sizeof(header), "X-Caterva2-Token: %s", mirroring->token);
    if (c2_jw_finish(&w))
        rest((struct c2_remote *)bus, "POST", NULL, headers, c2_buf_str(&body), ask);
    else
        done(ctx, &err);
}

static int remote_at(const struct c2_bus *bus)
{
    return ((const struct c2_remote *)bus)->at;
}

static void remote_avoid(struct c2_bus *bus, int at, bool avoid)
{
    c2_remote_avoid((struct c2_remote *)bus, at, avoid);
}

static void remote_free(struct c2_bus *bus)
{
    struct c2_remote *r = (struct c2_remote *)bus;
    struct cat2_error err;

    c2_fail(&err, CAT2_ECANCELLED, "shutting down");
    c2_timer_stop(r->timer);
    r->timer = NULL;
    r->freed = true;
    c2_remote_look_stop(r);
    c2_ws_abort(r->ws);
    c2_remote_end_calls(r, &err);
    for (struct c2_bus_subscription *subscription = r->subscriptions, *next; subscription;
         subscription = next) {
        next = subscription->next;
        free(subscription);
    }
    for (struct registration *reg = r->registrations, *next; reg; reg = next) {
        next = reg->next;
        c2_timer_stop(reg->timer);
        free(reg);
    }
    for (struct watcher *watcher = r->watchers, *next; watcher; watcher = next) {
        next = watcher->next;
        free(watcher);
    }
    release(r);
}

bool c2_bus_remote_new(struct c2_loop *loop, struct c2_http *http, const char *broker, struct c2_bus **out,
                       struct cat2_error *err)
{
    static const struct c2_bus_ops ops = {
        remote_register,    remote_unregister, remote_roots, remote_publish,    remote_subscribe,
        remote_unsubscribe, remote_connected,  remote_here,  remote_on_connect, remote_free,
        remote_mirror,      remote_at,         remote_avoid};
    struct c2_remote *r = calloc(1, sizeof(*r));

    if (!r) return c2_fail_nomem(err, "bus");
    r->bus.ops = &ops;
    r->loop = loop;
    r->http = http;
    r->connected = on_connected;
    if (!c2_remote_read_places(r, c2_str_of(broker), err)) {
        free(r);
        return c2_fail_within(err, "broker");
    }
    c2_remote_go_to(r, 0);
    r->timer = c2_timer_start(loop, 0, 0, c2_remote_connect, r);
    *out = &r->bus;
    return true;
}
