/* SPDX-License-Identifier: BSD-3-Clause */
/* A thread's work is stopped by its own flag, and by no other. */
#include "base/base_testing.h"

#include <pthread.h>

#include "base/cancel.h"

static void *other_thread(void *arg)
{
    struct cat2_error err;

    (void)arg;
    return c2_cancelled(&err) ? arg : NULL;
}

static void work_stops_when_its_flag_is_set(void **state)
{
    struct c2_cancel mine = {false}, others = {true};
    struct cat2_error err = {0};
    pthread_t thread;
    void *stopped;

    assert_false(c2_cancelled(&err));
    c2_cancel_begin(&mine);
    assert_false(c2_cancelled(&err));
    atomic_store(&mine.now, true);
    assert_true(c2_cancelled(&err));
    assert_int_equal(err.code, CAT2_ECANCELLED);
    assert_int_equal(pthread_create(&thread, NULL, other_thread, &mine), 0);
    assert_int_equal(pthread_join(thread, &stopped), 0);
    assert_null(stopped);
    c2_cancel_begin(NULL);
    assert_false(c2_cancelled(&err));
    c2_cancel_begin(&others);
    assert_true(c2_cancelled(&err));
    c2_cancel_begin(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(work_stops_when_its_flag_is_set)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
