/* SPDX-License-Identifier: BSD-3-Clause */
/* Server, client, WebSockets, workers and the watch, all on one loop over loopback. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base_testing.h"
#include "base/fs.h"
#include "net/http_client.h"
#include "net/watch.h"
#include "net/websocket.h"
#include "net/worker.h"

/* One loop with a server and a client; tests send requests and run the loop until all are answered. */
struct world {
    struct c2_loop *loop;
    struct c2_pool *pool;
    struct c2_http *http;
    struct c2_server *server;
    int waiting;
    int frees;
    struct c2_request *wide[20];
    int nwide, nlarge, nsmall;
};

static const char file_text[] = "0123456789abcdefghij";

static void handle_hello(struct c2_request *req, void *state)
{
    struct c2_buf out = C2_BUF_INIT(1000);
    struct cat2_error err;
    struct c2_str q = {"", 0};

    c2_request_query(req, "q", &q);
    assert_true(c2_buf_printf(&out, &err, "{\"path\":\"%.*s\",\"q\":\"%.*s\"}",
                              C2_STR_ARG(c2_request_param(req, "path")), C2_STR_ARG(q)));
    c2_reply_json(req, 200, &out);
}

struct job {
    struct c2_request *req;
    int value;
};
static void handle_tail(struct c2_request *req, void *state)
{
    struct c2_str path = c2_request_param(req, "path"), tail = c2_request_param(req, "q");

    c2_reply_detail(req, 200, "%.*s|%.*s", C2_STR_ARG(path), C2_STR_ARG(tail));
}

static void job_work(void *job, void *local)
{
    (void)local;
    ((struct job *)job)->value = 42;
}
static void job_done(void *arg)
{
    struct job *job = arg;
    c2_reply_detail(job->req, 200, "%d", job->value);
    free(job);
}
static void handle_work(struct c2_request *req, void *state)
{
    struct world *w = state;
    struct job *job = calloc(1, sizeof(*job));

    job->req = req;
    c2_pool_run(w->pool, job_work, job_done, job);
}

/* 100 000 bytes in steps of 1000, waiting a moment before each tenth. */
struct slow {
    struct world *w;
    struct c2_request *req;
    int sent;
    bool waited;
};
static void slow_wake(void *ctx)
{
    c2_body_wake(((struct slow *)ctx)->req);
}
static int64_t slow_pull(void *ctx, uint8_t *to, size_t room)
{
    struct slow *s = ctx;

    if (s->sent == 100000) return C2_BODY_END;
    if (s->sent % 10000 == 0 && !s->waited) {
        s->waited = true;
        c2_timer_start(s->w->loop, 1, 0, slow_wake, s);
        return C2_BODY_WAIT;
    }
    s->waited = false;
    size_t n = room < 1000 ? room : 1000;
    memset(to, 'x', n);
    s->sent += (int)n;
    return (int64_t)n;
}
static void slow_free(void *ctx)
{
    ((struct slow *)ctx)->w->frees++;
    free(ctx);
}
static void handle_slow(struct c2_request *req, void *state)
{
    struct slow *s = calloc(1, sizeof(*s));
    *s = (struct slow){state, req, 0, false};
    struct c2_body body = {slow_pull, slow_free, s};
    c2_reply_body(req, 200, "text/plain", -1, &body);
}

/* Bodies of 1 MiB that begin when all are there; how much is asked of each at once. */
#define NWIDE       20
#define WIDE_NBYTES ((int64_t)1 << 20)
struct wide {
    struct world *w;
    int64_t sent;
    size_t most;
};
static int64_t wide_pull(void *ctx, uint8_t *to, size_t room)
{
    struct wide *wide = ctx;
    size_t n = (size_t)c2_min_i64((int64_t)room, WIDE_NBYTES - wide->sent);

    if (wide->w->nwide < NWIDE) return C2_BODY_WAIT;
    if (room > wide->most) wide->most = room;
    memset(to, 'x', n);
    wide->sent += (int64_t)n;
    return (int64_t)n;
}
static void wide_free(void *ctx)
{
    struct wide *wide = ctx;

    wide->w->nlarge += wide->most == 256 << 10;
    wide->w->nsmall += wide->most == 64 << 10;
    free(wide);
}
static void handle_wide(struct c2_request *req, void *state)
{
    struct world *w = state;
    struct wide *wide = calloc(1, sizeof(*wide));
    *wide = (struct wide){.w = w};
    struct c2_body body = {wide_pull, wide_free, wide};

    w->wide[w->nwide++] = req;
    c2_reply_body(req, 200, "text/plain", WIDE_NBYTES, &body);
    for (int i = 0; w->nwide == NWIDE && i < NWIDE; i++)
        c2_body_wake(w->wide[i]);
}

