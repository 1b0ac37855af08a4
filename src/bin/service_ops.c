/* SPDX-License-Identifier: BSD-3-Clause */
/* The routes every service has, and what the service manager is told. */
#include "bin/service_ops.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/health.h"
#include "base/log.h"
#include "base/log_share.h"
#include "helper/child.h"
#include "net/access_log.h"
#include "net/gate.h"
#include "net/openapi.h"
#include "net/tls.h"
#include "net/upload.h"
#include "wire/json.h"
#include "wire/proof.h"

void c2_notify(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};

    if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(to.sun_path)) return;
    memcpy(to.sun_path, path, strlen(path));
    if (path[0] == '@') to.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    ssize_t n = sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to, length);
    if (n < 0) c2_log_warn("the service manager was not told: %s", text);
    close(fd);
}

/* ---- /healthz and /readyz ---- */

/* Reasons name roots, hosts and folders. */
static bool may_hear_why(struct c2_request *req)
{
    return c2_request_may(req, C2_SCOPE_READ) || c2_request_peer(req)->is_loopback;
}

static void put_reasons(struct c2_jw *w, const struct c2_condition *list, size_t n, bool why)
{
    c2_jw_open_array(w, "reasons");
    for (size_t i = 0; i < n; i++) {
        c2_jw_begin_object(w);
        c2_jw_put_cstr(w, "condition", list[i].name);
        c2_jw_put_cstr(w, "reason",
                       why ? list[i].reason : "is told on this machine, and to networks of --trust");
        c2_jw_end_object(w);
    }
    c2_jw_end_array(w);
}

static void reply_state(struct c2_request *req, int status, const char *state,
                        const struct c2_condition *list, size_t n)
{
    struct c2_buf out = C2_BUF_INIT(64 << 10);
    struct cat2_error err;
    struct c2_jw w;

    c2_jw_init(&w, &out, C2_JSON_COMPACT, &err);
    c2_jw_begin_object(&w);
    c2_jw_put_cstr(&w, "state", state);
    put_reasons(&w, list, n, may_hear_why(req));
    c2_jw_end_object(&w);
    bool ok = c2_jw_finish(&w);
    c2_reply_header(req, "Cache-Control", "no-store");
    if (ok) {
        c2_reply_json(req, status, &out);
        return;
    }
    c2_buf_fini(&out);
    c2_reply_error(req, &err);
}

/* The loop runs, or this would not be read. */
static void handle_health(struct c2_request *req, void *state)
{
    struct c2_condition list[C2_HEALTH_MAX];
    size_t n = c2_health_list(list);

    (void)state;
    reply_state(req, 200, n ? "degraded" : "ok", list, n);
}

static void not_ready(const struct c2_ops *ops, struct c2_conditions *why)
{
    if (ops->stopping) c2_conditions_add(why, "stopping", "the service is stopping");
    for (size_t i = 0; i < ops->nroles && !ops->stopping; i++)
        if (ops->roles[i].ready) ops->roles[i].ready(ops->states[i], why);
}

static void handle_ready(struct c2_request *req, void *state)
{
    struct c2_conditions why = {.n = 0};

    not_ready(state, &why);
    if (why.n) c2_reply_header(req, "Retry-After", "1");
    reply_state(req, why.n ? 503 : 200, why.n ? "not ready" : "ready", why.list, why.n);
}

/* ---- /metrics ---- */

/* Those with the name of the i-th, where that is the first of them. */
static void put_reasons_of_kind(const struct c2_conditions *why, size_t i, struct c2_metrics *m)
{
    size_t n = 0;

    for (size_t k = 0; k < why->n; k++) {
        bool same = strcmp(why->list[k].name, why->list[i].name) == 0;
        if (same && k < i) return;
        n += same;
    }
    c2_metrics_sample(m, (double)n, C2_LABELS("condition", why->list[i].name));
}

