/* SPDX-License-Identifier: BSD-3-Clause */
/* The flag of what a thread does. */
#include "base/cancel.h"

static _Thread_local const struct c2_cancel *current, *whole;

void c2_cancel_begin(const struct c2_cancel *cancel)
{
    current = cancel;
}

void c2_cancel_thread(const struct c2_cancel *cancel)
{
    whole = cancel;
}

static bool is_set(const struct c2_cancel *cancel)
{
    return cancel && atomic_load_explicit(&cancel->now, memory_order_relaxed);
}

bool c2_cancelled(struct cat2_error *err)
{
    if (!is_set(current) && !is_set(whole)) return false;
    c2_fail(err, CAT2_ECANCELLED, "nobody waits for it any more");
    return true;
}
