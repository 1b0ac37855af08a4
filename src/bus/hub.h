/* SPDX-License-Identifier: BSD-3-Clause */
/* The core of a broker: registry of roots, numbered event log, topics with listeners. It has no sockets. The
 * broker's routes and WebSocket peers and the local bus of cat2serve use it. Loop thread only. */
#ifndef C2_BUS_HUB_H
#define C2_BUS_HUB_H

#include "base/limits.h"
#include "bus/bus.h"

struct c2_hub;
struct c2_hub_subscription;
/* Durable side of a hub, so that it needs no database below it; the broker implements it on state/. All may
 * be NULL. */
struct c2_hub_store {
    bool (*save_root)(void *ctx, const struct c2_root *root, const char *token, struct cat2_error *err);
    bool (*drop_root)(void *ctx, const char *name, struct cat2_error *err);
    bool (*append)(void *ctx, const char *topic, int64_t seq, struct c2_str data, struct cat2_error *err);
    /* Event seq is not kept any more; it stands where event seq + C2_HUB_LOG_MAX will. May be NULL alone. */
    void (*forget)(void *ctx, const char *topic, int64_t seq);
    void *ctx;
};
#define C2_HUB_TOPICS_MAX     1024       /* a topic a root, and each keeps room for its log */
#define C2_HUB_LOG_NBYTES_MAX (32 << 20) /* and so many bytes of them, whichever is less */

bool c2_hub_new(const struct c2_hub_store *store, const char *epoch, struct c2_hub **out,
                struct cat2_error *err);
void c2_hub_free(struct c2_hub *hub);
/** At start, from the store: no events, no saving. */
bool c2_hub_restore_root(struct c2_hub *hub, const struct c2_root *root, const char *token,
                         struct cat2_error *err);
bool c2_hub_restore_event(struct c2_hub *hub, const char *topic, int64_t seq, struct c2_str data,
                          struct cat2_error *err);

/** Store a root (same name: replaced) and publish it on "@new" (`json` is the Root as sent on). The token
 * that may remove it is written to token[33]; an existing root keeps its token. */
bool c2_hub_put_root(struct c2_hub *hub, const struct c2_root *root, struct c2_str json, char token[33],
                     struct cat2_error *err);
/** @errors CAT2_ENOTFOUND; CAT2_EINVAL wrong token. */
bool c2_hub_delete_root(struct c2_hub *hub, const char *name, struct c2_str token, struct cat2_error *err);
size_t c2_hub_nroots(const struct c2_hub *hub);
const struct c2_root *c2_hub_root_at(const struct c2_hub *hub, size_t i); /* registration order */

/** Number, keep, and hand to every listener of the topic except those of `origin`. */
bool c2_hub_publish(struct c2_hub *hub, const char *topic, struct c2_str data, const void *origin,
                    struct cat2_error *err);
/** Topic NULL: every topic. A position of our epoch replays what was missed before anything else; else
 * resync(). */
struct c2_hub_subscription *c2_hub_subscribe(struct c2_hub *hub, const char *topic,
                                             const struct c2_bus_position *from, const void *origin,
                                             const struct c2_bus_listener *listener);
void c2_hub_unsubscribe(struct c2_hub_subscription *subscription);
const char *c2_hub_epoch(const struct c2_hub *hub);
/** Number of the topic's last event, 0 before the first. */
int64_t c2_hub_seq(struct c2_hub *hub, struct c2_str topic);

#endif
