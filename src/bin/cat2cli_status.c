/* SPDX-License-Identifier: BSD-3-Clause */
/* cat2cli status: a table of services, one of roots, and the cache. */
#include "bin/cat2cli_status.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/vec.h"

#define ROOTS_MAX 4096 /* more than a broker of ours keeps */

struct all {
    struct c2_service_status services[C2_STATUS_SERVICES_MAX];
    int nservices;
    struct {
        C2_VEC(struct c2_root_status);
    } roots;
    bool ok; /* nothing is down */
    const struct cat2_client_options *access;
};

/* ---- what is known of roots ---- */

static struct c2_root_status *root_of(struct all *all, const char *name)
{
    struct c2_root_status fresh = {.reachable = -1, .current = -1, .unannounced = -1};
    struct cat2_error err;

    for (size_t i = 0; i < all->roots.n; i++)
        if (strcmp(all->roots.p[i].name, name) == 0) return &all->roots.p[i];
    snprintf(fresh.name, sizeof(fresh.name), "%s", name);
    return c2_vec_push(&all->roots, ROOTS_MAX, "roots", &err, fresh) ? &all->roots.p[all->roots.n - 1] : NULL;
}

/* One that somebody does not reach is not reached, whatever others say. */
static void read_roots(struct all *all, const char *metrics)
{
    char name[256];
    double value;
    struct c2_root_status *root;

    for (const char *at = metrics;
         c2_status_next(&at, "caterva2_root_reachable", "root", name, sizeof(name), &value);)
        if ((root = root_of(all, name)) && root->reachable != 0) root->reachable = value > 0;
    for (const char *at = metrics;
         c2_status_next(&at, "caterva2_root_current", "root", name, sizeof(name), &value);)
        if ((root = root_of(all, name)) && root->current != 0) root->current = value > 0;
    for (const char *at = metrics;
         c2_status_next(&at, "caterva2_pub_unannounced", "root", name, sizeof(name), &value);)
        if ((root = root_of(all, name))) root->unannounced = value;
}

/* Where the publishers are, as the subscriber was told. */
static void read_addresses(struct all *all, cat2_client *client)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct cat2_error err;
    struct c2_str name, http;
    struct c2_jval value;
    char *text = NULL;
    char plain[256];

    if (!cat2_client_get_json(client, "/api/roots", &text, &err)) return;
    if (c2_json_parse(c2_str_of(text), &json, &err)) {
        struct c2_jiter it = c2_jiter_of(c2_json_root(json));
        while (c2_jnext(&it, &name, &value)) {
            if (name.n >= sizeof(plain) || !c2_jstr(c2_jget(value, "http"), &http)) continue;
            snprintf(plain, sizeof(plain), "%.*s", C2_STR_ARG(name));
            struct c2_root_status *root = root_of(all, plain);
            if (root) snprintf(root->http, sizeof(root->http), "%.*s", C2_STR_ARG(http));
        }
    }
    free(text);
}

static void ask(struct all *all, const char *address)
{
    struct c2_service_status *s = &all->services[all->nservices++];
    cat2_client *client = NULL;
    struct cat2_error err;

    s->address = address;
    if (!cat2_client_new(address, all->access, &client, &err)) {
        snprintf(s->error, sizeof(s->error), "%s", err.message);
    } else {
        c2_status_ask(client, s);
        if (s->metrics) read_roots(all, s->metrics);
        if (s->is_subscriber) read_addresses(all, client);
    }
    cat2_client_free(client);
    all->ok = all->ok && !s->error[0] && (s->is_other || (s->ready && !s->without_broker));
}

/* ---- for people ---- */

/* "3 d 4 h", "12.5 s". */
static const char *time_text(double seconds, char out[32])
{
    if (seconds < 0 && seconds > -60) seconds = 0; /* clocks differ */
    if (!(seconds >= 0 && seconds < 1e12)) {
        snprintf(out, 32, "?");
        return out;
    }
    int64_t s = (int64_t)seconds;
    if (s >= 86400)
        snprintf(out, 32, "%" PRId64 " d %" PRId64 " h", s / 86400, s % 86400 / 3600);
    else if (s >= 3600)
        snprintf(out, 32, "%" PRId64 " h %" PRId64 " min", s / 3600, s % 3600 / 60);
    else if (s >= 60)
        snprintf(out, 32, "%" PRId64 " min", s / 60);
    else
        snprintf(out, 32, "%.0f s", seconds);
    return out;
}

static const char *size_text(double nbytes, char out[32])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    size_t unit = 0;

    while (nbytes >= 1024 && unit + 1 < C2_ARRAY_LEN(units)) {
        nbytes /= 1024;
        unit++;
    }
    snprintf(out, 32, unit ? "%.1f %s" : "%.0f %s", nbytes, units[unit]);
    return out;
}

