/* SPDX-License-Identifier: BSD-3-Clause */
/* What the server counts. */
#include <time.h>

#include "base/log.h"
#include "net/access_log.h"
#include "net/server_impl.h"

static const double bucket_seconds[METRIC_BUCKETS] = {0.0001, 0.0005, 0.001, 0.005, 0.01,
                                                      0.05,   0.1,    0.5,   1,     10};

unsigned c2_server_nconnections(const struct c2_server *server)
{
    const union MHD_DaemonInfo *info;

    if (server->mail) return (unsigned)c2_crowds_n(&server->crowds);
    info = MHD_get_daemon_info(server->fronts[0].daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    return info ? info->num_connections : 0;
}

int64_t c2_now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void c2_stats_note(struct c2_request *req)
{
    int64_t us = c2_now_us() - req->started_us;
    double seconds = (double)us / 1e6;
    size_t bucket = 0;
    bool routed = req->table && req->table->stats;

    if (c2_log_level() >= C2_DEBUG)
        c2_log_debug("request id=%s method=%s status=%d ms=%.3f target=%.300s", c2_request_id(req),
                     c2_method_name(req->method), req->status, seconds * 1e3, req->target);
    c2_sent_count(req);
    c2_access_log(req, us);
    if (req->status < 100 || req->status > 599) return;
    struct c2_route_stats *stats = routed ? &req->table->stats[req->nroute] : &req->server->unrouted;
    while (bucket < METRIC_BUCKETS && seconds > bucket_seconds[bucket])
        bucket++;
    stats->by_class[req->status / 100]++;
    stats->buckets[bucket]++;
    stats->seconds += seconds;
}

void c2_server_serves(struct c2_server *server, const char *service, const char *root)
{
    server->service = service;
    server->root = root;
}

/* ---- /metrics ---- */

/* What the samples of a server have in common, then more. */
#define LABELS(server, ...)                                                                                  \
    (C2_LABELS("root", (server)->root ? (server)->root : "", "service",                                      \
               (server)->service ? (server)->service : "", __VA_ARGS__) +                                    \
     ((server)->root ? 0 : 2))
#define LABELS_ALONE(server)                                                                                 \
    (C2_LABELS("root", (server)->root ? (server)->root : "", "service",                                      \
               (server)->service ? (server)->service : "") +                                                 \
     ((server)->root ? 0 : 2))

static void put_counts(const struct c2_server *server, const char *method, const char *route,
                       const struct c2_route_stats *stats, struct c2_metrics *m)
{
    static const char *const classes[] = {"", "1xx", "2xx", "3xx", "4xx", "5xx"};

    for (int i = 1; i < 6; i++)
        if (stats->by_class[i])
            c2_metrics_sample(m, (double)stats->by_class[i],
                              LABELS(server, "method", method, "route", route, "status", classes[i]));
}

static void put_durations(const struct c2_server *server, const char *method, const char *route,
                          const struct c2_route_stats *stats, struct c2_metrics *m)
{
    uint64_t sum = 0;

    for (int i = 0; i <= METRIC_BUCKETS; i++)
        sum += stats->buckets[i];
    if (sum > 0)
        c2_metrics_histogram(m, bucket_seconds, stats->buckets, METRIC_BUCKETS, stats->seconds,
                             LABELS(server, "method", method, "route", route));
}

static void put_routes(const struct c2_server *server, struct c2_metrics *m,
                       void (*put)(const struct c2_server *server, const char *method, const char *route,
                                   const struct c2_route_stats *stats, struct c2_metrics *m))
{
    for (size_t t = 0; t < server->ntables; t++)
        for (size_t i = 0; server->tables[t].stats && i < server->tables[t].n; i++) {
            const struct c2_route *route = &server->tables[t].routes[i];
            put(server, c2_method_name(route->method), route->pattern, &server->tables[t].stats[i], m);
        }
    put(server, "", "", &server->unrouted, m); /* refused, or nothing is there */
}

static void put_one(const struct c2_server *server, struct c2_metrics *m, enum c2_metrics_type type,
                    const char *name, double value, const char *help)
{
    c2_metrics_family(m, type, name, help);
    c2_metrics_sample(m, value, LABELS_ALONE(server));
}

static void put_connections(const struct c2_server *server, struct c2_metrics *m)
{
    struct c2_conns_counts sum = {0};

    for (int i = 0; i < server->nfronts; i++)
        c2_conns_count(server->fronts[i].conns, &sum);
    put_one(server, m, C2_METRICS_COUNTER, "caterva2_http_accept_pauses_total", (double)sum.pauses,
            "How often accepting connections had to rest for want of descriptors.");
    put_one(server, m, C2_METRICS_COUNTER, "caterva2_http_connections_evicted_total", (double)sum.evicted,
            "Idle connections that were closed for others.");
    put_one(server, m, C2_METRICS_COUNTER, "caterva2_http_connections_late_total", (double)sum.late,
            "Connections that were closed because a head or body took too long.");
    put_one(server, m, C2_METRICS_COUNTER, "caterva2_http_connections_refused_total", (double)sum.refused,
            "Connections that were refused because their address had enough.");
    put_one(server, m, C2_METRICS_COUNTER, "caterva2_http_malformed_total", (double)sum.malformed,
            "Requests that were no sound HTTP.");
}

void c2_server_metrics(const struct c2_server *server, struct c2_metrics *m)
{
    put_one(server, m, C2_METRICS_GAUGE, "caterva2_http_in_flight", (double)server->nrequests,
            "Requests that are being read, worked on or answered.");
    put_one(server, m, C2_METRICS_GAUGE, "caterva2_http_connections", c2_server_nconnections(server),
            "Connections of clients.");
    put_one(server, m, C2_METRICS_GAUGE, "caterva2_http_connections_max", (double)server->connections_max,
            "Connections of clients that may be open at a time.");
    put_connections(server, m);
    put_one(server, m, C2_METRICS_COUNTER, "caterva2_http_sent_bytes_total", (double)server->nbytes_sent,
            "Bytes of answers' bodies that were sent.");
    c2_metrics_family(m, C2_METRICS_COUNTER, "caterva2_http_requests_total",
                      "Answered requests; route is empty where none was found.");
    put_routes(server, m, put_counts);
    c2_metrics_family(m, C2_METRICS_HISTOGRAM, "caterva2_http_request_duration_seconds",
                      "From the first line of a request to the last byte of its answer.");
    put_routes(server, m, put_durations);
}
