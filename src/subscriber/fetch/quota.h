/* SPDX-License-Identifier: BSD-3-Clause */
/* The quota of the cache. */
#ifndef C2_SUBSCRIBER_FETCH_QUOTA_H
#define C2_SUBSCRIBER_FETCH_QUOTA_H

#include "subscriber/mirror/mirror.h"

void c2_sub_quota_start(struct c2_subscriber *sub);
/** So many bytes have come into the cache: time for the quota to be looked at? */
void c2_sub_fetched(struct c2_subscriber *sub, int64_t nbytes);

#endif
