/* SPDX-License-Identifier: BSD-3-Clause */
/* Settings of proxies and of pages of other sites, as tables. */
#include "base/base_testing.h"
#include "net/exposure.h"

static struct c2_exposure made(const struct c2_exposure_settings *settings)
{
    struct c2_exposure exposure;
    struct cat2_error err;

    if (!c2_exposure_init(&exposure, settings, &err)) fail_msg("%s", err.message);
    return exposure;
}

static void a_base_path_is_that_of_the_public_url(void **state)
{
    static const struct {
        const char *base, *url, *inner, *outer;
    } cases[] = {
        {NULL, NULL, "", ""},
        {"/data/", NULL, "/data", "/data"},
        {NULL, "https://host/data/", "/data", "/data"},
        {"/inner", "https://host/data", "/inner", "/data"},
        {"/", "https://host/data", "", "/data"},
        {"/inner", "https://host", "/inner", ""},
        {NULL, "host:80", "", ""},
        {NULL, "https://host/a%20b", "", "/a%20b"}, /* its proxy takes it off */
    };

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_exposure exposure =
            made(&(struct c2_exposure_settings){cases[i].base, cases[i].url, NULL, NULL, NULL});
        assert_string_equal(exposure.base_path, cases[i].inner);
        assert_string_equal(exposure.public_path, cases[i].outer);
        c2_exposure_fini(&exposure);
    }
}

static void targets_begin_with_the_base_path_or_do_not(void **state)
{
    struct c2_exposure exposure = made(&(struct c2_exposure_settings){.base_path = "/a/b"});

    assert_int_equal(c2_exposure_outer(&exposure, "/a/b/roots"), 4);
    assert_int_equal(c2_exposure_outer(&exposure, "/a/b"), 4);
    assert_int_equal(c2_exposure_outer(&exposure, "/a/b?x"), 4);
    assert_int_equal(c2_exposure_outer(&exposure, "/a/bc"), 0);
    assert_int_equal(c2_exposure_outer(&exposure, "/a"), 0);
    assert_int_equal(c2_exposure_outer(&exposure, "/"), 0);
    assert_int_equal(c2_exposure_outer(&exposure, "/api/a/b"), 0);
    assert_int_equal(c2_exposure_outer(&c2_exposure_default, "/a/b"), 0);
    c2_exposure_fini(&exposure);
}

static void origins_are_compared_as_browsers_write_them(void **state)
{
    struct c2_exposure exposure = made(&(struct c2_exposure_settings){
        .cors_origins = "https://A.example:443/, http://b.example:80\nhttp://c.example:8080"});

    assert_true(exposure.cors_named);
    assert_true(c2_exposure_allows(&exposure, C2_STR("https://a.example")));
    assert_true(c2_exposure_allows(&exposure, C2_STR("http://b.example")));
    assert_true(c2_exposure_allows(&exposure, C2_STR("http://c.example:8080")));
    assert_false(c2_exposure_allows(&exposure, C2_STR("http://a.example")));
    assert_false(c2_exposure_allows(&exposure, C2_STR("https://a.example.org")));
    assert_false(c2_exposure_allows(&exposure, C2_STR("http://c.example")));
    assert_false(c2_exposure_allows(&exposure, C2_STR("null")));
    assert_false(c2_exposure_allows(&exposure, C2_STR("")));
    c2_exposure_fini(&exposure);
    exposure = made(&(struct c2_exposure_settings){.cors_origins = "none"});
    assert_false(c2_exposure_allows(&exposure, C2_STR("https://a.example")));
    c2_exposure_fini(&exposure);
    exposure = made(&(struct c2_exposure_settings){.cors_origins = " ,"});
    assert_true(exposure.cors_named);
    assert_false(c2_exposure_allows(&exposure, C2_STR("https://a.example")));
    c2_exposure_fini(&exposure);
    exposure = made(&(struct c2_exposure_settings){.cors_origins = "*"});
    assert_false(exposure.cors_named);
    c2_exposure_fini(&exposure);
}

static void frames_are_allowed_by_name(void **state)
{
    struct c2_exposure exposure =
        made(&(struct c2_exposure_settings){.frame_ancestors = "self https://*.example.org"});

    assert_string_equal(exposure.ancestors, "'self' https://*.example.org");
    assert_non_null(strstr(exposure.content_policy, "frame-ancestors 'self' https://*.example.org"));
    c2_exposure_fini(&exposure);
    exposure = made(&(struct c2_exposure_settings){.frame_ancestors = "none"});
    assert_string_equal(exposure.ancestors, "'none'");
    c2_exposure_fini(&exposure);
    exposure = made(&(struct c2_exposure_settings){0});
    assert_string_equal(exposure.ancestors, "'self'");
    assert_string_equal(exposure.content_policy, c2_exposure_default.content_policy);
    c2_exposure_fini(&exposure);
}

static void settings_that_cannot_be_are_refused(void **state)
{
    static const struct {
        struct c2_exposure_settings settings;
        const char *why;
    } wrong[] = {
        {{.base_path = "data"}, "--base-path: 'data'"},
        {{.base_path = "/a b"}, "--base-path: '/a b'"},
        {{.trusted_proxies = "proxy"}, "--trusted-proxies: 'proxy'"},
        {{.cors_origins = "a.example"}, "--cors-origins: 'a.example'"},
        {{.cors_origins = "https://a.example/x"}, "--cors-origins: 'https://a.example/x'"},
        {{.cors_origins = "https://a\r"}, NULL},
        {{.cors_origins = "null"}, "--cors-origins: 'null'"},
        {{.frame_ancestors = "x;script-src"}, "--frame-ancestors: 'x;script-src'"},
        {{.frame_ancestors = "'unsafe-inline'"}, "--frame-ancestors: ''unsafe-inline''"},
        {{.frame_ancestors = "none self"}, "none does not go with others"},
    };

    for (size_t i = 0; i < C2_ARRAY_LEN(wrong); i++) {
        struct c2_exposure exposure;
        struct cat2_error err = {0};
        if (c2_exposure_init(&exposure, &wrong[i].settings, &err)) {
            c2_exposure_fini(&exposure);
            if (wrong[i].why) fail_msg("%s", wrong[i].why);
        } else if (!wrong[i].why || !strstr(err.message, wrong[i].why)) {
            fail_msg("%s", err.message);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_base_path_is_that_of_the_public_url),
        cmocka_unit_test(targets_begin_with_the_base_path_or_do_not),
        cmocka_unit_test(origins_are_compared_as_browsers_write_them),
        cmocka_unit_test(frames_are_allowed_by_name),
        cmocka_unit_test(settings_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
