/* SPDX-License-Identifier: BSD-3-Clause */
/* One WebSocket peer: its requests, its subscriptions, and the replies it owes.
 *
 * A publication is acknowledged when every peer that was notified has replied, or after ACK_MS: a silent
 * subscriber delays nobody for longer, and its own pings end it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/list.h"
#include "base/log.h"
#include "base/log_share.h"
#include "base/random.h"
#include "broker/peer_impl.h"
#include "wire/proof.h"
#include "wire/pubsub.h"

#define ACK_MS            2000 /* for the replies of those notified: a publisher waits for them */
#define SUBSCRIPTIONS_MAX 4096 /* of one peer */
#define PUBLICATIONS_MAX  1024 /* of one peer, that wait; more are acknowledged at once */
#define CALL_ID_MAX       256  /* bytes that are kept while it waits: libraries send 32 */

static bool send_frame(struct c2_broker_peer *peer, struct c2_buf *frame)
{
    struct cat2_error err;

    return (!peer->hashed || c2_proof_seal_json(frame, 0, NULL, &err)) &&
           c2_ws_send(peer->ws, c2_buf_str(frame));
}

static void reply(struct c2_broker_peer *peer, struct c2_str call_id, struct c2_str result, const char *type)
{
    struct cat2_error err;
    C2_AUTO(c2_buf) out = C2_BUF_INIT(C2_WS_MESSAGE_MAX);

    if (c2_ps_response(&out, result, type, call_id, &err)) send_frame(peer, &out);
}

/* ---- publications ---- */

static void publication_end(struct c2_publication *p)
{
    c2_timer_stop(p->timer);
    if (p->peer) {
        c2_chain_remove(p->peer->publications, p, next);
        p->peer->npublications--;
        reply(p->peer, c2_str_of(p->call_id), C2_STR("true"), "bool");
    }
    p->peer = NULL;
    p->timer = NULL;
}

void c2_publication_unref(struct c2_publication *p)
{
    if (--p->waiting > 0) return;
    publication_end(p);
    free(p->call_id);
    free(p);
}

/* It is answered otherwise. */
static void publication_forget(struct c2_publication *p)
{
    c2_chain_remove(p->peer->publications, p, next);
    p->peer->npublications--;
    p->peer = NULL;
    c2_publication_unref(p);
}

static void on_ack_time(void *ctx)
{
    struct c2_publication *p = ctx;

    p->timer = NULL;
    p->broker->nunacked += p->waiting;
    publication_end(p); /* freed when the last reply, or the last peer, is gone */
}

static struct c2_publication *publication_new(struct c2_broker_peer *peer, struct c2_str call_id)
{
    bool waits = peer->npublications < PUBLICATIONS_MAX && call_id.n <= CALL_ID_MAX;
    struct c2_publication *p = waits ? calloc(1, sizeof(*p)) : NULL;

    if (p) p->call_id = c2_str_dup(call_id);
    if (!p || !p->call_id) {
        free(p);
        return NULL;
    }
    p->broker = peer->broker;
    p->peer = peer;
    p->waiting = 1;
    p->next = peer->publications;
    peer->publications = p;
    peer->npublications++;
    p->timer = c2_timer_start(peer->broker->config.loop, ACK_MS, 0, on_ack_time, p);
    return p;
}

static void on_drained(void *ctx, struct c2_ws *ws)
{
    (void)ws;
    c2_peer_go_on(ctx);
}

static void on_resync(void *ctx)
{
    ((struct c2_peer_subscription *)ctx)->resync = true;
}

/* ---- requests ---- */