static void handle_file(struct c2_request *req, void *state)
{
    struct c2_content content = {sizeof(file_text) - 1, "text/plain", "\"tag\"", -1, -1, NULL, NULL, NULL};
    char path[] = "/tmp/c2-net-XXXXXX";

    content.fd = mkstemp(path);
    unlink(path);
    assert_int_equal(write(content.fd, file_text, sizeof(file_text) - 1), sizeof(file_text) - 1);
    c2_reply_content(req, &content);
}

static void handle_post(struct c2_request *req, void *state)
{
    c2_reply_detail(req, 200, "%zu", c2_request_body(req).n);
}

static void echo_text(void *ctx, struct c2_ws *ws, struct c2_str message)
{
    (void)ctx;
    if (c2_str_is(message, "bye"))
        c2_ws_close(ws, 1000, "as you wish");
    else
        assert_true(c2_ws_send(ws, message));
}
static void echo_close(void *ctx, struct c2_ws *ws, int code, const char *reason)
{
    (void)ctx;
    (void)ws;
    (void)code;
    (void)reason;
}
static void handle_ws(struct c2_request *req, void *state)
{
    static const struct c2_ws_events events = {NULL, echo_text, echo_close};
    struct c2_ws *ws;

    c2_reply_header(req, "X-Extra", "yes");
    c2_reply_websocket(req, &events, state, &ws);
}

static void handle_peer(struct c2_request *req, void *state)
{
    const struct c2_peer *peer = c2_request_peer(req);

    c2_reply_detail(req, 200, "%s %s %s", peer->text, peer->is_loopback ? "loopback" : "elsewhere",
                    peer->family == AF_INET && peer->port > 0 ? "ipv4" : "?");
}

static const struct c2_route routes[] = {
    {C2_GET, "/peer", handle_peer, NULL, NULL},
    {C2_GET, "/api/hello/{path*}", handle_hello, NULL, NULL},
    {C2_GET, "/work", handle_work, NULL, NULL},
    {C2_GET, "/slow", handle_slow, NULL, NULL},
    {C2_GET, "/wide", handle_wide, NULL, NULL},
    {C2_GET, "/file", handle_file, NULL, NULL},
    {C2_POST, "/post", handle_post, NULL, NULL, 1 << 20},
    {C2_GET, "/ws", handle_ws, NULL, NULL},
    {C2_DELETE, "/api/roots/{name}", handle_post, NULL, NULL},
    {C2_GET, "/tail/{path*}/{q}", handle_tail, NULL, NULL},
    {C2_GET, "/strict/{path*}", handle_hello, "@message q/r? s! n* t format=png: width", NULL},
    {C2_GET, "/none/{path*}", handle_hello, "", NULL},
};

static int nfronts; /* of the servers that are started */

static struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof(*w));
    struct c2_server_options options = {
        .listen = {"127.0.0.1", 0, false}, .server_name = "test", .nfronts = nfronts};
    struct cat2_error err;

    assert_true(c2_loop_new(&w->loop, &err));
    assert_true(c2_pool_new(w->loop, 2, NULL, NULL, &w->pool, &err));
    assert_true(c2_http_new(w->loop, 32, 64, &w->http, &err));
    assert_true(c2_server_new(w->loop, &options, &w->server, &err));
    c2_server_routes(w->server, routes, C2_ARRAY_LEN(routes), w);
    return w;
}

static void world_free(struct world *w)
{
    c2_pool_free(w->pool);
    c2_http_free(w->http);
    c2_server_free(w->server);
    c2_loop_free(w->loop);
    free(w);
}

struct answer {
    struct world *w;
    int status;
    enum cat2_code code;
    struct c2_buf body, headers;
};
static void on_done(void *ctx, struct c2_http_reply *reply, const struct cat2_error *err)
{
    struct answer *a = ctx;
    struct cat2_error ignored;

    a->code = err ? err->code : CAT2_OK;
    if (reply) {
        a->status = reply->status;
        a->body = c2_buf_steal(reply->body);
        a->headers = C2_BUF_INIT(65536);
        assert_true(c2_buf_append_str(&a->headers, reply->headers, &ignored));
    }
    if (--a->w->waiting == 0) c2_loop_stop(a->w->loop);
}

static void ask_more(struct world *w, struct answer *a, const char *method, const char *target,
                     const char *const *headers, struct c2_str body)
{
    char url[1000];

    *a = (struct answer){.w = w};
    snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", c2_server_port(w->server), target);
    struct c2_http_call call = {.method = method,
                                .url = url,
                                .headers = headers,
                                .body = body,
                                .body_max = 1 << 22,
                                .done = on_done,
                                .ctx = a};
    w->waiting++;
    assert_non_null(c2_http_start(w->http, &call));
}

