/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether it rests is told by the processor time that it takes. */
#include "bin/service_rest.h"

#include <time.h>

#include "base/give_back.h"

#define FIRST_MS 1000  /* after the start, which needs much that is not needed any more */
#define LOOK_MS  10000 /* between two looks after that */
#define RESTS_MS 50    /* of processor time between two looks: timers, and somebody who asks for metrics */
#define WORTH_MS 20    /* since it was done last, which takes 5: so much work has needed something */

static int64_t cpu_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void work(void *job, void *codec)
{
    (void)job, (void)codec;
    c2_give_back_own();
    c2_give_back();
}

static void done(void *job)
{
    struct c2_rest *rest = job;

    c2_pool_rest(rest->pool, c2_give_back_own);
    rest->at_it = false;
    rest->at_rest_ms = rest->cpu_ms = cpu_ms();
}

static void give_back(struct c2_rest *rest)
{
    rest->at_it = true;
    c2_pool_run_low(rest->pool, work, done, rest);
}

static void on_look(void *ctx)
{
    struct c2_rest *rest = ctx;
    int64_t now = cpu_ms();
    bool rests = now - rest->cpu_ms < RESTS_MS;

    rest->cpu_ms = now;
    if (!rests || rest->at_it || (rest->settled && now - rest->at_rest_ms < WORTH_MS)) return;
    rest->settled = true;
    give_back(rest);
}

static void on_started(void *ctx)
{
    struct c2_rest *rest = ctx;

    give_back(rest);
    rest->timer = c2_timer_start(rest->loop, LOOK_MS, LOOK_MS, on_look, rest);
}

bool c2_rest_start(struct c2_rest *rest, struct c2_loop *loop, struct c2_pool *pool, struct cat2_error *err)
{
    rest->loop = loop;
    rest->pool = pool;
    rest->timer = c2_timer_start(loop, FIRST_MS, 0, on_started, rest);
    return rest->timer || c2_fail_nomem(err, "timer");
}

void c2_rest_stop(struct c2_rest *rest)
{
    c2_timer_stop(rest->timer);
    rest->timer = NULL;
}
