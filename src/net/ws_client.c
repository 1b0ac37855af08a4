/* SPDX-License-Identifier: BSD-3-Clause */
/* The client's end of a WebSocket: resolve, connect, do the handshake; then frames as at the server's end. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/header.h"
#include "http/keyring.h"
#include "net/ws_impl.h"
#include "wire/proof.h"
#include "wire/url.h"

#define HEAD_MAX   16384 /* of a request or answer; servers allow 8 to 16 KiB */
#define CONNECT_MS 10000 /* for the connection and the upgrade */

static void fail_later(struct c2_ws *ws, const char *reason)
{
    c2_ws_finish(ws, 1006, reason);
}

bool c2_ws_handshake_header(const struct c2_ws *ws, const char *name, struct c2_str *out)
{
    return c2_header_of(c2_buf_str(&ws->head), name, out);
}

static void read_peer(struct c2_ws *ws)
{
    struct sockaddr_storage at;
    socklen_t n = sizeof(at);

    if (getpeername(ws->fd, (struct sockaddr *)&at, &n) == 0) c2_peer_read((struct sockaddr *)&at, &ws->peer);
}

/* The head is complete. Check it. Bytes that follow it are frames. */
static void judge(struct c2_ws *ws, size_t head_n)
{
    struct c2_str accept;
    char wanted[32], key[40];
    struct c2_str head = c2_buf_str(&ws->head);

    if (!c2_str_starts(head, "HTTP/1.1 101")) {
        char reason[80];
        snprintf(reason, sizeof(reason), "handshake refused: %.*s", (int)c2_min_i64(40, (int64_t)head.n),
                 head.p);
        fail_later(ws, reason);
        return;
    }
    snprintf(key, sizeof(key), "%s", ws->key);
    c2_ws_accept_key(key, wanted);
    ws->early_n = ws->head.n - head_n;
    ws->early = malloc(ws->early_n + 1);
    if (ws->early) memcpy(ws->early, ws->head.p + head_n, ws->early_n);
    ws->head.n = head_n;
    c2_timer_stop(ws->closer);
    ws->closer = NULL;
    read_peer(ws);
    if (!ws->early || !c2_ws_handshake_header(ws, "Sec-WebSocket-Accept", &accept) ||
        !c2_str_is(accept, wanted) || !c2_ws_start(ws)) {
        fail_later(ws, "handshake answer is not valid");
        return;
    }
    if (ws->events.open) ws->events.open(ws->ctx, ws);
}

static void on_handshake(uv_poll_t *poll, int status, int events);

static void send_request(struct c2_ws *ws)
{
    ssize_t n = c2_ws_put(ws, ws->request.p + ws->request_sent, ws->request.n - ws->request_sent, 0);

    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        fail_later(ws, strerror(errno)); /* the loop thread alone calls this */
        return;
    }
    if (n > 0) ws->request_sent += (size_t)n;
    if (ws->request_sent == ws->request.n) uv_poll_start(&ws->poll, UV_READABLE, on_handshake);
}

static void read_head(struct c2_ws *ws)
{
    struct cat2_error err;
    char bytes[4096];
    ssize_t n = c2_ws_get(ws, bytes, sizeof(bytes));

    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
        fail_later(ws, n == 0 ? "closed during the handshake" : strerror(errno));
        return;
    }
    if (!c2_buf_append(&ws->head, bytes, (size_t)n, &err)) {
        fail_later(ws, "handshake answer is too long");
        return;
    }
    const uint8_t *end = memmem(ws->head.p, ws->head.n, "\r\n\r\n", 4);
    if (end) judge(ws, (size_t)(end - ws->head.p) + 4);
}

/* TLS before all else. */
static void shake_hands(struct c2_ws *ws)
{
    struct c2_endpoint at;
    struct cat2_error err;

    if (!ws->tls && (!c2_endpoint_parse(c2_str_of(ws->host), &at, &err) ||
                     !c2_tls_client_new(ws->fd, at.host, ws->authorities, &ws->tls, &err))) {
        fail_later(ws, err.message);
        return;
    }
    enum c2_tls_step step = c2_tls_handshake(ws->tls, &err);
    if (step == C2_TLS_FAILED) {
        fail_later(ws, err.message);
        return;
    }
    ws->shaken = step == C2_TLS_DONE;
    uv_poll_start(&ws->poll, step == C2_TLS_WANTS_READ ? UV_READABLE : UV_WRITABLE, on_handshake);
}

static void on_handshake(uv_poll_t *poll, int status, int events)
{
    struct c2_ws *ws = poll->data;
    int errnum = 0;
    socklen_t length = sizeof(errnum);

    getsockopt(ws->fd, SOL_SOCKET, SO_ERROR, &errnum, &length);
    if (status < 0 || errnum != 0) {
        fail_later(ws, errnum ? strerror(errnum) : uv_strerror(status));
        return;
    }
    if (ws->secure && !ws->shaken)
        shake_hands(ws);
    else if (events & UV_WRITABLE && ws->request_sent < ws->request.n)
        send_request(ws);
    else if (events & UV_READABLE)
        read_head(ws);
}

