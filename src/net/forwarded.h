/* SPDX-License-Identifier: BSD-3-Clause */
/* What proxies say of the client whose request they pass on: Forwarded (RFC 7239), X-Forwarded-For, -Proto,
 * -Host, -Prefix. Anybody can send these headers. They are believed from the right to the left, as long as
 * the addresses are those of trusted proxies: each of them has added the address it was asked from. */
#ifndef C2_NET_FORWARDED_H
#define C2_NET_FORWARDED_H

#include "net/subnet.h"

#define C2_FORWARDED_WHY_MAX  300 /* bytes of the reason of a refusal */
#define C2_FORWARDED_HOPS_MAX 64  /* proxies that one request has passed */

/* Headers of one name are joined by commas, in their order; p NULL: there is none. */
struct c2_forwarded_heads {
    struct c2_str forwarded, client /* X-Forwarded-For */, proto, host, prefix;
};
struct c2_forwarded {
    bool named;          /* a proxy says from where it was asked */
    bool known;          /* and this is an address, not "unknown" or "_hidden" */
    uint8_t address[16]; /* the client's */
    int port;            /* 0: not said */
    bool https;          /* how it asked, where `schemed` */
    bool schemed;
    struct c2_str host;   /* HOST[:PORT] that it asked; "": not said */
    struct c2_str prefix; /* the path in front of ours, as c2_base_path() takes it; "": not said */
};
/** Read what a trusted proxy sent. The texts are parts of the headers.
 *  X-Forwarded-Proto, -Host and -Prefix with as many values as X-Forwarded-For has are those of its
 *  addresses; otherwise the last one counts. Beside X-Forwarded-For, Forwarded has only to name the same
 *  client: a proxy that knows one of the two passes on what a client says in the other.
 *  false: the headers are malformed or contradict each other, with the reason. */
bool c2_forwarded_read(const struct c2_forwarded_heads *heads, const struct c2_subnets *proxies,
                       struct c2_forwarded *out, char why[C2_FORWARDED_WHY_MAX]);

#endif
