/* SPDX-License-Identifier: BSD-3-Clause */
/* net/websocket.h over pipes: the same pings, limits and ways to end as the real one.
 *
 *  CONNECTING ──► OPEN ──► CLOSING ──► gone      (any state may go straight to gone) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "fake.h"
#include "net/server_impl.h"
#include "net/websocket.h"
#include "wire/proof.h"

#define PING_MS    20000
#define CLOSE_MS   5000
#define CONNECT_MS 10000

struct c2_ws {
    struct c2_loop *loop;
    enum { CONNECTING, OPEN, CLOSING, GONE } state;
    int end; /* of the pipe: 0 server, 1 client */
    struct c2_pipe *pipe;
    struct c2_exchange *x; /* client: the handshake */
    bool promised;         /* server: the response that will be accepted or refused holds it */
    bool pong_due;
    struct c2_ws_events events;
    void *ctx;
    struct c2_timer *pinger, *closer;
    struct c2_buf headers;
    int code;
    char reason[124];
};

size_t c2_fake_queue_max = C2_WS_QUEUE_MAX;

static void ws_free(void *ctx)
{
    struct c2_ws *ws = ctx;

    c2_buf_fini(&ws->headers);
    free(ws);
}

/* Its memory stays until the present callback has returned. */
static void ws_release(struct c2_ws *ws)
{
    ws->state = GONE;
    c2_timer_stop(ws->pinger);
    c2_timer_stop(ws->closer);
    ws->pinger = ws->closer = NULL;
    if (ws->x) c2_exchange_leave(ws->x);
    ws->x = NULL;
    if (ws->pipe) c2_pipe_leave(ws->pipe, ws->end);
    ws->pipe = NULL;
    if (!ws->promised) c2_fake_soon(NULL, ws_free, ws);
}

static void finish(struct c2_ws *ws, int code, const char *reason)
{
    if (ws->state == GONE) return;
    ws->state = GONE;
    if (ws->events.close) ws->events.close(ws->ctx, ws, code, reason);
    ws_release(ws);
}

static void on_ping_time(void *ctx)
{
    struct c2_ws *ws = ctx;

    if (ws->pong_due) {
        finish(ws, 1011, "keepalive ping timeout");
        return;
    }
    ws->pong_due = true;
    c2_pipe_send(ws->pipe, ws->end, C2_PIPE_PING, 0, (struct c2_str){"", 0});
}

static void on_got(void *ctx, enum c2_pipe_kind kind, int code, struct c2_str text)
{
    struct c2_ws *ws = ctx;
    char reason[124];

    if (kind == C2_PIPE_LOST) {
        finish(ws, ws->code ? ws->code : 1006, "connection lost");
    } else if (kind == C2_PIPE_PING) {
        c2_pipe_send(ws->pipe, ws->end, C2_PIPE_PONG, 0, (struct c2_str){"", 0});
    } else if (kind == C2_PIPE_DRAINED) {
        if (ws->state == OPEN && ws->events.drained) ws->events.drained(ws->ctx, ws);
    } else if (kind == C2_PIPE_PONG) {
        ws->pong_due = false;
    } else if (kind == C2_PIPE_CLOSE) {
        if (ws->state == OPEN) c2_pipe_send(ws->pipe, ws->end, C2_PIPE_CLOSE, code, text);
        snprintf(reason, sizeof(reason), "%.*s", C2_STR_ARG(text));
        finish(ws, code, reason);
    } else if (ws->state == OPEN && ws->events.text) {
        ws->events.text(ws->ctx, ws, text);
    }
}

static void start(struct c2_ws *ws, struct c2_pipe *pipe)
{
    struct c2_pipe_end *end = c2_pipe_end(pipe, ws->end);

    ws->pipe = pipe;
    ws->state = OPEN;
    end->got = on_got;
    end->ctx = ws;
    ws->pinger = c2_timer_start(ws->loop, PING_MS, PING_MS, on_ping_time, ws);
    if (ws->events.open) ws->events.open(ws->ctx, ws);
}

bool c2_ws_send(struct c2_ws *ws, struct c2_str message)
{
    if (ws->state != OPEN) return false;
    if (c2_pipe_end(ws->pipe, !ws->end)->unread + message.n > c2_fake_queue_max) {
        c2_ws_close(ws, 1008, "send queue is full");
        return false;
    }
    c2_pipe_send(ws->pipe, ws->end, C2_PIPE_TEXT, 0, message);
    if (c2_ws_unsent(ws) > C2_WS_QUEUE_LOW) c2_pipe_end(ws->pipe, ws->end)->lags = true;
    return true;
}

bool c2_ws_send_shared(struct c2_ws *ws, struct c2_str head, struct c2_blob *shared, struct c2_str tail)
{
    C2_AUTO(c2_buf) whole = C2_BUF_INIT(SIZE_MAX / 2);
    struct cat2_error err;

    C2_ASSERT(c2_buf_append_str(&whole, head, &err) &&
              (!shared || c2_buf_append_str(&whole, c2_buf_str(&shared->bytes), &err)) &&
              c2_buf_append_str(&whole, tail, &err));
    return c2_ws_send(ws, c2_buf_str(&whole));
}

/* Everybody is on this machine. */
const struct c2_peer *c2_ws_peer(const struct c2_ws *ws)
{
    static const struct c2_peer here = {.family = AF_INET,
                                        .address = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1},
                                        .text = "127.0.0.1",
                                        .is_loopback = true};

    (void)ws;
    return &here;
}

