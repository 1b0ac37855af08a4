/* SPDX-License-Identifier: BSD-3-Clause */
/* What a subscriber tells further subscribers: for each root, beneath /mirror/ROOT, the answers of its
 * publisher, out of the cache; and what changes. docs/decisions/0023-tiers.md. */
#ifndef C2_SUBSCRIBER_REPUBLISH_REPUBLISH_H
#define C2_SUBSCRIBER_REPUBLISH_REPUBLISH_H

#include "subscriber/mirror/mirror.h"

void c2_republish_add_routes(struct c2_subscriber *sub);
/** Publish what changes on config.downstream. */
void c2_republish_start(struct c2_subscriber *sub);
/** Register what is followed at the broker, where config.mirror_at says so, until c2_republish_leave().
 * @errors CAT2_EUNSUPPORTED: its bus keeps no mirrors. */
bool c2_republish_register(struct c2_subscriber *sub, struct cat2_error *err);
/** The broker is told that nothing is mirrored here any more; if that does not reach it, a minute later. */
void c2_republish_leave(struct c2_subscriber *sub);
void c2_republish_free(struct c2_subscriber *sub);

/* ---- what its files share ---- */
c2_handler c2_republish_list, c2_republish_pieces, c2_republish_frame;

/** Find the dataset of the route {root} and {path*}; then fn, or the request is answered. */
void c2_republish_with(struct c2_request *req, struct c2_subscriber *sub,
                       void (*fn)(struct c2_request *req, struct c2_ds *ds));
/** Is ds of the generation that the request names, and can its data be served? Else it is answered. */
bool c2_republish_is_meant(struct c2_request *req, struct c2_ds *ds);

#endif
