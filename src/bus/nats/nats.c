/* SPDX-License-Identifier: BSD-3-Clause */
/* The bus on NATS.
 *
 *   AWAY ──(linked)──► streams are looked for ──► registry is read ──► UP ──► AWAY ...
 *
 * While it is away subscriptions stay as they are. After the next connection events go on where they stopped;
 * if some are not kept any more, or the stream was made anew, everybody lists again. */
#include "bus/nats/nats.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "bus/nats/nats_impl.h"

/* ---- events ---- */

static void on_events_begun(struct c2_nats *n, int64_t total)
{
    (void)total;
    bool lost = n->lost;
    n->lost = false;
    c2_nats_resync(n, !lost);
}

/* Without a filter the numbers of the stream have no gaps, except where messages were thrown away. */
static void on_event(struct c2_nats *n, const struct c2_nats_message *m,
                     const struct c2_nats_delivery *delivery)
{
    size_t skip = strlen("cat2.") + strlen(n->address.deployment) + 1;
    struct c2_str token = c2_str_of(m->subject);
    char topic[256];

    bool gap = delivery->stream_seq > n->events.at + 1;
    n->events.at = delivery->stream_seq;
    if (token.n > skip &&
        c2_nats_untoken((struct c2_str){token.p + skip, token.n - skip}, topic, sizeof(topic)))
        c2_nats_dispatch(n, topic, m->data, delivery->stream_seq);
    if (!gap) return;
    c2_log_warn("events before %lld of stream %s are not kept any more", (long long)delivery->stream_seq,
                n->stream);
    if (n->events.active)
        c2_nats_resync(n, false);
    else
        n->lost = true;
}

static void want_events(struct c2_nats *n)
{
    bool wanted = false;

    for (const struct c2_nats_subscription *s = n->subscriptions; s && !wanted; s = s->next)
        wanted = !s->gone && c2_nats_is_of_root(s);
    if (wanted && n->up && !n->events.active && !n->events.asked) c2_nats_feed_start(&n->events);
}

/* ---- the connection ---- */

/* Who publishes waits for his name. */
static bool owns_all(const struct c2_nats *n)
{
    const struct c2_nats_registration *reg = n->registrations;

    while (reg && reg->owned)
        reg = reg->next;
    return !reg;
}

static void on_known(struct c2_nats *n)
{
    bool news = !n->up;

    n->up = true;
    n->said = false;
    for (struct c2_nats_subscription *s = n->subscriptions; s; s = s->next)
        s->fresh = s->fresh || strcmp(s->topic, C2_TOPIC_NEW) == 0;
    if (!news) { /* the registry was read once more */
        c2_nats_resync(n, true);
        return;
    }
    n->up_ms = c2_loop_now_ms(n->loop);
    c2_log_info("%s connected", n->address.text);
    c2_nats_sweep(n);
    for (struct c2_nats_registration *reg = n->registrations; reg; reg = reg->next)
        c2_nats_claim(reg);
    want_events(n);
    c2_nats_want_mirrors(n);
    c2_nats_resync(n, true);
    if (owns_all(n)) c2_nats_tell_watchers(n);
}

/* Subscribers are told of a root that came, came back or moved, as a broker tells them. */
static void on_entry(struct c2_nats *n, const struct c2_nats_entry *entry)
{
    struct c2_nats_registration *reg = c2_nats_registration_of(n, entry->root.name);
    C2_AUTO(c2_buf) json = C2_BUF_INIT(4096);
    struct cat2_error err;
    struct c2_jw w;

    if (reg && reg->owned && strcmp(reg->owner, entry->owner) != 0) c2_nats_claim(reg);
    if (entry->gone) return;
    c2_jw_init(&w, &json, C2_JSON_COMPACT, &err);
    c2_jw_begin_object(&w);
    c2_root_jw(&w, &entry->root);
    c2_jw_end_object(&w);
    if (c2_jw_finish(&w)) c2_nats_dispatch(n, C2_TOPIC_NEW, c2_buf_str(&json), entry->revision);
}

/* What came while there was no connection is lost. */
static void hear(struct c2_nats *n)
{
    struct cat2_error err;

    if (!n->notices.subject[0]) return;
    if (!c2_nats_link_hear(n->link, n->notices.subject, &err))
        c2_log_warn("%s: %s", n->notices.subject, err.message);
    n->notices.fn(n->notices.ctx, C2_STR(""));
}