static struct answer ask(struct world *w, const char *method, const char *target, const char *const *headers)
{
    struct answer a;

    ask_more(w, &a, method, target, headers, (struct c2_str){"", 0});
    c2_loop_run(w->loop);
    return a;
}

static void answer_fini(struct answer *a)
{
    c2_buf_fini(&a->body);
    c2_buf_fini(&a->headers);
}

static void the_peer_of_a_request_is_known(void **state)
{
    struct world *w = world_new();
    struct answer a = ask(w, "GET", "/peer", NULL);

    assert_int_equal(a.status, 200);
    assert_string_equal(c2_buf_cstr(&a.body), "{\"detail\":\"127.0.0.1 loopback ipv4\"}");
    answer_fini(&a);
    world_free(w);
}

static void routes_are_found_and_faults_are_answered(void **state)
{
    static const struct {
        const char *method, *target;
        int status;
        const char *body;
    } cases[] = {
        {"GET", "/api/hello/a/b?q=1+2%203", 200, "{\"path\":\"a/b\",\"q\":\"1 2 3\"}"},
        {"GET", "/api/hello/a%20b?q=1&q=2", 200, "{\"path\":\"a b\",\"q\":\"2\"}"},
        {"GET", "/api//hello/x", 200, "{\"path\":\"x\",\"q\":\"\"}"},
        {"GET", "/api/hello/", 200, "{\"path\":\"\",\"q\":\"\"}"},
        {"GET", "/api/hello", 307, ""},
        {"GET", "/work/", 307, ""},
        {"GET", "/nope", 404, "{\"detail\":\"nothing is served at /nope\"}"},
        {"POST", "/work", 405, "{\"detail\":\"/work: this method is not allowed here\"}"},
        {"GET", "/work", 200, "{\"detail\":\"42\"}"},
        {"DELETE", "/api/roots/foo", 200, "{\"detail\":\"0\"}"},
        {"DELETE", "/api/roots/", 404, "{\"detail\":\"nothing is served at /api/roots/\"}"},
        {"GET", "/tail/a/b/c%20d", 200, "{\"detail\":\"a/b|c d\"}"},
        {"GET", "/tail/a/b", 200, "{\"detail\":\"a|b\"}"},
        {"GET", "/tail//b", 404, "{\"detail\":\"nothing is served at /tail/b\"}"},
        {"GET", "/tail/b", 404, "{\"detail\":\"nothing is served at /tail/b\"}"},
        {"GET", "/tail/a/", 404, "{\"detail\":\"nothing is served at /tail/a/\"}"},
    };
    struct world *w = world_new();

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct answer a = ask(w, cases[i].method, cases[i].target, NULL);
        assert_int_equal(a.status, cases[i].status);
        assert_string_equal(c2_buf_cstr(&a.body), cases[i].body);
        answer_fini(&a);
    }
    world_free(w);
}

/* Relative, because the server does not know its address behind a proxy. */
static void a_redirect_is_relative_to_what_was_asked(void **state)
{
    static const struct {
        const char *target, *location;
    } cases[] = {
        {"/api/hello", "../api/hello/"},          {"/api/hello?q=a:b", "../api/hello/?q=a:b"},
        {"//api//hello", "../../../api//hello/"}, {"/work/", "../work"},
        {"/work///?x", "../../../work?x"},
    };
    struct world *w = world_new();

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        char line[100];
        struct answer a = ask(w, "GET", cases[i].target, NULL);
        snprintf(line, sizeof(line), "Location: %s\r\n", cases[i].location);
        assert_int_equal(a.status, 307);
        if (!strstr(c2_buf_cstr(&a.headers), line))
            fail_msg("%s: %s", cases[i].target, c2_buf_cstr(&a.headers));
        answer_fini(&a);
    }
    world_free(w);
}

