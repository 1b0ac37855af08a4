/* SPDX-License-Identifier: BSD-3-Clause */
/* WebSocket, both ends, text messages. Pings every 20 s; silence for 20 s after one closes with 1011. Loop
 * thread only. permessage-deflate is declined. Messages over C2_WS_MESSAGE_MAX close with 1009. What waits
 * for a peer has a ceiling, and so has what waits for all, and what has come of unfinished messages: past it
 * a peer is dropped (1013; ws_queue.c). */
#ifndef C2_NET_WEBSOCKET_H
#define C2_NET_WEBSOCKET_H

#include "net/server.h"

#define C2_WS_QUEUE_MAX (4 << 20)  /* unsent bytes towards one WebSocket peer, or one larger message */
#define C2_WS_QUEUE_LOW (64 << 10) /* so few that more should be sent */

struct c2_authorities;
struct c2_ws;
struct c2_ws_events {
    void (*open)(void *ctx, struct c2_ws *ws); /* client: handshake done; may be NULL on servers */
    void (*text)(void *ctx, struct c2_ws *ws,
                 struct c2_str message); /* binary frames are reported as close 1003 */
    /* Exactly once, last call: after it ws is gone. code 1006 when it broke; client: also when connecting
     * failed. */
    void (*close)(void *ctx, struct c2_ws *ws, int code, const char *reason);
    /* Server, may be NULL: the unsent bytes, which were more, are C2_WS_QUEUE_LOW or less. */
    void (*drained)(void *ctx, struct c2_ws *ws);
};
/** Server: answer an upgrade request; 400/426 when it is none. Extra response headers by c2_reply_header()
 * before. */
void c2_reply_websocket(struct c2_request *req, const struct c2_ws_events *events, void *ctx,
                        struct c2_ws **out);
struct c2_keyring;
/** Client: ws://host:port/path, or wss: with TLS, to whom `authorities` says (borrowed; NULL: the system).
 * The handshake carries the key for it, if keys (may be NULL) has one, and asks for hashes (wire/proof.h).
 * Never fails at once: failures come as close(). NULL only when out of memory. */
struct c2_ws *c2_ws_connect(struct c2_loop *loop, const char *url, const struct c2_keyring *keys,
                            const struct c2_authorities *authorities, const struct c2_ws_events *events,
                            void *ctx);
/** Value of a header of the server's handshake answer; false when absent. Valid from open on. */
bool c2_ws_handshake_header(const struct c2_ws *ws, const char *name, struct c2_str *out);
/** Queue a text message. false: the queue is full, the peer will be closed. */
bool c2_ws_send(struct c2_ws *ws, struct c2_str message);
/** The same in three parts; the middle one is not copied but shared. Server. */
bool c2_ws_send_shared(struct c2_ws *ws, struct c2_str head, struct c2_blob *shared, struct c2_str tail);
/** Server: unsent bytes. */
size_t c2_ws_unsent(const struct c2_ws *ws);
/** Prometheus text: what all WebSockets of the process keep, and who was dropped. */
void c2_ws_metrics(struct c2_metrics *m);
/** The other end. Server: who asked, as c2_request_peer() says. Client: where it is connected to, from open
 * on. */
const struct c2_peer *c2_ws_peer(const struct c2_ws *ws);
/** Start a clean close; close() follows within 5 s. */
void c2_ws_close(struct c2_ws *ws, int code, const char *reason);
/** Drop at once, without calling close(). */
void c2_ws_abort(struct c2_ws *ws);

#endif
