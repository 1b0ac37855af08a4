/* SPDX-License-Identifier: BSD-3-Clause */
/* A list, and a timer as long as it is needed. */
#include "subscriber/answer/attend.h"

#include "base/list.h"

static void look(struct c2_attendance *all)
{
    struct c2_attended *next;

    for (struct c2_attended *one = all->first; one; one = next) {
        next = one->next;
        if (one->seen && c2_request_is_gone(one->req)) {
            c2_unattend(all, one);
            all->nleft++;
            one->left(one->ctx);
        } else {
            one->seen = true;
        }
    }
}

static void on_timer(void *ctx)
{
    struct c2_attendance *all = ctx;

    look(all);
    if (all->tick) all->tick(all->ctx);
    if (all->first || (all->idle && !all->idle(all->ctx))) return;
    c2_attend_stop(all);
}

void c2_attend_start(struct c2_attendance *all)
{
    if (!all->timer && !all->stopped)
        all->timer = c2_timer_start(all->loop, C2_ATTEND_MS, C2_ATTEND_MS, on_timer, all);
}

void c2_attend_stop(struct c2_attendance *all)
{
    c2_timer_stop(all->timer);
    all->timer = NULL;
}

void c2_attend(struct c2_attendance *all, struct c2_attended *one, const struct c2_request *req,
               void (*left)(void *ctx), void *ctx)
{
    *one = (struct c2_attended){.req = req, .left = left, .ctx = ctx, .listed = true};
    c2_list_push(all->first, one);
    c2_attend_start(all);
}

void c2_unattend(struct c2_attendance *all, struct c2_attended *one)
{
    if (!one->listed) return;
    c2_list_remove(all->first, one);
    one->listed = false;
}
