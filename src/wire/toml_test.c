/* SPDX-License-Identifier: BSD-3-Clause */
/* Configuration files: what is read, in which order, and how errors point at their place. */
#include "base/base_testing.h"
#include "wire/toml.h"

static bool note(void *ctx, const struct c2_str *keys, size_t nkeys, const struct c2_toml_value *value,
                 struct cat2_error *err)
{
    struct c2_buf *out = ctx;
    bool ok = c2_buf_printf(out, err, "%d ", value->line);

    for (size_t i = 0; ok && i < nkeys; i++)
        ok = c2_buf_printf(out, err, "%s%.*s", i ? "." : "", C2_STR_ARG(keys[i]));
    switch (value->kind) {
    case C2_TOML_STRING:
    case C2_TOML_STRINGS:
        return ok && c2_buf_printf(out, err, "='%.*s'\n", C2_STR_ARG(value->text));
    case C2_TOML_INT:
    case C2_TOML_BOOL:
        return ok && c2_buf_printf(out, err, "=%lld\n", (long long)value->number);
    case C2_TOML_FLOAT:
        return ok && c2_buf_printf(out, err, "=%g\n", value->real);
    default:
        return ok && c2_buf_printf(out, err, " kind %d\n", value->kind);
    }
}

static void leaves_come_in_file_order_with_their_lines(void **state)
{
    static const char text[] =
        "[subscriber]\nhttp = \"localhost:8002\"\n\n[broker]\nz = 1\na = 2.5\nb = true\n"
        "[publisher.foo]\nroot = 'data'\n[empty]\n[x]\nlist = [1]\nday = 1979-05-27\n"
        "y.z = 3\ninline = {q = 1, p = 2}\ntexts = ['a',\n 'b']\nmixed = ['a', 1]\nlines = ['a\\nb', "
        "\"c\\nd\"]\nnone = []\n";
    static const char want[] =
        "2 subscriber.http='localhost:8002'\n5 broker.z=1\n6 broker.a=2.5\n7 broker.b=1\n"
        "9 publisher.foo.root='data'\n10 empty kind 4\n12 x.list kind 5\n13 x.day kind 6\n"
        "14 x.y.z=3\n15 x.inline.q=1\n15 x.inline.p=2\n16 x.texts='a\nb'\n"
        "18 x.mixed kind 5\n19 x.lines kind 5\n20 x.none kind 5\n";
    struct cat2_error err;
    C2_AUTO_PTR(c2_toml) *toml = NULL;
    C2_AUTO(c2_buf) out = C2_BUF_INIT(10000);

    assert_true(c2_toml_parse(c2_str_of(text), "c.toml", &toml, &err));
    assert_true(c2_toml_walk(toml, note, &out, &err));
    assert_string_equal(c2_buf_cstr(&out), want);
}

static void an_empty_file_has_no_leaves(void **state)
{
    struct cat2_error err;
    C2_AUTO_PTR(c2_toml) *toml = NULL;
    C2_AUTO(c2_buf) out = C2_BUF_INIT(100);

    assert_true(c2_toml_parse((struct c2_str){NULL, 0}, "c.toml", &toml, &err));
    assert_true(c2_toml_walk(toml, note, &out, &err));
    assert_int_equal(out.n, 0);
}

static bool stop(void *ctx, const struct c2_str *keys, size_t nkeys, const struct c2_toml_value *value,
                 struct cat2_error *err)
{
    (void)keys;
    (void)nkeys;
    ++*(int *)ctx;
    return c2_fail(err, CAT2_EINVAL, "line %d", value->line);
}

static void a_visitor_that_refuses_ends_the_walk(void **state)
{
    struct cat2_error err = {0};
    int n = 0;
    C2_AUTO_PTR(c2_toml) *toml = NULL;

    assert_true(c2_toml_parse(C2_STR("\na = 1\nb = 2\n"), "c.toml", &toml, &err));
    assert_false(c2_toml_walk(toml, stop, &n, &err));
    assert_int_equal(n, 1);
    assert_string_equal(err.message, "line 2");
}

static void errors_point_at_their_line_and_column(void **state)
{
    static const struct {
        const char *text, *place;
    } cases[] = {{"a = 1\nb = \n", "c.toml:2:"},
                 {"[a\n", "c.toml:1:"},
                 {"a = 1\na = 2\n", "c.toml:2:"},
                 {"\n\nx = \"\xff\"\n", "c.toml:3:"},
                 {"a = 'b\n", "c.toml:1:"}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct cat2_error err = {0};
        C2_AUTO_PTR(c2_toml) *toml = NULL;
        assert_false(c2_toml_parse(c2_str_of(cases[i].text), "c.toml", &toml, &err));
        assert_int_equal(err.code, CAT2_EINVAL);
        assert_memory_equal(err.message, cases[i].place, strlen(cases[i].place));
    }
}

static void nesting_and_size_have_a_limit(void **state)
{
    static const char *const pieces[] = {"a.", "x={a=", "# long\n"};
    static const size_t times[] = {100000, 300, 200000};

    for (size_t i = 0; i < C2_ARRAY_LEN(pieces); i++) {
        struct cat2_error err = {0};
        C2_AUTO_PTR(c2_toml) *toml = NULL;
        C2_AUTO(c2_buf) text = C2_BUF_INIT(1 << 24);
        for (size_t n = 0; n < times[i]; n++)
            assert_true(c2_buf_puts(&text, pieces[i], &err));
        assert_true(c2_buf_puts(&text, "a = 1", &err));
        assert_false(c2_toml_parse(c2_buf_str(&text), "c.toml", &toml, &err));
        assert_int_equal(err.code, CAT2_ELIMIT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_come_in_file_order_with_their_lines),
        cmocka_unit_test(an_empty_file_has_no_leaves),
        cmocka_unit_test(a_visitor_that_refuses_ends_the_walk),
        cmocka_unit_test(errors_point_at_their_line_and_column),
        cmocka_unit_test(nesting_and_size_have_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
