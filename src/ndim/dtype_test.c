/* SPDX-License-Identifier: BSD-3-Clause */
/* dtypes: what is read, what is refused, what is written. */
#include "base/base_testing.h"
#include "ndim/dtype.h"

static void a_dtype_has_a_descr_and_a_name(void **state)
{
    static const struct {
        const char *text, *descr, *name;
        int64_t itemsize;
    } cases[] = {
        {"<i8", "<i8", "int64", 8},
        {"int64", "<i8", "int64", 8},
        {"u1", "|u1", "uint8", 1},
        {">f4", ">f4", ">f4", 4},
        {"?", "|b1", "bool", 1},
        {"bool", "|b1", "bool", 1},
        {"complex128", "<c16", "complex128", 16},
        {"<f16", "<f16", "float128", 16},
        {"S6", "|S6", "|S6", 6},
        {"<U6", "<U6", "<U6", 24},
        {"|V5", "|V5", "|V5", 5},
        {"datetime64[ns]", "<M8[ns]", "datetime64[ns]", 8},
        {"m8[25s]", "<m8[25s]", "timedelta64[25s]", 8},
        {" <i4 ", "<i4", "int32", 4},
        {"|i4", "<i4", "int32", 4},
        {"[('a', '|u1'), ('b', '<f8', (2,))]", "[('a', '|u1'), ('b', '<f8', (2,))]",
         "[('a', 'u1'), ('b', '<f8', (2,))]", 17},
        {"[((\"t\",\"a\"),'S3'),('n',[('x','?',(2,3))])]",
         "[(('t', 'a'), '|S3'), ('n', [('x', '|b1', (2, 3))])]",
         "[(('t', 'a'), 'S3'), ('n', [('x', '?', (2, 3))])]", 9},
        {"[('a\\n\\x7f\\u00e4\\\\', 'u1')]", "[('a\\n\\x7f\xc3\xa4\\\\', '|u1')]",
         "[('a\\n\\x7f\xc3\xa4\\\\', 'u1')]", 1},
        {"[('a\\tb\\rc', 'u1')]", "[('a\\tb\\rc', '|u1')]", "[('a\\tb\\rc', 'u1')]", 1},
        {"[(\"it's\", 'u1', 3)]", "[(\"it's\", '|u1', (3,))]", "[(\"it's\", 'u1', (3,))]", 3},
    };

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct cat2_error err;
        C2_AUTO(c2_dtype) dtype = {0};
        C2_AUTO(c2_buf) descr = C2_BUF_INIT(1000);
        C2_AUTO(c2_buf) name = C2_BUF_INIT(1000);
        assert_true(c2_dtype_parse(c2_str_of(cases[i].text), &dtype, &err));
        assert_true(c2_dtype_descr(&dtype, &descr, &err) && c2_dtype_name(&dtype, &name, &err));
        assert_string_equal(c2_buf_cstr(&descr), cases[i].descr);
        assert_string_equal(c2_buf_cstr(&name), cases[i].name);
        assert_int_equal(dtype.itemsize, cases[i].itemsize);
    }
}

