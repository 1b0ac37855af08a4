/* SPDX-License-Identifier: BSD-3-Clause */
/* The bus over a broker elsewhere: one WebSocket, kept alive for ever; the registry by REST.
 *
 *   AWAY ──(timer)──► CONNECTING ──► UP ──► AWAY ...
 *
 * With a broker of ours ("X-Caterva2-Events: 1") topics are taken up by "resume", which needs no resync where
 * its log reaches. */
#include "bus/remote.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/limits.h"
#include "base/log.h"
#include "net/websocket.h"
#include "wire/pubsub.h"

#define REPLY_MS 10000

struct c2_bus_sub {
    struct c2_bus_sub *next;
    struct remote *remote;
    char topic[256];
    struct c2_bus_position at;
    struct c2_bus_listener listener;
    bool gone;
};
/* A request on the socket that waits for its reply. */
struct call {
    struct call *next;
    struct remote *remote;
    char id[33];
    bool resume;
    c2_bus_done *done;
    void *ctx;
    struct c2_timer *timer;
};
struct registration {
    struct registration *next;
    struct c2_root root;
    char token[64];
    c2_bus_done *done; /* until it has been told */
    void *ctx;
};
struct watcher {
    struct watcher *next;
    void (*fn)(void *ctx);
    void *ctx;
};
struct remote {
    struct c2_bus bus;
    struct c2_loop *loop;
    struct c2_http *http;
    char broker[300];
    struct c2_ws *ws;
    bool up, freed;
    int tries;
    struct c2_timer *timer;
    struct c2_bus_sub *subs;
    struct call *calls;
    struct registration *registrations;
    struct watcher *watchers;
    int flights; /* HTTP requests under way: the remote lives until they are back */
};

static void connect_now(void *ctx);

static void release(struct remote *r)
{
    if (r->freed && r->flights == 0) free(r);
}

/* ---- calls on the socket ---- */

static void end_call(struct call *call, const struct cat2_error *err)
{
    struct call **at = &call->remote->calls;

    while (*at != call)
        at = &(*at)->next;
    *at = call->next;
    c2_timer_stop(call->timer);
    if (call->done) call->done(call->ctx, err);
    free(call);
}

static void on_call_time(void *ctx)
{
    struct call *call = ctx;
    struct cat2_error err;

    call->timer = NULL;
    c2_fail(&err, CAT2_EUPSTREAM, "broker %.100s does not reply", call->remote->broker);
    end_call(call, &err);
}

static bool send_call(struct remote *r, const char *method, struct c2_str arguments, struct call with,
                      struct cat2_error *err)
{
    struct call *call = malloc(sizeof(*call));
    C2_AUTO(c2_buf) out = C2_BUF_INIT(C2_WS_MESSAGE_MAX);

    if (!call) return c2_fail_nomem(err, "request");
    *call = with;
    call->remote = r;
    c2_random_hex32(call->id);
    if (!c2_ps_request(&out, method, arguments, c2_str_of(call->id), err) ||
        !c2_ws_send(r->ws, c2_buf_str(&out))) {
        free(call);
        return err->code != CAT2_OK
                   ? false
                   : c2_fail(err, CAT2_EUPSTREAM, "broker %.100s: send queue is full", r->broker);
    }
    call->timer = c2_timer_start(r->loop, REPLY_MS, 0, on_call_time, call);
    call->next = r->calls;
    r->calls = call;
    return true;
}

/* ---- topics ---- */

static struct c2_bus_sub *sub_of(struct remote *r, struct c2_str topic)
{
    for (struct c2_bus_sub *sub = r->subs; sub; sub = sub->next)
        if (!sub->gone && c2_str_is(topic, sub->topic)) return sub;
    return NULL;
}

static void sweep(struct remote *r)
{
    for (struct c2_bus_sub **at = &r->subs; *at;) {
        struct c2_bus_sub *sub = *at;
        if (!sub->gone) {
            at = &sub->next;
            continue;
        }
        *at = sub->next;
        free(sub);
    }
}

static bool ours(const struct remote *r)
{
    struct c2_str value;
    return c2_ws_handshake_header(r->ws, "X-Caterva2-Events", &value);
}

