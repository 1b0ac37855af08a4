/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the HTTP server share.
 *
 * A request's life:
 *
 *   ARRIVING ──► HANDLING ──► REPLIED ──► QUEUED          answered inside the handler
 *                   └──► HELD ──► REPLIED ──► QUEUED      connection suspended until c2_reply_*()
 *
 * It is freed when the connection is done with it and its body, if any, was freed (refs).
 *
 * A front (front.h) reads requests and sends answers. Where it has no thread of its own, all of this is on
 * the loop thread. Where it has one, ARRIVING and QUEUED are the front's, all else is the loop thread's, and
 * the connection is suspended meanwhile: libmicrohttpd does not touch it, and the loop thread may read its
 * headers. What pulls a body runs on the loop thread too. */
#ifndef C2_NET_SERVER_IMPL_H
#define C2_NET_SERVER_IMPL_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/limits.h"
#include "net/conns.h"
#include "net/exposure.h"
#include "net/front.h"
#include "net/origin.h"
#include "net/server.h"
#include "net/upload.h"

#define C2_RETRY_AFTER "1" /* seconds: what is short now is not for long */

#define C2_REQUEST_ARENA_MAX (4 << 20) /* parsed parts of one request */
#define ROUTE_TABLES_MAX     16        /* a table a module; checked when it is added */
#define ROUTE_PARAMS_MAX     4         /* names in one pattern: no route has more than two */
#define QUERY_GIVEN_MAX      4         /* parameters in a body: no route has more */
#define METRIC_BUCKETS       10

struct c2_route_stats {
    uint64_t by_class[6]; /* answers by status / 100 */
    uint64_t buckets[METRIC_BUCKETS + 1];
    double seconds;
};
struct c2_route_table {
    const struct c2_route *routes;
    size_t n;
    void *state;
    struct c2_route_stats *stats; /* n of them */
};
struct c2_server {
    struct c2_loop *loop;
    struct c2_front *fronts;
    int nfronts;
    struct c2_mailbox *mail; /* of the fronts to the loop thread; NULL: they have no threads */
    struct c2_loop_call go;
    struct c2_crowds crowds;
    unsigned connections_max;
    bool closing, cors;
    struct c2_tls *tls; /* NULL: plain HTTP */
    struct c2_origin origin;
    const struct c2_exposure *exposure; /* borrowed; never NULL */
    const struct c2_gate *gate;
    char name[64];
    int port;
    struct c2_route_table tables[ROUTE_TABLES_MAX];
    size_t ntables;
    pthread_mutex_t lock;        /* guards the list, where fronts have threads */
    struct c2_request *requests; /* all alive */
    atomic_size_t nrequests;
    uint64_t nbytes_sent;
    struct c2_route_stats unrouted; /* requests without a route */
    const char *service, *root;     /* c2_server_serves() */
    atomic_size_t nbytes_unread;    /* of large answers in memory, which reply.c counts */
    int nwide;                      /* bodies that are offered in large blocks */
    bool draining;
    struct c2_timer *drain_timer;
    c2_loop_fn *drained;
    void *drained_ctx;
    struct c2_loop_call drained_call;
    int64_t drain_until;
};

