/* SPDX-License-Identifier: BSD-3-Clause */
/* Helpers of all rooms' tests: cmocka with what it wants included first, and numbers that look random and are
 * the same at every run. */
#ifndef C2_BASE_BASE_TESTING_H
#define C2_BASE_BASE_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the above first */
#include <cmocka.h>

static uint64_t random_state = 88172645463325252u;
static inline uint64_t random_bits(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}
static inline int64_t random_below(int64_t n)
{
    return (int64_t)(random_bits() % (uint64_t)n);
}

#endif
