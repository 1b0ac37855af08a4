/* SPDX-License-Identifier: BSD-3-Clause */
/* What the server counts, as Prometheus text. */
#include <time.h>

#include "base/log.h"
#include "net/server_impl.h"

static const double bucket_seconds[METRIC_BUCKETS] = {0.0001, 0.0005, 0.001, 0.005, 0.01,
                                                      0.05,   0.1,    0.5,   1,     10};

unsigned c2_server_nconnections(const struct c2_server *server)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

    return info ? info->num_connections : 0;
}

int64_t c2_now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static const char *method_name(enum c2_method method)
{
    return method == C2_GET ? "GET" : method == C2_POST ? "POST" : method == C2_DELETE ? "DELETE" : "PUT";
}

void c2_stats_note(struct c2_request *req)
{
    double seconds = (double)(c2_now_us() - req->started_us) / 1e6;
    size_t bucket = 0;

    if (c2_log_level() >= C2_DEBUG)
        c2_log_debug("request id=%s method=%s status=%d ms=%.3f target=%.300s", c2_request_id(req),
                     method_name(req->method), req->status, seconds * 1e3, req->target);
    if (!req->table || !req->table->stats || req->status < 100 || req->status > 599) return;
    struct c2_route_stats *stats = &req->table->stats[req->nroute];
    while (bucket < METRIC_BUCKETS && seconds > bucket_seconds[bucket])
        bucket++;
    stats->by_class[req->status / 100]++;
    stats->buckets[bucket]++;
    stats->seconds += seconds;
}

static bool put_counts(const struct c2_route *route, const struct c2_route_stats *stats, struct c2_buf *out,
                       struct cat2_error *err)
{
    bool ok = true;

    for (int i = 1; ok && i < 6; i++)
        if (stats->by_class[i])
            ok = c2_buf_printf(
                out, err, "caterva2_http_requests_total{method=\"%s\",route=\"%s\",status=\"%dxx\"} %llu\n",
                method_name(route->method), route->pattern, i, (unsigned long long)stats->by_class[i]);
    return ok;
}

static bool put_durations(const struct c2_route *route, const struct c2_route_stats *stats,
                          struct c2_buf *out, struct cat2_error *err)
{
    const char *method = method_name(route->method);
    uint64_t sum = 0;
    bool ok = true;

    for (int i = 0; i <= METRIC_BUCKETS; i++)
        sum += stats->buckets[i];
    if (sum == 0) return true;
    uint64_t all = sum;
    sum = 0;
    for (int i = 0; ok && i < METRIC_BUCKETS; i++) {
        sum += stats->buckets[i];
        ok = c2_buf_printf(out, err,
                           "caterva2_http_seconds_bucket{method=\"%s\",route=\"%s\",le=\"%g\"} %llu\n",
                           method, route->pattern, bucket_seconds[i], (unsigned long long)sum);
    }
    return ok && c2_buf_printf(out, err,
                               "caterva2_http_seconds_bucket{method=\"%s\",route=\"%s\",le=\"+Inf\"} %llu\n"
                               "caterva2_http_seconds_sum{method=\"%s\",route=\"%s\"} %g\n"
                               "caterva2_http_seconds_count{method=\"%s\",route=\"%s\"} %llu\n",
                               method, route->pattern, (unsigned long long)all, method, route->pattern,
                               stats->seconds, method, route->pattern, (unsigned long long)all);
}

bool c2_server_metrics(const struct c2_server *server, struct c2_buf *out, struct cat2_error *err)
{
    const struct c2_conns_counts *counts = c2_conns_counts(server->conns);
    bool ok =
        c2_buf_printf(out, err,
                      "# TYPE caterva2_http_in_flight gauge\ncaterva2_http_in_flight %zu\n"
                      "# TYPE caterva2_http_connections gauge\ncaterva2_http_connections %u\n"
                      "# TYPE caterva2_http_connections_max gauge\ncaterva2_http_connections_max %u\n"
                      "# TYPE caterva2_http_accept_pauses_total counter\n"
                      "caterva2_http_accept_pauses_total %llu\n"
                      "# TYPE caterva2_http_connections_evicted_total counter\n"
                      "caterva2_http_connections_evicted_total %llu\n"
                      "# TYPE caterva2_http_connections_late_total counter\n"
                      "caterva2_http_connections_late_total %llu\n"
                      "# TYPE caterva2_http_connections_refused_total counter\n"
                      "caterva2_http_connections_refused_total %llu\n"
                      "# TYPE caterva2_http_malformed_total counter\n"
                      "caterva2_http_malformed_total %llu\n"
                      "# TYPE caterva2_http_sent_bytes_total counter\ncaterva2_http_sent_bytes_total %llu\n"
                      "# TYPE caterva2_http_requests_total counter\n",
                      server->nrequests, c2_server_nconnections(server), c2_conns_max(server->conns),
                      (unsigned long long)counts->pauses, (unsigned long long)counts->evicted,
                      (unsigned long long)counts->late, (unsigned long long)counts->refused,
                      (unsigned long long)counts->malformed, (unsigned long long)server->nbytes_sent);

    for (int pass = 0; ok && pass < 2; pass++) {
        if (pass == 1) ok = c2_buf_puts(out, "# TYPE caterva2_http_seconds histogram\n", err);
        for (size_t t = 0; ok && t < server->ntables; t++)
            for (size_t i = 0; ok && server->tables[t].stats && i < server->tables[t].n; i++)
                ok = (pass ? put_durations : put_counts)(&server->tables[t].routes[i],
                                                         &server->tables[t].stats[i], out, err);
    }
    return ok && c2_upload_metrics(out, err);
}
