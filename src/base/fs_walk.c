/* SPDX-License-Identifier: BSD-3-Clause */
/* A tree visited in sorted order. Each level holds its names only while it is being visited. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/limits.h"

struct walk {
    c2_fs_visit *visit;
    void *ctx;
    struct c2_buf path; /* of the entry at hand, relative to where the walk began */
};

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

struct names {
    char **list;
    size_t n, cap;
};

static void names_fini(struct names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->list[i]);
    free(names->list);
}

static bool names_add(struct names *names, const char *name, struct cat2_error *err)
{
    if (names->n == names->cap) {
        size_t cap = names->cap ? names->cap * 2 : 32;
        char **grown = realloc(names->list, cap * sizeof(*grown));
        if (!grown) return c2_fail_nomem(err, "directory listing");
        names->list = grown;
        names->cap = cap;
    }
    names->list[names->n] = c2_str_dup(c2_str_of(name));
    if (!names->list[names->n]) return c2_fail_nomem(err, "directory listing");
    names->n++;
    return true;
}

static bool names_read(int dirfd, struct names *names, struct cat2_error *err)
{
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    bool ok = true;

    if (!dir) {
        int errnum = errno;
        if (fd >= 0) close(fd);
        return c2_fail_errno(err, errnum, "cannot list directory");
    }
    for (struct dirent *entry = readdir(dir); ok && entry; entry = readdir(dir))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            ok = names_add(names, entry->d_name, err);
    closedir(dir);
    if (ok && names->n) qsort(names->list, names->n, sizeof(*names->list), by_name);
    return ok;
}

static bool walk_level(struct walk *walk, int dirfd, int depth, struct cat2_error *err);

static bool walk_entry(struct walk *walk, int dirfd, const char *name, int depth, struct cat2_error *err)
{
    struct stat st;

    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) return true; /* gone meanwhile */
    if (!S_ISDIR(st.st_mode)) {
        if (S_ISLNK(st.st_mode)) {
            struct stat target;
            if (fstatat(dirfd, name, &target, 0) == 0) {
                if (S_ISDIR(target.st_mode)) return true; /* links to directories are not followed */
                st = target;
            }
        }
        return walk->visit(walk->ctx, c2_buf_cstr(&walk->path), &st, err);
    }
    if (depth == C2_TREE_DEPTH_MAX) return true;
    int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return true; /* gone or forbidden: what cannot be listed is not listed */
    bool ok = faccessat(fd, C2_STATE_MARK, F_OK, 0) == 0 || walk_level(walk, fd, depth + 1, err);
    close(fd);
    return ok;
}

static bool walk_level(struct walk *walk, int dirfd, int depth, struct cat2_error *err)
{
    struct names names = {0};
    size_t base = walk->path.n;
    bool ok = names_read(dirfd, &names, err);

    for (size_t i = 0; ok && i < names.n; i++) {
        if (base + 1 + strlen(names.list[i]) > C2_PATH_MAX) continue; /* could not be asked for */
        ok = (base == 0 || c2_buf_putc(&walk->path, '/', err)) &&
             c2_buf_puts(&walk->path, names.list[i], err) &&
             walk_entry(walk, dirfd, names.list[i], depth, err);
        walk->path.n = base;
    }
    names_fini(&names);
    return ok;
}

bool c2_fs_walk(int dirfd, c2_fs_visit *visit, void *ctx, struct cat2_error *err)
{
    struct walk walk = {visit, ctx, C2_BUF_INIT(C2_PATH_MAX + 1)};
    bool ok = walk_level(&walk, dirfd, 0, err);

    c2_buf_fini(&walk.path);
    return ok;
}

bool c2_fs_in_state(int dirfd, const char *rel)
{
    char path[C2_PATH_MAX + sizeof("/" C2_STATE_MARK)];

    for (const char *end = strchr(rel, '/'); end; end = strchr(end + 1, '/')) {
        int n = snprintf(path, sizeof(path), "%.*s/%s", (int)(end - rel), rel, C2_STATE_MARK);
        if (n < 0 || (size_t)n >= sizeof(path)) return false;
        if (faccessat(dirfd, path, F_OK, 0) == 0) return true;
    }
    return false;
}
