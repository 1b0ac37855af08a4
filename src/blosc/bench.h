/* SPDX-License-Identifier: BSD-3-Clause */
/* What the benchmarks of this room share. */
#ifndef C2_BLOSC_BENCH_H
#define C2_BLOSC_BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/error.h"

static inline double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static inline void check(bool ok, const struct cat2_error *err)
{
    if (ok) return;
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

#endif
