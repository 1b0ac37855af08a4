/* SPDX-License-Identifier: BSD-3-Clause */
/* Landlock, by its system calls: distributions' headers know its first versions only. */
#include "helper/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/beside.h"
#include "base/str.h"
#include "helper/syscalls.h"

#define VERSION_FLAG 1u

/* Numbers of the kernel's interface (Documentation/userspace-api/landlock). */
#define FS_EXECUTE  (1u << 0)
#define FS_WRITE    (1u << 1)
#define FS_READ     (1u << 2)
#define FS_READ_DIR (1u << 3)
#define FS_REMOVE   (3u << 4)    /* directories, files */
#define FS_MAKE     (0x7fu << 6) /* devices, directories, files, sockets, pipes, links */
#define FS_TRUNCATE (1u << 14)
#define NET_TCP     3u /* bind, connect */
#define SCOPE_ALL   3u /* abstract sockets, signals */

#define RULE_BENEATH 1

#define SINCE_TRUNCATE 3
#define SINCE_NET      4
#define SINCE_SCOPE    6

struct ruleset {
    uint64_t fs, net, scope;
};
struct beneath {
    uint64_t allowed;
    int32_t fd;
} __attribute__((packed));

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

/* ---- what may be read ---- */

/* What is not there needs no rule. */
static void let_read(int rules, const char *path)
{
    struct beneath rule = {.allowed = FS_READ, .fd = open(path, O_PATH | O_CLOEXEC)};
    struct stat st;

    if (rule.fd < 0) return;
    if (fstat(rule.fd, &st) == 0 && S_ISDIR(st.st_mode)) rule.allowed |= FS_READ_DIR;
    syscall(SYS_landlock_add_rule, rules, RULE_BENEATH, &rule, 0);
    close(rule.fd);
}

static void let_read_each(int rules, const char *variable)
{
    const char *list = getenv(variable);
    struct c2_str rest = c2_str_of(list ? list : ""), folder;
    char path[PATH_MAX];

    for (bool more = rest.n > 0; more;) {
        more = c2_str_cut(rest, ':', &folder, &rest);
        if (folder.n && snprintf(path, sizeof(path), "%.*s", C2_STR_ARG(folder)) < PATH_MAX)
            let_read(rules, path);
    }
}

static void let_read_all(int rules, const char *folder)
{
    static const char *const always[] = {
        "/usr",      "/lib",         "/lib64",     "/etc/ld.so.cache",        "/dev/null",
        "/dev/zero", "/dev/urandom", "/proc/self", "/sys/devices/system/cpu", "/proc/cpuinfo",
        "/nix/store"};
    static const char *const beside[] = {"", "../lib/"}, *const named[] = {"LD_LIBRARY_PATH",
                                                                           "HDF5_PLUGIN_PATH",
                                                                           "CATERVA2_CODEC_PATH"};
    char path[PATH_MAX];

    let_read(rules, folder);
    for (size_t i = 0; i < C2_ARRAY_LEN(always); i++)
        let_read(rules, always[i]);
    for (size_t i = 0; i < C2_ARRAY_LEN(beside); i++) {
        c2_beside_program(beside[i], ".", path);
        let_read(rules, path);
    }
    for (size_t i = 0; i < C2_ARRAY_LEN(named); i++)
        let_read_each(rules, named[i]);
}

static bool use_landlock(const char *readable)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, VERSION_FLAG);
    struct ruleset rules = {.fs = FS_EXECUTE | FS_WRITE | FS_REMOVE | FS_MAKE};
    unsigned long n = sizeof(uint64_t);

    if (version < 1) return false;
    if (readable) rules.fs |= FS_READ | FS_READ_DIR;
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
    if (readable) let_read_all(fd, readable);
    bool ok = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(SYS_landlock_restrict_self, fd, 0) == 0;
    int errnum = errno;
    close(fd);
    errno = errnum;
    return ok;
}

void c2_confine(uint64_t memory_max, const char *readable)
{
    const char *why;

    set_limits(memory_max);
    bool landlock = use_landlock(readable);
    if (!landlock) fprintf(stderr, "not confined by Landlock: %s\n", strerror(errno));
    if (!c2_syscalls_restrict(landlock, &why)) fprintf(stderr, "no filter of system calls: %s\n", why);
}
