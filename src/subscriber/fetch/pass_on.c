/* SPDX-License-Identifier: BSD-3-Clause */
/* A cache that cannot be written, because the disk is full or gone, takes nothing away from those who ask:
 * data is then kept in memory, in a cache file that is none, for as long as somebody uses it, and passed on
 * from there. After that the disk is tried again. Loop thread only. */
#include "subscriber/fetch/pass_on.h"
#include "base/log.h"
#include "subscriber/mirror/open_files.h"

#define LOOK_MS 1000  /* what nobody uses any more leaves memory so soon */
#define SAY_MS  60000 /* the log says it so often at most; the metric counts all */

static void on_time(void *ctx)
{
    struct c2_subscriber *sub = ctx;

    if (c2_sub_close_idle_in_memory(sub) > 0 && !sub->stopping) return;
    c2_timer_stop(sub->open.memory_timer);
    sub->open.memory_timer = NULL;
}

void c2_pass_on(struct c2_ds *ds, const struct cat2_error *why)
{
    struct c2_subscriber *sub = ds->sub;
    int64_t now = c2_loop_now_ms(sub->config.loop);

    if (!sub->open.nunwritable++ || now - sub->open.said_ms > SAY_MS) {
        sub->open.said_ms = now;
        c2_log_warn("the cache cannot be written, data is passed on from memory: %s", why->message);
    }
    c2_cache_probe_start(sub, why->message);
    if (!sub->open.memory_timer && !sub->stopping)
        sub->open.memory_timer = c2_timer_start(sub->config.loop, LOOK_MS, LOOK_MS, on_time, sub);
}

void c2_pass_on_stop(struct c2_subscriber *sub)
{
    c2_timer_stop(sub->open.memory_timer);
    sub->open.memory_timer = NULL;
    c2_cache_probe_stop(sub);
}

void c2_pass_on_metrics(const struct c2_subscriber *sub, struct c2_metrics *m)
{
    c2_metrics_counter(m, "caterva2_cache_unwritable_total", (double)sub->open.nunwritable,
                       "Cache files that were kept in memory because the disk did not take them.");
    c2_metrics_gauge(m, "caterva2_cache_memory_bytes", (double)c2_cachefile_memory_nbytes(),
                     "Bytes of cache files that are kept in memory.");
}
