/* SPDX-License-Identifier: BSD-3-Clause */
/* Which of several upstreams tells events. Loop thread. docs/decisions/0026-suppliers.md. */
#ifndef C2_SUBSCRIBER_MIRROR_UPSTREAMS_H
#define C2_SUBSCRIBER_MIRROR_UPSTREAMS_H

#include "subscriber/mirror/mirror.h"

/** Measure them from now on, where they are several. */
void c2_upstreams_watch(struct c2_subscriber *sub);
void c2_upstreams_leave(struct c2_subscriber *sub);
/** Something was learned of one: tell the bus which are to be avoided. */
void c2_upstreams_judge(struct c2_subscriber *sub);
/** One has told something old: see soon how they all are. */
void c2_upstreams_ask(struct c2_subscriber *sub);

#endif
