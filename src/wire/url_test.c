/* SPDX-License-Identifier: BSD-3-Clause */
/* Percent-encoding, queries, endpoints. */
#include "base/base_testing.h"
#include "wire/url.h"

static void percent_signs_are_decoded_once(void **state)
{
    static const struct {
        const char *in, *path, *query;
    } cases[] = {{"a%20b", "a b", "a b"}, {"a+b", "a+b", "a b"}, {"%2520", "%20", "%20"},
                 {"%", "%", "%"},         {"%4", "%4", "%4"},    {"%zz", "%zz", "%zz"},
                 {"%4a%4A", "JJ", "JJ"},  {"", "", ""},          {"%c3%A9", "\u00e9", "\u00e9"},
                 {"%2B", "+", "+"}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct cat2_error err;
        C2_AUTO(c2_buf) path = C2_BUF_INIT(100);
        C2_AUTO(c2_buf) query = C2_BUF_INIT(100);
        assert_true(c2_url_decode(c2_str_of(cases[i].in), false, &path, &err));
        assert_true(c2_url_decode(c2_str_of(cases[i].in), true, &query, &err));
        assert_string_equal(c2_buf_cstr(&path), cases[i].path);
        assert_string_equal(c2_buf_cstr(&query), cases[i].query);
    }
}

static void everything_but_unreserved_characters_is_encoded(void **state)
{
    struct cat2_error err;
    C2_AUTO(c2_buf) path = C2_BUF_INIT(100);
    C2_AUTO(c2_buf) part = C2_BUF_INIT(100);
    C2_AUTO(c2_buf) small = C2_BUF_INIT(3);

    assert_true(c2_url_encode(C2_STR("a/b c#?%\u00e9-._~"), true, &path, &err));
    assert_string_equal(c2_buf_cstr(&path), "a/b%20c%23%3F%25%C3%A9-._~");
    assert_true(c2_url_encode(C2_STR("a/b"), false, &part, &err));
    assert_string_equal(c2_buf_cstr(&part), "a%2Fb");
    assert_false(c2_url_encode(C2_STR("a b"), false, &small, &err));
    assert_int_equal(err.code, CAT2_ELIMIT);
}

static void a_query_is_cut_into_its_pairs(void **state)
{
    static const char *const want[][2] = {{"a", "1"}, {"b", ""}, {"c", ""}, {"", "x"}, {"d", "=="}};
    struct c2_str rest = C2_STR("a=1&b=&&c&=x&d===&"), key, value;
    size_t n = 0;

    for (; c2_query_next(&rest, &key, &value); n++) {
        assert_true(n < C2_ARRAY_LEN(want));
        assert_true(c2_str_is(key, want[n][0]) && c2_str_is(value, want[n][1]));
    }
    assert_int_equal(n, C2_ARRAY_LEN(want));
}

static void endpoints_read_back_as_they_are_written(void **state)
{
    static const struct {
        const char *text, *host;
        int port;
        bool v6;
    } cases[] = {{"localhost:8000", "localhost", 8000, false},
                 {"*:8001", "*", 8001, false},
                 {"127.0.0.1:0", "127.0.0.1", 0, false},
                 {"[::1]:65535", "::1", 65535, true},
                 {"[fe80::1%eth0]:80", "fe80::1%eth0", 80, true}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct cat2_error err;
        struct c2_endpoint e;
        C2_AUTO(c2_buf) out = C2_BUF_INIT(300);
        assert_true(c2_endpoint_parse(c2_str_of(cases[i].text), &e, &err));
        assert_string_equal(e.host, cases[i].host);
        assert_int_equal(e.port, cases[i].port);
        assert_int_equal(e.v6, cases[i].v6);
        assert_true(c2_endpoint_format(&e, &out, &err));
        assert_string_equal(c2_buf_cstr(&out), cases[i].text);
    }
}

