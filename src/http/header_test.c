/* SPDX-License-Identifier: BSD-3-Clause */
/* The first line of an answer is a status line, or there is no answer. */
#include "http/header.h"

#include "base/base_testing.h"

static const char *const STATUS_LINES[] = {"HTTP/1.1 200 OK\r\n", "HTTP/1.0 404 Not Found\r\n",
                                           "HTTP/1.1 304\r\n",    "HTTP/1.1 200 \r\n",
                                           "HTTP/2 206 \r\n",     "HTTP/3 503\r\n"};

/* Damaged ones, most of them by one bit, and what is none at all. */
static const char *const OTHERS[] = {"HTTP/!.1 304 Not Modified\r\n",
                                     "HTTP/\xb1.1 304 Not Modified\r\n",
                                     "HTTP/1.1 3p4 Not Modified\r\n",
                                     "HTTP/1.1 200NOK\r\n",
                                     "HTTP/1.1\t200 OK\r\n",
                                     "HTTP/1.1 20\r\n",
                                     "HTTP/1.1\r\n",
                                     "HTTP/1.9 200 OK\r\n",
                                     "HTTP/5.1 200 OK\r\n",
                                     "HTTP/1.1 012 OK\r\n",
                                     "HTTP/1.1 600 OK\r\n",
                                     "HTTP/1.1 704 Not Modified\r\n",
                                     "HTTP/\r\n",
                                     "Content-Type: text/plain\r\n",
                                     "\r\n"};

static void status_lines_begin_anew(void **state)
{
    C2_AUTO(c2_buf) headers = C2_BUF_INIT(1000);
    struct cat2_error err;
    struct c2_str value;

    (void)state;
    for (size_t i = 0; i < C2_ARRAY_LEN(STATUS_LINES); i++) {
        assert_true(c2_header_take(&headers, c2_str_of(STATUS_LINES[i]), &err));
        assert_string_equal(c2_buf_cstr(&headers), STATUS_LINES[i]);
        assert_true(c2_header_take(&headers, C2_STR("ETag: x\r\n"), &err));
        assert_true(c2_header_of(c2_buf_str(&headers), "etag", &value));
        assert_true(c2_str_is(value, "x"));
    }
}

static void what_is_no_status_line_is_no_answer(void **state)
{
    C2_AUTO(c2_buf) headers = C2_BUF_INIT(1000);
    struct cat2_error err;

    (void)state;
    for (size_t i = 0; i < C2_ARRAY_LEN(OTHERS); i++) {
        c2_buf_clear(&headers);
        assert_false(c2_header_take(&headers, c2_str_of(OTHERS[i]), &err));
        assert_int_equal(err.code, CAT2_EDATA);
    }
}

static void one_after_an_interim_answer_is_looked_at_too(void **state)
{
    C2_AUTO(c2_buf) headers = C2_BUF_INIT(1000);
    struct cat2_error err;

    (void)state;
    assert_true(c2_header_take(&headers, C2_STR("HTTP/1.1 100 Continue\r\n"), &err));
    assert_true(c2_header_take(&headers, C2_STR("\r\n"), &err));
    assert_false(c2_header_take(&headers, C2_STR("hTTP/1.1 404 Not Found\r\n"), &err)); /* libcurl's 200 */
}

static void too_much_is_refused(void **state)
{
    C2_AUTO(c2_buf) headers = C2_BUF_INIT(20);
    struct cat2_error err;

    (void)state;
    assert_true(c2_header_take(&headers, C2_STR("HTTP/1.1 200 OK\r\n"), &err));
    assert_false(c2_header_take(&headers, C2_STR("ETag: x\r\n"), &err));
    assert_int_equal(err.code, CAT2_ELIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_lines_begin_anew),
        cmocka_unit_test(what_is_no_status_line_is_no_answer),
        cmocka_unit_test(one_after_an_interim_answer_is_looked_at_too),
        cmocka_unit_test(too_much_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
