/* SPDX-License-Identifier: BSD-3-Clause */
/* The time, asked through a struct so that scene tests can say what time it is. */
#ifndef C2_BASE_CLOCK_H
#define C2_BASE_CLOCK_H

#include <stdint.h>

struct c2_clock {
    int64_t (*mono_ms)(void *ctx); /* monotonic milliseconds, for intervals */
    int64_t (*wall_ms)(void *ctx); /* milliseconds since 1970 UTC, for people and HTTP dates */
    void *ctx;
};

/** The machine's clock. */
const struct c2_clock *c2_clock_real(void);
static inline int64_t c2_mono_ms(const struct c2_clock *clock)
{
    return clock->mono_ms(clock->ctx);
}
/** The same of the machine's clock. */
static inline int64_t c2_now_ms(void)
{
    return c2_mono_ms(c2_clock_real());
}
static inline int64_t c2_wall_ms(const struct c2_clock *clock)
{
    return clock->wall_ms(clock->ctx);
}

#endif
