/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests in pieces of every size: what is passed on, and what is refused, with which status. */
#include "base/base_testing.h"
#include "net/intake.h"

/* A socket that brings `text` in pieces of `step` bytes, each followed by "nothing now". */
struct socket {
    const char *text;
    size_t n, at, step;
    bool dry;
};

static int64_t on_read(void *ctx, uint8_t *to, size_t room)
{
    struct socket *s = ctx;
    size_t n = s->n - s->at < s->step ? s->n - s->at : s->step;

    if (s->dry || !n) {
        s->dry = false;
        return C2_INTAKE_AGAIN;
    }
    if (n > room) n = room;
    memcpy(to, s->text + s->at, n);
    s->at += n;
    s->dry = true;
    return (int64_t)n;
}

struct outcome {
    struct c2_buf passed;
    struct c2_intake in;
};

static struct outcome send_bytes(const char *text, size_t n, size_t step, size_t room)
{
    struct outcome o = {.passed = C2_BUF_INIT(1 << 20)};
    struct socket s = {.text = text, .n = n, .step = step};
    struct cat2_error err;
    uint8_t *to = malloc(room);

    c2_intake_init(&o.in);
    for (int idle = 0; idle < 3;) {
        int64_t got = c2_intake_read(&o.in, on_read, &s, to, room);
        assert_true(got == C2_INTAKE_AGAIN || (got > 0 && got <= (int64_t)room));
        idle = got > 0 || s.at < s.n ? 0 : idle + 1;
        if (got > 0) assert_true(c2_buf_append(&o.passed, to, (size_t)got, &err));
    }
    free(to);
    return o;
}

static void outcome_fini(struct outcome *o)
{
    c2_buf_fini(&o->passed);
    c2_intake_fini(&o->in);
}

#define HOST "Host: a\r\n"

static void good_requests_are_passed_on_as_they_are(void **state)
{
    static const char *const cases[] = {
        "GET / HTTP/1.1\r\n" HOST "\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "GET hTTps://[::1]:80 HTTP/1.1\r\nHost: b\r\n\r\n",
        "GET /\xc3\xa4q=%20 HTTP/1.1\r\nhost:[::1]:80\r\nX: \t a\tb \xff\r\nEmpty:\r\n\r\n",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n\n\n\n\n\nGET / HTTP/1.1\r\n" HOST "\r\n",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1a\r\n"
        "abcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n",
        "GET /ws HTTP/1.1\r\n" HOST "Upgrade: websocket\r\n\r\n\x81\n\n\n\x00 anything",
    };
    static const size_t steps[] = {1, 2, 3, 7, 64, 100000}, rooms[] = {1, 5, 64, 32768};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++)
        for (size_t k = 0; k < C2_ARRAY_LEN(steps) * C2_ARRAY_LEN(rooms); k++) {
            size_t n = strlen(cases[i]);
            struct outcome o = send_bytes(cases[i], n, steps[k % 6], rooms[k / 6]);
            assert_int_equal(o.in.state == C2_IN_REFUSED, 0);
            assert_int_equal(o.passed.n, n);
            assert_memory_equal(o.passed.p, cases[i], n);
            assert_false(c2_intake_awaits_body(&o.in) || c2_intake_has_part_of_head(&o.in));
            outcome_fini(&o);
        }
}

/* Of each request, and nothing else. */
static void the_query_of_a_target_is_hidden(void **state)
{
    static const char sent[] = "GET /a?b?c HTTP/1.1\r\n" HOST "X: ?\r\n\r\n"
                               "POST /? HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n??"
                               "GET /d HTTP/1.1\r\n" HOST "X: /?\r\n\r\n";
    static const char passed[] = "GET /a\x01"
                                 "b?c HTTP/1.1\r\n" HOST "X: ?\r\n\r\n"
                                 "POST /\x01 HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n??"
                                 "GET /d HTTP/1.1\r\n" HOST "X: /?\r\n\r\n";

    (void)state;
    for (size_t step = 1; step < 200; step++) {
        struct outcome o = send_bytes(sent, strlen(sent), step, step % 2 ? 1000 : 7);
        assert_string_equal(c2_buf_cstr(&o.passed), passed);
        outcome_fini(&o);
    }
    struct outcome o = send_bytes(sent, 38, 38, 1000); /* alone: it is not copied */
    assert_int_equal(o.passed.n, 38);
    assert_memory_equal(o.passed.p, passed, 38);
    outcome_fini(&o);
}

