/* SPDX-License-Identifier: BSD-3-Clause */
/* Answers with hashes over loopback: accepted when the hash matches, asked for again when it does not. */
#include "base/base_testing.h"
#include "base/log.h"
#include "net/checked.h"
#include "net/server_impl.h"

struct world {
    struct c2_loop *loop;
    struct c2_http *http;
    struct c2_server *server;
    int nasked;
    int status; /* of the last answer; 0: none came */
    bool hashed, head_hashed;
    struct c2_buf body, streamed;
    struct cat2_error err;
};

static void handle_hello(struct c2_request *req, void *state)
{
    struct world *w = state;
    struct c2_buf out = C2_BUF_INIT(100);
    struct cat2_error err;

    w->nasked++;
    assert_true(c2_buf_puts(&out, "{\"hello\":1}", &err));
    c2_reply_header(req, "ETag", "\"a\"");
    c2_reply_json(req, 200, &out);
}

static int64_t pull(void *ctx, uint8_t *to, size_t room)
{
    int *sent = ctx;

    assert_true(room >= 3);
    if (++*sent > 2) return C2_BODY_END;
    memcpy(to, "abc", 3);
    return 3;
}

static void handle_stream(struct c2_request *req, void *state)
{
    struct world *w = state;
    struct c2_body body = {pull, free, calloc(1, sizeof(int))};

    w->nasked++;
    c2_reply_body(req, 200, "text/plain", -1, &body);
}

static void handle_post(struct c2_request *req, void *state)
{
    struct world *w = state;

    w->nasked++;
    c2_reply_empty(req, 204);
}

/* As a service of an older version. */
static void handle_old(struct c2_request *req, void *state)
{
    struct world *w = state;

    w->nasked++;
    c2_reply_send(req, 200, MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT));
}

static const struct c2_route routes[] = {
    {C2_GET, "/old", handle_old, NULL, NULL},
    {C2_GET, "/hello", handle_hello, NULL, NULL},
    {C2_GET, "/stream", handle_stream, NULL, NULL},
    {C2_POST, "/post", handle_post, NULL, NULL, 1 << 20},
};

static int make_world(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct c2_server_options options = {.listen = {"127.0.0.1", 0, false}};
    struct cat2_error err;

    assert_true(c2_loop_new(&w->loop, &err));
    assert_true(c2_http_new(w->loop, 4, 16, &w->http, &err));
    assert_true(c2_server_new(w->loop, &options, &w->server, &err));
    c2_server_routes(w->server, routes, C2_ARRAY_LEN(routes), w);
    c2_buf_init(&w->streamed, 1000);
    *state = w;
    c2_log_set_level(C2_ERROR);
    return 0;
}

static int free_world(void **state)
{
    struct world *w = *state;

    c2_http_free(w->http);
    c2_server_free(w->server);
    c2_loop_free(w->loop);
    c2_buf_fini(&w->body);
    c2_buf_fini(&w->streamed);
    free(w);
    c2_log_set_level(C2_INFO);
    return 0;
}

static bool on_head(void *ctx, const struct c2_http_reply *reply, struct cat2_error *err)
{
    (void)err;
    ((struct world *)ctx)->head_hashed = reply->hashed;
    return true;
}

static bool on_data(void *ctx, int status, struct c2_bytes bytes, struct cat2_error *err)
{
    (void)status;
    return c2_buf_append(&((struct world *)ctx)->streamed, bytes.p, bytes.n, err);
}

static void on_done(void *ctx, struct c2_http_reply *reply, const struct cat2_error *err)
{
    struct world *w = ctx;

    w->status = reply ? reply->status : 0;
    w->hashed = reply && reply->hashed;
    c2_buf_fini(&w->body);
    if (reply) w->body = c2_buf_steal(reply->body);
    if (err) w->err = *err;
    c2_loop_stop(w->loop);
}

static void ask(struct world *w, const char *method, const char *target, struct c2_str body, bool streams,
                enum c2_check check)
{
    char url[200];

    snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", c2_server_port(w->server), target);
    struct c2_http_call call = {.method = method, .url = url, .body = body, .done = on_done, .ctx = w};
    if (streams) call.head = on_head;
    if (streams) call.data = on_data;
    w->nasked = 0;
    assert_non_null(c2_checked_start(w->http, &call, C2_WIRE_INFO, check));
    c2_loop_run(w->loop);
}

static void answers_are_believed_by_their_hash(void **state)
{
    struct world *w = *state;
    struct c2_str none = {"", 0};

    ask(w, NULL, "/hello?a=1", none, false, C2_CHECK_MUST);
    assert_int_equal(w->status, 200);
    assert_true(w->hashed);
    ask(w, NULL, "/nothing", none, false, C2_CHECK_MUST); /* also that there is nothing */
    assert_int_equal(w->status, 404);
    assert_true(w->hashed);
    ask(w, NULL, "/stream", none, true, C2_CHECK_MUST);
    assert_int_equal(w->status, 200);
    assert_true(w->hashed && w->head_hashed);
    assert_string_equal(c2_buf_cstr(&w->streamed), "abcabc");
    ask(w, NULL, "/nothing", none, true, C2_CHECK_MUST);
    assert_int_equal(w->status, 404);
    assert_true(w->hashed);
    ask(w, "POST", "/post", C2_STR("{}"), false, C2_CHECK_MUST);
    assert_int_equal(w->status, 204);
    assert_int_equal(w->nasked, 1);
}

static void an_answer_without_a_hash_is_damaged_where_there_should_be_one(void **state)
{
    struct world *w = *state;
    uint64_t before = c2_wire_mismatches(C2_WIRE_INFO);
    struct c2_str none = {"", 0};

    ask(w, NULL, "/old", none, false, C2_CHECK_ASK);
    assert_int_equal(w->status, 200);
    assert_false(w->hashed);
    assert_int_equal(w->nasked, 1);
    ask(w, NULL, "/old", none, false, C2_CHECK_PREFER);
    assert_int_equal(w->status, 200);
    assert_false(w->hashed);
    assert_int_equal(w->nasked, 3);
    ask(w, NULL, "/old", none, false, C2_CHECK_MUST);
    assert_int_equal(w->status, 0);
    assert_int_equal(w->nasked, 3);
    assert_int_equal(w->err.code, CAT2_EUPSTREAM);
    assert_non_null(strstr(w->err.message, "damaged on its way, 3 times"));
    assert_int_equal(c2_wire_mismatches(C2_WIRE_INFO), before + 5);
}

static void a_body_that_is_not_what_was_sent_is_refused(void **state)
{
    struct world *w = *state;
    const char *headers[] = {C2_PROOF_HEADER ": 0123456789abcdef", NULL};
    char url[200];

    snprintf(url, sizeof(url), "http://127.0.0.1:%d/post", c2_server_port(w->server));
    struct c2_http_call call = {
        .method = "POST", .url = url, .headers = headers, .body = C2_STR("{}"), .done = on_done, .ctx = w};
    w->nasked = 0;
    assert_non_null(c2_http_start(w->http, &call));
    c2_loop_run(w->loop);
    assert_int_equal(w->status, 400);
    assert_int_equal(w->nasked, 0);
    assert_non_null(strstr(c2_buf_cstr(&w->body), "damaged on its way"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_are_believed_by_their_hash, make_world, free_world),
        cmocka_unit_test_setup_teardown(an_answer_without_a_hash_is_damaged_where_there_should_be_one,
                                        make_world, free_world),
        cmocka_unit_test_setup_teardown(a_body_that_is_not_what_was_sent_is_refused, make_world, free_world),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
