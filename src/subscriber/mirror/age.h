/* SPDX-License-Identifier: BSD-3-Clause */
/* How old what is known of a root may be, and how old it may become. */
#ifndef C2_SUBSCRIBER_MIRROR_AGE_H
#define C2_SUBSCRIBER_MIRROR_AGE_H

#include "subscriber/mirror/mirror.h"

/** Headers for the reply that follows, when what is known may not be what the publisher has: why, and since
 * when. */
void c2_sub_say_stale(struct c2_request *req, const struct c2_root_state *root);
/** May what is known be old, or is nothing known because its publisher is not reached? */
bool c2_root_is_stale(const struct c2_root_state *root);
/** When what is known was what the publisher had, for sure, by the loop's clock; 0: that is not known. */
int64_t c2_root_as_of(const struct c2_root_state *root);
/** What the source of a list says of itself, in these headers. */
struct c2_source_age c2_source_age_of(const struct c2_http_reply *reply);
/* ---- lease.c ---- */
/** Begin to look whether events can come; while they cannot, roots are listed anew, so that none is older
 * than config.lease_ms for as long as it is reached. */
bool c2_lease_start(struct c2_subscriber *sub, struct cat2_error *err);

#endif
