/* SPDX-License-Identifier: BSD-3-Clause */
/* Who failed, how often, and how long to wait before the next attempt. Bounded; the clock is the caller's. */
#ifndef C2_ACCESS_SLOW_H
#define C2_ACCESS_SLOW_H

#include "base/clock.h"
#include "base/str.h"

struct c2_slow;
/** @param nfree  failures that cost nothing. @param most_ms  the longest wait. NULL: out of memory. clock is
 * borrowed. */
struct c2_slow *c2_slow_new(const struct c2_clock *clock, int nfree, int64_t most_ms);
void c2_slow_free(struct c2_slow *slow); /* NULL is fine */
/** Milliseconds to wait; 0: none. */
int64_t c2_slow_wait(const struct c2_slow *slow, struct c2_str who);
/** After the free ones each failure costs twice the wait of the one before, from a second on. What
 * is older than half an hour is forgotten. */
void c2_slow_failed(struct c2_slow *slow, struct c2_str who);
void c2_slow_succeeded(struct c2_slow *slow, struct c2_str who);

#endif