static void on_linked(void *ctx, bool up, const char *why)
{
    struct c2_nats *n = ctx;

    if (!up && (n->up || !n->said))
        c2_log_warn("%s is away: %s", n->address.text, why && *why ? why : "the connection ended");
    n->said = n->said || !up;
    n->linked = up;
    n->nconnections += up;
    if (up) {
        c2_nats_set_up(n);
        hear(n);
        return;
    }
    n->up = false;
    c2_timer_stop(n->setup_timer);
    n->setup_timer = NULL;
    c2_nats_feed_stop(&n->events);
    c2_nats_feed_stop(&n->entries);
    c2_nats_mirrors_away(n);
    c2_nats_end_calls(n, CAT2_EUPSTREAM);
}

static struct c2_nats_feed *feed_of(struct c2_nats *n, struct c2_str stream)
{
    return c2_str_is(stream, n->stream)  ? &n->events
           : c2_str_is(stream, n->lease) ? &n->mirrors
                                         : &n->entries;
}

static void on_message(void *ctx, const struct c2_nats_message *m)
{
    struct c2_nats *n = ctx;
    struct c2_nats_delivery delivery;

    if (m->notice) {
        if (m->data.n) n->notices.fn(n->notices.ctx, m->data);
    } else if (m->inbox && c2_str_starts(c2_str_of(m->subject), "e."))
        c2_nats_feed_hear(&n->events, m);
    else if (m->inbox && c2_str_starts(c2_str_of(m->subject), "r."))
        c2_nats_feed_hear(&n->entries, m);
    else if (m->inbox && c2_str_starts(c2_str_of(m->subject), "m."))
        c2_nats_feed_hear(&n->mirrors, m);
    else if (m->inbox)
        c2_nats_answer(n, m);
    else if (c2_nats_delivery_parse(c2_str_of(m->reply), &delivery))
        c2_nats_feed_take(feed_of(n, delivery.stream), m, &delivery);
}

/* ---- the bus ---- */

static void nats_register(struct c2_bus *bus, const struct c2_root *root, const char *token,
                          c2_bus_done *done, void *ctx)
{
    c2_nats_register((struct c2_nats *)bus, root, token, done, ctx);
}

static void nats_unregister(struct c2_bus *bus, const char *name, c2_bus_done *done, void *ctx)
{
    c2_nats_unregister((struct c2_nats *)bus, name, done, ctx);
}

static void nats_mirror(struct c2_bus *bus, const struct c2_mirroring *mirroring, c2_bus_done *done,
                        void *ctx)
{
    c2_nats_mirror((struct c2_nats *)bus, mirroring, done, ctx);
}

static void nats_roots(struct c2_bus *bus, c2_bus_roots_done *done, void *ctx)
{
    c2_nats_roots((struct c2_nats *)bus, done, ctx);
}

struct publication {
    struct c2_nats *n;
    c2_bus_done *done;
    void *ctx;
    struct cat2_error err;
    struct c2_loop_call call;
};

static void on_published(void *ctx, struct c2_jval json, int64_t code, const struct cat2_error *err)
{
    struct publication *it = ctx;
    int64_t seq;
    struct cat2_error own;

    (void)code;
    if (!err && !c2_jint(c2_jget(json, "seq"), &seq)) {
        c2_fail(&own, CAT2_EUPSTREAM, "%.200s: the answer to an event has no number", it->n->address.text);
        err = &own;
    }
    if (it->done) it->done(it->ctx, err);
    free(it);
}

static void refuse(void *arg)
{
    struct publication *it = arg;

    if (it->done) it->done(it->ctx, &it->err);
    free(it);
}

/* Events of a root come from its publisher only. */
static bool may_publish(const struct c2_nats *n, const char *topic, struct cat2_error *err)
{
    const struct c2_nats_registration *reg = c2_nats_registration_of(n, topic);

    if (!n->up) return c2_fail(err, CAT2_EUPSTREAM, "%.200s is away", n->address.text);
    if (reg && reg->owned) return true;
    c2_fail(err, CAT2_EUPSTREAM, "root %.100s is not registered by us", topic);
    err->http_status = 403;
    return false;
}

