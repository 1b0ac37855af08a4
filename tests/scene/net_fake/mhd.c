/* SPDX-License-Identifier: BSD-3-Clause */
/* libmicrohttpd over the network in memory, as far as src/net uses it, and the files of src/net that touch
 * sockets: listening, accepting, and turning MHD (here each connection turns itself, by events of its host).
 *
 *   arrival ──► ASKING ──(queued)──► ANSWERING ──► complete
 *
 * A suspended connection does nothing until it is resumed. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "mhd.h"
#include "net/listen.h"
#include "net/server_impl.h"

struct MHD_Daemon {
    struct c2_host *host;
    MHD_AccessHandlerCallback handler;
    void *(*on_uri)(void *cls, const char *uri, struct MHD_Connection *connection);
    MHD_RequestCompletedCallback completed;
    void *handler_cls, *uri_cls, *completed_cls;
    struct MHD_Connection *connections;
};
struct header {
    struct header *next;
    char *name, *value;
};
struct MHD_Connection {
    struct MHD_Connection *prev, *next;
    struct MHD_Daemon *daemon;
    struct c2_exchange *x; /* NULL: broken */
    struct header *headers;
    bool suspended, asked, head_only, turning;
    void *con_cls;
    struct MHD_Response *response;
    int status;
    bool head_sent;
    uint64_t sent;
    struct c2_fake_event *turn;
};

/* ---- the files of src/net that touch sockets ---- */

static struct {
    int fd;
    struct c2_host *host;
} listening[2048];

bool c2_listens_at_loopback(int fd)
{
    (void)fd;
    return false;
}

int c2_listen(const struct c2_endpoint *at, int *port, struct cat2_error *err)
{
    char address[80];
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC); /* whoever gets it closes it */

    snprintf(address, sizeof(address), "%.60s:%d", at->host, at->port);
    struct c2_host *host = c2_fake_host_at(address);
    if (!host || fd < 0) {
        if (fd >= 0) close(fd);
        c2_fail(err, CAT2_EIO, "cannot listen on %s", address);
        return -1;
    }
    *port = at->port;
    for (size_t i = 0; i < C2_ARRAY_LEN(listening); i++) {
        if (listening[i].host && listening[i].host != host) continue;
        listening[i].fd = fd;
        listening[i].host = host;
        return fd;
    }
    c2_assert_failed("too many hosts", __FILE__, __LINE__);
    return -1;
}

bool c2_drive_new(struct c2_front *front, struct cat2_error *err)
{
    (void)err;
    front->drive = NULL;
    return true;
}
void c2_drive_free(struct c2_drive *drive)
{
    (void)drive;
}
void c2_drive_kick(struct c2_drive *drive)
{
    (void)drive;
}

/* ---- accepting: there are no sockets, so there is nothing to accept, read or judge ---- */

struct c2_conns {
    int fd;
    struct MHD_Daemon *daemon;
};
static struct c2_conns *opening; /* that of the daemon which is started next */

bool c2_conns_new(const struct c2_conns_options *options, struct c2_conns **out, struct cat2_error *err)
{
    (void)err;
    opening = *out = calloc(1, sizeof(**out));
    C2_ASSERT(opening);
    opening->fd = options->listen_fd;
    return true;
}
void c2_conns_close_door(struct c2_conns *conns)
{
    if (conns->fd < 0) return;
    if (conns->daemon) conns->daemon->host->daemon = NULL;
    close(conns->fd);
    conns->fd = -1;
}
void c2_conns_free(struct c2_conns *conns)
{
    if (conns) c2_conns_close_door(conns);
    free(conns);
}
void c2_conns_run(struct c2_conns *conns)
{
    (void)conns;
}
void c2_conns_count(const struct c2_conns *conns, struct c2_conns_counts *sum)
{
    (void)conns;
    (void)sum;
}
size_t c2_conns_per_address(const struct c2_conns *conns, const struct c2_peer *peer, size_t max)
{
    (void)conns;
    (void)peer;
    return max;
}
struct c2_conn *c2_conn_of(const struct c2_conns *conns, struct MHD_Connection *connection)
{
    (void)conns;
    (void)connection;
    return NULL;
}
void c2_conns_notify(struct c2_conns *conns, struct MHD_Connection *connection,
                     enum MHD_ConnectionNotificationCode code)
{
    (void)conns;
    (void)connection;
    (void)code;
}
uint64_t c2_conn_request_begins(struct c2_conn *conn)
{
    C2_ASSERT(!conn);
    return 0;
}
void c2_conn_request_ends(struct c2_conn *conn)
{
    C2_ASSERT(!conn);
}
bool c2_conn_is_last(const struct c2_conn *conn, uint64_t nth)
{
    (void)nth;
    return conn != NULL;
}
int c2_conn_refused(const struct c2_conn *conn, uint64_t nth, const char **why)
{
    C2_ASSERT(!conn && !nth && why);
    return 0;
}

