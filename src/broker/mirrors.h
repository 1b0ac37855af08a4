/* SPDX-License-Identifier: BSD-3-Clause */
/* Subscribers that answer for roots beside their publishers (docs/protocol.md "Mirrors at a broker"). They
 * are kept in memory, for C2_HUB_LEASE_MS after each sign of life: who mirrors tells it again and again. */
#ifndef C2_BROKER_MIRRORS_H
#define C2_BROKER_MIRRORS_H

#include "broker/broker_impl.h"

/** POST /api/mirrors. */
void c2_broker_handle_mirrors(struct c2_request *req, void *state);
/** "mirrors" of a root, inside its object; nothing where nobody mirrors it. */
void c2_broker_mirrors_jw(struct c2_jw *w, const struct c2_broker *broker, const struct c2_root *root);
size_t c2_broker_nmirrors(const struct c2_broker *broker);
void c2_broker_end_mirrors(struct c2_broker *broker);

#endif
