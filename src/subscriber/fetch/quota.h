/* SPDX-License-Identifier: BSD-3-Clause */
/* The quota of the cache. */
#ifndef C2_SUBSCRIBER_FETCH_QUOTA_H
#define C2_SUBSCRIBER_FETCH_QUOTA_H

#include "subscriber/mirror/mirror.h"

void c2_sub_quota_start(struct c2_subscriber *sub);
/** So many bytes have come into the cache: time for the quota to be looked at? */
void c2_sub_fetched(struct c2_subscriber *sub, int64_t nbytes);
/** How much is on disk: counted at once, and then now and then. */
void c2_sub_cache_count_start(struct c2_subscriber *sub);
void c2_sub_cache_count_stop(struct c2_subscriber *sub);
/** So many bytes there were when sub->bytes_fetched was `at`. */
void c2_sub_cache_counted(struct c2_subscriber *sub, int64_t nbytes, int64_t at);
int64_t c2_sub_cache_nbytes(const struct c2_subscriber *sub);

#endif
