/* SPDX-License-Identifier: BSD-3-Clause */
/* Why there is no answer, told to who asked. */
#ifndef C2_SUBSCRIBER_ANSWER_REFUSE_H
#define C2_SUBSCRIBER_ANSWER_REFUSE_H

#include "subscriber/mirror/mirror.h"

/** As c2_reply_error(); a 503 of the root's publisher with its Retry-After. */
void c2_reply_reason(struct c2_request *req, const struct c2_root_state *root, const struct cat2_error *err);
/** Answer that ds->error keeps it from being served. */
void c2_reply_unserved(struct c2_request *req, const struct c2_ds *ds);
/** Its status: 422, 501 for what we do not do, or 503 while it is being written. */
int c2_ds_unserved_status(const struct c2_ds *ds);
void c2_reply_no_root(struct c2_request *req, struct c2_str name);
/** 404 for {path*}, with what there is instead. */
void c2_reply_no_dataset(struct c2_request *req, struct c2_subscriber *sub);

#endif
