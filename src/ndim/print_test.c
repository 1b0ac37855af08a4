/* SPDX-License-Identifier: BSD-3-Clause */
/* Printing against a table of what NumPy 1.26.4 printed (tests/corpus/make_prints.py); items as JSON. */
#include <float.h>

#include "base/base_testing.h"
#include "ndim/print_impl.h"

#define TABLE C2_TEST_DATA "/corpus/printed/numpy-1.26.4.bin"

static void read_table(struct c2_buf *table)
{
    struct cat2_error err;
    size_t n = 1;
    FILE *file = fopen(TABLE, "rb");

    assert_non_null(file);
    while (n > 0) {
        assert_true(c2_buf_reserve(table, 65536, &err));
        n = fread(table->p + table->n, 1, 65536, file);
        assert_true(c2_buf_resize(table, table->n + n, &err));
    }
    fclose(file);
}

static int read_shape(struct c2_str text, int64_t *shape)
{
    struct c2_str word;
    int ndim = 0;

    if (c2_str_is(text, "-")) return 0;
    for (bool more = true; more; ndim++) {
        more = c2_str_cut(text, ',', &word, &text);
        assert_true(c2_str_to_i64(word, &shape[ndim]));
    }
    return ndim;
}

static struct c2_str take(struct c2_str *in, int64_t n)
{
    struct c2_str piece = {in->p, (size_t)n};

    assert_true((size_t)n < in->n && in->p[n] == '\n');
    *in = (struct c2_str){in->p + n + 1, in->n - (size_t)n - 1};
    return piece;
}

static bool has_extended(struct c2_str descr)
{
    for (size_t i = 0; i + 3 <= descr.n; i++)
        if (memcmp(descr.p + i, "f16", 3) == 0 || memcmp(descr.p + i, "c32", 3) == 0) return true;
    return false;
}

static void arrays_print_as_numpy_printed_them(void **state)
{
    C2_AUTO(c2_buf) table = C2_BUF_INIT(1 << 26);
    int cases = 0;

    read_table(&table);
    for (struct c2_str in = c2_buf_str(&table); in.n; cases++) {
        struct cat2_error err;
        struct c2_str line, word[3];
        int64_t shape[C2_DIM_MAX], nitems = 0, ntext = 0;
        C2_AUTO(c2_dtype) dtype = {0};
        C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 20);
        assert_true(c2_str_cut(in, '\n', &line, &in));
        for (int i = 0; i < 3; i++)
            assert_true(c2_str_cut(line, '\t', &word[i], &line));
        int ndim = read_shape(word[0], shape);
        assert_true(c2_str_to_i64(word[1], &nitems) && c2_str_to_i64(word[2], &ntext));
        struct c2_str items = take(&in, nitems), text = take(&in, ntext);
        if (LDBL_MANT_DIG != 64 && has_extended(line)) continue; /* the table is of a machine with such */
        assert_true(c2_dtype_parse(line, &dtype, &err));
        assert_true(c2_print_array(&dtype, shape, ndim, (const uint8_t *)items.p, &out, &err));
        if (!c2_str_eq(c2_buf_str(&out), text))
            fail_msg("case %d, %.*s:\n%s\nis not\n%.*s", cases, (int)line.n, line.p, c2_buf_cstr(&out),
                     (int)text.n, text.p);
    }
    assert_true(cases > 600);
}