/* Ask for one topic; resync when the stream cannot be whole. */
static void ask_topic(struct remote *r, struct c2_bus_sub *sub)
{
    struct cat2_error err = {0};
    struct c2_jw w;
    bool resume = ours(r);
    C2_AUTO(c2_buf) arguments = C2_BUF_INIT(4096);

    c2_jw_init(&w, &arguments, C2_JSON_COMPACT, &err);
    c2_jw_begin_object(&w);
    c2_jw_key(&w, "topics");
    c2_jw_begin_array(&w);
    if (!resume) {
        c2_jw_cstr(&w, sub->topic);
    } else {
        c2_jw_begin_object(&w);
        c2_jw_key(&w, "topic");
        c2_jw_cstr(&w, sub->topic);
        c2_jw_key(&w, "epoch");
        c2_jw_cstr(&w, sub->at.epoch);
        c2_jw_key(&w, "seq");
        c2_jw_int(&w, sub->at.seq);
        c2_jw_end_object(&w);
    }
    c2_jw_end_array(&w);
    c2_jw_end_object(&w);
    if (!c2_jw_finish(&w) || !send_call(r, resume ? "resume" : "subscribe", c2_buf_str(&arguments),
                                        (struct call){.resume = resume}, &err))
        c2_log_warn("broker: %s", err.message);
    if (!resume && sub->listener.resync) sub->listener.resync(sub->listener.ctx);
}

/* {"epoch":E,"topics":{T:{"seq":N,"resync":bool}}} */
static void on_resumed(struct remote *r, struct c2_jval result)
{
    struct c2_jiter it = c2_jiter_of(c2_jget(result, "topics"));
    struct c2_str topic, epoch = {"", 0};
    struct c2_jval value;

    c2_jstr(c2_jget(result, "epoch"), &epoch);
    while (c2_jnext(&it, &topic, &value)) {
        struct c2_bus_sub *sub = sub_of(r, topic);
        bool resync = true;
        int64_t seq = 0;
        c2_jbool(c2_jget(value, "resync"), &resync);
        if (!sub || !c2_jint(c2_jget(value, "seq"), &seq)) continue;
        bool first = strcmp(sub->at.epoch, "") == 0;
        snprintf(sub->at.epoch, sizeof(sub->at.epoch), "%.*s", C2_STR_ARG(epoch));
        if (resync || sub->at.seq > seq) sub->at.seq = seq;
        if ((resync || first) && sub->listener.resync) sub->listener.resync(sub->listener.ctx);
    }
}

static void on_notify(struct remote *r, const struct c2_ps_message *m)
{
    struct c2_jval subscription = c2_jget(m->arguments, "subscription");
    struct c2_event event = {0};
    struct cat2_error err;
    C2_AUTO(c2_buf) data = C2_BUF_INIT(C2_WS_MESSAGE_MAX);
    C2_AUTO(c2_buf) out = C2_BUF_INIT(4096);

    if (c2_ps_response(&out, C2_STR("\"None\""), "str", m->call_id, &err))
        c2_ws_send(r->ws, c2_buf_str(&out));
    if (!c2_jstr(c2_jget(subscription, "topic"), &event.topic) ||
        !c2_json_print(c2_jget(m->arguments, "data"), C2_JSON_COMPACT, &data, &err))
        return;
    event.data = c2_buf_str(&data);
    c2_jstr(c2_jget(subscription, "epoch"), &event.epoch);
    c2_jint(c2_jget(subscription, "seq"), &event.seq);
    struct c2_bus_sub *sub = sub_of(r, event.topic);
    if (!sub) return;
    if (event.epoch.n) {
        snprintf(sub->at.epoch, sizeof(sub->at.epoch), "%.*s", C2_STR_ARG(event.epoch));
        sub->at.seq = event.seq;
    }
    if (sub->listener.event) sub->listener.event(sub->listener.ctx, &event);
}

static void on_text(void *ctx, struct c2_ws *ws, struct c2_str text)
{
    struct remote *r = ctx;
    struct cat2_error err;
    C2_AUTO(c2_ps_message) m = {0};

    if (!c2_ps_parse(text, &m, &err)) {
        c2_ws_close(ws, 1007, "not JSON");
        return;
    }
    if (m.kind == C2_PS_REQUEST && c2_str_is(m.method, "notify")) on_notify(r, &m);
    for (struct call *call = m.kind == C2_PS_RESPONSE ? r->calls : NULL; call; call = call->next) {
        if (!c2_str_is(m.call_id, call->id)) continue;
        if (call->resume) on_resumed(r, m.result);
        end_call(call, NULL);
        break;
    }
}