static void put_health(const struct c2_ops *ops, struct c2_metrics *m)
{
    struct c2_condition list[C2_HEALTH_MAX];
    struct c2_conditions why = {.n = 0};
    size_t n = c2_health_list(list);

    not_ready(ops, &why);
    c2_metrics_gauge(m, "caterva2_ready", why.n == 0, "1 while /readyz says ready.");
    c2_metrics_family(m, C2_METRICS_GAUGE, "caterva2_not_ready_condition",
                      "How many reasons of each kind /readyz has.");
    for (size_t i = 0; i < why.n; i++)
        put_reasons_of_kind(&why, i, m);
    c2_metrics_counter(m, "caterva2_log_lines_left_out_total", (double)c2_log_left_out(),
                       "Lines of the log that were not written because others caused too many.");
    c2_metrics_gauge(m, "caterva2_degraded", n > 0, "1 while /healthz says degraded.");
    c2_metrics_family(m, C2_METRICS_GAUGE, "caterva2_degraded_condition",
                      "1 for each condition that /healthz names.");
    for (size_t i = 0; i < n; i++)
        c2_metrics_sample(m, 1, C2_LABELS("condition", list[i].name));
}

static void put_turns(const struct c2_ops *ops, struct c2_metrics *m)
{
    struct c2_loop_turns turns = c2_loop_turns(ops->service->loop);

    c2_metrics_counter(m, "caterva2_loop_turns_total", (double)turns.n,
                       "Turns of the event loop: what it did between two waits.");
    c2_metrics_counter(m, "caterva2_loop_long_turns_total", (double)turns.nlong,
                       "Those that took more than 50 ms of processor time.");
    c2_metrics_gauge(m, "caterva2_loop_turn_max_seconds", (double)turns.most_ns / 1e9,
                     "Processor time of the longest turn since the start.");
}

static void put_all(const struct c2_ops *ops, struct c2_metrics *m)
{
    struct c2_pool_load load = c2_pool_load(ops->service->pool);
    int64_t started;
    int running = c2_child_count(&started);

    c2_metrics_family(m, C2_METRICS_GAUGE, "caterva2_build_info", "1, with the version as a label.");
    c2_metrics_sample(m, 1, C2_LABELS("version", C2_VERSION, "program", ops->roles[0].program));
    c2_server_metrics(ops->service->server, m);
    put_turns(ops, m);
    c2_metrics_gauge(m, "caterva2_workers", load.nthreads, "Worker threads.");
    c2_metrics_family(m, C2_METRICS_GAUGE, "caterva2_worker_queue", "Jobs that wait for a worker.");
    c2_metrics_sample(m, (double)load.small, C2_LABELS("priority", "small"));
    c2_metrics_sample(m, (double)load.large, C2_LABELS("priority", "large"));
    c2_metrics_sample(m, (double)load.low, C2_LABELS("priority", "low"));
    c2_metrics_family(m, C2_METRICS_COUNTER, "caterva2_worker_jobs_total", "Jobs that workers were given.");
    c2_metrics_sample(m, (double)load.nsmall, C2_LABELS("priority", "small"));
    c2_metrics_sample(m, (double)load.nlarge, C2_LABELS("priority", "large"));
    c2_metrics_sample(m, (double)load.nlow, C2_LABELS("priority", "low"));
    c2_metrics_counter(m, "caterva2_worker_jobs_on_loop_total", (double)load.nhere,
                       "Small jobs that the event loop did itself, one at each turn.");
    c2_upload_metrics(m);
    c2_metrics_gauge(m, "caterva2_helper_processes", running,
                     "Helper processes that run, for HDF5 files and plugins.");
    c2_metrics_counter(m, "caterva2_helper_processes_started_total", (double)started,
                       "Helper processes that were started.");
    c2_metrics_process(m);
    c2_fds_metrics(m);
    c2_wire_metrics(m);
    c2_access_metrics(ops->service->access, m);
    c2_tls_metrics(ops->service->tls, m);
    put_health(ops, m);
    for (size_t i = 0; i < ops->nroles; i++)
        if (ops->roles[i].metrics) ops->roles[i].metrics(ops->states[i], m);
}

/* A scraper names OpenMetrics when it reads it; whoever does not gets the text format. */
static enum c2_metrics_format wanted_format(const struct c2_request *req)
{
    struct c2_str accept;

    if (!c2_request_header(req, "Accept", &accept)) return C2_METRICS_TEXT;
    return c2_str_has(accept, "application/openmetrics-text") ? C2_METRICS_OPEN : C2_METRICS_TEXT;
}