/* What has no body has nothing to wait for; what has one may. */
static void expectations_of_requests_without_a_body_are_not_passed_on(void **state)
{
#define FIRST(value)  "GET /a HTTP/1.1\r\nX: Expect: 1\r\nexpect:" value "\r\n" HOST "\r\n"
#define SECOND(value) "POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\nExpect: " value "\r\n\r\n"
#define THIRD         "POST / HTTP/1.1\r\n" HOST "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}"
    static const char sent[] = FIRST("100-continue ") SECOND("100-continue") THIRD;
    static const char passed[] = FIRST("             ") SECOND("            ") THIRD;

    (void)state;
    for (size_t step = 1; step < 300; step++) {
        struct outcome o = send_bytes(sent, strlen(sent), step, step % 2 ? 1000 : 7);
        assert_string_equal(c2_buf_cstr(&o.passed), passed);
        assert_int_equal(o.in.nheads, 3);
        outcome_fini(&o);
    }
}

/* Those at the end of a value are no part of it, but would be for who reads what is passed on. */
static void blanks_behind_a_value_come_before_it(void **state)
{
    static const struct {
        const char *sent, *passed;
    } cases[] = {
        {"Transfer-Encoding: chunked \r\n\r\n0\r\n\r\n", "Transfer-Encoding:  chunked\r\n\r\n0\r\n\r\n"},
        {"Transfer-Encoding:chunked\t \t\r\n\r\n0\r\n\r\n", "Transfer-Encoding:   chunked\r\n\r\n0\r\n\r\n"},
        {"Content-Length: 2\t\r\nX:  \r\nY: a b\r\n\r\na ", "Content-Length:  2\r\nX:  \r\nY: a b\r\n\r\na "},
    };

    (void)state;
    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++)
        for (size_t step = 1; step < 200; step++) {
            char text[200], passed[200];
            snprintf(text, sizeof(text), "POST / HTTP/1.1\r\n" HOST "%s", cases[i].sent);
            snprintf(passed, sizeof(passed), "POST / HTTP/1.1\r\n" HOST "%s", cases[i].passed);
            struct outcome o = send_bytes(text, strlen(text), step, 1000);
            assert_string_equal(c2_buf_cstr(&o.passed), passed);
            assert_int_equal(o.in.nheads, 1);
            outcome_fini(&o);
        }
}

static void extensions_trailers_and_empty_lines_are_left_out(void **state)
{
    static const char sent[] =
        "\r\n\r\nPOST / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n"
        "0005;a=b;c\r\nhello\r\n0;x\r\nChecksum: 1\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n";
    static const char passed[] = "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n"
                                 "5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n";

    for (size_t step = 1; step < 200; step++) {
        struct outcome o = send_bytes(sent, strlen(sent), step, 1000);
        assert_string_equal(c2_buf_cstr(&o.passed), passed);
        assert_int_equal(o.in.nheads, 2);
        assert_int_equal(o.in.nbody, 5);
        outcome_fini(&o);
    }
}

#define GET     "GET / HTTP/1.1\r\n"
#define POST    "POST / HTTP/1.1\r\n" HOST
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

