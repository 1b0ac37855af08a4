/* SPDX-License-Identifier: BSD-3-Clause */
/* The one event loop of a process. It owns all mutable state; everything here is for the loop thread unless
 * said. */
#ifndef C2_NET_LOOP_H
#define C2_NET_LOOP_H

#include "base/clock.h"
#include "base/error.h"

struct c2_loop;
bool c2_loop_new(struct c2_loop **out, struct cat2_error *err);
void c2_loop_run(struct c2_loop *loop); /* until c2_loop_stop() */
void c2_loop_stop(struct c2_loop *loop);
/** Close what is still open, timers too, and free; call after all users of the loop are freed. */
void c2_loop_free(struct c2_loop *loop);
const struct c2_clock *c2_loop_clock(struct c2_loop *loop);
/** By its clock, monotonic. */
static inline int64_t c2_loop_now_ms(struct c2_loop *loop)
{
    return c2_mono_ms(c2_loop_clock(loop));
}

#define C2_LOOP_LONG_MS 50 /* a turn that takes more processor time is a long one */
/* What the loop did between two waits for something to do is a turn of it: so long everybody else waits. */
struct c2_loop_turns {
    int64_t n, nlong; /* since it was started; those above C2_LOOP_LONG_MS */
    int64_t most_ns;  /* processor time of the longest, in nanoseconds */
};
/** Of the loop since c2_loop_run(); the turn under way is not counted. */
struct c2_loop_turns c2_loop_turns(const struct c2_loop *loop);

typedef void c2_loop_fn(void *ctx);
/* Room for a call that is still to be made, within what the call is about: so none is ever lost for want of
 * memory. */
struct c2_loop_call {
    struct c2_loop_call *next;
    c2_loop_fn *fn;
    void *ctx;
};
/** Run fn(ctx) on the loop soon, after the present callback returned. Any thread. Of the loop's own thread:
 * when all that is ready at this turn of the loop has been handled. call: the loop's until then; fn may free
 * it or use it anew. */
void c2_loop_post(struct c2_loop *loop, struct c2_loop_call *call, c2_loop_fn *fn, void *ctx);

/** Run calls that were taken off a queue, in their order. */
void c2_loop_run_calls(const struct c2_loop_call *call);

struct c2_timer;
/** Call fn after delay_ms, then every repeat_ms (0: once; the timer frees itself after firing once). One that
 * a timer's fn starts fires in another turn than that, also without delay. NULL: out of memory. */
struct c2_timer *c2_timer_start(struct c2_loop *loop, int64_t delay_ms, int64_t repeat_ms, c2_loop_fn *fn,
                                void *ctx);
void c2_timer_stop(struct c2_timer *timer); /* NULL is fine; not for a one-shot timer that has fired */

/** Call fn on the loop when the process gets signum (SIGTERM, SIGINT, SIGHUP). */
bool c2_loop_on_signal(struct c2_loop *loop, int signum, c2_loop_fn *fn, void *ctx, struct cat2_error *err);

struct uv_loop_s;
struct uv_loop_s *c2_loop_uv(struct c2_loop *loop); /* for this room only */

#endif
