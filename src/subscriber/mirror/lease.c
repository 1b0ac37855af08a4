/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether events can come is looked at now and then. */
#include "subscriber/mirror/age.h"
#include "subscriber/mirror/follow.h"
#include "subscriber/mirror/root.h"
#include "subscriber/mirror/roots.h"

#define LOOK_MS_MIN 100   /* so often a list may be asked for again, and no oftener */
#define REST        4     /* so that it has most of its time for others */
#define LOOK_MS_MAX 15000 /* what answers say of their age is at most so much too old */

/* A Python server works for each dataset that it is asked for. It is left alone for so many times as long. */
static bool is_rested(const struct c2_root_state *root, int64_t now)
{
    return !root->root.python || now - root->listed_ms >= REST * root->listing_ms;
}

static void on_look(void *ctx)
{
    struct c2_subscriber *sub = ctx;
    int64_t now = c2_loop_now_ms(sub->config.loop), lease = sub->config.lease_ms;
    bool deaf = !sub->config.bus->ops->connected(sub->config.bus), turned = deaf != sub->deaf;

    if (sub->stopping) return;
    sub->deaf = deaf;
    if (!deaf) sub->heard_ms = now;
    for (struct c2_root_state *root = sub->roots; root; root = root->next) {
        if (!c2_root_is_listed(root)) continue;
        if (turned) c2_mirror_tell(root, NULL, NULL);
        bool over = (deaf || root->unheard) && lease > 0 && now - c2_root_as_of(root) >= lease / 2;
        if (over && is_rested(root, now) && !root->follow && !root->timer) c2_sub_follow(root);
    }
}

bool c2_lease_start(struct c2_subscriber *sub, struct cat2_error *err)
{
    int64_t lease = sub->config.lease_ms;
    int64_t ms = lease < 0 ? LOOK_MS_MAX : c2_max_i64(LOOK_MS_MIN, c2_min_i64(LOOK_MS_MAX, lease / 4));

    if (lease == 0) return true;
    sub->lease_timer = c2_timer_start(sub->config.loop, ms, ms, on_look, sub);
    return sub->lease_timer || c2_fail_nomem(err, "lease");
}
