/* SPDX-License-Identifier: BSD-3-Clause */
/* The machine's clock. */
#include "base/clock.h"

#include <stddef.h>
#include <time.h>

static int64_t read_ms(clockid_t which)
{
    struct timespec now;

    clock_gettime(which, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t mono(void *ctx)
{
    (void)ctx;
    return read_ms(CLOCK_MONOTONIC);
}

static int64_t wall(void *ctx)
{
    (void)ctx;
    return read_ms(CLOCK_REALTIME);
}

const struct c2_clock *c2_clock_real(void)
{
    static const struct c2_clock real = {mono, wall, NULL};

    return &real;
}
