/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers of every dtype, read and written; what has none is refused. */
#include "reduce/reduce_testing.h"

#include "base/endian.h"

static void every_dtype_is_read(void **state)
{
    for (size_t t = 0; t < C2_ARRAY_LEN(number_types); t++) {
        struct array a;
        int64_t n = 500;
        double real[500];
        int64_t wide[500];
        array_make(&a, number_types[t], &n, 1, true);
        c2_num_load(&a.num, a.items, n, real);
        for (int64_t i = 0; i < n; i++)
            if (real[i] != a.numbers[i].real && !(isnan(real[i]) && isnan(a.numbers[i].real)))
                fail_msg("%s: %g, not %g", number_types[t], real[i], a.numbers[i].real);
        if (a.num.wide) c2_num_load_i64(&a.num, a.items, n, wide);
        for (int64_t i = 0; i < n && a.num.wide; i++) {
            assert_true(wide[i] == a.numbers[i].wide);
            assert_true(c2_num_wide_real(&a.num, wide[i]) == a.numbers[i].real);
        }
        array_fini(&a);
    }
}

static void what_is_sent_has_its_own_type(void **state)
{
    static const struct {
        const char *type, *part, *sent;
        bool real;
    } cases[] = {
        {"|b1", "", "|u1", false},      {"|i1", "", "|i1", false},      {">u2", "", "<u2", false},
        {"<i8", "", "<i8", false},      {">u8", "", "<u8", false},      {"<f2", "", "<f4", true},
        {">f4", "", "<f4", true},       {"<f8", "", "<f8", true},       {"<f16", "", "<f8", true},
        {"<c8", "re", "<f4", true},     {">c16", "phase", "<f8", true}, {"<M8[us]", "", "<i8", false},
        {">m8[D]", "abs", "<i8", false}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        C2_AUTO(c2_dtype) type = {0};
        struct c2_num num;
        struct cat2_error err = {0};
        char text[8];
        parse_type(cases[i].type, &type);
        assert_true(c2_num_of(&type, C2_STR(""), c2_str_of(cases[i].part), &num, &err));
        c2_num_typestr(&num, text);
        assert_string_equal(text, cases[i].sent);
        assert_int_equal(c2_num_is_real(&num), cases[i].real);
    }
}

static void what_has_no_numbers_is_refused(void **state)
{
    static const char table[] = "[('a', '<i4'), ('s', '|S3'), ('v', '<f4', (2,)), ('in', [('b', '>f8')])]";
    static const struct {
        const char *type, *field, *part, *message;
    } cases[] = {{"|S3", "", "", "items are no numbers"},
                 {"<U2", "", "", "items are no numbers"},
                 {"|V8", "", "", "items are no numbers"},
                 {table, "", "", "items are structures: name a field of numbers"},
                 {table, "in", "", "items are structures: name a field of numbers"},
                 {table, "s", "", "items are no numbers"},
                 {table, "v", "", "field 'v' holds arrays, not numbers"},
                 {table, "x", "", "there is no field 'x'"},
                 {"<i4", "x", "", "there is no field 'x'"},
                 {"<c8", "", "real", "part 'real' is none of abs, re, im, phase"}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        C2_AUTO(c2_dtype) type = {0};
        struct c2_num num;
        struct cat2_error err = {0};
        parse_type(cases[i].type, &type);
        assert_false(c2_num_of(&type, c2_str_of(cases[i].field), c2_str_of(cases[i].part), &num, &err));
        assert_string_equal(err.message, cases[i].message);
        assert_int_equal(err.code, CAT2_EINVAL);
    }
}

static void a_field_lies_within_its_item(void **state)
{
    C2_AUTO(c2_dtype) type = {0};
    uint8_t items[2 * 17] = {0};
    struct c2_num num;
    struct cat2_error err = {0};
    double v[2];

    parse_type("[('a', '|u1'), ('in', [('b', '>i4'), ('c', '<f8')]), ('d', '<f4')]", &type);
    for (int i = 0; i < 2; i++)
        c2_put_be32(items + 17 * i + 1, (uint32_t)(-7 - i));
    assert_true(c2_num_of(&type, C2_STR("in.b"), C2_STR(""), &num, &err));
    c2_num_load(&num, items, 2, v);
    assert_true(v[0] == -7 && v[1] == -8);
}

static void complex_numbers_have_four_parts(void **state)
{
    static const struct {
        const char *part;
        double value;
    } cases[] = {{"", 5}, {"abs", 5}, {"re", -3}, {"im", 4}, {"phase", 0x1.1b6e192ebbe44p+1}};
    static const double both[2] = {-3, 4};
    C2_AUTO(c2_dtype) type = {0};
    struct cat2_error err = {0};

    parse_type("<c16", &type);
    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_num num;
        double v;
        assert_true(c2_num_of(&type, C2_STR(""), c2_str_of(cases[i].part), &num, &err));
        c2_num_load(&num, (const uint8_t *)both, 1, &v);
        assert_true(v == cases[i].value);
    }
}

