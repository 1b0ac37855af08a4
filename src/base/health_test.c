/* SPDX-License-Identifier: BSD-3-Clause */
/* Conditions come, change their reason, and go. */
#include "base/base_testing.h"

#include "base/health.h"
#include "base/log.h"

static void a_condition_is_listed_until_it_is_cleared(void **state)
{
    struct c2_condition list[C2_HEALTH_MAX];

    c2_log_set_level(C2_ERROR);
    assert_int_equal(c2_health_list(list), 0);
    c2_health_set("never-set", NULL);
    c2_health_set("cache-disk", "no space");
    c2_health_set("broker", "is away");
    c2_health_set("cache-disk", "still no space");
    assert_int_equal(c2_health_list(list), 2);
    assert_string_equal(list[0].name, "cache-disk");
    assert_string_equal(list[0].reason, "still no space");
    assert_true(c2_health_is_set("broker"));
    c2_health_set("cache-disk", NULL);
    assert_int_equal(c2_health_list(list), 1);
    assert_string_equal(list[0].name, "broker");
    c2_health_set("broker", NULL);
    assert_false(c2_health_is_set("broker"));
    assert_int_equal(c2_health_list(list), 0);
}

static void more_than_fit_are_not_listed(void **state)
{
    static const char names[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN";
    static char texts[sizeof(names)][2];
    struct c2_condition list[C2_HEALTH_MAX];

    for (size_t i = 0; i + 1 < sizeof(names); i++) {
        texts[i][0] = names[i];
        c2_health_set(texts[i], "a test");
    }
    assert_int_equal(c2_health_list(list), C2_HEALTH_MAX);
    for (size_t i = 0; i + 1 < sizeof(names); i++)
        c2_health_set(texts[i], NULL);
    assert_int_equal(c2_health_list(list), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_condition_is_listed_until_it_is_cleared),
        cmocka_unit_test(more_than_fit_are_not_listed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
