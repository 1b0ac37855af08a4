/* SPDX-License-Identifier: BSD-3-Clause */
/* What the etag of a dataset says of its time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "subscriber/mirror/dataset.h"

static void the_time_of_a_dataset_is_that_of_its_etag(void **state)
{
    static const struct {
        const char *etag;
        int64_t mtime_ms;
    } cases[] = {{"1714000029.1234567:5", 1714000029123},
                 {"1714000029.0:7", 1714000029000},
                 {"12:7", 12000},
                 {"1.5:0", 1500},
                 {"1.05:0", 1050},
                 {"1.005:0", 1005},
                 {"1.0009:0", 1000},
                 {"0.9:0-2", 900},
                 {"9223372036854775806.0:1", -1},
                 {"yesterday", -1},
                 {"", -1}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_ds ds = {.etag = (char *)(uintptr_t)cases[i].etag};
        assert_int_equal(c2_ds_mtime_ms(&ds), cases[i].mtime_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_time_of_a_dataset_is_that_of_its_etag)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
