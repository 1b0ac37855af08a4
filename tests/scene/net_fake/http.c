/* SPDX-License-Identifier: BSD-3-Clause */
/* net/http_client.h over the network in memory: its limits (time, silence, size, connections to one host) and
 * its error codes are those of the real one. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "fake.h"
#include "net/http_client.h"

#define CONNECT_MS 5000

struct c2_http {
    struct c2_loop *loop;
    int per_host_max;
    struct c2_http_flight *flights; /* in the order they were asked for */
};
struct c2_http_flight {
    struct c2_http_flight *prev, *next;
    struct c2_http *http;
    struct c2_http_call call;
    char *url, *body, *method, *address;
    const char *target;
    struct c2_buf headers_out, headers, reply_body;
    struct c2_exchange *x; /* NULL: waits for a connection */
    struct c2_timer *timeout, *stall;
    struct cat2_error err;
    int status;
    bool told_head;
};

static void start_waiting(struct c2_http *http);

static void flight_free(struct c2_http_flight *f)
{
    if (f->prev)
        f->prev->next = f->next;
    else
        f->http->flights = f->next;
    if (f->next) f->next->prev = f->prev;
    if (f->x) c2_exchange_leave(f->x);
    c2_timer_stop(f->timeout);
    c2_timer_stop(f->stall);
    c2_buf_fini(&f->headers_out);
    c2_buf_fini(&f->headers);
    c2_buf_fini(&f->reply_body);
    free(f->url);
    free(f->body);
    free(f->method);
    free(f->address);
    free(f);
}

static struct c2_http_reply reply_of(struct c2_http_flight *f)
{
    struct c2_http_reply reply = {
        .status = f->status, .headers = c2_buf_str(&f->headers), .body = &f->reply_body};

    c2_http_header(&reply, "Content-Type", &reply.content_type);
    c2_http_header(&reply, "ETag", &reply.etag);
    return reply;
}

/* The transfer ended: tell, and forget. */
static void land(struct c2_http_flight *f, const char *broken)
{
    struct c2_http *http = f->http;

    c2_timer_stop(f->timeout);
    c2_timer_stop(f->stall);
    f->timeout = f->stall = NULL;
    if (!broken) {
        struct c2_http_reply reply = reply_of(f);
        f->call.done(f->call.ctx, &reply, NULL);
    } else {
        bool garbled = f->headers.n > 0; /* as net/http_client.c tells it */
        if (f->call.nobody) *f->call.nobody = strcmp(broken, "connection refused") == 0;
        if (f->err.code == CAT2_OK)
            c2_fail(&f->err, garbled ? CAT2_EDATA : CAT2_EUPSTREAM, "%.120s: %.100s", f->url, broken);
        f->call.done(f->call.ctx, NULL, &f->err);
    }
    flight_free(f);
    start_waiting(http);
}

static void on_timeout(void *ctx)
{
    struct c2_http_flight *f = ctx;

    f->timeout = NULL;
    land(f, "took too long");
}

static void on_stall(void *ctx)
{
    struct c2_http_flight *f = ctx;

    f->stall = NULL;
    land(f, "nothing moves");
}

static void moved(struct c2_http_flight *f)
{
    c2_timer_stop(f->stall);
    f->stall = c2_timer_start(f->http->loop, f->call.stall_ms ? f->call.stall_ms : 10000, 0, on_stall, f);
}

static void on_head(void *ctx, int status, struct c2_str headers)
{
    struct c2_http_flight *f = ctx;

    moved(f);
    f->status = status;
    C2_ASSERT(c2_buf_append(&f->headers, headers.p, headers.n, &f->err));
}

static void on_bytes(void *ctx, struct c2_bytes bytes)
{
    struct c2_http_flight *f = ctx;
    bool ok = true;

    moved(f);
    if (bytes.n == 0) return;
    if (f->call.data && f->call.head && f->status / 100 == 2 && !f->told_head) {
        struct c2_http_reply reply = reply_of(f);
        reply.body = NULL;
        f->told_head = true;
        ok = f->call.head(f->call.ctx, &reply, &f->err);
    }
    if (ok && f->call.data && f->status / 100 == 2)
        ok = f->call.data(f->call.ctx, f->status, bytes, &f->err);
    else if (ok)
        ok = c2_buf_append(&f->reply_body, bytes.p, bytes.n, &f->err);
    if (ok) return;
    c2_fail_within(&f->err, "%.120s", f->url);
    land(f, "refused");
}