static const char *state_of(const struct c2_service_status *s)
{
    if (s->error[0]) return "down";
    if (s->is_other) return "answers";
    return !s->ready ? "not ready" : s->degraded ? "degraded" : "ready";
}

static void print_services(const struct all *all)
{
    char address[330], text[300], up[32], memory[32], program[32], version[32];

    printf("%-28s %-10s %-9s %-10s %-12s %10s %8s %10s\n", "SERVICE", "PROGRAM", "VERSION", "STATE", "UP FOR",
           "REQUESTS", "FAILED", "MEMORY");
    for (int i = 0; i < all->nservices; i++) {
        const struct c2_service_status *s = &all->services[i];
        printf("%-28s ", c2_cli_plain(s->address, address, sizeof(address)));
        if (s->error[0])
            printf("%-10s %-9s %-10s %s\n", "-", "-", state_of(s),
                   c2_cli_plain(s->error, text, sizeof(text)));
        else if (s->is_other)
            printf("%-10s %-9s %-10s it has no metrics of Caterva2\n", "-", "-", state_of(s));
        else
            printf("%-10s %-9s %-10s %-12s %10.0f %8.0f %10s%s%s%s\n",
                   c2_cli_plain(s->program, program, sizeof(program)),
                   c2_cli_plain(s->version, version, sizeof(version)), state_of(s),
                   time_text(s->uptime_s, up), s->requests, s->failures, size_text(s->resident, memory),
                   s->conditions[0] ? "  (" : "", c2_cli_plain(s->conditions, text, sizeof(text)),
                   s->conditions[0] ? ")" : "");
    }
}

static const char *word(int state, const char *yes, const char *no)
{
    return state < 0 ? "-" : state ? yes : no;
}

static void print_roots(const struct all *all)
{
    char name[256], http[300];

    if (all->roots.n == 0) return;
    printf("\n%-28s %-28s %-9s %-10s %s\n", "ROOT", "PUBLISHER", "REACHED", "LIST", "CHANGES NOT ANNOUNCED");
    for (size_t i = 0; i < all->roots.n; i++) {
        const struct c2_root_status *root = &all->roots.p[i];
        printf("%-28s %-28s %-9s %-10s ", c2_cli_plain(root->name, name, sizeof(name)),
               root->http[0] ? c2_cli_plain(root->http, http, sizeof(http)) : "-",
               word(root->reachable, "yes", "NO"),
               root->reachable < 0 ? "-" : word(root->current, "current", "old"));
        if (root->unannounced < 0)
            printf("-\n");
        else
            printf("%.0f\n", root->unannounced);
    }
}

static void print_caches(const struct all *all)
{
    char size[32], quota[32], evicted[32], needed[32], address[330];

    for (int i = 0; i < all->nservices; i++) {
        const struct c2_service_status *s = &all->services[i];
        if (!s->is_subscriber) continue;
        printf("\nCACHE of %s\n", c2_cli_plain(s->address, address, sizeof(address)));
        printf("  size             %s%s%s\n", size_text(s->cache, size), s->quota > 0 ? " of " : ", no quota",
               s->quota > 0 ? size_text(s->quota, quota) : "");
        if (s->wanted > 0)
            printf("  hit ratio        %.1f %% of %s that were needed\n", 100 * (1 - s->missed / s->wanted),
                   size_text(s->wanted, needed));
        else
            printf("  hit ratio        nothing was needed yet\n");
        printf("  evictions        %.0f, %s\n", s->evictions, size_text(s->evicted, evicted));
        printf("  upstream errors  %.0f\n", s->upstream_errors);
        printf("  event streams    %.0f\n", s->event_streams);
    }
}

/* ---- for programs ---- */

static void put_number(struct c2_jw *w, const char *key, double value)
{
    c2_jw_key(w, key);
    if (value > -9e18 && value < 9e18)
        c2_jw_int(w, (int64_t)value);
    else
        c2_jw_null(w); /* nothing that we would tell */
}

static void put_cache(struct c2_jw *w, const struct c2_service_status *s)
{
    c2_jw_open_object(w, "cache");
    put_number(w, "bytes", s->cache);
    put_number(w, "quota_bytes", s->quota);
    put_number(w, "wanted_bytes", s->wanted);
    put_number(w, "missed_bytes", s->missed);
    c2_jw_key(w, "hit_ratio");
    if (s->wanted > 0)
        c2_jw_real(w, 1 - s->missed / s->wanted);
    else
        c2_jw_null(w);
    put_number(w, "evictions", s->evictions);
    put_number(w, "evicted_bytes", s->evicted);
    c2_jw_end_object(w);
    put_number(w, "upstream_errors", s->upstream_errors);
    put_number(w, "event_streams", s->event_streams);
}