static void a_query_holds_what_its_route_takes(void **state)
{
    static const struct {
        const char *target;
        int status;
        const char *message; /* NULL: any */
    } cases[] = {
        {"/strict/?q=1", 200, NULL},
        {"/strict/?q=&r=", 200, NULL},
        {"/strict/?%71=1&s=yes&n=1&n=2&_=9", 200, NULL},
        {"/strict/?q=1&q=1", 200, NULL},
        {"/strict/?q=a+b&r=a%20b", 200, NULL},
        {"/strict/?format=png&width=3", 400, NULL}, /* format itself is not known */
        {"/strict/?q=1&q=2", 400, "the parameter 'q' is given twice, with different values"},
        {"/strict/?r=1&q=2", 400, "'r' and 'q' are the same parameter: give one of them"},
        {"/strict/?t=", 400, "the parameter 't' is empty"},
        {"/strict/?s=maybe", 422, "s: 'maybe' is not a boolean"},
        {"/strict/?width=3", 400,
         "the parameter 'width' goes with format=png only; without it there are: q, r, s, n, t"},
        {"/strict/?x=1", 400, "unknown parameter 'x'; known are: q, r, s, n, t"},
        {"/none/?x=1", 400, NULL},
        {"/none/?_=1", 200, NULL},
        {"/none/?&&", 200, NULL},
        {"/none/?=1", 400, NULL},
    };
    struct world *w = world_new();

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct answer a = ask(w, "GET", cases[i].target, NULL);
        C2_AUTO(c2_buf) want = C2_BUF_INIT(1000);
        struct cat2_error err;
        assert_int_equal(a.status, cases[i].status);
        if (cases[i].message) {
            assert_true(c2_buf_printf(&want, &err, "{\"message\":\"%s\"}", cases[i].message));
            assert_string_equal(c2_buf_cstr(&a.body), c2_buf_cstr(&want));
        }
        answer_fini(&a);
    }
    world_free(w);
}

static void a_body_waits_and_arrives_whole(void **state)
{
    struct world *w = world_new();
    struct answer a = ask(w, "GET", "/slow", NULL);

    assert_int_equal(a.status, 200);
    assert_int_equal(a.body.n, 100000);
    answer_fini(&a);
    world_free(w);
}

/* A client that does not read keeps one block of an answer in memory. */
static void few_bodies_are_offered_in_large_blocks(void **state)
{
    struct world *w = world_new();
    struct answer answers[NWIDE];

    for (int i = 0; i < NWIDE; i++)
        ask_more(w, &answers[i], "GET", "/wide", NULL, (struct c2_str){"", 0});
    c2_loop_run(w->loop);
    for (int i = 0; i < NWIDE; i++) {
        assert_int_equal(answers[i].body.n, WIDE_NBYTES);
        answer_fini(&answers[i]);
    }
    while (w->nlarge + w->nsmall < NWIDE) { /* a front has sent it, and tells so */
        struct answer a = ask(w, "GET", "/peer", NULL);
        answer_fini(&a);
    }
    assert_int_equal(w->nlarge, 16);
    assert_int_equal(w->nsmall, NWIDE - 16);
    world_free(w);
}

static void a_body_of_a_client_that_left_is_freed(void **state)
{
    struct world *w = world_new();
    char url[100];
    struct answer a = {.w = w};

    snprintf(url, sizeof(url), "http://127.0.0.1:%d/slow", c2_server_port(w->server));
    struct c2_http_call call = {.url = url, .body_max = 5000, .done = on_done, .ctx = &a};
    w->waiting = 1;
    assert_non_null(c2_http_start(w->http, &call));
    c2_loop_run(w->loop);
    assert_int_equal(a.code, CAT2_ELIMIT);
    int frees = 0;
    world_free(w);
    (void)frees;
}

static void hundred_requests_at_once_are_all_answered(void **state)
{
    struct world *w = world_new();
    struct answer answers[100];

    for (int i = 0; i < 100; i++)
        ask_more(w, &answers[i], "GET", i % 2 ? "/work" : "/api/hello/x", NULL, (struct c2_str){"", 0});
    c2_loop_run(w->loop);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(answers[i].status, 200);
        answer_fini(&answers[i]);
    }
    world_free(w);
}

static void ranges_and_conditions_are_honoured(void **state)
{
    static const struct {
        const char *header;
        int status;
        const char *body;
    } cases[] = {
        {"X: y", 200, file_text},
        {"Range: bytes=0-3", 206, "0123"},
        {"Range: bytes=-5", 206, "fghij"},
        {"Range: bytes=15-", 206, "fghij"},
        {"Range: bytes=18-99", 206, "ij"},
        {"Range: bytes=20-", 416, NULL},
        {"Range: bytes=-0", 416, NULL},
        {"Range: lines=1-2", 200, file_text},
        {"Range: bytes=5-2", 200, file_text},
        {"Range: bytes=x", 200, file_text},
        {"If-None-Match: \"tag\"", 304, ""},
        {"If-None-Match: \"other\", \"tag\"", 304, ""},
        {"If-None-Match: \"other\"", 200, file_text},
        {"If-Match: \"other\"", 412, NULL},
        {"If-Match: *", 200, file_text},
        {"If-Match: \"tag\"", 200, file_text},
        {"If-Match: tag", 200, file_text}, /* as Python's clients */
        /* Weak etags are compared by If-None-Match alone. */
        {"If-None-Match: W/\"tag\"", 304, ""},
        {"If-Match: W/\"tag\"", 412, NULL},
        {"If-Match: W/\"tag\", \"other\"", 412, NULL},
        {"If-Match: W/\"tag\", \"tag\"", 200, file_text},
    };
    struct world *w = world_new();

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        const char *headers[] = {cases[i].header, NULL};
        struct answer a = ask(w, "GET", "/file", headers);
        assert_int_equal(a.status, cases[i].status);
        if (cases[i].body) assert_string_equal(c2_buf_cstr(&a.body), cases[i].body);
        answer_fini(&a);
    }
    world_free(w);
}

