/* SPDX-License-Identifier: BSD-3-Clause */
/* The arrays of a store: groups are looked into, arrays are not. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/texts.h"
#include "publisher/source/zarr_store.h"

#define DEPTH_MAX   64        /* groups in each other */
#define FOLDERS_MAX (1 << 20) /* looked into in one store: links may multiply them */

struct walk {
    struct c2_zs_place place; /* the folder at hand */
    size_t base;              /* length of the store's own path */
    c2_zs_found *found;
    void *ctx;
    size_t nfolders;
    struct {
        dev_t dev;
        ino_t ino;
    } above[DEPTH_MAX];
};
/* What may be a folder: most of a group's files need not be examined for that. */
static bool is_folder(int fd, const struct dirent *entry)
{
    struct stat st;

    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) return false;
    if (entry->d_type == DT_DIR) return true;
    if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN) return false;
    return fstatat(fd, entry->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

/* Takes fd. */
static bool read_names(int fd, struct c2_texts *names, struct cat2_error *err)
{
    DIR *dir = fdopendir(fd);
    bool ok = true;

    if (!dir) {
        int errnum = errno;
        close(fd);
        return c2_fail_errno(err, errnum, "a group cannot be listed");
    }
    errno = 0;
    for (struct dirent *entry = readdir(dir); ok && entry; entry = readdir(dir)) {
        if (is_folder(fd, entry))
            ok = c2_texts_add(names, c2_str_of(entry->d_name), FOLDERS_MAX, "folders of a group", err);
        errno = 0;
    }
    if (ok && errno) ok = c2_fail_errno(err, errno, "a group cannot be listed");
    closedir(dir);
    if (ok) c2_texts_sort(names);
    return ok;
}

static bool visit(struct walk *walk, int depth, struct cat2_error *err);

static bool visit_children(struct walk *walk, int fd, int depth, struct cat2_error *err)
{
    struct c2_texts names = {0};
    struct c2_buf *path = &walk->place.path;
    bool ok = read_names(fd, &names, err);

    for (size_t i = 0; ok && i < names.n; i++) {
        size_t n = path->n;
        ok = (n == 0 || c2_buf_putc(path, '/', err)) && c2_buf_puts(path, names.p[i], err) &&
             (path->n > C2_PATH_MAX || visit(walk, depth + 1, err));
        path->n = n;
        if (path->p) path->p[n] = '\0';
    }
    c2_texts_fini(&names);
    return ok;
}

/* Where it leads back to a group above, into a service's state or too deep, it is not followed. */
static bool may_enter(struct walk *walk, int fd, int depth)
{
    struct stat st;

    if (depth >= DEPTH_MAX || ++walk->nfolders > FOLDERS_MAX || fstat(fd, &st) != 0) return false;
    for (int i = 0; i < depth; i++)
        if (walk->above[i].dev == st.st_dev && walk->above[i].ino == st.st_ino) return false;
    walk->above[depth].dev = st.st_dev;
    walk->above[depth].ino = st.st_ino;
    return faccessat(fd, C2_STATE_MARK, F_OK, 0) != 0;
}

static bool visit(struct walk *walk, int depth, struct cat2_error *err)
{
    C2_AUTO(c2_zs_node) node = {0};
    struct cat2_error why = {0};
    const char *rel = c2_buf_cstr(&walk->place.path) + walk->base;
    int fd = c2_zs_open(&walk->place, "", O_RDONLY | O_DIRECTORY);

    if (fd < 0 && depth == 0) return c2_fail_errno(err, errno, "the store");
    if (fd < 0) return true; /* gone meanwhile, or it leads out of the root */
    if (!may_enter(walk, fd, depth)) {
        close(fd);
        return true;
    }
    rel += *rel == '/';
    bool known = c2_zs_node_read(&walk->place, &node, &why);
    if (known && node.type != C2_ZS_ARRAY) return visit_children(walk, fd, depth, err);
    close(fd);
    if (known || !c2_zs_is_passing(&why)) return walk->found(walk->ctx, rel, known ? NULL : why.message, err);
    *err = why;
    return false;
}

bool c2_zs_walk(const struct c2_container *c, c2_zs_found *found, void *ctx, struct cat2_error *err)
{
    struct walk walk = {.found = found, .ctx = ctx};

    if (!c2_zs_place_of(c, "", &walk.place, err)) return false;
    walk.base = walk.place.path.n;
    bool ok = visit(&walk, 0, err);
    c2_zs_place_fini(&walk.place);
    return ok;
}
