/* SPDX-License-Identifier: BSD-3-Clause */
/* What happened to roots and datasets, told to browsers as server-sent events.
 *
 * One log of the last events serves all: a listener is a position in it and the event it is sending, so that
 * it costs the same however slow it is. Who falls behind the log is told to look at everything. Loop thread
 * only. */
#ifndef C2_SUBSCRIBER_EVENTS_EVENTS_H
#define C2_SUBSCRIBER_EVENTS_EVENTS_H

#include "subscriber/mirror/mirror.h"

struct c2_events;
/** Tells of what the mirror of `sub` does from now on. NULL: out of memory. */
struct c2_events *c2_events_new(struct c2_subscriber *sub);
/** End all streams: their requests must not hold up the end of the service. */
void c2_events_stop(struct c2_events *events);
void c2_events_free(struct c2_events *events); /* NULL is fine */
void c2_events_metrics(const struct c2_events *events, struct c2_metrics *m);
void c2_events_add_routes(struct c2_subscriber *sub);

#endif
