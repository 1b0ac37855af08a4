/* SPDX-License-Identifier: BSD-3-Clause */
/* The remote bus's socket: requests and replies, topics, notifies, and reconnecting. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/limits.h"
#include "base/list.h"
#include "base/log.h"
#include "base/random.h"
#include "bus/remote_impl.h"
#include "net/address.h"
#include "wire/proof.h"
#include "wire/pubsub.h"

#define REPLY_MS    10000 /* more than a broker waits for its peers */
#define DOUBTS_MAX  2     /* then it is an older broker */
#define PAUSE_MAX_S 30    /* a broker that comes back after long is found again within it */

/* ---- calls on the socket ---- */

static void end_call(struct c2_remote_call *call, const struct cat2_error *err)
{
    c2_chain_remove(call->remote->calls, call, next);
    c2_timer_stop(call->timer);
    if (call->done) call->done(call->ctx, err);
    free(call);
}

void c2_remote_end_calls(struct c2_remote *r, const struct cat2_error *err)
{
    while (r->calls)
        end_call(r->calls, err);
}

static void on_call_time(void *ctx)
{
    struct c2_remote_call *call = ctx;
    struct cat2_error err;

    call->timer = NULL;
    c2_fail(&err, CAT2_EUPSTREAM, "broker %.100s does not reply", call->remote->broker);
    if (call->resume)
        c2_ws_close(call->remote->ws, 1011, "no reply"); /* without it, events would be missed */
    end_call(call, &err);
}

static bool send_frame(struct c2_remote *r, struct c2_buf *frame, struct cat2_error *err)
{
    return (!r->hashed || c2_proof_seal_json(frame, 0, NULL, err)) && c2_ws_send(r->ws, c2_buf_str(frame));
}

bool c2_remote_send(struct c2_remote *r, const char *method, struct c2_str arguments,
                    struct c2_remote_call with, struct cat2_error *err)
{
    struct c2_remote_call *call = malloc(sizeof(*call));
    C2_AUTO(c2_buf) out = C2_BUF_INIT(C2_WS_MESSAGE_MAX);

