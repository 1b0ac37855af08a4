/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a result goes that is written beside its place and renamed. */
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/limits.h"

#define LINKS_MAX 40 /* as the kernel follows */

static bool is_written_to(const struct stat *st)
{
    return !S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode) && !S_ISLNK(st->st_mode);
}

/* Where the link `path` leads, from where `path` is looked for. */
static char *next_of(const char *path, struct cat2_error *err)
{
    C2_AUTO(c2_buf) next = C2_BUF_INIT(2 * PATH_MAX);
    char text[PATH_MAX];
    ssize_t n = readlink(path, text, sizeof(text) - 1);
    size_t before = strlen(path) - strlen(c2_path_name(path));

    if (n < 0) {
        c2_fail_errno(err, errno, "%.150s", path);
        return NULL;
    }
    text[n] = '\0';
    if ((*text != '/' && !c2_buf_append(&next, path, before, err)) || !c2_buf_puts(&next, text, err))
        return NULL;
    char *copy = c2_str_dup(c2_buf_str(&next));
    if (!copy) c2_fail_nomem(err, "path");
    return copy;
}

/* A link of /proc leads to a file that is open, which may have no path. */
static bool is_of_proc(const char *link)
{
    C2_AUTO(c2_fd) at = {open(link, O_PATH | O_NOFOLLOW | O_CLOEXEC)};
    struct statfs fs;

    return at.fd >= 0 && fstatfs(at.fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

/* The end of the links, or the first one of /proc; NULL and *err. */
static char *end_of(const char *path, bool *proc, struct cat2_error *err)
{
    char *at = c2_str_dup(c2_str_of(path));
    struct stat st;

    *proc = false;
    if (!at) c2_fail_nomem(err, "path");
    for (int i = 0; at && lstat(at, &st) == 0 && S_ISLNK(st.st_mode); i++) {
        *proc = is_of_proc(at);
        if (*proc) return at;
        char *next = i < LINKS_MAX ? next_of(at, err) : NULL;
        if (i == LINKS_MAX) c2_fail_errno(err, ELOOP, "%.150s", path);
        free(at);
        at = next;
    }
    return at;
}

bool c2_fs_result(const char *path, char **out, bool *through, struct cat2_error *err)
{
    struct stat st;
    bool proc = false;

    *through = stat(path, &st) == 0 && is_written_to(&st);
    char *file = *through ? c2_str_dup(c2_str_of(path)) : end_of(path, &proc, err);
    if (!file) return false;
    *through = *through || proc;
    *out = file;
    return true;
}

int c2_fs_descriptor(const char *path)
{
    struct cat2_error none;
    struct stat wanted, found;
    int64_t fd = -1;
    bool proc;

    char *link = end_of(path, &proc, &none);
    bool ours = link && proc && c2_str_to_i64(c2_str_of(c2_path_name(link)), &fd) && fd >= 0 &&
                fd <= INT_MAX && stat(link, &wanted) == 0 && fstat((int)fd, &found) == 0 &&
                wanted.st_dev == found.st_dev && wanted.st_ino == found.st_ino;
    free(link);
    return ours ? (int)fd : -1;
}
