/* SPDX-License-Identifier: BSD-3-Clause */
/* Is the cache's disk well again? A subscriber that nobody asks for anything new would not know: so a file is
 * written to the folder now and then, and removed. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/health.h"
#include "subscriber/fetch/pass_on.h"

#define PROBE_MS     2000      /* a disk is well again in minutes, and writing a file is cheap */
#define PROBE_NBYTES (1 << 20) /* a cache file of some chunks */

static const char NOT_WRITTEN[] = "cache-not-written"; /* the condition */
static const char NAME[] = ".probe";

struct c2_cache_probe {
    struct c2_subscriber *sub; /* NULL: stopped meanwhile */
    int dirfd;
    bool ok;
};

static bool write_file(int dirfd)
{
    uint8_t *block = calloc(1, PROBE_NBYTES);
    int fd = openat(dirfd, NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct cat2_error ignored;

    bool ok = block && fd >= 0 && c2_fs_pwrite(fd, block, PROBE_NBYTES, 0, &ignored) && fdatasync(fd) == 0;
    if (fd >= 0) close(fd);
    unlinkat(dirfd, NAME, 0);
    free(block);
    return ok;
}

static void probe_work(void *job, void *local)
{
    struct c2_cache_probe *probe = job;

    (void)local;
    probe->ok = write_file(probe->dirfd);
}

static void probe_done(void *job)
{
    struct c2_cache_probe *probe = job;
    struct c2_subscriber *sub = probe->sub;

    if (sub) sub->open.probe = NULL;
    if (sub && probe->ok) {
        c2_health_set(NOT_WRITTEN, NULL);
        c2_timer_stop(sub->open.probe_timer);
        sub->open.probe_timer = NULL;
    }
    close(probe->dirfd);
    free(probe);
}

static void on_probe_time(void *ctx)
{
    struct c2_subscriber *sub = ctx;
    struct c2_cache_probe *probe = sub->open.probe ? NULL : calloc(1, sizeof(*probe));

    if (!probe) return;
    *probe = (struct c2_cache_probe){.sub = sub, .dirfd = fcntl(sub->cachefd, F_DUPFD_CLOEXEC, 0)};
    if (probe->dirfd < 0) {
        free(probe);
        return;
    }
    sub->open.probe = probe;
    c2_pool_run_low(sub->config.pool, probe_work, probe_done, probe);
}

void c2_cache_probe_start(struct c2_subscriber *sub, const char *why)
{
    c2_health_set(NOT_WRITTEN, why);
    if (!sub->open.probe_timer && !sub->stopping)
        sub->open.probe_timer = c2_timer_start(sub->config.loop, PROBE_MS, PROBE_MS, on_probe_time, sub);
}

void c2_cache_probe_stop(struct c2_subscriber *sub)
{
    c2_timer_stop(sub->open.probe_timer);
    sub->open.probe_timer = NULL;
    if (sub->open.probe) sub->open.probe->sub = NULL;
    sub->open.probe = NULL;
    c2_health_set(NOT_WRITTEN, NULL);
}
