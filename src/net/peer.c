/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading addresses of sockets. */
#include "net/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

const uint8_t c2_v4_mapped[12] = {[10] = 0xff, [11] = 0xff};

void c2_peer_make(const uint8_t address[16], int port, struct c2_peer *out)
{
    struct in6_addr v6;

    memcpy(&v6, address, sizeof(v6));
    *out = (struct c2_peer){.port = port};
    memcpy(out->address, address, sizeof(out->address));
    if (IN6_IS_ADDR_V4MAPPED(&v6)) {
        out->family = AF_INET;
        out->is_loopback = address[12] == IN_LOOPBACKNET;
        inet_ntop(AF_INET, address + 12, out->text, sizeof(out->text));
        return;
    }
    out->family = AF_INET6;
    out->is_loopback = IN6_IS_ADDR_LOOPBACK(&v6);
    inet_ntop(AF_INET6, address, out->text, sizeof(out->text));
}

void c2_peer_read(const struct sockaddr *from, struct c2_peer *out)
{
    uint8_t address[16];
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    *out = (struct c2_peer){0};
    if (!from) return;
    if (from->sa_family == AF_INET) {
        memcpy(&v4, from, sizeof(v4));
        memcpy(address, c2_v4_mapped, sizeof(c2_v4_mapped));
        memcpy(address + 12, &v4.sin_addr, 4);
        c2_peer_make(address, ntohs(v4.sin_port), out);
    } else if (from->sa_family == AF_INET6) {
        memcpy(&v6, from, sizeof(v6));
        c2_peer_make(v6.sin6_addr.s6_addr, ntohs(v6.sin6_port), out);
    }
}

void c2_peer_client(const uint8_t address[16], uint8_t client[16])
{
    struct in6_addr v6;

    memcpy(&v6, address, sizeof(v6));
    memcpy(client, address, 16);
    if (!IN6_IS_ADDR_V4MAPPED(&v6) && !IN6_IS_ADDR_LOOPBACK(&v6)) memset(client + 8, 0, 8);
}

bool c2_peer_same(const struct c2_peer *a, const struct c2_peer *b)
{
    return a->family == b->family && memcmp(a->address, b->address, sizeof(a->address)) == 0;
}
