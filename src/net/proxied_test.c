/* SPDX-License-Identifier: BSD-3-Clause */
/* A server on loopback, asked as proxies ask: whom it takes for the client, and for which address. */
#include "base/base_testing.h"
#include "net/exposure.h"
#include "net/http_client.h"
#include "net/server.h"

struct world {
    struct c2_loop *loop;
    struct c2_http *http;
    struct c2_server *server;
    struct c2_exposure exposure;
    int status;
    struct c2_buf body, headers;
};

static void handle_told(struct c2_request *req, void *state)
{
    const struct c2_peer *peer = c2_request_peer(req);
    const char *url = c2_request_told_url(req), *prefix = c2_request_prefix(req);

    c2_reply_detail(req, 200, "%s %s %s %s %s", peer->text,
                    !peer->family       ? "hidden"
                    : peer->is_loopback ? "here"
                                        : "elsewhere",
                    *prefix ? prefix : "-", url ? url : "-", c2_request_is_https(req) ? "https" : "-");
}

static void handle_target(struct c2_request *req, void *state)
{
    struct c2_str target = c2_request_target(req), path = c2_request_path(req);

    c2_reply_detail(req, 200, "%.*s %.*s", C2_STR_ARG(target), C2_STR_ARG(path));
}

static void handle_away(struct c2_request *req, void *state)
{
    c2_reply_redirect(req, "/api/told?x=1");
}

static void handle_own(struct c2_request *req, void *state)
{
    c2_reply_header(req, "Content-Security-Policy", "default-src 'self'");
    c2_reply_detail(req, 200, "own");
}

static const struct c2_route routes[] = {
    {C2_GET, "/api/told", handle_told, NULL, NULL},
    {C2_POST, "/api/told", handle_told, NULL, NULL},
    {C2_GET, "/target/{path*}", handle_target, NULL, NULL},
    {C2_GET, "/deep/er/away", handle_away, NULL, NULL},
    {C2_GET, "/own/", handle_own, NULL, NULL},
};

static struct world *world_new(const struct c2_exposure_settings *settings)
{
    struct world *w = calloc(1, sizeof(*w));
    struct c2_server_options options = {
        .listen = {"127.0.0.1", 0, false}, .cors = true, .exposure = &w->exposure};
    struct cat2_error err;

    if (!c2_exposure_init(&w->exposure, settings, &err)) fail_msg("%s", err.message);
    assert_true(c2_loop_new(&w->loop, &err));
    assert_true(c2_http_new(w->loop, 4, 4, &w->http, &err));
    assert_true(c2_server_new(w->loop, &options, &w->server, &err));
    c2_server_routes(w->server, routes, C2_ARRAY_LEN(routes), w);
    return w;
}

static void world_free(struct world *w)
{
    c2_http_free(w->http);
    c2_server_free(w->server);
    c2_loop_free(w->loop);
    c2_exposure_fini(&w->exposure);
    c2_buf_fini(&w->body);
    c2_buf_fini(&w->headers);
    free(w);
}

static void on_done(void *ctx, struct c2_http_reply *reply, const struct cat2_error *err)
{
    struct world *w = ctx;
    struct cat2_error ignored;

    if (err) fail_msg("%s", err->message);
    w->status = reply->status;
    c2_buf_fini(&w->body);
    c2_buf_fini(&w->headers);
    w->body = c2_buf_steal(reply->body);
    w->headers = C2_BUF_INIT(65536);
    assert_true(c2_buf_append_str(&w->headers, reply->headers, &ignored));
    c2_loop_stop(w->loop);
}

static void ask(struct world *w, const char *method, const char *target, const char *const *headers)
{
    char url[1000];

    snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", c2_server_port(w->server), target);
    struct c2_http_call call = {
        .method = method, .url = url, .headers = headers, .body_max = 65536, .done = on_done, .ctx = w};
    assert_non_null(c2_http_start(w->http, &call));
    c2_loop_run(w->loop);
}

/* What the answer's text is, between {"detail":" and "}. */
static void assert_told(struct world *w, int status, const char *expected)
{
    char text[1000];

    snprintf(text, sizeof(text), "{\"detail\":\"%s\"}", expected);
    if (w->status != status || !strstr(c2_buf_cstr(&w->body), status == 200 ? text : expected))
        fail_msg("%d %s\nand not %d %s", w->status, c2_buf_cstr(&w->body), status, expected);
}

static bool says(struct world *w, const char *name, char out[600])
{
    struct c2_str value;

    if (!c2_header_of(c2_buf_str(&w->headers), name, &value)) return false;
    snprintf(out, 600, "%.*s", C2_STR_ARG(value));
    return true;
}

