/* SPDX-License-Identifier: BSD-3-Clause */
/* A subscriber's life: state and cache folder, routes, roots; and the quota's periodic work. */
#include "subscriber/subscriber.h"
#include "base/limits.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "plugin/host.h"
#include "subscriber/events/events.h"
#include "subscriber/pages/pages.h"
#include "subscriber/answer/job.h"

#define QUOTA_MS    5000
#define UNSWEPT_MAX (32 << 20) /* at least: a small quota must not evict what a request has just fetched */

/* ---- quota ---- */

/* A dataset in a sweep: its open cache file, or the name of one that an earlier run may have left. */
struct swept {
    struct c2_ds *ds;
    struct c2_cachefile *cf;
    char *rel;
    int64_t nbytes; /* on disk; -1 not known yet */
};
struct sweep {
    struct c2_subscriber *sub;
    struct swept *list; /* least recently used first */
    size_t n;
    int64_t total, freed;
};

static int64_t left_behind(int cachefd, const char *rel)
{
    C2_AUTO(c2_buf) sidecar = C2_BUF_INIT(2 * C2_PATH_MAX);
    struct cat2_error err;
    struct stat st;
    int64_t n = 0;

    if (fstatat(cachefd, rel, &st, AT_SYMLINK_NOFOLLOW) == 0) n += (int64_t)st.st_blocks * 512;
    if (c2_buf_printf(&sidecar, &err, "%s.idx", rel) &&
        fstatat(cachefd, c2_buf_cstr(&sidecar), &st, AT_SYMLINK_NOFOLLOW) == 0)
        n += (int64_t)st.st_blocks * 512;
    return n;
}

static int64_t give_back(const struct sweep *s, struct swept *it, int64_t want)
{
    struct cat2_error err;

    if (it->cf) return c2_cachefile_evict(it->cf, want);
    int64_t n = it->nbytes;
    if (n == 0 || !c2_cachefile_remove(s->sub->cachefd, it->rel, &err)) return 0;
    it->nbytes = 0;
    return n;
}

static void sweep_work(void *job, void *codec)
{
    struct sweep *s = job;

    (void)codec;
    for (size_t i = 0; i < s->n; i++) {
        struct swept *it = &s->list[i];
        if (it->cf)
            it->nbytes = c2_cachefile_disk_nbytes(it->cf);
        else if (it->nbytes < 0)
            it->nbytes = left_behind(s->sub->cachefd, it->rel);
        s->total += it->nbytes;
    }
    int64_t want = s->total - s->sub->config.quota;
    if (want > 0) want += s->sub->config.quota / 10; /* some room, so that not every piece evicts another */
    for (size_t i = 0; i < s->n && s->freed < want; i++)
        s->freed += give_back(s, &s->list[i], want - s->freed);
}

static void sweep_free(struct sweep *s)
{
    for (size_t i = 0; i < s->n; i++) {
        c2_cachefile_unref(s->list[i].cf);
        c2_ds_unref(s->list[i].ds);
        free(s->list[i].rel);
    }
    free(s->list);
    free(s);
}

static void sweep_done(void *job)
{
    struct sweep *s = job;

    s->sub->evicting = false;
    if (s->freed > 0) c2_log_info("cache nbytes=%" PRId64 " evicted=%" PRId64, s->total, s->freed);
    for (size_t i = 0; i < s->n; i++)
        s->list[i].ds->left_nbytes = s->list[i].cf ? -1 : s->list[i].nbytes;
    sweep_free(s);
}

static int by_use(const void *a, const void *b)
{
    const struct swept *x = a, *y = b;

    return (x->ds->used_ms > y->ds->used_ms) - (x->ds->used_ms < y->ds->used_ms);
}

/* Datasets without a file on disk are no business of a sweep. */
static bool add_swept(struct sweep *s, struct c2_ds *ds)
{
    struct swept *it = &s->list[s->n];
    C2_AUTO(c2_buf) name = C2_BUF_INIT(2 * C2_PATH_MAX);
    struct cat2_error err;

    if (ds->preparing || ds->error || (!ds->cf && ds->left_nbytes == 0)) return true;
    *it = (struct swept){.ds = ds, .nbytes = ds->left_nbytes};
    if (ds->cf) {
        it->cf = c2_cachefile_ref(ds->cf);
    } else {
        if (!c2_ds_cache_name(ds, &name, &err)) return true;
        it->rel = c2_str_dup(c2_buf_str(&name));
        if (!it->rel) return false;
    }
    c2_ds_ref(ds);
    s->n++;
    return true;
}