    if (!call) return c2_fail_nomem(err, "request");
    *call = with;
    call->remote = r;
    c2_random_hex32(call->id);
    if (!c2_ps_request(&out, method, arguments, c2_str_of(call->id), err) || !send_frame(r, &out, err)) {
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

static struct c2_bus_subscription *subscription_of(struct c2_remote *r, struct c2_str topic)
{
    for (struct c2_bus_subscription *subscription = r->subscriptions; subscription;
         subscription = subscription->next)
        if (!subscription->gone && c2_str_is(topic, subscription->topic)) return subscription;
    return NULL;
}

static void sweep(struct c2_remote *r)
{
    for (struct c2_bus_subscription **at = &r->subscriptions; *at;) {
        struct c2_bus_subscription *subscription = *at;
        if (!subscription->gone) {
            at = &subscription->next;
            continue;
        }
        *at = subscription->next;
        free(subscription);
    }
}

static bool ours(const struct c2_remote *r)
{
    struct c2_str value;
    return c2_ws_handshake_header(r->ws, "X-Caterva2-Events", &value);
}

void c2_remote_claim(struct c2_remote *r, const struct registration *reg)
{
    struct cat2_error err = {0};
    struct c2_jw w;
    C2_AUTO(c2_buf) arguments = C2_BUF_INIT(4096);

    if (!r->up || !ours(r)) return;
    c2_jw_init(&w, &arguments, C2_JSON_COMPACT, &err);
    c2_jw_begin_object(&w);
    c2_jw_put_cstr(&w, "name", reg->root.name);
    c2_jw_put_cstr(&w, "token", reg->token);
    c2_jw_end_object(&w);
    if (!c2_jw_finish(&w) ||
        !c2_remote_send(r, "claim", c2_buf_str(&arguments), (struct c2_remote_call){0}, &err))
        c2_log_warn("broker: %s", err.message);
}

/* Ask for one topic; resync when the stream cannot be whole. */
void c2_remote_ask_topic(struct c2_remote *r, struct c2_bus_subscription *subscription)
{
    struct cat2_error err = {0};
    struct c2_jw w;
    bool resume = ours(r);
    C2_AUTO(c2_buf) arguments = C2_BUF_INIT(4096);

    c2_jw_init(&w, &arguments, C2_JSON_COMPACT, &err);
    c2_jw_begin_object(&w);
    c2_jw_open_array(&w, "topics");
    if (!resume) {
        c2_jw_cstr(&w, subscription->topic);
    } else {
        c2_jw_begin_object(&w);
        c2_jw_put_cstr(&w, "topic", subscription->topic);
        c2_jw_put_cstr(&w, "epoch", subscription->at.epoch);
        c2_jw_put_int(&w, "seq", subscription->at.seq);
        c2_jw_end_object(&w);
    }
    c2_jw_end_array(&w);
    c2_jw_end_object(&w);
    if (!c2_jw_finish(&w) || !c2_remote_send(r, resume ? "resume" : "subscribe", c2_buf_str(&arguments),
                                             (struct c2_remote_call){.resume = resume}, &err))
        c2_log_warn("broker: %s", err.message);
    if (!resume && subscription->listener.resync) subscription->listener.resync(subscription->listener.ctx);
}

/* {"epoch":E,"topics":{T:{"seq":N,"resync":bool}}} */
static void on_resumed(struct c2_remote *r, struct c2_jval result)
{
    struct c2_jiter it = c2_jiter_of(c2_jget(result, "topics"));
    struct c2_str topic, epoch = {"", 0};
    struct c2_jval value;

    c2_jstr(c2_jget(result, "epoch"), &epoch);
    while (c2_jnext(&it, &topic, &value)) {
        struct c2_bus_subscription *subscription = subscription_of(r, topic);
        bool resync = true;
        int64_t seq = 0;
        c2_jbool(c2_jget(value, "resync"), &resync);
        if (!subscription || !c2_jint(c2_jget(value, "seq"), &seq)) continue;
        bool first = strcmp(subscription->at.epoch, "") == 0;
        snprintf(subscription->at.epoch, sizeof(subscription->at.epoch), "%.*s", C2_STR_ARG(epoch));
        if (resync || subscription->at.seq > seq) subscription->at.seq = seq;
        if ((resync || first) && subscription->listener.resync)
            subscription->listener.resync(subscription->listener.ctx);
    }
}

static void on_notify(struct c2_remote *r, const struct c2_ps_message *m)
{
    struct c2_jval about = c2_jget(m->arguments, "subscription");
    struct c2_event event = {0};
    struct cat2_error err;
    C2_AUTO(c2_buf) data = C2_BUF_INIT(C2_WS_MESSAGE_MAX);
    C2_AUTO(c2_buf) out = C2_BUF_INIT(4096);

    if (c2_ps_response(&out, C2_STR("\"None\""), "str", m->call_id, &err)) send_frame(r, &out, &err);
    if (!c2_jstr(c2_jget(about, "topic"), &event.topic) ||
        !c2_json_print(c2_jget(m->arguments, "data"), C2_JSON_COMPACT, &data, &err))
        return;
    event.data = c2_buf_str(&data);
    c2_jstr(c2_jget(about, "epoch"), &event.epoch);
    c2_jint(c2_jget(about, "seq"), &event.seq);
    struct c2_bus_subscription *subscription = subscription_of(r, event.topic);
    if (!subscription) return;
    bool gap = event.epoch.n && c2_str_is(event.epoch, subscription->at.epoch) &&
               event.seq > subscription->at.seq + 1;
    if (event.epoch.n) {
        snprintf(subscription->at.epoch, sizeof(subscription->at.epoch), "%.*s", C2_STR_ARG(event.epoch));
        subscription->at.seq = event.seq;
    }
    if (subscription->listener.event) subscription->listener.event(subscription->listener.ctx, &event);
    if (gap && subscription->listener.resync) subscription->listener.resync(subscription->listener.ctx);
}

/* Brokers of ours take events of a root from its publisher only. */
static bool was_refused(const struct c2_remote *r, const struct c2_remote_call *call, struct c2_jval result,
                        struct cat2_error *err)
{
    struct c2_str why;

    if (!call->done || !c2_jstr(c2_jget(result, "refused"), &why)) return false;
    c2_fail(err, CAT2_EUPSTREAM, "broker %.60s refuses it: %.*s", r->broker,
            (int)c2_min_i64(200, (int64_t)why.n), why.p);
    err->http_status = 403;
    return true;
}

void c2_remote_on_text(void *ctx, struct c2_ws *ws, struct c2_str text)
{
    struct c2_remote *r = ctx;
    struct cat2_error err;
    C2_AUTO(c2_ps_message) m = {0};
    enum c2_proof_state proof = c2_proof_check_json(text);

    if (proof != (r->hashed ? C2_PROOF_GOOD : C2_PROOF_NONE)) { /* or its handshake was damaged */
        c2_wire_mismatch(C2_WIRE_EVENT, "a frame of broker %.100s", r->broker);
        c2_ws_close(ws, 1007, "the frame does not have its hash");
        return;
    }
    if (!c2_ps_parse(text, &m, &err)) {
        c2_ws_close(ws, 1007, "not JSON");
        return;
    }
    if (m.kind == C2_PS_REQUEST && c2_str_is(m.method, "notify")) on_notify(r, &m);
    for (struct c2_remote_call *call = m.kind == C2_PS_RESPONSE ? r->calls : NULL; call; call = call->next) {
        if (!c2_str_is(m.call_id, call->id)) continue;
        if (call->resume) on_resumed(r, m.result);
        end_call(call, was_refused(r, call, m.result, &err) ? &err : NULL);
        break;
    }
}

/* ---- the connection ---- */

void c2_remote_opened(void *ctx, struct c2_ws *ws)
{
    struct c2_remote *r = ctx;
    struct cat2_error err = {0};
    struct c2_str version;

    r->hashed = c2_ws_handshake_header(ws, "X-Caterva2-Events", &version) && !c2_str_is(version, "1");
    if (r->known_ours && !r->hashed && r->doubts++ < DOUBTS_MAX) {
        c2_wire_mismatch(C2_WIRE_EVENT, "handshake of broker %.100s", r->broker);
        c2_ws_close(ws, 1007, "no sign of hashes");
        return;
    }
    r->known_ours = r->hashed;
    r->doubts = 0;
    r->up = true;
    r->opened_ms = c2_loop_now_ms(r->loop);
    r->tries = 0;
    c2_remote_look(r);
    r->here = c2_address_is_here(c2_ws_peer(ws)->address);
    c2_log_info("broker %s connected", r->broker);
    if (!c2_remote_send(r, "_ping_", C2_STR("{}"), (struct c2_remote_call){0}, &err))
        c2_log_warn("broker: %s", err.message);
    for (const struct registration *reg = r->registrations; reg; reg = reg->next)
        c2_remote_claim(r, reg); /* before anything is published */
    for (struct c2_bus_subscription *subscription = r->subscriptions; subscription;
         subscription = subscription->next)
        if (!subscription->gone) c2_remote_ask_topic(r, subscription);
    sweep(r);
    r->connected(r);
}

/* At once, then after uniform(0, min(2^(n-1), PAUSE_MAX_S)) s, with bases of at least 0.1 s. */
static int64_t pause_ms(int tries)
{
    uint32_t random = 0;
    double base = tries <= 1 ? 0.1 : (double)c2_min_i64(PAUSE_MAX_S, (int64_t)1 << c2_min_i64(tries - 1, 10));

    if (getrandom(&random, sizeof(random), 0) < 0) random = UINT32_MAX / 2;
    return (int64_t)(base * 1000 * ((double)random / UINT32_MAX));
}

void c2_remote_closed(void *ctx, struct c2_ws *ws, int code, const char *reason)
{
    struct c2_remote *r = ctx;
    struct cat2_error err;

    (void)ws;
    if (r->up || r->tries == 0) c2_log_warn("broker %s is away (%d): %s", r->broker, code, reason);
    r->ws = NULL;
    bool was_up = r->up;
    r->up = false;
    c2_fail(&err, CAT2_EUPSTREAM, "broker %.100s is away", r->broker);
    c2_remote_end_calls(r, &err);
    if (r->timer || r->freed) return;
    c2_remote_go_on(r, was_up);
    int rounds = r->tries / r->nplaces;
    r->timer = c2_timer_start(r->loop, rounds == 0 ? 0 : pause_ms(rounds), 0, c2_remote_connect, r);
    r->tries++;
}

void c2_remote_url(const struct c2_remote_place *place, char out[400])
{
    snprintf(out, 400, "%s://%s/pubsub", place->tls ? "wss" : "ws", place->broker);
}

void c2_remote_connect(void *ctx)
{
    static const struct c2_ws_events events = {c2_remote_opened, c2_remote_on_text, c2_remote_closed, NULL};
    struct c2_remote *r = ctx;
    char url[400];

    r->timer = NULL;
    if (r->silent) return;
    c2_remote_url(&r->places[r->at], url);
    r->ws = c2_ws_connect(r->loop, url, c2_http_keys(r->http), c2_http_authorities(r->http), &events, r);
    if (!r->ws) r->timer = c2_timer_start(r->loop, 1000, 0, c2_remote_connect, r);
}

void c2_remote_note_who(struct c2_remote *r, const struct c2_root *roots, size_t n)
{
    bool was_silent = r->silent;

    r->silent = false;
    for (size_t i = 0; i < n; i++)
        r->silent = r->silent || roots[i].python;
    if (r->silent == was_silent) return;
    if (r->silent) {
        c2_log_info("%s is a Python server: it is asked for changes, for it tells of none", r->broker);
        c2_remote_look(r);
    }
    if (!r->silent && !r->ws && !r->timer) r->timer = c2_timer_start(r->loop, 0, 0, c2_remote_connect, r);
}
