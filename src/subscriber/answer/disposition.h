/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of what is saved. */
#ifndef C2_SUBSCRIBER_ANSWER_DISPOSITION_H
#define C2_SUBSCRIBER_ANSWER_DISPOSITION_H

#include "subscriber/mirror/mirror.h"

/** Content-Disposition of the dataset as a file, or (with a suffix, "npy") of a slice of it; with
 * "" of what a plain file holds. */
bool c2_sub_disposition(const struct c2_ds *ds, struct c2_str slice, const char *suffix, struct c2_buf *out,
                        struct cat2_error *err);

#endif