static void on_quota_time(void *ctx)
{
    struct c2_subscriber *sub = ctx;
    struct sweep *s = sub->evicting ? NULL : calloc(1, sizeof(*s));
    size_t total = 0;
    bool ok = true;

    if (!s) return;
    s->sub = sub;
    sub->unswept = 0;
    for (const struct c2_root_state *root = sub->roots; root; root = root->next)
        total += root->n;
    s->list = calloc(total + 1, sizeof(*s->list));
    if (!s->list) {
        free(s);
        return;
    }
    for (const struct c2_root_state *root = sub->roots; root; root = root->next)
        for (size_t i = 0; ok && i < root->n; i++)
            ok = add_swept(s, root->datasets[i]);
    if (!ok || s->n == 0) {
        sweep_free(s);
        return;
    }
    qsort(s->list, s->n, sizeof(*s->list), by_use);
    sub->evicting = true;
    c2_pool_run_low(sub->config.pool, sweep_work, sweep_done, s);
}

void c2_sub_quota_start(struct c2_subscriber *sub)
{
    if (sub->config.quota > 0)
        sub->quota_timer = c2_timer_start(sub->config.loop, QUOTA_MS, QUOTA_MS, on_quota_time, sub);
}

void c2_sub_fetched(struct c2_subscriber *sub, int64_t nbytes)
{
    sub->bytes_fetched += nbytes;
    sub->unswept += nbytes;
    if (sub->quota_timer && sub->unswept > c2_max_i64(sub->config.quota / 16, UNSWEPT_MAX))
        on_quota_time(sub);
}

/* ---- life ---- */

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
    return sub->events || c2_fail_nomem(err, "events");
}

bool c2_subscriber_new(const struct c2_subscriber_config *config, struct c2_subscriber **out,
                       struct cat2_error *err)
{
    struct c2_subscriber *sub = calloc(1, sizeof(*sub));

    if (!sub) return c2_fail_nomem(err, "subscriber");
    sub->config = *config;
    sub->statefd = sub->cachefd = -1;
    sub->hot = c2_hot_new(C2_HOT_NBYTES_MAX);
    sub->views = c2_views_new();
    if (!sub->hot || !sub->views) {
        c2_subscriber_free(sub);
        return c2_fail_nomem(err, "subscriber");
    }
    if (!c2_plugins_load(config->plugin_dir, &sub->plugins, err) || !open_folders(sub, err) ||
        !c2_sub_restore(sub, err) || !start_events(sub, err) || !c2_sub_watch_roots(sub, err)) {
        c2_subscriber_free(sub);
        return false;
    }
    c2_sub_add_routes(sub);
    c2_sub_add_plugin_routes(sub);
    c2_grove_add_routes(sub);
    c2_pages_add_routes(sub);
    c2_sub_quota_start(sub);
    c2_sub_clear_aside(sub);
    if (!c2_scrub_start(sub, err)) {
        c2_subscriber_free(sub);
        return false;
    }
    *out = sub;
    return true;
}

void c2_subscriber_stop(struct c2_subscriber *sub, c2_loop_fn *done, void *ctx)
{
    const struct c2_bus_ops *ops = sub->config.bus->ops;

    sub->stopping = true;
    c2_events_stop(sub->events);
    c2_timer_stop(sub->quota_timer);
    sub->quota_timer = NULL;
    c2_scrub_stop(sub);
    if (sub->news) ops->unsubscribe(sub->news);
    sub->news = NULL;
    for (struct c2_root_state *root = sub->roots; root; root = root->next) {
        if (root->topic) ops->unsubscribe(root->topic);
        root->topic = NULL;
        c2_follow_cancel(root, "shutting down");
    }
    c2_sub_room_stop(sub);
    c2_pass_on_stop(sub);
    c2_upcalls_stop(sub);
    c2_loop_defer(sub->config.loop, done, ctx);
}

static void free_rest(struct c2_subscriber *sub)
{
    c2_hot_free(sub->hot);
    c2_views_free(sub->views);
    c2_plugins_free(sub->plugins);
    c2_events_free(sub->events);
    if (sub->statefd >= 0) close(sub->statefd);
    if (sub->cachefd >= 0) close(sub->cachefd);
    free(sub);
}

