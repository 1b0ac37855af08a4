/* SPDX-License-Identifier: BSD-3-Clause */
/* Ranges over the loopback, of a server that answers as it is told to. */
#include "http/remote_file.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base_testing.h"
#include "base/check.h"

#define NBYTES 100000

enum manner { PROPER, WHOLE, SHIFTED, CUT, ANOTHER_ETAG, REPLACED, GROWN };
static _Atomic enum manner manner;
static atomic_int nconnections;
static int listener;
static char text[NBYTES];

/* ---- the server ---- */

static void say(int fd, const char *bytes, size_t n)
{
    while (n) {
        ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
        if (sent <= 0) return;
        bytes += sent;
        n -= (size_t)sent;
    }
}

static void answer(int fd, const char *request)
{
    const char *range = strstr(request, "Range: bytes="), *match = strstr(request, "If-Match: \"one\"");
    const char *etag = manner == ANOTHER_ETAG || manner == REPLACED ? "two" : "one";
    long first = 0, last = NBYTES - 1, total = manner == GROWN ? NBYTES + 1 : NBYTES;
    char head[400];

    if (range) sscanf(range, "Range: bytes=%ld-%ld", &first, &last);
    if (manner == SHIFTED) first++;
    if (manner == CUT) last--;
    if (manner == REPLACED && match)
        snprintf(head, sizeof(head), "HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\n\r\n");
    else if (first >= NBYTES)
        snprintf(head, sizeof(head), "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n\r\n");
    else if (manner == WHOLE)
        snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", NBYTES);
    else
        snprintf(head, sizeof(head),
                 "HTTP/1.1 206 Partial Content\r\nETag: \"%s\"\r\nContent-Length: %ld\r\n"
                 "Content-Range: bytes %ld-%ld/%ld\r\n\r\n",
                 etag, last - first + 1, first, last, total);
    say(fd, head, strlen(head));
    if (strstr(head, " 206 ")) say(fd, text + first, (size_t)(last - first + 1));
    if (strstr(head, " 200 ")) say(fd, text, NBYTES);
}

static void *serve(void *ctx)
{
    char request[2000];

    (void)ctx;
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) return NULL; /* shut down */
        nconnections++;
        for (size_t n = 0;;) {
            ssize_t got = recv(fd, request + n, sizeof(request) - 1 - n, 0);
            if (got <= 0) break;
            n += (size_t)got;
            request[n] = '\0';
            if (!strstr(request, "\r\n\r\n")) continue;
            answer(fd, request);
            n = 0;
        }
        close(fd);
    }
}

/* ---- the reader ---- */

struct reader {
    struct c2_session session;
    struct c2_range_file file;
    struct c2_buf out;
    struct cat2_error err;
};

static void open_reader(struct reader *r)
{
    struct sockaddr_in address;
    socklen_t n = sizeof(address);

    *r =
        (struct reader){.session = {.agent = "test", .connect_timeout_ms = 60000, .answer_timeout_ms = 60000},
                        .out = C2_BUF_INIT(NBYTES)};
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &n), 0);
    snprintf(r->session.base, sizeof(r->session.base), "http://127.0.0.1:%d", ntohs(address.sin_port));
    r->file = (struct c2_range_file){.session = &r->session, .target = "/file", .nbytes = -1};
    assert_true(c2_session_init(&r->session, &r->err));
}

static void close_reader(struct reader *r)
{
    c2_session_fini(&r->session);
    c2_buf_fini(&r->out);
}

static bool read_as(struct reader *r, enum manner how, int64_t off, size_t n)
{
    manner = how;
    c2_buf_clear(&r->out);
    r->err = (struct cat2_error){0};
    bool ok = c2_range_read(&r->file, off, n, &r->out, &r->err);
    manner = PROPER;
    return ok && r->out.n == n && memcmp(r->out.p, text + off, n) == 0;
}

static void ranges_come_over_one_connection(void **state)
{
    struct reader r;
    int before = nconnections;

    open_reader(&r);
    assert_true(read_as(&r, PROPER, 0, 1));
    assert_int_equal(r.file.nbytes, NBYTES);
    assert_string_equal(r.file.etag, "\"one\"");
    assert_true(read_as(&r, PROPER, NBYTES - 7, 7) && read_as(&r, PROPER, 5, 70000));
    assert_true(read_as(&r, PROPER, 5, 0));
    assert_int_equal(nconnections - before, 1);
    assert_true(r.session.local);
    close_reader(&r);
}

static void a_file_that_changes_is_not_read_on(void **state)
{
    static const enum manner changes[] = {ANOTHER_ETAG, REPLACED, GROWN};
    struct reader r;

    open_reader(&r);
    assert_true(read_as(&r, PROPER, 0, 10));
    for (size_t i = 0; i < C2_ARRAY_LEN(changes); i++) {
        assert_false(read_as(&r, changes[i], 10, 10));
        assert_int_equal(r.err.code, CAT2_ECHANGED);
        assert_int_equal(r.out.n, 0);
    }
    assert_true(read_as(&r, PROPER, 10, 10));
    close_reader(&r);
}

static void other_bytes_than_asked_for_are_refused(void **state)
{
    struct reader r;

    open_reader(&r);
    assert_false(read_as(&r, SHIFTED, 0, 10));
    assert_int_equal(r.err.code, CAT2_EDATA);
    assert_false(read_as(&r, CUT, 0, 10));
    assert_int_equal(r.err.code, CAT2_EDATA);
    assert_false(read_as(&r, PROPER, NBYTES, 10));
    assert_int_equal(r.err.code, CAT2_ENOTFOUND);
    assert_int_equal(r.out.n, 0);
    close_reader(&r);
}

static void a_server_without_ranges_is_told_apart_before_all_is_read(void **state)
{
    struct reader r;

    open_reader(&r);
    assert_false(read_as(&r, WHOLE, 0, 10));
    assert_int_equal(r.err.code, CAT2_EUNSUPPORTED);
    assert_non_null(strstr(r.err.message, "no ranges"));
    close_reader(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_come_over_one_connection),
        cmocka_unit_test(a_file_that_changes_is_not_read_on),
        cmocka_unit_test(other_bytes_than_asked_for_are_refused),
        cmocka_unit_test(a_server_without_ranges_is_told_apart_before_all_is_read),
    };
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    pthread_t thread;

    for (size_t i = 0; i < NBYTES; i++)
        text[i] = (char)('a' + i % 23);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    C2_ASSERT(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(listener, 4) == 0);
    C2_ASSERT(pthread_create(&thread, NULL, serve, NULL) == 0);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    shutdown(listener, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(listener);
    return failed;
}