/* ---- registry ---- */

struct ask {
    struct remote *r;
    c2_bus_roots_done *roots_done;
    c2_bus_done *done;
    void *ctx;
    char name[256]; /* of the root that is posted */
    bool check;     /* the roots are asked for to see whether ours are among them */
};

static void on_rest(void *ctx, struct c2_http_reply *reply, const struct cat2_error *err);

static void rest(struct remote *r, const char *method, const char *name, const char *const *headers,
                 struct c2_str body, struct ask with)
{
    struct ask *ask = malloc(sizeof(*ask));
    struct cat2_error err;
    char url[900];

    C2_ASSERT(ask);
    *ask = with;
    ask->r = r;
    snprintf(url, sizeof(url), "http://%s/api/roots%s%s", r->broker, name ? "/" : "", name ? name : "");
    struct c2_http_call call = {.method = method,
                                .url = url,
                                .headers = headers,
                                .body = body,
                                .timeout_ms = 10000,
                                .body_max = 16 << 20,
                                .done = on_rest,
                                .ctx = ask};
    r->flights++;
    if (c2_http_start(r->http, &call)) return;
    c2_fail_nomem(&err, "request");
    on_rest(ask, NULL, &err);
}

static void post_root(struct remote *r, struct registration *reg)
{
    struct cat2_error err;
    struct c2_jw w;
    struct ask ask = {0};
    C2_AUTO(c2_buf) body = C2_BUF_INIT(4096);

    c2_jw_init(&w, &body, C2_JSON_COMPACT, &err);
    c2_jw_begin_object(&w);
    c2_jw_key(&w, "name");
    c2_jw_cstr(&w, reg->root.name);
    c2_jw_key(&w, "http");
    c2_jw_cstr(&w, reg->root.http);
    c2_jw_end_object(&w);
    if (!c2_jw_finish(&w)) return;
    snprintf(ask.name, sizeof(ask.name), "%s", reg->root.name);
    rest(r, "POST", NULL, NULL, c2_buf_str(&body), ask);
}

static struct c2_root *read_roots(struct c2_http_reply *reply, size_t *n, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_str name, http;
    struct c2_jval value;

    *n = 0;
    if (!c2_json_parse(c2_buf_str(reply->body), &json, err)) return NULL;
    struct c2_jval object = c2_json_root(json);
    struct c2_root *roots = calloc(c2_jlen(object) + 1, sizeof(*roots));
    struct c2_jiter it = c2_jiter_of(object);
    while (roots && c2_jnext(&it, &name, &value)) {
        if (!c2_jstr(c2_jget(value, "http"), &http) || name.n >= sizeof(roots->name) ||
            http.n >= sizeof(roots->http))
            continue;
        memcpy(roots[*n].name, name.p, name.n);
        memcpy(roots[(*n)++].http, http.p, http.n);
    }
    if (!roots) c2_fail_nomem(err, "roots");
    return roots;
}

/* Roots of ours that the broker lost, or knows elsewhere, are posted again. */
static void check_registered(struct remote *r, const struct c2_root *roots, size_t n)
{
    for (struct registration *reg = r->registrations; reg; reg = reg->next) {
        bool there = false;
        for (size_t i = 0; i < n && !there; i++)
            there = strcmp(roots[i].name, reg->root.name) == 0 && strcmp(roots[i].http, reg->root.http) == 0;
        if (!there) post_root(r, reg);
    }
}

static void on_posted(struct remote *r, const struct ask *ask, struct c2_http_reply *reply,
                      const struct cat2_error *err)
{
    struct c2_str token;

    for (struct registration *reg = r->registrations; reg; reg = reg->next) {
        if (strcmp(reg->root.name, ask->name) != 0) continue;
        if (reply && c2_http_header(reply, "X-Caterva2-Token", &token))
            snprintf(reg->token, sizeof(reg->token), "%.*s", C2_STR_ARG(token));
        c2_bus_done *done = reg->done;
        reg->done = NULL;
        if (err) c2_log_warn("register root=%s: %s", ask->name, err->message);
        if (done) done(reg->ctx, err);
        return;
    }
}

