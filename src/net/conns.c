/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections are accepted here and not by libmicrohttpd, which refuses newcomers when all places are taken,
 * and does not always go on when one is free again. */
#include "net/conns_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/log_share.h"

#define AT_ONCE  64        /* accepted before others have their turn */
#define TICK_MS  1000      /* how exactly clocks are looked at */
#define RETRY_MS 100       /* without a place or descriptor for a connection, until it is tried again */
#define GRACE_MS 500       /* an idle connection keeps its place so long */
#define FEW      256       /* places, of which idle connections keep none for long */
#define SHARE    4         /* an address that is not loopback has that part of all places at most */
#define FD_MAX   (1 << 20) /* the kernel's own limit of descriptors, as it is built */

/* Whose daemon this thread turns now. */
static _Thread_local struct c2_conns *running;

int64_t c2_conns_now_ms(const struct c2_conns *conns)
{
    return (int64_t)uv_now(c2_loop_uv(conns->loop));
}

/* ---- a connection's state ---- */

/* Is a request of it not answered yet? */
static bool is_asked(const struct c2_conn *conn)
{
    return conn->nstarted > conn->nended || conn->intake.nheads > conn->nended;
}

static void settle(struct c2_conn *conn)
{
    const struct c2_intake *in = &conn->intake;
    bool asked = is_asked(conn);
    enum c2_member_state state = conn->going                      ? C2_MEMBER_BUSY
                                 : asked                          ? C2_MEMBER_BUSY
                                 : c2_intake_has_part_of_head(in) ? C2_MEMBER_HEAD
                                                                  : C2_MEMBER_IDLE;

    if (state == C2_MEMBER_BUSY && !conn->going && c2_intake_awaits_body(in)) state = C2_MEMBER_BODY;
    if (state == conn->member.state) return;
    if (state == C2_MEMBER_BODY) conn->nbody_was = in->nbody;
    c2_crowds_set(conn->conns->crowds, &conn->conns->crowd, &conn->member, state,
                  c2_conns_now_ms(conn->conns));
}

void c2_conn_let_go(struct c2_conn *conn)
{
    conn->going = true;
    shutdown(conn->fd, SHUT_RDWR);
    settle(conn);
}

uint64_t c2_conn_request_begins(struct c2_conn *conn)
{
    conn->nstarted++;
    settle(conn);
    return conn->nstarted;
}

void c2_conn_request_ends(struct c2_conn *conn)
{
    conn->nended++;
    conn->member.served = true;
    if (conn->is_at_end && !is_asked(conn))
        c2_conn_let_go(conn);
    else
        settle(conn);
}

int c2_conn_refused(const struct c2_conn *conn, uint64_t nth, const char **why)
{
    if (nth > conn->intake.nheads) { /* the linker has taken another recv() than that of recv_exported.c */
        *why = "this program was linked wrongly: requests are not looked at";
        return 500;
    }
    return c2_intake_refused(&conn->intake, nth, why);
}

bool c2_conn_is_last(const struct c2_conn *conn, uint64_t nth)
{
    return nth >= conn->intake.nheads &&
           (conn->intake.state == C2_IN_RAW || conn->intake.state == C2_IN_REFUSED);
}

static int64_t read_for(int fd, void *tls, c2_intake_source *source, void *ctx, void *to, size_t room)
{
    if (!running || fd < 0 || (size_t)fd >= running->by_fd.n) return C2_CONNS_NOT_OURS;
    struct c2_conn *conn = running->by_fd.p[fd];
    if (!conn || conn->tls != tls) return C2_CONNS_NOT_OURS;
    if (conn->is_taken) return C2_INTAKE_AGAIN;
    if (conn->going) return 0;
    bool refused = conn->intake.state == C2_IN_REFUSED;
    int64_t n = c2_intake_read(&conn->intake, source, ctx, to, room);
    if (!refused && conn->intake.state == C2_IN_REFUSED) {
        conn->conns->counts.malformed++;
        c2_log_debug("http: refused a request of %s with %d: %s", conn->peer.text, conn->intake.status,
                     conn->intake.why ? conn->intake.why : "");
    }
    /* libmicrohttpd would close it without an answer. */
    if (n == 0 && is_asked(conn) && !c2_intake_awaits_body(&conn->intake) &&
        !c2_intake_has_part_of_head(&conn->intake)) {
        conn->is_at_end = true;
        n = C2_INTAKE_AGAIN;
    }
    settle(conn);
    return n;
}