/* ---- connections ---- */

static void turn(void *ctx);

static void turn_soon(struct MHD_Connection *c)
{
    if (!c->turn) c->turn = c2_fake_at(c->daemon->host, NULL, c2_fake_now(), turn, c);
}

static void complete(struct MHD_Connection *c, enum MHD_RequestTerminationCode why, const char *broken)
{
    struct MHD_Daemon *daemon = c->daemon;

    if (c->x) c2_exchange_end(c->x, broken);
    c->x = NULL;
    if (daemon->completed) daemon->completed(daemon->completed_cls, c, &c->con_cls, why);
    if (c->response) MHD_destroy_response(c->response);
    c2_fake_cancel(c->turn);
    if (c->prev)
        c->prev->next = c->next;
    else
        daemon->connections = c->next;
    if (c->next) c->next->prev = c->prev;
    while (c->headers) {
        struct header *header = c->headers;
        c->headers = header->next;
        free(header->name);
        free(header->value);
        free(header);
    }
    free(c);
}

static void send_head(struct MHD_Connection *c)
{
    struct MHD_Response *r = c->response;
    struct c2_pipe *pipe = NULL;
    struct cat2_error err;

    c->head_sent = true;
    if (r->ws) pipe = c2_ws_accepted(r->ws, c->x);
    r->ws = NULL;
    if (!r->upgrade && r->size != MHD_SIZE_UNKNOWN)
        C2_ASSERT(c2_buf_printf(&r->headers, &err, "Content-Length: %llu\r\n", (unsigned long long)r->size));
    c2_exchange_head(c->x, c->status, c2_buf_str(&r->headers), pipe);
}

/* Send the next piece of the answer; true when the connection is over (and freed). */
static bool answer(struct MHD_Connection *c)
{
    static uint8_t block[65536];
    bool bodyless = c->head_only || c->response->upgrade;

    if (!c->head_sent) send_head(c);
    ssize_t n =
        bodyless ? MHD_CONTENT_READER_END_OF_STREAM : c2_mhd_read(c->response, c->sent, block, sizeof(block));
    if (n == 0) return false; /* it suspended the connection */
    if (n < 0) {
        bool short_body = n == MHD_CONTENT_READER_END_WITH_ERROR;
        complete(c, short_body ? MHD_REQUEST_TERMINATED_WITH_ERROR : MHD_REQUEST_TERMINATED_COMPLETED_OK,
                 short_body ? "the body is short" : NULL);
        return true;
    }
    c->sent += (uint64_t)n;
    if (!c2_exchange_bytes(c->x, (struct c2_bytes){block, (size_t)n})) {
        complete(c, MHD_REQUEST_TERMINATED_WITH_ERROR, "connection reset");
        return true;
    }
    turn_soon(c);
    return false;
}

static enum MHD_Result ask(struct MHD_Connection *c, const char *upload, size_t *n)
{
    struct MHD_Daemon *d = c->daemon;
    const struct c2_question *q = c2_exchange_question(c->x);

    return d->handler(d->handler_cls, c, q->target, q->method, "HTTP/1.1", upload, n, &c->con_cls);
}

/* The request's three calls: head, body, end. */
static bool ask_all(struct MHD_Connection *c)
{
    struct c2_bytes body = c2_exchange_question(c->x)->body;
    size_t none = 0, n = body.n;

    c->asked = true;
    return ask(c, NULL, &none) == MHD_YES && (n == 0 || ask(c, (const char *)body.p, &n) == MHD_YES) &&
           ask(c, NULL, &none) == MHD_YES;
}

