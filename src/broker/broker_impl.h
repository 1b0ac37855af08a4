/* SPDX-License-Identifier: BSD-3-Clause */
/* What the broker's files share. */
#ifndef C2_BROKER_BROKER_IMPL_H
#define C2_BROKER_BROKER_IMPL_H

#include "broker/broker.h"
#include "net/websocket.h"
#include "state/state.h"
#include "wire/json.h"

struct c2_broker_peer;
struct c2_contest;
struct c2_broker_mirror;
struct c2_elder;
struct c2_placing;
struct c2_publication;
struct c2_broker {
    struct c2_broker_config config;
    struct c2_state *state;
    int dirfd; /* of the state, for its metrics; -1: none */
    struct c2_hub *hub;
    struct c2_timer *trimmer; /* of the state, while there is room to give back */
    struct c2_timer *tender;  /* of the state, always */
    struct c2_broker_peer *peers;
    struct c2_publication *publishing; /* the publication whose notifies are being sent right now */
    struct c2_contest *contests;       /* registrations that wait */
    struct c2_placing *placings;       /* registrations whose host names are being resolved */
    struct c2_elder *elders;           /* roots of which it is being found out who registered them */
    struct c2_broker_mirror *mirrors;  /* mirrors.c */
    struct c2_timer *mirrors_timer;    /* while there are some */
    bool stopping;
    int64_t nevents, nunacked, nrefused;
};

#define C2_ROOT_BODY_MAX                                                                                     \
    8192 /* of a Root as JSON: a name of 255 and an address of 299 bytes, all escaped                        \
          */

/* "subscribed" of a Root as posted; echoed, not kept. */
enum c2_root_flag { C2_ROOT_NULL, C2_ROOT_FALSE, C2_ROOT_TRUE };
/** Read the body of a POST. What is wrong with it is written to answer, the body of a 422; a good Root leaves
 * that empty. */
bool c2_broker_read_root(struct c2_request *req, struct c2_root *out, enum c2_root_flag *subscribed,
                         struct c2_buf *answer, struct cat2_error *err);
/** Take over the registry of the Python broker, db.json, when our own is new. */
bool c2_broker_import(struct c2_broker *broker, struct cat2_error *err);

/** POST /api/roots. */
void c2_broker_handle_post(struct c2_request *req, void *state);
/** A Root as JSON; subscribed NULL: without that key. */
void c2_broker_root_json(struct c2_jw *w, const struct c2_root *root, const enum c2_root_flag *subscribed);
/** Registrations that wait for a look at an owner are answered 503. */
void c2_broker_end_contests(struct c2_broker *broker);

/* ---- hosts.c: where publishers say they are ---- */
/** Its address has been judged. Answers; takes json. */
typedef void c2_placed(struct c2_broker *broker, struct c2_request *req, const struct c2_root *root,
                       struct c2_buf *json);
/** See whether the request may name root's address, and go on if so; else answer. Takes json. */
void c2_broker_place(struct c2_broker *broker, struct c2_request *req, const struct c2_root *root,
                     struct c2_buf *json, c2_placed *go);
void c2_broker_end_placings(struct c2_broker *broker);

/* ---- elders.c ---- */
/** At the start: roots of which the state does not say who registered them. */
void c2_broker_find_elders(struct c2_broker *broker);
void c2_broker_end_elders(struct c2_broker *broker);

/* ---- rights.c ---- */
bool c2_broker_trusts(const struct c2_broker *broker, const struct c2_peer *from);
/** Is the peer of this host or of a trusted network, or has it a key with the scope publish? */
bool c2_broker_has_free_hand(const struct c2_broker *broker, const struct c2_request *req);
/** May this WebSocket peer, at `from`, publish events of a root? false: *why says why. */
bool c2_broker_may_publish(const struct c2_broker *broker, const char *topic, const void *peer,
                           const struct c2_peer *from, char why[C2_WHY_MAX]);

/** GET /pubsub. */
void c2_broker_handle_pubsub(struct c2_request *req, void *state);
size_t c2_broker_npeers(const struct c2_broker *broker);
void c2_broker_close_peers(struct c2_broker *broker);
void c2_broker_free_peers(struct c2_broker *broker);

#endif