static void conditions_in_several_fields_are_one_list(void **state)
{
    static const char *const cases[][3] = {{"If-Match: \"other\"", "If-Match: \"tag\"", NULL},
                                           {"If-None-Match: \"other\"", "If-None-Match: \"tag\"", NULL},
                                           {"If-Match: \"other\"", "If-Match: W/\"tag\"", NULL},
                                           {"If-None-Match: \"other\"", "If-None-Match: \"x\"", NULL}};
    static const int statuses[] = {200, 304, 412, 200};
    struct world *w = world_new();

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct answer a = ask(w, "GET", "/file", cases[i]);
        assert_int_equal(a.status, statuses[i]);
        answer_fini(&a);
    }
    world_free(w);
}

static void a_range_of_another_generation_is_not_given(void **state)
{
    static const char *const others[] = {"If-Range: \"other\"", "If-Range: W/\"tag\"", "If-Range: tag",
                                         "If-Range: *", "If-Range: Sat, 28 Nov 2026 18:00:00 GMT"};
    struct world *w = world_new();

    for (size_t i = 0; i < C2_ARRAY_LEN(others); i++) {
        const char *headers[] = {"Range: bytes=0-3", others[i], NULL};
        struct answer a = ask(w, "GET", "/file", headers);
        assert_int_equal(a.status, 200);
        assert_string_equal(c2_buf_cstr(&a.body), file_text);
        answer_fini(&a);
    }
    world_free(w);
}

static void several_ranges_come_as_multipart(void **state)
{
    const char *headers[] = {"Range: bytes=0-1, 10-12", "If-Range: \"tag\"", NULL};
    struct world *w = world_new();
    struct answer a = ask(w, "GET", "/file", headers);

    assert_int_equal(a.status, 206);
    assert_non_null(strstr(c2_buf_cstr(&a.headers), "multipart/byteranges; boundary="));
    assert_non_null(strstr(c2_buf_cstr(&a.body), "Content-Range: bytes 0-1/20\r\n\r\n01\r\n--"));
    assert_non_null(strstr(c2_buf_cstr(&a.body), "Content-Range: bytes 10-12/20\r\n\r\nabc\r\n--"));
    answer_fini(&a);
    world_free(w);
}

static void a_posted_body_is_read_up_to_its_ceiling(void **state)
{
    struct world *w = world_new();
    const char *const longer[] = {"Content-Length: 1048577", NULL};
    const char *const chunked[] = {"Transfer-Encoding: chunked", NULL};
    const struct {
        const char *method, *target;
        const char *const *headers;
        size_t n;
        int status;
    } cases[] = {
        {"POST", "/post", NULL, 1000, 200},
        {"POST", "/post", NULL, 1 << 20, 200},
        {"POST", "/post", longer, 1000, 413},
        {"POST", "/post", chunked, 1 << 20, 200},
        {"POST", "/post", chunked, (1 << 20) + 1, 413},
        {"DELETE", "/api/roots/x", NULL, 1, 200},
        {"DELETE", "/api/roots/x", chunked, 4096, 200},
        {"DELETE", "/api/roots/x", chunked, 4097, 413},
        {"DELETE", "/api/roots/x", NULL, 4097, 413},
        {"POST", "/api/hello/x", NULL, 1, 405},
        {"POST", "/nowhere", longer, 1000, 404},
    };
    char *big = malloc(2 << 20), expected[100];

    memset(big, 'b', 2 << 20);
    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct answer a;
        ask_more(w, &a, cases[i].method, cases[i].target, cases[i].headers, (struct c2_str){big, cases[i].n});
        c2_loop_run(w->loop);
        assert_int_equal(a.status, cases[i].status);
        snprintf(expected, sizeof(expected), "{\"detail\":\"%zu\"}",
                 strcmp(cases[i].method, "POST") == 0 ? cases[i].n : 0);
        if (a.status == 200) assert_string_equal(c2_buf_cstr(&a.body), expected);
        answer_fini(&a);
    }
    free(big);
    world_free(w);
}

