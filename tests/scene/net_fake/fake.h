/* SPDX-License-Identifier: BSD-3-Clause */
/* The network in memory, as its two ends and the scene see it. One exchange is one HTTP request and its
 * answer on a connection of its own; a 101 answer turns it into a pipe of messages. */
#ifndef C2_SCENE_FAKE_H
#define C2_SCENE_FAKE_H

#include "world.h"

/* ---- exchanges ---- */

struct c2_exchange;
struct c2_pipe;
/* What the asker is told. After ended() nothing comes any more. */
struct c2_asker {
    void (*head)(void *ctx, int status, struct c2_str headers); /* "Name: value\r\n"... */
    void (*bytes)(void *ctx, struct c2_bytes bytes);
    void (*ended)(void *ctx, const char *broken); /* NULL: the answer is whole */
    void *ctx;
};
struct c2_question {
    const char *address, *method, *target, *headers;
    struct c2_bytes body;
    int64_t connect_ms; /* patience with a host that cannot be reached */
};
/** Ask. The asker is told later, never from here. */
struct c2_exchange *c2_exchange_start(struct c2_host *from, const struct c2_question *question,
                                      const struct c2_asker *asker);
/** The asker leaves: it is told nothing any more. */
void c2_exchange_leave(struct c2_exchange *x);
/** The pipe a 101 answer made; once. */
struct c2_pipe *c2_exchange_pipe(struct c2_exchange *x);

/* The answering end, for the server. */
struct MHD_Connection;
const struct c2_question *c2_exchange_question(const struct c2_exchange *x);
bool c2_exchange_left(const struct c2_exchange *x);
void c2_exchange_head(struct c2_exchange *x, int status, struct c2_str headers, struct c2_pipe *pipe);
/** false: the connection broke (a fault of the scene). */
bool c2_exchange_bytes(struct c2_exchange *x, struct c2_bytes bytes);
/** Last call of the answering end. */
void c2_exchange_end(struct c2_exchange *x, const char *broken);
/* Implemented by the server: a request came; its connection broke. */
struct MHD_Connection *c2_server_arrival(struct MHD_Daemon *daemon, struct c2_exchange *x);
void c2_server_departure(struct MHD_Connection *connection);

/* ---- pipes ---- */

enum c2_pipe_kind { C2_PIPE_TEXT, C2_PIPE_PING, C2_PIPE_PONG, C2_PIPE_CLOSE, C2_PIPE_LOST, C2_PIPE_DRAINED };
struct c2_pipe_end {
    struct c2_host *host;
    void (*got)(void *ctx, enum c2_pipe_kind kind, int code, struct c2_str text);
    void *ctx;     /* NULL: this end is gone */
    size_t unread; /* bytes on their way to it */
    bool lags;     /* it wants to know when the other has read nearly all */
    int64_t last;  /* when the last of them arrives */
};
struct c2_pipe *c2_pipe_new(struct c2_host *server, struct c2_host *client);
/** end 0: the server's, 1: the client's. */
struct c2_pipe_end *c2_pipe_end(struct c2_pipe *pipe, int end);
void c2_pipe_send(struct c2_pipe *pipe, int from_end, enum c2_pipe_kind kind, int code, struct c2_str text);
/** This end is gone; the other one learns that the connection is lost. */
void c2_pipe_leave(struct c2_pipe *pipe, int end);

/* Implemented by the server's WebSockets: the 101 answer goes out; it never will. */
struct c2_ws;
struct c2_pipe *c2_ws_accepted(struct c2_ws *ws, struct c2_exchange *x);
void c2_ws_refused(struct c2_ws *ws);
/** Who asks. */
struct c2_host *c2_exchange_from(const struct c2_exchange *x);

/* ---- for the scene ---- */

/** Its program ended: connections break. */
void c2_fake_kill(struct c2_host *host);
/** Break the HTTP exchanges it is answering; target: of those for this target only, NULL: all. How many. */
int c2_fake_cut(struct c2_host *host, const char *target);
/** Break its WebSockets. */
void c2_fake_cut_pipes(struct c2_host *host);
/** A file beneath a watched directory changed. */
void c2_fake_touch(const char *dir);
/** Bytes that may wait towards one WebSocket peer. */
extern size_t c2_fake_queue_max;

/* What was asked, in order. */
struct c2_fake_asked {
    int64_t at;
    const struct c2_host *from, *to;
    char what[400]; /* METHOD TARGET */
    bool seen;      /* the scene expected it */
};
struct c2_fake_asked *c2_fake_log(size_t *n);
void c2_fake_log_clear(void);

#endif
