/* SPDX-License-Identifier: BSD-3-Clause */
/* How much the cache takes on disk. With a quota every sweep counts it; without, a worker looks through the
 * cache now and then, if anything has come since. What came after the last count is added. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "subscriber/fetch/quota.h"

#define COUNT_MS 60000 /* looking through a large cache takes seconds of a worker */

struct c2_cache_count {
    struct c2_subscriber *sub; /* NULL: gone */
    int fd;
    int64_t nbytes, at;
    bool ok;
};

static bool visit(void *ctx, const char *rel, const struct stat *st, struct cat2_error *err)
{
    struct c2_cache_count *count = ctx;

    (void)rel;
    (void)err;
    count->nbytes += (int64_t)st->st_blocks * 512;
    return true;
}

static void work(void *job, void *codec)
{
    struct c2_cache_count *count = job;
    struct cat2_error err;

    (void)codec;
    count->ok = c2_fs_walk(count->fd, visit, count, &err);
    if (!count->ok) c2_log_debug("the size of the cache is not known: %s", err.message);
}

static void done(void *job)
{
    struct c2_cache_count *count = job;

    if (count->sub) {
        count->sub->cache.counting = NULL;
        if (count->ok) c2_sub_cache_counted(count->sub, count->nbytes, count->at);
    }
    close(count->fd);
    free(count);
}

static void count_now(void *ctx)
{
    struct c2_subscriber *sub = ctx;
    bool same = sub->cache.counted && sub->cache.nbytes_at == sub->bytes_fetched;
    struct c2_cache_count *count = same || sub->cache.counting ? NULL : calloc(1, sizeof(*count));

    if (!count) return;
    count->sub = sub;
    count->at = sub->bytes_fetched;
    count->fd = fcntl(sub->cachefd, F_DUPFD_CLOEXEC, 0);
    if (count->fd < 0) {
        free(count);
        return;
    }
    sub->cache.counting = count;
    c2_pool_run_low(sub->config.pool, work, done, count);
}

void c2_sub_cache_count_start(struct c2_subscriber *sub)
{
    count_now(sub);
    if (sub->config.quota <= 0)
        sub->cache.timer = c2_timer_start(sub->config.loop, COUNT_MS, COUNT_MS, count_now, sub);
}

void c2_sub_cache_count_stop(struct c2_subscriber *sub)
{
    c2_timer_stop(sub->cache.timer);
    sub->cache.timer = NULL;
    if (sub->cache.counting) sub->cache.counting->sub = NULL;
    sub->cache.counting = NULL;
}

void c2_sub_cache_counted(struct c2_subscriber *sub, int64_t nbytes, int64_t at)
{
    sub->cache.counted = true;
    sub->cache.nbytes = nbytes;
    sub->cache.nbytes_at = at;
}

int64_t c2_sub_cache_nbytes(const struct c2_subscriber *sub)
{
    return sub->cache.nbytes + sub->bytes_fetched - sub->cache.nbytes_at;
}
