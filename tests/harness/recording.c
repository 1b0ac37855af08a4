/* SPDX-License-Identifier: BSD-3-Clause */
/* C2_RECORDING names a file; what changes files beneath C2_RECORDING_UNDER is appended to it, for
 * power_loss.py. A record: a letter, the inode, two numbers, the lengths of two names and of the bytes, then
 * these.
 *
 *   O inode NAME          opened for writing, and perhaps made          W inode OFF BYTES   written
 *   T inode SIZE          cut or made longer                            P inode OFF N       a hole
 *   S inode               synced (a file or a directory)                R NAME TO           renamed
 *   U NAME                unlinked                                      D NAME              a directory made
 */
#include "failing.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct record {
    uint64_t what, inode;
    int64_t a, b;
    uint32_t name_n, to_n;
    uint64_t nbytes;
};

static int log_fd = -1;
static char under[4096];
static size_t under_n;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void recording_start(void)
{
    const char *path = getenv("C2_RECORDING"), *beneath = getenv("C2_RECORDING_UNDER");

    if (!path || !beneath || strlen(beneath) >= sizeof(under)) return;
    under_n = strlen(beneath);
    memcpy(under, beneath, under_n);
    log_fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

struct recorded recording_begin(int wanted)
{
    if (log_fd < 0 || !wanted) return (struct recorded){false};
    pthread_mutex_lock(&lock);
    return (struct recorded){true};
}

/* The name beneath the directory that is recorded; NULL: elsewhere. */
static const char *beneath(const char *path)
{
    if (strncmp(path, under, under_n) != 0 || (path[under_n] != '/' && path[under_n] != '\0')) return NULL;
    return path[under_n] ? path + under_n + 1 : "";
}

static const char *name_of_fd(int fd, char to[4096])
{
    char link[64];

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    long n = syscall(SYS_readlinkat, AT_FDCWD, link, to, 4095);
    if (n < 0) return NULL;
    to[n] = '\0';
    return beneath(to);
}

static const char *name_at(int dirfd, const char *path, char to[4096])
{
    char dir[4096];
    long n = 0;

    if (path[0] == '/') return beneath(path);
    if (dirfd == AT_FDCWD) {
        n = syscall(SYS_getcwd, dir, sizeof(dir)) - 1; /* with its NUL */
    } else {
        snprintf(to, 64, "/proc/self/fd/%d", dirfd);
        n = syscall(SYS_readlinkat, AT_FDCWD, to, dir, sizeof(dir) - 1);
    }
    if (n < 0 || n + (long)strlen(path) + 2 > 4096) return NULL;
    memcpy(to, dir, (size_t)n);
    snprintf(to + n, 4096 - (size_t)n, "/%s", path);
    return beneath(to);
}

static void put(const void *p, size_t n)
{
    if (n > 0 && syscall(SYS_write, log_fd, p, n) != (long)n)
        abort(); /* a record with holes proves nothing */
}

static void record(struct record head, const char *name, const char *to, const void *bytes)
{
    head.name_n = (uint32_t)strlen(name);
    head.to_n = (uint32_t)strlen(to);
    put(&head, sizeof(head));
    put(name, head.name_n);
    put(to, head.to_n);
    put(bytes, head.nbytes);
}

/* Of a descriptor: is it one of the files, and which? */
static bool known(int fd, uint64_t *inode, char name[4096])
{
    struct stat st;

    if (fd <= 2 || fstat(fd, &st) != 0 || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))) return false;
    *inode = st.st_ino;
    return name_of_fd(fd, name) != NULL;
}

static void end(const struct recorded *r, int saved)
{
    if (r->on) pthread_mutex_unlock(&lock);
    errno = saved;
}

static void about_fd(const struct recorded *r, int fd, struct record head, const void *bytes)
{
    char name[4096];
    int saved = errno;

    if (r->on && known(fd, &head.inode, name)) record(head, "", "", bytes);
    end(r, saved);
}

void recording_opened(struct recorded *r, int dirfd, const char *path, int flags, int fd)
{
    struct record head = {.what = 'O'};
    char name[4096];
    int saved = errno;

    (void)dirfd;
    (void)path;
    if (r->on && fd >= 0 && (flags & O_TMPFILE) != O_TMPFILE && known(fd, &head.inode, name)) {
        record(head, beneath(name), "", NULL);
        if (flags & O_TRUNC) record((struct record){.what = 'T', .inode = head.inode}, "", "", NULL);
    }
    end(r, saved);
}

void recording_wrote(struct recorded *r, int fd, const void *from, ssize_t n, off_t off)
{
    struct recorded nothing = {r->on && n > 0};

    if (r->on && n <= 0) return end(r, errno);
    about_fd(&nothing, fd, (struct record){.what = 'W', .a = off, .nbytes = n > 0 ? (uint64_t)n : 0}, from);
}

void recording_sized(struct recorded *r, int fd, off_t size, int status)
{
    if (status != 0) return end(r, errno);
    about_fd(r, fd, (struct record){.what = 'T', .a = size}, NULL);
}

void recording_punched(struct recorded *r, int fd, off_t off, off_t n, int status)
{
    if (status != 0) return end(r, errno);
    about_fd(r, fd, (struct record){.what = 'P', .a = off, .b = n}, NULL);
}

void recording_synced(struct recorded *r, int fd)
{
    about_fd(r, fd, (struct record){.what = 'S'}, NULL);
}

void recording_renamed(struct recorded *r, int from_dir, const char *from, int to_dir, const char *to,
                       int status)
{
    char from_name[4096], to_name[4096];
    int saved = errno;

    if (r->on && status == 0) {
        const char *a = name_at(from_dir, from, from_name), *b = name_at(to_dir, to, to_name);
        if (a && b) record((struct record){.what = 'R'}, a, b, NULL);
    }
    end(r, saved);
}

static void about_name(const struct recorded *r, char what, int dirfd, const char *path, int status)
{
    char to[4096];
    int saved = errno;
    const char *name = r->on && status == 0 ? name_at(dirfd, path, to) : NULL;

    if (name) record((struct record){.what = (uint64_t)what}, name, "", NULL);
    end(r, saved);
}

void recording_unlinked(struct recorded *r, int dirfd, const char *path, int status)
{
    about_name(r, 'U', dirfd, path, status);
}

void recording_made(struct recorded *r, int dirfd, const char *path, int status)
{
    about_name(r, 'D', dirfd, path, status);
}
