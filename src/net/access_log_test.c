/* SPDX-License-Identifier: BSD-3-Clause */
/* What a line of the access log says, and that nobody who asks can say something else in it. */
#include "base/base_testing.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/access_log.h"
#include "net/http_client.h"
#include "wire/json.h"

static const struct c2_access_entry entry = {
    .client = "192.0.2.7",
    .user = "ada",
    .method = "GET",
    .target = "/api/fetch/foo/a.b2nd?slice_=0:3",
    .version = "HTTP/1.1",
    .id = "tracer-7",
    .service = "subscriber",
    .status = 206,
    .nbytes = 1234567890123,
    .us = 1000250,
    .wall_ms = 1795736503042,
};

static void line_is(struct c2_access_entry e, enum c2_access_format format, const char *expected)
{
    struct cat2_error err;
    C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 20);

    assert_true(c2_access_line(&e, format, &out, &err));
    assert_string_equal(c2_buf_cstr(&out), expected);
}

static void a_line_has_the_common_fields(void **state)
{
    struct c2_access_entry e = entry;

    line_is(
        e, C2_ACCESS_COMMON,
        "192.0.2.7 - ada [26/Nov/2026:23:41:43 +0000] \"GET /api/fetch/foo/a.b2nd?slice_=0:3 HTTP/1.1\" 206 "
        "1234567890123 1.000250 tracer-7\n");
    e.client = e.user = NULL;
    e.id = "";
    line_is(e, C2_ACCESS_COMMON,
            "- - - [26/Nov/2026:23:41:43 +0000] \"GET /api/fetch/foo/a.b2nd?slice_=0:3 HTTP/1.1\" 206 "
            "1234567890123 1.000250 -\n");
}

static void a_line_of_json_has_them_too(void **state)
{
    struct c2_access_entry e = entry;

    line_is(e, C2_ACCESS_JSON,
            "{\"time\":\"2026-11-26T23:41:43.042Z\",\"level\":\"info\",\"service\":\"subscriber\","
            "\"client\":\"192.0.2.7\",\"user\":\"ada\",\"method\":\"GET\","
            "\"target\":\"/api/fetch/foo/a.b2nd?slice_=0:3\",\"version\":\"HTTP/1.1\",\"status\":206,"
            "\"bytes\":1234567890123,\"seconds\":1.000250,\"id\":\"tracer-7\"}\n");
}

static void secrets_of_a_query_are_left_out(void **state)
{
    struct c2_access_entry e = entry;

    e.target = "/a?key=abc&x=1&TOKEN=def&t%6fken=ghi&key=&keys=2&token";
    line_is(e, C2_ACCESS_COMMON,
            "192.0.2.7 - ada [26/Nov/2026:23:41:43 +0000] "
            "\"GET /a?key=***&x=1&TOKEN=***&t%6fken=***&key=&keys=2&token HTTP/1.1\" 206 "
            "1234567890123 1.000250 tracer-7\n");
}

/* Every byte, in every field that others decide, in both formats: one line, as many fields, JSON that reads.
 */
static void no_byte_ends_a_line_or_a_field(void **state)
{
    struct cat2_error err;
    char text[4] = "a?b";

    for (int c = 1; c < 256; c++) {
        struct c2_access_entry e = entry;
        C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 20);
        C2_AUTO_PTR(c2_json) *json = NULL;
        int blanks = 0, quotes = 0;
        text[1] = (char)c;
        e.target = e.user = e.id = e.client = text;
        assert_true(c2_access_line(&e, C2_ACCESS_COMMON, &out, &err));
        for (size_t i = 0; i < out.n; i++) {
            assert_true(i + 1 == out.n || (out.p[i] >= 0x20 && out.p[i] < 0x7f));
            blanks += out.p[i] == ' ';
            quotes += out.p[i] == '"' && out.p[i - 1] != '\\';
        }
        assert_int_equal(blanks, 11);
        assert_int_equal(quotes, 2);
        c2_buf_clear(&out);
        assert_true(c2_access_line(&e, C2_ACCESS_JSON, &out, &err));
        out.n--; /* the line's end */
        assert_null(memchr(out.p, '\n', out.n));
        assert_true(c2_json_parse(c2_buf_str(&out), &json, &err));
        assert_int_equal(c2_jlen(c2_json_root(json)), 12);
    }
}

static void a_long_target_is_cut(void **state)
{
    struct c2_access_entry e = entry;
    struct cat2_error err;
    C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 20);
    char *target = malloc(30001);

    memset(target, 'a', 30000);
    target[0] = '/';
    target[30000] = '\0';
    e.target = target;
    assert_true(c2_access_line(&e, C2_ACCESS_COMMON, &out, &err));
    assert_true(out.n < 2200);
    assert_non_null(strstr(c2_buf_cstr(&out), "aaa... HTTP/1.1\""));
    free(target);
}

/* ---- through a server ---- */

static void handle(struct c2_request *req, void *state)
{
    c2_request_set_user(req, "key of ada");
    c2_reply_detail(req, 404, "no such thing");
}

static void on_reply(void *ctx, struct c2_http_reply *reply, const struct cat2_error *err)
{
    assert_null(err);
    assert_int_equal(reply->status, 404);
    c2_loop_stop(ctx);
}

