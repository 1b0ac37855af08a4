/* SPDX-License-Identifier: BSD-3-Clause */
/* The registry as the bucket has it: read whole when the consumer is made, then kept by its changes. */
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/log_share.h"
#include "bus/hub.h"
#include "bus/nats/nats_impl.h"
#include "net/address.h"

static struct c2_nats_entry *find(const struct c2_nats *n, const char *name)
{
    struct c2_nats_entry *entry = n->roots;

    while (entry && strcmp(entry->root.name, name) != 0)
        entry = entry->next;
    return entry;
}

const struct c2_nats_entry *c2_nats_entry_of(const struct c2_nats *n, const char *name)
{
    return find(n, name);
}

void c2_nats_entries_free(struct c2_nats *n)
{
    for (struct c2_nats_entry *next; n->roots; n->roots = next) {
        next = n->roots->next;
        free(n->roots);
    }
    n->nroots = 0;
}

/* Whoever wrote it: what a broker would not have taken is none. An empty value is that of a removed name. */
static bool read_entry(struct c2_str data, struct c2_nats_entry *out)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_str name = c2_str_of(out->root.name), owner = {"", 0};
    struct c2_hostport place;
    struct cat2_error err;
    char topic[256];

    out->gone = data.n == 0;
    if (out->gone) return true;
    memcpy(topic, out->root.name, sizeof(topic));
    name.p = topic;
    if (!c2_json_parse(data, &json, &err) || !c2_root_of_json(name, c2_json_root(json), &out->root) ||
        !c2_hostport_parse(c2_str_of(out->root.http), &place, &err))
        return false;
    c2_jstr(c2_jget(c2_json_root(json), "owner"), &owner);
    if (owner.n >= sizeof(out->owner)) return false;
    memcpy(out->owner, owner.p, owner.n);
    return true;
}

static void put_entry(struct c2_nats *n, const struct c2_nats_entry *news)
{
    struct c2_nats_entry *entry = find(n, news->root.name), *next = entry ? entry->next : n->roots;

    if (!entry) {
        entry = n->nroots < C2_HUB_ROOTS_MAX ? malloc(sizeof(*entry)) : NULL;
        if (!entry) {
            c2_log_some(C2_ERROR, "root %s is not taken: %d are the most", news->root.name, C2_HUB_ROOTS_MAX);
            return;
        }
        n->roots = entry;
        n->nroots++;
    }
    *entry = *news;
    entry->next = next;
}

static void on_whole(struct c2_nats *n)
{
    n->known = true;
    n->on_known(n);
}

static void on_message(struct c2_nats *n, const struct c2_nats_message *m,
                       const struct c2_nats_delivery *delivery)
{
    struct c2_nats_entry news = {.revision = delivery->stream_seq};
    struct c2_str token = c2_str_of(m->subject);
    struct cat2_error err;
    size_t skip = strlen("$KV.") + strlen(c2_nats_bucket(n->registry)) + 1;

    bool ok = token.n > skip;
    if (ok) token = (struct c2_str){token.p + skip, token.n - skip};
    ok = ok && c2_nats_untoken(token, news.root.name, sizeof(news.root.name)) &&
         c2_root_name_check(c2_str_of(news.root.name), &err) && read_entry(m->data, &news);
    if (ok)
        put_entry(n, &news);
    else
        c2_log_some(C2_WARN, "registry: %.200s is no root", m->subject);
    if (ok && n->known) n->on_entry(n, &news);
    if (!n->known && delivery->pending == 0) on_whole(n);
}

static void begin(struct c2_nats *n)
{
    c2_nats_entries_free(n);
    n->known = false;
    for (struct c2_nats_subscription *s = n->subscriptions; s; s = s->next)
        if (strcmp(s->topic, C2_TOPIC_NEW) == 0) s->at.seq = 0;
}

static void begun(struct c2_nats *n, int64_t total)
{
    if (!n->known && total <= n->entries.cseq) on_whole(n);
}

void c2_nats_registry_init(struct c2_nats *n)
{
    n->entries = (struct c2_nats_feed){.n = n,
                                       .name = "r",
                                       .stream = n->registry,
                                       .ear = C2_NATS_REGISTRY,
                                       .begin = begin,
                                       .begun = begun,
                                       .message = on_message};
    snprintf(n->entries.filter, sizeof(n->entries.filter), "$KV.%s.>", c2_nats_bucket(n->registry));
}

/* ---- the question for the roots ---- */

struct asked_roots {
    C2_VEC(struct c2_root);
};

/* A root, and who mirrors it. */
static bool put_root(const struct c2_nats *n, const struct c2_root *root, struct asked_roots *out,
                     struct cat2_error *err)
{
    bool ok = c2_vec_push(out, C2_VEC_NO_MAX, "roots", err, *root);

    for (const struct c2_nats_mirror *mirror = n->mirrored; mirror && ok; mirror = mirror->next) {
        if (!c2_texts_have(&mirror->names, root->name)) continue;
        struct c2_root place = mirror->place;
        memcpy(place.name, root->name, sizeof(place.name));
        place.mirror = true;
        ok = c2_vec_push(out, C2_VEC_NO_MAX, "roots", err, place);
    }
    return ok;
}

static void on_ask(void *ctx)
{
    struct c2_nats_ask *ask = ctx;
    struct c2_nats *n = ask->n;
    struct asked_roots roots = {0};
    struct cat2_error err;

    bool ok = n->up || c2_fail(&err, CAT2_EUPSTREAM, "%.200s is away", n->address.text);
    for (const struct c2_nats_entry *entry = n->roots; entry && ok; entry = entry->next)
        if (!entry->gone) ok = put_root(n, &entry->root, &roots, &err);
    c2_chain_remove(n->asks, ask, next);
    ask->done(ask->ctx, ok ? roots.p : NULL, ok ? roots.n : 0, ok ? NULL : &err);
    c2_vec_fini(&roots);
    free(ask);
}

void c2_nats_roots(struct c2_nats *n, c2_bus_roots_done *done, void *ctx)
{
    struct c2_nats_ask *ask = malloc(sizeof(*ask));
    struct cat2_error err;

    if (ask) *ask = (struct c2_nats_ask){n->asks, n, done, ctx, NULL};
    if (ask) ask->timer = c2_timer_start(n->loop, 0, 0, on_ask, ask);
    if (ask && ask->timer) {
        n->asks = ask;
        return;
    }
    free(ask);
    c2_fail_nomem(&err, "list of roots");
    done(ctx, NULL, 0, &err);
}

void c2_nats_asks_free(struct c2_nats *n)
{
    for (struct c2_nats_ask *next; n->asks; n->asks = next) {
        next = n->asks->next;
        c2_timer_stop(n->asks->timer);
        free(n->asks);
    }
}
