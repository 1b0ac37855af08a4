/* SPDX-License-Identifier: BSD-3-Clause */
/* A subscriber's life: state and cache folder, roots, routes of all faces. */
#include "subscriber/subscriber.h"
#include "base/limits.h"
#include "subscriber/fetch/open_levels.h"
#include "subscriber/fetch/pass_on.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "plugin/host.h"
#include "subscriber/answer/group_texts.h"
#include "subscriber/answer/view.h"
#include "subscriber/api/api.h"
#include "subscriber/events/events.h"
#include "subscriber/fetch/quota.h"
#include "subscriber/fetch/scrub.h"
#include "subscriber/h5grove/grove.h"
#include "subscriber/mirror/age.h"
#include "subscriber/mirror/described.h"
#include "subscriber/mirror/follow.h"
#include "subscriber/mirror/open_files.h"
#include "subscriber/mirror/roots.h"
#include "subscriber/mirror/suppliers.h"
#include "subscriber/mirror/upcall.h"
#include "subscriber/mirror/upstreams.h"
#include "subscriber/pages/pages.h"
#include "subscriber/republish/republish.h"
#include "subscriber/zarr/zarr.h"

const struct c2_state_kind c2_subscriber_state = {
    .program = "cat2sub",
    .costs = "the list of followed roots, which have to be subscribed to again; cached data stays, and is "
             "used again then",
};

static bool open_folders(struct c2_subscriber *sub, struct cat2_error *err)
{
    char path[4096];

    if (!c2_state_open(sub->config.statedir, &c2_subscriber_state, &sub->state, err)) return false;
    snprintf(path, sizeof(path), "%s/cache", sub->config.statedir);
    sub->statefd = c2_fs_open_dir(sub->config.statedir, true, err);
    sub->cachefd = c2_fs_open_dir(path, true, err);
    return sub->statefd >= 0 && sub->cachefd >= 0;
}

/* Not before what is already known has been restored: that is no news. */
static bool start_events(struct c2_subscriber *sub, struct cat2_error *err)
{
    sub->events = c2_events_new(sub);
    c2_republish_start(sub);
    return sub->events || c2_fail_nomem(err, "events");
}

static bool start_views(struct c2_subscriber *sub, struct cat2_error *err)
{
    sub->kept = c2_kept_blocks_new(C2_KEPT_BLOCKS_NBYTES);
    if (sub->kept) sub->views = c2_views_new(sub->config.loop, sub->config.pool, sub->statefd, sub->kept);
    return sub->views || c2_fail_nomem(err, "views");
}

/* With the last dataset. */
static void free_rest(struct c2_subscriber *sub)
{
    c2_views_free(sub->views);
    c2_kept_blocks_free(sub->kept);
    c2_plugins_free(sub->plugins);
    c2_republish_free(sub);
    c2_events_free(sub->events);
    c2_described_forget(sub);
    if (sub->statefd >= 0) close(sub->statefd);
    if (sub->cachefd >= 0) close(sub->cachefd);
    free(sub);
}

/* Brokers say where publishers are, and whoever registers there says it to brokers. */
static bool may_ask(void *ctx, const struct sockaddr *to, char why[C2_WHY_MAX])
{
    struct c2_subscriber *sub = ctx;
    struct c2_address_rules rules = {sub->config.trusted, c2_address_is_here};
    struct c2_peer peer;

    c2_peer_read(to, &peer);
    return c2_address_may_ask(&rules, peer.address, sub->config.bus->ops->here(sub->config.bus), why);
}

bool c2_subscriber_new(const struct c2_subscriber_config *config, struct c2_subscriber **out,
                       struct cat2_error *err)
{
    struct c2_subscriber *sub = calloc(1, sizeof(*sub));

    if (!sub) return c2_fail_nomem(err, "subscriber");
    sub->config = *config;
    sub->epoch = c2_wall_ms(c2_loop_clock(config->loop));
    sub->free_rest = free_rest;
    sub->statefd = sub->cachefd = -1;
    if (!c2_plugins_load(config->plugin_dir, &sub->plugins, err) || !open_folders(sub, err) ||
        !start_views(sub, err) || !c2_sub_restore(sub, err) || !c2_sub_tend_state(sub, err) ||
        !start_events(sub, err) || !c2_sub_watch_roots(sub, err) || !c2_lease_start(sub, err) ||
        !c2_republish_register(sub, err)) {
        c2_subscriber_free(sub);
        return false;
    }
    c2_http_judge_by(config->http, may_ask, sub);
    c2_api_add_routes(sub);
    c2_events_add_routes(sub);
    c2_zarr_add_routes(sub);
    c2_grove_add_routes(sub);
    c2_plugins_add_routes(sub);
    c2_pages_add_routes(sub);
    c2_republish_add_routes(sub);
    c2_sub_quota_start(sub);
    c2_sub_clear_aside(sub);
    if (!c2_scrub_start(sub, err)) {
        c2_subscriber_free(sub);
        return false;
    }
    *out = sub;
    return true;
}

static void stop_following(struct c2_subscriber *sub)
{
    if (sub->news) sub->config.bus->ops->unsubscribe(sub->news);
    c2_timer_stop(sub->roots_timer);
    c2_timer_stop(sub->lease_timer);
    if (sub->mirrors) sub->config.bus->ops->unsubscribe(sub->mirrors);
    c2_suppliers_stop(sub);
    c2_upstreams_leave(sub);
    sub->news = sub->mirrors = NULL;
    sub->roots_timer = sub->lease_timer = NULL;
    for (struct c2_root_state *root = sub->roots; root; root = root->next)
        c2_follow_cancel(root, "shutting down");
}

void c2_subscriber_stop(struct c2_subscriber *sub, c2_loop_fn *done, void *ctx)
{
    sub->stopping = true;
    c2_events_stop(sub->events);
    c2_republish_leave(sub);
    c2_timer_stop(sub->quota_timer);
    sub->quota_timer = NULL;
    c2_sub_cache_count_stop(sub);
    c2_scrub_stop(sub);
    stop_following(sub);
    c2_sub_room_stop(sub);
    c2_pass_on_stop(sub);
    c2_upcalls_stop(sub);
    c2_loop_post(sub->config.loop, &sub->stopped_call, done, ctx);
}

/* Jobs still in the pool, and flights the HTTP client ends later, hold datasets and look at us. */
void c2_subscriber_free(struct c2_subscriber *sub)
{
    if (!sub) return;
    c2_http_judge_by(sub->config.http, NULL, NULL);
    c2_timer_stop(sub->patience);
    c2_timer_stop(sub->quota_timer); /* a start that failed is not stopped before */
    c2_timer_stop(sub->tender);
    c2_sub_save_rest(sub);
    sub->patience = sub->quota_timer = sub->tender = NULL;
    sub->stopping = sub->given_up = true;
    stop_following(sub);
    c2_views_stop(sub->views);
    c2_sub_levels_close(sub, NULL);
    c2_sub_cache_count_stop(sub);
    c2_sub_room_stop(sub);
    c2_pass_on_stop(sub);
    c2_scrub_stop(sub);
    c2_events_stop(sub->events);
    for (struct c2_root_state *root = sub->roots; root; root = root->next)
        c2_group_texts_drop(root);
    c2_sub_roots_free(sub);
    c2_state_close(sub->state);
    sub->state = NULL;
    sub->gone = true;
    if (sub->ndatasets == 0) free_rest(sub);
}