static void a_request_is_logged_when_it_has_ended(void **state)
{
    static const struct c2_route routes[] = {{C2_GET, "/there", handle, NULL, NULL}};
    struct c2_server_options options = {.listen = {.host = "127.0.0.1"}};
    char path[] = "/tmp/access_log_test.XXXXXX", url[100], text[4096] = "";
    struct c2_loop *loop;
    struct c2_server *server;
    struct c2_http *http;
    struct cat2_error err;
    int fd = mkstemp(path), saved = dup(STDERR_FILENO);

    assert_true(fd >= 0 && saved >= 0 && unlink(path) == 0);
    assert_true(c2_loop_new(&loop, &err) && c2_server_new(loop, &options, &server, &err) &&
                c2_http_new(loop, 2, 4, &http, &err));
    c2_server_routes(server, routes, 1, NULL);
    c2_server_serves(server, "subscriber", NULL);
    dup2(fd, STDERR_FILENO);
    assert_true(c2_access_log_start(loop, C2_ACCESS_COMMON, &err));
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/there?token=secret", c2_server_port(server));
    struct c2_http_call call = {.url = url, .body_max = 1000, .done = on_reply, .ctx = loop};
    assert_non_null(c2_http_start(http, &call));
    c2_loop_run(loop);
    c2_http_free(http);
    c2_server_free(server);
    c2_access_log_stop();
    c2_loop_free(loop);
    dup2(saved, STDERR_FILENO);
    assert_true(pread(fd, text, sizeof(text) - 1, 0) > 0);
    assert_non_null(strstr(text, "127.0.0.1 - key\\x20of\\x20ada ["));
    assert_non_null(strstr(text, "\"GET /there?token=*** HTTP/1.1\" 404 26 0."));
    assert_null(strstr(text, "secret"));
    close(fd);
    close(saved);
}

/* ---- answers that are cut short ---- */

#define LARGE (64 << 20) /* more than sockets hold */
#define READ  (3 << 20)

struct cut {
    struct c2_loop *loop;
    int port, log;
};

static void handle_buffer(struct c2_request *req, void *state)
{
    struct c2_buf out = C2_BUF_INIT(LARGE);
    struct cat2_error err;

    assert_true(c2_buf_resize(&out, LARGE, &err));
    c2_reply_buf(req, 200, "text/plain", &out);
}

static void handle_file(struct c2_request *req, void *state)
{
    struct c2_content content = {.nbytes = LARGE, .mtime_ms = -1, .fd = memfd_create("large", MFD_CLOEXEC)};

    assert_true(content.fd >= 0 && ftruncate(content.fd, LARGE) == 0);
    c2_reply_content(req, &content);
}

static void *leave_early(void *ctx)
{
    const struct cut *cut = ctx;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)cut->port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), room = 65536;
    static const char ask[] = "GET /large HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    char block[65536];

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 && send(fd, ask, sizeof(ask) - 1, 0) > 0)
        for (ssize_t n, got = 0; got < READ && (n = recv(fd, block, sizeof(block), 0)) > 0;)
            got += n;
    close(fd);
    return NULL;
}

static void look_for_line(void *ctx)
{
    const struct cut *cut = ctx;
    char text[4096] = "";

    if (pread(cut->log, text, sizeof(text) - 1, 0) > 0 && strstr(text, "/large")) c2_loop_stop(cut->loop);
}

static long long logged_bytes(c2_handler *handler)
{
    const struct c2_route routes[] = {{.method = C2_GET, .pattern = "/large", .handler = handler}};
    struct c2_server_options options = {.listen = {.host = "127.0.0.1"}};
    char path[] = "/tmp/access_log_test.XXXXXX", text[4096] = "";
    struct c2_server *server;
    struct cat2_error err;
    struct cut cut = {.log = mkstemp(path)};
    int saved = dup(STDERR_FILENO);
    pthread_t client;
    long long nbytes = -1;

    assert_true(cut.log >= 0 && unlink(path) == 0);
    assert_true(c2_loop_new(&cut.loop, &err) && c2_server_new(cut.loop, &options, &server, &err));
    cut.port = c2_server_port(server);
    c2_server_routes(server, routes, 1, NULL);
    dup2(cut.log, STDERR_FILENO);
    assert_true(c2_access_log_start(cut.loop, C2_ACCESS_COMMON, &err));
    struct c2_timer *timer = c2_timer_start(cut.loop, 20, 20, look_for_line, &cut);
    assert_int_equal(pthread_create(&client, NULL, leave_early, &cut), 0);
    c2_loop_run(cut.loop);
    pthread_join(client, NULL);
    c2_timer_stop(timer);
    c2_server_free(server);
    c2_access_log_stop();
    c2_loop_free(cut.loop);
    dup2(saved, STDERR_FILENO);
    assert_true(pread(cut.log, text, sizeof(text) - 1, 0) > 0);
    assert_int_equal(sscanf(strstr(text, "\" 200 ") + 6, "%lld", &nbytes), 1);
    close(cut.log);
    close(saved);
    return nbytes;
}

static void of_an_answer_cut_short_what_the_client_took_is_logged(void **state)
{
    c2_handler *const handlers[] = {handle_buffer, handle_file};

    for (size_t i = 0; i < C2_ARRAY_LEN(handlers); i++) {
        long long nbytes = logged_bytes(handlers[i]);
        assert_true(nbytes >= READ - 65536 && nbytes < LARGE / 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_the_common_fields),
        cmocka_unit_test(a_line_of_json_has_them_too),
        cmocka_unit_test(secrets_of_a_query_are_left_out),
        cmocka_unit_test(no_byte_ends_a_line_or_a_field),
        cmocka_unit_test(a_long_target_is_cut),
        cmocka_unit_test(a_request_is_logged_when_it_has_ended),
        cmocka_unit_test(of_an_answer_cut_short_what_the_client_took_is_logged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
