/* SPDX-License-Identifier: BSD-3-Clause */
/* A subscriber: follows roots, fetches what is asked for, caches it, serves it. Loop thread only.
 * It adds its routes to the server it is given; the bus, pool, loop and HTTP client outlive it. */
#ifndef C2_SUBSCRIBER_SUBSCRIBER_H
#define C2_SUBSCRIBER_SUBSCRIBER_H

#include "bus/bus.h"
#include "net/client.h"
#include "net/server.h"
#include "net/worker.h"
#include "state/state.h"

/* Its state, for c2_state_open(). */
extern const struct c2_state_kind c2_subscriber_state;

struct c2_subscriber;
struct c2_subscriber_config {
    struct c2_loop *loop;
    struct c2_pool *pool; /* its workers' local object is a c2_codec */
    struct c2_http *http;
    struct c2_server *server;
    struct c2_bus *bus;
    const char *statedir;
    const char *public_url; /* "http://host:port", the beginning of the URLs it hands out */
    const char *web_dir;    /* the web client's files, for development; NULL: those in the program */
    const char *plugin_dir; /* display plugins; NULL: only those built in */
    const char *h5web_dir;  /* the H5Web bundle; NULL: none */
    bool follow_all;        /* follow every root there is, without being asked */
    int caches_max;         /* cache files open at a time */
    int64_t quota;          /* bytes of cache on disk; 0 = no limit */
    double scrub_s;         /* all that is cached is checked once in so many seconds; 0 = never */
};
/** Open the state, serve what is cached, follow again what was followed. @errors CAT2_EIO, CAT2_EDATA: the
 * state. */
bool c2_subscriber_new(const struct c2_subscriber_config *config, struct c2_subscriber **out,
                       struct cat2_error *err);
/** Stop following; requests under way are answered. done(ctx) on the loop. */
void c2_subscriber_stop(struct c2_subscriber *sub, c2_loop_fn *done, void *ctx);
/** After the server's requests are answered. NULL is fine. */
void c2_subscriber_free(struct c2_subscriber *sub);
/** Prometheus text: roots, datasets, pieces fetched, cache bytes. */
bool c2_subscriber_metrics(struct c2_subscriber *sub, struct c2_buf *out, struct cat2_error *err);

#endif
