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
#include "base/log_share.h"
#include "subscriber/mirror/age.h"
#include "subscriber/mirror/follow.h"
#include "subscriber/mirror/follow_impl.h"
#include "subscriber/mirror/names_so_far.h"
#include "subscriber/mirror/reason.h"
#include "subscriber/mirror/refresh.h"
#include "subscriber/mirror/root.h"
#include "subscriber/mirror/roots.h"
#include "subscriber/mirror/suppliers.h"
#include "subscriber/mirror/upstreams.h"

#define UNHASHED_MS 30000  /* so long after the first list without hashes, its publisher is an older one */
#define LISTED_MS   120000 /* who asks for a root to be followed */
#define KNOWN_MS    4000   /* who asks for something in it: clients give up after 5 s, some of them */

static void follow_free(struct c2_follow *f)
{
    if (!f) return;
    f->root->follow = NULL;
    c2_follow_clear(f);
    c2_texts_fini(&f->told);
    c2_buf_fini(&f->text);
    free(f);
}

void c2_follow_drop(struct c2_root_state *root)
{
    follow_free(root->follow);
}

/* End what is under way; those who wait go on waiting. */
static void rest(struct c2_root_state *root)
{
    follow_free(root->follow);
    root->follow_again = false;
    c2_refresh_cancel(root);
    c2_timer_stop(root->timer);
    root->timer = NULL;
}

void c2_follow_stop(struct c2_root_state *root)
{
    rest(root);
    if (root->topic) root->sub->config.bus->ops->unsubscribe(root->topic);
    root->topic = NULL;
}

void c2_follow_cancel(struct c2_root_state *root, const char *why)
{
    struct cat2_error err;

    c2_follow_stop(root);
    c2_fail(&err, CAT2_ECANCELLED, "%s", why);
    c2_sub_tell_waiters(root, &err);
}

static void on_timer(void *ctx)
{
    struct c2_root_state *root = ctx;

    root->timer = NULL;
    c2_sub_follow(root);
}

/* Without memory for a timer nothing will happen: then the list is at least not told as the publisher's. */
void c2_follow_later(struct c2_root_state *root, int64_t ms)
{
    if (root->timer || root->sub->stopping) return;
    root->timer = c2_timer_start(root->sub->config.loop, ms, 0, on_timer, root);
    if (root->timer) return;
    c2_log_error("follow root=%s: out of memory: not listed until its publisher or a request comes",
                 root->root.name);
    if (root->life != C2_ROOT_CURRENT) return;
    root->retries++;
    c2_root_event(root, C2_ROOT_ON_FAILED);
    c2_mirror_tell(root, NULL, NULL);
}

static void retry_later(struct c2_root_state *root)
{
    c2_follow_later(root, c2_min_i64(60000, (int64_t)500 << c2_min_i64(root->retries, 7)));
}

static void listing_failed(struct c2_root_state *root, const struct cat2_error *err)
{
    bool news = !c2_root_is_unreached(root);
    struct cat2_error why = *err;

    follow_free(root->follow);
    root->follow_again = false;
    root->retries++;
    c2_root_event(root, C2_ROOT_ON_FAILED);
    if (news) c2_mirror_tell(root, NULL, NULL);
    c2_log_some(C2_WARN, "follow root=%s try=%d: %s", root->root.name, root->retries, why.message);
    retry_later(root);
    if (why.code == CAT2_ENOTFOUND) why.code = CAT2_EUPSTREAM; /* the publisher's 404 is not ours */
    why.http_status = 0;
    c2_sub_tell_waiters(root, &why);
}

/* What is not known at all is taken from whoever has it; an old list is no worse than that of another. */
static void on_failed(struct c2_follow *f, const struct cat2_error *err)
{
    struct c2_root_state *root = f->root;

    c2_turn_leave(&f->turn);
    if (c2_root_is_listed(root) || err->code == CAT2_ECANCELLED || !c2_turn_next(root, &f->turn)) {
        listing_failed(root, err);
        return;
    }
    c2_log_some(C2_INFO, "follow root=%s: listed elsewhere: %s", root->root.name, err->message);
    f->tries = 0;
    c2_follow_list(f);
}

