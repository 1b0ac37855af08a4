/* SPDX-License-Identifier: BSD-3-Clause */
/* The end of a worker pool: done() is called once for each job that is queued, running or finished by then.
 * TSan and ASan see the rest. */
#include "base/base_testing.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pool_may_go_while_the_loop_owes_it_a_drain),
        cmocka_unit_test(a_pool_that_was_never_used_goes_quietly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