static void an_item_is_json(void **state)
{
    static const struct {
        const char *dtype, *item, *json;
    } cases[] = {{"i2", "\xfe\xff", "-2"},
                 {">u2", "\x01\x02", "258"},
                 {"?", "\x01", "true"},
                 {"<f4", "\x00\x00\xc0\x3f", "1.5"},
                 {"<f4", "\x00\x00\xc0\x7f", "null"},
                 {"<f2", "\x00\x7c", "null"},
                 {"<c8", "\x00\x00\x80\x3f\x00\x00\x00\xc0", "[1.0,-2.0]"},
                 {"S4", "ab\0\0", "\"ab\""},
                 {"<U2", "\xe9\0\0\0\0\0\0\0", "\"\u00e9\""},
                 {"<M8[s]", "\x3c\0\0\0\0\0\0\0", "\"1970-01-01T00:01:00\""},
                 {"<M8[s]", "\0\0\0\0\0\0\0\x80", "null"},
                 {"<m8[s]", "\x05\0\0\0\0\0\0\0", "5"},
                 {"[('a', '|u1'), ('b', '<i2', (2,))]", "\x01\x02\0\x03\0", "[1,[2,3]]"}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct cat2_error err;
        C2_AUTO(c2_dtype) dtype = {0};
        C2_AUTO(c2_buf) out = C2_BUF_INIT(1000);
        assert_true(c2_dtype_parse(c2_str_of(cases[i].dtype), &dtype, &err));
        assert_true(c2_print_json_item(&dtype, (const uint8_t *)cases[i].item, &out, &err));
        assert_string_equal(c2_buf_cstr(&out), cases[i].json);
    }
}

static void moments_that_overflow_are_refused(void **state)
{
    static const char *const dtypes[] = {"<M8[Y]", "<M8[25s]", "<m8[25s]", "<M8[7D]"};
    static const uint8_t most[8] = {255, 255, 255, 255, 255, 255, 255, 127};

    for (size_t i = 0; i < C2_ARRAY_LEN(dtypes); i++) {
        struct cat2_error err;
        C2_AUTO(c2_dtype) dtype = {0};
        C2_AUTO(c2_buf) out = C2_BUF_INIT(1000);
        assert_true(c2_dtype_parse(c2_str_of(dtypes[i]), &dtype, &err));
        assert_false(c2_print_array(&dtype, NULL, 0, most, &out, &err));
        assert_int_equal(err.code, CAT2_ELIMIT);
    }
}

static void a_complex_number_without_a_real_part_is_written_without_it(void **state)
{
    static const struct {
        double parts[2];
        const char *text;
    } cases[] = {{{0.0, 1}, "1j"},    {{-0.0, 1}, "(-0+1j)"}, {{0.0, -0.0}, "-0j"},
                 {{1, -2}, "(1-2j)"}, {{1, 0}, "(1+0j)"},     {{-0.0, -0.0}, "(-0-0j)"}};
    struct c2_dtype dtype;
    struct cat2_error err;

    assert_true(c2_dtype_parse(C2_STR("<c16"), &dtype, &err));
    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        C2_AUTO(c2_buf) out = C2_BUF_INIT(100);
        assert_true(c2_print_scalar(&dtype, (const uint8_t *)cases[i].parts, &out, &err));
        assert_string_equal(c2_buf_cstr(&out), cases[i].text);
    }
}

static void a_field_of_csv_is_in_quotes_where_it_must_be(void **state)
{
    static const struct {
        struct c2_str text;
        const char *out;
    } cases[] = {{{"", 0}, ""},
                 {{"a b", 3}, "a b"},
                 {{" a", 2}, "\" a\""},
                 {{"a ", 2}, "\"a \""},
                 {{"a,b", 3}, "\"a,b\""},
                 {{"a\"b", 3}, "\"a\"\"b\""},
                 {{"a\n", 2}, "\"a\n\""},
                 {{"\ra", 2}, "\"\ra\""},
                 {{"\xe9t\xc3\xa9", 4}, "\xef\xbf\xbdt\xc3\xa9"},
                 {{"\"\xff\",\xed\xa0\x80\xf0\x9f\x90", 10},
                  "\"\"\"\xef\xbf\xbd\"\","
                  "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}};
    struct cat2_error err;

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        C2_AUTO(c2_buf) out = C2_BUF_INIT(100);
        assert_true(c2_print_csv_text(cases[i].text, &out, &err));
        assert_string_equal(c2_buf_cstr(&out), cases[i].out);
    }
    C2_AUTO(c2_buf) none = C2_BUF_INIT(2);
    assert_false(c2_print_csv_text(C2_STR("a,b"), &none, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_print_as_numpy_printed_them), cmocka_unit_test(an_item_is_json),
        cmocka_unit_test(a_complex_number_without_a_real_part_is_written_without_it),
        cmocka_unit_test(a_field_of_csv_is_in_quotes_where_it_must_be),
        cmocka_unit_test(moments_that_overflow_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
