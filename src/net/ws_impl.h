/* SPDX-License-Identifier: BSD-3-Clause */
/* What both ends of a WebSocket share: the socket on the loop, frames by wslay, pings. */
#ifndef C2_NET_WS_IMPL_H
#define C2_NET_WS_IMPL_H

#include <uv.h>
#include <wslay/wslay.h>

#include "net/websocket.h"

struct MHD_UpgradeResponseHandle;

/*  CONNECTING ──► OPEN ──► CLOSING ──► gone      (any state may go straight to gone) */
enum c2_ws_state { C2_WS_CONNECTING, C2_WS_OPEN, C2_WS_CLOSING, C2_WS_GONE };
struct c2_ws {
    struct c2_server *server; /* whose connection this was; NULL for a client's end */
    struct c2_loop *loop;
    struct c2_loop_call failing;
    enum c2_ws_state state;
    int fd;
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
    bool offered;                              /* server: the handshake's answer is under way, and holds us */
    struct MHD_UpgradeResponseHandle *upgrade; /* server: how the socket is given back */
    /* client handshake */
    uv_getaddrinfo_t resolver;
    bool resolving;
    char host[300], path[512], key[32];
    struct c2_buf head; /* what of the answer's head has come */
    struct c2_buf request;
    size_t request_sent;
};

bool c2_ws_start(struct c2_ws *ws); /* socket is connected and handshaken: frames from here on */
void c2_ws_finish(struct c2_ws *ws, int code, const char *reason); /* last call: tells, frees */
void c2_ws_accept_key(const char *key, char out[32]);

#endif
