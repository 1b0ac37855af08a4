/* SPDX-License-Identifier: BSD-3-Clause */
/* Who is at the other end of a connection. */
#ifndef C2_NET_PEER_H
#define C2_NET_PEER_H

#include <stdbool.h>
#include <stdint.h>

struct sockaddr;

#define C2_PEER_TEXT_MAX 64 /* an IPv6 address with its zone is shorter */

extern const uint8_t c2_v4_mapped[12]; /* what stands before an IPv4 address within an IPv6 one */

struct c2_peer {
    int family;                  /* AF_INET or AF_INET6 as people know it; 0: not known */
    uint8_t address[16];         /* IPv4 as ::ffff:a.b.c.d */
    int port;                    /* 0: not known */
    char text[C2_PEER_TEXT_MAX]; /* the address alone, without brackets; "" when it is not known */
    bool is_loopback;            /* 127.0.0.0/8 or ::1 */
};

/** From what the kernel says. IPv4 that came through an IPv6 socket is IPv4. */
void c2_peer_read(const struct sockaddr *from, struct c2_peer *out);
/** The same of an address given as its 16 bytes. */
void c2_peer_make(const uint8_t address[16], int port, struct c2_peer *out);
/** Whose address it is, where each has a share: an IPv4 address or ::1 as it is, else the first 64 bits,
 * which one customer has for himself. */
void c2_peer_client(const uint8_t address[16], uint8_t client[16]);
/** Do both have the same address? Ports do not count. */
bool c2_peer_same(const struct c2_peer *a, const struct c2_peer *b);

#endif