static const struct {
    const char *text;
    int status;
    size_t n; /* where it holds NUL */
} malformed[] = {
    {POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400, 0},
    {POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400, 0},
    {POST "Content-Length: 5, 5\r\n\r\nhello", 400, 0},
    {POST "Content-Length: +5\r\n\r\nhello", 400, 0},
    {POST "Content-Length: -5\r\n\r\nhello", 400, 0},
    {POST "Content-Length: 0x5\r\n\r\nhello", 400, 0},
    {POST "Content-Length: 5 5\r\n\r\nhello", 400, 0},
    {POST "Content-Length:\r\n\r\n", 400, 0},
    {POST "Content-Length: 99999999999999999999\r\n\r\n", 400, 0},
    {POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, 0},
    {POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400, 0},
    {POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, 0},
    {POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400, 0},
    {POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400, 0},
    {POST "Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n", 400, 0},
    {POST "Transfer-Encoding: , chunked\r\n\r\n0\r\n\r\n", 400, 0},
    {POST "Transfer-Encoding:\r\n\r\n0\r\n\r\n", 400, 0},
    {POST "Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n", 400, 0},
    {POST "Transfer-Encoding: gzip, Chunked\r\n\r\n0\r\n\r\n", 501, 0},
    {POST "Transfer-Encoding: a,b ,\tchunked\r\n\r\n0\r\n\r\n", 501, 0},
    {POST "Transfer-Encoding: xchunked\r\n\r\n", 400, 0},
    {POST "Transfer-Encoding: gzip\r\n\r\n", 400, 0},
    {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, 0},
    {GET HOST "Host: b\r\n\r\n", 400, 0},
    {GET HOST HOST "\r\n", 400, 0},
    {GET "\r\n", 400, 0},
    {GET "Host: a b\r\n\r\n", 400, 0},
    {GET "Host: a/b\r\n\r\n", 400, 0},
    {GET "Host: user@a\r\n\r\n", 400, 0},
    {"GET / HTTP/1.1\nHost: a\n\n", 400, 0},
    {"GET / HTTP/1.1\r\nHost: a\n\r\n", 400, 0},
    {GET HOST "\n", 400, 0},
    {GET HOST "X: a\rb\r\n\r\n", 400, 0},
    {GET HOST "X: a\r\n b\r\n\r\n", 400, 0},
    {GET " " HOST "\r\n", 400, 0},
    {GET "Host : a\r\n\r\n", 400, 0},
    {GET HOST "Content-Length : 5\r\n\r\nhello", 400, 0},
    {GET HOST "X Y: a\r\n\r\n", 400, 0},
    {GET HOST ": a\r\n\r\n", 400, 0},
    {GET HOST "nothing\r\n\r\n", 400, 0},
    {GET HOST "X: a\0b\r\n\r\n", 400, sizeof(GET HOST "X: a\0b\r\n\r\n") - 1},
    {GET HOST "X\0: a\r\n\r\n", 400, sizeof(GET HOST "X\0: a\r\n\r\n") - 1},
    {"GET /\0 HTTP/1.1\r\n" HOST "\r\n", 400, sizeof("GET /\0 HTTP/1.1\r\n" HOST "\r\n") - 1},
    {GET HOST "X: a\x7f\r\n\r\n", 400, 0},
    {"GET  / HTTP/1.1\r\n" HOST "\r\n", 400, 0},
    {"GET / a HTTP/1.1\r\n" HOST "\r\n", 400, 0},
    {"GET /\ta HTTP/1.1\r\n" HOST "\r\n", 400, 0},
    {"GET /\r\n\r\n", 400, 0},
    {"GET / HTTP/1.1 \r\n" HOST "\r\n", 400, 0},
    {"GET / http/1.1\r\n" HOST "\r\n", 400, 0},
    {"GET http:// HTTP/1.1\r\n" HOST "\r\n", 400, 0},
    {"GET http:///a HTTP/1.1\r\n" HOST "\r\n", 400, 0},
    {"GET HTTPS://?a HTTP/1.1\r\n" HOST "\r\n", 400, 0},
    {"GET http://:80/a HTTP/1.1\r\n" HOST "\r\n", 400, 0},
    {"GET http://user@a/ HTTP/1.1\r\n" HOST "\r\n", 400, 0},
    {"GET http://a\\b/ HTTP/1.1\r\n" HOST "\r\n", 400, 0},
    {"GET http://a/ HTTP/1.1\r\n\r\n", 400, 0},
    {"GET / HTTP/2.0\r\n" HOST "\r\n", 505, 0},
    {"G(T / HTTP/1.1\r\n" HOST "\r\n", 400, 0},
    {"\x16\x03\x01", 400, 0},
    {"\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n", 400, 0},
    {CHUNKED "x\r\n", 400, 0},
    {CHUNKED "5 \r\nhello\r\n0\r\n\r\n", 400, 0},
    {CHUNKED " 5\r\nhello\r\n0\r\n\r\n", 400, 0},
    {CHUNKED "0x5\r\nhello\r\n0\r\n\r\n", 400, 0},
    {CHUNKED "-5\r\nhello\r\n0\r\n\r\n", 400, 0},
    {CHUNKED "\r\nhello\r\n0\r\n\r\n", 400, 0},
    {CHUNKED "5\nhello\r\n0\r\n\r\n", 400, 0},
    {CHUNKED "5\r\nhelloX\r\n0\r\n\r\n", 400, 0},
    {CHUNKED "5\r\nhello\n0\r\n\r\n", 400, 0},
    {CHUNKED "ffffffffffffffffff\r\n", 400, 0},
    {CHUNKED "5;a\rb\r\nhello\r\n0\r\n\r\n", 400, 0},
    {CHUNKED "0\r\nX : 1\r\n\r\n", 400, 0},
    {CHUNKED "0\r\nX: 1\n\r\n", 400, 0},
};

