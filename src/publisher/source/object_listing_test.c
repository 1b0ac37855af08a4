/* SPDX-License-Identifier: BSD-3-Clause */
/* Pages as stores and servers write them. */
#include "publisher/source/object_listing.h"

#include "base/base_testing.h"

struct said {
    char text[2000];
    size_t n;
    struct cat2_error err;
};

/* ---- S3 ---- */

static bool on_object(void *ctx, struct c2_str key, const struct c2_object_state *object, int64_t mtime_ms,
                      struct cat2_error *err)
{
    struct said *said = ctx;

    (void)err;
    said->n += (size_t)snprintf(said->text + said->n, sizeof(said->text) - said->n, "%.*s %lld %s%s %lld;",
                                C2_STR_ARG(key), (long long)object->nbytes, object->etag, object->modified,
                                (long long)mtime_ms);
    return true;
}

static const char *s3(const char *contents, const char *rest, char next[100])
{
    static struct said said;
    C2_AUTO(c2_buf) page = C2_BUF_INIT(20000), token = C2_BUF_INIT(99);

    said = (struct said){0};
    assert_true(
        c2_buf_printf(&page, &said.err,
                      "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult xmlns=\"http://s3\">"
                      "<Name>b</Name><Prefix/>%s%s</ListBucketResult>",
                      contents, rest));
    if (!c2_s3_page(c2_buf_str(&page), &token, on_object, &said, &said.err))
        snprintf(said.text, sizeof(said.text), "!%s", said.err.message);
    snprintf(next, 100, "%s", c2_buf_cstr(&token));
    return said.text;
}

#define OBJECT(key, etag, size, time)                                                                        \
    "<Contents><Key>" key "</Key><LastModified>" time "</LastModified><ETag>" etag "</ETag><Size>" size      \
    "</Size><StorageClass>STANDARD</StorageClass><Owner><ID>x</ID></Owner></Contents>"
#define TIME "2026-11-27T15:46:31.000Z"

static void a_page_of_a_bucket_has_keys_states_and_the_next_page(void **state)
{
    char next[100];

    assert_string_equal(
        s3(OBJECT("a&amp;b", "&quot;e-1&quot;", "7", TIME) OBJECT("d/", "", "0", TIME)
               OBJECT("c", "f", "0", "2026-11-27T15:46:32Z"),
           "<IsTruncated>true</IsTruncated><NextContinuationToken>t/+=</NextContinuationToken>", next),
        "a&b 7 \"e-1\" 1795794391000;c 0 \"f\" 1795794392000;");
    assert_string_equal(next, "t/+=");
    assert_string_equal(s3("", "<IsTruncated>false</IsTruncated>", next), "");
    assert_string_equal(next, "");
    assert_string_equal(s3(OBJECT("a", "", "1", TIME), "", next),
                        "a 1 Fri, 27 Nov 2026 15:46:31 GMT 1795794391000;");
}

static void a_page_of_a_bucket_that_is_not_whole_is_refused(void **state)
{
    static const char *const BAD[] = {
        "<Contents></Contents>",        OBJECT("a", "e", "", TIME),         OBJECT("a", "e", "-1", TIME),
        OBJECT("a", "e", "1x", TIME),   OBJECT("a", "e", "1", "yesterday"), OBJECT("", "e", "1", TIME),
        OBJECT("a&b;", "e", "1", TIME), "<IsTruncated>true</IsTruncated>",  "<Contents>",
    };
    struct said said = {0};
    C2_AUTO(c2_buf) token = C2_BUF_INIT(99);
    char next[100];

    for (size_t i = 0; i < C2_ARRAY_LEN(BAD); i++)
        if (s3(BAD[i], "", next)[0] != '!') fail_msg("taken: %s", BAD[i]);
    assert_false(c2_s3_page(C2_STR("<Error><Code>x</Code></Error>"), &token, on_object, &said, &said.err));
    assert_non_null(strstr(said.err.message, "no list of objects"));
}

