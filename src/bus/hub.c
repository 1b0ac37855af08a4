/* SPDX-License-Identifier: BSD-3-Clause */
/* The hub: roots in order of registration, a bounded numbered log per topic, listeners. Listeners may be
 * added and removed inside a callback. Removed ones are only marked, and freed when all callbacks have
 * returned. */
#include "bus/hub.h"
#include "base/vec.h"
#include "bus/hub_log.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/list.h"
#include "base/log.h"
#include "base/log_share.h"
#include "base/random.h"

struct registered {
    struct c2_root root;
    char token[33];
    bool signs;      /* its owner claims it while it lives: one of ours */
    int64_t seen_ms; /* its last sign of life, at the earliest our start */
};
struct claim {
    struct claim *next;
    const void *by;
    char name[256], token[33];
};
struct c2_hub_subscription {
    struct c2_hub_subscription *prev, *next;
    struct c2_hub *hub;
    char topic[256];
    bool all, gone;
    const void *origin;
    struct c2_bus_listener listener;
};
struct c2_hub {
    struct c2_hub_store store;
    char epoch[40];
    struct {
        C2_VEC(struct registered);
    } roots;
    struct claim *claims;
    struct c2_hub_log log;
    struct c2_hub_subscription *subscriptions, *last;
    size_t nsubscriptions, ngone;
    int calling;
};

bool c2_hub_new(const struct c2_hub_store *store, const char *epoch, struct c2_hub **out,
                struct cat2_error *err)
{
    struct c2_hub *hub = calloc(1, sizeof(*hub));

    if (!hub) return c2_fail_nomem(err, "hub");
    if (store) hub->store = *store;
    hub->log.store = &hub->store;
    if (epoch && *epoch)
        snprintf(hub->epoch, sizeof(hub->epoch), "%s", epoch);
    else
        c2_random_hex32(hub->epoch);
    *out = hub;
    return true;
}

void c2_hub_free(struct c2_hub *hub)
{
    if (!hub) return;
    c2_hub_log_fini(&hub->log);
    for (struct c2_hub_subscription *subscription = hub->subscriptions, *next; subscription;
         subscription = next) {
        next = subscription->next;
        free(subscription);
    }
    for (struct claim *claim = hub->claims, *next; claim; claim = next) {
        next = claim->next;
        free(claim);
    }
    c2_vec_fini(&hub->roots);
    free(hub);
}

const char *c2_hub_epoch(const struct c2_hub *hub)
{
    return hub->epoch;
}
size_t c2_hub_nroots(const struct c2_hub *hub)
{
    return hub->roots.n;
}
const struct c2_root *c2_hub_root_at(const struct c2_hub *hub, size_t i)
{
    return i < hub->roots.n ? &hub->roots.p[i].root : NULL;
}

static struct registered *find_root(const struct c2_hub *hub, const char *name)
{
    for (size_t i = 0; i < hub->roots.n; i++)
        if (strcmp(hub->roots.p[i].root.name, name) == 0) return &hub->roots.p[i];
    return NULL;
}

const struct c2_root *c2_hub_root(const struct c2_hub *hub, const char *name)
{
    const struct registered *entry = find_root(hub, name);
    return entry ? &entry->root : NULL;
}

static int64_t now(const struct c2_hub *hub)
{
    return c2_mono_ms(hub->store.clock ? hub->store.clock : c2_clock_real());
}

static bool add_root(struct c2_hub *hub, const struct registered *root, struct cat2_error *err)
{
    struct registered *entry = find_root(hub, root->root.name);

    if (!entry) return c2_vec_push(&hub->roots, C2_VEC_NO_MAX, "roots", err, *root);
    *entry = *root;
    return true;
}

bool c2_hub_restore_root(struct c2_hub *hub, const struct c2_root *root, const char *token, bool signs,
                         struct cat2_error *err)
{
    struct registered entry = {.root = *root, .signs = signs, .seen_ms = now(hub)};

    snprintf(entry.token, sizeof(entry.token), "%s", token);
    return add_root(hub, &entry, err);
}

void c2_hub_set_from(struct c2_hub *hub, const struct c2_root *root, const char *from)
{
    struct registered *entry = find_root(hub, root->name);

    if (entry && !entry->root.from[0] && c2_root_is_at(&entry->root, root))
        snprintf(entry->root.from, sizeof(entry->root.from), "%s", from);
}