static void turn(void *ctx)
{
    struct MHD_Connection *c = ctx;
    size_t none = 0;

    c->turn = NULL;
    if (c->suspended) return;
    if (!c->x || c2_exchange_left(c->x)) {
        complete(c, MHD_REQUEST_TERMINATED_CLIENT_ABORT, NULL);
        return;
    }
    bool ok = c->response || (c->asked ? ask(c, NULL, &none) == MHD_YES : ask_all(c));
    if (!ok) {
        complete(c, MHD_REQUEST_TERMINATED_WITH_ERROR, "connection closed");
        return;
    }
    if (c->response && !c->suspended) answer(c);
}

static void add_header(struct MHD_Connection *c, struct c2_str line)
{
    struct c2_str name, value;
    struct header *header = calloc(1, sizeof(*header));

    C2_ASSERT(header && c2_str_cut(line, ':', &name, &value));
    header->name = c2_str_dup(c2_str_trim(name));
    header->value = c2_str_dup(c2_str_trim(value));
    C2_ASSERT(header->name && header->value);
    header->next = c->headers;
    c->headers = header;
}

struct MHD_Connection *c2_server_arrival(struct MHD_Daemon *daemon, struct c2_exchange *x)
{
    struct MHD_Connection *c = calloc(1, sizeof(*c));
    const struct c2_question *q = c2_exchange_question(x);
    struct c2_str rest = c2_str_of(q->headers), line;

    C2_ASSERT(c);
    c->daemon = daemon;
    c->x = x;
    c->head_only = strcmp(q->method, "HEAD") == 0;
    while (rest.n) {
        c2_str_cut(rest, '\n', &line, &rest);
        if (c2_str_trim(line).n) add_header(c, line);
    }
    if (q->body.n) {
        char length[40];
        snprintf(length, sizeof(length), "Content-Length:%zu", q->body.n);
        add_header(c, c2_str_of(length));
    }
    c->next = daemon->connections;
    if (c->next) c->next->prev = c;
    daemon->connections = c;
    c->con_cls = daemon->on_uri(daemon->uri_cls, q->target, c);
    turn_soon(c);
    return c;
}

void c2_server_departure(struct MHD_Connection *c)
{
    c->x = NULL;
    if (!c->suspended) turn_soon(c);
}

const char *MHD_lookup_connection_value(struct MHD_Connection *c, enum MHD_ValueKind kind, const char *key)
{
    C2_ASSERT(kind == MHD_HEADER_KIND);
    for (const struct header *header = c->headers; header; header = header->next)
        if (c2_str_eq_nocase(c2_str_of(header->name), c2_str_of(key))) return header->value;
    return NULL;
}

int MHD_get_connection_values(struct MHD_Connection *c, enum MHD_ValueKind kind, MHD_KeyValueIterator fn,
                              void *cls)
{
    int n = 0;

    C2_ASSERT(kind == MHD_HEADER_KIND);
    for (const struct header *header = c->headers; header; header = header->next, n++)
        if (fn(cls, kind, header->name, header->value) == MHD_NO) return n + 1;
    return n;
}

/* Everybody is on this machine, at an address of his own. */
const union MHD_ConnectionInfo *MHD_get_connection_info(struct MHD_Connection *c,
                                                        enum MHD_ConnectionInfoType type, ...)
{
    static struct sockaddr_in here = {.sin_family = AF_INET};
    static union MHD_ConnectionInfo info = {.client_addr = (struct sockaddr *)&here};
    uint32_t own = 1;

