/* SPDX-License-Identifier: BSD-3-Clause */
/* What both ends of a WebSocket share: the socket on the loop, frames by wslay, pings. */
#ifndef C2_NET_WS_IMPL_H
#define C2_NET_WS_IMPL_H

#include <sys/socket.h>
#include <uv.h>
#include <wslay/wslay.h>

#include "net/tls_socket.h"
#include "net/websocket.h"

struct MHD_UpgradeResponseHandle;

/* A connection that libmicrohttpd has handed over. It goes from the front to the loop thread, and back. */
struct c2_ws_taken {
    struct c2_loop_call call;
    struct c2_request *req;
    struct c2_front *front;
    struct c2_ws *ws;
    struct MHD_UpgradeResponseHandle *upgrade;
    int fd;
    struct c2_tls_socket *tls;
    uint8_t *early; /* bytes that came with the handshake */
    size_t early_n;
};

/*  CONNECTING ──► OPEN ──► CLOSING ──► gone      (any state may go straight to gone) */
enum c2_ws_state { C2_WS_CONNECTING, C2_WS_OPEN, C2_WS_CLOSING, C2_WS_GONE };
struct c2_ws {
    struct c2_loop *loop;
    struct c2_loop_call failing;
    enum c2_ws_state state;
    int fd;
    struct c2_tls_socket *tls; /* NULL: plain; a server's is the connection's */
    uv_poll_t poll;
    bool polling, client, failed;
    wslay_event_context_ptr wslay;
    struct c2_ws_events events;
    void *ctx;
    struct c2_timer *pinger, *closer;
    bool pong_due;
    int code; /* of the close we ask for or got */
    char reason[124];
    uint8_t *early; /* bytes that came with the handshake */
    size_t early_n, early_at;
    size_t turn_nbytes;        /* read since the loop has heard others */
    bool offered;              /* server: the handshake's answer is under way, and holds us */
    struct c2_ws_taken *offer; /* until then */
    struct c2_ws_taken *taken; /* server: the socket, and how it is given back; NULL: not yet, or no more */
    /* client handshake */
    uv_getaddrinfo_t resolver;
    bool resolving, secure /* wss */, shaken /* TLS is spoken */;
    const struct c2_authorities *authorities;
    char host[300], path[512], key[32];
    const char *bearer; /* the key of the service there, borrowed; NULL: none */
    struct c2_buf head; /* what of the answer's head has come */
    struct c2_buf request;
    size_t request_sent;
    struct c2_peer peer;
    /* ws_queue.c */
    struct c2_ws *prev, *next; /* all that are open */
    bool entered, lags;        /* lags: drained() is due */
    struct c2_ws_out *out, **out_last;
    size_t out_n;
    struct c2_buf in; /* the message that is being read */
    bool in_control;  /* the frame at hand is a ping, pong or close */
};

/* ---- ws_queue.c ---- */
void c2_ws_enter(struct c2_ws *ws);
void c2_ws_leave(struct c2_ws *ws); /* frees what it keeps */
/** Messages that have not begun to be sent never will be. */
void c2_ws_forget_unsent(struct c2_ws *ws);
/** Keep what came of a message. */
void c2_ws_read_part(struct c2_ws *ws, struct c2_bytes bytes);
/** The message is whole: it is the caller's, until c2_ws_read_done(). */
struct c2_buf c2_ws_read_whole(struct c2_ws *ws);
void c2_ws_read_done(struct c2_ws *ws, struct c2_buf *message);
/** Server: head, shared and tail are one message. false: the peer is being closed. */
bool c2_ws_queue(struct c2_ws *ws, struct c2_str head, struct c2_blob *shared, struct c2_str tail);
enum c2_ws_sent { C2_WS_SENT_ALL, C2_WS_SENT_MESSAGE, C2_WS_SENT_SOME, C2_WS_SENT_FAILED };
/** Send up to the end of one message. */
enum c2_ws_sent c2_ws_send_out(struct c2_ws *ws);
bool c2_ws_in_frame(const struct c2_ws *ws); /* a message has been sent in part */

/** As recv(2) and send(2). */
static inline ssize_t c2_ws_get(const struct c2_ws *ws, void *to, size_t n)
{
    return ws->tls ? c2_tls_recv(ws->tls, to, n) : recv(ws->fd, to, n, 0);
}
static inline ssize_t c2_ws_put(const struct c2_ws *ws, const void *from, size_t n, int flags)
{
    return ws->tls ? c2_tls_send(ws->tls, from, n) : send(ws->fd, from, n, MSG_NOSIGNAL | flags);
}
bool c2_ws_start(struct c2_ws *ws); /* socket is connected and handshaken: frames from here on */
void c2_ws_finish(struct c2_ws *ws, int code, const char *reason); /* last call: tells, frees */
void c2_ws_accept_key(const char *key, char out[32]);

#endif
