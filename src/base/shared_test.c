/* SPDX-License-Identifier: BSD-3-Clause */
/* Counted texts: equal ones are one, and last as long as somebody holds them. */
#include "base/shared.h"

#include <stdlib.h>

#include "base/base_testing.h"

static void equal_texts_are_one(void **state)
{
    struct c2_alike *alike = calloc(1, sizeof(*alike));

    (void)state;
    assert_non_null(alike);
    struct c2_shared *a = c2_alike_get(alike, C2_STR("{\"x\":1}"));
    struct c2_shared *b = c2_alike_get(alike, C2_STR("{\"x\":1}"));
    struct c2_shared *c = c2_alike_get(alike, C2_STR("{\"x\":2}"));
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, c);
    c2_alike_fini(alike);
    assert_string_equal(a->text, "{\"x\":1}"); /* who holds it keeps it */
    c2_shared_unref(a);
    assert_true(c2_str_is(c2_shared_str(b), "{\"x\":1}"));
    c2_shared_unref(b);
    c2_shared_unref(c);
    assert_int_equal(c2_shared_str(NULL).n, 0);
    free(alike);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(equal_texts_are_one)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
