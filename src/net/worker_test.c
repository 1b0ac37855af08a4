/* SPDX-License-Identifier: BSD-3-Clause */
/* Which jobs the loop does itself. The end of a worker pool: done() is called once for each job that is
 * queued, running or finished by then. TSan and ASan see the rest. */
#include "base/base_testing.h"

#include <pthread.h>

#include "net/worker.h"

struct job {
    int worked, done;
};

static void work(void *ctx, void *local)
{
    (void)local;
    ((struct job *)ctx)->worked++;
}

static void done(void *ctx)
{
    ((struct job *)ctx)->done++;
}

static void a_pool_may_go_while_the_loop_owes_it_a_drain(void **state)
{
    struct cat2_error err;
    struct c2_loop *loop = NULL;
    struct c2_pool *pool = NULL;

    for (int round = 0; round < 50; round++) {
        struct job jobs[4] = {{0, 0}};
        assert_true(c2_loop_new(&loop, &err));
        assert_true(c2_pool_new(loop, 2, NULL, NULL, &pool, &err));
        for (size_t i = 0; i < C2_ARRAY_LEN(jobs); i++)
            (i % 2 ? c2_pool_run_low : c2_pool_run)(pool, work, done, &jobs[i]);
        c2_pool_free(pool);
        c2_loop_free(loop); /* runs the drain that a worker has posted */
        for (size_t i = 0; i < C2_ARRAY_LEN(jobs); i++) {
            assert_int_equal(jobs[i].done, 1);
            assert_in_range(jobs[i].worked, 0, 1);
        }
    }
}

static void a_pool_that_was_never_used_goes_quietly(void **state)
{
    struct cat2_error err;
    struct c2_loop *loop = NULL;
    struct c2_pool *pool = NULL;

    assert_true(c2_loop_new(&loop, &err));
    assert_true(c2_pool_new(loop, 3, NULL, NULL, &pool, &err));
    c2_pool_free(pool);
    c2_pool_free(NULL);
    c2_loop_free(loop);
}

/* ---- jobs that wait for nothing ---- */

#define NROUNDS 20

struct quick {
    struct turns *turns;
    bool here;
};
struct turns {
    struct c2_loop *loop;
    struct c2_pool *pool;
    struct c2_loop_call call;
    pthread_t thread; /* of the loop */
    struct c2_pool_share share;
    struct quick jobs[3];
    int at_a_time, ndone, nhere, nrounds;
};

static void quick_work(void *job, void *local)
{
    struct quick *q = job;

    assert_string_equal(local, "local");
    q->here = pthread_equal(pthread_self(), q->turns->thread);
}

static void begin_turn(void *ctx);

static void quick_done(void *job)
{
    struct quick *q = job;
    struct turns *t = q->turns;

    t->nhere += q->here;
    if (++t->ndone % t->at_a_time) return;
    if (++t->nrounds < NROUNDS)
        c2_loop_post(t->loop, &t->call, begin_turn, t);
    else
        c2_loop_stop(t->loop);
}

static void begin_turn(void *ctx)
{
    struct turns *t = ctx;

    for (int i = 0; i < t->at_a_time; i++) {
        t->jobs[i].turns = t;
        c2_pool_run_for(t->pool, &t->share, quick_work, quick_done, &t->jobs[i]);
    }
}

static void *new_local(void)
{
    return strdup("local");
}

/* How many of all jobs the loop did. */
static int run_turns(int at_a_time, struct c2_pool_share share)
{
    struct turns t = {.at_a_time = at_a_time, .share = share, .thread = pthread_self()};
    struct cat2_error err;

    assert_true(c2_loop_new(&t.loop, &err) && c2_pool_new(t.loop, 2, new_local, free, &t.pool, &err));
    c2_loop_post(t.loop, &t.call, begin_turn, &t);
    c2_loop_run(t.loop);
    struct c2_pool_load load = c2_pool_load(t.pool);
    assert_int_equal(load.nhere, t.nhere);
    assert_int_equal(load.nhere + load.nsmall + load.nlarge, at_a_time * t.nrounds);
    c2_pool_free(t.pool);
    c2_loop_free(t.loop);
    return t.nhere;
}

static void of_jobs_that_wait_for_nothing_one_at_a_turn_is_done_here(void **state)
{
    const struct c2_pool_share small = {.cost = 1000, .waits_for_nothing = true};

    for (int n = 1; n <= 3; n++)
        assert_int_equal(run_turns(n, small), NROUNDS);
}

static void other_jobs_get_workers(void **state)
{
    const struct c2_pool_share waits = {.cost = 1000},
                               long_one = {.cost = C2_POOL_HERE + 1, .waits_for_nothing = true};

    for (int n = 1; n <= 3; n++) {
        assert_int_equal(run_turns(n, waits), 0);
        assert_int_equal(run_turns(n, long_one), 0);
    }
}

static void a_pool_may_go_before_it_has_chosen(void **state)
{
    struct c2_pool_share share = {.cost = 1, .waits_for_nothing = true};
    struct job jobs[2] = {{0, 0}};
    struct c2_loop *loop = NULL;
    struct c2_pool *pool = NULL;
    struct cat2_error err;

    assert_true(c2_loop_new(&loop, &err) && c2_pool_new(loop, 2, NULL, NULL, &pool, &err));
    for (size_t i = 0; i < C2_ARRAY_LEN(jobs); i++)
        c2_pool_run_for(pool, &share, work, done, &jobs[i]);
    c2_pool_free(pool);
    c2_loop_free(loop);
    for (size_t i = 0; i < C2_ARRAY_LEN(jobs); i++)
        assert_true(jobs[i].done == 1 && jobs[i].worked == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pool_may_go_while_the_loop_owes_it_a_drain),
        cmocka_unit_test(a_pool_that_was_never_used_goes_quietly),
        cmocka_unit_test(of_jobs_that_wait_for_nothing_one_at_a_turn_is_done_here),
        cmocka_unit_test(other_jobs_get_workers),
        cmocka_unit_test(a_pool_may_go_before_it_has_chosen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
