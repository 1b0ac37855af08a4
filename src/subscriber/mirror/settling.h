/* SPDX-License-Identifier: BSD-3-Clause */
/* Looking whether something has changed, before an answer. Loop thread. */
#ifndef C2_SUBSCRIBER_MIRROR_SETTLING_H
#define C2_SUBSCRIBER_MIRROR_SETTLING_H

#include "subscriber/mirror/mirror.h"

/** Has something at this path, above or beneath it changed that is not known here yet, and is worth waiting
 * for? Only a publisher in this process can tell; of others, events do. Costs a system call. */
bool c2_sub_is_behind(const struct c2_root_state *root, struct c2_str path);
/** fn(ctx) when it is known, or after some time; path stays the caller's until then. false: out of memory, fn
 * is not called. */
bool c2_sub_when_settled(struct c2_root_state *root, struct c2_str path, void (*fn)(void *ctx), void *ctx);

#endif