static void nobody_listening_is_an_error_not_a_hang(void **state)
{
    struct world *w = world_new();
    struct answer a = {.w = w};
    struct c2_http_call call = {.url = "http://127.0.0.1:1/x", .done = on_done, .ctx = &a};

    w->waiting = 1;
    assert_non_null(c2_http_start(w->http, &call));
    c2_loop_run(w->loop);
    assert_int_equal(a.code, CAT2_EUPSTREAM);
    world_free(w);
}

struct talk {
    struct world *w;
    int got, code;
    char *big;
    bool extra;
};
static void talk_open(void *ctx, struct c2_ws *ws)
{
    struct talk *t = ctx;
    struct c2_str value;

    t->extra = c2_ws_handshake_header(ws, "x-extra", &value) && c2_str_is(value, "yes");
    assert_true(c2_ws_send(ws, C2_STR("hello")));
}
static void talk_text(void *ctx, struct c2_ws *ws, struct c2_str message)
{
    struct talk *t = ctx;

    t->got++;
    if (t->got == 1) {
        assert_true(c2_str_is(message, "hello"));
        assert_true(c2_ws_send(ws, (struct c2_str){t->big, 1 << 20}));
    } else if (t->got == 2) {
        assert_int_equal(message.n, 1 << 20);
        assert_memory_equal(message.p, t->big, 1 << 20);
        assert_true(c2_ws_send(ws, C2_STR("bye")));
    }
}
static void talk_close(void *ctx, struct c2_ws *ws, int code, const char *reason)
{
    struct talk *t = ctx;

    (void)ws;
    (void)reason;
    t->code = code;
    c2_loop_stop(t->w->loop);
}

/* Refuses IPv4's loopback, whatever name led there. */
static bool refuse_all(void *ctx, const struct sockaddr *to, char why[C2_WHY_MAX])
{
    int *asked = ctx;

    ++*asked;
    assert_true(to->sa_family == AF_INET || to->sa_family == AF_INET6);
    snprintf(why, C2_WHY_MAX, "it is forbidden");
    return false;
}

static void addresses_are_judged_before_a_connection_is_made(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost"};
    struct world *w = world_new();
    int asked = 0;
    char url[100];

    c2_http_judge_by(w->http, refuse_all, &asked);
    for (size_t i = 0; i < C2_ARRAY_LEN(hosts); i++) {
        struct answer refused = {.w = w}, known = {.w = w};
        bool nobody = false;
        snprintf(url, sizeof(url), "http://%s:%d/api/hello/x", hosts[i], c2_server_port(w->server));
        struct c2_http_call call = {
            .url = url, .nobody = &nobody, .fresh = true, .done = on_done, .ctx = &refused};
        w->waiting = 1;
        assert_non_null(c2_http_start(w->http, &call));
        c2_loop_run(w->loop);
        assert_int_equal(refused.code, CAT2_EUPSTREAM);
        assert_true(nobody);
        assert_true(asked > (int)i);
        call.known = true;
        call.ctx = &known;
        w->waiting = 1;
        assert_non_null(c2_http_start(w->http, &call));
        c2_loop_run(w->loop);
        assert_int_equal(known.status, 200);
        answer_fini(&refused);
        answer_fini(&known);
    }
    world_free(w);
}

/* A server that sends three bytes, one every 300 ms, to two clients one after the other. */
static void *drip(void *ctx)
{
    static const char HEAD[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
    int listener = *(int *)ctx;

    for (int i = 0; i < 2; i++) {
        int fd = accept(listener, NULL, NULL);
        bool there = send(fd, HEAD, sizeof(HEAD) - 1, MSG_NOSIGNAL) > 0;
        for (int sent = 0; there && sent < 3; sent++) {
            poll(NULL, 0, 300);
            there = send(fd, "x", 1, MSG_NOSIGNAL) > 0;
        }
        close(fd);
    }
    return NULL;
}

static void who_sends_a_byte_now_and_then_is_given_up(void **state)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct answer slow, patient;
    struct world *w = world_new();
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t n = sizeof(at);
    pthread_t thread;
    char url[64];

    assert_true(bind(listener, (struct sockaddr *)&at, n) == 0 && listen(listener, 2) == 0 &&
                getsockname(listener, (struct sockaddr *)&at, &n) == 0);
    assert_int_equal(pthread_create(&thread, NULL, drip, &listener), 0);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", ntohs(at.sin_port));
    slow = patient = (struct answer){.w = w};
    struct c2_http_call call = {.url = url, .fresh = true, .stall_ms = 1, .done = on_done, .ctx = &slow};
    w->waiting = 1;
    assert_non_null(c2_http_start(w->http, &call));
    c2_loop_run(w->loop);
    assert_int_equal(slow.code, CAT2_EUPSTREAM);
    call.ctx = &patient;
    call.stall_ms = 60000;
    w->waiting = 1;
    assert_non_null(c2_http_start(w->http, &call));
    c2_loop_run(w->loop);
    assert_int_equal(patient.status, 200);
    pthread_join(thread, NULL);
    close(listener);
    answer_fini(&slow);
    answer_fini(&patient);
    world_free(w);
}

