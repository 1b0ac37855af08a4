/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses of stores, and what is asked for there. */
#include "base/base_testing.h"
#include "publisher/source/object_store.h"

/* "BASE|TARGET|NAME" of an object "a b" there; or "!" and why. */
static const char *place(const char *url, const char *endpoint, const char *addressing)
{
    static char out[3000];
    C2_AUTO(c2_buf) target = C2_BUF_INIT(9000);
    struct c2_object_store_place place;
    struct cat2_error err;

    if (c2_object_store_place_of(url, endpoint, "eu-1", addressing, &place, &err) &&
        c2_object_store_target(&place, "a b", &target, &err))
        snprintf(out, sizeof(out), "%s|%s|%s", place.base, c2_buf_cstr(&target), place.name);
    else
        snprintf(out, sizeof(out), "!%s", err.message);
    return out;
}

static void a_bucket_is_in_the_path_or_in_the_host(void **state)
{
    assert_string_equal(place("s3://lab/x/y", "http://[::1]:9000", NULL),
                        "http://[::1]:9000|/lab/x/y/a%20b|s3://lab/x/y/");
    assert_string_equal(place("s3://lab/x/y//", "http://h:9/", "virtual"),
                        "http://lab.h:9|/x/y/a%20b|s3://lab/x/y/");
    assert_string_equal(place("s3://lab", NULL, NULL), "https://lab.s3.eu-1.amazonaws.com|/a%20b|s3://lab/");
    assert_string_equal(place("s3://lab.org/", NULL, "auto"),
                        "https://s3.eu-1.amazonaws.com|/lab.org/a%20b|s3://lab.org/");
    assert_string_equal(place("s3://lab/\xC3\xA9 +", "https://h/sub", "path"),
                        "https://h|/sub/lab/%C3%A9%20%2B/a%20b|s3://lab/\xC3\xA9 +/");
}

static void a_site_is_a_directory_of_a_host(void **state)
{
    assert_string_equal(place("http://h:81/x/y", NULL, NULL), "http://h:81|/x/y/a%20b|http://h:81/x/y/");
    assert_string_equal(place("https://h", NULL, NULL), "https://h|/a%20b|https://h/");
    assert_string_equal(place("https://h/x%20y/", NULL, NULL), "https://h|/x%20y/a%20b|https://h/x%20y/");
}

static void an_address_that_is_none_says_why(void **state)
{
    static const char *const BAD[] = {
        "s3://",          "s3:///x",          "s3://ab",          "s3://-ab/x",     "s3://a..b/x",
        "s3://a b c/x",   "s3://lab/\xff",    "http://",          "http:///x",      "http://h:x/x",
        "http://h:0/x",   "http://h:70000/x", "http://u@h/x",     "http://u:p@h/x", "http://h/x?y",
        "http://h/x#y",   "http://h/../x/",   "http://h/x/./y/",  "http://h/x y/",  "ftp://h/x/",
        "http://h\nj/x/", "http://[::1/x/",   "http://h/\xC3\xA9"};

    for (size_t i = 0; i < C2_ARRAY_LEN(BAD); i++)
        if (place(BAD[i], "http://h", NULL)[0] != '!') fail_msg("taken: %s", BAD[i]);
    assert_string_equal(place("s3://lab/x", "h:9", NULL),
                        "!s3://lab/x: the endpoint h:9: it begins with neither http:// nor https://");
    assert_string_equal(place("s3://lab/x", NULL, "host"), "!'host' is none of auto, path, virtual");
}

static void only_literal_addresses_are_link_local_by_wish(void **state)
{
    struct c2_object_store_place place;
    struct cat2_error err;

    assert_true(c2_object_store_place_of("http://169.254.169.254/x/", NULL, "", NULL, &place, &err));
    assert_true(place.link_local);
    assert_true(c2_object_store_place_of("http://[fe80::1]:80/x/", NULL, "", NULL, &place, &err));
    assert_true(place.link_local);
    assert_true(c2_object_store_place_of("http://metadata.internal/x/", NULL, "", NULL, &place, &err));
    assert_false(place.link_local);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_is_in_the_path_or_in_the_host),
        cmocka_unit_test(a_site_is_a_directory_of_a_host),
        cmocka_unit_test(an_address_that_is_none_says_why),
        cmocka_unit_test(only_literal_addresses_are_link_local_by_wish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