static void what_is_written_is_little_endian(void **state)
{
    static const struct {
        const char *type;
        double v;
        uint8_t bytes[8];
    } cases[] = {{"|b1", 1, {1}},
                 {"|i1", -2, {0xfe}},
                 {">u2", 65535, {0xff, 0xff}},
                 {">i4", -2, {0xfe, 0xff, 0xff, 0xff}},
                 {"<u4", 0xfedcba98, {0x98, 0xba, 0xdc, 0xfe}},
                 {"<f2", 1, {0, 0, 0x80, 0x3f}},
                 {">f8", -2, {0, 0, 0, 0, 0, 0, 0, 0xc0}}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        C2_AUTO(c2_dtype) type = {0};
        struct c2_num num;
        struct cat2_error err = {0};
        uint8_t out[8] = {0};
        parse_type(cases[i].type, &type);
        assert_true(c2_num_of(&type, C2_STR(""), C2_STR(""), &num, &err));
        c2_num_store(&num, &cases[i].v, 1, out);
        assert_memory_equal(out, cases[i].bytes, 8);
    }
}

static void wide_integers_come_through_whole(void **state)
{
    static const char *const types[] = {"<i8", ">i8", "<u8", ">u8", "<m8[s]"};

    for (size_t t = 0; t < C2_ARRAY_LEN(types); t++) {
        struct array a;
        int64_t n = 300, wide[300];
        uint8_t out[8 * 300];
        array_make(&a, types[t], &n, 1, false);
        c2_num_load_i64(&a.num, a.items, n, wide);
        c2_num_store_i64(&a.num, wide, n, out);
        for (int64_t i = 0; i < n; i++) {
            uint64_t item = types[t][0] == '>' ? c2_be64(a.items + 8 * i) : c2_le64(a.items + 8 * i);
            assert_true(c2_le64(out + 8 * i) == item);
        }
        array_fini(&a);
    }
}

static void numbers_that_stand_for_none_are_nan(void **state)
{
    static const struct {
        const char *type, *fills, *sent;
    } cases[] = {{"<i2", "-1", "<f4"}, {">i4", "7,-1", "<f8"}, {"<i8", "-1", "<f8"}, {"<f4", "-1,7", "<f4"}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        C2_AUTO(c2_dtype) type = {0};
        struct c2_num num;
        struct cat2_error err = {0};
        uint8_t items[16] = {0};
        char text[8];
        double v[2];
        parse_type(cases[i].type, &type);
        assert_true(c2_num_of(&type, C2_STR(""), C2_STR(""), &num, &err));
        v[0] = -1;
        v[1] = 3;
        for (int64_t k = 0; k < 2; k++) {
            int64_t whole = (int64_t)v[k];
            float real = (float)v[k];
            memcpy(items + k * num.itemsize, num.kind == 'f' ? (void *)&real : (void *)&whole,
                   (size_t)num.size);
            if (num.swapped) c2_put_be32(items + k * num.itemsize, (uint32_t)whole);
        }
        assert_true(c2_num_fills(&num, c2_str_of(cases[i].fills), &err));
        c2_num_load(&num, items, 2, v);
        assert_true(isnan(v[0]) && v[1] == 3 && !num.wide);
        c2_num_typestr(&num, text);
        assert_string_equal(text, cases[i].sent);
    }
}

/* Of 64-bit integers just the one stands for none, not those that a double cannot tell from it. */
static void large_fills_are_compared_whole(void **state)
{
    static const struct {
        const char *type, *fill;
        uint64_t item;
        bool none;
    } cases[] = {{"<i8", "-9223372036854775806", TOP + 2, true},
                 {"<i8", "-9223372036854775806", TOP + 3, false},
                 {">i8", "9223372036854775807", TOP - 1, true},
                 {"<i8", "9223372036854775807", TOP - 2, false},
                 {"<u8", "18446744073709551615", UINT64_MAX, true},
                 {"<u8", "18446744073709551615", UINT64_MAX - 1, false},
                 {"<u8", "-1", UINT64_MAX, false},
                 {"<i8", "1e3", 1000, true},
                 {"<i8", "1000.5", 1000, false},
                 {"<i8", "9223372036854775808", TOP - 1, false}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        C2_AUTO(c2_dtype) type = {0};
        struct c2_num num;
        struct cat2_error err = {0};
        uint8_t item[8];
        double v;
        parse_type(cases[i].type, &type);
        assert_true(c2_num_of(&type, C2_STR(""), C2_STR(""), &num, &err));
        assert_true(c2_num_fills(&num, c2_str_of(cases[i].fill), &err));
        c2_put_le64(item, cases[i].item);
        if (num.swapped) c2_put_be64(item, cases[i].item);
        c2_num_load(&num, item, 1, &v);
        if (isnan(v) != cases[i].none) fail_msg("%s %s", cases[i].type, cases[i].fill);
    }
}

static void fills_that_are_no_numbers_are_refused(void **state)
{
    static const char *const cases[][2] = {{"x", "fill: 'x' is no number"},
                                           {"1,,2", "fill: '' is no number"},
                                           {"1e", "fill: '1e' is no number"},
                                           {"1,2,3,4,5", "fill: more than 4 numbers"}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_num num = {.kind = 'f', .out_kind = 'f'};
        struct cat2_error err = {0};
        assert_false(c2_num_fills(&num, c2_str_of(cases[i][0]), &err));
        assert_string_equal(err.message, cases[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_dtype_is_read),
                                       cmocka_unit_test(what_is_sent_has_its_own_type),
                                       cmocka_unit_test(what_has_no_numbers_is_refused),
                                       cmocka_unit_test(a_field_lies_within_its_item),
                                       cmocka_unit_test(complex_numbers_have_four_parts),
                                       cmocka_unit_test(what_is_written_is_little_endian),
                                       cmocka_unit_test(wide_integers_come_through_whole),
                                       cmocka_unit_test(numbers_that_stand_for_none_are_nan),
                                       cmocka_unit_test(large_fills_are_compared_whole),
                                       cmocka_unit_test(fills_that_are_no_numbers_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
