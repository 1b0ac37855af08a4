/* SPDX-License-Identifier: BSD-3-Clause */
/* Data is found in the pickles Python and NumPy write, and in nothing else. */
#include "base/base_testing.h"
#include "client/internal.h"
#include "wire/pickle.h"

#define PICKLE(text)                                                                                         \
    {                                                                                                        \
        (const uint8_t *)(text), sizeof(text) - 1                                                            \
    }

static void data_is_found_where_python_puts_it(void **state)
{
    static const struct {
        struct c2_bytes pickle;
        const char *data;
    } cases[] = {
        {PICKLE("\x80\x05\x95\x08\0\0\0\0\0\0\0C\x04"
                "abcd\x94."),
         "abcd"}, /* dumps(b"abcd") */
        {PICKLE("\x80\x03"
                "B\x04\0\0\0abcdq\0."),
         "abcd"},
        {PICKLE("\x80\x05\x96\x04\0\0\0\0\0\0\0abcd."), "abcd"}, /* a bytearray */
        {PICKLE("\x80\x04\x8e\x04\0\0\0\0\0\0\0abcd\x94."), "abcd"},
        {PICKLE("\x80\x05\x8c\x05numpy\x94\x8c\x04"
                "four\x94\x93(\x96\x02\0\0\0\0\0\0\0xyK\x01t\x94R."),
         "xy"}, /* text of the data's length is not data */
    };
    struct cat2_error err;
    struct c2_bytes found;

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        size_t n = strlen(cases[i].data);
        if (!c2_pickle_data(cases[i].pickle, n, &found, &err)) fail_msg("%zu: %s", i, err.message);
        assert_int_equal(found.n, n);
        assert_memory_equal(found.p, cases[i].data, n);
    }
}

static void damage_and_other_lengths_are_refused(void **state)
{
    static const struct c2_bytes cases[] = {
        PICKLE(""),
        PICKLE("\x80\x05."),
        PICKLE("\x80\x05"
               "C\x04"
               "abc"), /* cut off */
        PICKLE("\x80\x05"
               "C\x03"
               "abc."), /* not the length asked */
        PICKLE("\x80\x05\x8c\x04"
               "abcd."), /* text */
        PICKLE("\x80\x05\x8e\xff\xff\xff\xff\xff\xff\xff\xff"
               "abcd"),                 /* a length beyond everything */
        PICKLE("\x80\x05\x8e\x04\0\0"), /* cut off in a length */
        PICKLE("\x80\x05\xff"
               "C\x04"
               "abcd."),                      /* an opcode nobody knows */
        PICKLE("cos\nsystem\n(S'true'\ntR."), /* would run a command */
    };
    struct cat2_error err;
    struct c2_bytes found;

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        if (c2_pickle_data(cases[i], 4, &found, &err)) fail_msg("case %zu was taken", i);
        assert_int_equal(err.code, CAT2_EDATA);
    }
}

static void what_our_subscriber_pickles_is_read_back(void **state)
{
    static const size_t sizes[] = {0, 1, 24, 300};
    struct cat2_error err;
    struct c2_bytes found;
    const uint8_t data[300] = {7, 8, 9};

    for (size_t i = 0; i < C2_ARRAY_LEN(sizes); i++) {
        const int64_t shape[] = {(int64_t)sizes[i]};
        for (int array = 0; array < 2; array++) {
            C2_AUTO(c2_pickle) parts = {0};
            C2_AUTO(c2_buf) whole = C2_BUF_INIT(1 << 12);
            assert_true(array ? c2_pickle_ndarray(C2_STR("|u1"), shape, 1, sizes[i], &parts, &err)
                              : c2_pickle_bytes(sizes[i], &parts, &err));
            assert_true(c2_buf_append(&whole, parts.head.p, parts.head.n, &err) &&
                        c2_buf_append(&whole, data, sizes[i], &err) &&
                        c2_buf_append(&whole, parts.tail.p, parts.tail.n, &err));
            assert_true(c2_pickle_data(c2_buf_bytes(&whole), sizes[i], &found, &err));
            assert_ptr_equal(found.p, whole.p + parts.head.n);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_is_found_where_python_puts_it),
        cmocka_unit_test(damage_and_other_lengths_are_refused),
        cmocka_unit_test(what_our_subscriber_pickles_is_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
