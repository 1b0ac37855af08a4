/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether the client of a request that is held has left: libmicrohttpd looks at no connection that is
 * suspended. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "net/server_impl.h"

/* What was sent is not read: it may be another request, or TLS. That the other end sends no more is taken
 * for its leaving, as by other servers: one that only half closed cannot be told from it. */
bool c2_request_is_gone(const struct c2_request *req)
{
    struct MHD_Connection *connection = c2_request_connection(req);
    const union MHD_ConnectionInfo *info =
        connection ? MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD) : NULL;
    struct tcp_info tcp;
    socklen_t n = sizeof(tcp);

    if (req->away) return false; /* the front sees it */
    if (!connection) return true;
    if (!info || getsockopt(info->connect_fd, IPPROTO_TCP, TCP_INFO, &tcp, &n) != 0) return false;
    return tcp.tcpi_state != TCP_ESTABLISHED;
}