static void two_ends_of_a_websocket_talk_and_part(void **state)
{
    static const struct c2_ws_events events = {talk_open, talk_text, talk_close};
    struct world *w = world_new();
    struct talk talk = {.w = w, .big = malloc(1 << 20)};
    char url[100];

    memset(talk.big, 'z', 1 << 20);
    snprintf(url, sizeof(url), "ws://127.0.0.1:%d/ws", c2_server_port(w->server));
    assert_non_null(c2_ws_connect(w->loop, url, NULL, NULL, &events, &talk));
    c2_loop_run(w->loop);
    assert_int_equal(talk.got, 2);
    assert_int_equal(talk.code, 1000);
    assert_true(talk.extra);
    snprintf(url, sizeof(url), "ws://127.0.0.1:%d/nope", c2_server_port(w->server));
    assert_non_null(c2_ws_connect(w->loop, url, NULL, NULL, &events, &talk));
    c2_loop_run(w->loop);
    assert_int_equal(talk.code, 1006);
    assert_non_null(c2_ws_connect(w->loop, "ws://127.0.0.1:1/", NULL, NULL, &events, &talk));
    c2_loop_run(w->loop);
    assert_int_equal(talk.code, 1006);
    free(talk.big);
    world_free(w);
}

struct seen {
    struct c2_loop *loop;
    struct c2_buf names;
    const char *last;
};
static void on_change(void *ctx, const char *rel)
{
    struct seen *seen = ctx;
    struct cat2_error err;

    assert_true(c2_buf_printf(&seen->names, &err, "%s ", rel ? rel : "*"));
    if (rel && strcmp(rel, seen->last) == 0) c2_loop_stop(seen->loop);
}

static void touch(const char *dir, const char *name)
{
    char path[300];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_CREAT, 0666);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
}

static void files_of_new_directories_are_seen(void **state)
{
    char dir[] = "/tmp/c2-watch-XXXXXX", path[300];
    struct seen seen = {.names = C2_BUF_INIT(10000), .last = "a/b/late"};
    struct c2_watch *watch;
    struct cat2_error err;

    assert_non_null(mkdtemp(dir));
    assert_true(c2_loop_new(&seen.loop, &err));
    assert_true(c2_watch_new(seen.loop, dir, on_change, &seen, &watch, &err));
    touch(dir, "top");
    for (const char *const *sub = (const char *const[]){"a", "a/b", NULL}; *sub; sub++) {
        snprintf(path, sizeof(path), "%s/%s", dir, *sub);
        assert_int_equal(mkdir(path, 0777), 0);
    }
    touch(dir, "a/b/late");
    c2_loop_run(seen.loop);
    assert_non_null(strstr(c2_buf_cstr(&seen.names), "top "));
    c2_watch_free(watch);
    c2_loop_free(seen.loop);
    c2_buf_fini(&seen.names);
    c2_fs_remove_tree(dir);
}

static void note_name(void *ctx, const char *rel)
{
    struct cat2_error err;

    assert_true(c2_buf_printf(ctx, &err, "%s ", rel ? rel : "?"));
}

static void what_has_happened_is_told_when_it_is_asked_for(void **state)
{
    char dir[] = "/tmp/c2-watch-XXXXXX";
    C2_AUTO(c2_buf) names = C2_BUF_INIT(10000);
    struct c2_loop *loop;
    struct c2_watch *watch;
    struct cat2_error err;

    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_true(c2_loop_new(&loop, &err));
    assert_true(c2_watch_new(loop, dir, note_name, &names, &watch, &err));
    c2_watch_hear(watch);
    assert_int_equal(names.n, 0);
    touch(dir, "now");
    c2_watch_hear(watch); /* the loop has not run */
    assert_string_equal(c2_buf_cstr(&names), "now ");
    c2_watch_hear(watch);
    assert_string_equal(c2_buf_cstr(&names), "now ");
    c2_watch_free(watch);
    c2_loop_free(loop);
    c2_fs_remove_tree(dir);
}

/* ---- the last moment ---- */

static const char plain_get[] = "GET /counted HTTP/1.1\r\nHost: x\r\n\r\n";

struct last {
    struct world *w;
    int fd, handled;
    char text[4096];
    size_t n;
};
static void handle_counted(struct c2_request *req, void *state)
{
    ((struct last *)state)->handled++;
    c2_reply_detail(req, 200, "done");
}
static void look_for_answer(void *ctx)
{
    struct last *last = ctx;
    ssize_t n = recv(last->fd, last->text + last->n, sizeof(last->text) - 1 - last->n, MSG_DONTWAIT);

    if (n > 0) last->n += (size_t)n;
    if (strstr(last->text, "done")) c2_loop_stop(last->w->loop);
}