enum c2_request_state { C2_REQ_ARRIVING, C2_REQ_HANDLING, C2_REQ_HELD, C2_REQ_REPLIED, C2_REQ_QUEUED };
struct c2_reply_head {
    struct c2_reply_head *next;
    char *name, *value;
};
struct c2_request {
    struct c2_request *prev, *next;
    struct c2_server *server;
    struct c2_front *front;
    struct MHD_Connection *connection; /* the front's; all others ask c2_request_connection() */
    struct c2_conn *conn;              /* the front's; NULL also where it is not known */
    uint64_t nth;                      /* request of the connection, from 1 */
    int refs;
    bool away;                        /* the loop thread's: the connection is the front's now */
    bool is_suspended;                /* the front's */
    struct c2_loop_call call;         /* to the loop thread, or back: there is one at a time; */
    struct c2_loop_call end, release; /* when the request is over; when its body is */
    int refusal;                      /* status by intake.h; 0: none */
    const char *refusal_why;
    bool whole; /* all of the answer has left */
    enum c2_request_state state;
    enum c2_method method;
    bool head, options, other_method;
    char *asked;        /* the target as sent, path and query */
    const char *host;   /* which the target named before them; NULL: none, the header says it */
    bool asks_https;    /* as the target said */
    const char *target; /* the same without the base path */
    struct c2_buf path; /* decoded, "//" folded */
    struct c2_str query;
    struct {
        const char *name;
        size_t name_n;
        struct c2_str value;
    } params[ROUTE_PARAMS_MAX];
    size_t nparams;
    struct {
        const char *name;
        struct c2_str value;
    } given[QUERY_GIVEN_MAX]; /* before what the query has */
    size_t ngiven;
    struct c2_route_table *table;
    size_t nroute;
    struct c2_buf body;
    struct c2_upload upload;        /* how much of it there may be, and came */
    struct c2_pass *pass;           /* by the gate; NULL: none */
    bool refused;                   /* by origin.c: the page that sent it is told nothing */
    struct c2_peer peer;            /* the client, also behind trusted proxies */
    bool peer_judged;               /* c2_request_peer() has looked whether it is on this machine */
    struct c2_forwarded *forwarded; /* what these told; NULL: nothing */
    const char *proxy_fault;        /* what is wrong with it; NULL: nothing */
    struct c2_arena arena;
    char id[40];
    int64_t started_us;
    struct c2_reply_head *heads; /* to be added to the reply */
    const char *error_key;       /* NULL: detail */
    struct c2_fault fault;       /* type NULL: none is told */
    bool retry_said;             /* Retry-After is among them */
    struct MHD_Response *response;
    int status;
    struct c2_body pull;
    bool pull_waiting;
    /* Asked for by the front: where to, and what came (C2_PULL_NONE: nothing yet). */
    uint8_t *pull_to, *pull_own; /* own: of a chunked body */
    size_t pull_room;
    bool pull_chunked;
    int64_t pull_n;
    bool wide; /* its body is offered in large blocks */
    int tries, redone;
    const char *version, *user; /* for the access log; NULL: not known */
    int64_t length;             /* of the body, which was handed over whole; -1: it is pulled */
    int64_t began_at;           /* where in the connection's bytes the body begins; -1: not known */
    uint64_t sent, pulled;      /* bytes of the body: that have left; that were pulled last */
    uint64_t uncounted;         /* of sent: not yet in the server's sum */
    c2_loop_fn *at_end;         /* once the answer has left, or the client */
    void *at_end_ctx;
};

#define C2_PULL_NONE (-9) /* none of C2_BODY_* */

/* ---- drive.c: libmicrohttpd turned by the front's loop ---- */
struct c2_drive;
bool c2_drive_new(struct c2_front *front, struct cat2_error *err); /* sets front->drive */
void c2_drive_free(struct c2_drive *drive);
/** Run MHD soon: something was resumed. */
void c2_drive_kick(struct c2_drive *drive);

/* ---- request.c ---- */
/** The connection, for who is not the front. NULL: it is gone, or the front's now. */
static inline struct MHD_Connection *c2_request_connection(const struct c2_request *req)
{
    return req->away ? NULL : req->connection;
}

/* ---- proxied.c ---- */
/** All fields of a name, as one list that lives as long as the request; p NULL: there is none. false: they
 * are too long, or there is no memory. */
bool c2_request_all_of(struct c2_request *req, const char *name, struct c2_str *out);

/* ---- handover.c ---- */
/** The connection waits: what is asked is with the loop thread. Front. */
void c2_request_suspend(struct c2_request *req);
/** The loop thread has done with the connection for now: the front goes on with it. */
void c2_request_give_back(struct c2_request *req);
/** Front, or where the front is at its end. */
void c2_request_resume(struct c2_request *req);

