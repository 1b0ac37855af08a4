/* SPDX-License-Identifier: BSD-3-Clause */
/* The broker's REST routes, and what it stores: docs/protocol.md "Broker". */
#include "broker/broker.h"
#include "base/vec.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/log_share.h"
#include "base/random.h"
#include "broker/broker_impl.h"
#include "broker/mirrors.h"
#include "wire/json.h"

#define STOP_MS 600 /* for the peers' goodbyes */

#define TRIM_MS 200 /* between steps of giving room of the state back */

static void trim_later(struct c2_broker *broker);

static const char SIGNS[] = "signs"; /* names of roots whose owners claim them */
static const char FROM[] = "from";   /* names of roots: the address that registered each */

/* ---- durable side ---- */

static bool save_root(void *ctx, const struct c2_root *root, const char *token, bool signs,
                      struct cat2_error *err)
{
    struct c2_broker *broker = ctx;
    C2_AUTO(c2_buf) value = C2_BUF_INIT(1024);

    if (!c2_buf_printf(&value, err, "%s ", token) || !c2_root_put_address(root, &value, err) ||
        !c2_state_begin(broker->state, err))
        return false;
    bool ok = c2_state_put(broker->state, FROM, c2_str_of(root->name), c2_str_of(root->from), err) &&
              (signs ? c2_state_put(broker->state, SIGNS, c2_str_of(root->name), C2_STR("1"), err)
                     : c2_state_del(broker->state, SIGNS, c2_str_of(root->name), err)) &&
              c2_state_put(broker->state, "roots", c2_str_of(root->name), c2_buf_str(&value), err) &&
              c2_state_commit(broker->state, err);
    if (!ok) c2_state_rollback(broker->state);
    return ok;
}

static bool drop_root(void *ctx, const char *name, struct cat2_error *err)
{
    struct c2_broker *broker = ctx;
    return c2_state_del(broker->state, "roots", c2_str_of(name), err) &&
           c2_state_del(broker->state, FROM, c2_str_of(name), err) &&
           c2_state_del(broker->state, SIGNS, c2_str_of(name), err);
}

/* Events live in a ring of rows a topic, as in memory: row seq % C2_HUB_LOG_MAX. */
static bool append(void *ctx, const char *topic, int64_t seq, struct c2_str data, struct cat2_error *err)
{
    struct c2_broker *broker = ctx;
    C2_AUTO(c2_buf) key = C2_BUF_INIT(512);
    C2_AUTO(c2_buf) value = C2_BUF_INIT(C2_WS_MESSAGE_MAX + 64);

    trim_later(broker);
    return c2_buf_printf(&key, err, "%s\n%" PRId64, topic, seq % C2_HUB_LOG_MAX) &&
           c2_buf_printf(&value, err, "%" PRId64 " ", seq) && c2_buf_append_str(&value, data, err) &&
           c2_state_put(broker->state, "events", c2_buf_str(&key), c2_buf_str(&value), err);
}

static void on_trim_time(void *ctx)
{
    struct c2_broker *broker = ctx;

    broker->trimmer = NULL;
    if (c2_state_trim(broker->state)) trim_later(broker);
}

static void trim_later(struct c2_broker *broker)
{
    if (!broker->trimmer)
        broker->trimmer = c2_timer_start(broker->config.loop, TRIM_MS, 0, on_trim_time, broker);
}

/* What could not be written was refused. */
static void on_tend_time(void *ctx)
{
    c2_state_tend(((struct c2_broker *)ctx)->state, NULL, NULL);
}

static void forget(void *ctx, const char *topic, int64_t seq)
{
    struct c2_broker *broker = ctx;
    struct cat2_error err;
    C2_AUTO(c2_buf) key = C2_BUF_INIT(512);

    if (!c2_buf_printf(&key, &err, "%s\n%" PRId64, topic, seq % C2_HUB_LOG_MAX) ||
        !c2_state_del(broker->state, "events", c2_buf_str(&key), &err))
        c2_log_warn("state: %s", err.message);
    trim_later(broker);
}

