/* SPDX-License-Identifier: BSD-3-Clause */
/* The quota of the cache: now and then, and after much was fetched, what was not used for longest is evicted.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/log.h"
#include "subscriber/fetch/open_levels.h"
#include "subscriber/fetch/quota.h"
#include "subscriber/mirror/roots.h"

#define QUOTA_MS    5000        /* what an earlier run left, and what readers held, is found so late */
#define UNSWEPT_MIN (256 << 10) /* a sweep looks at every dataset: not for less */

/* A dataset in a sweep: its open cache file, or the name of one that an earlier run may have left; and the
 * folder of levels of its planes. */
struct swept {
    struct c2_ds *ds;
    struct c2_cachefile *cf;
    char *rel, *levels; /* NULL: none */
    int64_t nbytes;     /* on disk; -1 not known yet */
    int64_t levels_nbytes;
    uint32_t nlevels; /* of the dataset when the sweep began */
    bool closes;      /* its levels were removed */
};
struct sweep {
    struct c2_subscriber *sub;
    struct swept *list; /* least recently used first */
    size_t n;
    bool ran; /* a pool that stops calls sweep_done() alone */
    int64_t total, freed, at;
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

static int64_t give_back_items(const struct sweep *s, struct swept *it, int64_t want)
{
    struct cat2_error err;

    if (it->cf) return c2_cachefile_evict(it->cf, want);
    int64_t n = it->nbytes;
    if (n == 0 || !c2_cachefile_remove(s->sub->cachefd, it->rel, &err)) return 0;
    it->nbytes = 0;
    return n;
}

/* Levels go after the items that they were made of, for they save reading these, and before all of a dataset
 * that was used later. */
static int64_t give_back(const struct sweep *s, struct swept *it, int64_t want)
{
    int64_t n = it->cf || it->rel ? give_back_items(s, it, want) : 0;

    if (n >= want || it->levels_nbytes == 0) return n;
    c2_levels_folder_remove(s->sub->cachefd, it->levels);
    it->closes = true;
    n += it->levels_nbytes;
    it->levels_nbytes = 0;
    return n;
}

static void sweep_work(void *job, void *codec)
{
    struct sweep *s = job;

    (void)codec;
    s->ran = true;
    for (size_t i = 0; i < s->n; i++) {
        struct swept *it = &s->list[i];
        if (it->cf)
            it->nbytes = c2_cachefile_disk_nbytes(it->cf);
        else if (it->nbytes < 0)
            it->nbytes = left_behind(s->sub->cachefd, it->rel);
        if (it->levels) it->levels_nbytes = c2_levels_folder_nbytes(s->sub->cachefd, it->levels);
        s->total += it->nbytes + it->levels_nbytes;
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
        free(s->list[i].levels);
    }
    free(s->list);
    free(s);
}

static void sweep_done(void *job)
{
    struct sweep *s = job;

    struct c2_subscriber *sub = s->sub;

    sub->evicting = false;
    if (!s->ran) {
        sweep_free(s);
        return;
    }
    c2_sub_cache_counted(sub, s->total - s->freed, s->at);
    sub->cache.nevictions += s->freed > 0;
    sub->cache.evicted += s->freed;
    if (s->freed > 0) c2_log_info("cache nbytes=%" PRId64 " evicted=%" PRId64, s->total, s->freed);
    for (size_t i = 0; i < s->n; i++) {
        const struct swept *it = &s->list[i];
        it->ds->left_nbytes = it->cf ? -1 : it->nbytes;
        if (it->closes) c2_sub_levels_close(sub, it->ds);
        if (it->levels && it->levels_nbytes == 0 && it->nlevels == it->ds->nlevels) it->ds->no_levels = true;
    }
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
    bool levels = !ds->no_levels && ds->meta->grid.ndim > 1;

    if (ds->preparing || ds->error || (!ds->cf && ds->left_nbytes == 0 && !levels)) return true;
    *it = (struct swept){.ds = ds, .nbytes = ds->left_nbytes, .nlevels = ds->nlevels};
    if (levels) {
        if (!c2_ds_levels_name(ds, &name, &err) || !(it->levels = c2_str_dup(c2_buf_str(&name))))
            return false;
        c2_buf_clear(&name);
    }
    c2_ds_ref(ds);
    s->n++; /* from here on it is freed with the sweep */
    if (ds->cf)
        it->cf = c2_cachefile_ref(ds->cf);
    else if (!c2_ds_cache_name(ds, &name, &err))
        it->nbytes = 0;
    else if (!(it->rel = c2_str_dup(c2_buf_str(&name))))
        return false;
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
    s->at = sub->bytes_fetched;
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
    c2_sub_cache_count_start(sub);
    if (sub->config.quota > 0)
        sub->quota_timer = c2_timer_start(sub->config.loop, QUOTA_MS, QUOTA_MS, on_quota_time, sub);
}

void c2_sub_fetched(struct c2_subscriber *sub, int64_t nbytes)
{
    sub->bytes_fetched += nbytes;
    sub->unswept += nbytes;
    if (sub->quota_timer && sub->unswept > c2_max_i64(sub->config.quota / 16, UNSWEPT_MIN))
        on_quota_time(sub);
}