/* Of what is too long only "{}" is passed on, which makes followers list the root anew. */
static void nats_publish(struct c2_bus *bus, const char *topic, struct c2_str data, c2_bus_done *done,
                         void *ctx)
{
    struct c2_nats *n = (struct c2_nats *)bus;
    struct publication *it = malloc(sizeof(*it));
    char subject[C2_NATS_SUBJECT_MAX], token[C2_NATS_TOKEN_MAX];
    struct cat2_error err;

    if (!it) {
        c2_fail_nomem(&err, "event");
        if (done) done(ctx, &err);
        return;
    }
    *it = (struct publication){.n = n, .done = done, .ctx = ctx};
    c2_nats_token(c2_str_of(topic), token);
    snprintf(subject, sizeof(subject), "cat2.%s.%s", n->address.deployment, token);
    if (c2_nats_is_too_long(n, data.n)) data = C2_STR("{}");
    if (may_publish(n, topic, &it->err) && c2_nats_call(n, subject, data, on_published, it, &it->err)) return;
    c2_loop_post(n->loop, &it->call, refuse, it);
}

static void on_fresh(void *ctx)
{
    struct c2_nats *n = ctx;

    n->fresh_timer = NULL;
    want_events(n);
    c2_nats_want_mirrors(n);
    c2_nats_resync(n, true);
}

/* One whose position is of our epoch goes on there; events that others have had already come once more, and
 * are left out for them. */
static struct c2_bus_subscription *nats_subscribe(struct c2_bus *bus, const char *topic,
                                                  const struct c2_bus_position *from,
                                                  const struct c2_bus_listener *listener)
{
    struct c2_nats *n = (struct c2_nats *)bus;
    struct c2_nats_subscription *s = calloc(1, sizeof(*s));

    if (!s || strlen(topic) >= sizeof(s->topic)) {
        free(s);
        return NULL;
    }
    *s =
        (struct c2_nats_subscription){.next = n->subscriptions, .n = n, .listener = *listener, .fresh = true};
    memcpy(s->topic, topic, strlen(topic));
    if (from && from->epoch[0] && strcmp(from->epoch, n->epoch) == 0 && from->seq <= n->events.at) {
        s->at = *from;
        s->fresh = false;
        n->events.at = from->seq;
        if (n->events.active || n->events.asked) c2_nats_feed_start(&n->events);
    }
    n->subscriptions = s;
    if (!n->fresh_timer) n->fresh_timer = c2_timer_start(n->loop, 0, 0, on_fresh, n);
    return (struct c2_bus_subscription *)s;
}

static void nats_unsubscribe(struct c2_bus_subscription *subscription)
{
    if (subscription) ((struct c2_nats_subscription *)subscription)->gone = true;
}

static bool nats_connected(const struct c2_bus *bus)
{
    return ((const struct c2_nats *)bus)->up;
}

static bool nats_here(const struct c2_bus *bus)
{
    return ((const struct c2_nats *)bus)->address.here;
}

static bool nats_on_connect(struct c2_bus *bus, void (*fn)(void *ctx), void *ctx)
{
    struct c2_nats *n = (struct c2_nats *)bus;
    struct c2_nats_watcher *watcher = malloc(sizeof(*watcher));

    if (!watcher) return false;
    *watcher = (struct c2_nats_watcher){n->watchers, fn, ctx};
    n->watchers = watcher;
    return true;
}

static void free_lists(struct c2_nats *n)
{
    for (struct c2_nats_subscription *s = n->subscriptions; s; s = s->next)
        s->gone = true;
    c2_nats_sweep(n);
    for (struct c2_nats_registration *next; n->registrations; n->registrations = next) {
        next = n->registrations->next;
        c2_nats_registration_free(n->registrations);
    }
    for (struct c2_nats_watcher *next; n->watchers; n->watchers = next) {
        next = n->watchers->next;
        free(n->watchers);
    }
    c2_nats_entries_free(n);
    c2_nats_mirrors_free(n);
}

static void nats_free(struct c2_bus *bus)
{
    struct c2_nats *n = (struct c2_nats *)bus;

    n->up = n->linked = false;
    for (struct c2_nats_registration *reg = n->registrations; reg; reg = reg->next)
        reg->done = NULL;
    n->told.done = NULL;
    c2_timer_stop(n->setup_timer);
    c2_timer_stop(n->fresh_timer);
    c2_nats_feed_stop(&n->events);
    c2_nats_feed_stop(&n->entries);
    c2_nats_feed_stop(&n->mirrors);
    c2_nats_end_calls(n, CAT2_ECANCELLED);
    c2_nats_asks_free(n);
    c2_nats_link_free(n->link);
    free_lists(n);
    free(n);
}

