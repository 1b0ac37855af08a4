/* SPDX-License-Identifier: BSD-3-Clause */
/* How a server begins and ends, with its fronts. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log_share.h"
#include "net/listen.h"
#include "net/server_impl.h"

/* ---- fronts ---- */

/* What a front has of its own. Takes the listening socket. */
static bool open_front(struct c2_front *front, const struct c2_server_options *options, int listen_fd,
                       struct cat2_error *err)
{
    struct c2_server *server = front->server;
    struct c2_conns_options conns = {.listen_fd = listen_fd,
                                     .max = server->connections_max,
                                     .per_address = (unsigned)options->connections_per_address,
                                     .tls = options->tls != NULL,
                                     .proxies = &server->exposure->proxies,
                                     .crowds = &server->crowds};

    front->loop = front->is_apart ? NULL : server->loop;
    if (listen_fd < 0) return c2_fail_errno(err, errno, "the socket of port %d", server->port);
    if (front->is_apart && !c2_loop_new(&front->loop, err)) {
        close(listen_fd);
        return false;
    }
    conns.loop = front->loop;
    return c2_conns_new(&conns, &front->conns, err) && c2_server_daemon(front, err) &&
           c2_drive_new(front, err) && (!front->is_apart || c2_front_start(front, err));
}

/* What it has of libmicrohttpd; what is on the way ends. */
static void close_front(struct c2_front *front)
{
    if (front->conns) c2_conns_close_door(front->conns);
    if (front->daemon && front->drive) c2_conns_run(front->conns);
    if (front->daemon) MHD_stop_daemon(front->daemon);
    if (front->drive) c2_drive_free(front->drive);
    c2_conns_free(front->conns);
    front->daemon = NULL;
    front->drive = NULL;
    front->conns = NULL;
}

static void let_go(struct c2_front *front)
{
    struct c2_server *server = front->server;

    front->closing = true;
    pthread_mutex_lock(&server->lock);
    for (struct c2_request *req = server->requests; req; req = req->next) {
        if (req->front != front || !req->is_suspended) continue;
        if (req->state == C2_REQ_HELD && !front->is_apart)
            c2_log_some(C2_WARN, "request id=%s was never answered: %.200s", c2_request_id(req), req->target);
        req->state = C2_REQ_QUEUED;
        req->pull_waiting = false;
        c2_request_resume(req);
    }
    pthread_mutex_unlock(&server->lock);
    close_front(front);
}

static void end_fronts(struct c2_server *server)
{
    for (int i = 0; i < server->nfronts; i++) {
        struct c2_front *front = &server->fronts[i];
        if (front->started)
            c2_front_join(front, let_go);
        else
            let_go(front);
        if (front->is_apart) c2_loop_free(front->loop);
    }
    c2_mailbox_free(server->mail);
}

static void go(void *ctx)
{
    const struct c2_server *server = ctx;

    for (int i = 0; i < server->nfronts; i++)
        if (server->fronts[i].started && !server->closing) c2_front_go(&server->fronts[i]);
}

static bool open_fronts(struct c2_server *server, const struct c2_server_options *options,
                        struct cat2_error *err)
{
    int n = options->nfronts > 0 ? options->nfronts : 1, fd;

    server->fronts = calloc((size_t)n, sizeof(*server->fronts));
    if (!server->fronts || !c2_crowds_init(&server->crowds, n)) return c2_fail_nomem(err, "server");
    if (options->nfronts > 0 && !(server->mail = c2_mailbox_new(server->loop)))
        return c2_fail_nomem(err, "server");
    fd = c2_listen(&options->listen, &server->port, err);
    if (fd < 0) return false;
    server->origin.loopback = c2_listens_at_loopback(fd);
    for (int i = 0; i < n; i++) {
        struct c2_front *front = &server->fronts[server->nfronts++];
        *front = (struct c2_front){.server = server, .is_apart = server->mail != NULL};
        int own = i + 1 < n ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : fd;
        if (!open_front(front, options, own, err)) {
            if (own != fd) close(fd);
            return false;
        }
    }
    /* Routes are there when the loop runs. */
    if (server->mail) c2_mailbox_put(server->mail, &server->go, go, server);
    return true;
}

static void dispose(struct c2_server *server)
{
    end_fronts(server);
    c2_crowds_fini(&server->crowds);
    for (size_t i = 0; i < server->ntables; i++)
        free(server->tables[i].stats);
    pthread_mutex_destroy(&server->lock);
    free(server->fronts);
    free(server);
}

bool c2_server_new(struct c2_loop *loop, const struct c2_server_options *options, struct c2_server **out,
                   struct cat2_error *err)
{
    struct c2_server *server = calloc(1, sizeof(*server));

    if (!server) return c2_fail_nomem(err, "server");
    server->loop = loop;
    server->cors = options->cors;
    server->exposure = options->exposure ? options->exposure : &c2_exposure_default;
    server->gate = options->gate;
    server->tls = options->tls;
    snprintf(server->name, sizeof(server->name), "%s", options->server_name ? options->server_name : "");
    server->origin.hosts = options->hosts;
    snprintf(server->origin.host, sizeof(server->origin.host), "%s", options->listen.host);
    server->connections_max =
        options->connections_max ? (unsigned)options->connections_max : C2_CONNECTIONS_MAX;
    pthread_mutex_init(&server->lock, NULL);
    if (!open_fronts(server, options, err)) {
        server->closing = true;
        dispose(server);
        return false;
    }
    *out = server;
    return true;
}

void c2_server_routes(struct c2_server *server, const struct c2_route *routes, size_t n, void *state)
{
    C2_ASSERT(server->ntables < ROUTE_TABLES_MAX);
    struct c2_route_table *table = &server->tables[server->ntables++];
    *table = (struct c2_route_table){routes, n, state, calloc(n, sizeof(*table->stats))};
    if (!table->stats) c2_log_warn("no memory to count the requests of %zu routes", n);
}

size_t c2_server_per_address(const struct c2_server *server, const struct c2_peer *peer, size_t max)
{
    return c2_conns_per_address(server->fronts[0].conns, peer, max);
}

int c2_server_port(const struct c2_server *server)
{
    return server->port;
}

static void on_drain_tick(void *ctx)
{
    c2_server_check_drained(ctx);
}

static void close_door(void *ctx)
{
    struct c2_front *front = ctx;

    if (front->conns) c2_conns_close_door(front->conns);
}

void c2_server_drain(struct c2_server *server, int64_t grace_ms, c2_loop_fn *done, void *ctx)
{
    for (int i = 0; i < server->nfronts; i++) {
        struct c2_front *front = &server->fronts[i];
        if (front->is_apart)
            c2_loop_post(front->loop, &front->close_door, close_door, front);
        else
            close_door(front);
    }
    server->drained = done;
    server->drained_ctx = ctx;
    server->draining = true;
    server->drain_until = c2_loop_now_ms(server->loop) + grace_ms;
    server->drain_timer = c2_timer_start(server->loop, 50, 50, on_drain_tick, server);
    if (!server->drain_timer) server->drain_until = 0; /* no memory to wait for anybody */
    c2_server_check_drained(server);
}

/* Every held request must have been replied to before. What is left are bodies being sent, which are cut, and
 * requests that arrive at the last moment, which are not passed to a handler. */
void c2_server_free(struct c2_server *server)
{
    if (!server) return;
    server->closing = true;
    c2_timer_stop(server->drain_timer);
    dispose(server);
}
