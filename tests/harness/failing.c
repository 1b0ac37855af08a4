/* SPDX-License-Identifier: BSD-3-Clause */
/* Loaded before libc (LD_PRELOAD): calls that fail on demand. C2_FAILING names a file of one struct control,
 * which a test writes and reads through a mapping of its own: it arms the layer at any time, and sees how
 * many such calls there were and whether one failed. recording.c writes down what reaches the disk. */
#include "failing.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* tests/harness/failing.py has the same. */
enum kind { NONE, OPEN, READ, WRITE, SYNC, RENAME, MMAP, TRUNCATE, DESCRIPTOR, MALLOC };
struct control {
    _Atomic int64_t nth; /* the call that fails, from 1; 0: none */
    int32_t kind, error;
    int32_t forever; /* 1: those after it, too; N > 1: each N-th of those after it */
    int32_t pad;
    int64_t skip_lo, skip_hi; /* code of the program whose allocations always succeed, as offsets */
    _Atomic int64_t count, failed;
    char what[64];          /* the call that failed first */
    _Atomic int64_t jump_s; /* by so much the wall clock is wrong */
    char only[32];          /* of calls for descriptors of files those with this in the name; "": all */
};

static struct control *control;
static uintptr_t text_lo, text_hi, base; /* of the program itself */

static int find_program(struct dl_phdr_info *info, size_t size, void *ctx)
{
    (void)size;
    (void)ctx;
    base = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || !(part->p_flags & PF_X)) continue;
        text_lo = base + part->p_vaddr;
        text_hi = text_lo + part->p_memsz;
    }
    return 1; /* the first is the program */
}

__attribute__((constructor)) static void start(void)
{
    const char *path = getenv("C2_FAILING");

    recording_start();
    dl_iterate_phdr(find_program, NULL);
    if (!path) return;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    void *map = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    if (map != MAP_FAILED) control = map;
}

static bool fails(enum kind kind, const char *what)
{
    struct control *c = control;

    if (!c) return false;
    int64_t nth = atomic_load(&c->nth);
    if (nth == 0 || c->kind != (int32_t)kind) return false;
    int64_t n = atomic_fetch_add(&c->count, 1) + 1;
    if (n != nth && (n < nth || !c->forever || (n - nth) % c->forever != 0)) return false;
    if (atomic_fetch_add(&c->failed, 1) == 0) strncpy(c->what, what, sizeof(c->what) - 1);
    errno = c->error;
    return true;
}

static bool is_meant(int fd)
{
    char link[40], name[4096];

    if (!control->only[0]) return true;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, name, sizeof(name) - 1);
    name[n < 0 ? 0 : n] = '\0';
    return strstr(name, control->only);
}

/* Sockets and pipes are read and written, too; the fault proxy is for them. The log is left alone. */
static bool is_file(int fd)
{
    struct stat st;
    int saved = errno;
    bool is = control && atomic_load(&control->nth) && fd > 2 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
              is_meant(fd);

    errno = saved;
    return is;
}

/* An allocation of our own code? Of libraries those that do not look are not few. */
static bool is_ours(const void *caller)
{
    uintptr_t at = (uintptr_t)caller;

    if (!control || at < text_lo || at >= text_hi) return false;
    at -= base;
    return (int64_t)at < control->skip_lo || (int64_t)at >= control->skip_hi;
}

/* ---- open ---- */
/* On a file system that is read only, reading goes on. */
static bool open_fails(const char *path, int flags)
{
    bool writes = flags & (O_WRONLY | O_RDWR | O_CREAT);

    if (control && control->error == EROFS && !writes) return false;
    return fails(OPEN, path);
}

#define MODE(flags)                                                                                          \
    mode_t mode = 0;                                                                                         \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                                                                   \
        va_list args;                                                                                        \
        va_start(args, flags);                                                                               \
        mode = va_arg(args, mode_t);                                                                         \
        va_end(args);                                                                                        \
    }

static int open_at(int dirfd, const char *path, int flags, mode_t mode)
{
    if (open_fails(path, flags)) return -1;
    struct recorded r = recording_begin(flags & (O_WRONLY | O_RDWR));
    int fd = (int)syscall(SYS_openat, dirfd, path, flags, mode);
    recording_opened(&r, dirfd, path, flags, fd);
    return fd;
}

