/* SPDX-License-Identifier: BSD-3-Clause */
/* What a peer is told. Events wait in the hub's log, not with each peer: while a peer has much to read still,
 * its subscriptions only know which event is next. When it has read, they go on from there. If that event is
 * not kept any more, a peer of ours sees the gap and lists anew; one of 2024, which could not, is
 * disconnected. */
#include <stdlib.h>

#include "base/random.h"
#include "broker/peer_impl.h"
#include "wire/proof.h"
#include "wire/pubsub.h"

#define LOST_MS  5000 /* if a peer of ours does not reply for this long, a frame was lost */
#define OWED_MAX 1024 /* replies; with more the next events stay in the log until some have come */

/* The frame without its data, which go in at *cut. */
static bool notify_frame(const struct c2_peer_subscription *s, const struct c2_event *event,
                         const char *call_id, struct c2_buf *out, size_t *cut, struct cat2_error *err)
{
    struct c2_jw w;

    c2_ps_request_begin(&w, out, "notify", err);
    c2_jw_begin_object(&w);
    c2_jw_open_object(&w, "subscription");
    c2_jw_put_cstr(&w, "id", s->id);
    c2_jw_put_cstr(&w, "subscriber_id", s->peer->id);
    c2_jw_put_str(&w, "topic", event->topic);
    c2_jw_put_null(&w, "notifier_id");
    if (s->numbered) {
        c2_jw_put_str(&w, "epoch", event->epoch);
        c2_jw_put_int(&w, "seq", event->seq);
    }
    c2_jw_end_object(&w);
    c2_jw_key(&w, "data");
    *cut = out->n;
    c2_jw_raw(&w, (struct c2_str){"", 0});
    c2_jw_end_object(&w);
    return c2_ps_request_end(&w, c2_str_of(call_id));
}

static bool send_notify(const struct c2_peer_subscription *s, const struct c2_event *event,
                        const char *call_id)
{
    struct c2_broker_peer *peer = s->peer;
    struct cat2_error err;
    size_t cut;
    C2_AUTO(c2_buf) out = C2_BUF_INIT(8192);

    if (!notify_frame(s, event, call_id, &out, &cut, &err) ||
        (peer->hashed && !c2_proof_seal_around(&out, cut, event->data, &err)))
        return false;
    struct c2_str head = {(const char *)out.p, cut}, tail = {(const char *)out.p + cut, out.n - cut};
    return c2_ws_send_shared(peer->ws, head, event->blob, tail);
}

/* A damaged frame may never be answered. So the connection is closed; the peer connects again and resumes.
 * One of 2024 is closed only when it owes so many replies that it is sent nothing any more. */
static void on_lost_time(void *ctx)
{
    struct c2_broker_peer *peer = ctx;
    bool lost = false, judged = peer->hashed || peer->nowed >= OWED_MAX;

    peer->lost_timer = NULL;
    for (struct c2_owed *owed = peer->owed; owed && judged; owed = owed->next) {
        lost = lost || owed->old;
        owed->old = true;
    }
    if (lost)
        c2_ws_close(peer->ws, 1011, "a notify is not answered");
    else if (peer->owed && judged)
        peer->lost_timer = c2_timer_start(peer->broker->config.loop, LOST_MS, 0, on_lost_time, peer);
}

static void owe(struct c2_broker_peer *peer, struct c2_owed *owed)
{
    owed->publication = peer->broker->publishing;
    if (owed->publication) owed->publication->waiting++;
    owed->next = peer->owed;
    peer->owed = owed;
    peer->nowed++;
    if ((peer->hashed || peer->nowed >= OWED_MAX) && !peer->lost_timer)
        peer->lost_timer = c2_timer_start(peer->broker->config.loop, LOST_MS, 0, on_lost_time, peer);
}

static bool is_busy(const struct c2_broker_peer *peer)
{
    return peer->nowed >= OWED_MAX || c2_ws_unsent(peer->ws) > C2_WS_QUEUE_LOW;
}

static bool notify(struct c2_peer_subscription *s, const struct c2_event *event)
{
    struct c2_owed *owed;

    if (!c2_peer_sees(s->peer, event)) return true;
    if (!s->numbered && c2_str_is(event->data, "{}")) return true; /* too large: only ours understand */
    owed = calloc(1, sizeof(*owed));
    if (owed) c2_random_hex32(owed->call_id);
    if (!owed || !send_notify(s, event, owed->call_id)) {
        free(owed);
        return false;
    }
    owe(s->peer, owed);
    return true;
}

void c2_peer_event(void *ctx, const struct c2_event *event)
{
    struct c2_peer_subscription *s = ctx;
    struct c2_broker_peer *peer = s->peer;

    if (s->behind >= 0) return;
    if (s->topic[0] && is_busy(peer))
        s->behind = event->seq - 1;
    else if (!s->topic[0] && peer->nowed >= C2_HUB_LOG_MAX)
        c2_ws_close(peer->ws, 1008, "notifies are not answered");
    else if (!notify(s, event))
        c2_ws_close(peer->ws, 1011, "a notify could not be sent");
}

/* Go on where the peer could not follow. false: it is to be closed. */
static bool catch_up(struct c2_peer_subscription *s)
{
    struct c2_hub *hub = s->peer->broker->hub;
    struct c2_event event;

    while (s->behind >= 0 && !is_busy(s->peer)) {
        int64_t last = c2_hub_seq(hub, c2_str_of(s->topic));
        bool any = c2_hub_event_after(hub, s->topic, s->behind, &event);
        if (s->behind < last && (!any || (!s->numbered && event.seq > s->behind + 1))) return false;
        s->behind = any ? event.seq : -1;
        if (any && !notify(s, &event)) return false;
    }
    return true;
}

void c2_peer_go_on(struct c2_broker_peer *peer)
{
    for (struct c2_peer_subscription *s = peer->subscriptions; s; s = s->next)
        if (!catch_up(s)) {
            c2_ws_close(peer->ws, 1013, "events that were not read in time are not kept any more");
            return;
        }
}

void c2_peer_settle(struct c2_broker_peer *peer, struct c2_str call_id)
{
    for (struct c2_owed **at = &peer->owed; *at; at = &(*at)->next) {
        struct c2_owed *owed = *at;
        if (!c2_str_is(call_id, owed->call_id)) continue;
        *at = owed->next;
        if (owed->publication) c2_publication_unref(owed->publication);
        free(owed);
        if (peer->nowed-- == OWED_MAX) c2_peer_go_on(peer);
        return;
    }
}
