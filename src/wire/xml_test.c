/* SPDX-License-Identifier: BSD-3-Clause */
/* What is read of XML, and what is refused. */
#include "wire/xml.h"

#include <stdio.h>

#include "base/base_testing.h"

/* "<a:text>" as "(a'text')": what was read; or "!" and why. */
static const char *read_all(const char *text)
{
    static char out[400];
    struct c2_xml xml = c2_xml_of(c2_str_of(text));
    struct c2_xml_event event;
    struct cat2_error err;
    size_t n = 0;

    for (;;) {
        if (!c2_xml_next(&xml, &event, &err)) {
            snprintf(out, sizeof(out), "!%s", err.message);
            return out;
        }
        if (event.kind == C2_XML_END) break;
        const char *form = event.kind == C2_XML_OPEN ? "(%.*s" : event.kind == C2_XML_TEXT ? "'%.*s'" : ")";
        n += (size_t)snprintf(out + n, sizeof(out) - n, form, C2_STR_ARG(event.text));
    }
    return out;
}

static void elements_and_their_text_come_in_order(void **state)
{
    assert_string_equal(read_all("<?xml version=\"1.0\"?>\n<!-- so --><a x='>'>\n <b>1 &lt; 2</b><c/></a>\n"),
                        "(a(b'1 &lt; 2')(c))");
    assert_string_equal(read_all("\xEF\xBB\xBF<s:a xmlns:s=\"u\"><s:b y = \"/>\" /></s:a >"), "(a(b))");
}

static void what_is_not_whole_or_not_xml_is_refused(void **state)
{
    static const char *const BAD[] = {"",
                                      "text",
                                      "<a>",
                                      "<a><b></a></b>",
                                      "<a/><b/>",
                                      "<a/>text",
                                      "</a>",
                                      "<>",
                                      "<a",
                                      "<a b='",
                                      "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
                                      "<![CDATA[x]]>",
                                      "<?xml",
                                      "<!-- ",
                                      "<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>"};

    for (size_t i = 0; i < C2_ARRAY_LEN(BAD); i++)
        if (read_all(BAD[i])[0] != '!') fail_msg("taken: %s", BAD[i]);
    assert_non_null(strstr(read_all("<!DOCTYPE a><a/>"), "document type"));
}

static const char *decoded(const char *text)
{
    static char out[100];
    C2_AUTO(c2_buf) buf = C2_BUF_INIT(90);
    struct cat2_error err;

    if (!c2_xml_decode(c2_str_of(text), &buf, &err)) return NULL;
    snprintf(out, sizeof(out), "%s", c2_buf_cstr(&buf));
    return out;
}

static void entities_are_those_of_xml(void **state)
{
    assert_string_equal(decoded("a&amp;b&lt;&gt;&quot;&apos;c"), "a&b<>\"'c");
    assert_string_equal(decoded("&#233;&#xE9;&#x1F600;"), "\xC3\xA9\xC3\xA9\xF0\x9F\x98\x80");
    assert_string_equal(decoded(""), "");
    static const char *const BAD[] = {"&b;",      "&",    "a & b", "&amp",         "&#;",       "&#x;",
                                      "&#xD800;", "&#0;", "&#1a;", "&#110000000;", "&#x110000;"};
    for (size_t i = 0; i < C2_ARRAY_LEN(BAD); i++)
        if (decoded(BAD[i])) fail_msg("taken: %s", BAD[i]);
}

static void a_place_is_told_by_all_its_names(void **state)
{
    struct c2_xml xml = c2_xml_of(C2_STR("<a><b>x</b></a>"));
    struct c2_xml_event event;
    struct cat2_error err;

    assert_true(c2_xml_is_at(&xml, ""));
    for (int i = 0; i < 3; i++)
        assert_true(c2_xml_next(&xml, &event, &err));
    assert_true(c2_xml_is_at(&xml, "a/b"));
    assert_false(c2_xml_is_at(&xml, "a"));
    assert_false(c2_xml_is_at(&xml, "b"));
    assert_false(c2_xml_is_at(&xml, "a/b/c"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_and_their_text_come_in_order),
        cmocka_unit_test(what_is_not_whole_or_not_xml_is_refused),
        cmocka_unit_test(entities_are_those_of_xml),
        cmocka_unit_test(a_place_is_told_by_all_its_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
