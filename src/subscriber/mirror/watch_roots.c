/* SPDX-License-Identifier: BSD-3-Clause */
/* Which roots there are, and where: as the broker or the upstream tells, and its news. */
#include "base/limits.h"
#include "base/log_share.h"
#include "subscriber/mirror/follow.h"
#include "subscriber/mirror/refresh.h"
#include "subscriber/mirror/root.h"
#include "subscriber/mirror/roots.h"
#include "subscriber/mirror/suppliers.h"
#include "subscriber/mirror/upstreams.h"

#define ROOTS_AGAIN_MS 10000 /* after the roots could not be had; a Python server tells of no new ones */
#define MIRRORS_MS     500   /* after others told that they mirror roots */

/* Of a subscriber that is followed every root is to be had there, wherever its publisher is. */
static struct c2_root place_of(const struct c2_subscriber *sub, const struct c2_root *told)
{
    int (*at)(const struct c2_bus *bus) = sub->config.bus->ops->at;
    int n = sub->config.nupstreams, i = at ? at(sub->config.bus) : 0;
    struct c2_root root = *told;

    if (n == 0) return root;
    const struct c2_root *upstream = &sub->config.upstreams[i < n ? i : 0];
    memcpy(root.http, upstream->http, sizeof(root.http));
    root.tls = upstream->tls;
    root.mirror = !told->python;
    return root;
}

static struct c2_root_state *know_root(struct c2_subscriber *sub, const struct c2_root *told)
{
    const struct c2_root place = place_of(sub, told), *from = &place;
    struct cat2_error err;
    struct c2_root_state *old = c2_sub_root(sub, c2_str_of(from->name));
    bool moved = old && !c2_root_is_at(&old->root, from);
    struct c2_root_state *root = c2_sub_root_add(sub, from, &err);

    if (!root) {
        c2_log_some(C2_WARN, "root is not taken: %s", err.message);
        return NULL;
    }
    bool was_unheard = root->unheard;
    root->told_n = sub->roots_n;
    root->unheard = false;
    if (!old || was_unheard) c2_mirror_tell(root, NULL, NULL);
    bool begun = sub->config.follow_all && c2_follow_begin(root);
    if (!begun && (!old || moved)) c2_sub_save_root(root);
    if (moved) c2_suppliers_move(root);
    if (!old || moved) c2_suppliers_set_upstreams(root);
    if (moved) c2_follow_drop(root); /* where it was */
    if (!old || moved || begun || c2_root_is_unreached(root) || !root->topic) c2_sub_follow(root);
    return root;
}

static void on_roots_time(void *ctx);

/* While the broker is away it is asked when it is connected again. An upstream may be one that never is. */
static void ask_roots_later(struct c2_subscriber *sub)
{
    bool waits = !sub->config.nupstreams && !sub->config.bus->ops->connected(sub->config.bus);

    if (sub->stopping || sub->roots_timer || waits) return;
    sub->roots_timer = c2_timer_start(sub->config.loop, ROOTS_AGAIN_MS, 0, on_roots_time, sub);
}

/* An upstream that took the place of another one may have fewer roots. */
static void note_unheard(struct c2_subscriber *sub)
{
    for (struct c2_root_state *root = sub->roots; root; root = root->next) {
        if (root->unheard || root->told_n == sub->roots_n) continue;
        root->unheard = true;
        c2_mirror_tell(root, NULL, NULL);
    }
}

static void on_roots(void *ctx, const struct c2_root *roots, size_t n, const struct cat2_error *err)
{
    struct c2_subscriber *sub = ctx;

    if (err || sub->stopping) {
        if (err) c2_log_some(C2_WARN, "broker: %s", err->message);
        ask_roots_later(sub);
        return;
    }
    sub->roots_told = true;
    sub->roots_n++;
    bool python = false;
    for (size_t i = 0, after; i < n; i = after) {
        for (after = i + 1; after < n && roots[after].mirror;)
            after++;
        struct c2_root_state *root = know_root(sub, &roots[i]);
        bool mirrored = !sub->config.nupstreams && !sub->config.mirror_at; /* mirrors do not ask each other */
        if (root && mirrored) c2_suppliers_set(root, &roots[i + 1], after - i - 1);
        python = python || roots[i].python;
    }
    if (sub->config.nupstreams > 1) note_unheard(sub);
    if (python) ask_roots_later(sub);
}

static void on_news(void *ctx, const struct c2_event *event)
{
    struct c2_subscriber *sub = ctx;
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct cat2_error err;
    struct c2_str name;
    struct c2_root root;

    if (!c2_json_parse(event->data, &json, &err) || !c2_jstr(c2_jget(c2_json_root(json), "name"), &name) ||
        !c2_root_of_json(name, c2_json_root(json), &root))
        return;
    /* Its publisher came (back), perhaps with other data or another memory of what it told: compare all. */
    struct c2_root_state *known = know_root(sub, &root);
    if (known && c2_root_is_followed(known) && !known->follow) c2_follow_later(known, C2_SETTLE_MS);
}

static void ask_roots(void *ctx)
{
    struct c2_subscriber *sub = ctx;

    if (!sub->stopping) sub->config.bus->ops->roots(sub->config.bus, on_roots, sub);
}

/* Others mirror roots now. One question for many such changes. */
static void on_mirrors(void *ctx, const struct c2_event *event)
{
    struct c2_subscriber *sub = ctx;

    (void)event;
    if (sub->stopping || sub->roots_timer) return;
    sub->roots_timer = c2_timer_start(sub->config.loop, MIRRORS_MS, 0, on_roots_time, sub);
}

static void on_roots_time(void *ctx)
{
    struct c2_subscriber *sub = ctx;

    sub->roots_timer = NULL;
    ask_roots(sub);
}

/* List its roots, to see whether the publisher is there; failed listings are tried until it is. */
static void on_unreached(struct c2_subscriber *sub, const char *host)
{
    for (struct c2_root_state *root = sub->roots; root; root = root->next)
        if (!c2_root_is_unreached(root) && !root->follow && strcmp(root->root.http, host) == 0)
            c2_sub_follow(root);
}

bool c2_sub_watch_roots(struct c2_subscriber *sub, struct cat2_error *err)
{
    struct c2_bus *bus = sub->config.bus;
    struct c2_bus_listener listener = {on_news, ask_roots, sub};

    sub->unreached = on_unreached;
    c2_upstreams_watch(sub);
    sub->news = bus->ops->subscribe(bus, C2_TOPIC_NEW, NULL, &listener);
    if (!sub->news) return c2_fail_nomem(err, "subscription");
    if (!bus->ops->on_connect(bus, ask_roots, sub)) return c2_fail_nomem(err, "bus");
    if (!sub->config.nupstreams && !sub->config.mirror_at) {
        struct c2_bus_listener mirrors = {on_mirrors, NULL, sub};
        sub->mirrors = bus->ops->subscribe(bus, C2_TOPIC_MIRRORS, NULL, &mirrors);
    }
    ask_roots(sub);
    for (int i = 0; i < sub->config.nown; i++) { /* what is served here needs no bus to be found */
        struct c2_root_state *root = know_root(sub, &sub->config.own[i]);
        if (root && c2_follow_begin(root)) c2_sub_follow(root);
    }
    for (struct c2_root_state *root = sub->roots; root; root = root->next) {
        c2_suppliers_set_upstreams(root);
        if (c2_root_is_followed(root)) c2_follow_later(root, 0);
    }
    return true;
}
