/* SPDX-License-Identifier: BSD-3-Clause */
/* A tree visited in sorted order. Each level holds its names while it is being visited; only the directory at
 * hand is open, so that depth costs no descriptors. The kernel judges where links lead
 * (openat2(RESOLVE_BENEATH)). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/limits.h"
#include "base/texts.h"

#define LINKS_IN_CHAIN 8     /* links to directories on the way to one name */
#define DIRS_BY_LINKS  20000 /* directories reached through links, in one walk: they multiply */
#define NAME_CUT       "..." /* ends a path that is too long */

struct walk {
    int dirfd;
    const struct c2_fs_walker *to;
    struct c2_buf path; /* of the entry at hand, relative to where the walk began */
    struct {
        dev_t dev;
        ino_t ino;
    } above[C2_TREE_DEPTH_MAX + 1]; /* directories on the way down */
    int nlinks;                     /* on the way down */
    size_t dirs_by_links;
};
/* A directory being visited. */
struct level {
    struct walk *walk;
    int fd, depth; /* fd -1: closed while others below are visited */
    size_t base;   /* length of its path */
};

/* dirfd has just been opened: both share where they are in it. */
static bool names_read(int dirfd, struct c2_texts *names, struct cat2_error *err)
{
    int fd = fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    bool ok = true;

    if (!dir) {
        int errnum = errno;
        if (fd >= 0) close(fd);
        return c2_fail_errno(err, errnum, "cannot list directory");
    }
    errno = 0;
    for (struct dirent *entry = readdir(dir); ok && entry; entry = readdir(dir)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            ok = c2_texts_add(names, c2_str_of(entry->d_name), C2_VEC_NO_MAX, "directory listing", err);
        errno = 0;
    }
    if (ok && errno) ok = c2_fail_errno(err, errno, "cannot list directory"); /* half of a list is none */
    closedir(dir);
    if (ok) c2_texts_sort(names);
    return ok;
}

/* ---- what is passed by ---- */

static bool pass_by(struct walk *walk, const char *why, const struct stat *st, struct cat2_error *err)
{
    if (!walk->to->passed_by) return true;
    return walk->to->passed_by(walk->to->ctx, c2_buf_cstr(&walk->path), why, st, err);
}

/* Of a directory, or a link to one, that could not be opened. Texts of static storage. */
static const char *reason_of(int errnum, bool link)
{
    switch (errnum) {
    case EACCES:
    case EPERM:
        return "is a directory that may not be read";
    case EXDEV:
        return "is a link that leads out of the root, or an absolute one";
    case ELOOP:
        return link ? "is a link whose way goes in circles" : "is a directory that cannot be opened";
    case ENAMETOOLONG:
        return "has a path that is too long for the system";
    default:
        return link ? "is a link to a directory that cannot be opened"
                    : "is a directory that cannot be opened";
    }
}

/* Everything below it: gone meanwhile, out of descriptors, or passed by with a reason. */
static bool cannot_open(struct walk *walk, int errnum, const struct stat *st, bool link,
                        struct cat2_error *err)
{
    if (errnum == ENOENT || errnum == ENOTDIR) return true;
    if (errnum == EMFILE || errnum == ENFILE || errnum == ENOMEM)
        return c2_fail_errno(err, errnum, "%.160s", c2_buf_cstr(&walk->path));
    return pass_by(walk, reason_of(errnum, link), st, err);
}

/* ---- going down ---- */

static bool walk_level(struct walk *walk, int fd, int depth, struct cat2_error *err);

static const char *why_not(const struct walk *walk, const struct stat *st, int depth, bool link)
{
    for (int i = 0; i <= depth; i++)
        if (walk->above[i].dev == st->st_dev && walk->above[i].ino == st->st_ino)
            return link ? "is a link to a directory that it lies in" : "is a directory that it lies in";
    if (depth == C2_TREE_DEPTH_MAX) return "lies too deep: more than 1024 directories are in each other";
    if (link && walk->nlinks == LINKS_IN_CHAIN) return "is reached through too many links to directories";
    if (walk->nlinks + link > 0 && walk->dirs_by_links == DIRS_BY_LINKS)
        return "is not looked into: too many directories are reached through links";
    return NULL;
}

static bool enter(struct level *level, int fd, bool link, struct cat2_error *err)
{
    struct walk *walk = level->walk;
    struct stat st;

    if (fstat(fd, &st) != 0) {
        int errnum = errno;
        close(fd);
        return c2_fail_errno(err, errnum, "%.160s", c2_buf_cstr(&walk->path));
    }
    const char *why = why_not(walk, &st, level->depth, link);
    if (why || faccessat(fd, C2_STATE_MARK, F_OK, 0) == 0) {
        close(fd);
        return !why || pass_by(walk, why, &st, err);
    }
    bool into = true;
    bool asked = !walk->to->entering ||
                 walk->to->entering(walk->to->ctx, c2_buf_cstr(&walk->path), fd, &st, &into, err);
    if (!asked || !into) {
        close(fd);
        return asked;
    }
    close(level->fd);
    level->fd = -1;
    walk->nlinks += link;
    walk->dirs_by_links += walk->nlinks > 0;
    walk->above[level->depth + 1].dev = st.st_dev;
    walk->above[level->depth + 1].ino = st.st_ino;
    bool ok = walk_level(walk, fd, level->depth + 1, err);
    walk->nlinks -= link;
    return ok;
}

