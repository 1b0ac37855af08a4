/* SPDX-License-Identifier: BSD-3-Clause */
/* What is wrong with this process at the moment, for /healthz, /readyz and /metrics: conditions, each with a
 * name and a reason. Any thread. */
#ifndef C2_BASE_HEALTH_H
#define C2_BASE_HEALTH_H

#include "base/error.h"
#include "base/limits.h"

struct c2_condition {
    const char *name;
    char reason[200];
};
/** The condition is there, because; NULL: it is there no more. A new one and the end of one are logged. name:
 * words with '-' between, of static storage; reason: for people. Cheap when nothing changes. */
void c2_health_set(const char *name, const char *reason);
/** What is there now, oldest first; how many. */
size_t c2_health_list(struct c2_condition out[C2_HEALTH_MAX]);
bool c2_health_is_set(const char *name);

/* Why something is not ready. */
struct c2_conditions {
    size_t n; /* those that fit */
    struct c2_condition list[C2_HEALTH_MAX];
};
void c2_conditions_add(struct c2_conditions *reasons, const char *name, const char *fmt, ...) C2_PRINTF(3, 4);

#endif
