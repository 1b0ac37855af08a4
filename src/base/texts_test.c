/* SPDX-License-Identifier: BSD-3-Clause */
/* Owned texts. */
#include "base/texts.h"

#include "base/base_testing.h"

static void texts_are_copied_sorted_and_found(void **state)
{
    static const char *const in[] = {"b", "", "\xc3\xa9", "a", "ab"}, *const sorted[] = {"", "a", "ab", "b",
                                                                                         "\xc3\xa9"};
    struct c2_texts texts = {0};
    struct cat2_error err;

    assert_false(c2_texts_have(&texts, "a"));
    for (size_t i = 0; i < 5; i++)
        assert_true(c2_texts_add(&texts, c2_str_of(in[i]), 5, "texts", &err));
    assert_false(c2_texts_add(&texts, C2_STR("c"), 5, "texts", &err));
    assert_int_equal(err.code, CAT2_ELIMIT);
    c2_texts_sort(&texts);
    assert_int_equal(texts.n, 5);
    for (size_t i = 0; i < 5; i++)
        assert_true(strcmp(texts.p[i], sorted[i]) == 0 && c2_texts_have(&texts, sorted[i]));
    assert_false(c2_texts_have(&texts, "c"));
    c2_texts_fini(&texts);
    assert_int_equal(texts.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(texts_are_copied_sorted_and_found)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
