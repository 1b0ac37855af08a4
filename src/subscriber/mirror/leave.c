/* SPDX-License-Identifier: BSD-3-Clause */
/* Following a root no more. Its cache folder is moved aside at once, so that a new following starts with an
 * empty one, and removed by a worker; what a killed process left aside goes at the next start. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/log_share.h"
#include "subscriber/mirror/follow.h"
#include "subscriber/mirror/names_so_far.h"
#include "subscriber/mirror/roots.h"

#define ASIDE "gone" /* beneath the state directory */

static bool remove_file(void *ctx, const char *rel, const struct stat *st, struct cat2_error *err)
{
    int *dirfd = ctx;

    (void)st;
    return c2_fs_remove(*dirfd, rel, err);
}

static void clear_work(void *job, void *codec)
{
    int *dirfd = job;
    struct cat2_error err;

    (void)codec;
    if (!c2_fs_walk(*dirfd, remove_file, dirfd, &err)) c2_log_warn("cache: %s", err.message);
}

static void clear_done(void *job)
{
    int *dirfd = job;

    close(*dirfd);
    free(dirfd);
}

void c2_sub_clear_aside(struct c2_subscriber *sub)
{
    int *dirfd = malloc(sizeof(*dirfd));

    if (!dirfd) return;
    *dirfd = openat(sub->statefd, ASIDE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*dirfd < 0)
        free(dirfd);
    else
        c2_pool_run_low(sub->config.pool, clear_work, clear_done, dirfd);
}

static bool move_aside(struct c2_subscriber *sub, const char *root, struct cat2_error *err)
{
    char name[64];

    if (mkdirat(sub->statefd, ASIDE, 0777) != 0 && errno != EEXIST)
        return c2_fail_errno(err, errno, "folder " ASIDE);
    snprintf(name, sizeof(name), ASIDE "/%lld-%llu", (long long)getpid(), (unsigned long long)++sub->serials);
    if (renameat(sub->cachefd, root, sub->statefd, name) == 0 || errno == ENOENT) return true;
    return c2_fail_errno(err, errno, "cache of root");
}

/* Many datasets go in later turns of the loop. The mark makes them go at the next start at the latest. */
static bool forget_datasets(struct c2_root_state *root, struct c2_str prefix, struct cat2_error *err)
{
    if (root->n > C2_SAVED_AT_ONCE) return c2_sub_mark_unsaved(root, err);
    return c2_state_del_prefix(root->sub->state, "datasets", prefix, err);
}

bool c2_sub_leave(struct c2_root_state *root, struct cat2_error *err)
{
    struct c2_subscriber *sub = root->sub;
    C2_AUTO(c2_buf) prefix = C2_BUF_INIT(1024);
    struct cat2_error why;

    if (!move_aside(sub, root->root.name, err) || !c2_buf_printf(&prefix, err, "%s/", root->root.name) ||
        !forget_datasets(root, c2_buf_str(&prefix), err) ||
        !c2_state_del_prefix(sub->state, "attrs", c2_buf_str(&prefix), err) ||
        !c2_state_del(sub->state, "attrs", c2_str_of(root->root.name), err))
        return false;
    c2_follow_stop(root);
    c2_sub_drop_all(root, root->n > C2_SAVED_AT_ONCE);
    root->retries = root->retry_s = 0;
    root->listed_ms = root->attrs_nbytes = 0;
    root->speaks_pieces = root->hashed = false;
    c2_sub_so_far_clear(root);
    c2_root_event(root, C2_ROOT_ON_LEAVE);
    c2_sub_save_root(root);
    c2_mirror_tell(root, NULL, NULL);
    c2_sub_clear_aside(sub);
    c2_log_some(C2_INFO, "left root=%s", root->root.name);
    c2_fail(&why, CAT2_ECANCELLED, C2_FOLLOW_LEFT);
    c2_sub_tell_waiters(root, &why);
    return true;
}