static bool make_request(struct c2_ws *ws)
{
    unsigned char random[16];
    struct cat2_error err;

    if (getrandom(random, sizeof(random), 0) != sizeof(random)) return false;
    EVP_EncodeBlock((unsigned char *)ws->key, random, sizeof(random));
    return c2_buf_printf(
        &ws->request, &err,
        "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\nUser-Agent: caterva2/" C2_VERSION
        "\r\n" C2_PROOF_WANT ": 1\r\n%s%s%s\r\n",
        ws->path, ws->host, ws->key, ws->bearer ? "Authorization: Bearer " : "", ws->bearer ? ws->bearer : "",
        ws->bearer ? "\r\n" : "");
}

static void on_resolved(uv_getaddrinfo_t *resolver, int status, struct addrinfo *list)
{
    struct c2_ws *ws = resolver->data;
    int on = 1;

    ws->resolving = false;
    if (ws->state == C2_WS_GONE) { /* given up meanwhile */
        uv_freeaddrinfo(list);
        ws->state = C2_WS_CONNECTING;
        c2_ws_abort(ws);
        return;
    }
    if (status != 0) {
        fail_later(ws, uv_strerror(status));
        return;
    }
    int errnum = ECONNREFUSED;
    for (struct addrinfo *ai = list; ai && ws->fd < 0; ai = ai->ai_next) {
        if (ai->ai_family == AF_INET6 && ai->ai_next)
            continue; /* "localhost": our services listen on IPv4 first */
        int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, ai->ai_protocol);
        if (fd < 0) continue;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        if (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0 || errno == EINPROGRESS)
            ws->fd = fd;
        else {
            errnum = errno;
            close(fd);
        }
    }
    uv_freeaddrinfo(list);
    if (ws->fd < 0 || uv_poll_init_socket(c2_loop_uv(ws->loop), &ws->poll, ws->fd) != 0) {
        fail_later(ws, strerror(errnum));
        return;
    }
    ws->poll.data = ws;
    ws->polling = true;
    uv_poll_start(&ws->poll, UV_WRITABLE, on_handshake);
}

static void on_connect_time(void *ctx)
{
    struct c2_ws *ws = ctx;

    ws->closer = NULL;
    c2_ws_finish(ws, 1006, "no answer to the handshake");
}

static void on_bad_url(void *ctx)
{
    fail_later(ctx, "not a ws:// or wss:// URL");
}

static void resolve(struct c2_ws *ws, struct c2_str rest)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct c2_str host, path;
    struct c2_endpoint at;
    struct cat2_error err;
    char service[8];

    bool has_path = c2_str_cut(rest, '/', &host, &path);
    if (!c2_endpoint_parse(host, &at, &err)) {
        c2_loop_post(ws->loop, &ws->failing, on_bad_url, ws);
        return;
    }
    snprintf(ws->host, sizeof(ws->host), "%.*s", C2_STR_ARG(host));
    snprintf(ws->path, sizeof(ws->path), "/%.*s", has_path ? (int)path.n : 0, path.p);
    snprintf(service, sizeof(service), "%d", at.port);
    ws->resolver.data = ws;
    ws->resolving = make_request(ws) && uv_getaddrinfo(c2_loop_uv(ws->loop), &ws->resolver, on_resolved,
                                                       at.host, service, &hints) == 0;
    if (!ws->resolving)
        c2_loop_post(ws->loop, &ws->failing, on_bad_url, ws);
    else
        ws->closer = c2_timer_start(ws->loop, CONNECT_MS, 0, on_connect_time, ws);
}

struct c2_ws *c2_ws_connect(struct c2_loop *loop, const char *url, const struct c2_keyring *keys,
                            const struct c2_authorities *authorities, const struct c2_ws_events *events,
                            void *ctx)
{
    struct c2_ws *ws = calloc(1, sizeof(*ws));
    struct c2_str text = c2_str_of(url);

    if (!ws) return NULL;
    *ws = (struct c2_ws){.loop = loop,
                         .fd = -1,
                         .client = true,
                         .authorities = authorities,
                         .events = *events,
                         .ctx = ctx,
                         .bearer = c2_keyring_find(keys, url)};
    ws->secure = c2_str_starts(text, "wss://");
    c2_buf_init(&ws->head, HEAD_MAX);
    c2_buf_init(&ws->request, HEAD_MAX);
    if (ws->secure)
        resolve(ws, (struct c2_str){text.p + 6, text.n - 6});
    else if (c2_str_starts(text, "ws://"))
        resolve(ws, (struct c2_str){text.p + 5, text.n - 5});
    else
        c2_loop_post(loop, &ws->failing, on_bad_url, ws);
    return ws;
}