static void a_bad_dtype_is_refused(void **state)
{
    static const char *const cases[] = {"",
                                        "<",
                                        "i3",
                                        "<i8x",
                                        "O",
                                        "object",
                                        "f1",
                                        "c4",
                                        "S-1",
                                        "S99999999999999999999",
                                        "V2000000000",
                                        "M8[",
                                        "[",
                                        "[]",
                                        "[('a')]",
                                        "[('a', 'O')]",
                                        "[('a', 'i4'",
                                        "[('a', 'i4')] x",
                                        "[('a', 'i4', (-1,))]",
                                        "[('a', 'i4', (2)]",
                                        "[('a', 'i4', (999999999999,))]",
                                        "[('a', 'V0', (999999999,))]",
                                        "[('a', 'V0', (0, 1000, 1000))]",
                                        "__import__('os')",
                                        "[('a', 'i4') ('b', 'i4')]",
                                        "[('a', 'i4'), ('b', 'u1'), ('a', 'f8')]",
                                        "[('n', [('a', 'i4'), ('a', 'i4')])]",
                                        "[(('t', 'a'), 'i4'), ('t', 'i4')]",
                                        "[('a\n', 'i4')]",
                                        "[('a\\x00', 'i4')]",
                                        "[('a\\ud800', 'i4')]",
                                        "[('a\\xg0', 'i4')]",
                                        "[('a\\q', 'i4')]"};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct cat2_error err = {0};
        C2_AUTO(c2_dtype) dtype = {0};
        if (c2_dtype_parse(c2_str_of(cases[i]), &dtype, &err)) fail_msg("'%s' was accepted", cases[i]);
        assert_true(err.message[0] != '\0' && dtype.nfields == 0);
    }
}

static void fields_of_one_name_are_refused_by_name(void **state)
{
    struct cat2_error err = {0};
    C2_AUTO(c2_dtype) dtype = {0};

    assert_false(c2_dtype_parse(C2_STR("[('b', 'i4'), ('a', 'u1'), ('a', 'f8')]"), &dtype, &err));
    assert_string_equal(err.message, "dtype: field 'a' occurs more than once");
    assert_true(
        c2_dtype_parse(C2_STR("[('a', 'u1'), ('', 'V3'), ('n', [('a', 'u1')]), ('', 'V1')]"), &dtype, &err));
    assert_int_equal(dtype.nfields, 4);
}

static void depth_and_fields_have_a_limit(void **state)
{
    struct cat2_error err;
    C2_AUTO(c2_dtype) dtype = {0};
    C2_AUTO(c2_buf) deep = C2_BUF_INIT(1 << 20);
    C2_AUTO(c2_buf) wide = C2_BUF_INIT(1 << 20);

    for (int i = 0; i < 100; i++)
        assert_true(c2_buf_puts(&deep, "[('a', ", &err));
    assert_false(c2_dtype_parse(c2_buf_str(&deep), &dtype, &err));
    assert_int_equal(err.code, CAT2_ELIMIT);
    assert_true(c2_buf_putc(&wide, '[', &err));
    for (int i = 0; i < C2_DTYPE_FIELDS_MAX + 1; i++)
        assert_true(c2_buf_puts(&wide, "('a','u1'),", &err));
    assert_false(c2_dtype_parse(c2_buf_str(&wide), &dtype, &err));
    assert_int_equal(err.code, CAT2_ELIMIT);
}

static void a_field_is_found_by_its_path(void **state)
{
    struct cat2_error err;
    int64_t offset = -1;
    C2_AUTO(c2_dtype) dtype = {0};

    assert_true(c2_dtype_parse(
        C2_STR("[('a', 'i4'), ('n', [('x', 'u1'), ('y', '>f8')]), ('s', [('z', 'u1')], (2,))]"), &dtype,
        &err));
    const struct c2_field *y = c2_dtype_field(&dtype, C2_STR("n.y"), &offset);
    assert_non_null(y);
    assert_int_equal(offset, 5);
    assert_true(c2_dtype_swapped(&y->type) && c2_dtype_swapped(&dtype));
    assert_non_null(c2_dtype_field(&dtype, C2_STR("s"), &offset));
    assert_int_equal(offset, 13);
    assert_null(c2_dtype_field(&dtype, C2_STR("s.z"), &offset));
    assert_null(c2_dtype_field(&dtype, C2_STR("a.b"), &offset));
    assert_null(c2_dtype_field(&dtype, C2_STR("q"), &offset));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dtype_has_a_descr_and_a_name), cmocka_unit_test(a_bad_dtype_is_refused),
        cmocka_unit_test(fields_of_one_name_are_refused_by_name),
        cmocka_unit_test(depth_and_fields_have_a_limit), cmocka_unit_test(a_field_is_found_by_its_path)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
