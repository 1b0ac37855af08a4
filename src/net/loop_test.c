/* SPDX-License-Identifier: BSD-3-Clause */
/* The end of a loop. */
#include "base/base_testing.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_loop_that_ends_waits_for_no_timer)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
