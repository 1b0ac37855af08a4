/* SPDX-License-Identifier: BSD-3-Clause */
/* A subscriber: follows roots, fetches what is asked for, caches it, serves it. Loop thread only.
 * It adds its routes to the server it is given; the bus, pool, loop and HTTP client outlive it. */
#ifndef C2_SUBSCRIBER_SUBSCRIBER_H
#define C2_SUBSCRIBER_SUBSCRIBER_H

#include "base/health.h"
#include "subscriber/mirror/config.h"

/* Its state, for c2_state_open(). */
extern const struct c2_state_kind c2_subscriber_state;

/** Open the state, serve what is cached, follow again what was followed. @errors CAT2_EIO, CAT2_EDATA: the
 * state. */
bool c2_subscriber_new(const struct c2_subscriber_config *config, struct c2_subscriber **out,
                       struct cat2_error *err);
/** Stop following; requests under way are answered. done(ctx) on the loop. */
void c2_subscriber_stop(struct c2_subscriber *sub, c2_loop_fn *done, void *ctx);
/** After the server's requests are answered. NULL is fine. */
void c2_subscriber_free(struct c2_subscriber *sub);
/** Roots, datasets, what was fetched, the cache. */
void c2_subscriber_metrics(struct c2_subscriber *sub, struct c2_metrics *m);
/** Why it is of no use yet: the broker was never reached, or a root that is followed was never listed. */
void c2_subscriber_ready(const struct c2_subscriber *sub, struct c2_conditions *why);

#endif