static struct c2_peer_subscription *subscribe(struct c2_broker_peer *peer, struct c2_str topic,
                                              const struct c2_bus_position *from, bool numbered)
{
    struct c2_peer_subscription *s =
        peer->nsubscriptions < SUBSCRIPTIONS_MAX && topic.n < 256 ? calloc(1, sizeof(*s)) : NULL;
    bool all = c2_str_is(topic, "__EventNotifier_ALL_TOPICS__");

    if (s) {
        if (!all) memcpy(s->topic, topic.p, topic.n);
        s->peer = peer;
        s->numbered = numbered;
        s->behind = -1;
        c2_random_hex32(s->id);
        s->next = peer->subscriptions;
        peer->subscriptions = s;
        peer->nsubscriptions++;
        struct c2_bus_listener listener = {c2_peer_event, on_resync, s};
        s->subscription = c2_hub_subscribe(peer->broker->hub, all ? NULL : s->topic, from, peer, &listener);
    }
    if (!s || !s->subscription) c2_ws_close(peer->ws, 1008, "too many subscriptions");
    return s;
}

static void on_subscribe(struct c2_broker_peer *peer, const struct c2_ps_message *m)
{
    struct c2_jval topics = c2_jget(m->arguments, "topics"), value;
    struct c2_jiter it = c2_jiter_of(topics);
    struct c2_str topic, key;

    if (c2_jstr(topics, &topic)) subscribe(peer, topic, NULL, false);
    while (c2_jval_kind(topics) == C2_JARRAY && c2_jnext(&it, &key, &value))
        if (c2_jstr(value, &topic)) subscribe(peer, topic, NULL, false);
    reply(peer, m->call_id, C2_STR("true"), "bool");
}

/* Our own peers: where each topic was left, and whether the log reaches back so far. */
static void on_resume(struct c2_broker_peer *peer, const struct c2_ps_message *m)
{
    struct c2_jiter it = c2_jiter_of(c2_jget(m->arguments, "topics"));
    struct c2_jval value;
    struct c2_str topic, key, epoch;
    struct cat2_error err;
    struct c2_jw w;
    C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 20);

    c2_jw_init(&w, &out, C2_JSON_COMPACT, &err);
    c2_jw_begin_object(&w);
    c2_jw_put_cstr(&w, "epoch", c2_hub_epoch(peer->broker->hub));
    c2_jw_open_object(&w, "topics");
    while (c2_jnext(&it, &key, &value)) {
        struct c2_bus_position from = {"", 0};
        if (!c2_jstr(c2_jget(value, "topic"), &topic)) continue;
        if (c2_jstr(c2_jget(value, "epoch"), &epoch))
            snprintf(from.epoch, sizeof(from.epoch), "%.*s", C2_STR_ARG(epoch));
        c2_jint(c2_jget(value, "seq"), &from.seq);
        struct c2_peer_subscription *s = subscribe(peer, topic, &from, true);
        if (!s) continue;
        c2_jw_key_str(&w, topic);
        c2_jw_begin_object(&w);
        c2_jw_put_int(&w, "seq", c2_hub_seq(peer->broker->hub, topic));
        c2_jw_put_bool(&w, "resync", s->resync);
        c2_jw_end_object(&w);
    }
    c2_jw_end_object(&w);
    c2_jw_end_object(&w);
    if (c2_jw_finish(&w)) reply(peer, m->call_id, c2_buf_str(&out), "dict");
}

/* The owner of a root, or a publisher who thinks so. */
static void on_claim(struct c2_broker_peer *peer, const struct c2_ps_message *m)
{
    struct c2_str name = {"", 0}, token = {"", 0};
    char why[C2_WHY_MAX];

    c2_jstr(c2_jget(m->arguments, "name"), &name);
    c2_jstr(c2_jget(m->arguments, "token"), &token);
    bool ok = c2_peer_may_publish(peer, name, why) && c2_hub_claim(peer->broker->hub, name, token, peer);
    reply(peer, m->call_id, ok ? C2_STR("true") : C2_STR("false"), "bool");
}

