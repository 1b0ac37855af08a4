/* SPDX-License-Identifier: BSD-3-Clause */
/* The flag of what a thread does. */
#include "base/cancel.h"

static _Thread_local const struct c2_cancel *current;

void c2_cancel_begin(const struct c2_cancel *cancel)
{
    current = cancel;
}

bool c2_cancelled(struct cat2_error *err)
{
    if (!current || !atomic_load_explicit(&current->now, memory_order_relaxed)) return false;
    c2_fail(err, CAT2_ECANCELLED, "nobody waits for it any more");
    return true;
}
