/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading a directory tree in byte order. In one directory, subdirectories and plain files keep their names;
 * then x.b2nd, x.b2frame and x.b2 become x, or keep their whole name where x is taken. */
#include "import_export/export_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "blosc/meta.h"

static const char *const suffixes[] = {".b2nd", ".b2frame", ".b2"};

enum place { DIRECTORY, PLAIN, NAMED }; /* NAMED + i: has suffix i */
struct name {
    char *name;
    int place;
    bool sparse, renamed, left_out;
    char *target; /* the name in HDF5 */
};
struct names {
    C2_VEC(struct name);
};
struct walk {
    const struct c2_convert_options *options;
    struct c2_convert_counts *counts;
    struct c2_export_tree *tree;
    struct {
        dev_t dev;
        ino_t ino;
    } above[C2_TREE_DEPTH_MAX + 1];
};

static void names_fini(struct names *names)
{
    for (size_t i = 0; i < names->n; i++) {
        free(names->p[i].name);
        free(names->p[i].target);
    }
    c2_vec_fini(names);
}

static void names_auto(struct names *names)
{
    names_fini(names);
}

void c2_export_tree_fini(struct c2_export_tree *tree)
{
    for (size_t i = 0; i < tree->n; i++) {
        free(tree->p[i].source);
        free(tree->p[i].target);
    }
    c2_vec_fini(tree);
    *tree = (struct c2_export_tree){0};
}

static void skip(struct walk *w, const char *path, const char *why)
{
    w->counts->skipped++;
    w->options->note(w->options->ctx, C2_NOTE_SKIPPED, path, why);
}

static char *join(const char *above, const char *name)
{
    C2_AUTO(c2_buf) path = C2_BUF_INIT(SIZE_MAX / 4);
    struct cat2_error ignored;

    if (!c2_buf_printf(&path, &ignored, "%s%s%s", above, *above ? "/" : "", name)) return NULL;
    return c2_str_dup(c2_buf_str(&path));
}

static bool add_item(struct c2_export_tree *tree, struct c2_export_item item, struct cat2_error *err)
{
    bool ok = (item.source && item.target) || c2_fail_nomem(err, "list of datasets");

    if (ok && c2_vec_push(tree, C2_VEC_NO_MAX, "datasets", err, item)) return true;
    free(item.source);
    free(item.target);
    return false;
}

static bool add_name(struct names *names, const char *text, struct cat2_error *err)
{
    if (!c2_vec_room(names, C2_VEC_NO_MAX, "names", err)) return false;
    char *copy = c2_str_dup(c2_str_of(text));
    if (!copy) return c2_fail_nomem(err, "directory");
    names->p[names->n++] = (struct name){.name = copy};
    return true;
}

/* By target; of one target the one that may keep it first. */
static int by_target(const void *left, const void *right)
{
    const struct name *a = left, *b = right;
    int order = strcmp(a->target, b->target);

    if (order == 0) order = (int)a->renamed - (int)b->renamed;
    if (order == 0) order = a->place - b->place;
    return order ? order : strcmp(a->name, b->name);
}

static bool is_sparse_frame(int dirfd, const char *path, const char *name)
{
    struct c2_str text = c2_str_of(name);
    struct stat st;

    if (!c2_str_ends(text, ".b2nd") && !c2_str_ends(text, ".b2frame")) return false;
    char *index = join(path, "chunks.b2frame");
    bool yes = index && fstatat(dirfd, index, &st, 0) == 0 && S_ISREG(st.st_mode);
    free(index);
    return yes;
}

/* Where a name stands among its neighbours; false: it is left out. */
static bool classify(struct walk *w, int dirfd, const char *path, struct name *name)
{
    struct stat st;
    struct c2_str text = c2_str_of(name->name);

    if (fstatat(dirfd, path, &st, 0) != 0) {
        skip(w, path, errno == ENOENT ? "a link that leads nowhere" : strerror(errno));
        return false;
    }
    name->sparse = S_ISDIR(st.st_mode) && is_sparse_frame(dirfd, path, name->name);
    if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)) {
        skip(w, path, "neither a file nor a directory");
        return false;
    }
    name->place = S_ISDIR(st.st_mode) && !name->sparse ? DIRECTORY : PLAIN;
    if (name->place == DIRECTORY) return true;
    for (size_t i = 0; i < C2_ARRAY_LEN(suffixes); i++)
        if (c2_str_ends(text, suffixes[i]) && text.n > strlen(suffixes[i])) name->place = NAMED + (int)i;
    return true;
}

static void sort(struct names *names)
{
    if (names->n > 1) qsort(names->p, names->n, sizeof(*names->p), by_target);
}

static bool is_again(const struct names *names, size_t i)
{
    return i > 0 && strcmp(names->p[i].target, names->p[i - 1].target) == 0;
}

static void note(struct walk *w, const char *above, const struct name *name, bool left_out)
{
    char *path = join(above, name->name);

    if (left_out)
        skip(w, path ? path : name->name, "its name is taken");
    else
        w->options->note(w->options->ctx, C2_NOTE_CHANGED, path ? path : name->name,
                         "keeps its suffix: the name without it is taken");
    free(path);
}

