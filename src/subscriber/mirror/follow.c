/* SPDX-License-Identifier: BSD-3-Clause */
/* Following a root: its list (follow_list.c), then its events.
 *
 * A listing is taken over when it is complete: datasets with the same etag stay as they are, others become
 * new generations, those no longer listed are dropped. What cannot be reached is retried, 1 s to 60 s apart;
 * meanwhile the root serves what it has. */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/log.h"
#include "subscriber/mirror/catalog.h"
#include "subscriber/mirror/follow.h"
#include "subscriber/mirror/follow_impl.h"
#include "subscriber/mirror/reason.h"
#include "subscriber/mirror/refresh.h"

#define LISTED_MS 120000 /* who asks for a root to be followed */
#define KNOWN_MS  4000   /* who asks for something in it: clients give up after 5 s, some of them */

static void follow_free(struct c2_follow *f)
{
    c2_follow_clear(f);
    c2_buf_fini(&f->text);
    free(f);
}

void c2_follow_cancel(struct c2_root_state *root, const char *why)
{
    struct cat2_error err;

    if (root->follow) follow_free(root->follow);
    root->follow = NULL;
    c2_refresh_cancel(root);
    c2_timer_stop(root->timer);
    root->timer = NULL;
    c2_fail(&err, CAT2_ECANCELLED, "%s", why);
    c2_sub_tell_waiters(root, &err);
}

static void on_timer(void *ctx)
{
    struct c2_root_state *root = ctx;

    root->timer = NULL;
    c2_sub_follow(root);
}

static void follow_later(struct c2_root_state *root, int64_t ms)
{
    if (root->timer || root->sub->stopping) return;
    root->timer = c2_timer_start(root->sub->config.loop, ms, 0, on_timer, root);
}

static void on_failed(struct c2_follow *f, const struct cat2_error *err)
{
    struct c2_root_state *root = f->root;
    struct cat2_error why = *err;

    root->follow = NULL;
    follow_free(f);
    if (++root->failures == 1) c2_mirror_tell(root, NULL, NULL);
    root->fresh = false;
    c2_log_warn("follow root=%s try=%d: %s", root->root.name, root->failures, why.message);
    follow_later(root, c2_min_i64(60000, (int64_t)500 << c2_min_i64(root->failures, 7)));
    if (why.code == CAT2_ENOTFOUND) why.code = CAT2_EUPSTREAM; /* the publisher's 404 is not ours */
    why.http_status = 0;
    c2_sub_tell_waiters(root, &why);
}

/* No failure: it is asked again, and those who wait go on waiting. */
static void on_not_yet(struct c2_follow *f, struct c2_http_reply *reply)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_root_state *root = f->root;
    struct c2_str text = {"", 0};
    struct cat2_error ignored;

    root->retry_s = c2_reason_retry_s(reply);
    if (c2_json_parse(c2_buf_str(reply->body), &json, &ignored))
        c2_jstr(c2_jget(c2_json_root(json), "detail"), &text);
    snprintf(root->listing, sizeof(root->listing), "%.*s",
             (int)c2_min_i64((int64_t)text.n, (int64_t)sizeof(root->listing) - 1), text.p);
    c2_log_info("follow root=%s: not listed yet: %s", root->root.name, root->listing);
    root->follow = NULL;
    follow_free(f);
    follow_later(root, 1000 * (int64_t)root->retry_s);
}

