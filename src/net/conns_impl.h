/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the connections share. For the thread of their front only. */
#ifndef C2_NET_CONNS_IMPL_H
#define C2_NET_CONNS_IMPL_H

#include <uv.h>

#include "base/vec.h"
#include "net/conns.h"
#include "net/linger.h"

struct c2_conns {
    struct c2_crowd crowd; /* comes first */
    struct c2_loop *loop;
    struct MHD_Daemon *daemon;
    void (*run)(void *ctx);
    void *run_ctx;
    unsigned per_address;
    const struct c2_subnets *proxies;
    bool tls;
    struct {
        C2_VEC(struct c2_conn *);
    } by_fd;
    struct {
        _Atomic uint64_t pauses, evicted, late, refused, malformed;
    } counts;
    struct c2_crowds *crowds;
    int listen_fd;
    uv_poll_t poll;
    bool polling, paused;
    struct c2_timer *tick, *retry;
    int64_t looked_ms; /* at the last tick */
    struct c2_lingerers lingerers;
    atomic_int holds; /* poll until it is closed, and what another front asks: then all is freed */
    /* Another front asks for a place of this address (NULL: of any); guarded by the lock of crowds. */
    struct c2_loop_call asking;
    bool is_wanted, any;
    uint8_t address[16];
};

/** The time of this turn of the loop: that is exact enough. */
int64_t c2_conns_now_ms(const struct c2_conns *conns);
/** End it: libmicrohttpd sees that it is at an end, and closes it. */
void c2_conn_let_go(struct c2_conn *conn);
/** For a timer of a second; ctx: the connections. */
void c2_conns_tick(void *ctx);

#endif
