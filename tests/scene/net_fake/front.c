/* SPDX-License-Identifier: BSD-3-Clause */
/* Scenes have one thread: no front has one of its own. */
#include "net/front.h"

struct c2_mailbox *c2_mailbox_new(struct c2_loop *loop)
{
    (void)loop;
    return NULL;
}

void c2_mailbox_put(struct c2_mailbox *box, struct c2_loop_call *call, c2_loop_fn *fn, void *ctx)
{
    (void)box;
    (void)call;
    fn(ctx);
}

void c2_mailbox_free(struct c2_mailbox *box)
{
    (void)box;
}

bool c2_front_start(struct c2_front *front, struct cat2_error *err)
{
    (void)front;
    return c2_fail(err, CAT2_EUNSUPPORTED, "scenes have one thread");
}

void c2_front_go(struct c2_front *front)
{
    (void)front;
}

void c2_front_join(struct c2_front *front, void (*let_go)(struct c2_front *front))
{
    (void)front;
    (void)let_go;
}