int open(const char *path, int flags, ...)
{
    MODE(flags)
    return open_at(AT_FDCWD, path, flags, mode);
}

int openat(int dirfd, const char *path, int flags, ...)
{
    MODE(flags)
    return open_at(dirfd, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    MODE(flags)
    return open_at(AT_FDCWD, path, flags, mode);
}

int openat64(int dirfd, const char *path, int flags, ...)
{
    MODE(flags)
    return open_at(dirfd, path, flags, mode);
}

int __open_2(const char *path, int flags)
{
    return open_at(AT_FDCWD, path, flags, 0);
}

int __open64_2(const char *path, int flags)
{
    return open_at(AT_FDCWD, path, flags, 0);
}

/* openat2 has no function in libc. */
long syscall(long number, ...)
{
    static long (*real)(long, ...);
    long a[6];
    va_list args;

    va_start(args, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(args, long);
    va_end(args);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "syscall");
    if (number != SYS_openat2) return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    int flags = (int)*(uint64_t *)a[2]; /* struct open_how begins with them */
    if (open_fails((const char *)a[1], flags)) return -1;
    struct recorded r = recording_begin(flags & (O_WRONLY | O_RDWR));
    long fd = real(number, a[0], a[1], a[2], a[3], 0L, 0L);
    recording_opened(&r, (int)a[0], (const char *)a[1], flags, (int)fd);
    return fd;
}

/* ---- bytes ---- */
ssize_t pread(int fd, void *to, size_t n, off_t off)
{
    return is_file(fd) && fails(READ, "pread") ? -1 : syscall(SYS_pread64, fd, to, n, off);
}

ssize_t pread64(int fd, void *to, size_t n, off_t off)
{
    return pread(fd, to, n, off);
}

ssize_t read(int fd, void *to, size_t n)
{
    return is_file(fd) && fails(READ, "read") ? -1 : syscall(SYS_read, fd, to, n);
}

ssize_t pwrite(int fd, const void *from, size_t n, off_t off)
{
    if (is_file(fd) && fails(WRITE, "pwrite")) return -1;
    struct recorded r = recording_begin(true);
    ssize_t done = syscall(SYS_pwrite64, fd, from, n, off);
    recording_wrote(&r, fd, from, done, off);
    return done;
}

ssize_t pwrite64(int fd, const void *from, size_t n, off_t off)
{
    return pwrite(fd, from, n, off);
}

ssize_t write(int fd, const void *from, size_t n)
{
    if (is_file(fd) && fails(WRITE, "write")) return -1;
    struct recorded r = recording_begin(fd > 2);
    off_t off = r.on ? lseek(fd, 0, SEEK_CUR) : 0;
    ssize_t done = syscall(SYS_write, fd, from, n);
    recording_wrote(&r, fd, from, off < 0 ? -1 : done, off);
    return done;
}

int ftruncate(int fd, off_t size)
{
    if (fails(TRUNCATE, "ftruncate")) return -1;
    struct recorded r = recording_begin(true);
    int status = (int)syscall(SYS_ftruncate, fd, size);
    recording_sized(&r, fd, size, status);
    return status;
}

int ftruncate64(int fd, off_t size)
{
    return ftruncate(fd, size);
}

int fallocate(int fd, int mode, off_t off, off_t n)
{
    if (fails(TRUNCATE, "fallocate")) return -1;
    struct recorded r = recording_begin(true);
    int status = (int)syscall(SYS_fallocate, fd, mode, off, n);
    recording_punched(&r, fd, off, n, status);
    return status;
}

static int sync_fd(int fd, const char *what)
{
    if (fails(SYNC, what)) return -1;
    struct recorded r = recording_begin(true);
    recording_synced(&r, fd); /* the files of tests are in memory or may be: nothing is waited for */
    return 0;
}

int fsync(int fd)
{
    return sync_fd(fd, "fsync");
}

int fdatasync(int fd)
{
    return sync_fd(fd, "fdatasync");
}

/* ---- names ---- */
int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    if (fails(RENAME, to)) return -1;
    struct recorded r = recording_begin(true);
    int status = (int)syscall(SYS_renameat, from_dir, from, to_dir, to);
    recording_renamed(&r, from_dir, from, to_dir, to, status);
    return status;
}