static bool restore_root(void *ctx, struct c2_str key, struct c2_str value, struct cat2_error *err)
{
    struct c2_broker *broker = ctx;
    struct c2_root root = {0};
    struct c2_str token, http;
    char text[33] = "";

    if (!c2_str_cut(value, ' ', &token, &http) || token.n > 32 || key.n >= sizeof(root.name) ||
        !c2_root_set_address(&root, http))
        return true;
    memcpy(root.name, key.p, key.n);
    memcpy(text, token.p, token.n);
    C2_AUTO(c2_buf) signs = C2_BUF_INIT(100);
    C2_AUTO(c2_buf) from = C2_BUF_INIT(sizeof(root.from) - 1);
    bool known = c2_state_get(broker->state, SIGNS, key, &signs, err);
    if (!known && err->code != CAT2_ENOTFOUND) return false;
    if (c2_state_get(broker->state, FROM, key, &from, err))
        memcpy(root.from, c2_buf_cstr(&from), from.n);
    else if (err->code != CAT2_ENOTFOUND)
        return false;
    return c2_hub_restore_root(broker->hub, &root, text, known, err);
}

struct kept {
    char *topic;
    int64_t seq;
    char *data;
};
struct keeping {
    C2_VEC(struct kept);
};

static bool keep_event(void *ctx, struct c2_str key, struct c2_str value, struct cat2_error *err)
{
    struct keeping *k = ctx;
    struct c2_str topic, slot, number, data;
    int64_t seq;

    if (!c2_str_cut(key, '\n', &topic, &slot) || !c2_str_cut(value, ' ', &number, &data) ||
        !c2_str_to_i64(number, &seq))
        return true;
    if (!c2_vec_room(k, C2_VEC_NO_MAX, "events", err)) return false;
    k->p[k->n] = (struct kept){c2_str_dup(topic), seq, c2_str_dup(data)};
    k->n++;
    return (k->p[k->n - 1].topic && k->p[k->n - 1].data) || c2_fail_nomem(err, "events");
}

static int by_seq(const void *a, const void *b)
{
    const struct kept *x = a, *y = b;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static bool restore_events(struct c2_broker *broker, struct cat2_error *err)
{
    struct keeping k = {0};
    bool ok = c2_state_each(broker->state, "events", C2_STR(""), keep_event, &k, err);

    if (k.n) qsort(k.p, k.n, sizeof(*k.p), by_seq);
    for (size_t i = 0; i < k.n; i++) {
        if (ok) ok = c2_hub_restore_event(broker->hub, k.p[i].topic, k.p[i].seq, c2_str_of(k.p[i].data), err);
        free(k.p[i].topic);
        free(k.p[i].data);
    }
    c2_vec_fini(&k);
    return ok;
}

/* The epoch lives as long as the numbering: in the state, until the machine starts anew. What was written
 * last may not have reached the disk then, and numbers might be given twice. Where that cannot be told, until
 * the broker starts anew. */
static bool read_epoch(struct c2_broker *broker, char out[40], struct cat2_error *err)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(39);
    C2_AUTO(c2_buf) boot = C2_BUF_INIT(100);
    C2_AUTO(c2_buf) known = C2_BUF_INIT(100);
    struct cat2_error why;

    c2_fs_read_file("", "/proc/sys/kernel/random/boot_id", 100, &boot,
                    &why); /* empty when it cannot be read */
    bool same = boot.n > 0 && c2_state_get(broker->state, "about", C2_STR("boot"), &known, &why) &&
                c2_str_eq(c2_buf_str(&known), c2_buf_str(&boot));
    if (same && c2_state_get(broker->state, "about", C2_STR("epoch"), &text, err)) {
        snprintf(out, 40, "%s", c2_buf_cstr(&text));
        return true;
    }
    if (same && err->code != CAT2_ENOTFOUND) return false;
    c2_random_hex32(out);
    return c2_state_put(broker->state, "about", C2_STR("boot"), c2_buf_str(&boot), err) &&
           c2_state_put(broker->state, "about", C2_STR("epoch"), c2_str_of(out), err);
}

/* ---- REST ---- */