/* ---- owners ---- */

static bool is_token(struct c2_str text)
{
    bool ok = text.n == 32;

    for (size_t i = 0; ok && i < text.n; i++)
        ok = (text.p[i] >= '0' && text.p[i] <= '9') || (text.p[i] >= 'a' && text.p[i] <= 'f');
    return ok;
}

/* How long it takes does not tell where they differ. */
static bool is_token_of(struct c2_str text, const struct registered *entry)
{
    unsigned difference = 0;

    if (!is_token(text) || strlen(entry->token) != text.n) return false;
    for (size_t i = 0; i < text.n; i++)
        difference |= (unsigned)text.p[i] ^ (unsigned)entry->token[i];
    return difference == 0;
}

static bool save(struct c2_hub *hub, const struct registered *entry, struct cat2_error *err)
{
    return !hub->store.save_root ||
           hub->store.save_root(hub->store.ctx, &entry->root, entry->token, entry->signs, err);
}

/* At the same address. Of one who shows no token only its own address may be news. */
static bool come_back(struct c2_hub *hub, const struct c2_root *root, struct cat2_error *err)
{
    struct registered *entry = find_root(hub, root->name);

    if (entry->signs || !root->from[0] || strcmp(entry->root.from, root->from) == 0) return true;
    memcpy(entry->root.from, root->from, sizeof(entry->root.from));
    return save(hub, entry, err);
}

bool c2_hub_put_root(struct c2_hub *hub, const struct c2_root *root, struct c2_str json, struct c2_str token,
                     bool over, char told[33], struct cat2_error *err)
{
    const struct registered *old = find_root(hub, root->name);
    bool owner = old && is_token_of(token, old), moves = old && !c2_root_is_at(&old->root, root);
    struct registered entry = old ? *old : (struct registered){0};

    told[0] = '\0';
    if (!old && hub->roots.n >= C2_HUB_ROOTS_MAX) {
        c2_fail(err, CAT2_ELIMIT, "the broker has %d roots, and takes no more: remove one with its token",
                C2_HUB_ROOTS_MAX);
        err->http_status = 503;
        return false;
    }
    if (old && !owner && !over) {
        bool stranger =
            !root->from[0] && old->root.from[0]; /* who must not make all followers list it again */
        if (!moves)
            return stranger ||
                   (come_back(hub, root, err) && c2_hub_publish(hub, C2_TOPIC_NEW, json, NULL, err));
        c2_fail(err, CAT2_EINVAL, "root %.100s belongs to the publisher at %.100s", root->name,
                old->root.http);
        err->http_status = 409;
        return false;
    }
    if (!owner) {
        if (is_token(token))
            snprintf(entry.token, sizeof(entry.token), "%.*s", C2_STR_ARG(token));
        else
            c2_random_hex32(entry.token);
        entry.signs = false;
    }
    if (moves)
        c2_log_some(C2_WARN, "root name=%s moves from %s to %s%s", root->name, old->root.http, root->http,
                    owner ? "" : ", another publisher");
    entry.root = *root;
    entry.seen_ms = now(hub);
    if (!save(hub, &entry, err) || !add_root(hub, &entry, err)) return false;
    memcpy(told, entry.token, sizeof(entry.token));
    return c2_hub_publish(hub, C2_TOPIC_NEW, json, NULL, err);
}

static bool is_claimed(const struct c2_hub *hub, const struct registered *entry)
{
    const struct claim *claim = hub->claims;

    while (claim && (strcmp(claim->name, entry->root.name) != 0 || strcmp(claim->token, entry->token) != 0))
        claim = claim->next;
    return claim != NULL;
}

enum c2_hub_owner c2_hub_owner_of(const struct c2_hub *hub, const char *name, int64_t *wait_ms)
{
    const struct registered *entry = find_root(hub, name);

    *wait_ms = -1;
    if (!entry) return C2_OWNER_NONE;
    if (is_claimed(hub, entry)) return C2_OWNER_CONNECTED;
    if (!entry->signs) return C2_OWNER_UNSURE;
    int64_t silent = now(hub) - entry->seen_ms;
    if (silent >= C2_HUB_LEASE_LONG_MS) return C2_OWNER_GONE;
    bool away = silent < C2_HUB_LEASE_MS;
    *wait_ms = (away ? C2_HUB_LEASE_MS : C2_HUB_LEASE_LONG_MS) - silent;
    return away ? C2_OWNER_AWAY : C2_OWNER_UNSURE;
}

