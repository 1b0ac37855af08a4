/* SPDX-License-Identifier: BSD-3-Clause */
/* curl's multi interface, without a loop of its own. */
#include "http/multi.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/list.h"
#include "http/handle.h"
#include "http/header.h"
#include "http/keyring.h"

#define SLOW_BYTES 100L /* in a second; who sends less keeps readers waiting as one who sends nothing */
/* In a second, over the whole answer: of those that may be silent for `stall_ms`. A line of a list has more
 * than 240 bytes, so that one in 60 s is enough. */
#define FLOOR_BYTES 4

struct c2_multi {
    const struct c2_multi_ops *ops;
    void *ctx;
    CURLM *multi;
    const struct c2_keyring *keys; /* NULL: none */
    const struct c2_authorities *authorities;
    struct c2_http_flight *flights;
    bool unwatched;       /* there are such flights */
    c2_http_judge *judge; /* NULL: every address may be asked */
    void *judge_ctx;
};

struct c2_http_flight {
    struct c2_http_flight *prev, *next;
    struct c2_multi *http;
    CURL *easy;
    struct curl_slist *headers;
    struct c2_http_call call;
    char *url, *body;
    struct c2_buf reply_headers, reply_body;
    struct cat2_error err;
    char reason[CURL_ERROR_SIZE];
    char refused[C2_WHY_MAX]; /* why one of its addresses was not asked */
    bool told_head;
    int64_t began_ms; /* the answer; 0: not yet */
    bool unwatched;   /* no memory to watch its socket: it would wait for ever */
};

static void flight_free(struct c2_http_flight *f)
{
    c2_list_remove(f->http->flights, f);
    if (f->easy) {
        curl_multi_remove_handle(f->http->multi, f->easy);
        curl_easy_cleanup(f->easy);
    }
    curl_slist_free_all(f->headers);
    c2_buf_fini(&f->reply_headers);
    c2_buf_fini(&f->reply_body);
    free(f->url);
    free(f->body);
    free(f);
}

static struct c2_http_reply reply_of(struct c2_http_flight *f, int status)
{
    struct c2_http_reply reply = {
        .status = status, .headers = c2_buf_str(&f->reply_headers), .body = &f->reply_body};

    c2_http_header(&reply, "Content-Type", &reply.content_type);
    c2_http_header(&reply, "ETag", &reply.etag);
    return reply;
}

static void succeed(struct c2_http_flight *f, int status)
{
    struct c2_http_reply reply = reply_of(f, status);

    f->call.done(f->call.ctx, &reply, NULL);
}

/* Something came, or the connection ended, but no sound answer: perhaps what was sent was one. */
static bool is_garbled(CURLcode code, const struct c2_http_flight *f)
{
    switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_FILESIZE_EXCEEDED:
        return true;
    case CURLE_OPERATION_TIMEDOUT: /* its length may be the damage */
        return f->reply_headers.n > 0;
    default:
        return false;
    }
}

/* The transfer ended: tell, and forget. done() may start or cancel other flights. */
static void land(struct c2_http_flight *f, CURLcode code)
{
    long status = 0;

    curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle(f->http->multi, f->easy);
    curl_easy_cleanup(f->easy);
    f->easy = NULL;
    if (code == CURLE_OK) {
        succeed(f, (int)status);
    } else {
        if (f->call.nobody)
            *f->call.nobody = code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
                              code == CURLE_URL_MALFORMAT;
        if (f->err.code == CAT2_OK && code == CURLE_COULDNT_CONNECT && f->refused[0])
            c2_fail(&f->err, CAT2_EUPSTREAM, "%.60s%s: %s", f->url, strlen(f->url) > 60 ? "..." : "",
                    f->refused);
        if (f->err.code == CAT2_OK && !is_garbled(code, f)) {
            c2_handle_fail(code, f->url, f->reason, &f->err);
        } else if (f->err.code == CAT2_OK) {
            c2_fail(&f->err, CAT2_EDATA, "%.60s%s: %.100s", f->url, strlen(f->url) > 60 ? "..." : "",
                    f->reason[0] ? f->reason : curl_easy_strerror(code));
        }
        f->call.done(f->call.ctx, NULL, &f->err);
    }
    flight_free(f);
}

