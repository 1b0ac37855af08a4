/* SPDX-License-Identifier: BSD-3-Clause */
/* What is open whatever happens comes first, the rest is shared out between clients and what they read. */
#include "base/fds.h"

#include <dirent.h>
#include <limits.h>
#include <sys/resource.h>

#include "base/limits.h"

/* What is open whatever is asked for. */
#define OWN          40 /* stdio, event loop, a server's own, state, folders, plugins, resolving names */
#define OF_A_ROOT    18 /* a server of its own, state, folders, inotify, two cat2h5 */
#define OF_A_THREAD  3  /* files looked at for a moment */
#define OF_A_FRONT   8  /* two epolls, what wakes them, the listening socket */
#define OF_A_CACHE   3  /* data, sidecar, and one to send it from */
#define OF_AN_ITEM   3  /* its file, its frame, and one to send it from */
#define UPSTREAM_MIN 16
#define UPSTREAM_MAX 256
#define CACHES_MIN   4
#define CACHES_MAX   1024 /* mapped sidecars and indexes of that many datasets stay in memory */
#define ITEMS_MIN    4
#define ITEMS_MAX    1024
#define CLIENTS_MIN  8

int c2_fds_raise(void)
{
    struct rlimit now;

    if (getrlimit(RLIMIT_NOFILE, &now) != 0) return 256;
    if (now.rlim_cur < now.rlim_max) {
        struct rlimit more = {now.rlim_max, now.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &more) == 0) now = more;
    }
    return now.rlim_cur > INT_MAX ? INT_MAX : (int)now.rlim_cur;
}

static int clamp(int64_t value, int low, int high)
{
    return (int)(value < low ? low : value > high ? high : value);
}

struct c2_fds_plan c2_fds_share(int limit, const struct c2_fds_use *use)
{
    struct c2_fds_plan plan = {.limit = limit};
    int64_t fixed = OWN + (int64_t)OF_A_ROOT * use->nroots + (int64_t)OF_A_THREAD * use->nthreads +
                    (int64_t)OF_A_FRONT * use->nfronts;
    int nholders = use->caches + (use->nroots > 0);

    plan.upstream = clamp(limit / 8, UPSTREAM_MIN, UPSTREAM_MAX);
    int64_t rest = limit - fixed - plan.upstream;
    int64_t held = nholders ? rest / 2 / nholders : 0; /* by cache files; by published datasets */
    if (use->caches) plan.caches = clamp(held / OF_A_CACHE, CACHES_MIN, CACHES_MAX);
    if (use->nroots) plan.items = clamp(held / OF_AN_ITEM, ITEMS_MIN, ITEMS_MAX);
    if (use->nroots) plan.kept = clamp(plan.items / 2 / use->nroots, 1, plan.items);
    rest -= (int64_t)OF_A_CACHE * plan.caches + (int64_t)OF_AN_ITEM * plan.items;
    plan.connections = clamp(rest, CLIENTS_MIN, C2_CONNECTIONS_MAX);
    plan.tight = rest < CLIENTS_MIN;
    return plan;
}

int c2_fds_open(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = -3; /* ".", "..", and what this looks through */

    if (!dir) return -1;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

void c2_fds_metrics(struct c2_metrics *m)
{
    struct rlimit limit = {0};

    getrlimit(RLIMIT_NOFILE, &limit);
    c2_metrics_gauge(m, "process_open_fds", c2_fds_open(), "File descriptors that are open.");
    c2_metrics_gauge(m, "process_max_fds", (double)limit.rlim_cur, "File descriptors that may be open.");
}