/* No failure: it is asked again, and those who wait go on waiting. */
static void on_not_yet(struct c2_follow *f, struct c2_http_reply *reply)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_root_state *root = f->root;
    struct c2_str text = {"", 0};
    struct cat2_error ignored;
    bool news = c2_root_is_unreached(root);

    root->retry_s = c2_reason_retry_s(reply);
    if (c2_json_parse(c2_buf_str(reply->body), &json, &ignored))
        c2_jstr(c2_jget(c2_json_root(json), "detail"), &text);
    snprintf(root->listing, sizeof(root->listing), "%.*s",
             (int)c2_min_i64((int64_t)text.n, (int64_t)sizeof(root->listing) - 1), text.p);
    c2_log_some(C2_INFO, "follow root=%s: not listed yet: %s", root->root.name, root->listing);
    follow_free(f);
    root->follow_again = false;
    root->retries = 0;
    c2_root_event(root, C2_ROOT_ON_NOT_YET);
    if (news) c2_mirror_tell(root, NULL, NULL);
    c2_follow_later(root, 1000 * (int64_t)root->retry_s);
}

/* It came from another source than the first: until that one answers, it may be old. */
static void note_source(struct c2_root_state *root, const struct c2_follow *f)
{
    root->source = f->source;
    root->listed_at = f->turn.at;
    if (*root->source.stale) c2_upstreams_ask(root->sub);
    if (c2_turn_is_first(root, &f->turn)) return;
    if (!*root->source.stale)
        root->source = (struct c2_source_age){.stale = "publisher not reached", .ms = -1};
}

/* A publisher that sent hashes sends none any more: damage on the way, unless it stays so. */
static bool is_doubtful(struct c2_root_state *root, const struct c2_follow *f)
{
    int64_t now = c2_loop_now_ms(root->sub->config.loop);
    bool lost = root->hashed && !f->hashed && !f->same;

    if (!lost)
        root->unhashed_ms = 0;
    else if (!root->unhashed_ms)
        root->unhashed_ms = c2_max_i64(1, now);
    return lost && now - root->unhashed_ms < UNHASHED_MS;
}

/* Somebody else's list, of before ours: what is known stays. */
static bool is_older(const struct c2_root_state *root, const struct c2_follow *f, struct cat2_error *err)
{
    const struct c2_root place = c2_turn_place(root, &f->turn);
    int64_t as_of = c2_root_as_of(root), now = c2_loop_now_ms(root->sub->config.loop);

    if (!c2_root_is_listed(root) || !*f->source.stale || !as_of || root->listed_at == f->turn.at)
        return false;
    if (f->source.ms >= 0 && now - f->source.ms >= as_of) return false;
    return !c2_fail(err, CAT2_EUPSTREAM, "the list that %.100s has of %.100s is older than what is known: %s",
                    place.http, root->root.name, f->source.stale);
}

static void note_publisher(struct c2_root_state *root, const struct c2_follow *f)
{
    root->speaks_pieces = f->streaming;
    if (!c2_turn_is_first(root, &f->turn) || root->hashed == f->hashed) return;
    if (root->hashed) c2_log_warn("follow root=%s: the publisher sends no hashes any more", root->root.name);
    root->hashed = f->hashed;
    c2_sub_save_root(root);
}

/* Take the listing over. */
static void on_complete(struct c2_follow *f)
{
    struct c2_root_state *root = f->root;
    struct cat2_error err = {0};

    if (is_doubtful(root, f)) {
        c2_fail(&err, CAT2_EUPSTREAM, "the list of %.100s came without hashes, which it had before",
                root->root.name);
        listing_failed(root, &err);
        return;
    }
    if (is_older(root, f, &err)) {
        listing_failed(root, &err);
        return;
    }
    uint64_t changes = root->changes;
    bool unsure = f->unsure || !c2_turn_is_first(root, &f->turn);

    if (!f->same && !c2_sub_take_list(root, f->found.p, f->found.n, &err)) {
        listing_failed(root, &err);
        return;
    }
    bool again = c2_follow_has_missed(root, f);
    if (!f->same) note_publisher(root, f);
    const struct c2_source_age before = root->source;
    note_source(root, f);
    bool aged = strcmp(root->source.stale, before.stale) != 0;
    root->listed_ms = c2_loop_now_ms(root->sub->config.loop);
    root->listing_ms = root->listed_ms - f->since_ms;
    follow_free(f);
    bool news = !c2_root_is_listed(root) || root->changes != changes || c2_root_is_unreached(root) || aged;
    root->retries = unsure ? root->retries + 1 : 0;
    root->follow_again = false;
    c2_sub_so_far_clear(root);
    c2_root_event(root, C2_ROOT_ON_LISTED);
    if (news) c2_mirror_tell(root, NULL, NULL);
    c2_log_some(C2_INFO, "follow root=%s datasets=%zu", root->root.name, root->n);
    if (again) c2_follow_later(root, C2_SETTLE_MS);
    if (unsure) retry_later(root);
    c2_sub_tell_waiters(root, NULL);
}

