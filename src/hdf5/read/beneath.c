/* SPDX-License-Identifier: BSD-3-Clause */
/* What was asked for, and where it lies. The driver itself is in beneath_driver.c. */
#include "hdf5/read/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "hdf5/read/beneath_impl.h"

#define OTHERS_MAX (1 << 14) /* files one file may speak of */

bool c2_h5_beneath_new(const char *dir, struct c2_h5_beneath **out, struct cat2_error *err)
{
    struct c2_h5_beneath *b = calloc(1, sizeof(*b));

    if (!b) return c2_fail_nomem(err, "HDF5 file");
    b->fapl = b->swmr_fapl = -1;
    b->dir = realpath(dir, NULL);
    b->fd = b->dir ? open(b->dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    if (b->fd < 0) {
        c2_fail_errno(err, errno, "%.160s", dir);
        c2_h5_beneath_free(b);
        return false;
    }
    b->dir_n = strcmp(b->dir, "/") == 0 ? 0 : strlen(b->dir);
    *out = b;
    return true;
}

bool c2_h5_beneath_new_elsewhere(const char *filename, const struct c2_h5_elsewhere *elsewhere,
                                 struct c2_h5_beneath **out, struct cat2_error *err)
{
    struct c2_h5_beneath *b = calloc(1, sizeof(*b));

    if (!b) return c2_fail_nomem(err, "HDF5 file");
    b->fapl = b->swmr_fapl = b->fd = -1;
    b->elsewhere = elsewhere;
    b->dir = c2_str_dup(C2_STR("/"));
    b->only = c2_str_dup(c2_str_of(filename));
    if (!b->dir || !b->only) {
        c2_h5_beneath_free(b);
        return c2_fail_nomem(err, "HDF5 file");
    }
    *out = b;
    return true;
}

void c2_h5_beneath_free(struct c2_h5_beneath *b)
{
    if (!b) return;
    for (size_t i = 0; i < b->others.n; i++)
        free(b->others.p[i].rel);
    c2_vec_fini(&b->others);
    if (b->fapl >= 0) H5Pclose(b->fapl);
    if (b->swmr_fapl >= 0) H5Pclose(b->swmr_fapl);
    if (b->fd >= 0) close(b->fd);
    free(b->only);
    free(b->dir);
    free(b);
}

const char *c2_h5_beneath_dir(const struct c2_h5_beneath *b)
{
    return b->dir_n ? b->dir : "";
}

const char *c2_h5_beneath_rel(const struct c2_h5_beneath *b, const char *filename)
{
    if (strncmp(filename, b->dir, b->dir_n) != 0 || filename[b->dir_n] != '/') return NULL;
    filename += b->dir_n;
    while (*filename == '/')
        filename++;
    return *filename ? filename : NULL;
}

/* ---- notes ---- */

static struct c2_h5_other *note(struct c2_h5_beneath *b, const char *rel)
{
    struct cat2_error ignored;

    for (size_t i = 0; i < b->others.n; i++) /* the last are the likeliest */
        if (strcmp(b->others.p[b->others.n - 1 - i].rel, rel) == 0) return &b->others.p[b->others.n - 1 - i];
    if (!c2_vec_room(&b->others, OTHERS_MAX, "files", &ignored)) return NULL;
    struct c2_h5_other *other = &b->others.p[b->others.n];
    *other = (struct c2_h5_other){.rel = c2_str_dup(c2_str_of(rel)), .found = C2_H5_ABSENT};
    if (!other->rel) return NULL;
    b->others.n++;
    return other;
}

bool c2_h5_beneath_is_only(struct c2_h5_beneath *b, const char *filename)
{
    bool is = strcmp(filename, b->only) == 0;

    b->errnum = is ? 0 : EXDEV;
    if (!is) b->outside = true;
    return is;
}

/* Opened, examined and noted; the kernel judges links and "..". -1: errno. */
int c2_h5_beneath_take(struct c2_h5_beneath *b, const char *filename, int flags, struct stat *st)
{
    const char *rel = b->elsewhere ? NULL : c2_h5_beneath_rel(b, filename);
    int fd = -1, errnum = EXDEV;

    if (rel) {
        fd = c2_fs_open_beneath(b->fd, rel, flags | O_NONBLOCK);
        errnum = errno;
    }
    if (fd >= 0 && (fstat(fd, st) != 0 || !S_ISREG(st->st_mode))) {
        close(fd);
        fd = -1;
        errnum = EACCES;
    }
    b->errnum = fd >= 0 ? 0 : errnum;
    bool absent = fd < 0 && (errnum == ENOENT || errnum == ENOTDIR || errnum == ELOOP);
    struct c2_h5_other *other = rel && (b->begun || fd >= 0) ? note(b, rel) : NULL;
    if (rel && !other && fd >= 0) { /* unknown is worse than unreadable */
        close(fd);
        fd = -1;
        b->errnum = errnum = ENOMEM;
    }
    if (other) {
        b->begun = true;
        other->touched = b->mark;
        if (fd >= 0 && other->found != C2_H5_THERE) c2_h5_state_of(st, &other->state);
        other->found = fd >= 0           ? C2_H5_THERE
                       : absent          ? C2_H5_ABSENT
                       : errnum == EXDEV ? C2_H5_OUTSIDE
                                         : C2_H5_BARRED;
    }
    if (fd < 0 && errnum == EXDEV) b->outside = true;
    errno = errnum;
    return fd;
}

void c2_h5_beneath_mark(struct c2_h5_beneath *b)
{
    b->mark++;
    b->errnum = 0;
    b->outside = false;
}

const char *c2_h5_beneath_reason(const struct c2_h5_beneath *b)
{
    if (b->errnum == 0) return NULL;
    if (b->outside) return "leads out of the root";
    return b->errnum == ENOENT || b->errnum == ENOTDIR ? "is not there" : strerror(b->errnum);
}

bool c2_h5_beneath_touched(const struct c2_h5_beneath *b, const struct c2_h5_other *other)
{
    return other->touched == b->mark;
}

size_t c2_h5_beneath_others(const struct c2_h5_beneath *b, const struct c2_h5_other **out)
{
    *out = b->others.p + (b->others.n > 0);
    return b->others.n ? b->others.n - 1 : 0;
}

bool c2_h5_beneath_same(struct c2_h5_beneath *b)
{
    for (size_t i = 1; i < b->others.n; i++) {
        struct c2_h5_other *other = &b->others.p[i];
        struct c2_h5_state now = {0};
        struct stat st;
        C2_AUTO(c2_fd) file = {c2_fs_open_beneath(b->fd, other->rel, O_PATH)};
        if (file.fd >= 0 && fstat(file.fd, &st) == 0 && S_ISREG(st.st_mode)) c2_h5_state_of(&st, &now);
        if (other->found == C2_H5_THERE ? memcmp(&now, &other->state, sizeof(now)) != 0
                                        : other->found == C2_H5_ABSENT && now.ino != 0)
            return false;
    }
    return true;
}

/* ---- looking ---- */

static enum c2_h5_found look(struct c2_h5_beneath *b, const char *filename)
{
    struct stat st;

    if (b->elsewhere) return c2_h5_beneath_is_only(b, filename) ? C2_H5_THERE : C2_H5_OUTSIDE;
    int fd = c2_h5_beneath_take(b, filename, O_RDONLY, &st);
    if (fd >= 0) close(fd);
    if (fd >= 0) return C2_H5_THERE;
    return errno == EXDEV                                          ? C2_H5_OUTSIDE
           : errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? C2_H5_ABSENT
                                                                   : C2_H5_BARRED;
}

enum c2_h5_found c2_h5_beneath_find(struct c2_h5_beneath *b, const char *from, const char *name,
                                    char out[4096])
{
    const char *slash = strrchr(from, '/'), *last = strrchr(name, '/');
    enum c2_h5_found first = C2_H5_ABSENT;

    if (name[0] == '/') {
        snprintf(out, 4096, "%s", name);
        first = look(b, out);
        if (first == C2_H5_THERE || first == C2_H5_BARRED) return first;
        name = last + 1; /* moved together with the file that speaks of it? */
    }
    int n = snprintf(out, 4096, "%.*s%s", (int)(slash - from + 1), from, name);
    enum c2_h5_found second = n > 0 && n < 4096 && *name ? look(b, out) : C2_H5_ABSENT;
    return second == C2_H5_ABSENT ? first : second;
}

int c2_h5_beneath_raw(struct c2_h5_beneath *b, const char *filename)
{
    struct stat st;

    return c2_h5_beneath_take(b, filename, O_RDONLY, &st);
}