/* ---- places ---- */

void c2_conns_run(struct c2_conns *conns)
{
    struct c2_conns *before = running;

    running = conns;
    MHD_run(conns->daemon);
    running = before;
}

/* The connection that gives up its place. Not one that was accepted or answered just now: its client may be
 * about to ask, and would not know whether the request was handled. */
static struct c2_conn *choose(struct c2_conns *conns, const uint8_t *address)
{
    struct c2_conn *conn = (struct c2_conn *)c2_crowds_yielding(conns->crowds, &conns->crowd, address);

    return conn && c2_conns_now_ms(conns) - conn->member.since_ms >= GRACE_MS ? conn : NULL;
}

/* Close a connection whose place is needed. false: all are at work, or were just now. */
static bool make_room(struct c2_conns *conns, const uint8_t *address)
{
    struct c2_conn *conn = choose(conns, address);
    size_t before = conns->crowd.n;
    int unread = 0;

    if (conn && ioctl(conn->fd, FIONREAD, &unread) == 0 && unread > 0) { /* it has asked meanwhile */
        conns->run(conns->run_ctx);
        conn = choose(conns, address);
    }
    if (!conn) return conns->crowd.n < before;
    conns->counts.evicted++;
    c2_conn_let_go(conn);
    conns->run(conns->run_ctx);
    return conns->crowd.n < before;
}

static void let_hold(struct c2_conns *conns)
{
    if (atomic_fetch_sub(&conns->holds, 1) == 1) free(conns);
}

static void on_asking(void *ctx)
{
    struct c2_conns *conns = ctx;
    uint8_t address[16];

    if (conns->daemon) {
        c2_crowds_lock(conns->crowds);
        bool any = conns->any;
        memcpy(address, conns->address, sizeof(address));
        conns->is_wanted = false;
        c2_crowds_unlock(conns->crowds);
        make_room(conns, any ? NULL : address);
    }
    let_hold(conns);
}

/* Have the front make room that has most connections which may go. false: none has any. */
static bool ask_for_room(struct c2_conns *conns, const uint8_t *address)
{
    c2_crowds_lock(conns->crowds);
    struct c2_crowd *crowd = c2_crowds_whose(conns->crowds, address, c2_conns_now_ms(conns) - GRACE_MS);
    struct c2_conns *other = (struct c2_conns *)crowd;
    if (other && other != conns && !other->is_wanted) {
        other->is_wanted = true;
        other->any = !address;
        if (address) memcpy(other->address, address, sizeof(other->address));
        other->holds++;
        c2_loop_post(other->loop, &other->asking, on_asking, other);
    }
    c2_crowds_unlock(conns->crowds);
    if (other == conns) return make_room(conns, address);
    /* A place for anybody is waited for; an address may have one more until then. */
    return other && address;
}

static void on_listen(uv_poll_t *poll, int status, int events);

static void accept_again(struct c2_conns *conns)
{
    if (conns->retry) c2_timer_stop(conns->retry);
    conns->retry = NULL;
    if (!conns->paused || !conns->polling) return;
    conns->paused = false;
    uv_poll_start(&conns->poll, UV_READABLE, on_listen);
}

static void on_retry(void *ctx)
{
    struct c2_conns *conns = ctx;

    conns->retry = NULL; /* a one-shot timer frees itself */
    accept_again(conns);
}

/* They wait in the kernel until a place is free, or a descriptor, or a connection has been idle for long
 * enough. */
