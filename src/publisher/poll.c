/* SPDX-License-Identifier: BSD-3-Clause */
/* A look at everything once in a while: other hosts' changes, and those that no watch was left for, give no
 * event. It costs names and stats only. Looks take at most a tenth of the time: where one is long, they are
 * rarer. */
#include "base/log.h"
#include "publisher/publisher_impl.h"

#define DEAF_MS  10000 /* between looks where events may be missing */
#define LOCAL_MS 15000 /* where they should not: hard links from elsewhere, mappings */
#define SHARE    10

static void next_look(struct c2_publisher *pub, int64_t took_ms);

static int64_t now_ms(const struct c2_publisher *pub)
{
    return c2_loop_now_ms(pub->parts.loop);
}

static void on_looked(void *ctx, const struct cat2_error *err)
{
    struct c2_publisher *pub = ctx;

    if (pub->stopped || (err && err->code == CAT2_ECANCELLED)) return;
    next_look(pub, now_ms(pub) - pub->polled_at);
}

static void on_time(void *ctx)
{
    struct c2_publisher *pub = ctx;

    pub->poll_timer = NULL;
    pub->npolls++;
    pub->polled_at = now_ms(pub);
    c2_catalog_rescan(pub->catalog, on_looked, pub);
}

/* Asked each time: a file system may be mounted, watches may run out. */
static void listen_again(struct c2_publisher *pub)
{
    const char *why = NULL;

    if (c2_source_hears_all(pub->source, &why)) why = NULL;
    if (why && !pub->deaf && pub->poll_ms < 0)
        c2_log_warn("root=%s: events may be missing (%s), and it is never polled", pub->name, why);
    else if (why && !pub->deaf)
        c2_log_info("root=%s: events may be missing (%s): it is looked at every %lld s", pub->name, why,
                    (long long)(pub->poll_ms ? pub->poll_ms : DEAF_MS) / 1000);
    pub->deaf = why;
}

static void next_look(struct c2_publisher *pub, int64_t took_ms)
{
    listen_again(pub);
    int64_t ms = pub->poll_ms ? pub->poll_ms : pub->deaf ? DEAF_MS : LOCAL_MS;
    if (pub->poll_ms < 0) return;
    pub->poll_timer = c2_timer_start(pub->parts.loop, c2_max_i64(ms, took_ms * SHARE), 0, on_time, pub);
    if (!pub->poll_timer) c2_log_error("root=%s is polled no more: out of memory", pub->name);
}

void c2_poll_start(struct c2_publisher *pub, int64_t poll_ms)
{
    pub->poll_ms = poll_ms;
    next_look(pub, 0);
}

void c2_poll_stop(struct c2_publisher *pub)
{
    c2_timer_stop(pub->poll_timer);
    pub->poll_timer = NULL;
}