void c2_multi_reap(struct c2_multi *http)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(http->multi, &left))) {
        struct c2_http_flight *f = NULL;
        if (message->msg != CURLMSG_DONE) continue;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&f);
        land(f, code);
    }
    while (http->unwatched) {
        struct c2_http_flight *f = http->flights;
        while (f && !f->unwatched)
            f = f->next;
        http->unwatched = f != NULL;
        if (f) {
            c2_fail_nomem(&f->err, "HTTP request");
            land(f, CURLE_OUT_OF_MEMORY);
        }
    }
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *watch)
{
    struct c2_multi *http = ctx;
    struct c2_http_flight *f = NULL;
    bool remove = what == CURL_POLL_REMOVE;

    if (!http->ops->watch(http->ctx, fd, !remove && (what & CURL_POLL_IN), !remove && (what & CURL_POLL_OUT),
                          &watch)) {
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&f);
        if (f) f->unwatched = http->unwatched = true; /* c2_multi_reap() comes next, and ends it */
        return f ? 0 : -1;
    }
    curl_multi_assign(http->multi, fd, watch);
    return 0;
}

static int on_timer_wanted(CURLM *multi, long ms, void *ctx)
{
    struct c2_multi *http = ctx;

    (void)multi;
    http->ops->timer(http->ctx, ms);
    return 0;
}

void c2_multi_ready(struct c2_multi *http, int fd, bool readable, bool writable)
{
    int running;

    curl_multi_socket_action(http->multi, fd,
                             (readable ? CURL_CSELECT_IN : 0) | (writable ? CURL_CSELECT_OUT : 0), &running);
}

void c2_multi_timeout(struct c2_multi *http)
{
    int running;

    curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

static size_t on_header(char *bytes, size_t one, size_t n, void *ctx)
{
    struct c2_http_flight *f = ctx;

    (void)one;
    if (!f->began_ms) f->began_ms = c2_now_ms();
    return c2_header_take(&f->reply_headers, (struct c2_str){bytes, n}, &f->err) ? n : 0;
}

static size_t on_body(char *bytes, size_t one, size_t n, void *ctx)
{
    struct c2_http_flight *f = ctx;
    long status = 0;

    (void)one;
    curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status);
    bool ok = true;
    if (f->call.data && f->call.head && status / 100 == 2 && !f->told_head) {
        struct c2_http_reply reply = reply_of(f, (int)status);
        reply.body = NULL;
        f->told_head = true;
        ok = f->call.head(f->call.ctx, &reply, &f->err);
    }
    if (ok && f->call.data && status / 100 == 2)
        ok = f->call.data(f->call.ctx, (int)status, (struct c2_bytes){(uint8_t *)bytes, n}, &f->err);
    else if (ok)
        ok = c2_buf_append(&f->reply_body, bytes, n, &f->err);
    if (!ok) c2_fail_within(&f->err, "%.120s", f->url);
    return ok ? n : 0;
}

bool c2_multi_new(const struct c2_multi_ops *ops, void *ctx, int per_host_max, int total_max,
                  struct c2_multi **out, struct cat2_error *err)
{
    struct c2_multi *http = calloc(1, sizeof(*http));

    curl_global_init(CURL_GLOBAL_DEFAULT);
    if (http) http->multi = curl_multi_init();
    if (!http || !http->multi) {
        free(http);
        return c2_fail_nomem(err, "HTTP client");
    }
    http->ops = ops;
    http->ctx = ctx;
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)per_host_max);
    curl_multi_setopt(http->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)total_max);
    curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, c2_min_i64(per_host_max * 4, total_max));
    *out = http;
    return true;
}

void c2_multi_judge(struct c2_multi *http, c2_http_judge *judge, void *ctx)
{
    http->judge = judge;
    http->judge_ctx = ctx;
}

