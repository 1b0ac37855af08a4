/* SPDX-License-Identifier: BSD-3-Clause */
/* Files beneath a directory. openat2(RESOLVE_BENEATH) lets the kernel judge links and "..". */
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/limits.h"

#define TREE_FDS 16 /* that a removal keeps open */

/* Without openat2 (before Linux 5.6, or a sandbox that forbids it): part by part, and no links at all. */
static int open_by_parts(int dirfd, const char *rel, int flags, mode_t mode)
{
    struct c2_str rest = c2_str_of(rel), part;
    char name[C2_PATH_MAX + 1];
    int at = dirfd, fd;

    for (;;) {
        bool last = !c2_str_cut(rest, '/', &part, &rest);
        memcpy(name, part.p, part.n); /* c2_path_check() has been here */
        name[part.n] = '\0';
        fd = last ? openat(at, name, flags | O_NOFOLLOW | O_CLOEXEC, mode)
                  : openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int errnum = errno;
        if (at != dirfd) close(at);
        errno = errnum;
        if (last || fd < 0) return fd;
        at = fd;
    }
}

int c2_fs_open_beneath(int dirfd, const char *rel, int flags)
{
    struct open_how how = {.flags = (unsigned)(flags | O_CLOEXEC),
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};

    if ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE) how.mode = 0666;
    long fd = syscall(SYS_openat2, dirfd, rel, &how, sizeof(how));
    if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return (int)fd;
    struct cat2_error ignored;
    if (c2_path_check(c2_str_of(rel), &ignored)) /* ".." is only the kernel's to judge */
        return open_by_parts(dirfd, rel, flags, (mode_t)how.mode);
    errno = EXDEV;
    return -1;
}

int c2_fs_open(int dirfd, const char *rel, int flags, struct cat2_error *err)
{
    if (!c2_path_check(c2_str_of(rel), err)) return -1;
    int fd = c2_fs_open_beneath(dirfd, rel, flags);
    if (fd >= 0) return fd;
    if (errno == EXDEV) {
        c2_fail(err, CAT2_EINVAL, "%.160s: leads out of its directory", rel);
        return -1;
    }
    c2_fail_errno(err, errno, "%.160s", rel);
    return -1;
}

int c2_fs_open_nameless(int dirfd, const char *dir)
{
    return openat(dirfd, dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

bool c2_fs_mkparents(int dirfd, const char *rel, struct cat2_error *err)
{
    char path[C2_PATH_MAX + 1];
    struct c2_str whole = c2_str_of(rel);

    if (!c2_path_check(whole, err)) return false;
    memcpy(path, rel, whole.n + 1);
    for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdirat(dirfd, path, 0777) != 0 && errno != EEXIST)
            return c2_fail_errno(err, errno, "cannot create %.120s", path);
        *slash = '/';
    }
    return true;
}

/* mkdir -p of an ordinary path, which may be absolute. */
static bool make_dirs(const char *path, struct cat2_error *err)
{
    char part[4096];
    size_t n = strlen(path);

    if (n >= sizeof(part))
        return c2_fail(err, CAT2_ELIMIT, "path is longer than %zu bytes", sizeof(part) - 1);
    memcpy(part, path, n + 1);
    for (char *at = part + 1; n > 0; at++) {
        bool last = *at == '\0';
        if (!last && *at != '/') continue;
        *at = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return c2_fail_errno(err, errno, "cannot create %.120s", part);
        if (last) break;
        *at = '/';
    }
    return true;
}

int c2_fs_open_dir(const char *path, bool create, struct cat2_error *err)
{
    if (create && !make_dirs(path, err)) return -1;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) c2_fail_errno(err, errno, "%.160s", path);
    return fd;
}

char *c2_fs_absolute(const char *path, struct cat2_error *err)
{
    C2_AUTO(c2_buf) full = C2_BUF_INIT(2 * C2_PATH_MAX);
    char here[C2_PATH_MAX];

    if (*path != '/' && !getcwd(here, sizeof(here))) {
        c2_fail_errno(err, errno, "%.160s: has no full path", path);
        return NULL;
    }
    if (!(*path == '/' ? c2_buf_puts(&full, path, err) : c2_buf_printf(&full, err, "%s/%s", here, path)))
        return NULL;
    char *copy = c2_str_dup(c2_str_of(c2_buf_cstr(&full)));
    if (!copy) c2_fail_nomem(err, "path");
    return copy;
}

