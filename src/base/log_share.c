/* SPDX-License-Identifier: BSD-3-Clause */
/* Each line uses up its interval of a time that may be at most a burst ahead of the clock. */
#include "base/log_share.h"

#include <inttypes.h>

#include "base/clock.h"

#define BURST       50 /* lines of one place in the code: what went wrong at the same moment is told whole */
#define INTERVAL_MS 1000 /* see BURST: then 10 MB a day, with lines of 120 bytes */

static _Atomic int64_t total_left_out;

bool c2_log_share_take(struct c2_log_share *share, int burst, int interval_ms, int64_t *left_out)
{
    int64_t now = c2_now_ms(), before = atomic_load(&share->until_ms), next;

    do {
        next = (before > now ? before : now) + interval_ms;
        if (next - now > (int64_t)burst * interval_ms) {
            atomic_fetch_add(&share->left_out, 1);
            atomic_fetch_add(&total_left_out, 1);
            return false;
        }
    } while (!atomic_compare_exchange_weak(&share->until_ms, &before, next));
    *left_out = atomic_exchange(&share->left_out, 0);
    return true;
}

bool c2_log_share_is_idle(const struct c2_log_share *share)
{
    return atomic_load(&share->until_ms) <= c2_now_ms();
}

int64_t c2_log_left_out(void)
{
    return atomic_load(&total_left_out);
}

bool c2_log_some_may(struct c2_log_share *share, enum c2_level level)
{
    int64_t left_out;

    if (level > c2_log_level() || !c2_log_share_take(share, BURST, INTERVAL_MS, &left_out)) return false;
    if (left_out) c2_log(level, "%" PRId64 " lines like the next were left out", left_out);
    return true;
}
