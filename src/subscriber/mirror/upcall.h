/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests to publishers: checked, and ended by a stop. */
#ifndef C2_SUBSCRIBER_MIRROR_UPCALL_H
#define C2_SUBSCRIBER_MIRROR_UPCALL_H

#include "subscriber/mirror/mirror.h"

/** c2_checked_start() for data of publishers; refused once a stop has waited long enough. */
bool c2_upcall_start(struct c2_subscriber *sub, const struct c2_http_call *call, enum c2_wire_kind kind,
                     enum c2_check check, struct cat2_error *err);
/** How answers of the root's publisher are checked; NULL: as of one not known. */
enum c2_check c2_sub_check(const struct c2_root_state *root);
/** For metrics: "unreached", ... */
const char *c2_upcall_kind_name(enum c2_upcall_kind kind);
/** What is under way has a moment left. */
void c2_upcalls_stop(struct c2_subscriber *sub);

#endif
