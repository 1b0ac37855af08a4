/* SPDX-License-Identifier: BSD-3-Clause */
/* Levels of planes: which of their files are open, and when they go. Loop thread. */
#ifndef C2_SUBSCRIBER_FETCH_OPEN_LEVELS_H
#define C2_SUBSCRIBER_FETCH_OPEN_LEVELS_H

#include "cache/levels.h"
#include "subscriber/mirror/mirror.h"

/** Those of ds that were reduced in the way `name`, ntiles of them. NULL: out of memory. The caller has a
 * reference, and gives it back by c2_sub_levels_done(). */
struct c2_levels *c2_sub_levels(struct c2_ds *ds, const char *name, int64_t ntiles);
void c2_sub_levels_done(struct c2_ds *ds, struct c2_levels *levels);
/** Close those of ds; NULL: all. */
void c2_sub_levels_close(struct c2_subscriber *sub, const struct c2_ds *ds);

#endif
