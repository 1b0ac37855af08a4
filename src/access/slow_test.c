/* SPDX-License-Identifier: BSD-3-Clause */
/* Waits after failures, on a clock of the test's own. */
#include "access/slow.h"
#include "base/base_testing.h"

static int64_t now;

static int64_t now_ms(void *ctx)
{
    (void)ctx;
    return now;
}
static const struct c2_clock fake = {now_ms, now_ms, NULL};

static void each_failure_costs_twice_the_one_before(void **state)
{
    struct c2_slow *slow = c2_slow_new(&fake, 3, 30000);
    struct c2_str anna = C2_STR("anna");
    static const int64_t waits[] = {0, 0, 1000, 2000, 4000, 8000, 16000, 30000, 30000};

    assert_non_null(slow);
    now = 5;
    for (size_t i = 0; i < C2_ARRAY_LEN(waits); i++) {
        c2_slow_failed(slow, anna);
        assert_int_equal(c2_slow_wait(slow, anna), waits[i]);
        assert_int_equal(c2_slow_wait(slow, C2_STR("bert")), 0);
        now += waits[i] / 2;
        assert_int_equal(c2_slow_wait(slow, anna), waits[i] - waits[i] / 2);
        now += waits[i];
        assert_int_equal(c2_slow_wait(slow, anna), 0);
    }
    c2_slow_succeeded(slow, anna);
    c2_slow_failed(slow, anna);
    assert_int_equal(c2_slow_wait(slow, anna), 0);
    c2_slow_free(slow);
}

static void what_is_long_past_is_forgotten(void **state)
{
    struct c2_slow *slow = c2_slow_new(&fake, 1, 300000);

    for (int i = 0; i < 40; i++)
        c2_slow_failed(slow, C2_STR("x"));
    assert_int_equal(c2_slow_wait(slow, C2_STR("x")), 300000);
    now += 1800001;
    assert_int_equal(c2_slow_wait(slow, C2_STR("x")), 0);
    c2_slow_failed(slow, C2_STR("x"));
    assert_int_equal(c2_slow_wait(slow, C2_STR("x")), 1000);
    c2_slow_free(slow);
}

static void many_who_fail_do_not_make_it_grow(void **state)
{
    struct c2_slow *slow = c2_slow_new(&fake, 0, 300000);
    char name[20];

    for (int i = 0; i < 10000; i++) {
        now++;
        snprintf(name, sizeof(name), "%d", i);
        c2_slow_failed(slow, c2_str_of(name));
    }
    assert_true(c2_slow_wait(slow, C2_STR("9999")) > 0 && c2_slow_wait(slow, C2_STR("9000")) > 0);
    assert_int_equal(c2_slow_wait(slow, C2_STR("0")), 0); /* the place of the oldest was needed */
    c2_slow_free(slow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failure_costs_twice_the_one_before),
        cmocka_unit_test(what_is_long_past_is_forgotten),
        cmocka_unit_test(many_who_fail_do_not_make_it_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