bool c2_hub_claim(struct c2_hub *hub, struct c2_str name, struct c2_str token, const void *by)
{
    struct registered *entry = NULL;
    struct cat2_error err;

    for (size_t i = 0; i < hub->roots.n && !entry; i++)
        if (c2_str_is(name, hub->roots.p[i].root.name)) entry = &hub->roots.p[i];
    if (!entry || !is_token_of(token, entry)) return false;
    struct claim *claim = hub->claims;
    while (claim && (claim->by != by || strcmp(claim->name, entry->root.name) != 0))
        claim = claim->next;
    if (!claim) {
        claim = calloc(1, sizeof(*claim));
        if (!claim) return false;
        *claim = (struct claim){.next = hub->claims, .by = by};
        memcpy(claim->name, entry->root.name, sizeof(claim->name));
        hub->claims = claim;
    }
    memcpy(claim->token, entry->token, sizeof(claim->token));
    bool before = entry->signs;
    entry->signs = true;
    entry->seen_ms = now(hub);
    if (!before && !save(hub, entry, &err)) c2_log_warn("state: %s", err.message);
    return true;
}

bool c2_hub_is_claimed_by(const struct c2_hub *hub, const char *name, const void *by)
{
    const struct registered *entry = find_root(hub, name);
    const struct claim *claim = hub->claims;

    while (claim && (claim->by != by || strcmp(claim->name, name) != 0))
        claim = claim->next;
    return claim && entry && strcmp(claim->token, entry->token) == 0;
}

void c2_hub_leave(struct c2_hub *hub, const void *by)
{
    for (struct claim **at = &hub->claims; *at;) {
        struct claim *claim = *at;
        struct registered *entry = find_root(hub, claim->name);
        if (claim->by != by) {
            at = &claim->next;
            continue;
        }
        if (entry && strcmp(entry->token, claim->token) == 0) entry->seen_ms = now(hub);
        *at = claim->next;
        free(claim);
    }
}

bool c2_hub_delete_root(struct c2_hub *hub, const char *name, struct c2_str token, struct cat2_error *err)
{
    struct registered *entry = find_root(hub, name);

    if (!entry) return c2_fail(err, CAT2_ENOTFOUND, "%.100s not known by the broker", name);
    if (!is_token_of(token, entry)) {
        c2_fail(err, CAT2_EINVAL, "the token is not that of root %.100s", name);
        err->http_status = 403;
        return false;
    }
    if (hub->store.drop_root && !hub->store.drop_root(hub->store.ctx, name, err)) return false;
    size_t i = (size_t)(entry - hub->roots.p);
    memmove(entry, entry + 1, (hub->roots.n - i - 1) * sizeof(*entry));
    hub->roots.n--;
    return true;
}

static void remove_subscription(struct c2_hub_subscription *subscription)
{
    struct c2_hub *hub = subscription->hub;

    c2_queue_remove(hub->subscriptions, hub->last, subscription, prev, next);
    hub->nsubscriptions--;
    free(subscription);
}

/* Free those who left during the round. */
static void sweep(struct c2_hub *hub)
{
    for (struct c2_hub_subscription *subscription = hub->subscriptions, *next; subscription && hub->ngone;
         subscription = next) {
        next = subscription->next;
        if (!subscription->gone) continue;
        hub->ngone--;
        remove_subscription(subscription);
    }
}

static struct c2_event event_of(const struct c2_hub *hub, const char *topic, const struct c2_logged *logged)
{
    return (struct c2_event){.topic = c2_str_of(topic),
                             .data = c2_buf_str(&logged->data->bytes),
                             .seq = logged->seq,
                             .epoch = c2_str_of(hub->epoch),
                             .blob = logged->data};
}

static void tell(struct c2_hub *hub, const char *topic, const struct c2_logged *logged,
                 struct c2_hub_subscription *subscription)
{
    struct c2_event out = event_of(hub, topic, logged);

    if (subscription->listener.event) subscription->listener.event(subscription->listener.ctx, &out);
}

int64_t c2_hub_seq(struct c2_hub *hub, struct c2_str name)
{
    return c2_hub_log_last(&hub->log, name);
}