int rename(const char *from, const char *to)
{
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int unlinkat(int dirfd, const char *path, int flags)
{
    struct recorded r = recording_begin(true);
    int status = (int)syscall(SYS_unlinkat, dirfd, path, flags);
    recording_unlinked(&r, dirfd, path, status);
    return status;
}

int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
    return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int mkdirat(int dirfd, const char *path, mode_t mode)
{
    if (fails(OPEN, path)) return -1;
    struct recorded r = recording_begin(true);
    int status = (int)syscall(SYS_mkdirat, dirfd, path, mode);
    recording_made(&r, dirfd, path, status);
    return status;
}

int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

/* ---- memory ---- */
void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t off)
{
    if (fails(MMAP, "mmap")) return MAP_FAILED;
    return (void *)syscall(SYS_mmap, at, n, prot, flags, fd, off); // NOLINT
}

void *mmap64(void *at, size_t n, int prot, int flags, int fd, off_t off)
{
    return mmap(at, n, prot, flags, fd, off);
}

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n)
{
    return is_ours(__builtin_return_address(0)) && fails(MALLOC, "malloc") ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    return is_ours(__builtin_return_address(0)) && fails(MALLOC, "calloc") ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    return is_ours(__builtin_return_address(0)) && fails(MALLOC, "realloc") ? NULL : __libc_realloc(p, n);
}

/* ---- descriptors ---- */
int socket(int domain, int type, int protocol)
{
    return fails(DESCRIPTOR, "socket") ? -1 : (int)syscall(SYS_socket, domain, type, protocol);
}

int accept4(int fd, struct sockaddr *restrict from, socklen_t *restrict n, int flags)
{
    return fails(DESCRIPTOR, "accept4") ? -1 : (int)syscall(SYS_accept4, fd, from, n, flags);
}

int pipe2(int fds[2], int flags)
{
    return fails(DESCRIPTOR, "pipe2") ? -1 : (int)syscall(SYS_pipe2, fds, flags);
}

int socketpair(int domain, int type, int protocol, int fds[2])
{
    return fails(DESCRIPTOR, "socketpair") ? -1 : (int)syscall(SYS_socketpair, domain, type, protocol, fds);
}

int eventfd(unsigned int start_at, int flags)
{
    return fails(DESCRIPTOR, "eventfd") ? -1 : (int)syscall(SYS_eventfd2, start_at, flags);
}

int epoll_create1(int flags)
{
    return fails(DESCRIPTOR, "epoll_create1") ? -1 : (int)syscall(SYS_epoll_create1, flags);
}

int inotify_init1(int flags)
{
    return fails(DESCRIPTOR, "inotify_init1") ? -1 : (int)syscall(SYS_inotify_init1, flags);
}

int inotify_add_watch(int fd, const char *path, uint32_t mask)
{
    return fails(DESCRIPTOR, "inotify_add_watch") ? -1 : (int)syscall(SYS_inotify_add_watch, fd, path, mask);
}

int dup(int fd)
{
    return fails(DESCRIPTOR, "dup") ? -1 : (int)syscall(SYS_dup, fd);
}

int fcntl(int fd, int what, ...)
{
    va_list args;

    va_start(args, what);
    void *arg = va_arg(args, void *);
    va_end(args);
    if ((what == F_DUPFD || what == F_DUPFD_CLOEXEC) && fails(DESCRIPTOR, "fcntl")) return -1;
    return (int)syscall(SYS_fcntl, fd, what, arg);
}

/* ---- the time of day ---- */
int clock_gettime(clockid_t which, struct timespec *now)
{
    int status = (int)syscall(SYS_clock_gettime, which, now);

    if (control && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE))
        now->tv_sec += atomic_load(&control->jump_s);
    return status;
}

time_t time(time_t *to)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (to) *to = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict to, void *restrict zone)
{
    struct timespec now;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    *to = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}