static void times_are_those_of_iso_8601(void **state)
{
    assert_int_equal(c2_iso_ms(C2_STR("1970-01-01T00:00:00Z")), 0);
    assert_int_equal(c2_iso_ms(C2_STR("2026-11-27T15:46:31.999Z")), 1795794391000);
    static const char *const BAD[] = {
        "", "Z", "2026-11-27", "2026-11-27T15:46:31", "2026-11-27 15:46:31Z", "2026-1a-27T15:46:31Z"};
    for (size_t i = 0; i < C2_ARRAY_LEN(BAD); i++)
        assert_int_equal(c2_iso_ms(c2_str_of(BAD[i])), -1);
}

/* ---- indexes ---- */

static bool on_entry(void *ctx, struct c2_str name, bool is_dir, struct c2_str says, struct cat2_error *err)
{
    struct said *said = ctx;

    (void)err;
    said->n += (size_t)snprintf(said->text + said->n, sizeof(said->text) - said->n, "%.*s%s[%zu] ",
                                C2_STR_ARG(name), is_dir ? "/" : "", says.n);
    return true;
}

static const char *names(const char *page)
{
    static struct said said;

    said = (struct said){0};
    if (!c2_index_page(c2_str_of(page), on_entry, &said, &said.err))
        snprintf(said.text, sizeof(said.text), "!%s", said.err.message);
    return said.text;
}

static void an_index_may_be_json(void **state)
{
    assert_string_equal(
        names("[\n{ \"name\":\"s\", \"type\":\"directory\" },\n{ \"name\":\"a\", \"type\":\"file\" }\n]"),
        "s/[31] a[26] ");
    assert_string_equal(names("[{\"name\":\"s/\",\"is_dir\":true},{\"name\":\"f\",\"is_dir\":false}]"),
                        "s/[27] f[27] ");
    assert_string_equal(names("[]"), "");
    assert_string_equal(
        names("[{\"name\":\"..\",\"type\":\"directory\"},{\"name\":\"a/b\",\"type\":\"file\"},"
              "{\"name\":\"p\",\"type\":\"other\"}]"),
        "");
    assert_int_equal(names("{\"error\":1}")[0], '!');
    assert_int_equal(names("[{\"type\":\"file\"}]")[0], '!');
    assert_int_equal(names("[1")[0], '!');
}

static void an_index_may_be_a_page(void **state)
{
    assert_string_equal(names("<h1>Index of /</h1><pre><a href=\"../\">../</a>\n"
                              "<a href=\"s/\">s/</a>    27-Nov-2026 16:05    -\n"
                              "<a href=\"a%20b%26.txt\">a b&amp;.txt</a>  27-Nov-2026 16:05  7\n</pre>"),
                        "s/[30] a b&.txt[26] ");
    assert_string_equal(names("<A HREF='./x'>x</A>"), "x[4] ");
    assert_string_equal(names("<a href=\"a&amp;b\">..</a>"), "a&b[4] ");
}

static void links_to_elsewhere_are_passed_over(void **state)
{
    assert_string_equal(names("<a href=\"/\">1</a><a href=\"?C=N\">2</a><a href=\"#x\">3</a>"
                              "<a href=\"http://h/\">4</a><a href=\"//h/x\">5</a><a href=\"a/b\">6</a>"
                              "<a href=\"..%2Fx\">7</a><a href=\"%2e%2e/\">8</a><a href=\"\">9</a>"
                              "<a href=\"mailto:x\">10</a><a name=\"y\">11</a><a href=x>12</a>"),
                        "");
    assert_int_equal(names("<p>Welcome</p>")[0], '!');
    assert_int_equal(names("")[0], '!');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_of_a_bucket_has_keys_states_and_the_next_page),
        cmocka_unit_test(a_page_of_a_bucket_that_is_not_whole_is_refused),
        cmocka_unit_test(times_are_those_of_iso_8601),
        cmocka_unit_test(an_index_may_be_json),
        cmocka_unit_test(an_index_may_be_a_page),
        cmocka_unit_test(links_to_elsewhere_are_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
