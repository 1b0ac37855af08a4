/* SPDX-License-Identifier: BSD-3-Clause */
/* The connections of a server: accepting them, reading from them, and closing those whose time is over or
 * whose place another one needs. Where a server has several fronts, each has connections of its own, and all
 * share their limits: an address has so many in all of them. A front closes only those that it has itself.
 * Each is for the thread of its front only.
 *
 * libmicrohttpd gets each connection when it is accepted, and reads from it through recv_exported.c, which
 * asks here: so each byte of a request is seen by intake.h first. */
#ifndef C2_NET_CONNS_H
#define C2_NET_CONNS_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "net/crowds.h"
#include "net/intake.h"
#include "net/loop.h"
#include "net/peer.h"
#include "net/subnet.h"

struct c2_conns;
struct c2_conn {
    struct c2_crowd_member member; /* comes first */
    struct c2_conns *conns;
    struct c2_intake intake;
    struct c2_peer peer;
    int fd;
    void *tls;          /* its session of GnuTLS, or NULL */
    uint64_t nstarted;  /* requests that libmicrohttpd has seen, */
    uint64_t nended;    /* and those that are over */
    uint64_t nbody_was; /* when the clock of its body was started */
    bool going;         /* it was shut down here */
    bool is_taken;      /* another thread reads from it now */
    bool is_at_end;     /* its client sends no more, and waits for answers */
};
/* What was counted since the start. */
struct c2_conns_counts {
    uint64_t pauses;    /* without a place or descriptor: connections waited in the kernel */
    uint64_t evicted;   /* closed because their place was needed */
    uint64_t late;      /* closed because their time was over */
    uint64_t refused;   /* too many of one address */
    uint64_t malformed; /* requests that were refused by intake.h */
};
struct c2_conns_options {
    struct c2_loop *loop;
    int listen_fd; /* taken also on failure */
    unsigned max;
    unsigned per_address;             /* 0: all for loopback, a quarter for others */
    bool tls;                         /* clients speak TLS */
    const struct c2_subnets *proxies; /* they come for many clients, and may have all; NULL: none */
    struct c2_crowds *crowds;         /* has room for one more */
};

bool c2_conns_new(const struct c2_conns_options *options, struct c2_conns **out, struct cat2_error *err);
/** Accept from now on; `run` turns the daemon. */
bool c2_conns_start(struct c2_conns *conns, struct MHD_Daemon *daemon, void (*run)(void *ctx), void *ctx,
                    struct cat2_error *err);
/** Close the listening socket. */
void c2_conns_close_door(struct c2_conns *conns);
/** After the daemon was stopped. */
void c2_conns_free(struct c2_conns *conns);
/** libmicrohttpd begins with a connection, or ends one (MHD_OPTION_NOTIFY_CONNECTION). */
void c2_conns_notify(struct c2_conns *conns, struct MHD_Connection *connection,
                     enum MHD_ConnectionNotificationCode code);
/** Turn the daemon once, with its reading seen to. */
void c2_conns_run(struct c2_conns *conns);
/** Add what was counted to *sum. Any thread. */
void c2_conns_count(const struct c2_conns *conns, struct c2_conns_counts *sum);
/** How many of `max` an address may have. Any thread. */
size_t c2_conns_per_address(const struct c2_conns *conns, const struct c2_peer *peer, size_t max);

/** That of libmicrohttpd's connection. NULL: it was not accepted here. */
struct c2_conn *c2_conn_of(const struct c2_conns *conns, struct MHD_Connection *connection);
/** A request begins; which of its connection, from 1. */
uint64_t c2_conn_request_begins(struct c2_conn *conn);
void c2_conn_request_ends(struct c2_conn *conn);
/** Was the nth request refused by intake.h? Its status, or 0. */
int c2_conn_refused(const struct c2_conn *conn, uint64_t nth, const char **why);
/** Is the nth request its last, because what follows it is not looked at? */
bool c2_conn_is_last(const struct c2_conn *conn, uint64_t nth);

/* ---- recv_exported.c ---- */
#define C2_CONNS_NOT_OURS (-3)
/** Read for libmicrohttpd from a descriptor, through TLS (its session) or without (NULL): as
 * c2_intake_read(), or C2_CONNS_NOT_OURS: it is no connection of the daemon that c2_conns_run() turns in this
 * thread. */
typedef int64_t c2_conns_reader(int fd, void *tls, c2_intake_source *source, void *ctx, void *to,
                                size_t room);
extern _Atomic(c2_conns_reader *) c2_conns_read_for; /* set by conns.c */

#endif