/* false: it may not, and why. */
static bool publish_one(struct c2_broker_peer *peer, struct c2_str topic, struct c2_str data,
                        char why[C2_WHY_MAX])
{
    struct cat2_error err;
    char name[256] = "";

    if (topic.n == 0 || topic.n >= sizeof(name)) return true;
    memcpy(name, topic.p, topic.n);
    if (strcmp(name, C2_TOPIC_NEW) == 0 ||
        (name[0] == '@' &&
         !c2_hub_root(peer->broker->hub, name))) { /* new roots are told by us, when they are registered;
                                                    * others are no topics of roots */
        c2_log_debug("publish topic=%s: a peer may not", name);
        return true;
    }
    if (!c2_peer_may_publish(peer, topic, why) ||
        !c2_broker_may_publish(peer->broker, name, peer, c2_ws_peer(peer->ws), why)) {
        peer->broker->nrefused++;
        c2_log_some(C2_WARN, "publish topic=%s from=%s is refused: %s", name, c2_ws_peer(peer->ws)->text,
                    why);
        return false;
    }
    peer->broker->nevents++;
    if (c2_hub_publish(peer->broker->hub, name, data, peer, &err)) return true;
    c2_log_some(C2_ERROR, "publish topic=%s: %s", name, err.message);
    c2_ws_close(peer->ws, 1011,
                "the event could not be stored"); /* no reply: the publisher keeps it and tries again */
    return true;
}

/* Ours are told why. */
static void reply_refused(struct c2_broker_peer *peer, struct c2_str call_id, const char *why)
{
    struct cat2_error err;
    struct c2_jw w;
    C2_AUTO(c2_buf) out = C2_BUF_INIT(8 * C2_WHY_MAX);

    c2_jw_init(&w, &out, C2_JSON_COMPACT, &err);
    c2_jw_begin_object(&w);
    c2_jw_put_cstr(&w, "refused", why);
    c2_jw_end_object(&w);
    if (!peer->hashed || !c2_jw_finish(&w))
        reply(peer, call_id, C2_STR("false"), "bool");
    else
        reply(peer, call_id, c2_buf_str(&out), "dict");
}

static void on_publish(struct c2_broker_peer *peer, const struct c2_ps_message *m)
{
    struct c2_jval topics = c2_jget(m->arguments, "topics"), value;
    struct c2_jiter it = c2_jiter_of(topics);
    struct c2_str topic, key;
    struct cat2_error err;
    C2_AUTO(c2_buf) data = C2_BUF_INIT(C2_WS_MESSAGE_MAX);
    bool sync = true, may = true;
    char why[C2_WHY_MAX] = "";

    c2_jbool(c2_jget(m->arguments, "sync"), &sync);
    if (!c2_json_print(c2_jget(m->arguments, "data"), C2_JSON_COMPACT, &data, &err)) return;
    struct c2_publication *p = sync ? publication_new(peer, m->call_id) : NULL;
    peer->broker->publishing = p;
    if (c2_jstr(topics, &topic)) may = publish_one(peer, topic, c2_buf_str(&data), why);
    while (may && c2_jval_kind(topics) == C2_JARRAY && c2_jnext(&it, &key, &value))
        if (c2_jstr(value, &topic)) may = publish_one(peer, topic, c2_buf_str(&data), why);
    peer->broker->publishing = NULL;
    if (!may && p) publication_forget(p);
    if (!may)
        reply_refused(peer, m->call_id, why);
    else if (p)
        c2_publication_unref(p);
    else
        reply(peer, m->call_id, C2_STR("true"), "bool");
}

static void on_request(struct c2_broker_peer *peer, const struct c2_ps_message *m)
{
    char id[40];

    if (c2_str_is(m->method, "_ping_") || c2_str_is(m->method, "ping")) {
        reply(peer, m->call_id, C2_STR("\"pong\""), "str");
    } else if (c2_str_is(m->method, "_get_channel_id_")) {
        snprintf(id, sizeof(id), "\"%s\"", peer->id);
        reply(peer, m->call_id, c2_str_of(id), "str");
    } else if (c2_str_is(m->method, "subscribe")) {
        on_subscribe(peer, m);
    } else if (c2_str_is(m->method, "resume")) {
        on_resume(peer, m);
    } else if (c2_str_is(m->method, "claim")) {
        on_claim(peer, m);
    } else if (c2_str_is(m->method, "publish")) {
        on_publish(peer, m);
    }
}

