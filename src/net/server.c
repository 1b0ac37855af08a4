/* SPDX-License-Identifier: BSD-3-Clause */
/* The HTTP server: libmicrohttpd without threads of its own, driven by drive.c, in one or several fronts. */
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/log.h"
#include "base/log_share.h"
#include "net/head.h"
#include "net/intake.h"
#include "net/server_impl.h"
#include "wire/proof.h"

#define STALL_S         45 /* without a byte that the client takes: libmicrohttpd closes it */
#define CONNECTIONS_FEW 4  /* more than we admit: libmicrohttpd does not count quite at the same time */

/* ---- requests ---- */

static void read_peer(struct c2_request *req)
{
    const union MHD_ConnectionInfo *info = NULL;

    if (req->conn) {
        req->peer = req->conn->peer;
        return;
    }
    info = MHD_get_connection_info(req->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    c2_peer_read(info ? info->client_addr : NULL, &req->peer);
}

/* The target may be an address: its host counts, not that of the header (RFC 9112, 3.2.2). */
static bool cut_address(struct c2_request *req)
{
    struct c2_str before, host, target = c2_str_of(req->asked);
    char *to = req->asked;

    if (*to == '/' || !c2_target_is_absolute(target, &before, &host)) return true;
    req->asks_https = c2_lower(to[4]) == 's';
    req->host = c2_arena_strdup(&req->arena, host);
    if (before.n == target.n || to[before.n] != '/') *to++ = '/';
    memmove(to, req->asked + before.n, target.n - before.n + 1);
    return req->host;
}

/* As c2_intake passed it on. Without memory there is none: split_target() says so. */
static void take_target(struct c2_request *req, const char *target)
{
    req->asked = c2_str_dup(c2_str_of(target));
    char *query = req->asked ? strchr(req->asked, C2_INTAKE_QUERY) : NULL;
    if (query) *query = '?';
    if (req->asked && !cut_address(req)) {
        free(req->asked);
        req->asked = NULL;
    }
    if (req->asked) req->target = req->asked + c2_exposure_outer(req->server->exposure, req->asked);
}

/* First word of a request, before its headers are read. What is returned becomes the connection's *con_cls.
 */
static void *on_target(void *cls, const char *target, struct MHD_Connection *connection)
{
    struct c2_front *front = cls;
    struct c2_server *server = front->server;
    struct c2_request *req = calloc(1, sizeof(*req));

    if (!req) return NULL;
    req->server = server;
    req->front = front;
    req->connection = connection;
    req->refs = 1;
    req->conn = c2_conn_of(front->conns, connection);
    read_peer(req);
    if (req->conn) req->nth = c2_conn_request_begins(req->conn);
    req->started_us = c2_now_us();
    c2_arena_init(&req->arena, C2_REQUEST_ARENA_MAX);
    take_target(req, target);
    c2_buf_init(&req->path, 65536);
    c2_buf_init(&req->body, SIZE_MAX); /* upload.c has the maximum */
    pthread_mutex_lock(&server->lock);
    c2_list_push(server->requests, req);
    pthread_mutex_unlock(&server->lock);
    server->nrequests++;
    return req;
}

static bool split_target(struct c2_request *req)
{
    struct c2_str path;
    struct cat2_error err;
    size_t n = 0;

    if (!req->asked) return false;
    c2_buf_clear(&req->path);
    c2_str_cut(c2_str_of(req->target), '?', &path, &req->query);
    if (!c2_url_decode(path, false, &req->path, &err)) return false;
    for (size_t i = 0; i < req->path.n; i++) /* "//" counts as "/" */
        if (i == 0 || req->path.p[i] != '/' || req->path.p[i - 1] != '/') req->path.p[n++] = req->path.p[i];
    return c2_buf_resize(&req->path, n, &err);
}

static void read_method(struct c2_request *req, const char *method)
{
    static const struct {
        const char *name;
        enum c2_method method;
    } names[] = {
        {"GET", C2_GET}, {"HEAD", C2_GET}, {"POST", C2_POST}, {"DELETE", C2_DELETE}, {"PUT", C2_PUT}};

    req->other_method = true;
    req->head = strcmp(method, "HEAD") == 0;
    req->options = strcmp(method, "OPTIONS") == 0;
    for (size_t i = 0; i < C2_ARRAY_LEN(names); i++)
        if (strcmp(method, names[i].name) == 0) {
            req->method = names[i].method;
            req->other_method = false;
        }
}

unsigned c2_server_connections_max(const struct c2_server *server)
{
    return server->connections_max;
}

/* Few connections are left. Connections that are idle are closed, so that others can connect. */
static bool is_crowded(const struct c2_server *server)
{
    unsigned max = c2_server_connections_max(server);

    return c2_server_nconnections(server) > max - max / 4;
}

static enum MHD_Result queue(struct c2_request *req)
{
    bool last = is_crowded(req->server) || (req->conn && c2_conn_is_last(req->conn, req->nth));

    req->state = C2_REQ_QUEUED;
    if (req->status >= 200 && last) MHD_add_response_header(req->response, "Connection", "close");
    c2_sent_begin(req);
    enum MHD_Result result = MHD_queue_response(req->connection, (unsigned)req->status, req->response);
    MHD_destroy_response(req->response);
    req->response = NULL;
    return result;
}

/* A body that came with its hash (wire/proof.h): is it what was sent? */
static bool body_holds(const struct c2_request *req)
{
    struct c2_str given;
    char expected[17];

    if (!req->body.n || !c2_request_header(req, C2_PROOF_HEADER, &given)) return true;
    c2_hash_text(c2_hash_bytes(c2_buf_bytes(&req->body)), expected);
    if (c2_str_is(given, expected)) return true;
    c2_wire_mismatch(C2_WIRE_REQUEST, "body of a request for %.200s", req->target);
    return false;
}

/* The head has been read. true: the body is not to be, the request is answered now. */
static bool begin_body(struct c2_request *req)
{
    const struct c2_route *route;
    struct c2_str length = {NULL, 0}, coding;
    bool chunked = c2_request_header(req, "Transfer-Encoding", &coding);

    c2_request_header(req, "Content-Length", &length);
    if (!c2_upload_is_any(length, chunked)) return false;
    route = split_target(req) ? c2_route_look(req) : NULL;
    return c2_upload_begin(&req->upload, length, chunked, route ? route->body_max : 0);
}

/* Its body was: the request is answered. */
static bool is_refused(struct c2_request *req)
{
    struct c2_str path = c2_buf_str(&req->path);
    char why[C2_WHY_MAX];
    int status = c2_upload_judge(&req->upload, why), shown = (int)c2_min_i64(200, (int64_t)path.n);

    if (status == 503)
        c2_reply_later(req, 1, "%.*s: %s", shown, path.p, why);
    else if (status)
        c2_reply_detail(req, status, "%.*s: %s", shown, path.p, why);
    return status != 0;
}

static const struct c2_route *route_of(const struct c2_request *req)
{
    return &req->table->routes[req->nroute];
}

/* Judge it and have it handled. */
static void handle(struct c2_request *req)
{
    struct c2_str id;

    req->state = C2_REQ_HANDLING;
    if (c2_request_header(req, "X-Request-Id", &id)) c2_request_id(req);
    if (req->server->closing) { /* what routes work on is gone */
        c2_reply_detail(req, 503, "shutting down");
    } else if (req->refusal) {
        req->refused = true;
        c2_reply_detail(req, req->refusal, "%s", req->refusal_why);
    } else if (req->proxy_fault) {
        c2_reply_detail(req, 400, "%s", req->proxy_fault);
    } else if (req->asks_https && !c2_request_is_tls(req) && !c2_request_is_https(req)) {
        req->refused = true;
        c2_reply_detail(req, 421, "https is not served here: the connection has no TLS");
    } else if (!c2_origin_check(req)) {
        c2_log_debug("refused status=%d: %.200s", req->status, req->target ? req->target : "");
    } else if (req->target != req->asked && req->target[0] != '/') {
        c2_reply_top(req);
    } else if (!split_target(req)) {
        c2_reply_detail(req, 414, "the request's path is too long");
    } else if (!body_holds(req)) {
        c2_reply_header(req, C2_PROOF_DAMAGED, "1");
        c2_reply_detail(req, 400, "the request's body was damaged on its way");
    } else if (c2_route_find(req) &&
               (route_of(req)->unread || (!is_refused(req) && c2_origin_check_body(req)))) {
        c2_gate_pass_through(req);
    }
}

/* ---- between the front and the loop thread ---- */

/* What is known of the sender after the connection has ended is found out while it is there. */
static void on_arrived(void *ctx)
{
    struct c2_request *req = ctx;

    if (req->server->closing) return; /* the front ends it */
    c2_proxied_read(req);
    c2_request_peer(req);
    handle(req);
    if (req->state == C2_REQ_REPLIED)
        c2_request_give_back(req);
    else
        req->state = C2_REQ_HELD;
}

/* All of the request is there that is wanted. */
static enum MHD_Result dispatch(struct c2_request *req)
{
    if (req->conn) req->refusal = c2_conn_refused(req->conn, req->nth, &req->refusal_why);
    if (req->front->is_apart && !req->front->closing) {
        req->state = C2_REQ_HELD;
        c2_request_suspend(req);
        c2_mailbox_put(req->server->mail, &req->call, on_arrived, req);
        return MHD_YES;
    }
    handle(req);
    if (req->state == C2_REQ_REPLIED) return queue(req);
    req->state = C2_REQ_HELD;
    c2_request_suspend(req);
    return MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_n, void **con_cls)
{
    struct c2_request *req = *con_cls;

    (void)cls;
    (void)connection;
    (void)url;
    c2_tls_note(req ? req->server->tls : NULL);
    if (!req) return MHD_NO;
    req->version = strcmp(version, "HTTP/1.0") == 0 ? "HTTP/1.0" : "HTTP/1.1"; /* others are refused before */
    if (req->state == C2_REQ_REPLIED) return queue(req);
    if (req->state != C2_REQ_ARRIVING) return MHD_YES;
    /* The head has just been read; an answer now would close the connection. */
    if (!req->method && !req->other_method) {
        read_method(req, method);
        if (!req->front->is_apart) c2_proxied_read(req);
        return begin_body(req) ? dispatch(req) : MHD_YES;
    }
    if (*upload_n) {
        bool ok = c2_upload_take(&req->upload, &req->body, upload, *upload_n);
        *upload_n = 0;
        return ok ? MHD_YES : MHD_NO;
    }
    return dispatch(req);
}

static void finish_drain(struct c2_server *server)
{
    server->draining = false;
    c2_timer_stop(server->drain_timer);
    server->drain_timer = NULL;
    c2_loop_post(server->loop, &server->drained_call, server->drained, server->drained_ctx);
}

void c2_server_check_drained(struct c2_server *server)
{
    if (server->draining && (server->nrequests == 0 || c2_loop_now_ms(server->loop) >= server->drain_until))
        finish_drain(server);
}

/* The request is over. */
static void on_ended(void *ctx)
{
    struct c2_request *req = ctx;
    struct c2_server *server = req->server;

    if (req->front->is_apart) req->away = true; /* also where it never arrived here */
    c2_stats_note(req);
    c2_gate_leave(req);
    req->connection = NULL;
    c2_request_unref(req);
    if (server->draining) c2_server_check_drained(server);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                         enum MHD_RequestTerminationCode why)
{
    const struct c2_front *front = cls;
    struct c2_request *req = *con_cls;

    (void)connection;
    *con_cls = NULL;
    if (!req) return;
    C2_ASSERT(!req->is_suspended); /* suspended connections do not end */
    if (req->response) MHD_destroy_response(req->response);
    req->response = NULL;
    c2_sent_end(req, why == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    if (req->conn) c2_conn_request_ends(req->conn);
    req->conn = NULL;
    if (!front->is_apart) {
        on_ended(req);
        return;
    }
    c2_mailbox_put(front->server->mail, &req->end, on_ended, req);
}

/* ---- life ---- */

static void on_log(void *cls, const char *fmt, va_list args)
{
    char text[300];

    (void)cls;
    vsnprintf(text, sizeof(text), fmt, args);
    c2_log_debug("http: %s", text);
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct c2_front *front = cls;

    c2_tls_notify(front->server->tls, connection, context, code);
    c2_conns_notify(front->conns, connection, code);
}

/* We decode the target ourselves. */
static size_t keep_escapes(void *cls, struct MHD_Connection *connection, char *text)
{
    (void)cls;
    (void)connection;
    return strlen(text);
}

bool c2_server_daemon(struct c2_front *front, struct cat2_error *err)
{
    struct c2_server *server = front->server;
    struct MHD_OptionItem tls[C2_TLS_OPTIONS_MAX];

    c2_tls_options(server->tls, tls);
    front->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE |
            (server->tls ? MHD_USE_TLS : 0),
        0, NULL, NULL, on_request, front, MHD_OPTION_EXTERNAL_LOGGER, on_log, front,
        MHD_OPTION_CONNECTION_LIMIT, server->connections_max + CONNECTIONS_FEW, MHD_OPTION_CONNECTION_TIMEOUT,
        STALL_S, MHD_OPTION_NOTIFY_CONNECTION, on_connection, front, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, front, MHD_OPTION_URI_LOG_CALLBACK, on_target, front, MHD_OPTION_UNESCAPE_CALLBACK,
        keep_escapes, NULL, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)32768, MHD_OPTION_ARRAY, tls,
        MHD_OPTION_END);
    if (front->daemon) return true;
    return c2_fail(err, CAT2_EIO, "cannot start the HTTP server on port %d", server->port);
}
