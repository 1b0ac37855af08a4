/* SPDX-License-Identifier: BSD-3-Clause */
/* What is done when a connection comes about: each stream is looked for, and made where there is none. One
 * that is there stays as it is, so that whoever runs the servers may choose its limits, replicas and time to
 * live. */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/log_share.h"
#include "bus/hub.h"
#include "bus/nats/nats_impl.h"

#define SECOND_NS        INT64_C(1000000000)
#define STREAM_NBYTES    (256 << 20) /* of events: as many as eight brokers keep */
#define REGISTRY_NBYTES  (16 << 20)  /* C2_HUB_ROOTS_MAX names of 1 KB, with room for what NATS adds */
#define REPLICAS         3           /* in a cluster: one server may be away */
#define LEASE_LEAST_MS   1000        /* of a bucket with less, renewals would be all that happens */
#define LEASE_FOREVER_MS 86400000    /* the most; of a bucket without a time to live, too */
#define DUPLICATES_S     10          /* how long NATS remembers message ids, of which we send none */

enum steps { STEP_EVENTS, STEP_REGISTRY, STEP_LEASE, STEPS };

static void ask(struct c2_nats *n);

static const char *stream_of(const struct c2_nats *n)
{
    return n->step == STEP_EVENTS ? n->stream : n->step == STEP_REGISTRY ? n->registry : n->lease;
}

static void on_again(void *ctx)
{
    struct c2_nats *n = ctx;

    n->setup_timer = NULL;
    if (n->linked && !n->up) ask(n);
}

static void again(struct c2_nats *n, const struct cat2_error *err)
{
    if (!n->linked || n->setup_timer) return;
    c2_log_some(C2_WARN, "stream %s: %s", stream_of(n), err->message);
    n->setup_timer = c2_timer_start(n->loop, C2_NATS_AGAIN_MS, 0, on_again, n);
}

/* {"config":{"max_age":NS},"created":T,"state":{"first_seq":N,"last_seq":N}} of the stream of events. */
static void take_events(struct c2_nats *n, struct c2_jval json)
{
    struct c2_jval state = c2_jget(json, "state");
    struct c2_str created = {"", 0};
    int64_t first = 0, last = 0;

    c2_jstr(c2_jget(json, "created"), &created);
    c2_jint(c2_jget(state, "first_seq"), &first);
    c2_jint(c2_jget(state, "last_seq"), &last);
    bool same = n->epoch[0] && c2_str_is(created, n->epoch);
    snprintf(n->epoch, sizeof(n->epoch), "%.*s", C2_STR_ARG(created));
    if (same && n->events.at <= last && n->events.at + 1 >= first) return;
    n->lost = true;
    n->events.at = last;
    for (struct c2_nats_subscription *s = n->subscriptions; s; s = s->next)
        s->at.seq = 0;
}

static void take_lease(struct c2_nats *n, struct c2_jval json)
{
    int64_t age = 0;

    c2_jint(c2_jget(c2_jget(json, "config"), "max_age"), &age);
    if (age <= 0)
        c2_log_warn("stream %s has no max_age: names of publishers that are gone stay taken", n->lease);
    n->lease_ms = age <= 0
                      ? LEASE_FOREVER_MS
                      : c2_max_i64(LEASE_LEAST_MS, c2_min_i64(LEASE_FOREVER_MS, age / (SECOND_NS / 1000)));
}

static void on_stream(struct c2_nats *n, struct c2_jval json)
{
    if (n->step == STEP_EVENTS) take_events(n, json);
    if (n->step == STEP_LEASE) take_lease(n, json);
    if (++n->step < STEPS) {
        ask(n);
        return;
    }
    c2_nats_feed_start(&n->entries);
}

static void put_config(const struct c2_nats *n, struct c2_jw *w)
{
    const char *stream = stream_of(n);
    char subjects[400];

    if (n->step == STEP_EVENTS)
        snprintf(subjects, sizeof(subjects), "cat2.%s.>", n->address.deployment);
    else
        snprintf(subjects, sizeof(subjects), "$KV.%s.>", c2_nats_bucket(stream));
    c2_jw_put_cstr(w, "name", stream);
    c2_jw_open_array(w, "subjects");
    c2_jw_cstr(w, subjects);
    c2_jw_end_array(w);
    c2_jw_put_cstr(w, "retention", "limits");
    c2_jw_put_cstr(w, "storage", "file");
    c2_jw_put_int(w, "num_replicas", n->replicas);
    c2_jw_put_int(w, "max_consumers", -1);
    c2_jw_put_int(w, "max_msgs", -1);
    c2_jw_put_int(w, "max_bytes", n->step == STEP_EVENTS ? STREAM_NBYTES : REGISTRY_NBYTES);
    c2_jw_put_int(w, "duplicate_window", DUPLICATES_S * SECOND_NS);
}

/* As a bucket of NATS is made, so that its tools show it. */
static void put_bucket_config(const struct c2_nats *n, struct c2_jw *w)
{
    c2_jw_put_cstr(w, "discard", "new");
    c2_jw_put_int(w, "max_msgs_per_subject", 1);
    c2_jw_put_bool(w, "allow_rollup_hdrs", true);
    c2_jw_put_bool(w, "deny_delete", true);
    c2_jw_put_int(w, "max_age", n->step == STEP_LEASE ? C2_HUB_LEASE_MS / 1000 * SECOND_NS : 0);
}

static void on_made(void *ctx, struct c2_jval json, int64_t code, const struct cat2_error *err)
{
    struct c2_nats *n = ctx;

    if (!err) {
        c2_log_info("stream %s is made, replicas=%d", stream_of(n), n->replicas);
        on_stream(n, json);
    } else if (code == C2_NATS_NO_REPLICAS && n->replicas > 1) {
        n->replicas = 1;
        ask(n);
    } else if (code == C2_NATS_STREAM_EXISTS) {
        ask(n);
    } else {
        again(n, err);
    }
}

static void make(struct c2_nats *n)
{
    C2_AUTO(c2_buf) body = C2_BUF_INIT(4096);
    struct cat2_error err;
    char subject[200];
    struct c2_jw w;

    snprintf(subject, sizeof(subject), "$JS.API.STREAM.CREATE.%s", stream_of(n));
    c2_jw_init(&w, &body, C2_JSON_COMPACT, &err);
    c2_jw_begin_object(&w);
    put_config(n, &w);
    if (n->step != STEP_EVENTS) put_bucket_config(n, &w);
    c2_jw_end_object(&w);
    if (!c2_jw_finish(&w) || !c2_nats_call(n, subject, c2_buf_str(&body), on_made, n, &err)) again(n, &err);
}

static void on_info(void *ctx, struct c2_jval json, int64_t code, const struct cat2_error *err)
{
    struct c2_nats *n = ctx;

    if (!err)
        on_stream(n, json);
    else if (code == C2_NATS_NO_STREAM)
        make(n);
    else
        again(n, err);
}

static void ask(struct c2_nats *n)
{
    struct cat2_error err;
    char subject[200];

    snprintf(subject, sizeof(subject), "$JS.API.STREAM.INFO.%s", stream_of(n));
    if (!c2_nats_call(n, subject, (struct c2_str){"", 0}, on_info, n, &err)) again(n, &err);
}

void c2_nats_set_up(struct c2_nats *n)
{
    c2_timer_stop(n->setup_timer);
    n->setup_timer = NULL;
    n->step = STEP_EVENTS;
    n->replicas = REPLICAS;
    ask(n);
}
