/* SPDX-License-Identifier: BSD-3-Clause */
/* A listening socket: a host by name or address, every address, a port of the kernel's choice. */
#include "net/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static int open_one(const struct addrinfo *ai, bool dual, int *errnum)
{
    int on = 1, off = 0;
    int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, ai->ai_protocol);

    *errnum = errno;
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* connections inherit it */
    if (dual) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, 1024) == 0) return fd;
    *errnum = errno;
    close(fd);
    return -1;
}

bool c2_listens_at_loopback(int fd)
{
    struct sockaddr_storage bound = {0};
    socklen_t length = sizeof(bound);
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&bound;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&bound;

    if (getsockname(fd, (struct sockaddr *)&bound, &length) != 0) return false;
    if (bound.ss_family == AF_INET) return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    if (bound.ss_family != AF_INET6) return false;
    return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ||
           (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) && v6->sin6_addr.s6_addr[12] == IN_LOOPBACKNET);
}

int c2_listen(const struct c2_endpoint *at, int *port, struct cat2_error *err)
{
    bool any = strcmp(at->host, "*") == 0;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE},
                    *list = NULL;
    struct sockaddr_storage bound = {0};
    socklen_t length = sizeof(bound);
    char service[8], host[300], number[16];
    int fd = -1, errnum = EADDRNOTAVAIL;

    snprintf(service, sizeof(service), "%d", at->port);
    snprintf(host, sizeof(host), at->v6 ? "[%s]" : "%s", at->host);
    if (any) hints.ai_family = AF_INET6;
    int code = getaddrinfo(any ? NULL : at->host, service, &hints, &list);
    if (code != 0) {
        c2_fail(err, CAT2_EINVAL, "cannot listen on %s:%d: %s", host, at->port, gai_strerror(code));
        return -1;
    }
    /* "localhost" is often ::1 and 127.0.0.1. IPv4 is tried first, because clients use it for a written
     * address. If the port is taken on one of the two, the other is not used either, because clients would
     * reach both services. */
    for (int pass = any ? 1 : 0; pass < 2 && fd < 0; pass++)
        for (struct addrinfo *ai = list; ai && fd < 0 && errnum != EADDRINUSE; ai = ai->ai_next)
            if (pass == 1 || ai->ai_family == AF_INET) fd = open_one(ai, any, &errnum);
    freeaddrinfo(list);
    if (fd < 0 && any && errnum == EAFNOSUPPORT) { /* a machine without IPv6 */
        struct c2_endpoint v4 = *at;
        snprintf(v4.host, sizeof(v4.host), "0.0.0.0");
        return c2_listen(&v4, port, err);
    }
    if (fd < 0) {
        c2_fail_errno(err, errnum, "cannot listen on %s:%d", host, at->port);
        return -1;
    }
    getsockname(fd, (struct sockaddr *)&bound, &length);
    int64_t value = 0;
    if (getnameinfo((struct sockaddr *)&bound, length, NULL, 0, number, sizeof(number), NI_NUMERICSERV) == 0)
        c2_str_to_i64(c2_str_of(number), &value);
    *port = (int)value;
    return fd;
}
