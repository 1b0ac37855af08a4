/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a result goes that is written beside its place and renamed. */
#include "base/fs.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

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

/* The end of the links; NULL and *err. */
static char *end_of(const char *path, struct cat2_error *err)
{
    char *at = c2_str_dup(c2_str_of(path));
    struct stat st;

    if (!at) c2_fail_nomem(err, "path");
    for (int i = 0; at && lstat(at, &st) == 0 && S_ISLNK(st.st_mode); i++) {
        char *next = i < LINKS_MAX ? next_of(at, err) : NULL;
        if (i == LINKS_MAX) c2_fail_errno(err, ELOOP, "%.150s", path);
        free(at);
        at = next;
    }
    return at;
}

bool c2_fs_result(const char *path, char **out, bool *through, struct cat2_error *err)
{
    struct stat wanted, found;
    bool there = stat(path, &wanted) == 0;
    char *file = there && is_written_to(&wanted) ? c2_str_dup(c2_str_of(path)) : end_of(path, err);

    if (!file) return false;
    /* A link in /proc may lead to what has no path. */
    *through = there && (is_written_to(&wanted) || stat(file, &found) != 0 || found.st_ino != wanted.st_ino ||
                         found.st_dev != wanted.st_dev);
    *out = file;
    return true;
}
