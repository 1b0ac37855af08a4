/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of a service process: loop, pool, server, signals, and what it tells whoever runs it. */
#ifndef C2_BIN_SERVICE_H
#define C2_BIN_SERVICE_H

#include "access/access.h"
#include "base/fds.h"
#include "base/health.h"
#include "bin/options.h"
#include "http/authorities.h"
#include "net/exposure.h"
#include "net/http_client.h"
#include "net/origin.h"
#include "net/server.h"
#include "net/subnet.h"
#include "net/worker.h"

struct c2_service {
    struct c2_loop *loop;
    struct c2_pool *pool;
    struct c2_http *http;
    struct c2_server *server;
    struct c2_options *options;
    struct c2_hosts hosts;       /* for every server of the process */
    struct c2_access *access;    /* its gate is that of every server */
    struct c2_keyring *keys;     /* that we send to others */
    struct c2_exposure exposure; /* as well */
    struct c2_subnets trusted;   /* --trust */
    bool not_yet;                /* set by a role's start(): the ready line waits for c2_service_ready() */
    struct c2_fds_plan fds;      /* how many of what may be open */
    int nfronts;                 /* of each server; 0: none has threads of its own */
    int per_address;             /* connections of one address; 0: net/server.h */
    struct c2_tls *tls;          /* for those that others reach; NULL: plain HTTP */
    struct c2_authorities authorities; /* of http, and of who connects to the broker */
    /* Where others reach us: --public-url, else --http with the real port; as host:port, and as the beginning
     * of addresses. One with https or a path has no host:port of ours. */
    char public_http[320], public_url[1024];
    bool public_tls; /* public_http is reached by TLS: by ours, or by that of a proxy */
};
/* The option of every service that says under which names it may be asked for (net/origin.h). */
#define C2_SERVICE_ALLOWED_HOSTS                                                                             \
    {                                                                                                        \
        "allowed-hosts", 0, C2_OPT_LIST, NULL, "NAMES",                                                      \
            "host names of this service, or * for all (default on loopback: its own, and without a dot; "    \
            "else *)",                                                                                       \
            NULL                                                                                             \
    }
/* The option of every service that trusts networks more than others. */
#define C2_SERVICE_TRUST(help)                                                                               \
    {                                                                                                        \
        "trust", 0, C2_OPT_LIST, NULL, "NETWORK", help, NULL                                                 \
    }
/* Those of every service about proxies and about pages of other sites (net/exposure.h). */
#define C2_SERVICE_TRUSTED_PROXIES                                                                           \
    {                                                                                                        \
        "trusted-proxies", 0, C2_OPT_LIST, NULL, "NETWORKS",                                                 \
            "addresses of proxies whose Forwarded and X-Forwarded-* headers are believed (default none)",    \
            NULL                                                                                             \
    }
#define C2_SERVICE_CORS_ORIGINS                                                                              \
    {                                                                                                        \
        "cors-origins", 0, C2_OPT_LIST, NULL, "ORIGINS",                                                     \
            "sites whose pages may read here, such as https://lab.example; none; * for all (default)", NULL  \
    }
/* Those of services with pages. */
#define C2_SERVICE_BASE_PATH                                                                                 \
    {                                                                                                        \
        "base-path", 0, C2_OPT_TEXT, NULL, "/PATH",                                                          \
            "the path of this service behind a proxy (default: that of public-url)", NULL                    \
    }
#define C2_SERVICE_FRAME_ANCESTORS                                                                           \
    {                                                                                                        \
        "frame-ancestors", 0, C2_OPT_LIST, NULL, "SITES",                                                    \
            "whose pages may show ours in frames: self (default), none, * or sites such as "                 \
            "https://lab.example",                                                                           \
            NULL                                                                                             \
    }
/* The option of every service for net/access_log.h. */
#define C2_SERVICE_ACCESS_LOG                                                                                \
    {                                                                                                        \
        "access-log", 0, C2_OPT_TEXT, "off", "off|common|json",                                              \
            "a line on stderr for every request: none, common log fields, or JSON", NULL                     \
    }
/* How many connections one address may have. */
#define C2_SERVICE_PER_ADDRESS                                                                               \
    {                                                                                                        \
        "connections-per-address", 0, C2_OPT_INT, NULL, "N",                                                 \
            "connections that one address may have (default: a quarter of all; loopback: all)", NULL         \
    }
/* How many threads read requests and send answers (net/front.h). */
#define C2_SERVICE_IO_THREADS                                                                                \
    {                                                                                                        \
        "io-threads", 0, C2_OPT_INT, NULL, "N",                                                              \
            "threads that read requests and send answers; 0: one thread does that and all else but the "     \
            "work (default: one for four processors)",                                                       \
            NULL                                                                                             \
    }
/* How much one request may cost. */
#define C2_SERVICE_WORK_PER_REQUEST                                                                          \
    {                                                                                                        \
        "work-per-request", 0, C2_OPT_SIZE, "256GiB", "SIZE",                                                \
            "most bytes that one request may decode, or as much other work; 0 for no limit", NULL            \
    }