/* Take the listing over. */
static void on_complete(struct c2_follow *f)
{
    struct c2_root_state *root = f->root;
    struct cat2_error err = {0};
    size_t before = root->n;
    uint64_t changes = root->changes;
    bool speaks_pieces = f->streaming, hashed = f->hashed, unsure = f->unsure;

    bool ok = c2_state_begin(root->sub->state, &err);
    size_t n = f->nfound;
    struct c2_root_state fresh = {.root = root->root,
                                  .sub = root->sub}; /* names now listed, to see what is gone */
    root->sub->restoring = true;                     /* this list is only looked at */
    for (size_t i = 0; i < n; i++)
        if (!c2_sub_put(&fresh, c2_ds_ref(f->found[i]), &err))
            c2_log_error("follow root=%s: %s", root->root.name, err.message);
    root->sub->restoring = false;
    for (size_t i = before; i-- > 0;)
        if (!c2_sub_find(&fresh, c2_str_of(root->datasets[i]->path)))
            c2_sub_drop(root, c2_str_of(root->datasets[i]->path));
    for (size_t i = 0; i < fresh.n; i++)
        c2_ds_unref(fresh.datasets[i]);
    free(fresh.datasets);
    for (size_t i = 0; i < n; i++) {
        struct c2_ds *ds = f->found[i];
        f->found[i] = NULL;
        if (!c2_sub_put(root, ds, &err)) c2_log_error("follow root=%s: %s", root->root.name, err.message);
    }
    if (!root->listed && before) c2_sub_save_all(root); /* those known early were not kept */
    if (ok && !c2_state_commit(root->sub->state, &err)) c2_log_error("state: %s", err.message);
    root->follow = NULL;
    follow_free(f);
    bool news = !root->listed || root->changes != changes || root->failures > 0;
    root->failures = 0;
    root->listed = true;
    root->listed_ms = c2_mono_ms(c2_loop_clock(root->sub->config.loop));
    *root->listing = '\0';
    if (news) c2_mirror_tell(root, NULL, NULL);
    root->speaks_pieces = speaks_pieces;
    if (root->hashed && !hashed)
        c2_log_warn("follow root=%s: the publisher sends no hashes any more", root->root.name);
    root->hashed = hashed;
    root->fresh = true;
    c2_log_info("follow root=%s datasets=%zu", root->root.name, root->n);
    c2_sub_tell_waiters(root, NULL);
    if (root->follow_again) follow_later(root, C2_SETTLE_MS);
    root->follow_again = false;
    root->doubts = unsure ? root->doubts + 1 : 0;
    if (unsure) follow_later(root, c2_min_i64(60000, (int64_t)500 << c2_min_i64(root->doubts, 7)));
}

static const struct c2_follow_end follow_end = {on_complete, on_failed, on_not_yet};

/* ---- events ---- */

static void on_event(void *ctx, const struct c2_event *event)
{
    struct c2_root_state *root = ctx;

    c2_log_debug("event root=%s seq=%lld: %.*s", root->root.name, (long long)event->seq,
                 (int)c2_min_i64(200, (int64_t)event->data.n), event->data.p);
    if (root->follow)
        root->follow_again = true;
    else if (root->timer || !root->fresh || !c2_sub_refresh(root, event->data, c2_sub_follow))
        follow_later(root, C2_SETTLE_MS);
}

static void on_resync(void *ctx)
{
    struct c2_root_state *root = ctx;

    if (root->follow)
        root->follow_again = true;
    else
        follow_later(root, root->listed ? C2_SETTLE_MS : 0);
}

void c2_sub_follow(struct c2_root_state *root)
{
    struct c2_subscriber *sub = root->sub;
    struct c2_follow *f;

    if (sub->stopping) return;
    c2_refresh_cancel(root); /* the listing says it all */
    if (root->follow) {
        root->follow_again = true;
        return;
    }
    if (!root->subscribed) {
        root->subscribed = true;
        c2_sub_save_root(root);
    }
    if (!root->topic) {
        struct c2_bus_listener listener = {on_event, on_resync, root};
        root->topic = sub->config.bus->ops->subscribe(sub->config.bus, root->root.name, NULL, &listener);
    }
    f = calloc(1, sizeof(*f));
    if (!f) return;
    f->end = &follow_end;
    f->root = root;
    c2_buf_init(&f->text, C2_JSON_NBYTES_MAX);
    root->follow = f;
    c2_follow_list(f);
}

/* ---- who waits ---- */

static void wait_for(struct c2_root_state *root, int64_t ms,
                     void (*fn)(void *ctx, const struct cat2_error *err), void *ctx)
{
    c2_timer_stop(root->timer);
    root->timer = NULL;
    c2_waiters_add(root, ms, fn, ctx);
    if (!root->follow) c2_sub_follow(root);
}