static const struct c2_follow_end follow_end = {on_complete, on_failed, on_not_yet};

/* ---- events ---- */

static void on_event(void *ctx, const struct c2_event *event)
{
    struct c2_root_state *root = ctx;

    c2_log_debug("event root=%s seq=%lld: %.*s", root->root.name, (long long)event->seq,
                 (int)c2_min_i64(200, (int64_t)event->data.n), event->data.p);
    if (root->follow)
        c2_follow_note_event(root->follow, event->data);
    else if (c2_refresh_is_known(root, event->data))
        return;
    else if (root->timer || root->life != C2_ROOT_CURRENT ||
             !c2_sub_refresh(root, event->data, c2_sub_follow))
        c2_follow_later(root, C2_SETTLE_MS);
}

static void on_resync(void *ctx)
{
    struct c2_root_state *root = ctx;

    if (root->follow)
        root->follow_again = true;
    else
        c2_follow_later(root, c2_root_is_listed(root) ? C2_SETTLE_MS : 0);
}

void c2_sub_follow(struct c2_root_state *root)
{
    struct c2_subscriber *sub = root->sub;
    struct c2_bus_listener listener = {on_event, on_resync, root};
    struct cat2_error err;

    if (sub->stopping || !c2_root_is_followed(root)) return;
    root->nlooks++;
    if (root->follow) {
        root->follow_again = true;
        return;
    }
    rest(root); /* the listing says it all */
    struct c2_follow *f = root->follow = calloc(1, sizeof(*f));
    if (f) {
        f->end = &follow_end;
        f->root = root;
        c2_turn_first(root, &f->turn);
        f->since_ms = c2_loop_now_ms(sub->config.loop);
        c2_buf_init(&f->text, C2_JSON_NBYTES_MAX);
    }
    if (f && !root->topic)
        root->topic = sub->config.bus->ops->subscribe(sub->config.bus, root->root.name, NULL, &listener);
    if (f && root->topic) {
        c2_follow_list(f);
    } else {
        c2_fail_nomem(&err, "listing");
        listing_failed(root, &err);
    }
}

/* ---- who waits ---- */

bool c2_follow_begin(struct c2_root_state *root)
{
    if (c2_root_is_followed(root)) return false;
    root->nfollowed++;
    c2_root_event(root, C2_ROOT_ON_FOLLOW);
    c2_sub_save_root(root);
    return true;
}

static void wait_for(struct c2_root_state *root, int64_t ms,
                     void (*fn)(void *ctx, const struct cat2_error *err), void *ctx)
{
    struct cat2_error err;

    if (root->sub->stopping) {
        c2_fail(&err, CAT2_ECANCELLED, "shutting down");
        fn(ctx, &err);
        return;
    }
    c2_follow_begin(root);
    c2_waiters_add(root, ms, fn, ctx);
    if (!root->follow) c2_sub_follow(root);
}

void c2_sub_when_listed(struct c2_root_state *root, void (*fn)(void *ctx, const struct cat2_error *err),
                        void *ctx)
{
    wait_for(root, LISTED_MS, fn, ctx);
}

void c2_sub_when_listed_again(struct c2_root_state *root, void (*fn)(void *ctx, const struct cat2_error *err),
                              void *ctx)
{
    struct cat2_error err;

    if (c2_root_is_followed(root)) {
        wait_for(root, LISTED_MS, fn, ctx);
    } else {
        c2_fail(&err, CAT2_ECANCELLED, C2_FOLLOW_LEFT);
        fn(ctx, &err);
    }
}

void c2_sub_when_known_within(struct c2_root_state *root, int64_t ms,
                              void (*fn)(void *ctx, const struct cat2_error *err), void *ctx)
{
    if (root && !c2_root_is_listed(root))
        wait_for(root, ms, fn, ctx);
    else
        fn(ctx, NULL);
}

void c2_sub_when_known(struct c2_root_state *root, void (*fn)(void *ctx, const struct cat2_error *err),
                       void *ctx)
{
    c2_sub_when_known_within(root, KNOWN_MS, fn, ctx);
}
