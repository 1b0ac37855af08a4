/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames over a connected socket: reading, queueing, pinging, closing. */
#include "net/websocket.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "net/server_impl.h"
#include "net/ws_impl.h"

#define TURN_NBYTES (256 << 10) /* read from one peer at a time: others are heard between */
#define PING_MS     20000       /* more often than proxies close idle connections */
#define CLOSE_MS    5000        /* for the peer's half of the close */

static void ws_free(uv_handle_t *handle)
{
    struct c2_ws *ws = handle->data;

    c2_ws_leave(ws);
    if (ws->wslay) wslay_event_context_free(ws->wslay);
    c2_buf_fini(&ws->head);
    c2_buf_fini(&ws->request);
    free(ws->early);
    free(ws);
}

/* ---- the connection of a server's end ---- */

static void on_given_back(void *ctx)
{
    struct c2_ws_taken *taken = ctx;

    if (!taken->front->closing) {
        MHD_upgrade_action(taken->upgrade, MHD_UPGRADE_ACTION_CLOSE);
        c2_drive_kick(taken->front->drive);
    }
    free(taken);
}

static void give_back(struct c2_ws_taken *taken)
{
    if (taken->front->is_apart)
        c2_loop_post(taken->front->loop, &taken->call, on_given_back, taken);
    else
        on_given_back(taken);
}

/* ---- the end of either ---- */

static void ws_release(struct c2_ws *ws)
{
    ws->state = C2_WS_GONE;
    c2_ws_leave(ws);
    c2_timer_stop(ws->pinger);
    c2_timer_stop(ws->closer);
    ws->pinger = ws->closer = NULL;
    if (ws->offered) return; /* freed when the handshake has ended, one way or the other */
    if (ws->resolving) {
        uv_cancel((uv_req_t *)&ws->resolver);
        return; /* the resolver's callback comes still, and frees */
    }
    bool polling = ws->polling;
    if (polling) uv_close((uv_handle_t *)&ws->poll, ws_free); /* while the descriptor is still its own */
    if (ws->tls) c2_tls_bye(ws->tls);
    if (ws->client) c2_tls_client_free(ws->tls);
    ws->tls = NULL;
    if (ws->taken) {
        shutdown(ws->fd, SHUT_RDWR); /* MHD closes when it runs again; the peer must not wait for that */
        give_back(ws->taken);
        ws->taken = NULL;
    } else if (ws->fd >= 0) {
        close(ws->fd);
    }
    if (polling) return;
    ws->poll.data = ws;
    ws_free((uv_handle_t *)&ws->poll);
}

void c2_ws_finish(struct c2_ws *ws, int code, const char *reason)
{
    char text[240]; /* what failed on this side is not sent, and may be longer than a close frame takes */

    if (ws->state == C2_WS_GONE) return;
    snprintf(text, sizeof(text), "%s", reason);
    ws->state = C2_WS_GONE;
    if (ws->events.close) ws->events.close(ws->ctx, ws, code, text);
    ws_release(ws);
}