void c2_sub_when_listed(struct c2_root_state *root, void (*fn)(void *ctx, const struct cat2_error *err),
                        void *ctx)
{
    wait_for(root, LISTED_MS, fn, ctx);
}

void c2_sub_when_known_within(struct c2_root_state *root, int64_t ms,
                              void (*fn)(void *ctx, const struct cat2_error *err), void *ctx)
{
    if (root && !root->listed)
        wait_for(root, ms, fn, ctx);
    else
        fn(ctx, NULL);
}

void c2_sub_when_known(struct c2_root_state *root, void (*fn)(void *ctx, const struct cat2_error *err),
                       void *ctx)
{
    c2_sub_when_known_within(root, KNOWN_MS, fn, ctx);
}

/* ---- which roots there are ---- */

static struct c2_root_state *know_root(struct c2_subscriber *sub, const struct c2_root *from)
{
    struct cat2_error err;
    struct c2_root_state *old = c2_sub_root(sub, c2_str_of(from->name));
    bool moved = old && strcmp(old->root.http, from->http) != 0;
    struct c2_root_state *root = c2_sub_root_add(sub, from, &err);

    if (!root) {
        c2_log_warn("root is not taken: %s", err.message);
        return NULL;
    }
    root->known = true;
    if (!old) c2_mirror_tell(root, NULL, NULL);
    if (!old || moved) c2_sub_save_root(root);
    if (sub->config.follow_all) root->subscribed = true;
    if (root->subscribed && (!old || moved || root->failures || !root->topic)) {
        c2_timer_stop(root->timer);
        root->timer = NULL;
        c2_sub_follow(root);
    }
    return root;
}

static void on_roots(void *ctx, const struct c2_root *roots, size_t n, const struct cat2_error *err)
{
    struct c2_subscriber *sub = ctx;

    if (err || sub->stopping) {
        if (err) c2_log_warn("broker: %s", err->message);
        return;
    }
    for (struct c2_root_state *root = sub->roots; root; root = root->next)
        root->known = false;
    for (size_t i = 0; i < n; i++)
        know_root(sub, &roots[i]);
}

static void on_news(void *ctx, const struct c2_event *event)
{
    struct c2_subscriber *sub = ctx;
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct cat2_error err;
    struct c2_str name, http;
    struct c2_root root = {0};

    if (!c2_json_parse(event->data, &json, &err) || !c2_jstr(c2_jget(c2_json_root(json), "name"), &name) ||
        !c2_jstr(c2_jget(c2_json_root(json), "http"), &http) || name.n >= sizeof(root.name) ||
        http.n >= sizeof(root.http))
        return;
    memcpy(root.name, name.p, name.n);
    memcpy(root.http, http.p, http.n);
    /* Its publisher came (back), perhaps with other data or another memory of what it told: compare all. */
    struct c2_root_state *known = know_root(sub, &root);
    if (known && known->subscribed && !known->follow) follow_later(known, C2_SETTLE_MS);
}

static void ask_roots(void *ctx)
{
    struct c2_subscriber *sub = ctx;

    if (!sub->stopping) sub->config.bus->ops->roots(sub->config.bus, on_roots, sub);
}

/* List its roots, to see whether the publisher is there; failed listings are tried until it is. */
static void on_unreached(struct c2_subscriber *sub, const char *host)
{
    for (struct c2_root_state *root = sub->roots; root; root = root->next)
        if (root->subscribed && root->failures == 0 && !root->follow && strcmp(root->root.http, host) == 0)
            c2_sub_follow(root);
}

bool c2_sub_watch_roots(struct c2_subscriber *sub, struct cat2_error *err)
{
    struct c2_bus *bus = sub->config.bus;
    struct c2_bus_listener listener = {on_news, ask_roots, sub};

    sub->unreached = on_unreached;
    sub->news = bus->ops->subscribe(bus, "@new", NULL, &listener);
    if (!sub->news) return c2_fail_nomem(err, "subscription");
    bus->ops->on_connect(bus, ask_roots, sub);
    ask_roots(sub);
    for (struct c2_root_state *root = sub->roots; root; root = root->next)
        if (root->subscribed) follow_later(root, 0);
    return true;
}