void c2_broker_root_json(struct c2_jw *w, const struct c2_root *root, const enum c2_root_flag *subscribed)
{
    c2_jw_begin_object(w);
    c2_root_jw(w, root);
    if (subscribed) {
        c2_jw_key(w, "subscribed");
        if (*subscribed == C2_ROOT_NULL)
            c2_jw_null(w);
        else
            c2_jw_bool(w, *subscribed == C2_ROOT_TRUE);
    }
    c2_jw_end_object(w);
}

static void handle_roots(struct c2_request *req, void *state)
{
    struct c2_broker *broker = state;
    struct c2_buf out = C2_BUF_INIT(16 << 20);
    struct cat2_error err;
    struct c2_jw w;

    c2_jw_init(&w, &out, C2_JSON_COMPACT, &err);
    c2_jw_begin_object(&w);
    for (size_t i = 0; i < c2_hub_nroots(broker->hub); i++) {
        const struct c2_root *root = c2_hub_root_at(broker->hub, i);
        if (!c2_request_sees(req, c2_str_of(root->name))) continue;
        c2_jw_open_object(&w, root->name);
        c2_root_jw(&w, root);
        c2_broker_mirrors_jw(&w, broker, root);
        c2_jw_end_object(&w);
    }
    c2_jw_end_object(&w);
    c2_reply_built(req, c2_jw_finish(&w), &out, &err);
}

static void handle_delete(struct c2_request *req, void *state)
{
    struct c2_broker *broker = state;
    struct c2_str name = c2_request_param(req, "name"), token = {"", 0};
    struct cat2_error err;
    char text[256] = "";

    if (name.n < sizeof(text)) memcpy(text, name.p, name.n);
    if (!c2_request_sees(req, name)) { /* as if there were none */
        c2_reply_detail(req, 404, "%.100s not known by the broker", text);
        return;
    }
    c2_request_header(req, "X-Caterva2-Token", &token);
    if (!c2_hub_delete_root(broker->hub, text, token, &err)) {
        c2_reply_error(req, &err);
        return;
    }
    c2_log_some(C2_INFO, "root name=%s is removed", text);
    c2_reply_empty(req, 204);
}

static const struct c2_route routes[] = {
    {C2_GET, "/api/roots", handle_roots, "", NULL},
    {C2_POST, "/api/roots", c2_broker_handle_post, "", NULL, C2_ROOT_BODY_MAX, .scope = C2_SCOPE_PUBLISH},
    {C2_POST, "/api/mirrors", c2_broker_handle_mirrors, "", NULL, C2_MIRRORS_BODY_MAX,
     .scope = C2_SCOPE_PUBLISH},
    {C2_DELETE, "/api/roots/{name}", handle_delete, "", NULL, .scope = C2_SCOPE_PUBLISH},
    {C2_GET, "/pubsub", c2_broker_handle_pubsub, NULL, NULL},
};

/* ---- life ---- */

static const struct c2_state_kind kind = {
    .program = "cat2bro",
    .shrinks = true,
    .costs = "the registered roots, their owners and the numbers of events: our publishers register again by "
             "themselves, Python ones when they are started again; subscribers list all roots again",
};

static const struct c2_route pubsub[] = {{C2_GET, "/pubsub", c2_broker_handle_pubsub, NULL, NULL}};

/* Numbers of events begin anew with each run: who follows lists all then. */
static bool open_pubsub(struct c2_broker *broker, struct c2_broker **out, struct cat2_error *err)
{
    struct c2_hub_store store = {.clock = c2_loop_clock(broker->config.loop)};

    if (!c2_hub_new(&store, NULL, &broker->hub, err)) {
        free(broker);
        return false;
    }
    c2_server_routes(broker->config.server, pubsub, C2_ARRAY_LEN(pubsub), broker);
    *out = broker;
    return true;
}

