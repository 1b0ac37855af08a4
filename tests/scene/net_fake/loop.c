/* SPDX-License-Identifier: BSD-3-Clause */
/* net/loop.h on the world's clock, and the clocks and dice of the C library for whoever asks them. */
#include "net/loop.h"

#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "world.h"

#define WALL_START_MS INT64_C(1767225600000) /* 2026-01-01 */

struct call {
    struct call *next;
    struct c2_loop *loop;
    c2_loop_fn *fn;
    void *ctx;
};
struct c2_loop {
    struct c2_host *host;
    struct call *calls; /* that have not been made */
    int ntimers;
    struct c2_clock clock;
};
struct c2_timer {
    struct c2_loop *loop;
    struct c2_fake_event *event;
    int64_t repeat_ms;
    c2_loop_fn *fn;
    void *ctx;
};

static struct c2_host *present;

void c2_fake_enter(struct c2_host *host)
{
    present = host;
}
struct c2_host *c2_fake_host_of(struct c2_loop *loop)
{
    return loop->host;
}

static int64_t mono(void *ctx)
{
    (void)ctx;
    return 1000 + c2_fake_now();
}
static int64_t wall(void *ctx)
{
    (void)ctx;
    return WALL_START_MS + c2_fake_now();
}

bool c2_loop_new(struct c2_loop **out, struct cat2_error *err)
{
    struct c2_loop *loop = calloc(1, sizeof(*loop));

    if (!loop) return c2_fail_nomem(err, "loop");
    loop->host = present;
    loop->clock = (struct c2_clock){mono, wall, loop};
    *out = loop;
    return true;
}

const struct c2_clock *c2_loop_clock(struct c2_loop *loop)
{
    return &loop->clock;
}

static void make_call(void *ctx)
{
    struct call *call = ctx;

    if (call->loop) {
        struct call **at = &call->loop->calls;
        while (*at != call)
            at = &(*at)->next;
        *at = call->next;
        call->fn(call->ctx);
    }
    free(call);
}

void c2_loop_post(struct c2_loop *loop, struct c2_loop_call *room, c2_loop_fn *fn, void *ctx)
{
    struct call *call = malloc(sizeof(*call)), **at = &loop->calls;

    (void)room; /* a host that is killed makes no call, and has its room freed */
    C2_ASSERT(call);
    *call = (struct call){NULL, loop, fn, ctx};
    while (*at)
        at = &(*at)->next;
    *at = call;
    c2_fake_soon(loop->host, make_call, call);
}

/* As the real one: calls that are still due are made last; the events are left without one. */
void c2_loop_free(struct c2_loop *loop)
{
    if (!loop) return;
    while (loop->calls) {
        struct call *call = loop->calls;
        loop->calls = call->next;
        call->loop = NULL;
        call->fn(call->ctx);
    }
    C2_ASSERT(loop->ntimers == 0); /* somebody left a timer running */
    free(loop);
}

/* ---- timers ---- */

static void on_timer(void *ctx)
{
    struct c2_timer *timer = ctx;
    c2_loop_fn *fn = timer->fn;
    void *fn_ctx = timer->ctx;

    if (timer->repeat_ms) {
        timer->event = c2_fake_at(timer->loop->host, NULL, c2_fake_now() + timer->repeat_ms, on_timer, timer);
    } else {
        timer->loop->ntimers--;
        free(timer);
    }
    fn(fn_ctx);
}

struct c2_timer *c2_timer_start(struct c2_loop *loop, int64_t delay_ms, int64_t repeat_ms, c2_loop_fn *fn,
                                void *ctx)
{
    struct c2_timer *timer = malloc(sizeof(*timer));

    if (!timer) return NULL;
    *timer = (struct c2_timer){loop, NULL, repeat_ms, fn, ctx};
    timer->event = c2_fake_at(loop->host, NULL, c2_fake_now() + c2_max_i64(0, delay_ms), on_timer, timer);
    loop->ntimers++;
    return timer;
}

void c2_timer_stop(struct c2_timer *timer)
{
    if (!timer) return;
    c2_fake_cancel(timer->event);
    timer->loop->ntimers--;
    free(timer);
}

/* ---- the C library's clocks and dice: the linker sends calls of ours here (--wrap) ---- */

time_t __wrap_time(time_t *out);
int __wrap_clock_gettime(clockid_t which, struct timespec *out);
ssize_t __wrap_getrandom(void *to, size_t n, unsigned flags);

time_t __wrap_time(time_t *out)
{
    time_t now = (time_t)(wall(NULL) / 1000);

    if (out) *out = now;
    return now;
}

int __wrap_clock_gettime(clockid_t which, struct timespec *out)
{
    int64_t ms = which == CLOCK_MONOTONIC ? mono(NULL) : wall(NULL);

    *out = (struct timespec){ms / 1000, ms % 1000 * 1000000};
    return 0;
}

/* The same numbers in every run. */
ssize_t __wrap_getrandom(void *to, size_t n, unsigned flags)
{
    static uint64_t state = 0x9e3779b97f4a7c15u;
    uint8_t *bytes = to;

    (void)flags;
    for (size_t i = 0; i < n; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes[i] = (uint8_t)(state >> 32);
    }
    return (ssize_t)n;
}
