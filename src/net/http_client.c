/* SPDX-License-Identifier: BSD-3-Clause */
/* The HTTP client's sockets and timer on the loop. */
#include "net/http_client.h"

#include <stdlib.h>
#include <uv.h>

struct socket_watch {
    uv_poll_t poll;
    struct c2_http *http;
    int fd;
    int events;
};

struct c2_http {
    struct c2_loop *loop;
    struct c2_multi *multi;
    const struct c2_keyring *keys;
    uv_timer_t timer;
    bool in_timeout; /* libcurl goes on with what its time has come for */
    bool closing;
};

static void on_socket_event(uv_poll_t *poll, int status, int events)
{
    struct socket_watch *watch = poll->data;
    struct c2_http *http = watch->http;

    /* An error on the socket, such as a reset, is not passed to curl, which would give up. curl meets it when
     * it reads, and then may repeat the request on another connection. */
    c2_multi_ready(http->multi, watch->fd, status < 0 || (events & UV_READABLE),
                   status < 0 || (events & UV_WRITABLE));
    if (status < 0 && !uv_is_closing((uv_handle_t *)poll)) /* the loop has stopped it */
        uv_poll_start(poll, watch->events, on_socket_event);
    c2_multi_reap(http->multi);
}

static void watch_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static bool on_watch(void *ctx, int fd, bool read, bool write, void **slot)
{
    struct c2_http *http = ctx;
    struct socket_watch *watch = *slot;

    if (!read && !write) {
        if (watch) uv_close((uv_handle_t *)&watch->poll, watch_closed);
        *slot = NULL;
        return true;
    }
    if (!watch) {
        watch = calloc(1, sizeof(*watch));
        if (!watch) return false;
        watch->http = http;
        watch->fd = fd;
        uv_poll_init_socket(c2_loop_uv(http->loop), &watch->poll, fd);
        watch->poll.data = watch;
        *slot = watch;
    }
    watch->events = (read ? UV_READABLE : 0) | (write ? UV_WRITABLE : 0);
    uv_poll_start(&watch->poll, watch->events, on_socket_event);
    return true;
}

static void on_timeout(uv_timer_t *timer)
{
    struct c2_http *http = timer->data;

    http->in_timeout = true;
    c2_multi_timeout(http->multi);
    http->in_timeout = false;
    c2_multi_reap(http->multi);
}

/* libcurl reads so much of an answer, and then asks to be called again at once. Others have their turn before
 * that: libuv 1.44 would go on here as long as something comes. */
static void on_timer(void *ctx, int64_t ms)
{
    struct c2_http *http = ctx;

    if (ms == 0 && http->in_timeout) ms = 1;

    if (ms < 0)
        uv_timer_stop(&http->timer);
    else if (!http->closing)
        uv_timer_start(&http->timer, on_timeout, (uint64_t)ms, 0);
}

static const struct c2_multi_ops OPS = {on_watch, on_timer};

bool c2_http_new(struct c2_loop *loop, int per_host_max, int total_max, struct c2_http **out,
                 struct cat2_error *err)
{
    struct c2_http *http = calloc(1, sizeof(*http));

    if (!http) return c2_fail_nomem(err, "HTTP client");
    if (!c2_multi_new(&OPS, http, per_host_max, total_max, &http->multi, err)) {
        free(http);
        return false;
    }
    http->loop = loop;
    uv_timer_init(c2_loop_uv(loop), &http->timer);
    http->timer.data = http;
    *out = http;
    return true;
}

void c2_http_use_keys(struct c2_http *http, const struct c2_keyring *keys)
{
    http->keys = keys;
    c2_multi_use_keys(http->multi, keys);
}

const struct c2_keyring *c2_http_keys(const struct c2_http *http)
{
    return http->keys;
}

void c2_http_set_authorities(struct c2_http *http, const struct c2_authorities *authorities)
{
    c2_multi_set_authorities(http->multi, authorities);
}
const struct c2_authorities *c2_http_authorities(const struct c2_http *http)
{
    return c2_multi_authorities(http->multi);
}

static void timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void c2_http_free(struct c2_http *http)
{
    if (!http) return;
    http->closing = true;
    c2_multi_free(http->multi);
    uv_close((uv_handle_t *)&http->timer, timer_closed);
}

void c2_http_judge_by(struct c2_http *http, c2_http_judge *judge, void *ctx)
{
    c2_multi_judge(http->multi, judge, ctx);
}

struct c2_http_flight *c2_http_start(struct c2_http *http, const struct c2_http_call *call)
{
    return c2_multi_start(http->multi, call);
}

void c2_http_cancel(struct c2_http_flight *flight)
{
    c2_multi_cancel(flight);
}