static ssize_t on_recv(wslay_event_context_ptr wslay, uint8_t *to, size_t n, int flags, void *user)
{
    struct c2_ws *ws = user;

    (void)flags;
    if (ws->early_at < ws->early_n) {
        size_t have = ws->early_n - ws->early_at;
        if (have > n) have = n;
        memcpy(to, ws->early + ws->early_at, have);
        ws->early_at += have;
        return (ssize_t)have;
    }
    ssize_t got = -1;
    bool over = ws->turn_nbytes >= TURN_NBYTES;
    while (!over && (got = c2_ws_get(ws, to, n)) < 0 && errno == EINTR) {}
    if (got > 0) {
        ws->turn_nbytes += (size_t)got;
        return got;
    }
    bool again = over || (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK));
    if (!again) ws->failed = true;
    wslay_event_set_error(wslay, again ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static ssize_t on_send(wslay_event_context_ptr wslay, const uint8_t *from, size_t n, int flags, void *user)
{
    struct c2_ws *ws = user;
    ssize_t put;

    do {
        put = c2_ws_put(ws, from, n, flags & WSLAY_MSG_MORE ? MSG_MORE : 0);
    } while (put < 0 && errno == EINTR);
    if (put >= 0) return put;
    bool again = errno == EAGAIN || errno == EWOULDBLOCK;
    if (!again) ws->failed = true;
    wslay_event_set_error(wslay, again ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static int on_mask(wslay_event_context_ptr wslay, uint8_t *to, size_t n, void *user)
{
    (void)wslay;
    (void)user;
    return getrandom(to, n, 0) == (ssize_t)n ? 0 : -1;
}

static void on_frame(wslay_event_context_ptr wslay, const struct wslay_event_on_frame_recv_start_arg *arg,
                     void *user)
{
    (void)wslay;
    ((struct c2_ws *)user)->in_control = wslay_is_ctrl_frame(arg->opcode);
}

static void on_chunk(wslay_event_context_ptr wslay, const struct wslay_event_on_frame_recv_chunk_arg *arg,
                     void *user)
{
    struct c2_ws *ws = user;

    (void)wslay;
    if (!ws->in_control) c2_ws_read_part(ws, (struct c2_bytes){arg->data, arg->data_length});
}

static void on_message(wslay_event_context_ptr wslay, const struct wslay_event_on_msg_recv_arg *arg,
                       void *user)
{
    struct c2_ws *ws = user;

    if (arg->opcode == WSLAY_PONG) ws->pong_due = false;
    if (arg->opcode == WSLAY_CONNECTION_CLOSE) {
        ws->code = arg->status_code ? arg->status_code : 1005;
        return;
    }
    if (wslay_is_ctrl_frame(arg->opcode)) return;
    if (arg->opcode == WSLAY_BINARY_FRAME) wslay_event_queue_close(wslay, 1003, NULL, 0);
    struct c2_buf message = c2_ws_read_whole(ws);
    if (arg->opcode == WSLAY_TEXT_FRAME && ws->state == C2_WS_OPEN && ws->events.text)
        ws->events.text(ws->ctx, ws, (struct c2_str){c2_buf_cstr(&message), message.n});
    c2_ws_read_done(ws, &message);
}

static void update_poll(struct c2_ws *ws);

/* Frames of wslay go between messages of ours; nothing goes behind its goodbye. */
static bool write_out(struct c2_ws *ws)
{
    enum c2_ws_sent sent = C2_WS_SENT_MESSAGE;

    while (sent == C2_WS_SENT_MESSAGE) {
        if (!c2_ws_in_frame(ws) && wslay_event_want_write(ws->wslay)) {
            if (wslay_event_send(ws->wslay) != 0) return false;
            if (wslay_event_want_write(ws->wslay)) return true; /* the socket takes no more */
        }
        if (wslay_event_get_close_sent(ws->wslay)) c2_ws_forget_unsent(ws);
        sent = c2_ws_send_out(ws);
    }
    return sent != C2_WS_SENT_FAILED;
}

static void tell_drained(struct c2_ws *ws)
{
    if (!ws->lags || ws->out_n > C2_WS_QUEUE_LOW || ws->state != C2_WS_OPEN) return;
    ws->lags = false;
    if (ws->events.drained) ws->events.drained(ws->ctx, ws);
}

/* Read and write what can be; true while the connection lives. */
static bool work(struct c2_ws *ws)
{
    bool readable = wslay_event_want_read(ws->wslay), ok = true;

    ws->turn_nbytes = 0;
    if (readable) ok = wslay_event_recv(ws->wslay) == 0;
    if (ws->state == C2_WS_GONE) return false;
    if (ok) ok = write_out(ws);
    if (!ok || ws->failed) {
        c2_ws_finish(ws, ws->code ? ws->code : 1006, "connection lost");
        return false;
    }
    if (!wslay_event_want_read(ws->wslay) && !wslay_event_want_write(ws->wslay)) {
        c2_ws_finish(ws, ws->code ? ws->code : 1000, ws->reason);
        return false;
    }
    tell_drained(ws);
    if (ws->state == C2_WS_GONE) return false;
    update_poll(ws);
    return true;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct c2_ws *ws = poll->data;

    (void)events;
    if (status < 0)
        c2_ws_finish(ws, 1006, uv_strerror(status));
    else
        work(ws);
}

static void update_poll(struct c2_ws *ws)
{
    /* Of TLS what is left of a full turn may be in memory, where poll() does not see it. */
    bool more = ws->turn_nbytes >= TURN_NBYTES;
    bool writes = more || ws->out || wslay_event_want_write(ws->wslay);
    int events = UV_READABLE | (writes ? UV_WRITABLE : 0);

    uv_poll_start(&ws->poll, events, on_poll);
}

static void on_ping_time(void *ctx)
{
    struct c2_ws *ws = ctx;
    uint8_t payload[4] = {0};
    struct wslay_event_msg ping = {WSLAY_PING, payload, sizeof(payload)};

    if (ws->pong_due) {
        c2_ws_finish(ws, 1011, "keepalive ping timeout");
        return;
    }
    if (getrandom(payload, sizeof(payload), 0) < 0) payload[0] = 1;
    ws->pong_due = true;
    wslay_event_queue_msg(ws->wslay, &ping);
    update_poll(ws);
}

bool c2_ws_start(struct c2_ws *ws)
{
    struct wslay_event_callbacks calls = {.recv_callback = on_recv,
                                          .send_callback = on_send,
                                          .genmask_callback = on_mask,
                                          .on_frame_recv_start_callback = on_frame,
                                          .on_frame_recv_chunk_callback = on_chunk,
                                          .on_msg_recv_callback = on_message};
    int code = ws->client ? wslay_event_context_client_init(&ws->wslay, &calls, ws)
                          : wslay_event_context_server_init(&ws->wslay, &calls, ws);

    if (code != 0) return false;
    wslay_event_config_set_max_recv_msg_length(ws->wslay, C2_WS_MESSAGE_MAX);
    wslay_event_config_set_no_buffering(ws->wslay, 1); /* it would take what is announced, not what comes */
    if (!ws->polling) {
        if (uv_poll_init_socket(c2_loop_uv(ws->loop), &ws->poll, ws->fd) != 0) return false;
        ws->poll.data = ws;
        ws->polling = true;
    }
    c2_ws_enter(ws);
    ws->state = C2_WS_OPEN;
    ws->pinger = c2_timer_start(ws->loop, PING_MS, PING_MS, on_ping_time, ws);
    update_poll(ws);
    return true;
}

bool c2_ws_send(struct c2_ws *ws, struct c2_str message)
{
    struct wslay_event_msg text = {WSLAY_TEXT_FRAME, (const uint8_t *)message.p, message.n};

    if (ws->state != C2_WS_OPEN) return false;
    if (!ws->client) return c2_ws_send_shared(ws, message, NULL, (struct c2_str){"", 0});
    size_t queued = wslay_event_get_queued_msg_length(ws->wslay);
    if ((queued > 0 && queued + message.n > C2_WS_QUEUE_MAX) ||
        wslay_event_queue_msg(ws->wslay, &text) != 0) {
        c2_ws_close(ws, 1008, "send queue is full");
        return false;
    }
    update_poll(ws);
    return true;
}

bool c2_ws_send_shared(struct c2_ws *ws, struct c2_str head, struct c2_blob *shared, struct c2_str tail)
{
    C2_ASSERT(!ws->client);
    if (ws->state != C2_WS_OPEN || !c2_ws_queue(ws, head, shared, tail)) return false;
    update_poll(ws);
    return true;
}

static void on_close_time(void *ctx)
{
    struct c2_ws *ws = ctx;

    ws->closer = NULL; /* a one-shot timer frees itself */
    c2_ws_finish(ws, ws->code ? ws->code : 1006, ws->reason);
}

void c2_ws_close(struct c2_ws *ws, int code, const char *reason)
{
    if (ws->state == C2_WS_CLOSING || ws->state == C2_WS_GONE) return;
    bool open = ws->state == C2_WS_OPEN;
    ws->state = C2_WS_CLOSING;
    snprintf(ws->reason, sizeof(ws->reason), "%s", reason);
    if (open) {
        if (!ws->client && !write_out(ws)) ws->failed = true;
        c2_ws_forget_unsent(ws); /* the goodbye does not wait for what is not read */
        wslay_event_queue_close(ws->wslay, (uint16_t)code, (const uint8_t *)ws->reason, strlen(ws->reason));
        update_poll(ws);
    }
    ws->closer = c2_timer_start(ws->loop, open ? CLOSE_MS : 0, 0, on_close_time, ws);
}

void c2_ws_abort(struct c2_ws *ws)
{
    if (!ws || ws->state == C2_WS_GONE) return;
    ws_release(ws);
}

void c2_ws_accept_key(const char *key, char out[32])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    char text[128];
    int length = snprintf(text, sizeof(text), "%.60s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);

    EVP_Digest(text, (size_t)length, digest, &n, EVP_sha1(), NULL);
    EVP_EncodeBlock((unsigned char *)out, digest, 20); /* 28 characters and a NUL */
}

/* ---- the server's end ---- */

static void begin(void *ctx)
{
    struct c2_ws_taken *taken = ctx;
    struct c2_ws *ws = taken->ws;

    bool late = taken->req->server->closing; /* libmicrohttpd has closed the socket */
    taken->req->at_end = NULL;
    ws->offered = false;
    ws->offer = NULL;
    if (late) {
        free(taken->early);
        free(taken);
        if (ws->state == C2_WS_GONE)
            ws_release(ws);
        else
            c2_ws_finish(ws, 1006, "shutting down");
        return;
    }
    ws->taken = taken;
    ws->tls = taken->tls;
    ws->fd = taken->fd;
    ws->early = taken->early;
    ws->early_n = taken->early_n;
    if (ws->state == C2_WS_GONE) { /* by c2_ws_abort() meanwhile */
        ws_release(ws);
        return;
    }
    bool lost = ws->early_n && !ws->early; /* there was no memory for what came with the handshake */
    if (ws->state == C2_WS_CLOSING || lost || !c2_ws_start(ws)) {
        c2_ws_finish(ws, 1006, "cannot start");
        return;
    }
    if (ws->events.open) ws->events.open(ws->ctx, ws);
    if (ws->state == C2_WS_OPEN && (ws->early_n || ws->tls)) work(ws);
}

/* In the front. */
static void on_upgraded(void *cls, struct MHD_Connection *connection, void *con_cls, const char *extra,
                        size_t extra_n, MHD_socket fd, struct MHD_UpgradeResponseHandle *upgrade)
{
    struct c2_ws_taken *taken = cls;
    struct c2_request *req = taken->req = con_cls;

    taken->upgrade = upgrade;
    if (c2_request_is_tls(req)) taken->tls = c2_tls_take_over(connection);
    taken->fd = taken->tls ? c2_tls_socket_fd(taken->tls) : fd;
    taken->early = extra_n ? malloc(extra_n) : NULL;
    taken->early_n = extra_n;
    if (taken->early) memcpy(taken->early, extra, extra_n);
    if (req->conn && req->front->is_apart) req->conn->is_taken = true;
    if (req->front->is_apart)
        c2_mailbox_put(req->server->mail, &taken->call, begin, taken);
    else
        begin(taken);
}

/* The client left before its socket became a WebSocket. */
static void on_not_upgraded(void *ctx)
{
    struct c2_ws *ws = ctx;

    ws->offered = false;
    free(ws->offer);
    if (ws->state == C2_WS_GONE)
        ws_release(ws);
    else
        c2_ws_finish(ws, 1006, "left during the handshake");
}

void c2_reply_websocket(struct c2_request *req, const struct c2_ws_events *events, void *ctx,
                        struct c2_ws **out)
{
    struct c2_str connection, upgrade, key, version;
    char accept[32], text[64];

    *out = NULL;
    bool asked = c2_request_header(req, "Connection", &connection) && c2_str_lists(connection, "upgrade") &&
                 c2_request_header(req, "Upgrade", &upgrade) && c2_str_lists(upgrade, "websocket");
    if (!asked) {
        struct c2_str path = c2_request_path(req);
        c2_reply_detail(req, 404, "%.*s is for WebSocket connections only", /* 404 as the recorded broker */
                        (int)c2_min_i64(200, (int64_t)path.n), path.p);
        return;
    }
    if (!c2_request_header(req, "Sec-WebSocket-Key", &key) || key.n == 0 || key.n > 60 ||
        !c2_request_header(req, "Sec-WebSocket-Version", &version) || !c2_str_is(version, "13")) {
        c2_reply_header(req, "Sec-WebSocket-Version", "13");
        c2_reply_detail(req, 426, "a WebSocket of version 13 is served here");
        return;
    }
    struct c2_ws *ws = calloc(1, sizeof(*ws));
    struct c2_ws_taken *taken = calloc(1, sizeof(*taken));
    struct MHD_Response *response = ws && taken ? MHD_create_response_for_upgrade(on_upgraded, taken) : NULL;
    if (!response) {
        free(taken);
        free(ws);
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    ws->loop = req->server->loop;
    *taken = (struct c2_ws_taken){.front = req->front, .ws = ws};
    ws->offer = taken;
    ws->fd = -1;
    ws->events = *events;
    ws->ctx = ctx;
    snprintf(text, sizeof(text), "%.*s", C2_STR_ARG(key));
    c2_ws_accept_key(text, accept);
    MHD_add_response_header(response, "Upgrade", "websocket");
    MHD_add_response_header(response, "Sec-WebSocket-Accept", accept);
    ws->offered = true;
    ws->peer = *c2_request_peer(req);
    req->at_end = on_not_upgraded;
    req->at_end_ctx = ws;
    *out = ws;
    c2_reply_send(req, 101, response);
}