static bool walk_entry(struct level *level, const char *name, struct cat2_error *err)
{
    struct walk *walk = level->walk;
    struct stat st, target;

    if (fstatat(level->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        memset(&st, 0, sizeof(st));
        return errno == ENOENT || pass_by(walk, "may not be examined", &st, err); /* gone meanwhile */
    }
    bool link = S_ISLNK(st.st_mode) && fstatat(level->fd, name, &target, 0) == 0;
    if (link) st = target;
    if (!S_ISDIR(st.st_mode)) return walk->to->visit(walk->to->ctx, c2_buf_cstr(&walk->path), &st, err);
    if (link && !walk->to->links) return true;
    int fd = link ? c2_fs_open_beneath(walk->dirfd, c2_buf_cstr(&walk->path), O_RDONLY | O_DIRECTORY)
                  : openat(level->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd >= 0 ? enter(level, fd, link, err) : cannot_open(walk, errno, &st, link, err);
}

/* A path that could not be asked for: told by its beginning. */
static bool walk_long(struct level *level, const char *name, struct cat2_error *err)
{
    struct walk *walk = level->walk;
    struct stat st = {0};
    size_t n = C2_PATH_MAX - strlen(NAME_CUT);

    (void)fstatat(level->fd, name, &st, AT_SYMLINK_NOFOLLOW);
    if (walk->path.n > n) walk->path.n = n;
    while (walk->path.n > 0 && (walk->path.p[walk->path.n] & 0xc0) == 0x80) /* no half a character */
        walk->path.n--;
    while (walk->path.n > 0 && walk->path.p[walk->path.n - 1] == '/')
        walk->path.n--;
    return c2_buf_puts(&walk->path, NAME_CUT, err) && pass_by(walk, "has a path that is too long", &st, err);
}

/* The directory itself again, after one below it. false: it is gone, and so are the others in it. */
static bool reopen(struct level *level)
{
    struct walk *walk = level->walk;
    size_t n = walk->path.n;

    if (level->fd >= 0) return true;
    walk->path.n = level->base;
    if (walk->path.p) walk->path.p[level->base] = '\0';
    level->fd = level->base == 0
                    ? openat(walk->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                    : c2_fs_open_beneath(walk->dirfd, c2_buf_cstr(&walk->path), O_RDONLY | O_DIRECTORY);
    walk->path.n = n;
    return level->fd >= 0;
}

static bool walk_names(struct level *level, const struct c2_texts *names, struct cat2_error *err)
{
    struct walk *walk = level->walk;
    bool ok = true;

    for (size_t i = 0; ok && i < names->n; i++) {
        if (!reopen(level)) return cannot_open(walk, errno, &(struct stat){0}, false, err);
        ok = (level->base == 0 || c2_buf_putc(&walk->path, '/', err)) &&
             c2_buf_puts(&walk->path, names->p[i], err) &&
             (walk->path.n > C2_PATH_MAX ? walk_long : walk_entry)(level, names->p[i], err);
        walk->path.n = level->base;
    }
    return ok;
}

/* Takes fd. */
static bool walk_level(struct walk *walk, int fd, int depth, struct cat2_error *err)
{
    struct level level = {walk, fd, depth, walk->path.n};
    struct c2_texts names = {0};
    bool read = names_read(fd, &names, err);
    bool ok = read && walk_names(&level, &names, err);
    if (!read && depth > 0 && err->code != CAT2_ENOMEM) { /* it alone, not those beside it */
        struct stat st = {0};
        ok = pass_by(walk, "is a directory that cannot be read", &st, err);
    }

    c2_texts_fini(&names);
    if (level.fd >= 0) close(level.fd);
    return ok;
}

bool c2_fs_walk_with(int dirfd, const struct c2_fs_walker *to, struct cat2_error *err)
{
    struct walk walk = {.dirfd = dirfd, .to = to, .path = C2_BUF_INIT(C2_PATH_MAX + C2_NAME_MAX + 2)};
    struct stat st;
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &st) != 0) {
        int errnum = errno;
        if (fd >= 0) close(fd);
        return c2_fail_errno(err, errnum, "cannot list directory");
    }
    walk.above[0].dev = st.st_dev;
    walk.above[0].ino = st.st_ino;
    bool ok = walk_level(&walk, fd, 0, err);
    c2_buf_fini(&walk.path);
    return ok;
}

bool c2_fs_walk(int dirfd, c2_fs_visit *visit, void *ctx, struct cat2_error *err)
{
    return c2_fs_walk_with(dirfd, &(struct c2_fs_walker){.visit = visit, .ctx = ctx}, err);
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