    C2_ASSERT(type == MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    for (const char *p = c->x ? c2_exchange_from(c->x)->name : ""; *p; p++)
        own = own * 31 + (uint8_t)*p;
    here.sin_addr.s_addr = htonl(0x7f000000u | (own & 0xffffff));
    return &info;
}

enum MHD_Result MHD_queue_response(struct MHD_Connection *c, unsigned status, struct MHD_Response *response)
{
    C2_ASSERT(!c->response);
    response->refs++;
    c->response = response;
    c->status = (int)status;
    turn_soon(c);
    return MHD_YES;
}

/* What net/gone.c asks the kernel. */
bool c2_request_is_gone(const struct c2_request *req)
{
    const struct MHD_Connection *c = req->connection;

    return !c || !c->x || c2_exchange_left(c->x);
}

void MHD_suspend_connection(struct MHD_Connection *c)
{
    c->suspended = true;
}
void MHD_resume_connection(struct MHD_Connection *c)
{
    c->suspended = false;
    turn_soon(c);
}

/* ---- daemons ---- */

/* Nothing is encrypted here. */
void c2_tls_notify(struct c2_tls *tls, struct MHD_Connection *connection, void **socket_context,
                   enum MHD_ConnectionNotificationCode what)
{
    (void)connection, (void)socket_context, (void)what;
    C2_ASSERT(!tls);
}
void c2_tls_note(struct c2_tls *tls)
{
    C2_ASSERT(!tls);
}
void c2_tls_options(struct c2_tls *tls, struct MHD_OptionItem items[C2_TLS_OPTIONS_MAX])
{
    C2_ASSERT(!tls);
    items[0].option = MHD_OPTION_END;
}

static void read_options(struct MHD_Daemon *d, va_list args)
{
    for (enum MHD_OPTION option; (option = va_arg(args, enum MHD_OPTION)) != MHD_OPTION_END;)
        switch (option) {
        case MHD_OPTION_NOTIFY_COMPLETED:
            d->completed = va_arg(args, MHD_RequestCompletedCallback);
            d->completed_cls = va_arg(args, void *);
            break;
        case MHD_OPTION_URI_LOG_CALLBACK:
            d->on_uri = va_arg(args, void *(*)(void *, const char *, struct MHD_Connection *));
            d->uri_cls = va_arg(args, void *);
            break;
        case MHD_OPTION_CONNECTION_LIMIT:
        case MHD_OPTION_CONNECTION_TIMEOUT:
            (void)va_arg(args, unsigned);
            break;
        case MHD_OPTION_CONNECTION_MEMORY_LIMIT:
            (void)va_arg(args, size_t);
            break;
        case MHD_OPTION_ARRAY: /* c2_tls_options() below */
            (void)va_arg(args, struct MHD_OptionItem *);
            break;
        case MHD_OPTION_EXTERNAL_LOGGER:
        case MHD_OPTION_NOTIFY_CONNECTION:
        case MHD_OPTION_UNESCAPE_CALLBACK:
            (void)va_arg(args, void *);
            (void)va_arg(args, void *);
            break;
        default:
            c2_assert_failed("an option of libmicrohttpd that scenes do not know", __FILE__, __LINE__);
        }
}

struct MHD_Daemon *MHD_start_daemon(unsigned flags, uint16_t port, MHD_AcceptPolicyCallback policy,
                                    void *policy_cls, MHD_AccessHandlerCallback handler, void *handler_cls,
                                    ...)
{
    struct MHD_Daemon *d = calloc(1, sizeof(*d));
    va_list args;

    (void)flags;
    (void)port;
    (void)policy;
    (void)policy_cls;
    C2_ASSERT(d && opening);
    opening->daemon = d;
    d->handler = handler;
    d->handler_cls = handler_cls;
    va_start(args, handler_cls);
    read_options(d, args);
    va_end(args);
    for (size_t i = 0; i < C2_ARRAY_LEN(listening); i++)
        if (listening[i].host && listening[i].fd == opening->fd) d->host = listening[i].host;
    C2_ASSERT(d->host && d->on_uri);
    opening = NULL;
    d->host->daemon = d;
    return d;
}

/* Scenes have no crowds. */
const union MHD_DaemonInfo *MHD_get_daemon_info(struct MHD_Daemon *d, enum MHD_DaemonInfoType type, ...)
{
    static union MHD_DaemonInfo info;

    C2_ASSERT(d && type == MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    info.num_connections = 1;
    return &info;
}

enum MHD_Result MHD_run(struct MHD_Daemon *d)
{
    (void)d;
    return MHD_YES;
}

void MHD_stop_daemon(struct MHD_Daemon *d)
{
    if (d->host->daemon == d) d->host->daemon = NULL;
    while (d->connections)
        complete(d->connections, MHD_REQUEST_TERMINATED_DAEMON_SHUTDOWN, "connection closed");
    for (size_t i = 0; i < C2_ARRAY_LEN(listening); i++)
        if (listening[i].host == d->host) listening[i].host = NULL;
    free(d);
}