static void assert_says(struct world *w, const char *name, const char *expected)
{
    char value[600] = "";

    bool said = says(w, name, value);
    if (said != (expected != NULL) || (expected && strcmp(value, expected) != 0))
        fail_msg("%s: %s, and not %s", name, value, expected ? expected : "nothing");
}

static const struct {
    const char *headers[5]; /* NULL-terminated */
    const char *trusting, *wary;
} heads[] = {
    {{NULL}, "127.0.0.1 here - - -", "127.0.0.1 here - - -"},
    {{"Host: localhost:1"}, "127.0.0.1 here - - -", "127.0.0.1 here - - -"},
    {{"Host: [::1]"}, "127.0.0.1 here - - -", "127.0.0.1 here - - -"},
    {{"Host: data.example.org"}, "127.0.0.1 elsewhere - - -", "127.0.0.1 elsewhere - - -"},
    {{"Host: 192.0.2.7"}, "127.0.0.1 elsewhere - - -", "127.0.0.1 elsewhere - - -"},
    {{"X-Forwarded-For: 192.0.2.7"}, "192.0.2.7 elsewhere - - -", "127.0.0.1 hidden - - -"},
    {{"x-forwarded-for: 127.0.0.1"}, "127.0.0.1 hidden - - -", "127.0.0.1 hidden - - -"},
    {{"X-Forwarded-For: ::1"}, "::1 hidden - - -", "127.0.0.1 hidden - - -"},
    {{"X-Forwarded-For: 127.0.0.1, 192.0.2.7"}, "192.0.2.7 elsewhere - - -", "127.0.0.1 hidden - - -"},
    {{"X-Forwarded-For: 127.0.0.1", "X-Forwarded-For: 192.0.2.7"},
     "192.0.2.7 elsewhere - - -",
     "127.0.0.1 hidden - - -"},
    {{"Forwarded: for=unknown"}, "unknown hidden - - -", "127.0.0.1 hidden - - -"},
    {{"Forwarded: for=192.0.2.7;proto=https;host=a.example"},
     "192.0.2.7 elsewhere - https://a.example https",
     "127.0.0.1 hidden - - -"},
    {{"X-Real-IP: 127.0.0.1"}, "127.0.0.1 hidden - - -", "127.0.0.1 hidden - - -"},
    {{"Via: 1.1 proxy"}, "127.0.0.1 hidden - - -", "127.0.0.1 hidden - - -"},
    {{"X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: https", "X-Forwarded-Host: a.example",
      "X-Forwarded-Prefix: /cat2/"},
     "192.0.2.7 elsewhere /cat2 https://a.example/cat2 https",
     "127.0.0.1 hidden - - -"},
    {{"X-Forwarded-For: 192.0.2.7", "X-Forwarded-Prefix: /cat2", "Host: b.example:81"},
     "192.0.2.7 elsewhere /cat2 http://b.example:81/cat2 -",
     "127.0.0.1 hidden - - -"},
};

static void a_client_is_known_through_trusted_proxies_alone(void **state)
{
    struct world *trusting = world_new(&(struct c2_exposure_settings){.trusted_proxies = "127.0.0.1"});
    struct world *wary = world_new(&(struct c2_exposure_settings){.trusted_proxies = "192.0.2.0/24"});
    struct world *plain = world_new(&(struct c2_exposure_settings){0});

    for (size_t i = 0; i < C2_ARRAY_LEN(heads); i++) {
        ask(trusting, "GET", "/api/told", heads[i].headers);
        assert_told(trusting, 200, heads[i].trusting);
        ask(wary, "GET", "/api/told", heads[i].headers);
        assert_told(wary, 200, heads[i].wary);
        ask(plain, "GET", "/api/told", heads[i].headers);
        assert_told(plain, 200, heads[i].wary);
    }
    world_free(trusting);
    world_free(wary);
    world_free(plain);
}

static void what_a_trusted_proxy_says_wrongly_is_refused(void **state)
{
    static const char *const malformed[] = {"Forwarded: for=\"", NULL}, *const two[] = {
                                                                            "X-Forwarded-For: 192.0.2.1",
                                                                            "Forwarded: for=127.0.0.1", NULL};
    struct world *w = world_new(&(struct c2_exposure_settings){.trusted_proxies = "127.0.0.1"});

    ask(w, "GET", "/api/told", malformed);
    assert_told(w, 400, "malformed (RFC 7239)");
    ask(w, "GET", "/api/told", two);
    assert_told(w, 400, "different clients");
    world_free(w);
}

