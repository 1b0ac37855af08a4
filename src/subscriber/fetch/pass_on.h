/* SPDX-License-Identifier: BSD-3-Clause */
/* Data passed on from memory while the cache cannot be written. */
#ifndef C2_SUBSCRIBER_FETCH_PASS_ON_H
#define C2_SUBSCRIBER_FETCH_PASS_ON_H

#include "subscriber/mirror/mirror.h"

/** The dataset's cache file is in memory, because. */
void c2_pass_on(struct c2_ds *ds, const struct cat2_error *why);
void c2_pass_on_stop(struct c2_subscriber *sub);
void c2_pass_on_metrics(const struct c2_subscriber *sub, struct c2_metrics *m);

/* ---- cache_probe.c ---- */
/** The process is degraded (base/health.h) until a file can be written to the cache folder, which is tried
 * now and then. */
void c2_cache_probe_start(struct c2_subscriber *sub, const char *why);
void c2_cache_probe_stop(struct c2_subscriber *sub);

#endif