static void on_text(void *ctx, struct c2_ws *ws, struct c2_str text)
{
    struct c2_broker_peer *peer = ctx;
    struct cat2_error err;
    C2_AUTO(c2_ps_message) message = {0};
    enum c2_proof_state proof = c2_proof_check_json(text);

    if (proof == C2_PROOF_BAD || (peer->hashed && proof != C2_PROOF_GOOD)) {
        c2_wire_mismatch(C2_WIRE_EVENT, "a frame of a peer");
        c2_ws_close(ws, 1007, "the frame does not have its hash");
        return;
    }
    if (!c2_ps_parse(text, &message, &err)) {
        c2_ws_close(ws, 1007, "not JSON");
        return;
    }
    if (message.kind == C2_PS_REQUEST) on_request(peer, &message);
    if (message.kind == C2_PS_RESPONSE) c2_peer_settle(peer, message.call_id);
}

static void peer_free(struct c2_broker_peer *peer)
{
    c2_timer_stop(peer->lost_timer);
    c2_pass_unref(peer->pass);
    c2_hub_leave(peer->broker->hub, peer);
    c2_chain_remove(peer->broker->peers, peer, next);
    while (peer->publications) {
        struct c2_publication *p = peer->publications;
        peer->publications = p->next;
        p->peer = NULL;
    }
    while (peer->owed) {
        struct c2_owed *owed = peer->owed;
        peer->owed = owed->next;
        if (owed->publication) c2_publication_unref(owed->publication);
        free(owed);
    }
    while (peer->subscriptions) {
        struct c2_peer_subscription *s = peer->subscriptions;
        peer->subscriptions = s->next;
        c2_hub_unsubscribe(s->subscription);
        free(s);
    }
    free(peer);
}

static void on_close(void *ctx, struct c2_ws *ws, int code, const char *reason)
{
    struct c2_broker_peer *peer = ctx;

    c2_log_debug("peer left code=%d: %s", code, reason);
    if (code == 1002 || code == 1003 || code == 1007 || code == 1009) /* for what it sent */
        c2_log_some(C2_WARN, "peer %s is closed with code %d: %s", c2_ws_peer(ws)->text, code, reason);
    peer_free(peer);
}

void c2_broker_handle_pubsub(struct c2_request *req, void *state)
{
    static const struct c2_ws_events events = {NULL, on_text, on_close, on_drained};
    struct c2_broker *broker = state;
    struct c2_broker_peer *peer = calloc(1, sizeof(*peer));
    struct c2_str wanted;

    if (!peer || broker->stopping) {
        free(peer);
        c2_reply_detail(req, 503, "the broker is stopping");
        return;
    }
    peer->hashed = c2_request_header(req, C2_PROOF_WANT, &wanted);
    c2_reply_header(req, "X-Caterva2-Events", peer->hashed ? "2" : "1"); /* 2: frames have hashes */
    peer->pass = c2_request_pass(req);
    c2_reply_websocket(req, &events, peer, &peer->ws);
    if (!peer->ws) {
        c2_pass_unref(peer->pass);
        free(peer);
        return;
    }
    peer->broker = broker;
    c2_random_hex32(peer->id);
    peer->next = broker->peers;
    broker->peers = peer;
}

size_t c2_broker_npeers(const struct c2_broker *broker)
{
    size_t n = 0;

    for (const struct c2_broker_peer *peer = broker->peers; peer; peer = peer->next)
        n++;
    return n;
}

void c2_broker_close_peers(struct c2_broker *broker)
{
    for (struct c2_broker_peer *peer = broker->peers, *next; peer; peer = next) {
        next = peer->next;
        c2_ws_close(peer->ws, 1012, "service restart");
    }
}

void c2_broker_free_peers(struct c2_broker *broker)
{
    while (broker->peers) {
        struct c2_broker_peer *peer = broker->peers;
        c2_ws_abort(peer->ws);
        peer_free(peer);
    }
}
