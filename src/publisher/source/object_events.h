/* SPDX-License-Identifier: BSD-3-Clause */
/* Notifications of S3 stores. Pure. */
#ifndef C2_PUBLISHER_SOURCE_OBJECT_EVENTS_H
#define C2_PUBLISHER_SOURCE_OBJECT_EVENTS_H

#include "base/error.h"
#include "base/str.h"

typedef bool c2_s3_event(void *ctx, struct c2_str bucket, struct c2_str key, struct cat2_error *err);
/** {"Records":[{"s3":{"bucket":{"name"},"object":{"key"}}},...]}. Keys are encoded as in forms, but not by
 * all stores: where it makes a difference, both readings are told. @errors CAT2_EDATA it is no notification;
 * those of the sink. */
bool c2_s3_events(struct c2_str json, c2_s3_event *sink, void *ctx, struct cat2_error *err);

#endif
