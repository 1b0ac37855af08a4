/* SPDX-License-Identifier: BSD-3-Clause */
/* Pickles byte by byte. That Python loads them is tested by tests/interop/test_pickles.py. */
#include "base/base_testing.h"
#include "wire/pickle.h"

static void bytes_stand_between_head_and_tail(void **state)
{
    struct cat2_error err;
    C2_AUTO(c2_pickle) p = {0};

    assert_true(c2_pickle_bytes((size_t)5 << 32, &p, &err));
    assert_int_equal(p.head.n, 11);
    assert_memory_equal(p.head.p, "\x80\x05\x8e\x00\x00\x00\x00\x05\x00\x00\x00", 11);
    assert_string_equal(c2_buf_cstr(&p.tail), ".");
}

static void an_array_is_rebuilt_by_the_frombuffer_of_numpy_1(void **state)
{
    static const char head[] =
        "\x80\x05\x8c\x12numpy.core.numeric\x8c\x0b_frombuffer\x93(\x96\x18\0\0\0\0\0\0\0";
    static const char tail[] = "\x8c\x05numpy\x8c\x05"
                               "dtype\x93\x8c\x03<i8\x85R(J\x03\0\0\0t\x8c\x01"
                               "CtR.";
    struct cat2_error err;
    C2_AUTO(c2_pickle) p = {0};
    const int64_t shape[] = {3};

    assert_true(c2_pickle_ndarray(C2_STR("<i8"), shape, 1, 24, &p, &err));
    assert_int_equal(p.head.n, sizeof(head) - 1);
    assert_memory_equal(p.head.p, head, sizeof(head) - 1);
    assert_int_equal(p.tail.n, sizeof(tail) - 1);
    assert_memory_equal(p.tail.p, tail, sizeof(tail) - 1);
}

static void a_dtype_that_is_no_literal_is_refused(void **state)
{
    static const char *const cases[] = {"[",  "[('a', 'u1')", "[x]",  "[('a' 'u1')]",
                                        "[1", "{1}",          "{1:2", "['\\xg0']"};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct cat2_error err = {0};
        C2_AUTO(c2_pickle) p = {0};
        assert_false(c2_pickle_ndarray(c2_str_of(cases[i]), NULL, 0, 0, &p, &err));
        assert_int_equal(err.code, CAT2_EINVAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_stand_between_head_and_tail),
        cmocka_unit_test(an_array_is_rebuilt_by_the_frombuffer_of_numpy_1),
        cmocka_unit_test(a_dtype_that_is_no_literal_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
