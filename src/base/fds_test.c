/* SPDX-License-Identifier: BSD-3-Clause */
/* What is shared out is never more than there is. */
#include <sys/resource.h>

#include "base/base_testing.h"
#include "base/fds.h"

static void the_shares_stay_within_the_limit(void **state)
{
    static const int limits[] = {128, 256, 1024, 4096, 20000, 1 << 20};

    for (size_t i = 0; i < C2_ARRAY_LEN(limits); i++)
        for (int nroots = 0; nroots < 64; nroots += 1 + nroots)
            for (int caches = 0; caches < 2; caches++) {
                struct c2_fds_use use = {nroots, caches, 8};
                struct c2_fds_plan plan = c2_fds_share(limits[i], &use);
                int64_t sum =
                    18 * nroots + plan.connections + plan.upstream + 3 * plan.caches + 3 * plan.items;
                if (!plan.tight) assert_true(sum + 40 <= limits[i]);
                assert_int_equal(plan.caches > 0, caches);
                assert_int_equal(plan.items > 0, nroots > 0);
                assert_true(plan.connections >= 8 && plan.kept * nroots <= plan.items + nroots);
            }
    assert_false(c2_fds_share(256, &(struct c2_fds_use){1, true, 8}).tight);
    assert_true(c2_fds_share(256, &(struct c2_fds_use){64, true, 8}).tight);
}

static void the_limit_is_raised_to_the_hard_one(void **state)
{
    struct rlimit before, low;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    low = (struct rlimit){64, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    assert_true((rlim_t)c2_fds_raise() == before.rlim_max || before.rlim_max > INT32_MAX);
    assert_true(c2_fds_open() >= 3);
    setrlimit(RLIMIT_NOFILE, &before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shares_stay_within_the_limit),
        cmocka_unit_test(the_limit_is_raised_to_the_hard_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