static void on_rest(void *ctx, struct c2_http_reply *reply, const struct cat2_error *why)
{
    struct ask *ask = ctx;
    struct remote *r = ask->r;
    struct cat2_error err = {0};
    struct c2_root *roots = NULL;
    size_t n = 0;

    if (why)
        err = *why;
    else if (reply->status / 100 != 2)
        c2_fail(&err, CAT2_EUPSTREAM, "broker %.100s answers %d", r->broker, reply->status);
    r->flights--;
    if (!r->freed) {
        if ((ask->check || ask->roots_done) && err.code == CAT2_OK) roots = read_roots(reply, &n, &err);
        bool ok = err.code == CAT2_OK;
        if (ask->check && ok) check_registered(r, roots, n);
        if (ask->roots_done) ask->roots_done(ask->ctx, roots, n, ok ? NULL : &err);
        if (ask->name[0]) on_posted(r, ask, ok ? reply : NULL, ok ? NULL : &err);
        if (ask->done) ask->done(ask->ctx, ok ? NULL : &err);
    }
    free(roots);
    free(ask);
    release(r);
}

/* ---- the connection ---- */

static void on_open(void *ctx, struct c2_ws *ws)
{
    struct remote *r = ctx;
    struct cat2_error err = {0};

    (void)ws;
    r->up = true;
    r->tries = 0;
    c2_log_info("broker %s connected", r->broker);
    if (!send_call(r, "_ping_", C2_STR("{}"), (struct call){0}, &err)) c2_log_warn("broker: %s", err.message);
    for (struct c2_bus_sub *sub = r->subs; sub; sub = sub->next)
        if (!sub->gone) ask_topic(r, sub);
    sweep(r);
    if (r->registrations) rest(r, NULL, NULL, NULL, (struct c2_str){"", 0}, (struct ask){.check = true});
    for (struct watcher *watcher = r->watchers; watcher; watcher = watcher->next)
        watcher->fn(watcher->ctx);
}

/* At once, then after uniform(0, min(2^(n-1), 120)) s, with bases of at least 0.1 s. */
static int64_t pause_ms(int tries)
{
    uint32_t random = 0;
    double base = tries <= 1 ? 0.1 : (double)c2_min_i64(120, (int64_t)1 << c2_min_i64(tries - 1, 10));

    if (getrandom(&random, sizeof(random), 0) < 0) random = UINT32_MAX / 2;
    return (int64_t)(base * 1000 * ((double)random / UINT32_MAX));
}

static void on_close(void *ctx, struct c2_ws *ws, int code, const char *reason)
{
    struct remote *r = ctx;
    struct cat2_error err;

    (void)ws;
    if (r->up || r->tries == 0) c2_log_warn("broker %s is away (%d): %s", r->broker, code, reason);
    r->ws = NULL;
    r->up = false;
    c2_fail(&err, CAT2_EUPSTREAM, "broker %.100s is away", r->broker);
    while (r->calls)
        end_call(r->calls, &err);
    if (r->timer || r->freed) return;
    r->timer = c2_timer_start(r->loop, r->tries == 0 ? 0 : pause_ms(r->tries), 0, connect_now, r);
    r->tries++;
}

static void connect_now(void *ctx)
{
    static const struct c2_ws_events events = {on_open, on_text, on_close};
    struct remote *r = ctx;
    char url[400];

    r->timer = NULL;
    snprintf(url, sizeof(url), "ws://%s/pubsub", r->broker);
    r->ws = c2_ws_connect(r->loop, url, &events, r);
    if (!r->ws) r->timer = c2_timer_start(r->loop, 1000, 0, connect_now, r);
}

/* ---- the bus ---- */

static void remote_register(struct c2_bus *bus, const struct c2_root *root, c2_bus_done *done, void *ctx)
{
    struct remote *r = (struct remote *)bus;
    struct registration *reg = calloc(1, sizeof(*reg));

    C2_ASSERT(reg);
    *reg = (struct registration){.next = r->registrations, .root = *root, .done = done, .ctx = ctx};
    r->registrations = reg;
    post_root(r, reg);
}

static void remote_unregister(struct c2_bus *bus, const char *name, c2_bus_done *done, void *ctx)
{
    struct remote *r = (struct remote *)bus;
    char header[100];
    const char *headers[] = {header, NULL};

    for (struct registration **at = &r->registrations; *at; at = &(*at)->next) {
        struct registration *reg = *at;
        if (strcmp(reg->root.name, name) != 0) continue;
        *at = reg->next;
        snprintf(header, sizeof(header), "X-Caterva2-Token: %s", reg->token);
        free(reg);
        rest(r, "DELETE", name, headers, (struct c2_str){"", 0}, (struct ask){.done = done, .ctx = ctx});
        return;
    }
}