bool c2_hub_event_after(struct c2_hub *hub, const char *topic, int64_t seq, struct c2_event *out)
{
    const struct c2_logged *logged = c2_hub_log_after(&hub->log, topic, seq);

    if (logged) *out = event_of(hub, topic, logged);
    return logged != NULL;
}

size_t c2_hub_nbytes(const struct c2_hub *hub)
{
    return hub->log.nbytes;
}

bool c2_hub_restore_event(struct c2_hub *hub, const char *name, int64_t seq, struct c2_str data,
                          struct cat2_error *err)
{
    struct c2_blob *blob;
    bool old = seq <= c2_hub_log_last(&hub->log, c2_str_of(name));

    if (old) return true;
    blob = c2_hub_log_blob(data, err);
    bool ok = blob && c2_hub_log_append(&hub->log, name, seq, blob, err) != NULL;
    c2_blob_unref(blob);
    return ok;
}

bool c2_hub_publish(struct c2_hub *hub, const char *name, struct c2_str data, const void *origin,
                    struct cat2_error *err)
{
    int64_t seq = c2_hub_log_last(&hub->log, c2_str_of(name)) + 1;
    bool cut = data.n > C2_HUB_EVENT_MAX;

    if (cut)
        c2_log_warn(
            "publish topic=%.100s: an event of %zu bytes is more than %d: followers list the root anew, "
            "those of 2024 are not told",
            name, data.n, C2_HUB_EVENT_MAX);
    struct c2_blob *blob = c2_hub_log_blob(cut ? C2_STR("{}") : data, err);
    const struct c2_logged *logged = NULL;
    if (blob && c2_hub_log_has_room(&hub->log, name, err) &&
        (!hub->store.append || hub->store.append(hub->store.ctx, name, seq, c2_buf_str(&blob->bytes), err)))
        logged = c2_hub_log_append(&hub->log, name, seq, blob, err);
    if (!logged) {
        c2_blob_unref(blob);
        return false;
    }
    struct c2_logged out = {seq, blob}; /* the log may change in a callback */
    hub->calling++;
    for (struct c2_hub_subscription *subscription = hub->subscriptions; subscription;
         subscription = subscription->next) {
        bool own = origin && subscription->origin == origin;
        if (!subscription->gone && !own && (subscription->all || strcmp(subscription->topic, name) == 0))
            tell(hub, name, &out, subscription);
    }
    if (--hub->calling == 0) sweep(hub);
    c2_blob_unref(blob);
    return true;
}

struct c2_hub_subscription *c2_hub_subscribe(struct c2_hub *hub, const char *name,
                                             const struct c2_bus_position *from, const void *origin,
                                             const struct c2_bus_listener *listener)
{
    struct c2_hub_subscription *subscription =
        hub->nsubscriptions < C2_HUB_SUBSCRIPTIONS_MAX ? calloc(1, sizeof(*subscription)) : NULL;
    int64_t last = name ? c2_hub_log_last(&hub->log, c2_str_of(name)) : 0;
    const struct c2_logged *logged;

    if (!subscription) return NULL;
    *subscription =
        (struct c2_hub_subscription){.hub = hub, .all = !name, .origin = origin, .listener = *listener};
    if (name) snprintf(subscription->topic, sizeof(subscription->topic), "%s", name);
    c2_queue_push(hub->subscriptions, hub->last, subscription, prev, next);
    hub->nsubscriptions++;
    bool known = from && from->seq >= 0 && strcmp(from->epoch, hub->epoch) == 0 && from->seq <= last &&
                 last - from->seq <= C2_HUB_LOG_MAX;
    int64_t at = known ? from->seq : last;
    for (int64_t seq = at + 1; known && seq <= last; seq++)
        known = (logged = c2_hub_log_after(&hub->log, name, seq - 1)) && logged->seq == seq;
    hub->calling++;
    while (known && !subscription->gone && (logged = c2_hub_log_after(&hub->log, name, at)) != NULL) {
        at = logged->seq;
        tell(hub, name, logged, subscription);
    }
    if (!known && listener->resync) listener->resync(listener->ctx);
    if (--hub->calling == 0) sweep(hub);
    return subscription;
}

void c2_hub_unsubscribe(struct c2_hub_subscription *subscription)
{
    if (!subscription || subscription->gone) return;
    if (subscription->hub->calling == 0) {
        remove_subscription(subscription);
        return;
    }
    subscription->gone = true;
    subscription->hub->ngone++;
}