static void on_ended(void *ctx, const char *broken)
{
    land(ctx, broken);
}

static void take_off(struct c2_http_flight *f)
{
    const struct c2_asker asker = {on_head, on_bytes, on_ended, f};
    const struct c2_question question = {.address = f->address,
                                         .method = f->method,
                                         .target = f->target,
                                         .headers = c2_buf_cstr(&f->headers_out),
                                         .body = {(const uint8_t *)f->body, f->call.body.n},
                                         .connect_ms = CONNECT_MS};

    f->x = c2_exchange_start(c2_fake_host_of(f->http->loop), &question, &asker);
    moved(f);
}

static int flying_to(const struct c2_http *http, const char *address)
{
    int n = 0;

    for (const struct c2_http_flight *f = http->flights; f; f = f->next)
        n += f->x && strcmp(f->address, address) == 0;
    return n;
}

static void start_waiting(struct c2_http *http)
{
    for (struct c2_http_flight *f = http->flights; f; f = f->next)
        if (!f->x && (http->per_host_max <= 0 || flying_to(http, f->address) < http->per_host_max))
            take_off(f);
}

const struct c2_authorities *c2_http_authorities(const struct c2_http *http)
{
    (void)http;
    return NULL;
}

bool c2_http_new(struct c2_loop *loop, int per_host_max, int total_max, struct c2_http **out,
                 struct cat2_error *err)
{
    struct c2_http *http = calloc(1, sizeof(*http));

    if (!http) return c2_fail_nomem(err, "HTTP client");
    (void)total_max;
    http->loop = loop;
    http->per_host_max = per_host_max;
    *out = http;
    return true;
}

void c2_http_free(struct c2_http *http)
{
    struct cat2_error err;

    if (!http) return;
    c2_fail(&err, CAT2_ECANCELLED, "shutting down");
    while (http->flights) {
        struct c2_http_flight *f = http->flights;
        f->call.done(f->call.ctx, NULL, &err);
        flight_free(f);
    }
    free(http);
}

static void split_url(struct c2_http_flight *f)
{
    struct c2_str rest, address, path;

    C2_ASSERT(strncmp(f->url, "http://", 7) == 0);
    rest = c2_str_of(f->url + 7);
    c2_str_cut(rest, '/', &address, &path);
    f->address = c2_str_dup(address);
    f->target = path.n ? path.p - 1 : "/";
}

static void put_headers(struct c2_http_flight *f, const struct c2_http_call *call)
{
    bool ok = c2_buf_printf(&f->headers_out, &f->err, "Host: %s\r\n", f->address);

    if (call->body.n) ok = ok && c2_buf_puts(&f->headers_out, "Content-Type: application/json\r\n", &f->err);
    for (const char *const *header = call->headers; header && *header; header++)
        ok = ok && c2_buf_printf(&f->headers_out, &f->err, "%s\r\n", *header);
    C2_ASSERT(ok);
}

const struct c2_keyring *c2_http_keys(const struct c2_http *http)
{
    (void)http;
    return NULL;
}

struct c2_http_flight *c2_http_start(struct c2_http *http, const struct c2_http_call *call)
{
    struct c2_http_flight *f = calloc(1, sizeof(*f)), **at = &http->flights;

    C2_ASSERT(f);
    f->http = http;
    f->call = *call;
    c2_buf_init(&f->headers_out, 65536);
    c2_buf_init(&f->headers, 65536);
    c2_buf_init(&f->reply_body, call->body_max ? call->body_max : 65536);
    f->url = c2_str_dup(c2_str_of(call->url));
    f->body = c2_str_dup(call->body);
    f->method = c2_str_dup(c2_str_of(call->method ? call->method : "GET"));
    C2_ASSERT(f->url && f->body && f->method);
    split_url(f);
    put_headers(f, call);
    while (*at) {
        f->prev = *at;
        at = &(*at)->next;
    }
    *at = f;
    f->timeout = c2_timer_start(http->loop, call->timeout_ms ? call->timeout_ms : 30000, 0, on_timeout, f);
    start_waiting(http);
    return f;
}

void c2_http_cancel(struct c2_http_flight *flight)
{
    if (!flight) return;
    struct c2_http *http = flight->http;
    flight_free(flight);
    start_waiting(http);
}

/* Names are the addresses here, and there is nothing to judge. */
void c2_http_judge_by(struct c2_http *http, c2_http_judge *judge, void *ctx)
{
    (void)http;
    (void)judge;
    (void)ctx;
}
