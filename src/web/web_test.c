/* SPDX-License-Identifier: BSD-3-Clause */
/* The escaping writer and markdown. */
#include "base/base_testing.h"
#include "web/assets.h"
#include "web/html.h"
#include "web/markdown.h"

static struct c2_buf written(const char *frame, const char *a, const char *b)
{
    struct c2_buf out = C2_BUF_INIT(65536);
    struct cat2_error err;
    struct c2_html h;

    c2_html_init(&h, &out, &err);
    c2_html(&h, frame, a, b);
    assert_true(h.ok);
    return out;
}

static void text_in_holes_is_escaped(void **state)
{
    static const struct {
        const char *frame, *a, *b, *out;
    } cases[] = {
        {"<p>$</p>$", "a<b>&\"'", "", "<p>a&lt;b&gt;&amp;&quot;&#39;</p>"},
        {"<a href=\"/x/~\">$</a>", "a b/c?d\"", "é", "<a href=\"/x/a%20b/c%3Fd%22\">é</a>"},
        {"[$][$]", "\xff\xc3", "a\x01z\n", "[\xef\xbf\xbd\xef\xbf\xbd][a\xef\xbf\xbdz\n]"},
        {"$$", "\xed\xa0\x80", "\xf0\x9f\x90\x88", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xf0\x9f\x90\x88"},
    };

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_buf out = written(cases[i].frame, cases[i].a, cases[i].b);
        assert_string_equal(c2_buf_cstr(&out), cases[i].out);
        c2_buf_fini(&out);
    }
}

static void a_full_buffer_is_an_error_that_sticks(void **state)
{
    struct c2_buf out = C2_BUF_INIT(8);
    struct cat2_error err;
    struct c2_html h;

    c2_html_init(&h, &out, &err);
    c2_html(&h, "<p>$</p>", "much too long");
    c2_html(&h, "x");
    assert_false(h.ok);
    assert_int_equal(err.code, CAT2_ELIMIT);
    c2_buf_fini(&out);
}

static void links_lead_only_where_readers_may_be_sent(void **state)
{
    static const char *const good[] = {"",          "a.md",       "/x?y:z",     "#a:b",
                                       "http://x/", "HTTPS://x/", "mailto:a@b", "./a:b"};
    static const char *const bad[] = {
        "javascript:x",   "JaVaScript:x", "data:text/html,x", "vbscript:x", "file:///x", " javascript:x",
        "java\nscript:x", "x:y",          "\\\\host",         ":x"};

    for (size_t i = 0; i < C2_ARRAY_LEN(good); i++)
        assert_true(c2_markdown_link_ok(c2_str_of(good[i])));
    for (size_t i = 0; i < C2_ARRAY_LEN(bad); i++)
        assert_false(c2_markdown_link_ok(c2_str_of(bad[i])));
}

static void markdown_shows_html_instead_of_being_it(void **state)
{
    static const struct {
        const char *text, *out;
    } cases[] = {
        {"# a", "<h2>a</h2>\n"},
        {"###### a", "<h6>a</h6>\n"},
        {"<script>x</script>\n", "<pre><code>&lt;script&gt;x&lt;/script&gt;\n</code></pre>\n"},
        {"a <b onclick=x>c</b>", "<p>a <code>&lt;b onclick=x&gt;</code>c<code>&lt;/b&gt;</code></p>\n"},
        {"[a](javascript:x) ![b](data:x)", "<p><a href=\"\">a</a> <img src=\"\" alt=\"b\" /></p>\n"},
        {"[a][r]\n\n[r]: vbscript:x", "<p><a href=\"\">a</a></p>\n"},
        {"", ""},
    };

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_buf out = C2_BUF_INIT(65536);
        struct cat2_error err;
        struct c2_html h;
        c2_html_init(&h, &out, &err);
        assert_true(c2_markdown(c2_str_of(cases[i].text), 1, NULL, &h));
        assert_string_equal(c2_buf_cstr(&out), cases[i].out);
        c2_buf_fini(&out);
    }
}

