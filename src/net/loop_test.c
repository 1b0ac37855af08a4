/* SPDX-License-Identifier: BSD-3-Clause */
/* The order of what is queued, turns, and the end of a loop. */
#include "base/base_testing.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "net/loop.h"

static void never(void *ctx)
{
    (void)ctx;
    fail();
}

static void a_loop_that_ends_waits_for_no_timer(void **state)
{
    struct cat2_error err;
    struct c2_loop *loop = NULL;

    assert_true(c2_loop_new(&loop, &err));
    assert_non_null(c2_timer_start(loop, 3600000, 0, never, NULL));
    assert_non_null(c2_timer_start(loop, 0, 0, never, NULL));
    assert_non_null(c2_timer_start(loop, 3600000, 1, never, NULL));
    c2_loop_free(loop);
}

/* ---- calls that are queued ---- */

struct world {
    struct c2_loop *loop;
    struct c2_loop_call call, calls[2];
    uv_poll_t polls[2];
    int pipes[2][2];
    char order[16];
    int n, left;
};

static void note(struct world *w, char what)
{
    assert_true(w->n < (int)sizeof(w->order) - 1);
    w->order[w->n++] = what;
}

static void on_call(void *ctx)
{
    struct world *w = ctx;

    note(w, 'c');
    c2_loop_stop(w->loop);
}

static void on_first_call(void *ctx)
{
    note(ctx, 'o');
}

static void *post_from_elsewhere(void *ctx)
{
    struct world *w = ctx;

    c2_loop_post(w->loop, &w->calls[0], on_first_call, w);
    return NULL;
}

/* Two descriptors are ready at one turn. A call of another thread is queued, then one of the loop's own. */
static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct world *w = poll->data;
    pthread_t other;

    (void)status, (void)events;
    note(w, 'r');
    if (w->n == 1) {
        assert_int_equal(pthread_create(&other, NULL, post_from_elsewhere, w), 0);
        pthread_join(other, NULL);
        c2_loop_post(w->loop, &w->call, on_call, w);
    }
    uv_close((uv_handle_t *)poll, NULL);
}

static void what_is_ready_comes_before_what_is_queued_in_its_order(void **state)
{
    struct world w = {0};
    struct cat2_error err;

    assert_true(c2_loop_new(&w.loop, &err));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pipe(w.pipes[i]), 0);
        assert_int_equal(write(w.pipes[i][1], "x", 1), 1);
        uv_poll_init(c2_loop_uv(w.loop), &w.polls[i], w.pipes[i][0]);
        w.polls[i].data = &w;
        uv_poll_start(&w.polls[i], UV_READABLE, on_ready);
    }
    c2_loop_run(w.loop);
    assert_string_equal(w.order, "rroc");
    c2_loop_free(w.loop);
    for (int i = 0; i < 4; i++)
        close(w.pipes[i / 2][i % 2]);
}

/* A call that queues itself anew goes on without anything else that happens. */
static void on_again(void *ctx)
{
    struct world *w = ctx;

    if (--w->left > 0)
        c2_loop_post(w->loop, &w->call, on_again, w);
    else
        c2_loop_stop(w->loop);
}

static void calls_that_queue_calls_wait_for_nothing(void **state)
{
    struct world w = {.left = 100};
    struct cat2_error err;

    assert_true(c2_loop_new(&w.loop, &err));
    c2_loop_post(w.loop, &w.call, on_again, &w);
    c2_loop_run(w.loop);
    assert_int_equal(w.left, 0);
    c2_loop_free(w.loop);
}

/* What a stopped loop still owes is called as it ends. */
static void on_stop(void *ctx)
{
    struct world *w = ctx;

    c2_loop_stop(w->loop);
    c2_loop_post(w->loop, &w->calls[1], on_first_call, w);
}

static void calls_that_are_queued_at_the_end_are_made(void **state)
{
    struct world w = {0};
    struct cat2_error err;

    assert_true(c2_loop_new(&w.loop, &err));
    c2_loop_post(w.loop, &w.call, on_stop, &w);
    c2_loop_run(w.loop);
    c2_loop_free(w.loop);
    assert_string_equal(w.order, "o");
}

/* ---- turns ---- */

struct rounds {
    struct c2_loop *loop;
    struct c2_loop_call call;
    int n, n_at_call; /* of the timer; when the call was made */
};

#define ROUNDS 100

static void note_round(void *ctx)
{
    struct rounds *rounds = ctx;

    rounds->n_at_call = rounds->n;
}

static void go_round(void *ctx)
{
    struct rounds *rounds = ctx;

    if (rounds->n++ == 0) c2_loop_post(rounds->loop, &rounds->call, note_round, rounds);
    if (rounds->n == ROUNDS)
        c2_loop_stop(rounds->loop);
    else
        assert_non_null(c2_timer_start(rounds->loop, 0, 0, go_round, rounds));
}

static void a_timer_that_starts_itself_leaves_others_their_turn(void **state)
{
    struct rounds rounds = {0};
    struct cat2_error err;

    assert_true(c2_loop_new(&rounds.loop, &err));
    assert_non_null(c2_timer_start(rounds.loop, 0, 0, go_round, &rounds));
    c2_loop_run(rounds.loop);
    assert_int_equal(rounds.n, ROUNDS);
    assert_in_range(rounds.n_at_call, 1, 2);
    assert_true(c2_loop_turns(rounds.loop).n >= ROUNDS - 1);
    c2_loop_free(rounds.loop);
}

/* As the loop counts it: processor time, not time. */
static void work_long(void *ctx)
{
    struct timespec now, from;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    do
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    while ((now.tv_sec - from.tv_sec) * 1000 + (now.tv_nsec - from.tv_nsec) / 1000000 <= C2_LOOP_LONG_MS + 1);
    (void)ctx;
}

static void stop_loop(void *ctx)
{
    c2_loop_stop(ctx);
}

static void a_long_turn_is_counted(void **state)
{
    struct c2_loop *loop = NULL;
    struct cat2_error err;

    assert_true(c2_loop_new(&loop, &err));
    assert_non_null(c2_timer_start(loop, 0, 0, work_long, NULL));
    assert_non_null(c2_timer_start(loop, 100, 0, stop_loop, loop));
    c2_loop_run(loop);
    assert_true(c2_loop_turns(loop).nlong >= 1);
    assert_true(c2_loop_turns(loop).most_ns > C2_LOOP_LONG_MS * INT64_C(1000000));
    c2_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loop_that_ends_waits_for_no_timer),
        cmocka_unit_test(what_is_ready_comes_before_what_is_queued_in_its_order),
        cmocka_unit_test(calls_that_queue_calls_wait_for_nothing),
        cmocka_unit_test(calls_that_are_queued_at_the_end_are_made),
        cmocka_unit_test(a_timer_that_starts_itself_leaves_others_their_turn),
        cmocka_unit_test(a_long_turn_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
