/* SPDX-License-Identifier: BSD-3-Clause */
/* Which addresses strangers may name: publishers register theirs with a broker, and subscribers ask there.
 * All of it is judged here, without sockets. Addresses are 16 bytes, IPv4 as ::ffff:a.b.c.d (net/peer.h). */
#ifndef C2_NET_ADDRESS_H
#define C2_NET_ADDRESS_H

#include "base/limits.h"
#include "net/peer.h"
#include "net/subnet.h"

#define C2_ADDRESSES_MAX 16 /* of one name: hosts have fewer, further ones do not count */

/* "host:port" of a publisher. */
struct c2_hostport {
    char host[254]; /* a name, or the text of an address without brackets */
    int port;       /* 1 to 65535 */
    bool is_address;
    uint8_t address[16]; /* if it is one */
};
/** HOST:PORT, [IPv6]:PORT, and nothing else: no scheme, user, path, query or zone. What could be read as an
 * IPv4 address and is not written as four decimal numbers is no name. @errors CAT2_EINVAL. */
bool c2_hostport_parse(struct c2_str text, struct c2_hostport *out, struct cat2_error *err);
/** Is it a name of this machine for itself: "localhost", or beneath it? */
bool c2_hostport_is_localhost(const struct c2_hostport *place);

enum c2_address_kind {
    C2_ADDRESS_ORDINARY,
    C2_ADDRESS_LOOPBACK,
    C2_ADDRESS_LINK_LOCAL,
    C2_ADDRESS_MULTICAST, /* and reserved ones, and broadcast */
    C2_ADDRESS_UNSPECIFIED
};
/** Of an IPv4 address within an IPv6 one (NAT64, 6to4, compatible) that of the IPv4 address. */
enum c2_address_kind c2_address_kind_of(const uint8_t address[16]);
/** Is it a loopback address, or that of one of the interfaces of this machine? */
bool c2_address_is_here(const uint8_t address[16]);

struct c2_address_rules {
    const struct c2_subnets *trusted;           /* NULL: none */
    bool (*is_here)(const uint8_t address[16]); /* c2_address_is_here() */
};
/** Can a publisher be at all of these addresses? Nobody may register link-local, multicast and unspecified
 * ones. false: *why says why. */
bool c2_address_can_publish(const uint8_t (*addresses)[16], size_t n, char why[C2_WHY_MAX]);
/** May `peer` register a publisher whose host has these addresses, at all of which one can be? On one's own
 * machine, or anywhere from a trusted network. false: *why says why. */
bool c2_address_may_register(const struct c2_address_rules *rules, const struct c2_peer *peer,
                             const uint8_t (*addresses)[16], size_t n, char why[C2_WHY_MAX]);
/** May a publisher that others named be asked at this address? here: the broker that named it is on this
 * machine. false: *why says why. */
bool c2_address_may_ask(const struct c2_address_rules *rules, const uint8_t address[16], bool here,
                        char why[C2_WHY_MAX]);

#endif