static void remote_roots(struct c2_bus *bus, c2_bus_roots_done *done, void *ctx)
{
    rest((struct remote *)bus, NULL, NULL, NULL, (struct c2_str){"", 0},
         (struct ask){.roots_done = done, .ctx = ctx});
}

/* An error for a call that could not be made; told a moment later. */
struct refusal {
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
    struct remote *r = (struct remote *)bus;
    struct cat2_error err = {0};
    struct c2_jw w;
    C2_AUTO(c2_buf) arguments = C2_BUF_INIT(C2_WS_MESSAGE_MAX);

    c2_jw_init(&w, &arguments, C2_JSON_COMPACT, &err);
    c2_jw_begin_object(&w);
    c2_jw_key(&w, "topics");
    c2_jw_cstr(&w, topic);
    c2_jw_key(&w, "data");
    c2_jw_raw(&w, data);
    c2_jw_key(&w, "sync");
    c2_jw_bool(&w, true);
    c2_jw_key(&w, "notifier_id");
    c2_jw_null(&w);
    c2_jw_end_object(&w);
    bool ok =
        c2_jw_finish(&w) && (r->up || c2_fail(&err, CAT2_EUPSTREAM, "broker %.100s is away", r->broker));
    if (ok && send_call(r, "publish", c2_buf_str(&arguments), (struct call){.done = done, .ctx = ctx}, &err))
        return;
    struct refusal *refusal = malloc(sizeof(*refusal));
    C2_ASSERT(refusal);
    *refusal = (struct refusal){done, ctx, err};
    if (done)
        c2_loop_defer(r->loop, refuse, refusal);
    else
        free(refusal);
}

static struct c2_bus_sub *remote_subscribe(struct c2_bus *bus, const char *topic,
                                           const struct c2_bus_position *from,
                                           const struct c2_bus_listener *listener)
{
    struct remote *r = (struct remote *)bus;
    struct c2_bus_sub *sub = calloc(1, sizeof(*sub));

    if (!sub) return NULL;
    *sub = (struct c2_bus_sub){.next = r->subs, .remote = r, .listener = *listener};
    snprintf(sub->topic, sizeof(sub->topic), "%s", topic);
    if (from) sub->at = *from;
    r->subs = sub;
    if (r->up) ask_topic(r, sub);
    return sub;
}

/* Freed when nobody is being told anything: at the next connect, or with the bus. */
static void remote_unsubscribe(struct c2_bus_sub *sub)
{
    if (sub) sub->gone = true;
}

static bool remote_connected(const struct c2_bus *bus)
{
    return ((const struct remote *)bus)->up;
}

static void remote_on_connect(struct c2_bus *bus, void (*fn)(void *ctx), void *ctx)
{
    struct remote *r = (struct remote *)bus;
    struct watcher *watcher = malloc(sizeof(*watcher));

    C2_ASSERT(watcher);
    *watcher = (struct watcher){r->watchers, fn, ctx};
    r->watchers = watcher;
}

static void remote_free(struct c2_bus *bus)
{
    struct remote *r = (struct remote *)bus;
    struct cat2_error err;

    c2_fail(&err, CAT2_ECANCELLED, "shutting down");
    c2_timer_stop(r->timer);
    r->timer = NULL;
    r->freed = true;
    c2_ws_abort(r->ws);
    while (r->calls)
        end_call(r->calls, &err);
    for (struct c2_bus_sub *sub = r->subs, *next; sub; sub = next) {
        next = sub->next;
        free(sub);
    }
    for (struct registration *reg = r->registrations, *next; reg; reg = next) {
        next = reg->next;
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
    static const struct c2_bus_ops ops = {remote_register,  remote_unregister, remote_roots,
                                          remote_publish,   remote_subscribe,  remote_unsubscribe,
                                          remote_connected, remote_on_connect, remote_free};
    struct remote *r = calloc(1, sizeof(*r));

    if (!r) return c2_fail_nomem(err, "bus");
    r->bus.ops = &ops;
    r->loop = loop;
    r->http = http;
    snprintf(r->broker, sizeof(r->broker), "%s", broker);
    r->timer = c2_timer_start(loop, 0, 0, connect_now, r);
    *out = &r->bus;
    return true;
}
