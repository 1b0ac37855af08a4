/* SPDX-License-Identifier: BSD-3-Clause */
/* Landlock, by its system calls: distributions' headers know its first versions only. */
#include "helper/confine.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define VERSION_FLAG 1u

/* Numbers of the kernel's interface (Documentation/userspace-api/landlock). */
#define FS_EXECUTE  (1u << 0)
#define FS_WRITE    (1u << 1)
#define FS_REMOVE   (3u << 4)    /* directories, files */
#define FS_MAKE     (0x7fu << 6) /* devices, directories, files, sockets, pipes, links */
#define FS_TRUNCATE (1u << 14)
#define NET_TCP     3u /* bind, connect */
#define SCOPE_ALL   3u /* abstract sockets, signals */

#define SINCE_TRUNCATE 3
#define SINCE_NET      4
#define SINCE_SCOPE    6

struct ruleset {
    uint64_t fs, net, scope;
};

static void limit(unsigned what, rlim_t most)
{
    struct rlimit value = {most, most};

    setrlimit(what, &value); /* a lower limit that is there already stays */
}

static void set_limits(uint64_t memory_max)
{
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_NOFILE, 64);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) /* they map terabytes */
    (void)memory_max;
#else
    limit(RLIMIT_AS, memory_max);
#endif
}

bool c2_confine(uint64_t memory_max)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, VERSION_FLAG);
    struct ruleset rules = {.fs = FS_EXECUTE | FS_WRITE | FS_REMOVE | FS_MAKE};
    unsigned long n = sizeof(uint64_t);

    set_limits(memory_max);
    if (version < 1) return false;
    if (version >= SINCE_TRUNCATE) rules.fs |= FS_TRUNCATE;
    if (version >= SINCE_NET) {
        rules.net = NET_TCP;
        n = 2 * sizeof(uint64_t);
    }
    if (version >= SINCE_SCOPE) {
        rules.scope = SCOPE_ALL;
        n = sizeof(rules);
    }
    int fd = (int)syscall(SYS_landlock_create_ruleset, &rules, n, 0);
    if (fd < 0) return false;
    bool ok = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(SYS_landlock_restrict_self, fd, 0) == 0;
    close(fd);
    return ok;
}