static void the_public_url_goes_before_what_proxies_say(void **state)
{
    static const char *const told[] = {"X-Forwarded-For: 192.0.2.7", "X-Forwarded-Host: a.example", NULL};
    struct world *w = world_new(&(struct c2_exposure_settings){.trusted_proxies = "127.0.0.1",
                                                               .public_url = "https://b.example/data"});

    ask(w, "GET", "/data/api/told", told);
    assert_told(w, 200, "192.0.2.7 elsewhere /data - -");
    world_free(w);
}

static void a_base_path_may_be_there_or_not(void **state)
{
    struct world *w = world_new(&(struct c2_exposure_settings){.base_path = "/a/b"});

    ask(w, "GET", "/a/b/target/x%20y?q=1", NULL);
    assert_told(w, 200, "/target/x%20y?q=1 /target/x y");
    ask(w, "GET", "/target/a/b", NULL);
    assert_told(w, 200, "/target/a/b /target/a/b");
    ask(w, "GET", "/a/bc/target/x", NULL);
    assert_told(w, 404, "nothing is served at /a/bc/target/x");
    ask(w, "GET", "/a/b/a/b/target/x", NULL); /* once */
    assert_told(w, 404, "nothing is served at /a/b/target/x");
    /* addresses are relative to what was asked: right with the path and without */
    ask(w, "GET", "/a/b/deep/er/away", NULL);
    assert_says(w, "Location", "../../api/told?x=1");
    ask(w, "GET", "/deep/er/away", NULL);
    assert_says(w, "Location", "../../api/told?x=1");
    ask(w, "GET", "/a/b/own?q", NULL);
    assert_int_equal(w->status, 307);
    assert_says(w, "Location", "./own/?q");
    ask(w, "GET", "/a/b", NULL);
    assert_int_equal(w->status, 307);
    assert_says(w, "Location", "./b/");
    ask(w, "GET", "/a/b?q=1", NULL);
    assert_says(w, "Location", "./b/?q=1");
    assert_true(c2_server_has_path(w->server, C2_STR("api")));
    assert_false(c2_server_has_path(w->server, C2_STR("a")));
    world_free(w);
}

static void answers_are_read_by_the_pages_that_are_named(void **state)
{
    static const char *const mine[] = {"Origin: https://lab.example", NULL},
                             *const other[] = {"Origin: https://other.example", NULL};
    struct world *w = world_new(&(struct c2_exposure_settings){.cors_origins = "https://lab.example"});
    struct world *open = world_new(&(struct c2_exposure_settings){0});

    for (int preflight = 0; preflight < 2; preflight++) {
        const char *method = preflight ? "OPTIONS" : "GET";
        ask(w, method, "/api/told", mine);
        assert_int_equal(w->status, preflight ? 204 : 200);
        assert_says(w, "Access-Control-Allow-Origin", "https://lab.example");
        assert_says(w, "Vary", "Origin");
        if (preflight) assert_says(w, "Access-Control-Allow-Headers", "*, Authorization");
        ask(w, method, "/api/told", other);
        assert_says(w, "Access-Control-Allow-Origin", NULL);
        assert_says(w, "Vary", "Origin");
        ask(w, method, "/api/told", NULL);
        assert_says(w, "Access-Control-Allow-Origin", NULL);
        ask(open, method, "/api/told", other);
        assert_says(open, "Access-Control-Allow-Origin", "*");
        assert_says(open, "Vary", NULL);
    }
    world_free(w);
    world_free(open);
}

static void what_has_no_policy_of_its_own_is_in_a_sandbox(void **state)
{
    struct world *w = world_new(&(struct c2_exposure_settings){.frame_ancestors = "https://lab.example"});
    static const char *const paths[] = {"/api/told", "/nowhere", "/own", "/deep/er/away"};
    char policy[600];

    for (size_t i = 0; i < C2_ARRAY_LEN(paths); i++) {
        ask(w, "GET", paths[i], NULL);
        assert_says(w, "X-Content-Type-Options", "nosniff");
        assert_true(says(w, "Content-Security-Policy", policy));
        assert_non_null(strstr(policy, "sandbox; default-src 'none';"));
        assert_non_null(strstr(policy, "frame-ancestors https://lab.example"));
    }
    ask(w, "GET", "/own/", NULL);
    assert_says(w, "Content-Security-Policy", "default-src 'self'");
    assert_says(w, "X-Content-Type-Options", "nosniff");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_is_known_through_trusted_proxies_alone),
        cmocka_unit_test(what_a_trusted_proxy_says_wrongly_is_refused),
        cmocka_unit_test(the_public_url_goes_before_what_proxies_say),
        cmocka_unit_test(a_base_path_may_be_there_or_not),
        cmocka_unit_test(answers_are_read_by_the_pages_that_are_named),
        cmocka_unit_test(what_has_no_policy_of_its_own_is_in_a_sandbox),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