/* Whom the gate let pass without a key is of this machine. */
static bool sees(void *ctx, struct c2_str root)
{
    return c2_pass_sees(ctx, root);
}

static void handle_metrics(struct c2_request *req, void *state)
{
    struct c2_metrics *m = c2_metrics_new();
    struct c2_buf out = C2_BUF_INIT(C2_METRICS_MAX);
    enum c2_metrics_format format = wanted_format(req);
    struct cat2_error err;
    bool ok = m || c2_fail_nomem(&err, "metrics");

    if (m) c2_metrics_show(m, sees, c2_request_has_pass(req));
    if (m) put_all(state, m);
    ok = ok && c2_metrics_text(m, format, &out, &err);
    c2_metrics_free(m);
    c2_reply_header(req, "Cache-Control", "no-store");
    c2_reply_header(req, "Vary", "Accept");
    if (ok) {
        c2_reply_buf(req, 200, c2_metrics_content_type(format), &out);
        return;
    }
    c2_buf_fini(&out);
    c2_reply_error(req, &err);
}

/* ---- /openapi.json and /docs ---- */

static void handle_openapi(struct c2_request *req, void *state)
{
    const struct c2_ops *ops = state;
    struct c2_buf out = C2_BUF_INIT(1 << 20);
    struct cat2_error err;
    bool ok = c2_openapi(ops->service->server, &out, &err);

    c2_reply_built(req, ok, &out, &err);
}

static void handle_docs(struct c2_request *req, void *state)
{
    const struct c2_ops *ops = state;
    struct c2_buf out = C2_BUF_INIT(1 << 20);
    struct cat2_error err;

    if (!c2_openapi_page(ops->service->server, &out, &err)) {
        c2_buf_fini(&out);
        c2_reply_error(req, &err);
        return;
    }
    c2_reply_header(req, "Content-Security-Policy",
                    "default-src 'none'; style-src 'unsafe-inline'; img-src data:");
    c2_reply_buf(req, 200, "text/html; charset=utf-8", &out);
}

static const struct c2_route routes[] = {
    {C2_GET, "/healthz", handle_health, NULL, NULL, .scope = C2_SCOPE_NONE},
    {C2_GET, "/readyz", handle_ready, NULL, NULL, .scope = C2_SCOPE_NONE},
    {C2_GET, "/metrics", handle_metrics, NULL, NULL, .scope = C2_SCOPE_METRICS},
    {C2_GET, "/openapi.json", handle_openapi, "", NULL},
    {C2_GET, "/docs", handle_docs, NULL, NULL},
};

/* ---- the service manager's watchdog ---- */

static void on_watchdog(void *ctx)
{
    (void)ctx;
    c2_notify("WATCHDOG=1");
}

/* Twice in the time after which the manager ends a process that says nothing. */
static int64_t watchdog_ms(void)
{
    const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    int64_t us = 0, whose = 0;

    if (!usec || !c2_str_to_i64(c2_str_of(usec), &us) || us <= 0) return 0;
    if (pid && (!c2_str_to_i64(c2_str_of(pid), &whose) || whose != getpid())) return 0;
    return c2_max_i64(1, us / 2000);
}

static enum c2_access_format format_of(const struct c2_options *options)
{
    struct c2_str name = c2_str_of(c2_options_text(options, "access-log"));

    return c2_str_is(name, "json")     ? C2_ACCESS_JSON
           : c2_str_is(name, "common") ? C2_ACCESS_COMMON
                                       : C2_ACCESS_OFF;
}

bool c2_ops_start(struct c2_ops *ops, struct cat2_error *err)
{
    struct c2_loop *loop = ops->service->loop;
    int64_t ms = watchdog_ms();

    if (!c2_access_log_start(loop, format_of(ops->service->options), err)) return false;
    if (ms > 0 && !(ops->watchdog = c2_timer_start(loop, ms, ms, on_watchdog, NULL)))
        return c2_fail_nomem(err, "watchdog");
    c2_server_routes(ops->service->server, routes, C2_ARRAY_LEN(routes), ops);
    return c2_rest_start(&ops->rest, loop, ops->service->pool, err);
}

void c2_ops_stop(struct c2_ops *ops)
{
    c2_timer_stop(ops->watchdog);
    ops->watchdog = NULL;
    c2_access_log_stop();
}
