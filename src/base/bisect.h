/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding a place in what is sorted. */
#ifndef C2_BASE_BISECT_H
#define C2_BASE_BISECT_H

/** Set `at` to the first index below n for which `before`, an expression of `at`, is false; to n when it is
 * true for all. Those for which it is true come first. n is evaluated once. */
#define c2_bisect(at, n, before)                                                                             \
    do {                                                                                                     \
        __typeof__(at) c2_low = 0, c2_high = (n);                                                            \
        while (c2_low < c2_high) {                                                                           \
            (at) = c2_low + (c2_high - c2_low) / 2;                                                          \
            if (before)                                                                                      \
                c2_low = (at) + 1;                                                                           \
            else                                                                                             \
                c2_high = (at);                                                                              \
        }                                                                                                    \
        (at) = c2_low;                                                                                       \
    } while (0)

#endif
