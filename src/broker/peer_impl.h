/* SPDX-License-Identifier: BSD-3-Clause */
/* A WebSocket peer, for the two files about it: peer.c has its requests, notify.c what it is told. */
#ifndef C2_BROKER_PEER_IMPL_H
#define C2_BROKER_PEER_IMPL_H

#include "broker/broker_impl.h"
#include "net/gate.h"

struct c2_publication {
    struct c2_broker *broker;
    struct c2_broker_peer *peer; /* who published; NULL once it is gone */
    char *call_id;
    int waiting; /* notifies without reply, plus one while they are being sent */
    struct c2_timer *timer;
    struct c2_publication *next; /* of the same peer */
};
struct c2_owed {
    struct c2_owed *next;
    bool old; /* owed for LOST_MS, at least */
    char call_id[33];
    struct c2_publication *publication;
};
struct c2_peer_subscription {
    struct c2_peer_subscription *next;
    struct c2_broker_peer *peer;
    struct c2_hub_subscription *subscription;
    char id[33];
    bool numbered; /* asked by "resume": a peer of ours */
    bool resync;
    char topic[256]; /* "": all of them */
    int64_t behind;  /* the last event sent before those that are left in the log; -1: none are */
};
struct c2_broker_peer {
    struct c2_broker_peer *next;
    struct c2_broker *broker;
    struct c2_ws *ws;
    char id[33];
    struct c2_peer_subscription *subscriptions;
    size_t nsubscriptions;
    struct c2_owed *owed;
    size_t nowed;
    struct c2_publication *publications;
    size_t npublications;
    bool hashed; /* a peer of ours: frames have hashes, both ways */
    struct c2_timer *lost_timer;
    struct c2_pass *pass; /* whose it is; NULL: all is open to it */
};

/* ---- notify.c ---- */
/** A listener's event(): tell the peer, now or when it has read what it was told before. */
void c2_peer_event(void *ctx, const struct c2_event *event);
/** Go on where the peer could not follow. */
void c2_peer_go_on(struct c2_broker_peer *peer);
/** It has replied to a notify. */
void c2_peer_settle(struct c2_broker_peer *peer, struct c2_str call_id);

/* ---- peer_pass.c ---- */
/** Is an event of a root that the peer's key is for? A peer whose key was revoked is closed. */
bool c2_peer_sees(struct c2_broker_peer *peer, const struct c2_event *event);
/** May its key publish events of the root? false: *why says why. */
bool c2_peer_may_publish(struct c2_broker_peer *peer, struct c2_str root, char why[C2_WHY_MAX]);

/* ---- peer.c ---- */
/** One less is waited for; the last acknowledges. */
void c2_publication_unref(struct c2_publication *publication);

#endif
