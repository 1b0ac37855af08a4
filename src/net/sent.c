/* SPDX-License-Identifier: BSD-3-Clause */
/* How many bytes of an answer's body have left. libmicrohttpd tells whether it handed all of it to the
 * kernel, so that is the length. Of an answer that was cut short the kernel is asked: what the client has
 * acknowledged since the answer began. Only answers that may wait in the socket are worth that. */
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/sockios.h>

#include "net/server_impl.h"

#define ASKED_MIN (256 << 10) /* smaller answers count whole or not at all */

static int socket_of(const struct c2_request *req)
{
    const union MHD_ConnectionInfo *info =
        req->connection ? MHD_get_connection_info(req->connection, MHD_CONNECTION_INFO_CONNECTION_FD) : NULL;

    return info ? info->connect_fd : -1;
}

/* Bytes of this connection that were acknowledged; -1: the kernel does not tell. */
static int64_t acknowledged(int fd)
{
    struct tcp_info info;
    socklen_t n = sizeof(info);

    if (fd < 0 || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) != 0 ||
        n < offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof(info.tcpi_bytes_acked))
        return -1;
    return (int64_t)info.tcpi_bytes_acked;
}

static enum MHD_Result add_line(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    *(size_t *)ctx += strlen(name) + strlen(value) + strlen(": \r\n");
    return MHD_YES;
}

/* As libmicrohttpd writes it, with Date and Content-Length, nearly. */
static size_t head_length(struct MHD_Response *response)
{
    size_t n =
        strlen("HTTP/1.1 200 OK\r\nDate: Thu, 26 Nov 2026 23:41:43 GMT\r\nContent-Length: 1000000\r\n\r\n");

    MHD_get_response_headers(response, add_line, &n);
    return n;
}

void c2_sent_begin(struct c2_request *req)
{
    int waiting = 0, fd;

    req->began_at = -1;
    if (req->length >= 0 && req->length < ASKED_MIN) return;
    fd = socket_of(req);
    int64_t at = acknowledged(fd);
    if (at < 0 || ioctl(fd, SIOCOUTQ, &waiting) != 0) return;
    req->began_at = at + waiting + (int64_t)head_length(req->response);
}

static void add(struct c2_request *req, uint64_t n)
{
    req->sent += n;
    req->uncounted += n;
}

void c2_sent_pulled(struct c2_request *req, uint64_t n)
{
    add(req, req->pulled);
    req->pulled = n;
    c2_sent_count(req);
}

void c2_sent_end(struct c2_request *req, bool whole)
{
    bool bodyless = req->head || req->status == 304 || req->status == 204 || req->status < 200;
    uint64_t rest = req->length >= 0 ? (uint64_t)req->length : req->pulled;

    if (bodyless || req->state != C2_REQ_QUEUED) return;
    if (whole) {
        add(req, rest);
        return;
    }
    int64_t at = req->began_at >= 0 ? acknowledged(socket_of(req)) : -1;
    int64_t taken = at - req->began_at - (int64_t)req->sent;
    if (at >= 0 && taken > 0) add(req, (uint64_t)c2_min_i64(taken, (int64_t)rest));
}

void c2_sent_count(struct c2_request *req)
{
    req->server->nbytes_sent += req->uncounted;
    req->uncounted = 0;
}
