/* SPDX-License-Identifier: BSD-3-Clause */
/* The numbered events that a hub keeps, topic by topic: as many as fit. Loop thread only. */
#ifndef C2_BUS_HUB_LOG_H
#define C2_BUS_HUB_LOG_H

#include "base/blob.h"
#include "bus/hub.h"

struct c2_logged {
    int64_t seq; /* 0: an empty place */
    struct c2_blob *data;
};
struct c2_hub_topic;
struct c2_hub_log {
    const struct c2_hub_store *store; /* is told what is forgotten */
    struct c2_hub_topic *topics;
    size_t ntopics, nbytes;
};
void c2_hub_log_fini(struct c2_hub_log *log);
/** One reference, or NULL: no memory. */
struct c2_blob *c2_hub_log_blob(struct c2_str data, struct cat2_error *err);
/** Is there such a topic, or room for one more? @errors CAT2_ELIMIT. */
bool c2_hub_log_has_room(const struct c2_hub_log *log, const char *topic, struct cat2_error *err);
/** Keep an event, with a reference of its own, and forget others where there are too many. Valid until the
 * next call. */
const struct c2_logged *c2_hub_log_append(struct c2_hub_log *log, const char *topic, int64_t seq,
                                          struct c2_blob *data, struct cat2_error *err);
/** Number of the last event, 0: none yet. */
int64_t c2_hub_log_last(const struct c2_hub_log *log, struct c2_str topic);
/** The first event after seq that is kept; NULL: there is none. */
const struct c2_logged *c2_hub_log_after(const struct c2_hub_log *log, const char *topic, int64_t seq);

#endif
