/* SPDX-License-Identifier: BSD-3-Clause */
/* A publisher of one root: catalog, routes, announcements. Several may live in one process, each with a
 * server of its own. Loop thread only. */
#ifndef C2_PUBLISHER_PUBLISHER_H
#define C2_PUBLISHER_PUBLISHER_H

#include "base/health.h"
#include "bus/bus.h"
#include "net/server.h"
#include "net/worker.h"
#include "publisher/source/object_store.h"
#include "state/state.h"

/* Its state, for c2_state_open(). */
extern const struct c2_state_kind c2_publisher_state;

struct c2_publisher;
struct c2_publisher_parts { /* all borrowed, all outlive the publisher */
    struct c2_loop *loop;
    struct c2_pool *pool; /* its threads' locals are c2_codec */
    struct c2_server *server;
    struct c2_bus *bus;
    struct c2_state *state;
};
struct c2_publisher_options {
    const char *name; /* of the root */
    const char *root; /* a directory, a file that holds datasets, or the URL of a store of objects */
    const struct c2_object_store_settings *store; /* of such a store; NULL: nothing was said */
    const char *statedir;
    const char *http;   /* "host:port" others reach our server at */
    bool tls;           /* by TLS */
    int items_max;      /* datasets of this process open at a time; 0: enough for most */
    int items_kept;     /* of this root, open for the next request */
    bool no_h5_folders; /* HDF5 files in a directory are files only */
    bool direct;        /* subscribers are told where the store has a frame, with URLs that anybody may use */
    int64_t poll_ms;    /* between looks at everything, beside events; 0: by the file system, -1: never */
    /* The name belongs to another publisher, which lives, since before we were started. NULL: it is logged.
     */
    void (*refused)(void *ctx, const struct cat2_error *err);
    /* The broker has answered, or is not reached: once. NULL: nobody wants to know. */
    void (*answered)(void *ctx);
    void *refused_ctx; /* of both */
};
/** Adds the routes, registers the root, starts looking at the data. */
bool c2_publisher_new(const struct c2_publisher_parts *parts, const struct c2_publisher_options *options,
                      struct c2_publisher **out, struct cat2_error *err);
/** The store of objects that is the root tells of changes: JSON as S3 has it; "": some may be missing. */
void c2_publisher_notice(struct c2_publisher *pub, struct c2_str event);
/** Stop watching and announcing; held requests are answered 503. */
void c2_publisher_stop(struct c2_publisher *pub);
/** Before the pool: jobs still running finish without us. NULL is fine. */
void c2_publisher_free(struct c2_publisher *pub);
void c2_publisher_metrics(struct c2_publisher *pub, struct c2_metrics *m);
/** Why it is of no use yet: the broker has not taken the root, or it is being listed. */
void c2_publisher_ready(const struct c2_publisher *pub, struct c2_conditions *why);

#endif