static bool init(struct c2_nats *n, const char *url, const char *creds, struct cat2_error *err)
{
    if (!c2_nats_address_parse(c2_str_of(url), &n->address, err)) return c2_fail_within(err, "--bus");
    if (creds && strlen(creds) >= sizeof(n->creds)) return c2_fail(err, CAT2_ELIMIT, "--bus-creds: too long");
    snprintf(n->creds, sizeof(n->creds), "%s", creds ? creds : "");
    snprintf(n->stream, sizeof(n->stream), "cat2_%s", n->address.deployment);
    snprintf(n->registry, sizeof(n->registry), "KV_cat2_%s", n->address.deployment);
    snprintf(n->lease, sizeof(n->lease), "KV_cat2_%s_lease", n->address.deployment);
    n->events = (struct c2_nats_feed){.n = n,
                                      .name = "e",
                                      .stream = n->stream,
                                      .ear = C2_NATS_EVENTS,
                                      .begun = on_events_begun,
                                      .message = on_event};
    c2_nats_registry_init(n);
    c2_nats_mirrors_init(n);
    n->on_known = on_known;
    n->on_entry = on_entry;
    return true;
}

static const struct c2_bus_ops ops = {nats_register,   nats_unregister,  nats_roots,     nats_publish,
                                      nats_subscribe,  nats_unsubscribe, nats_connected, nats_here,
                                      nats_on_connect, nats_free,        nats_mirror};

/* Words with dots between; "*" is any word, ">" at the end all that follow. */
static bool is_subject(struct c2_str text)
{
    struct c2_str word;
    bool more = true;

    if (text.n == 0 || text.n >= C2_NATS_NOTICE_MAX || !c2_str_is_visible(text)) return false;
    while (more) {
        more = c2_str_cut(text, '.', &word, &text);
        if (word.n == 0 || (word.n > 1 && (memchr(word.p, '*', word.n) || memchr(word.p, '>', word.n))) ||
            (more && c2_str_is(word, ">")))
            return false;
    }
    return true;
}

bool c2_bus_nats_hear(struct c2_bus *bus, const char *subject, c2_bus_nats_notice *fn, void *ctx,
                      struct cat2_error *err)
{
    struct c2_nats *n = (struct c2_nats *)bus;

    if (bus->ops != &ops) return c2_fail(err, CAT2_EINVAL, "there is no --bus of NATS");
    if (!is_subject(c2_str_of(subject))) return c2_fail(err, CAT2_EINVAL, "'%.100s' is no subject", subject);
    n->notices = (struct c2_nats_notices){.fn = fn, .ctx = ctx};
    snprintf(n->notices.subject, sizeof(n->notices.subject), "%s", subject);
    if (n->linked) hear(n);
    return true;
}

void c2_bus_nats_metrics(const struct c2_bus *bus, struct c2_metrics *m)
{
    const struct c2_nats *n = (const struct c2_nats *)bus;

    if (!bus || bus->ops != &ops) return;
    c2_metrics_counter(m, "caterva2_nats_connections_total", (double)n->nconnections,
                       "How often NATS was connected.");
    c2_metrics_counter(m, "caterva2_nats_consumers_total",
                       (double)(n->events.generation + n->entries.generation + n->mirrors.generation),
                       "Consumers of JetStream that were asked for, again wherever one broke off.");
    c2_metrics_counter(m, "caterva2_nats_resyncs_total", (double)n->nresyncs,
                       "How often events were not kept any more, so that roots were listed again.");
    c2_metrics_counter(m, "caterva2_nats_dropped_total", (double)c2_nats_link_dropped(n->link),
                       "Messages that were thrown away since too many waited; they are asked for again.");
    c2_metrics_gauge(m, "caterva2_nats_mirrors", (double)n->nmirrored,
                     "Subscribers that mirror roots for others, as far as this one asks for that.");
    c2_metrics_gauge(m, "caterva2_nats_requests", (double)n->ncalls,
                     "Requests to JetStream without an answer yet.");
}

bool c2_bus_nats_new(struct c2_loop *loop, const char *url, const char *creds,
                     const struct c2_authorities *authorities, struct c2_bus **out, struct cat2_error *err)
{
    struct c2_nats *n = calloc(1, sizeof(*n));

    if (!n) return c2_fail_nomem(err, "bus");
    n->bus.ops = &ops;
    n->loop = loop;
    const struct c2_nats_link_events events = {on_linked, on_message, n};
    if (!init(n, url, creds, err) || !c2_nats_link_new(loop, &n->address, n->creds[0] ? n->creds : NULL,
                                                       authorities, &events, &n->link, err)) {
        free(n);
        return false;
    }
    *out = &n->bus;
    return true;
}
