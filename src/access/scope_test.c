/* SPDX-License-Identifier: BSD-3-Clause */
/* What scopes and patterns of roots mean. */
#include "access/scope.h"
#include "base/base_testing.h"

static void scopes_include_others(void **state)
{
    static const struct {
        const char *text, *shown;
        enum c2_scope has, has_not;
    } rows[] = {
        {"read", "read", C2_SCOPE_READ, C2_SCOPE_FOLLOW},
        {"follow", "read,follow", C2_SCOPE_READ, C2_SCOPE_WRITE},
        {" Write, FOLLOW ", "read,follow,write", C2_SCOPE_FOLLOW, C2_SCOPE_PUBLISH},
        {"publish", "read,publish", C2_SCOPE_READ, C2_SCOPE_WRITE},
        {"admin", "admin", C2_SCOPE_ADMIN, C2_SCOPE_BY_METHOD},
        {"read\nadmin", "admin", C2_SCOPE_PUBLISH, C2_SCOPE_BY_METHOD},
    };
    struct cat2_error err;
    unsigned scopes, again;
    char shown[64];

    for (size_t i = 0; i < C2_ARRAY_LEN(rows); i++) {
        assert_true(c2_scopes_parse(c2_str_of(rows[i].text), &scopes, &err));
        assert_true(scopes & c2_scope_bit(rows[i].has));
        if (rows[i].has_not) assert_false(scopes & c2_scope_bit(rows[i].has_not));
        c2_scopes_format(scopes, shown);
        assert_string_equal(shown, rows[i].shown);
        assert_true(c2_scopes_parse(c2_str_of(shown), &again, &err) && again == scopes);
    }
}

static void words_that_are_no_scopes_are_named(void **state)
{
    struct cat2_error err;
    unsigned scopes = 7;

    assert_false(c2_scopes_parse(C2_STR("read,rule"), &scopes, &err));
    assert_non_null(strstr(err.message, "'rule' is no scope"));
    assert_false(c2_scopes_parse(C2_STR(" , "), &scopes, &err));
    assert_int_equal(scopes, 7);
}

static bool have(const char *patterns, const char *root)
{
    C2_AUTO(c2_buf) lines = C2_BUF_INIT(C2_GRANTS_NBYTES_MAX);
    struct cat2_error err;

    assert_true(c2_grants_parse(c2_str_of(patterns), &lines, &err));
    return c2_grants_have(c2_buf_cstr(&lines), c2_str_of(root));
}

static void a_list_without_roots_is_refused(void **state)
{
    static const char *const lists[] = {"", " ", ",", " ,\n,\t"};
    C2_AUTO(c2_buf) lines = C2_BUF_INIT(C2_GRANTS_NBYTES_MAX);
    struct cat2_error err;

    for (size_t i = 0; i < C2_ARRAY_LEN(lists); i++) {
        assert_false(c2_grants_parse(c2_str_of(lists[i]), &lines, &err));
        assert_non_null(strstr(err.message, "no root is named"));
    }
}

static void patterns_of_roots_match_whole_names(void **state)
{
    assert_true(have("*", "anything") && have(" *, foo", "anything") && have("foo, run-*", "run-7"));
    assert_true(have("run-[0-9]", "run-7") && have("ru?-7", "run-7") && have("a b", "b"));
    assert_false(have("foo", "foobar") || have("foo", "fo") || have("run-*", "xrun-1") || have("foo", ""));
    assert_false(have("run-[0-9]", "run-x"));
    assert_false(c2_grants_have("foo*\n", (struct c2_str){"foo\0x", 5}) || c2_grants_have("", C2_STR("foo")));
}

static void patterns_that_match_no_root_are_errors(void **state)
{
    C2_AUTO(c2_buf) lines = C2_BUF_INIT(C2_GRANTS_NBYTES_MAX);
    struct cat2_error err;
    char much[8000];

    assert_false(c2_grants_parse(C2_STR("foo/bar"), &lines, &err));
    for (size_t i = 0; i < sizeof(much); i++)
        much[i] = i % 10 ? 'x' : ' ';
    assert_false(c2_grants_parse((struct c2_str){much, sizeof(much)}, &lines, &err));
    assert_int_equal(err.code, CAT2_ELIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scopes_include_others),
        cmocka_unit_test(words_that_are_no_scopes_are_named),
        cmocka_unit_test(a_list_without_roots_is_refused),
        cmocka_unit_test(patterns_of_roots_match_whole_names),
        cmocka_unit_test(patterns_that_match_no_root_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