bool c2_broker_new(const struct c2_broker_config *config, struct c2_broker **out, struct cat2_error *err)
{
    struct c2_broker *broker = calloc(1, sizeof(*broker));
    char epoch[40];

    if (!broker) return c2_fail_nomem(err, "broker");
    broker->config = *config;
    struct c2_hub_store store = {save_root, drop_root, append, forget, broker, c2_loop_clock(config->loop)};
    broker->dirfd = -1;
    if (!config->statedir) return open_pubsub(broker, out, err);
    bool ok = c2_state_open(config->statedir, &kind, &broker->state, err) && read_epoch(broker, epoch, err) &&
              c2_hub_new(&store, epoch, &broker->hub, err) &&
              c2_state_each(broker->state, "roots", C2_STR(""), restore_root, broker, err) &&
              restore_events(broker, err) && c2_broker_import(broker, err);
    if (ok)
        broker->tender =
            c2_timer_start(config->loop, C2_STATE_TEND_MS, C2_STATE_TEND_MS, on_tend_time, broker);
    if (!ok || !broker->tender) {
        c2_broker_free(broker);
        return ok ? c2_fail_nomem(err, "broker") : false;
    }
    broker->dirfd = open(config->statedir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    c2_server_routes(config->server, routes, C2_ARRAY_LEN(routes), broker);
    c2_broker_find_elders(broker);
    *out = broker;
    return true;
}

struct c2_hub *c2_broker_hub(struct c2_broker *broker)
{
    return broker->hub;
}

void c2_broker_stop(struct c2_broker *broker, c2_loop_fn *done, void *ctx)
{
    broker->stopping = true;
    bool any = broker->peers != NULL;
    c2_broker_end_placings(broker);
    c2_broker_end_elders(broker);
    c2_broker_end_contests(broker);
    c2_broker_close_peers(broker);
    c2_timer_start(broker->config.loop, any ? STOP_MS : 0, 0, done, ctx);
}

void c2_broker_free(struct c2_broker *broker)
{
    if (!broker) return;
    c2_broker_end_placings(broker);
    c2_broker_end_elders(broker);
    c2_broker_end_contests(broker);
    c2_broker_free_peers(broker);
    c2_broker_end_mirrors(broker);
    c2_timer_stop(broker->trimmer);
    c2_timer_stop(broker->tender);
    c2_hub_free(broker->hub);
    c2_state_close(broker->state);
    if (broker->dirfd >= 0) close(broker->dirfd);
    free(broker);
}

void c2_broker_metrics(struct c2_broker *broker, struct c2_metrics *m)
{
    size_t n = c2_hub_nroots(broker->hub);
    int64_t wait_ms;

    c2_ws_metrics(m);
    c2_metrics_gauge(m, "caterva2_broker_roots", (double)n, "Roots that are registered.");
    c2_metrics_gauge(m, "caterva2_broker_mirrors", (double)c2_broker_nmirrors(broker),
                     "Subscribers that mirror roots for others.");
    c2_metrics_gauge(m, "caterva2_broker_peers", (double)c2_broker_npeers(broker),
                     "Publishers and subscribers that are connected by WebSocket.");
    c2_metrics_gauge(m, "caterva2_broker_events_kept_bytes", (double)c2_hub_nbytes(broker->hub),
                     "Bytes of events that are kept for who comes back.");
    c2_metrics_counter(m, "caterva2_broker_events_refused_total", (double)broker->nrefused,
                       "Events that were not taken from a peer.");
    c2_metrics_counter(m, "caterva2_broker_events_total", (double)broker->nevents,
                       "Events that were published.");
    c2_metrics_counter(m, "caterva2_broker_events_unacknowledged_total", (double)broker->nunacked,
                       "Events that a peer has not acknowledged.");
    c2_metrics_family(m, C2_METRICS_GAUGE, "caterva2_broker_publisher_connected",
                      "1 while the root's publisher is connected; those of 2024 never say so.");
    for (size_t i = 0; i < n; i++) {
        const char *name = c2_hub_root_at(broker->hub, i)->name;
        bool there = c2_hub_owner_of(broker->hub, name, &wait_ms) == C2_OWNER_CONNECTED;
        c2_metrics_sample(m, there, C2_LABELS("root", name));
    }
    c2_metrics_disk(m, broker->dirfd, C2_LABELS("of", "events"));
}