size_t c2_ws_unsent(const struct c2_ws *ws)
{
    return ws->pipe ? c2_pipe_end(ws->pipe, !ws->end)->unread : 0;
}

void c2_ws_metrics(struct c2_metrics *m)
{
    (void)m;
}

static void on_close_time(void *ctx)
{
    struct c2_ws *ws = ctx;

    ws->closer = NULL;
    finish(ws, ws->code ? ws->code : 1006, ws->reason);
}

void c2_ws_close(struct c2_ws *ws, int code, const char *reason)
{
    if (ws->state == CLOSING || ws->state == GONE) return;
    bool open = ws->state == OPEN;
    ws->state = CLOSING;
    snprintf(ws->reason, sizeof(ws->reason), "%s", reason);
    if (open) c2_pipe_send(ws->pipe, ws->end, C2_PIPE_CLOSE, code, c2_str_of(ws->reason));
    c2_timer_stop(ws->closer);
    ws->closer = c2_timer_start(ws->loop, open ? CLOSE_MS : 0, 0, on_close_time, ws);
}

void c2_ws_abort(struct c2_ws *ws)
{
    if (ws && ws->state != GONE) ws_release(ws);
}

/* ---- the server's end ---- */

struct c2_pipe *c2_ws_accepted(struct c2_ws *ws, struct c2_exchange *x)
{
    ws->promised = false;
    if (ws->state != CONNECTING) {
        c2_ws_refused(ws);
        return NULL;
    }
    struct c2_pipe *pipe = c2_pipe_new(c2_fake_host_of(ws->loop), c2_exchange_from(x));
    start(ws, pipe);
    return pipe;
}

void c2_ws_refused(struct c2_ws *ws)
{
    ws->promised = false;
    if (ws->state == GONE)
        c2_fake_soon(NULL, ws_free, ws);
    else
        finish(ws, 1006, "connection lost");
}

void c2_reply_websocket(struct c2_request *req, const struct c2_ws_events *events, void *ctx,
                        struct c2_ws **out)
{
    struct c2_str upgrade;

    *out = NULL;
    if (!c2_request_header(req, "Upgrade", &upgrade)) {
        c2_reply_detail(req, 404, "Not Found");
        return;
    }
    struct c2_ws *ws = calloc(1, sizeof(*ws));
    C2_ASSERT(ws);
    *ws = (struct c2_ws){.loop = req->server->loop, .events = *events, .ctx = ctx, .promised = true};
    *out = ws;
    c2_reply_send(req, 101, MHD_create_response_for_upgrade(NULL, ws));
}

/* ---- the client's end ---- */

static void on_head(void *ctx, int status, struct c2_str headers)
{
    struct c2_ws *ws = ctx;
    struct cat2_error err;
    struct c2_pipe *pipe = c2_exchange_pipe(ws->x);

    c2_timer_stop(ws->closer);
    ws->closer = NULL;
    if (status != 101 || !pipe) {
        finish(ws, 1006, "no WebSocket is served there");
        return;
    }
    C2_ASSERT(c2_buf_append(&ws->headers, headers.p, headers.n, &err));
    start(ws, pipe);
}

static void on_bytes(void *ctx, struct c2_bytes bytes)
{
    (void)ctx;
    (void)bytes;
}

static void on_ended(void *ctx, const char *broken)
{
    struct c2_ws *ws = ctx;

    if (ws->state == CONNECTING) finish(ws, 1006, broken ? broken : "connection lost");
}

static void on_connect_time(void *ctx)
{
    struct c2_ws *ws = ctx;

    ws->closer = NULL;
    finish(ws, 1006, "no answer");
}

struct c2_ws *c2_ws_connect(struct c2_loop *loop, const char *url, const struct c2_keyring *keys,
                            const struct c2_authorities *authorities, const struct c2_ws_events *events,
                            void *ctx)
{
    (void)keys;
    struct c2_ws *ws = calloc(1, sizeof(*ws));
    struct c2_host *host = c2_fake_host_of(loop);
    struct c2_str address, path;
    char text[300];

    C2_ASSERT(ws && strncmp(url, "ws://", 5) == 0);
    (void)authorities;
    *ws = (struct c2_ws){.loop = loop, .end = 1, .events = *events, .ctx = ctx};
    c2_buf_init(&ws->headers, 65536);
    c2_str_cut(c2_str_of(url + 5), '/', &address, &path);
    snprintf(text, sizeof(text), "%.*s", C2_STR_ARG(address));
    const struct c2_question question = {
        .address = text,
        .method = "GET",
        .target = path.p - 1,
        .headers = "Upgrade: websocket\r\nConnection: Upgrade\r\n" C2_PROOF_WANT ": 1\r\n",
        .connect_ms = CONNECT_MS};
    const struct c2_asker asker = {on_head, on_bytes, on_ended, ws};
    if (host->ncalls < (int)C2_ARRAY_LEN(host->calls)) host->calls[host->ncalls] = c2_fake_now();
    host->ncalls++;
    ws->x = c2_exchange_start(host, &question, &asker);
    ws->closer = c2_timer_start(loop, CONNECT_MS, 0, on_connect_time, ws);
    return ws;
}

bool c2_ws_handshake_header(const struct c2_ws *ws, const char *name, struct c2_str *out)
{
    struct c2_str rest = c2_buf_str(&ws->headers), line, key, value;

    while (rest.n) {
        c2_str_cut(rest, '\n', &line, &rest);
        if (!c2_str_cut(line, ':', &key, &value) || !c2_str_eq_nocase(key, c2_str_of(name))) continue;
        *out = c2_str_trim(value);
        return true;
    }
    return false;
}
