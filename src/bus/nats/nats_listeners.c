/* SPDX-License-Identifier: BSD-3-Clause */
/* Those who are told: of events, that they are to list again, and of connections. */
#include <stdio.h>
#include <stdlib.h>

#include "bus/nats/nats_impl.h"

void c2_nats_tell_watchers(struct c2_nats *n)
{
    for (struct c2_nats_watcher *watcher = n->watchers; watcher; watcher = watcher->next)
        watcher->fn(watcher->ctx);
}

static bool is_of(const struct c2_nats_subscription *subscription, const char *topic)
{
    return !subscription->gone && strcmp(subscription->topic, topic) == 0;
}

bool c2_nats_is_of_root(const struct c2_nats_subscription *subscription)
{
    return strcmp(subscription->topic, C2_TOPIC_NEW) != 0 &&
           strcmp(subscription->topic, C2_TOPIC_MIRRORS) != 0;
}

/* Is the stream of its topic being read? */
static bool is_fed(const struct c2_nats_subscription *subscription)
{
    const struct c2_nats *n = subscription->n;

    return n->up && (!c2_nats_is_of_root(subscription) || n->events.active);
}

void c2_nats_dispatch(struct c2_nats *n, const char *topic, struct c2_str data, int64_t seq)
{
    struct c2_event event = {c2_str_of(topic), data, seq, c2_str_of(n->epoch), NULL};

    for (struct c2_nats_subscription *s = n->subscriptions; s; s = s->next) {
        if (!is_of(s, topic) || s->at.seq >= seq) continue;
        s->at.seq = seq;
        if (s->listener.event) s->listener.event(s->listener.ctx, &event);
    }
}

void c2_nats_resync(struct c2_nats *n, bool fresh_only)
{
    n->nresyncs += !fresh_only;
    for (struct c2_nats_subscription *s = n->subscriptions; s; s = s->next) {
        if (s->gone || !is_fed(s) || (fresh_only && !s->fresh)) continue;
        s->fresh = false;
        if (s->listener.resync) s->listener.resync(s->listener.ctx);
    }
}

void c2_nats_sweep(struct c2_nats *n)
{
    for (struct c2_nats_subscription **at = &n->subscriptions; *at;) {
        struct c2_nats_subscription *s = *at;
        if (!s->gone) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        free(s);
    }
}

const char *c2_nats_bucket(const char *stream)
{
    return stream + strlen("KV_");
}

void c2_nats_key(char *out, size_t size, const char *stream, const char *name)
{
    char token[C2_NATS_TOKEN_MAX];

    c2_nats_token(c2_str_of(name), token);
    snprintf(out, size, "$KV.%s.%s", c2_nats_bucket(stream), token);
}