void c2_sub_unref_dataset(struct c2_subscriber *sub)
{
    if (--sub->ndatasets == 0 && sub->gone) free_rest(sub);
}

/* Jobs still in the pool, and flights the HTTP client ends later, hold datasets and look at us. */
void c2_subscriber_free(struct c2_subscriber *sub)
{
    if (!sub) return;
    c2_timer_stop(sub->patience);
    sub->patience = NULL;
    sub->stopping = sub->given_up = true;
    c2_sub_room_stop(sub);
    c2_pass_on_stop(sub);
    c2_scrub_stop(sub);
    c2_events_stop(sub->events);
    c2_sub_roots_free(sub);
    c2_state_close(sub->state);
    sub->state = NULL;
    sub->gone = true;
    if (sub->ndatasets == 0) free_rest(sub);
}

static bool scrub_metrics(const struct c2_subscriber *sub, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_scrub_counts counts = c2_scrub_counts(sub);

    return c2_buf_printf(
        out, err,
        "# TYPE caterva2_cache_mismatches_total counter\ncaterva2_cache_mismatches_total %" PRIu64 "\n"
        "# TYPE caterva2_scrub_bytes_total counter\ncaterva2_scrub_bytes_total %" PRId64 "\n"
        "# TYPE caterva2_scrub_mismatches_total counter\ncaterva2_scrub_mismatches_total %" PRId64 "\n"
        "# TYPE caterva2_scrub_repairs_total counter\ncaterva2_scrub_repairs_total %" PRId64 "\n"
        "# TYPE caterva2_scrub_passes_total counter\ncaterva2_scrub_passes_total %" PRId64 "\n",
        c2_cachefile_stats().ndropped, counts.nbytes, counts.nbad, counts.nrepaired, counts.npasses);
}

bool c2_subscriber_metrics(struct c2_subscriber *sub, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_hot_stats hot = c2_hot_stats(sub->hot);
    struct c2_cachefile_stats files = c2_cachefile_stats();
    size_t roots = 0, datasets = 0, listing = 0, away = 0;

    for (const struct c2_root_state *root = sub->roots; root; root = root->next, roots++) {
        datasets += root->n;
        listing += c2_sub_is_being_listed(root);
        away += root->subscribed && root->failures > 0;
    }
    if (!scrub_metrics(sub, out, err) || !c2_pass_on_metrics(sub, out, err)) return false;
    return c2_buf_printf(
        out, err,
        "# TYPE caterva2_roots gauge\ncaterva2_roots %zu\n# TYPE caterva2_datasets gauge\ncaterva2_datasets "
        "%zu\n"
        "# TYPE caterva2_roots_listing gauge\ncaterva2_roots_listing %zu\n"
        "# TYPE caterva2_roots_away gauge\ncaterva2_roots_away %zu\n"
        "# TYPE caterva2_pieces_fetched_total counter\ncaterva2_pieces_fetched_total %" PRId64 "\n"
        "# TYPE caterva2_fetched_bytes_total counter\ncaterva2_fetched_bytes_total %" PRId64 "\n"
        "# TYPE caterva2_upstream_requests_total counter\ncaterva2_upstream_requests_total %" PRId64 "\n"
        "# TYPE caterva2_hot_answers_total counter\ncaterva2_hot_answers_total %" PRIu64 "\n"
        "# TYPE caterva2_hot_bytes gauge\ncaterva2_hot_bytes %zu\n"
        "# TYPE caterva2_cache_files_open gauge\ncaterva2_cache_files_open %" PRId64 "\n"
        "# TYPE caterva2_cache_files_open_max gauge\ncaterva2_cache_files_open_max %d\n"
        "# TYPE caterva2_cache_files_closed_total counter\ncaterva2_cache_files_closed_total %" PRId64 "\n"
        "# TYPE caterva2_cache_files_waited_total counter\ncaterva2_cache_files_waited_total %" PRId64 "\n"
        "# TYPE caterva2_cache_files_refused_total counter\ncaterva2_cache_files_refused_total %" PRId64 "\n"
        "# TYPE caterva2_cache_mapped_bytes gauge\ncaterva2_cache_mapped_bytes %" PRId64 "\n",
        roots, datasets, listing, away, sub->pieces_fetched, sub->bytes_fetched, sub->flights, hot.hits,
        hot.nbytes, files.nopen, c2_sub_files_max(sub), sub->open.nclosed, sub->open.nwaited,
        sub->open.nrefused, files.mapped_nbytes);
}