void c2_multi_set_authorities(struct c2_multi *http, const struct c2_authorities *authorities)
{
    http->authorities = authorities;
}
const struct c2_authorities *c2_multi_authorities(const struct c2_multi *http)
{
    return http->authorities;
}

void c2_multi_free(struct c2_multi *http)
{
    struct cat2_error err;

    c2_fail(&err, CAT2_ECANCELLED, "shutting down");
    while (http->flights) {
        struct c2_http_flight *f = http->flights;
        f->call.done(f->call.ctx, NULL, &err);
        flight_free(f);
    }
    curl_multi_cleanup(http->multi);
    free(http);
}

void c2_multi_use_keys(struct c2_multi *http, const struct c2_keyring *keys)
{
    http->keys = keys;
}

/* Called at least once a second. */
static int on_progress(void *ctx, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
    struct c2_http_flight *f = ctx;
    int64_t over_ms = f->began_ms ? c2_now_ms() - f->began_ms - f->call.stall_ms : 0;

    (void)total, (void)up_total, (void)up;
    if (over_ms <= 0 || now * 1000 >= over_ms * FLOOR_BYTES) return 0;
    c2_fail(&f->err, CAT2_EUPSTREAM, "%.120s: sent %" PRId64 " bytes in %" PRId64 " s, which is too slow",
            f->url, (int64_t)now, (over_ms + f->call.stall_ms) / 1000);
    return 1;
}

static curl_socket_t on_open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *at)
{
    struct c2_http_flight *f = ctx;

    if (purpose == CURLSOCKTYPE_IPCXN && f->http->judge &&
        !f->http->judge(f->http->judge_ctx, &at->addr, f->refused))
        return CURL_SOCKET_BAD;
    return socket(at->family, at->socktype | SOCK_CLOEXEC, at->protocol);
}

static void set_options(struct c2_http_flight *f)
{
    const struct c2_http_call *call = &f->call;
    CURL *easy = f->easy;
    int64_t stall_s = c2_div_ceil(call->stall_ms ? call->stall_ms : 10000, 1000);

    const struct c2_handle_options options = {.url = f->url,
                                              .agent = "caterva2/" C2_VERSION,
                                              .authorities = f->http->authorities,
                                              .headers = f->headers,
                                              .buffer_nbytes =
                                                  call->buffer_nbytes ? call->buffer_nbytes : 256 * 1024,
                                              .connect_ms = 5000,
                                              .slow_bytes = call->stall_ms ? 1 : SLOW_BYTES,
                                              .slow_s = (long)stall_s,
                                              .reason = f->reason,
                                              .header = on_header,
                                              .body = on_body,
                                              .progress = call->stall_ms ? on_progress : NULL,
                                              .ctx = f};

    c2_handle_set(easy, &options);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, f);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(call->timeout_ms ? call->timeout_ms : 30000));
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L); /* they would lead anywhere */
    if (f->http->judge && !call->known) {
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, f);
    }
    if (call->fresh) {
        curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    }
    if (call->method && strcmp(call->method, "GET") != 0)
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
    if (call->body.n || (call->method && strcmp(call->method, "POST") == 0)) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, f->body);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)call->body.n);
    }
}

struct c2_http_flight *c2_multi_start(struct c2_multi *http, const struct c2_http_call *call)
{
    struct c2_http_flight *f = calloc(1, sizeof(*f));

    if (!f) return NULL;
    f->http = http;
    f->call = *call;
    c2_list_push(http->flights, f);
    c2_buf_init(&f->reply_headers, 65536);
    c2_buf_init(&f->reply_body, call->body_max ? call->body_max : 65536);
    f->url = c2_str_dup(c2_str_of(call->url));
    f->body = c2_str_dup(call->body);
    f->easy = curl_easy_init();
    if (!f->url || !f->body || !f->easy ||
        !(f->headers = c2_handle_headers(c2_keyring_find(http->keys, f->url), call->body.n, call->headers))) {
        flight_free(f);
        return NULL;
    }
    set_options(f);
    curl_multi_add_handle(http->multi, f->easy);
    return f;
}

void c2_multi_cancel(struct c2_http_flight *flight)
{
    if (flight) flight_free(flight);
}
