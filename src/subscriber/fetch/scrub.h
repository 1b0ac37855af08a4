/* SPDX-License-Identifier: BSD-3-Clause */
/* All that is cached is looked through, now and then. */
#ifndef C2_SUBSCRIBER_FETCH_SCRUB_H
#define C2_SUBSCRIBER_FETCH_SCRUB_H

#include "subscriber/mirror/mirror.h"

struct c2_scrub_counts {
    int64_t nbytes, nbad, nrepaired, npasses; /* bad: chunks, fetched again; repaired: headers, indexes */
};
/** Begin to look through the cache every config.scrub_s seconds. */
bool c2_scrub_start(struct c2_subscriber *sub, struct cat2_error *err);
void c2_scrub_stop(struct c2_subscriber *sub);
struct c2_scrub_counts c2_scrub_counts(const struct c2_subscriber *sub);

#endif