static void what_can_be_understood_in_two_ways_is_refused(void **state)
{
    for (size_t i = 0; i < C2_ARRAY_LEN(malformed); i++)
        for (size_t step = 1; step < 150; step += step < 4 ? 1 : 29) {
            const char *why = NULL;
            size_t n = malformed[i].n ? malformed[i].n : strlen(malformed[i].text);
            struct outcome o = send_bytes(malformed[i].text, n, step, 32768);
            int status = c2_intake_refused(&o.in, o.in.nheads, &why);
            if (status != malformed[i].status) fail_msg("case %zu, step %zu: %d", i, step, status);
            assert_true(strlen(why) > 10);
            assert_int_equal(o.in.nheads, 1);
            /* what is passed on instead is a whole request */
            size_t scanned = 0, at = 0;
            assert_true(c2_head_end(c2_buf_bytes(&o.passed), &scanned, &why) > 0);
            at = o.passed.n;
            assert_memory_equal(o.passed.p + at - 4, "\r\n\r\n", 4);
            outcome_fini(&o);
        }
}

static void a_refusal_comes_after_the_requests_before_it(void **state)
{
    static const char sent[] = GET HOST "\r\n" GET HOST HOST "\r\n" GET HOST "\r\n";
    const char *why;

    for (size_t step = 1; step < 100; step++) {
        struct outcome o = send_bytes(sent, strlen(sent), step, 32768);
        assert_int_equal(c2_intake_refused(&o.in, 1, &why), 0);
        assert_int_equal(c2_intake_refused(&o.in, 2, &why), 400);
        assert_int_equal(o.in.nheads, 2);
        assert_memory_equal(o.passed.p, sent, strlen(GET HOST "\r\n"));
        outcome_fini(&o);
    }
}

static void lengths_have_ceilings(void **state)
{
    struct c2_buf text = C2_BUF_INIT(1 << 20);
    struct cat2_error err;
    const char *why;

    for (int what = 0; what < 5; what++) {
        c2_buf_clear(&text);
        assert_true(what > 0 ? c2_buf_puts(&text, GET HOST, &err) : c2_buf_puts(&text, "GET /", &err));
        for (int i = 0; i < (what == 2 ? 101 : what == 4 ? 95 : what == 3 ? 20 : 30000); i++)
            assert_true(what == 0   ? c2_buf_putc(&text, 'a', &err)
                        : what == 1 ? c2_buf_puts(&text, i ? "aaaa" : "X: a", &err)
                        : what == 2 ? c2_buf_puts(&text, "X: a\r\n", &err)
                                    : c2_buf_puts(&text, "X: b\r\n", &err));
        if (what >= 2) assert_true(c2_buf_puts(&text, "\r\n", &err));
        struct outcome o = send_bytes((const char *)text.p, text.n, 1000, 32768);
        assert_int_equal(c2_intake_refused(&o.in, 1, &why), what == 0 ? 414 : what <= 2 ? 431 : 0);
        assert_true(o.in.part.cap <= C2_HEAD_MAX + 17000);
        outcome_fini(&o);
    }
    c2_buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_requests_are_passed_on_as_they_are),
        cmocka_unit_test(the_query_of_a_target_is_hidden),
        cmocka_unit_test(blanks_behind_a_value_come_before_it),
        cmocka_unit_test(extensions_trailers_and_empty_lines_are_left_out),
        cmocka_unit_test(expectations_of_requests_without_a_body_are_not_passed_on),
        cmocka_unit_test(what_can_be_understood_in_two_ways_is_refused),
        cmocka_unit_test(a_refusal_comes_after_the_requests_before_it),
        cmocka_unit_test(lengths_have_ceilings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