static void what_is_no_endpoint_is_refused(void **state)
{
    static const char *const cases[] = {"",       "localhost",     "localhost:", ":80",       "a:-1",
                                        "a:+1",   "a:-0",          "a:65536",    "a:80x",     "a: 80",
                                        "::1:80", "[::1]",         "[::1]80",    "[]:80",     "[::1:80",
                                        "a/b:80", "a\r\nX-Y:80",   "a b:80",     "u@host:80", "a?b:80",
                                        "a#b:80", "http://a:8000", "[[::1]]:80", "\x01:80"};
    char host[300];

    memset(host, 'a', sizeof(host));
    memcpy(host + 290, ":80", 4);
    for (size_t i = 0; i <= C2_ARRAY_LEN(cases); i++) {
        struct cat2_error err = {0};
        struct c2_endpoint e;
        assert_false(c2_endpoint_parse(c2_str_of(i < C2_ARRAY_LEN(cases) ? cases[i] : host), &e, &err));
        assert_int_equal(err.code, CAT2_EINVAL);
    }
}

static void a_base_address_has_a_scheme_and_no_slash_at_its_end(void **state)
{
    static const struct {
        const char *text, *base; /* NULL: refused */
    } cases[] = {
        {"host:80", "http://host:80"},
        {"[::1]:80", "http://[::1]:80"},
        {"http://host:80", "http://host:80"},
        {"http://host", "http://host"},
        {"https://host", "https://host"},
        {"https://host/", "https://host"},
        {"https://host:1/a/b//", "https://host:1/a/b"},
        {"https://[::1]/a", "https://[::1]/a"},
        {"https://[::1]:5", "https://[::1]:5"},
        {"host", NULL},
        {"host/a", NULL},
        {"ftp://host", NULL},
        {"https://", NULL},
        {"https:///a", NULL},
        {"https://host:/a", NULL},
        {"https://host:x", NULL},
        {"https://user@host", NULL},
        {"https://ho st", NULL},
        {"https://host/a?b", NULL},
        {"https://host/a#b", NULL},
        {"https://host/a\"b", NULL},
        {"https://host/\xc3\xa9", NULL},
        {"", NULL},
    };

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        C2_AUTO(c2_buf) out = C2_BUF_INIT(100);
        struct cat2_error err;
        bool ok = c2_base_url(c2_str_of(cases[i].text), &out, &err);
        if (ok != (cases[i].base != NULL)) fail_msg("%s: %s", cases[i].text, ok ? "taken" : err.message);
        if (ok) assert_string_equal(c2_buf_cstr(&out), cases[i].base);
    }
}

static void a_base_path_is_made_of_plain_names(void **state)
{
    static const struct {
        const char *text, *path; /* NULL: refused */
    } cases[] = {
        {"", ""},
        {"/", ""},
        {"//", ""},
        {"/data", "/data"},
        {"/data/", "/data"},
        {"/a/b-_.~1/", "/a/b-_.~1"},
        {"data", NULL},
        {"/a//b", NULL},
        {"/a/../b", NULL},
        {"/.", NULL},
        {"/..", NULL},
        {"//evil", NULL},
        {"/a b", NULL},
        {"/a%20b", NULL},
        {"/a?b", NULL},
        {"/a\"b", NULL},
        {"/a;b", NULL},
        {"https://a/b", NULL},
        {"/\xc3\xa9", NULL},
        {"/...", "/..."},
        {"/a/b,/c", NULL},
    };

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        C2_AUTO(c2_buf) out = C2_BUF_INIT(100);
        struct cat2_error err;
        bool ok = c2_base_path(c2_str_of(cases[i].text), &out, &err);
        if (ok != (cases[i].path != NULL)) fail_msg("%s: %s", cases[i].text, ok ? "taken" : err.message);
        if (ok) assert_string_equal(c2_buf_cstr(&out), cases[i].path);
    }
    C2_AUTO(c2_buf) out = C2_BUF_INIT(100);
    struct cat2_error err;
    assert_false(c2_base_path((struct c2_str){"/a\0b", 4}, &out, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percent_signs_are_decoded_once),
        cmocka_unit_test(everything_but_unreserved_characters_is_encoded),
        cmocka_unit_test(a_query_is_cut_into_its_pairs),
        cmocka_unit_test(endpoints_read_back_as_they_are_written),
        cmocka_unit_test(a_base_address_has_a_scheme_and_no_slash_at_its_end),
        cmocka_unit_test(a_base_path_is_made_of_plain_names),
        cmocka_unit_test(what_is_no_endpoint_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