static void pause_accepting(struct c2_conns *conns)
{
    uv_poll_stop(&conns->poll);
    conns->paused = true;
    conns->counts.pauses++;
    if (!conns->retry) conns->retry = c2_timer_start(conns->loop, RETRY_MS, 0, on_retry, conns);
}

/* ---- accepting ---- */

static void forget(struct c2_conn *conn)
{
    struct c2_conns *conns = conn->conns;

    if ((size_t)conn->fd < conns->by_fd.n && conns->by_fd.p[conn->fd] == conn)
        conns->by_fd.p[conn->fd] = NULL;
    c2_crowds_leave(conns->crowds, &conns->crowd, &conn->member);
    c2_intake_fini(&conn->intake);
    free(conn);
    accept_again(conns);
}

static bool know_fd(struct c2_conns *conns, int fd, struct c2_conn *conn)
{
    struct cat2_error err;

    while (conns->by_fd.n <= (size_t)fd)
        if (!c2_vec_push(&conns->by_fd, FD_MAX, "descriptors", &err, NULL)) return false;
    conns->by_fd.p[fd] = conn;
    return true;
}

/* The share of an address that is not known holds a proxy's clients too; a setting says otherwise. */
size_t c2_conns_per_address(const struct c2_conns *conns, const struct c2_peer *peer, size_t max)
{
    size_t share = max / SHARE ? max / SHARE : 1;

    if (conns->proxies && c2_subnets_have(conns->proxies, peer->address)) return max;
    if (!conns->per_address) return peer->is_loopback ? max : share;
    return conns->per_address < max ? conns->per_address : max;
}

static bool has_too_many(struct c2_conns *conns, const struct c2_peer *peer)
{
    size_t n = c2_crowds_count(conns->crowds, peer->address);

    if (n < c2_conns_per_address(conns, peer, conns->crowd.max)) return false;
    return !ask_for_room(conns, peer->address);
}

static void admit(struct c2_conns *conns, int fd, const struct sockaddr *from, socklen_t length)
{
    struct c2_peer peer;

    c2_peer_read(from, &peer);
    if (has_too_many(conns, &peer)) {
        size_t n = c2_crowds_count(conns->crowds, peer.address);
        conns->counts.refused++;
        c2_log_some(C2_WARN,
                    "http: %s has %zu connections, and gets no more: connections-per-address "
                    "(--connections-per-address) says how many an address may have",
                    peer.text, n);
        c2_turn_away(&conns->lingerers, fd, conns->tls, n);
        return;
    }
    struct c2_conn *conn = calloc(1, sizeof(*conn));
    if (!conn ||
        !c2_crowds_join(conns->crowds, &conns->crowd, &conn->member, peer.address, c2_conns_now_ms(conns))) {
        free(conn);
        close(fd);
        return;
    }
    conn->conns = conns;
    conn->peer = peer;
    conn->fd = fd;
    c2_intake_init(&conn->intake);
    if (!know_fd(conns, fd, conn)) {
        forget(conn);
        close(fd);
        return;
    }
    /* libmicrohttpd closes the descriptor whatever happens, and may have told of its end already. */
    if (MHD_add_connection(conns->daemon, fd, from, length) != MHD_YES && conns->by_fd.p[fd] == conn)
        forget(conn);
}

static bool is_short_of_fds(int errnum)
{
    return errnum == EMFILE || errnum == ENFILE || errnum == ENOBUFS || errnum == ENOMEM;
}

static void on_listen(uv_poll_t *poll, int status, int events)
{
    struct c2_conns *conns = poll->data;

    (void)status;
    (void)events;
    for (int i = 0; i < AT_ONCE && conns->polling && !conns->paused; i++) {
        struct sockaddr_storage from;
        socklen_t length = sizeof(from);
        if (c2_crowds_n(conns->crowds) >= conns->crowd.max && !ask_for_room(conns, NULL)) {
            pause_accepting(conns);
            break;
        }
        int fd = accept4(conns->listen_fd, (struct sockaddr *)&from, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            admit(conns, fd, (const struct sockaddr *)&from, length);
        } else if (is_short_of_fds(errno)) {
            c2_log_some(C2_WARN, "http: no file descriptor for another client");
            if (!ask_for_room(conns, NULL)) pause_accepting(conns);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            break;
        }
    }
    conns->run(conns->run_ctx);
}