bool c2_fs_reopen_dir(int dirfd, const char *path, bool *moved, struct cat2_error *err)
{
    struct stat now, was;

    *moved = false;
    C2_AUTO(c2_fd) dir = {c2_fs_open_dir(path, false, err)};
    if (dir.fd < 0) return false;
    bool ok = fstat(dir.fd, &now) == 0 && fstat(dirfd, &was) == 0;
    *moved = ok && (now.st_dev != was.st_dev || now.st_ino != was.st_ino);
    if (*moved) ok = dup3(dir.fd, dirfd, O_CLOEXEC) >= 0;
    return ok || c2_fail_errno(err, errno, "%.160s", path);
}

bool c2_fs_read(int fd, size_t max, struct c2_buf *out, struct cat2_error *err)
{
    c2_buf_init(out, max);
    for (;;) {
        struct stat st;
        size_t step = 65536;
        if (out->n == 0 && fstat(fd, &st) == 0 && st.st_size > 0 && (uint64_t)st.st_size < max)
            step = (size_t)st.st_size + 1;
        if (step > max - out->n) step = max - out->n + (max == out->n);
        if (!c2_buf_reserve(out, step, err)) break;
        ssize_t n = read(fd, out->p + out->n, step);
        if (n == 0) return true;
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            c2_fail_errno(err, errno, "read");
            break;
        }
        out->n += (size_t)n;
        out->p[out->n] = '\0';
    }
    c2_buf_fini(out);
    return false;
}

bool c2_fs_read_file(const char *what, const char *path, size_t max, struct c2_buf *out,
                     struct cat2_error *err)
{
    C2_AUTO(c2_fd) file = {open(path, O_RDONLY | O_CLOEXEC)};

    if (file.fd < 0) return c2_fail_errno(err, errno, "%s %.150s", what, path);
    return c2_fs_read(file.fd, max, out, err) || c2_fail_within(err, "%s %.150s", what, path);
}

bool c2_fs_pread(int fd, void *to, size_t n, int64_t off, struct cat2_error *err)
{
    uint8_t *at = to;

    while (n > 0) {
        ssize_t got = pread(fd, at, n, off);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return c2_fail_errno(err, errno, "read at %lld", (long long)off);
        if (got == 0) return c2_fail(err, CAT2_EDATA, "file ends %zu bytes early", n);
        at += got;
        off += got;
        n -= (size_t)got;
    }
    return true;
}

bool c2_fs_pwrite(int fd, const void *from, size_t n, int64_t off, struct cat2_error *err)
{
    const uint8_t *at = from;

    while (n > 0) {
        ssize_t put = pwrite(fd, at, n, off);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return c2_fail_errno(err, put < 0 ? errno : ENOSPC, "write at %lld", (long long)off);
        at += put;
        off += put;
        n -= (size_t)put;
    }
    return true;
}

bool c2_fs_replace(int dirfd, const char *rel, struct c2_bytes bytes, struct cat2_error *err)
{
    char temp[C2_PATH_MAX + 32];
    int length = snprintf(temp, sizeof(temp), "%s.tmp.%ld", rel, (long)getpid());

    if (length < 0 || (size_t)length > C2_PATH_MAX)
        return c2_fail(err, CAT2_ELIMIT, "path is longer than %d bytes", C2_PATH_MAX);
    int fd = c2_fs_open(dirfd, temp, O_WRONLY | O_CREAT | O_TRUNC, err);
    if (fd < 0) return false;
    bool ok = c2_fs_pwrite(fd, bytes.p, bytes.n, 0, err);
    if (ok && fdatasync(fd) != 0) ok = c2_fail_errno(err, errno, "fdatasync");
    close(fd);
    if (ok && renameat(dirfd, temp, dirfd, rel) != 0) ok = c2_fail_errno(err, errno, "rename");
    if (!ok) {
        unlinkat(dirfd, temp, 0);
        return c2_fail_within(err, "%.120s", rel);
    }
    return true;
}

bool c2_fs_remove(int dirfd, const char *rel, struct cat2_error *err)
{
    char path[C2_PATH_MAX + 1];
    struct c2_str whole = c2_str_of(rel);

    if (!c2_path_check(whole, err)) return false;
    if (unlinkat(dirfd, rel, 0) != 0 && errno != ENOENT)
        return c2_fail_errno(err, errno, "cannot remove %.120s", rel);
    memcpy(path, rel, whole.n + 1);
    for (char *slash = strrchr(path, '/'); slash; slash = strrchr(path, '/')) {
        *slash = '\0';
        if (unlinkat(dirfd, path, AT_REMOVEDIR) != 0) break; /* not empty, or gone */
    }
    return true;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

void c2_fs_remove_tree(const char *path)
{
    nftw(path, remove_one, TREE_FDS, FTW_DEPTH | FTW_PHYS);
}
