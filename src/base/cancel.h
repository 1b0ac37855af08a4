/* SPDX-License-Identifier: BSD-3-Clause */
/* Work that nobody waits for any more stops at the next look. Whoever starts work gives it a flag; the work
 * does not know whose it is, and asks c2_cancelled() in its loops. */
#ifndef C2_BASE_CANCEL_H
#define C2_BASE_CANCEL_H

#include <stdatomic.h>

#include "base/error.h"

struct c2_cancel {
    atomic_bool now;
};
/** What this thread does from here on is for `cancel`, which lives as long; NULL: it is not stopped. */
void c2_cancel_begin(const struct c2_cancel *cancel);
/** The same for all that this thread does from here on: it stops if either says so. */
void c2_cancel_thread(const struct c2_cancel *cancel);
/** Is what this thread does to stop? Then err says so (CAT2_ECANCELLED). A few nanoseconds. */
bool c2_cancelled(struct cat2_error *err);

#endif