static void markdown_finds_what_is_beside_it(void **state)
{
    static const struct {
        const char *text, *path, *out;
    } cases[] = {
        {"![p](a/p.png)", "r/d e/x.md", "<p><img src=\"../../files/r/d%20e/a/p.png\" alt=\"p\" /></p>\n"},
        {"[p](../a.csv?v=1#x)", "r/x.md", "<p><a href=\"../../roots/r/../a.csv?v=1#x\">p</a></p>\n"},
        {"[p](./a:b)", "r/x.md", "<p><a href=\"../../roots/r/./a:b\">p</a></p>\n"},
        {"![p](https://h/p.png)", "r/x.md", "<p><img src=\"https://h/p.png\" alt=\"p\" /></p>\n"},
        {"![p](/p.png)[](#x)[](?y)[]()", "r/x.md",
         "<p><img src=\"/p.png\" alt=\"p\" /><a href=\"#x\"></a><a href=\"?y\"></a><a href=\"\"></a></p>\n"},
        {"![p](//h/p.png)![p](a:b)", "r/x.md",
         "<p><img src=\"//h/p.png\" alt=\"p\" /><img src=\"\" alt=\"p\" /></p>\n"},
        {"![p](a\"b.png)", "r\"/x.md", "<p><img src=\"../../files/r%22/a%22b.png\" alt=\"p\" /></p>\n"},
    };

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_buf out = C2_BUF_INIT(65536);
        struct cat2_error err;
        struct c2_html h;
        c2_html_init(&h, &out, &err);
        h.base = "../..";
        assert_true(c2_markdown(c2_str_of(cases[i].text), 1, cases[i].path, &h));
        assert_string_equal(c2_buf_cstr(&out), cases[i].out);
        c2_buf_fini(&out);
    }
}

/* Each would take minutes. */
static void markdown_that_costs_too_much_is_shown_as_it_is(void **state)
{
    static const struct {
        const char *begin, *part, *again, *end;
    } cases[] = {
        {"", "- ", "\n", ""},
        {"", "> ", ">", "x"},
        {"", "[", "]", ""},
        {"", "![[]()", "", ""},
        {"", "*a **a ", "", ""},
        {"", "[a](b", "", ""},
        {"", "a <!-- b ", "", ""},
        {"", "<a x='", "", ""},
        {"", "*a ", "_a*_ ", ""},
        {"", "[a]: b\n", "", ""},
        {"[a]: ", "long", "\n\n[a]", ""},
        {"", "- ", "\r", ""},
    };
    const size_t n = 200000;

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_buf text = C2_BUF_INIT(4 * n), out = C2_BUF_INIT(16 * n);
        struct cat2_error err;
        struct c2_html h;
        bool ok = c2_buf_puts(&text, cases[i].begin, &err);
        while (ok && text.n < n / 2)
            ok = c2_buf_puts(&text, cases[i].part, &err);
        while (ok && text.n < n)
            ok = c2_buf_puts(&text, *cases[i].again ? cases[i].again : cases[i].part, &err);
        assert_true(ok && c2_buf_puts(&text, cases[i].end, &err));
        c2_html_init(&h, &out, &err);
        assert_true(c2_markdown(c2_buf_str(&text), 0, NULL, &h));
        assert_non_null(strstr(c2_buf_cstr(&out), "not rendered"));
        c2_buf_fini(&text);
        c2_buf_fini(&out);
    }
}

static void long_markdown_is_rendered(void **state)
{
    struct c2_buf text = C2_BUF_INIT(2 << 20), out = C2_BUF_INIT(16 << 20);
    struct cat2_error err;
    struct c2_html h;

    for (int i = 0; text.n < 1 << 20; i++)
        assert_true(c2_buf_printf(&text, &err,
                                  "## Part %d\n\nA *word*, `code` and [a link](x.md) in [one][p%d].\n\n"
                                  "- a\n  - b\n    - c\n\n[p%d]: p.md\n\n",
                                  i, i, i));
    c2_html_init(&h, &out, &err);
    assert_true(c2_markdown(c2_buf_str(&text), 0, NULL, &h));
    assert_non_null(strstr(c2_buf_cstr(&out), "<a href=\"p.md\">one</a>"));
    c2_buf_fini(&text);
    c2_buf_fini(&out);
}

static void every_file_of_the_client_has_a_type_and_an_etag(void **state)
{
    assert_true(c2_nassets > 4);
    for (size_t i = 0; i < c2_nassets; i++) {
        assert_non_null(c2_assets[i].type);
        assert_int_equal(c2_assets[i].etag[0], '"');
        assert_true(c2_assets[i].gzip_nbytes < c2_assets[i].nbytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_in_holes_is_escaped),
        cmocka_unit_test(a_full_buffer_is_an_error_that_sticks),
        cmocka_unit_test(links_lead_only_where_readers_may_be_sent),
        cmocka_unit_test(markdown_shows_html_instead_of_being_it),
        cmocka_unit_test(markdown_finds_what_is_beside_it),
        cmocka_unit_test(markdown_that_costs_too_much_is_shown_as_it_is),
        cmocka_unit_test(long_markdown_is_rendered),
        cmocka_unit_test(every_file_of_the_client_has_a_type_and_an_etag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
