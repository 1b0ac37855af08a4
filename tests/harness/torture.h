/* SPDX-License-Identifier: BSD-3-Clause */
/* Allocations that fail on order: the linker leads malloc, calloc and realloc here. */
#ifndef C2_HARNESS_TORTURE_H
#define C2_HARNESS_TORTURE_H

#include <stdbool.h>

/** From now on the nth allocation (from 1) fails, once; 0: none. */
void torture_arm(long nth);
/** Did it come to that since torture_arm()? Disarms. */
bool torture_disarm(void);

#endif
