/* SPDX-License-Identifier: BSD-3-Clause */
/* PATH.b2 beneath STATEDIR/cache. */
#include "publisher/source/copies.h"
#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "cache/cache_name.h"

static void b2_name(const char *path, char *out, size_t size)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(2 * C2_PATH_MAX);
    struct cat2_error err;

    bool ok = c2_cache_name(NULL, c2_str_of(path), ".b2", &name, &err);
    snprintf(out, size, "%s", ok ? c2_buf_cstr(&name) : "");
}

static void sums_name(const char *path, char *out, size_t size)
{
    b2_name(path, out, size);
    size_t n = strlen(out);
    snprintf(out + n, size - n, ".idx");
}

static uint64_t stamp_of(const struct c2_generation *of)
{
    return c2_hash64(of->validator, strlen(of->validator));
}

/* A copy says what it was made of by its time, which no clock has set: a digest of the validator. */
static struct timespec copy_time(const struct c2_generation *of)
{
    uint64_t digest = stamp_of(of);

    return (struct timespec){(time_t)(digest >> 34), (long)((digest & 0x3fffffff) % 1000000000)};
}

/* Open the copy when it was made of this. */
bool c2_copy_open(const struct c2_copies *copies, const char *path, const struct c2_generation *of,
                  int64_t size, struct c2_frame **out, struct c2_copy_sums **sums)
{
    struct timespec time = copy_time(of);
    char name[C2_PATH_MAX + 16], full[PATH_MAX];
    struct cat2_error err;
    struct stat st;

    b2_name(path, name, sizeof(name));
    int fd = c2_fs_open(copies->dir, name, O_RDONLY | O_NONBLOCK, &err);
    if (fd < 0) return false;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_mtim.tv_sec != time.tv_sec ||
        (st.st_mtim.tv_nsec != time.tv_nsec && st.st_mtim.tv_nsec != 0)) { /* 0: whole seconds are kept */
        close(fd);
        return false;
    }
    snprintf(full, sizeof(full), "%s/%s", copies->path, name);
    if (!c2_frame_open_fd(fd, full, out, &err)) return false;
    sums_name(path, name, sizeof(name));
    bool ours = c2_frame_meta(*out)->nbytes == size;
    if (ours && c2_copy_sums_open(copies->dir, name, stamp_of(of), *out, sums, &err)) return true;
    if (ours) c2_log_info("compressed copy of %s is made again: %s", path, err.message);
    c2_frame_free(*out);
    *out = NULL;
    return false;
}

static bool copy_write(const struct c2_generation *of, const struct c2_file_key *key, int in, int out,
                       struct c2_codec *codec, atomic_bool *cancelled, struct cat2_error *err)
{
    struct timespec time = copy_time(of), times[2] = {time, time};

    if (lseek(in, 0, SEEK_SET) < 0) return c2_fail(err, CAT2_EIO, "compressed copy: cannot be read");
    if (!c2_frame_compress_file(codec, in, out, cancelled, err)) return false;
    if (!c2_file_key_is(in, key)) return c2_fail(err, CAT2_ECHANGED, "changed while it was compressed");
    if (futimens(out, times) != 0) return c2_fail(err, CAT2_EIO, "compressed copy: cannot set its time");
    return true;
}

/* Before the copy has its name: a copy without hashes is none. */
static bool sums_write(const struct c2_copies *copies, const char *path, const struct c2_generation *of,
                       int out, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_frame) *frame = NULL;
    char name[C2_PATH_MAX + 16];
    int fd = fcntl(out, F_DUPFD_CLOEXEC, 0);

    if (fd < 0) return c2_fail_errno(err, errno, "compressed copy of %.120s", path);
    sums_name(path, name, sizeof(name));
    return c2_frame_open_fd(fd, path, &frame, err) &&
           c2_copy_sums_make(copies->dir, name, stamp_of(of), frame, err);
}

bool c2_copy_make(const struct c2_copies *copies, const char *path, const struct c2_generation *of,
                  const struct c2_file_key *key, int fd, struct c2_codec *codec, atomic_bool *cancelled,
                  struct cat2_error *err)
{
    static atomic_uint serial;
    char name[C2_PATH_MAX + 8], temp[C2_PATH_MAX + 8];

    b2_name(path, name, sizeof(name));
    snprintf(temp, sizeof(temp), ".tmp-%u-%ld", atomic_fetch_add(&serial, 1), (long)getpid());
    if (!c2_fs_mkparents(copies->dir, name, err)) return false;
    int out = openat(copies->dir, temp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (out < 0) return c2_fail_errno(err, errno, "compressed copy of %.120s", path);
    bool ok = copy_write(of, key, fd, out, codec, cancelled, err) && sums_write(copies, path, of, out, err);
    close(out);
    if (ok && renameat(copies->dir, temp, copies->dir, name) != 0)
        ok = c2_fail(err, CAT2_EIO, "compressed copy: cannot be renamed");
    if (!ok) unlinkat(copies->dir, temp, 0);
    return ok;
}

void c2_copy_remove(const struct c2_copies *copies, const char *path)
{
    char name[C2_PATH_MAX + 16];
    struct cat2_error err;

    sums_name(path, name, sizeof(name));
    c2_fs_remove(copies->dir, name, &err);
    b2_name(path, name, sizeof(name));
    c2_fs_remove(copies->dir, name, &err);
}

bool c2_copies_open(const char *statedir, struct c2_copies *out, struct cat2_error *err)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/cache", statedir);
    *out = (struct c2_copies){c2_fs_open_dir(path, true, err), NULL};
    if (out->dir < 0) return false;
    out->path = realpath(path, NULL);
    return out->path || c2_fail(err, CAT2_EIO, "%.160s: has no full path", path);
}

void c2_copies_close(struct c2_copies *copies)
{
    if (copies->dir >= 0) close(copies->dir);
    free(copies->path);
    *copies = (struct c2_copies){-1, NULL};
}
