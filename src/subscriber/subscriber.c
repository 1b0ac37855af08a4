/* SPDX-License-Identifier: BSD-3-Clause */
/* A subscriber's life: state and cache folder, routes, roots; and the quota's periodic work. */
#include "subscriber/subscriber.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "subscriber/sub_impl.h"

#define QUOTA_MS 5000

/* ---- quota ---- */

struct sweep {
    struct c2_subscriber *sub;
    struct c2_cachefile **files; /* least recently used first */
    size_t n;
    int64_t total, freed;
};

static void sweep_work(void *job, void *codec)
{
    struct sweep *s = job;

    (void)codec;
    for (size_t i = 0; i < s->n; i++)
        s->total += c2_cachefile_disk_nbytes(s->files[i]);
    int64_t want = s->total - s->sub->config.quota;
    if (want > 0) want += s->sub->config.quota / 10; /* some room, so that not every piece evicts another */
    for (size_t i = 0; i < s->n && s->freed < want; i++)
        s->freed += c2_cachefile_evict(s->files[i], want - s->freed);
}

static void sweep_done(void *job)
{
    struct sweep *s = job;

    s->sub->evicting = false;
    if (s->freed > 0) c2_log_info("cache nbytes=%" PRId64 " evicted=%" PRId64, s->total, s->freed);
    for (size_t i = 0; i < s->n; i++)
        c2_cachefile_unref(s->files[i]);
    free(s->files);
    free(s);
}

static int by_use(const void *a, const void *b)
{
    const struct c2_ds *x = *(struct c2_ds *const *)a, *y = *(struct c2_ds *const *)b;

    return x->used_ms < y->used_ms ? -1 : x->used_ms > y->used_ms;
}

static void on_quota_time(void *ctx)
{
    struct c2_subscriber *sub = ctx;
    struct sweep *s = sub->evicting ? NULL : calloc(1, sizeof(*s));
    size_t total = 0, n = 0;

    if (!s) return;
    for (const struct c2_root_state *root = sub->roots; root; root = root->next)
        total += root->n;
    struct c2_ds **open = calloc(total + 1, sizeof(*open));
    s->files = calloc(total + 1, sizeof(*s->files));
    for (const struct c2_root_state *root = sub->roots; root && open; root = root->next)
        for (size_t i = 0; i < root->n; i++)
            if (root->datasets[i]->cf) open[n++] = root->datasets[i];
    if (!open || !s->files || n == 0) {
        free(open);
        free(s->files);
        free(s);
        return;
    }
    qsort(open, n, sizeof(*open), by_use);
    for (size_t i = 0; i < n; i++)
        s->files[s->n++] = c2_cachefile_ref(open[i]->cf);
    free(open);
    s->sub = sub;
    sub->evicting = true;
    c2_pool_run_low(sub->config.pool, sweep_work, sweep_done, s);
}

void c2_sub_quota_start(struct c2_subscriber *sub)
{
    if (sub->config.quota > 0)
        sub->quota_timer = c2_timer_start(sub->config.loop, QUOTA_MS, QUOTA_MS, on_quota_time, sub);
}

/* ---- life ---- */

static bool open_folders(struct c2_subscriber *sub, struct cat2_error *err)
{
    char path[4096];

    if (!c2_state_open(sub->config.statedir, "cat2sub", &sub->state, err)) return false;
    snprintf(path, sizeof(path), "%s/cache", sub->config.statedir);
    sub->statefd = c2_fs_open_dir(sub->config.statedir, true, err);
    sub->cachefd = c2_fs_open_dir(path, true, err);
    return sub->statefd >= 0 && sub->cachefd >= 0;
}

bool c2_subscriber_new(const struct c2_subscriber_config *config, struct c2_subscriber **out,
                       struct cat2_error *err)
{
    struct c2_subscriber *sub = calloc(1, sizeof(*sub));

    if (!sub) return c2_fail_nomem(err, "subscriber");
    sub->config = *config;
    sub->statefd = sub->cachefd = -1;
    sub->hot = c2_hot_new(C2_HOT_NBYTES_MAX);
    if (!sub->hot) {
        c2_subscriber_free(sub);
        return c2_fail_nomem(err, "subscriber");
    }
    if (!open_folders(sub, err) || !c2_sub_restore(sub, err) || !c2_sub_watch_roots(sub, err)) {
        c2_subscriber_free(sub);
        return false;
    }
    c2_sub_add_routes(sub);
    c2_sub_quota_start(sub);
    *out = sub;
    return true;
}

void c2_subscriber_stop(struct c2_subscriber *sub, c2_loop_fn *done, void *ctx)
{
    const struct c2_bus_ops *ops = sub->config.bus->ops;

    sub->stopping = true;
    c2_timer_stop(sub->quota_timer);
    sub->quota_timer = NULL;
    if (sub->news) ops->unsubscribe(sub->news);
    sub->news = NULL;
    for (struct c2_root_state *root = sub->roots; root; root = root->next) {
        if (root->topic) ops->unsubscribe(root->topic);
        root->topic = NULL;
        c2_follow_cancel(root);
    }
    c2_loop_defer(sub->config.loop, done, ctx);
}

void c2_subscriber_free(struct c2_subscriber *sub)
{
    if (!sub) return;
    c2_sub_roots_free(sub);
    c2_hot_free(sub->hot);
    c2_state_close(sub->state);
    if (sub->statefd >= 0) close(sub->statefd);
    if (sub->cachefd >= 0) close(sub->cachefd);
    free(sub);
}

bool c2_subscriber_metrics(struct c2_subscriber *sub, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_hot_stats hot = c2_hot_stats(sub->hot);
    size_t roots = 0, datasets = 0;

    for (const struct c2_root_state *root = sub->roots; root; root = root->next, roots++)
        datasets += root->n;
    return c2_buf_printf(
        out, err,
        "# TYPE caterva2_roots gauge\ncaterva2_roots %zu\n# TYPE caterva2_datasets gauge\ncaterva2_datasets "
        "%zu\n"
        "# TYPE caterva2_pieces_fetched_total counter\ncaterva2_pieces_fetched_total %" PRId64 "\n"
        "# TYPE caterva2_fetched_bytes_total counter\ncaterva2_fetched_bytes_total %" PRId64 "\n"
        "# TYPE caterva2_upstream_requests_total counter\ncaterva2_upstream_requests_total %" PRId64 "\n"
        "# TYPE caterva2_hot_answers_total counter\ncaterva2_hot_answers_total %" PRIu64 "\n"
        "# TYPE caterva2_hot_bytes gauge\ncaterva2_hot_bytes %zu\n",
        roots, datasets, sub->pieces_fetched, sub->bytes_fetched, sub->flights, hot.hits, hot.nbytes);
}