/* ---- server.c ---- */
/** Start libmicrohttpd for the front. */
bool c2_server_daemon(struct c2_front *front, struct cat2_error *err);
/** Is nothing left to be answered, or the time over? Then end it. Loop. */
void c2_server_check_drained(struct c2_server *server);

/** The route of the request, without answering; NULL: none. */
const struct c2_route *c2_route_look(struct c2_request *req);
/* ---- tls.c ---- */
#define C2_TLS_OPTIONS_MAX 3
/** What libmicrohttpd is to be told at its start, ended by MHD_OPTION_END; tls NULL: nothing. With TLS
 * MHD_USE_TLS is needed too. */
void c2_tls_options(struct c2_tls *tls, struct MHD_OptionItem items[C2_TLS_OPTIONS_MAX]);

/** A connection begins or ends (MHD_OPTION_NOTIFY_CONNECTION). NULL: nothing. */
void c2_tls_notify(struct c2_tls *certificates, struct MHD_Connection *connection, void **socket_context,
                   enum MHD_ConnectionNotificationCode what);
/** Bytes were handed over that had come before. NULL: nothing. */
void c2_tls_note(struct c2_tls *tls);
/** Has nothing come, left or been handed over since this was asked last? Then libmicrohttpd waits for
 * clients, though it says that it has more to do at once: it does while a handshake is not complete. NULL:
 * false. */
bool c2_tls_is_stuck(struct c2_tls *tls);
/** The socket of a connection of TLS that was upgraded. libmicrohttpd would copy its bytes through a pair of
 * sockets, four at a time; from now on it finds nothing to read. The socket is the connection's. */
struct c2_tls_socket *c2_tls_take_over(struct MHD_Connection *connection);

/* ---- the server ---- */
unsigned c2_server_nconnections(const struct c2_server *server);
void c2_request_unref(struct c2_request *req);
/** Is it to be answered at all? false: it was refused here (origin.h). */
bool c2_origin_check(struct c2_request *req);
/** Look at what proxies say, once the headers are there: sets peer, forwarded, proxy_fault. */
void c2_proxied_read(struct c2_request *req);
/** The same of its body, once the route is known. */
bool c2_origin_check_body(struct c2_request *req);
/* gate.c */
/** Let the gate judge it; the handler runs now, later or not at all. */
void c2_gate_pass_through(struct c2_request *req);
/** Its answer has left, or its client. */
void c2_gate_leave(struct c2_request *req);
/** Find the route; true when the request may be handled, false when it was answered here (404, 405, 307). */
bool c2_route_find(struct c2_request *req);
/** Does the query hold just what the route takes (c2_route.query)? false: it was answered, with 400 or 422.
 */
bool c2_query_check(struct c2_request *req, const char *spec);
/** A part of the query, decoded; lives as long as the request. */
struct c2_str c2_query_decoded(const struct c2_request *req, struct c2_str text);
/** Answer what asks for the base path alone: 307 to the same with a slash. */
void c2_reply_top(struct c2_request *req);
/** Hand the response over: queues it or resumes the held connection. Takes response (NULL: 500). */
void c2_reply_send(struct c2_request *req, int status, struct MHD_Response *response);
/** The same with a type; NULL: none. */
void c2_reply_typed(struct c2_request *req, int status, const char *content_type,
                    struct MHD_Response *response);
/** Add the answer's hash to its headers, if the client wants one. All other headers are there; body NULL: a
 * stream. */
void c2_reply_prove(struct c2_request *req, int status, const char *content_type,
                    const struct c2_bytes *body);
/** The answer has ended, and req->sent is known. */
void c2_stats_note(struct c2_request *req);
/* ---- sent.c: how much of the body has left ---- */
void c2_sent_begin(struct c2_request *req); /* the response is about to be queued; front */
void c2_sent_pulled(struct c2_request *req, uint64_t n);
void c2_sent_end(struct c2_request *req, bool whole); /* front */
void c2_sent_count(struct c2_request *req);           /* add it to the server's sum */
/** Microseconds of a monotonic clock. */
int64_t c2_now_us(void);

#endif
