/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests that wait for the first listing of a root. "Not known yet" is never told as "nothing there": who
 * has waited long enough is told that the root is being listed, and to ask again. */
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "subscriber/mirror/follow.h"
#include "subscriber/mirror/root.h"

struct c2_sub_waiter {
    struct c2_sub_waiter *next;
    struct c2_root_state *root;
    struct c2_timer *timer;
    void (*fn)(void *ctx, const struct cat2_error *err);
    void *ctx;
};

void c2_sub_tell_waiters(struct c2_root_state *root, const struct cat2_error *err)
{
    struct c2_sub_waiter *waiter = root->waiters;

    root->waiters = NULL;
    while (waiter) {
        struct c2_sub_waiter *next = waiter->next;
        c2_timer_stop(waiter->timer);
        waiter->fn(waiter->ctx, err);
        free(waiter);
        waiter = next;
    }
}

static void being_listed(const struct c2_root_state *root, struct cat2_error *err)
{
    c2_fail(err, CAT2_EUPSTREAM, "%.100s is being listed for the first time%s%.100s: ask again",
            root->root.name, *root->listing ? ", its publisher says: " : "", root->listing);
    err->http_status = 503;
}

static void on_late(void *ctx)
{
    struct c2_sub_waiter *waiter = ctx;
    struct cat2_error err;

    c2_chain_remove(waiter->root->waiters, waiter, next);
    being_listed(waiter->root, &err);
    waiter->fn(waiter->ctx, &err);
    free(waiter);
}

void c2_waiters_add(struct c2_root_state *root, int64_t ms,
                    void (*fn)(void *ctx, const struct cat2_error *err), void *ctx)
{
    struct c2_sub_waiter *waiter = calloc(1, sizeof(*waiter));
    struct c2_timer *timer = waiter ? c2_timer_start(root->sub->config.loop, ms, 0, on_late, waiter) : NULL;
    struct cat2_error err;

    if (!timer) {
        free(waiter);
        c2_fail_nomem(&err, "request");
        fn(ctx, &err);
        return;
    }
    *waiter = (struct c2_sub_waiter){root->waiters, root, timer, fn, ctx};
    root->waiters = waiter;
}
