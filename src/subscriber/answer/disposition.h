/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of what is saved. */
#ifndef C2_SUBSCRIBER_ANSWER_DISPOSITION_H
#define C2_SUBSCRIBER_ANSWER_DISPOSITION_H

#include "subscriber/answer/job.h"

/** Content-Disposition of the dataset as a file, or (with a suffix, "npy") of a slice of it. */
bool c2_sub_disposition(const struct c2_ds *ds, struct c2_str slice, const char *suffix, struct c2_buf *out,
                        struct cat2_error *err);
/** Where the request says download=1, for the reply that follows. */
void c2_sub_download_reply(struct c2_request *req, const struct c2_ds *ds, const char *suffix);
bool c2_sub_download_head(struct c2_view *view, const char *suffix);

#endif