static void put_service(struct c2_jw *w, const struct c2_service_status *s)
{
    c2_jw_begin_object(w);
    c2_jw_put_cstr(w, "address", s->address);
    c2_jw_put_cstr(w, "state", state_of(s));
    if (s->error[0]) c2_jw_put_cstr(w, "error", s->error);
    if (!s->error[0] && !s->is_other) {
        c2_jw_put_cstr(w, "program", s->program);
        c2_jw_put_cstr(w, "version", s->version);
        c2_jw_put_cstr(w, "conditions", s->conditions);
        put_number(w, "uptime_seconds", s->uptime_s);
        put_number(w, "requests", s->requests);
        put_number(w, "failed_requests", s->failures);
        put_number(w, "sent_bytes", s->sent);
        put_number(w, "resident_bytes", s->resident);
        if (s->is_subscriber) put_cache(w, s);
    }
    c2_jw_end_object(w);
}

static void put_known(struct c2_jw *w, const char *key, int state)
{
    c2_jw_key(w, key);
    if (state < 0)
        c2_jw_null(w);
    else
        c2_jw_bool(w, state);
}

static void put_root(struct c2_jw *w, const struct c2_root_status *root)
{
    c2_jw_begin_object(w);
    c2_jw_put_cstr(w, "name", root->name);
    if (root->http[0]) c2_jw_put_cstr(w, "publisher", root->http);
    put_known(w, "reached", root->reachable);
    put_known(w, "current", root->current);
    if (root->unannounced >= 0) put_number(w, "unannounced", root->unannounced);
    c2_jw_end_object(w);
}

static bool print_json(const struct all *all, struct cat2_error *err)
{
    C2_AUTO(c2_buf) out = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    struct c2_jw w;

    c2_jw_init(&w, &out, C2_JSON_PYTHON, err);
    c2_jw_begin_object(&w);
    c2_jw_put_bool(&w, "ok", all->ok);
    c2_jw_open_array(&w, "services");
    for (int i = 0; i < all->nservices; i++)
        put_service(&w, &all->services[i]);
    c2_jw_end_array(&w);
    c2_jw_open_array(&w, "roots");
    for (size_t i = 0; i < all->roots.n; i++)
        put_root(&w, &all->roots.p[i]);
    c2_jw_end_array(&w);
    c2_jw_end_object(&w);
    if (!c2_jw_finish(&w)) return false;
    puts(c2_buf_cstr(&out));
    return true;
}

/* ---- all of it ---- */

/* The first thing that is not as it should be. */
static bool judge(const struct all *all, struct cat2_error *err)
{
    for (int i = 0; i < all->nservices; i++) {
        const struct c2_service_status *s = &all->services[i];
        bool named = c2_str_starts(c2_str_of(s->error), s->address);
        if (s->error[0])
            return c2_fail(err, CAT2_EUPSTREAM, "%.100s%s%.300s", named ? "" : s->address, named ? "" : ": ",
                           s->error);
        if (!s->is_other && !s->ready)
            return c2_fail(err, CAT2_EUPSTREAM, "%.100s is not ready (/readyz says why)", s->address);
        if (s->without_broker)
            return c2_fail(err, CAT2_EUPSTREAM, "%.100s is not connected to its broker", s->address);
    }
    for (size_t i = 0; i < all->roots.n; i++)
        if (all->roots.p[i].reachable == 0)
            return c2_fail(err, CAT2_EUPSTREAM, "the publisher of root %.100s (%.100s) is not reached",
                           all->roots.p[i].name, all->roots.p[i].http);
    return true;
}

bool c2_cli_status(const char *const *addresses, int n, const struct cat2_client_options *access, bool json,
                   struct cat2_error *err)
{
    struct all *all = calloc(1, sizeof(*all));

    if (!all) return c2_fail_nomem(err, "status");
    all->ok = true;
    all->access = access;
    for (int i = 0; i < n && i < C2_STATUS_SERVICES_MAX; i++)
        ask(all, addresses[i]);
    for (size_t i = 0; i < all->roots.n; i++)
        all->ok = all->ok && all->roots.p[i].reachable != 0;
    bool ok = !json || print_json(all, err);
    if (!json) {
        print_services(all);
        print_roots(all);
        print_caches(all);
    }
    ok = ok && judge(all, err);
    for (int i = 0; i < all->nservices; i++)
        c2_status_fini(&all->services[i]);
    c2_vec_fini(&all->roots);
    free(all);
    return ok;
}