/* What handlers work on is gone by then. */
static void a_request_that_comes_while_the_server_is_freed_reaches_no_handler(void **state)
{
    struct world *w = world_new();
    struct last last = {.w = w, .fd = socket(AF_INET, SOCK_STREAM, 0)};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)c2_server_port(w->server))};
    static const struct c2_route counted[] = {{C2_GET, "/counted", handle_counted, NULL, NULL}};

    c2_server_routes(w->server, counted, 1, &last);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(last.fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(send(last.fd, plain_get, sizeof(plain_get) - 1, 0), sizeof(plain_get) - 1);
    struct c2_timer *timer = c2_timer_start(w->loop, 2, 2, look_for_answer, &last);
    c2_loop_run(w->loop);
    c2_timer_stop(timer);
    assert_int_equal(last.handled, 1);
    assert_int_equal(send(last.fd, plain_get, sizeof(plain_get) - 1, 0), sizeof(plain_get) - 1);
    world_free(w);
    assert_int_equal(last.handled, 1);
    close(last.fd);
}

static void look_for_end(void *ctx)
{
    struct last *last = ctx;
    ssize_t n = recv(last->fd, last->text + last->n, sizeof(last->text) - 1 - last->n, MSG_DONTWAIT);

    if (n > 0) last->n += (size_t)n;
    if (n == 0) c2_loop_stop(last->w->loop);
}

/* Whoever says that it sends no more still gets its answers, also those that take a while. */
static void a_client_that_sends_no_more_is_answered(void **state)
{
    static const char two[] = "GET /work HTTP/1.1\r\nHost: a\r\n\r\nGET /peer HTTP/1.1\r\nHost: a\r\n\r\n";
    struct world *w = world_new();
    struct last last = {.w = w, .fd = socket(AF_INET, SOCK_STREAM, 0)};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)c2_server_port(w->server))};

    (void)state;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(last.fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(send(last.fd, two, sizeof(two) - 1, 0), sizeof(two) - 1);
    assert_int_equal(shutdown(last.fd, SHUT_WR), 0);
    struct c2_timer *timer = c2_timer_start(w->loop, 2, 2, look_for_end, &last);
    c2_loop_run(w->loop);
    c2_timer_stop(timer);
    const char *second = strstr(last.text + 1, "HTTP/1.1 200");
    assert_int_equal(strncmp(last.text, "HTTP/1.1 200", 12), 0);
    assert_non_null(second);
    world_free(w);
    close(last.fd);
}

static int with_threads(void **state)
{
    (void)state;
    nfronts = 2;
    return 0;
}

static int without_threads(void **state)
{
    (void)state;
    nfronts = 0;
    return 0;
}

#define OF_FRONTS(test)                                                                                      \
    cmocka_unit_test(test), cmocka_unit_test_setup_teardown(test, with_threads, without_threads)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OF_FRONTS(the_peer_of_a_request_is_known),
        OF_FRONTS(routes_are_found_and_faults_are_answered),
        OF_FRONTS(a_redirect_is_relative_to_what_was_asked),
        OF_FRONTS(a_query_holds_what_its_route_takes),
        OF_FRONTS(a_body_waits_and_arrives_whole),
        OF_FRONTS(few_bodies_are_offered_in_large_blocks),
        OF_FRONTS(a_body_of_a_client_that_left_is_freed),
        OF_FRONTS(hundred_requests_at_once_are_all_answered),
        OF_FRONTS(a_client_that_sends_no_more_is_answered),
        OF_FRONTS(ranges_and_conditions_are_honoured),
        OF_FRONTS(conditions_in_several_fields_are_one_list),
        OF_FRONTS(a_range_of_another_generation_is_not_given),
        OF_FRONTS(several_ranges_come_as_multipart),
        OF_FRONTS(a_posted_body_is_read_up_to_its_ceiling),
        cmocka_unit_test(nobody_listening_is_an_error_not_a_hang),
        cmocka_unit_test(addresses_are_judged_before_a_connection_is_made),
        cmocka_unit_test(who_sends_a_byte_now_and_then_is_given_up),
        OF_FRONTS(two_ends_of_a_websocket_talk_and_part),
        cmocka_unit_test(files_of_new_directories_are_seen),
        cmocka_unit_test(what_has_happened_is_told_when_it_is_asked_for),
        OF_FRONTS(a_request_that_comes_while_the_server_is_freed_reaches_no_handler),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
