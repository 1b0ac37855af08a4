/* SPDX-License-Identifier: BSD-3-Clause */
/* Which attributes are arrays, and their values. */
#include "base/base_testing.h"
#include "wire/packed.h"

static struct c2_bytes text_of(const char *p, size_t n)
{
    return (struct c2_bytes){(const uint8_t *)p, n};
}
#define PACKED(literal) text_of(literal, sizeof(literal) - 1)

static void numbers_texts_and_regular_lists_are_arrays(void **state)
{
    const struct {
        struct c2_bytes packed;
        enum c2_packed_kind kind;
        int ndim;
        int64_t first;
        size_t nvalues, nbytes;
    } cases[] = {
        {PACKED("\x07"), C2_PACKED_INT, 0, 0, 1, 8},
        {PACKED("\xff"), C2_PACKED_INT, 0, 0, 1, 8},
        {PACKED("\xd1\x80\x00"), C2_PACKED_INT, 0, 0, 1, 8},
        {PACKED("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), C2_PACKED_INT, 0, 0, 1, 8},
        {PACKED("\xc3"), C2_PACKED_BOOL, 0, 0, 1, 1},
        {PACKED("\xca\x3f\x80\x00\x00"), C2_PACKED_REAL, 0, 0, 1, 8},
        {PACKED("\xa3\x61\x62\x63"), C2_PACKED_TEXT, 0, 0, 1, 4},
        {PACKED("\xc4\x02\x61\x00"), C2_PACKED_BYTES, 0, 0, 1, 2},
        {PACKED("\x93\x01\x02\x03"), C2_PACKED_INT, 1, 3, 3, 24},
        {PACKED("\x92\xa9__tuple__\x01"), C2_PACKED_INT, 1, 1, 1, 8},
        {PACKED("\x92\x01\xcb\x3f\xf8\0\0\0\0\0\0"), C2_PACKED_REAL, 1, 2, 2, 16},
        {PACKED("\x92\x92\x01\x02\x92\x03\x04"), C2_PACKED_INT, 2, 2, 4, 32},
        {PACKED("\x92\xc4\x01\x61\xc4\x03\x61\x62\x63"), C2_PACKED_BYTES, 1, 2, 2, 6},
        {PACKED("\x90"), C2_PACKED_NONE, 1, 0, 0, 0},
        {PACKED("\x92\x90\x90"), C2_PACKED_NONE, 2, 2, 0, 0},
    };

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_packed_shape shape;
        struct cat2_error err;
        C2_AUTO(c2_buf) values = C2_BUF_INIT(1024);
        assert_true(c2_packed_look(cases[i].packed, &shape, &err));
        assert_int_equal(shape.kind, cases[i].kind);
        assert_int_equal(shape.ndim, cases[i].ndim);
        if (shape.ndim) assert_int_equal(shape.dims[0], cases[i].first);
        assert_int_equal(shape.nvalues, cases[i].nvalues);
        assert_true(c2_packed_values(cases[i].packed, &shape, &values, &err));
        assert_int_equal(values.n, cases[i].nbytes);
    }
}

static void values_are_little_endian_and_padded(void **state)
{
    static const struct {
        struct {
            const char *p;
            size_t n;
        } packed, values;
    } cases[] = {
        {{"\x93\xc3\xc2\xc3", 4}, {"\1\0\1", 3}},
        {{"\x92\xd1\xff\x7f\x07", 5}, {"\x7f\xff\xff\xff\xff\xff\xff\xff\x07\0\0\0\0\0\0\0", 16}},
        {{"\x92\x01\xcb\x3f\xf8\0\0\0\0\0\0", 11}, {"\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\xf8\x3f", 16}},
        {{"\x92\xa1x\xa2yz", 6}, {"x\0yz\0", 5}},
        {{"\x92\xc4\1x\xc4\2yz", 8}, {"x\0yz", 4}},
    };

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_bytes packed = text_of(cases[i].packed.p, cases[i].packed.n);
        struct c2_packed_shape shape;
        struct cat2_error err;
        C2_AUTO(c2_buf) values = C2_BUF_INIT(1024);
        assert_true(c2_packed_look(packed, &shape, &err) && c2_packed_values(packed, &shape, &values, &err));
        assert_int_equal(values.n, cases[i].values.n);
        assert_memory_equal(values.p, cases[i].values.p, values.n);
    }
}

static void everything_else_is_not(void **state)
{
    const struct c2_bytes cases[] = {
        PACKED("\xc0"),                                                         /* nil */
        PACKED("\x81\xa1k\x01"),                                                /* a map */
        PACKED("\xd4\x2a\x00"),                                                 /* an extension */
        PACKED("\x92\x01\xa1\x61"),                                             /* a number and a text */
        PACKED("\x92\xc3\x01"),                                                 /* a boolean and a number */
        PACKED("\x92\x91\x01\x02"),                                             /* a list and a number */
        PACKED("\x92\x01\x91\x02"),                                             /* the other way round */
        PACKED("\x92\x91\x01\x92\x01\x02"),                                     /* lists of two lengths */
        PACKED("\xa2\x61\x00"),                                                 /* a text with a NUL */
        PACKED("\x92\xff\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),                 /* no integer type has both */
        PACKED("\x92\xcb\0\0\0\0\0\0\0\0\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"), /* not exact as a float */
        PACKED("\x92\x90\x01"), /* an empty list and a number */
    };

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_packed_shape shape;
        struct cat2_error err;
        assert_true(c2_packed_look(cases[i], &shape, &err));
        assert_int_equal(shape.kind, C2_PACKED_OTHER);
    }
}

static void what_is_cut_off_or_goes_on_is_refused(void **state)
{
    const struct c2_bytes cases[] = {PACKED(""),
                                     PACKED("\xc1"),
                                     PACKED("\x92\x01"),
                                     PACKED("\xa3\x61"),
                                     PACKED("\x01\x02"),
                                     PACKED("\xcb\x00"),
                                     PACKED("\xdd\xff\xff\xff\xff")};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_packed_shape shape;
        struct cat2_error err;
        assert_false(c2_packed_look(cases[i], &shape, &err));
        assert_int_equal(err.code, CAT2_EDATA);
    }
}

static bool count(void *ctx, struct c2_str key, struct c2_bytes value, struct cat2_error *err)
{
    (void)err;
    *(size_t *)ctx += 100 * key.n + value.n;
    return true;
}

static void maps_with_text_keys_are_walked(void **state)
{
    struct cat2_error err;
    size_t sum = 0;

    struct c2_bytes map = PACKED("\x82\xa1x\x92\x01\x02\xa2yy\x81\xa1z\xc0");
    assert_true(c2_packed_is_text_map(map));
    assert_true(c2_packed_each(map, count, &sum, &err));
    assert_int_equal(sum, 100 + 3 + 200 + 4);
    assert_false(c2_packed_is_text_map(PACKED("\x81\x01\x02")));
    assert_false(c2_packed_is_text_map(PACKED("\x93\x01\x02\x03")));
    assert_false(c2_packed_is_text_map(PACKED("\x82\xa1x\x01")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_texts_and_regular_lists_are_arrays),
        cmocka_unit_test(values_are_little_endian_and_padded),
        cmocka_unit_test(everything_else_is_not),
        cmocka_unit_test(what_is_cut_off_or_goes_on_is_refused),
        cmocka_unit_test(maps_with_text_keys_are_walked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