/* The options of every service that say who may ask it for what (access/access.h). */
#define C2_SERVICE_ACCESS                                                                                    \
    {"access",    0,                                                                                         \
     C2_OPT_TEXT, "open",                                                                                    \
     "open|keys", "open: reading, following and registering for everybody; keys: nothing without a key",     \
     NULL},                                                                                                  \
    {                                                                                                        \
        "access-file", 0, C2_OPT_TEXT, NULL, "FILE",                                                         \
            "users and keys, kept by cat2admin (default: in --statedir, else " C2_ACCESS_FILE ")", NULL      \
    }
/* The option of those that ask other services. */
#define C2_SERVICE_KEY_FILE                                                                                  \
    {                                                                                                        \
        "key-file", 0, C2_OPT_TEXT, NULL, "FILE",                                                            \
            "keys to send: lines KEY, for the broker, or HOST:PORT KEY (also $CATERVA2_KEY)", NULL           \
    }
/* Of those that have a bus: another than a broker. */
#define C2_SERVICE_BUS                                                                                       \
    {                                                                                                        \
        "bus",                                                                                               \
        0,                                                                                                   \
        C2_OPT_TEXT,                                                                                         \
        NULL,                                                                                                \
        "URL",                                                                                               \
        "in place of a broker, NATS: nats://[USER:PASSWORD@]HOST:PORT[,HOST:PORT]; tls:// by TLS",           \
        NULL},                                                                                               \
    {                                                                                                        \
        "bus-creds", 0, C2_OPT_TEXT, NULL, "FILE", "credentials for --bus: a file as nsc makes it", NULL     \
    }
/* The options of every service that say how it speaks TLS (bin/service_tls.c). */
#define C2_SERVICE_TLS                                                                                       \
    {"certificate", 0,                                                                                       \
     C2_OPT_LIST,   NULL,                                                                                    \
     "FILE",        "speak TLS: this certificate with its chain (PEM); several for several host names",      \
     NULL},                                                                                                  \
    {                                                                                                        \
        "certificate-key", 0, C2_OPT_LIST, NULL, "FILE", "the certificate's key (PEM)", NULL                 \
    }
/* The options of every service that say whose certificates it believes. */
#define C2_SERVICE_CA                                                                                        \
    {"ca", 0,      C2_OPT_TEXT,                                                                              \
     NULL, "FILE", "believe other services' certificates by these authorities (PEM; default: the system's)", \
     NULL},                                                                                                  \
    {                                                                                                        \
        "insecure", 0, C2_OPT_FLAG, NULL, NULL, "for tests: believe every certificate", ""                   \
    }
/* Of those that publish. */
#define C2_SERVICE_POLL                                                                                      \
    {                                                                                                        \
        "poll", 0, C2_OPT_PERIOD, NULL, "SECONDS|never",                                                     \
            "look at everything so often, beside events (default 10 on network file systems, else 15)", NULL \
    }
/* Of those that publish: where s3:// is. */
#define C2_SERVICE_S3                                                                                        \
    {"s3-endpoint",                                                                                          \
     0,                                                                                                      \
     C2_OPT_TEXT,                                                                                            \
     NULL,                                                                                                   \
     "URL",                                                                                                  \
     "of roots at s3://: http[s]://HOST[:PORT] of the store (default: $AWS_ENDPOINT_URL, else Amazon's)",    \
     NULL},                                                                                                  \
        {"s3-region", 0,        C2_OPT_TEXT,                                                                 \
         NULL,        "REGION", "of the store (default: $AWS_REGION, that of the profile, us-east-1)",       \
         NULL},                                                                                              \
        {"s3-profile", 0,      C2_OPT_TEXT,                                                                  \
         NULL,         "NAME", "keys of this profile in ~/.aws/credentials, instead of the environment's",   \
         NULL},                                                                                              \
    {                                                                                                        \
        "s3-addressing", 0, C2_OPT_TEXT, "auto", "auto|path|virtual",                                        \
            "where a bucket is named: in the path, in the host, or by what the endpoint is", NULL            \
    }
/* Of those with a cache. */
#define C2_SERVICE_CACHE                                                                                     \
    {"quota", 0, C2_OPT_SIZE, "0", "SIZE", "most bytes of cache on disk, such as 10GiB; 0 for no limit",     \
     NULL},                                                                                                  \
        {"scrub",       0,                                                                                   \
         C2_OPT_TEXT,   "24",                                                                                \
         "HOURS|never", "check all that is cached once in so many hours; never for not at all",              \
         NULL},                                                                                              \
    {                                                                                                        \
        "public-url", 0, C2_OPT_TEXT, NULL, "URL",                                                           \
            "how others reach this service: HOST:PORT, or http[s]://HOST[:PORT][/PATH]", NULL                \
    }
