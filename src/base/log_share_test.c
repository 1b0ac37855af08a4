/* SPDX-License-Identifier: BSD-3-Clause */
/* How many lines are written, and that the rest is told. */
#include "base/log_share.h"

#include <poll.h>

#include "base/base_testing.h"

#define HOUR_MS 3600000

static void a_burst_is_written_and_the_rest_is_counted(void **state)
{
    struct c2_log_share share = {0};
    int64_t left_out = -1, before = c2_log_left_out();

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_true(c2_log_share_take(&share, 3, HOUR_MS, &left_out));
        assert_int_equal(left_out, 0);
    }
    for (int i = 0; i < 7; i++)
        assert_false(c2_log_share_take(&share, 3, HOUR_MS, &left_out));
    assert_false(c2_log_share_is_idle(&share));
    assert_int_equal(c2_log_left_out() - before, 7);
}

static void after_a_while_the_number_of_those_left_out_is_told_once(void **state)
{
    struct c2_log_share share = {0};
    int64_t left_out = -1, nleft_out = 0;

    (void)state;
    while (c2_log_share_take(&share, 10, 20, &left_out))
        assert_int_equal(left_out, 0);
    for (nleft_out = 1; !c2_log_share_take(&share, 10, 20, &left_out); nleft_out++)
        poll(NULL, 0, 1);
    assert_int_equal(left_out, nleft_out);
    while (!c2_log_share_is_idle(&share))
        poll(NULL, 0, 5);
    assert_true(c2_log_share_take(&share, 10, 20, &left_out));
    assert_int_equal(left_out, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_is_written_and_the_rest_is_counted),
        cmocka_unit_test(after_a_while_the_number_of_those_left_out_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
