/* SPDX-License-Identifier: BSD-3-Clause */
/* The core of a broker: registry of roots, numbered event log, topics with listeners. It has no sockets. The
 * broker's routes and WebSocket peers and the local bus of cat2serve use it. Loop thread only. */
#ifndef C2_BUS_HUB_H
#define C2_BUS_HUB_H

#include "base/clock.h"
#include "base/limits.h"
#include "bus/bus.h"

struct c2_hub;
struct c2_hub_subscription;
/* Durable side of a hub, so that it needs no database below it; the broker implements it on state/. All may
 * be NULL. */
struct c2_hub_store {
    /* signs: its owner claims it (c2_hub_claim()). */
    bool (*save_root)(void *ctx, const struct c2_root *root, const char *token, bool signs,
                      struct cat2_error *err);
    bool (*drop_root)(void *ctx, const char *name, struct cat2_error *err);
    bool (*append)(void *ctx, const char *topic, int64_t seq, struct c2_str data, struct cat2_error *err);
    /* Event seq is not kept any more; it stands where event seq + C2_HUB_LOG_MAX will. May be NULL alone. */
    void (*forget)(void *ctx, const char *topic, int64_t seq);
    void *ctx;
    const struct c2_clock *clock; /* NULL: the machine's */
};
#define C2_HUB_TOPICS_MAX        1024       /* a topic a root, and some whose root is not registered */
#define C2_HUB_LOG_NBYTES_MAX    (16 << 20) /* of a topic's C2_HUB_LOG_MAX events, whichever is less */
#define C2_HUB_NBYTES_MAX        (32 << 20) /* of all topics: the largest loses its oldest */
#define C2_HUB_EVENT_MAX         (4 << 20)  /* one event: metadata of a dataset, with attributes */
#define C2_HUB_SUBSCRIPTIONS_MAX 32768      /* of all listeners: 300 bytes each */

/* After C2_HUB_LEASE_MS whoever answers at that address is somebody else: an owner connects again within two
 * minutes. */
#define C2_HUB_LEASE_LONG_MS 600000

bool c2_hub_new(const struct c2_hub_store *store, const char *epoch, struct c2_hub **out,
                struct cat2_error *err);
void c2_hub_free(struct c2_hub *hub);
/** At start, from the store: no events, no saving. */
bool c2_hub_restore_root(struct c2_hub *hub, const struct c2_root *root, const char *token, bool signs,
                         struct cat2_error *err);
/** Who registered a root is known now. Nothing happens if it was, or if the root is elsewhere meanwhile. */
void c2_hub_set_from(struct c2_hub *hub, const struct c2_root *root, const char *from);
bool c2_hub_restore_event(struct c2_hub *hub, const char *topic, int64_t seq, struct c2_str data,
                          struct cat2_error *err);

/** Store a root and publish it on "@new" (`json` is the Root as sent on). A name belongs to who registered
 * it: who knows its token moves it; others may come back at its address, which changes nothing (publishers of
 * 2024 know no token; then root->from becomes known, if it is not "").
 *
 *  @param token  of who registers: 32 lower-case hexadecimal digits, or anything else for none. A name that
 * is free has it from then on; without one a new token is made.
 *  @param over   take the name from its owner
 *  @param told   Out, char[33]: the token, for who owns it or does now; else ""
 *  @errors CAT2_EINVAL with http_status 409: it belongs to somebody else, who is elsewhere. */
bool c2_hub_put_root(struct c2_hub *hub, const struct c2_root *root, struct c2_str json, struct c2_str token,
                     bool over, char told[33], struct cat2_error *err);
enum c2_hub_owner {
    C2_OWNER_NONE,      /* no such root */
    C2_OWNER_CONNECTED, /* somebody claims it */
    C2_OWNER_AWAY,      /* nobody does now */
    C2_OWNER_UNSURE,    /* whether somebody is at its address tells */
    C2_OWNER_GONE       /* the lease is over */
};
/** Who has a name. *wait_ms: how long this stays so, -1 if no end is known. */
enum c2_hub_owner c2_hub_owner_of(const struct c2_hub *hub, const char *name, int64_t *wait_ms);
const struct c2_root *c2_hub_root(const struct c2_hub *hub, const char *name); /* NULL: none */
/** The owner of a root is there until c2_hub_leave(by): a sign of life. false: not the token of such a root,
 * or no memory. */
bool c2_hub_claim(struct c2_hub *hub, struct c2_str name, struct c2_str token, const void *by);
bool c2_hub_is_claimed_by(const struct c2_hub *hub, const char *name, const void *by);
void c2_hub_leave(struct c2_hub *hub, const void *by);
/** @errors CAT2_ENOTFOUND; CAT2_EINVAL wrong token. */
bool c2_hub_delete_root(struct c2_hub *hub, const char *name, struct c2_str token, struct cat2_error *err);
size_t c2_hub_nroots(const struct c2_hub *hub);
const struct c2_root *c2_hub_root_at(const struct c2_hub *hub, size_t i); /* registration order */

/** Number, keep, and hand to every listener of the topic except those of `origin`. Of more than
 * C2_HUB_EVENT_MAX bytes only "{}" is kept and passed on, which makes our followers list the root anew. */
bool c2_hub_publish(struct c2_hub *hub, const char *topic, struct c2_str data, const void *origin,
                    struct cat2_error *err);
/** The first event of a topic after seq that is kept; borrowed until the next event. false: there is none. */
bool c2_hub_event_after(struct c2_hub *hub, const char *topic, int64_t seq, struct c2_event *out);
/** Of all events kept. */
size_t c2_hub_nbytes(const struct c2_hub *hub);
/** Topic NULL: every topic. NULL: too many, or no memory. A position of our epoch replays what was missed
 * before anything else; else resync(). */
struct c2_hub_subscription *c2_hub_subscribe(struct c2_hub *hub, const char *topic,
                                             const struct c2_bus_position *from, const void *origin,
                                             const struct c2_bus_listener *listener);
void c2_hub_unsubscribe(struct c2_hub_subscription *subscription);
const char *c2_hub_epoch(const struct c2_hub *hub);
/** Number of the topic's last event, 0 before the first. */
int64_t c2_hub_seq(struct c2_hub *hub, struct c2_str topic);

#endif
