/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading the metrics of a service. Whoever answers may be anybody: lines that are none are passed by. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bin/cat2cli_status.h"

struct sample {
    struct c2_str labels; /* between the braces */
    double value;
};

/* The next sample of `name` at or after *at. */
static bool next_sample(const char **at, const char *name, struct sample *out)
{
    size_t n = strlen(name);

    while (**at) {
        const char *line = *at, *end = strchrnul(line, '\n');
        *at = *end ? end + 1 : end;
        if (strncmp(line, name, n) != 0 || (line[n] != ' ' && line[n] != '{')) continue;
        const char *blank = memrchr(line, ' ', (size_t)(end - line));
        out->labels = (struct c2_str){"", 0};
        if (line[n] == '{') {
            if (!blank || blank < line + n + 2 || blank[-1] != '}') continue;
            out->labels = (struct c2_str){line + n + 1, (size_t)(blank - 1 - (line + n + 1))};
        }
        out->value = strtod(blank + 1, NULL);
        return true;
    }
    return false;
}

/* name="value",...: the value, without escapes. */
static bool label_of(struct c2_str labels, const char *name, char *out, size_t room)
{
    size_t n = strlen(name), i = 0;

    while (i < labels.n) {
        bool mine = labels.n - i > n + 1 && memcmp(labels.p + i, name, n) == 0 && labels.p[i + n] == '=';
        size_t written = 0;
        while (i < labels.n && labels.p[i] != '"')
            i++;
        for (i++; i < labels.n && labels.p[i] != '"'; i++) {
            char c = labels.p[i];
            if (c == '\\' && i + 1 < labels.n) c = labels.p[++i] == 'n' ? '\n' : labels.p[i];
            if (mine && written + 1 < room) out[written++] = c;
        }
        if (mine) {
            out[written] = '\0';
            return true;
        }
        i += 2; /* the quote and the comma */
    }
    return false;
}

/* The sum of the samples whose label has this value (label NULL: of all). *found: is there one? NULL is fine.
 */
static double value_of(const char *metrics, const char *name, const char *label, const char *value,
                       bool *found)
{
    struct sample sample;
    char has[300];
    double sum = 0;

    if (found) *found = false;
    while (next_sample(&metrics, name, &sample)) {
        if (label && (!label_of(sample.labels, label, has, sizeof(has)) || strcmp(has, value) != 0)) continue;
        sum += sample.value;
        if (found) *found = true;
    }
    return sum;
}

bool c2_status_next(const char **at, const char *name, const char *label, char *out, size_t room,
                    double *value)
{
    struct sample sample;

    out[0] = '\0';
    if (!next_sample(at, name, &sample)) return false;
    *value = sample.value;
    label_of(sample.labels, label, out, room);
    return true;
}

static double sum_of(const struct c2_service_status *s, const char *name)
{
    return value_of(s->metrics, name, NULL, NULL, NULL);
}

static void add_condition(struct c2_service_status *out, const char *name)
{
    size_t n = strlen(out->conditions);

    if (n + strlen(name) + 3 <= sizeof(out->conditions))
        snprintf(out->conditions + n, sizeof(out->conditions) - n, "%s%s", n ? ", " : "", name);
}

static void read_conditions(struct c2_service_status *out)
{
    static const char *const families[] = {"caterva2_not_ready_condition", "caterva2_degraded_condition"};
    char name[60];
    double value;

    for (size_t f = 0; f < C2_ARRAY_LEN(families); f++)
        for (const char *at = out->metrics;
             c2_status_next(&at, families[f], "condition", name, sizeof(name), &value);)
            add_condition(out, name);
    for (const char *at = out->metrics;
         c2_status_next(&at, "caterva2_broker_connected", "service", name, sizeof(name), &value);)
        out->without_broker = out->without_broker || !(value > 0);
    if (out->without_broker) add_condition(out, "broker not connected");
}

static void read_label(const struct c2_service_status *s, const char *label, char *out, size_t room)
{
    const char *at = s->metrics;
    double value;

    c2_status_next(&at, "caterva2_build_info", label, out, room, &value);
}

static void read_service(struct c2_service_status *out)
{
    struct timespec now;
    bool ours;

    clock_gettime(CLOCK_REALTIME, &now);
    value_of(out->metrics, "caterva2_build_info", NULL, NULL, &ours);
    out->is_other = !ours;
    if (!ours) return;
    read_label(out, "program", out->program, sizeof(out->program));
    read_label(out, "version", out->version, sizeof(out->version));
    out->ready = sum_of(out, "caterva2_ready") > 0;
    out->degraded = sum_of(out, "caterva2_degraded") > 0;
    read_conditions(out);
    out->uptime_s = (double)now.tv_sec - sum_of(out, "process_start_time_seconds");
    out->requests = sum_of(out, "caterva2_http_requests_total");
    out->failures = value_of(out->metrics, "caterva2_http_requests_total", "status", "5xx", NULL);
    out->sent = sum_of(out, "caterva2_http_sent_bytes_total");
    out->resident = sum_of(out, "process_resident_memory_bytes");
    out->cache = value_of(out->metrics, "caterva2_cache_bytes", NULL, NULL, &out->is_subscriber);
    out->quota = sum_of(out, "caterva2_cache_quota_bytes");
    out->wanted = sum_of(out, "caterva2_cache_wanted_bytes_total");
    out->missed = sum_of(out, "caterva2_cache_missed_bytes_total");
    out->evictions = sum_of(out, "caterva2_cache_evictions_total");
    out->evicted = sum_of(out, "caterva2_cache_evicted_bytes_total");
    out->upstream_errors = sum_of(out, "caterva2_upstream_errors_total");
    out->event_streams = sum_of(out, "caterva2_event_streams");
}

void c2_status_ask(cat2_client *client, struct c2_service_status *out)
{
    struct cat2_error err;

    if (cat2_client_get_json(client, "/metrics", &out->metrics, &err)) {
        read_service(out);
        return;
    }
    out->is_other = err.http_status == 404;
    if (!out->is_other) snprintf(out->error, sizeof(out->error), "%s", err.message);
}

void c2_status_fini(struct c2_service_status *status)
{
    free(status->metrics);
    status->metrics = NULL;
}
