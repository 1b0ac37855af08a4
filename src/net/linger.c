/* SPDX-License-Identifier: BSD-3-Clause */
/* Each has a descriptor of its own, so that libmicrohttpd may close the one it has. */
#include "net/linger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/list.h"

#define LINGERERS_MAX 8     /* a descriptor each */
#define LINGER_NBYTES 65536 /* a client that sends more reads its answer late */
#define LINGER_MS     2000  /* an answer has arrived by then */

struct c2_lingerer {
    struct c2_lingerer *prev, *next;
    struct c2_lingerers *all;
    uv_poll_t poll;
    int fd;
    size_t nread;
    int64_t until_ms;
};

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void stop(struct c2_lingerer *l)
{
    c2_list_remove(l->all->first, l);
    l->all->n--;
    uv_close((uv_handle_t *)&l->poll, on_closed); /* while the descriptor is still its own */
    close(l->fd);
}

static void on_leftover(uv_poll_t *poll, int status, int events)
{
    struct c2_lingerer *l = poll->data;
    unsigned char block[4096];

    (void)events;
    ssize_t n = status < 0 ? 0 : recv(l->fd, block, sizeof(block), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
    if (n > 0) l->nread += (size_t)n;
    if (n <= 0 || l->nread > LINGER_NBYTES) stop(l);
}

void c2_linger(struct c2_lingerers *all, int fd)
{
    struct c2_lingerer *l = all->n < LINGERERS_MAX ? calloc(1, sizeof(*l)) : NULL;

    if (!l) return;
    l->all = all;
    l->until_ms = c2_loop_now_ms(all->loop) + LINGER_MS;
    l->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (l->fd < 0 || uv_poll_init(c2_loop_uv(all->loop), &l->poll, l->fd) != 0) {
        if (l->fd >= 0) close(l->fd);
        free(l);
        return;
    }
    shutdown(l->fd, SHUT_WR);
    l->poll.data = l;
    c2_list_push(all->first, l);
    all->n++;
    uv_poll_start(&l->poll, UV_READABLE, on_leftover);
}

void c2_turn_away(struct c2_lingerers *all, int fd, bool tls, size_t n)
{
    static const char alert[] = {21, 3, 3, 0, 2, 2, 80};
    char body[200], text[500];

    int length = snprintf(body, sizeof(body),
                          "{\"detail\":\"your address has %zu connections to this service, and may have no "
                          "more (--connections-per-address)\"}",
                          n);
    length =
        snprintf(text, sizeof(text),
                 "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 5\r\n"
                 "Connection: close\r\nContent-Length: %d\r\n\r\n%s",
                 length, body);
    send(fd, tls ? alert : text, tls ? sizeof(alert) : (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL);
    c2_linger(all, fd); /* what it sends meanwhile would be answered by a reset */
    close(fd);
}

void c2_linger_tick(struct c2_lingerers *all)
{
    int64_t now = c2_loop_now_ms(all->loop);

    for (struct c2_lingerer *l = all->first, *next; l; l = next) {
        next = l->next;
        if (now >= l->until_ms) stop(l);
    }
}

void c2_linger_end(struct c2_lingerers *all)
{
    while (all->first)
        stop(all->first);
}
