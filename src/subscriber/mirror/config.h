/* SPDX-License-Identifier: BSD-3-Clause */
/* What a subscriber is made with. */
#ifndef C2_SUBSCRIBER_MIRROR_CONFIG_H
#define C2_SUBSCRIBER_MIRROR_CONFIG_H

#include "bus/bus.h"
#include "net/address.h"
#include "net/http_client.h"
#include "net/server.h"
#include "net/worker.h"
#include "state/state.h"

struct c2_access;
struct c2_subscriber;
struct c2_subscriber_config {
    struct c2_loop *loop;
    struct c2_pool *pool; /* its workers' local object is a c2_codec */
    struct c2_http *http;
    struct c2_server *server;
    struct c2_access *access; /* for pages that say who looks at them; NULL: nobody can sign in */
    struct c2_bus *bus;
    const struct c2_root
        *upstreams; /* where other subscribers answer for all roots, in the order of the bus */
    int nupstreams; /* 0: the bus says where */
    const struct c2_root
        *mirror_at;            /* what is followed is registered at the bus as mirrored here; NULL: not */
    struct c2_bus *downstream; /* what changes is told here, to further subscribers; NULL: nobody */
    const char *statedir;
    const char *public_url; /* "http://host:port", the beginning of the URLs it hands out */
    const char *web_dir;    /* the web client's files, for development; NULL: those in the program */
    const char *plugin_dir; /* display plugins; NULL: only those built in */
    const char *h5web_dir;  /* the H5Web bundle; NULL: none */
    bool follow_all;        /* follow every root there is, without being asked */
    const struct c2_root
        *own; /* of publishers in this process: known and followed before the bus tells of them */
    int nown;
    int caches_max;                   /* cache files open at a time */
    int64_t quota;                    /* bytes of cache on disk; 0 = no limit */
    int64_t work_max;                 /* of one request, in bytes decoded (net/worker.h); 0 = no limit */
    const struct c2_subnets *trusted; /* of --trust; NULL: none */
    const char *direct_stores; /* "http[s]://HOST[:PORT]" a line: stores of objects that may be asked where a
                                  publisher says that they have its data; NULL: none */
    int64_t lease_ms;          /* how old a list may become without events; -1: any; 0: it is not looked */
    double scrub_s;            /* all that is cached is checked once in so many seconds; 0 = never */
};

#endif
