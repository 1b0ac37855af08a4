/* SPDX-License-Identifier: BSD-3-Clause */
/* The addresses of a host name, asked of the system beside the loop. Loop thread only. */
#ifndef C2_NET_RESOLVE_H
#define C2_NET_RESOLVE_H

#include "net/address.h"
#include "net/loop.h"

struct c2_resolve;
/** addresses: n of them, borrowed; none with err. Never called before c2_resolve_start() returns. */
typedef void c2_resolve_done(void *ctx, const uint8_t (*addresses)[16], size_t n,
                             const struct cat2_error *err);
/** NULL: no memory, and done() is not called. */
struct c2_resolve *c2_resolve_start(struct c2_loop *loop, const char *host, c2_resolve_done *done, void *ctx);
/** done() is not called any more. NULL is fine; not after done(). */
void c2_resolve_cancel(struct c2_resolve *resolve);

#endif