/* ---- what libmicrohttpd tells ---- */

struct c2_conn *c2_conn_of(const struct c2_conns *conns, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    if (!info || info->connect_fd < 0 || (size_t)info->connect_fd >= conns->by_fd.n) return NULL;
    return conns->by_fd.p[info->connect_fd];
}

void c2_conns_notify(struct c2_conns *conns, struct MHD_Connection *connection,
                     enum MHD_ConnectionNotificationCode code)
{
    struct c2_conn *conn = c2_conn_of(conns, connection);

    if (!conn) return;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (conn->intake.state == C2_IN_REFUSED && conns->listen_fd >= 0)
            c2_linger(&conns->lingerers, conn->fd);
        forget(conn);
        return;
    }
    const union MHD_ConnectionInfo *tls =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (tls) conn->tls = tls->tls_session;
}

/* ---- life ---- */

bool c2_conns_new(const struct c2_conns_options *options, struct c2_conns **out, struct cat2_error *err)
{
    struct c2_conns *conns = calloc(1, sizeof(*conns));

    if (!conns || !c2_crowds_add(options->crowds, &conns->crowd, options->max)) {
        free(conns);
        close(options->listen_fd);
        return c2_fail_nomem(err, "connections");
    }
    conns->loop = conns->lingerers.loop = options->loop;
    conns->listen_fd = options->listen_fd;
    conns->per_address = options->per_address;
    conns->proxies = options->proxies;
    conns->tls = options->tls;
    conns->crowds = options->crowds;
    conns->holds = 1;
    atomic_store_explicit(&c2_conns_read_for, read_for, memory_order_relaxed);
    if (options->max < FEW) conns->crowd.idle_ms = C2_CROWD_IDLE_FEW_MS;
    *out = conns;
    return true;
}

bool c2_conns_start(struct c2_conns *conns, struct MHD_Daemon *daemon, void (*run)(void *ctx), void *ctx,
                    struct cat2_error *err)
{
    conns->daemon = daemon;
    conns->run = run;
    conns->run_ctx = ctx;
    if (uv_poll_init(c2_loop_uv(conns->loop), &conns->poll, conns->listen_fd) != 0)
        return c2_fail(err, CAT2_EIO, "cannot wait for connections");
    conns->poll.data = conns;
    conns->polling = true;
    uv_poll_start(&conns->poll, UV_READABLE, on_listen);
    conns->tick = c2_timer_start(conns->loop, TICK_MS, TICK_MS, c2_conns_tick, conns);
    return true;
}

void c2_conns_close_door(struct c2_conns *conns)
{
    if (conns->polling) uv_poll_stop(&conns->poll);
    conns->polling = false;
    if (conns->listen_fd >= 0) close(conns->listen_fd);
    conns->listen_fd = -1;
    c2_linger_end(&conns->lingerers);
}

static void on_closed(uv_handle_t *handle)
{
    let_hold(handle->data);
}

void c2_conns_free(struct c2_conns *conns)
{
    if (!conns) return;
    c2_conns_close_door(conns);
    c2_timer_stop(conns->tick);
    c2_timer_stop(conns->retry);
    c2_vec_fini(&conns->by_fd);
    c2_crowds_remove(conns->crowds, &conns->crowd); /* nobody asks any more */
    conns->daemon = NULL;
    if (conns->poll.data)
        uv_close((uv_handle_t *)&conns->poll, on_closed);
    else
        let_hold(conns);
}

void c2_conns_count(const struct c2_conns *conns, struct c2_conns_counts *sum)
{
    sum->pauses += conns->counts.pauses;
    sum->evicted += conns->counts.evicted;
    sum->late += conns->counts.late;
    sum->refused += conns->counts.refused;
    sum->malformed += conns->counts.malformed;
}