/* Of those with pages. */
#define C2_SERVICE_PAGES                                                                                     \
    C2_SERVICE_FRAME_ANCESTORS,                                                                              \
        {"plugin-dir", 0,     C2_OPT_TEXT,                                                                   \
         NULL,         "DIR", "display plugins: the shared objects (.so) in this directory",                 \
         NULL},                                                                                              \
        {"h5web-dir", 0,     C2_OPT_TEXT,                                                                    \
         NULL,        "DIR", "the H5Web viewer's files (make h5web); without it ../share/caterva2/h5web",    \
         NULL},                                                                                              \
    {                                                                                                        \
        "web-dir", 0, C2_OPT_TEXT, NULL, "DIR", "for development: the web client's files from here", NULL    \
    }
/* What every service has. */
#define C2_SERVICE_COMMON                                                                                    \
    C2_SERVICE_ALLOWED_HOSTS, C2_SERVICE_ACCESS, C2_SERVICE_TRUSTED_PROXIES, C2_SERVICE_CORS_ORIGINS,        \
        C2_SERVICE_ACCESS_LOG, C2_SERVICE_PER_ADDRESS, C2_SERVICE_IO_THREADS, C2_SERVICE_TLS, C2_SERVICE_CA
/* Role hooks, called on the loop. */
struct c2_service_role {
    const char *program; /* "cat2sub" */
    bool caches;         /* it keeps cache files */
    int nroots;          /* it publishes; -1: as many as arguments */
    bool any_url;        /* --public-url may have https and a path: only clients are told */
    bool asks;           /* it has --broker and --key-file */
    bool joins;          /* it has --key-file alone */
    bool upstream;       /* and --upstream, which may take the place of --broker */
    bool any_port;       /* without --http, where the default port is taken, a free one does too */
    bool (*start)(void *role, struct c2_service *service,
                  struct cat2_error *err);                 /* add routes, open state */
    void (*stop)(void *role, c2_loop_fn *done, void *ctx); /* finish politely, then done(ctx) */
    void (*free)(void *role);
    void (*free_servers)(void *role); /* last, after the jobs that may answer have ended; NULL: it has none */
    void (*ready)(void *role, struct c2_conditions *why); /* for /readyz: why it is not; NULL: always is */
    void (*metrics)(void *role, struct c2_metrics *m);    /* NULL: none */
};
/** As others know the host of an address to listen at: "*" is this machine's name. */
void c2_service_name_host(struct c2_endpoint *at);
struct c2_broker;
struct c2_bus;
/* Where further subscribers hear what changes: /pubsub of the service's own server. */
struct c2_downstream {
    struct c2_broker *broker;
    struct c2_bus *bus;
};
bool c2_downstream_open(struct c2_service *service, struct c2_downstream *out, struct cat2_error *err);
void c2_downstream_free(struct c2_downstream *downstream);
/** The bus that --bus or --broker names. */
bool c2_service_bus(struct c2_service *service, struct c2_bus **out, struct cat2_error *err);
/** What the bus counts. NULL is fine. */
void c2_service_bus_metrics(const struct c2_bus *bus, struct c2_metrics *m);
struct c2_subscriber;
struct c2_subscriber_config;
/** A subscriber on the service's own server. The caller has set bus, statedir and follow_all of config; the
 * rest is set here, by the options. */
bool c2_service_subscriber(struct c2_service *service, struct c2_subscriber_config *config,
                           struct c2_subscriber **out, struct cat2_error *err);
/** Client connections of the service's own server; shared: half of them are for further servers. */
int c2_service_connections(const struct c2_service *service, bool shared);
/** Say the ready line, once; called by a role's start(), when all roles have started. */
void c2_service_ready(struct c2_service *service);
struct c2_object_store_settings;
/** Of the options above. Borrows from the service. */
void c2_service_store(const struct c2_service *service, struct c2_object_store_settings *out);
/** Whom to believe, by --ca and --insecure, which is logged. */
bool c2_service_authorities(const struct c2_options *options, struct c2_authorities *out,
                            struct cat2_error *err);
/** The certificates that the options name; *out NULL: none. */
bool c2_service_tls(const struct c2_options *options, struct c2_tls **out, struct cat2_error *err);
/** Read them anew. What does not work out is logged, and those of before stay. */
void c2_service_tls_reload(struct c2_tls *tls, const struct c2_options *options);
/** End the process with status 1; err is told on stderr. On the loop. */
void c2_service_fail(struct c2_service *service, const struct cat2_error *err);
/** Run until SIGTERM/SIGINT: prints one ready line "PROGRAM ready http://HOST:PORT" on stdout,
 * sd_notify(READY=1), drains, frees. SIGHUP re-reads the log level and
 * the certificates. Returns the exit status. */
int c2_service_run(const struct c2_options_spec *spec, int argc, char **argv,
                   const struct c2_service_role *roles, void **states, size_t nroles);

#endif