static bool give_targets(struct walk *w, const char *above, struct names *names, struct cat2_error *err)
{
    for (size_t i = 0; i < names->n; i++) {
        struct name *name = &names->p[i];
        struct c2_str target = c2_str_of(name->name);
        if (name->place >= NAMED) target.n -= strlen(suffixes[name->place - NAMED]);
        if (!(name->target = c2_str_dup(target))) return c2_fail_nomem(err, "directory");
    }
    sort(names);
    for (size_t i = names->n; i-- > 0;) { /* from the end: what stands before still has its target */
        struct name *name = &names->p[i];
        if (!is_again(names, i)) continue;
        char *whole = c2_str_dup(c2_str_of(name->name));
        if (!whole) return c2_fail_nomem(err, "directory");
        free(name->target);
        name->target = whole;
        name->renamed = true;
    }
    sort(names);
    for (size_t i = 0; i < names->n; i++) {
        names->p[i].left_out = is_again(names, i);
        if (names->p[i].renamed) note(w, above, &names->p[i], names->p[i].left_out);
    }
    return true;
}

static bool read_names(struct walk *w, int rootfd, const char *source, struct names *names,
                       struct cat2_error *err)
{
    int fd = openat(rootfd, *source ? source : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    bool ok = true;

    if (!dir) {
        int errnum = errno;
        if (fd >= 0) close(fd);
        if (!*source) return c2_fail_errno(err, errnum, "reading the directory");
        skip(w, source, strerror(errnum));
        return true;
    }
    while (ok && (entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            ok = add_name(names, entry->d_name, err);
    closedir(dir);
    size_t kept = 0;
    for (size_t i = 0; i < names->n; i++) {
        char *path = join(source, names->p[i].name);
        if (path && classify(w, rootfd, path, &names->p[i]))
            names->p[kept++] = names->p[i];
        else
            free(names->p[i].name);
        free(path);
    }
    names->n = kept;
    return ok && give_targets(w, source, names, err);
}

static bool read_directory(struct walk *w, int rootfd, const char *source, const char *target, int depth,
                           struct cat2_error *err);

/* Enter a directory unless we are in it already. */
static bool enter(struct walk *w, int rootfd, const char *source, const char *target, int depth,
                  struct cat2_error *err)
{
    struct stat st;

    if (fstatat(rootfd, *source ? source : ".", &st, 0) != 0)
        return c2_fail_errno(err, errno, "%.150s", source);
    for (int i = 0; i < depth; i++)
        if (w->above[i].dev == st.st_dev && w->above[i].ino == st.st_ino) {
            w->counts->links++;
            w->counts->lost++;
            w->options->note(w->options->ctx, C2_NOTE_LOST, source,
                             "a link back to a directory above: an empty group");
            return true;
        }
    if (depth > C2_TREE_DEPTH_MAX) {
        skip(w, source, "too many directories in each other");
        return true;
    }
    w->above[depth].dev = st.st_dev;
    w->above[depth].ino = st.st_ino;
    return read_directory(w, rootfd, source, target, depth, err);
}

/* The group at `at` and what follows, if that is no more than attributes: all it held was excluded. */
static void drop_hollow(struct c2_export_tree *tree, size_t at)
{
    for (size_t i = at + 1; i < tree->n; i++)
        if (tree->p[i].kind != C2_EXPORT_ATTRIBUTES) return;
    while (tree->n > at) {
        tree->n--;
        free(tree->p[tree->n].source);
        free(tree->p[tree->n].target);
    }
}

static bool add(struct walk *w, int rootfd, const struct name *name, char *source, char *target,
                const char *group, int depth, struct cat2_error *err)
{
    struct c2_export_item item = {.source = source, .target = target, .sparse = name->sparse};

    item.kind = name->place == DIRECTORY ? C2_EXPORT_GROUP
                : name->place == PLAIN   ? C2_EXPORT_FILE
                                         : C2_EXPORT_FRAME;
    if (strcmp(name->name, C2_GROUP_ATTRS C2_ARRAY_SUFFIX) == 0 && item.kind == C2_EXPORT_FRAME) {
        item.kind = C2_EXPORT_ATTRIBUTES;
        free(item.target);
        item.target = c2_str_dup(c2_str_of(group));
    } else if (item.kind != C2_EXPORT_GROUP && !c2_convert_picks(w->options, source)) {
        w->counts->excluded++;
        free(source);
        free(target);
        return true;
    }
    size_t at = w->tree->n;
    int64_t excluded = w->counts->excluded;
    if (!add_item(w->tree, item, err)) return false;
    if (item.kind != C2_EXPORT_GROUP) return true;
    if (!enter(w, rootfd, source, target, depth + 1, err)) return false;
    if (w->counts->excluded > excluded || !c2_convert_picks(w->options, source)) drop_hollow(w->tree, at);
    return true;
}

static bool read_directory(struct walk *w, int rootfd, const char *source, const char *target, int depth,
                           struct cat2_error *err)
{
    __attribute__((cleanup(names_auto))) struct names names = {0};

    if (!c2_convert_goes_on(w->options, err) || !read_names(w, rootfd, source, &names, err)) return false;
    for (size_t i = 0; i < names.n; i++) {
        const struct name *name = &names.p[i];
        if (name->left_out) continue;
        char *from = join(source, name->name), *to = join(target, name->target);
        if (!from || !to) {
            free(from);
            free(to);
            return c2_fail_nomem(err, "path");
        }
        if (!add(w, rootfd, name, from, to, target, depth, err)) return false;
    }
    return true;
}

bool c2_export_tree_read(int dirfd, const struct c2_convert_options *options,
                         struct c2_convert_counts *counts, struct c2_export_tree *out, struct cat2_error *err)
{
    C2_AUTO(c2_export_tree) tree = {0};
    struct walk w = {.options = options, .counts = counts, .tree = &tree};

    if (!enter(&w, dirfd, "", "", 0, err)) return false;
    *out = tree;
    tree = (struct c2_export_tree){0};
    return true;
}
