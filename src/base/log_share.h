/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines of the log that others can cause as often as they like: clients, peers, publishers, files of a root.
 * So many are written and the rest is counted, so that the log says what happened and stays small. Any
 * thread. */
#ifndef C2_BASE_LOG_SHARE_H
#define C2_BASE_LOG_SHARE_H

#include <stdatomic.h>

#include "base/log.h"

struct c2_log_share { /* all zero at first */
    _Atomic int64_t until_ms;
    _Atomic int64_t left_out;
};
/** May a line be written? `burst` at once, then one every interval_ms. *left_out: how many before this one
 * were not, if it is written. */
bool c2_log_share_take(struct c2_log_share *share, int burst, int interval_ms, int64_t *left_out);
/** Has a whole burst room again? */
bool c2_log_share_is_idle(const struct c2_log_share *share);
/** Lines of all shares that were not written. */
int64_t c2_log_left_out(void);

bool c2_log_some_may(struct c2_log_share *share, enum c2_level level);
/** As c2_log(): of each place in the code 50 lines at once, then one a second. Before a line that follows
 * others that were left out, their number is written. */
#define c2_log_some(level, ...)                                                                              \
    do {                                                                                                     \
        static struct c2_log_share c2_share_here;                                                            \
        if (c2_log_some_may(&c2_share_here, level)) c2_log(level, __VA_ARGS__);                              \
    } while (0)

#endif
