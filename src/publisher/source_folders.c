/* SPDX-License-Identifier: BSD-3-Clause */
/* A directory whose HDF5 files are folders too: beside FILE.h5 itself there is FILE.h5/GROUP/DATASET.b2nd.
 * The rest is the directory's source, which this one asks first. */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/name.h"
#include "publisher/h5_file.h"

struct folder {
    char *rel; /* of the HDF5 file, beneath the root */
    struct c2_h5_file *file;
    bool seen; /* by the walk under way */
};
struct folders_source {
    struct c2_source base;
    struct c2_source *dir;
    struct c2_h5_workers *workers;
    int root;
    char *root_path;
    pthread_mutex_t lock; /* guards the list only */
    struct folder *folders;
    size_t n, cap;
};

static struct folders_source *of(struct c2_source *base)
{
    return (struct folders_source *)base;
}

/* ---- the list of files ---- */

static bool has_suffix(struct c2_str path)
{
    static const char *const SUFFIXES[] = {".h5", ".hdf5", ".he5", ".nc", ".nc4", ".nxs"};

    for (size_t i = 0; i < C2_ARRAY_LEN(SUFFIXES); i++) {
        size_t n = strlen(SUFFIXES[i]);
        if (path.n > n && c2_str_eq_nocase((struct c2_str){path.p + path.n - n, n}, c2_str_of(SUFFIXES[i])))
            return true;
    }
    return false;
}

static bool is_h5(struct folders_source *source, const char *rel, struct cat2_error *why)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(strlen(rel) + 1);
    struct stat st;
    bool known = c2_path_of_text(c2_str_of(rel), &name, why);
    int fd = known ? c2_fs_open(source->root, c2_buf_cstr(&name), O_RDONLY | O_NONBLOCK, why) : -1;
    bool is = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && c2_h5_signature(fd);

    if (fd >= 0) close(fd);
    return is;
}

static bool append(struct folders_source *source, const char *rel, struct cat2_error *err)
{
    C2_AUTO(c2_buf) full = C2_BUF_INIT(2 * PATH_MAX);
    C2_AUTO(c2_buf) name = C2_BUF_INIT(strlen(rel) + 1);
    struct folder fresh = {.rel = c2_str_dup(c2_str_of(rel))};

    if (source->n == source->cap) {
        size_t cap = source->cap ? source->cap * 2 : 16;
        struct folder *grown = realloc(source->folders, cap * sizeof(*grown));
        if (grown) {
            source->folders = grown;
            source->cap = cap;
        }
    }
    bool ok = fresh.rel && source->n < source->cap && c2_path_of_text(c2_str_of(rel), &name, err) &&
              c2_buf_printf(&full, err, "%s/%s", source->root_path, c2_buf_cstr(&name)) &&
              c2_h5_file_new(c2_buf_cstr(&full), c2_buf_cstr(&name), source->workers, source->base.gens,
                             &fresh.file, err);
    if (!ok) {
        free(fresh.rel);
        return c2_fail_nomem(err, "HDF5 file");
    }
    source->folders[source->n++] = fresh;
    return true;
}

/* The file rel, yours to unref; NULL: it is none of HDF5, or (CAT2_ENOMEM) that cannot be told now. */
static struct c2_h5_file *file_of(struct folders_source *source, const char *rel, struct cat2_error *why)
{
    struct c2_h5_file *found = NULL;
    struct cat2_error err;

    why->code = CAT2_OK;
    if (!is_h5(source, rel, why)) return NULL;
    pthread_mutex_lock(&source->lock);
    for (size_t pass = 0; pass < 2 && !found; pass++) {
        for (size_t i = 0; i < source->n && !found; i++)
            if (strcmp(source->folders[i].rel, rel) == 0) {
                source->folders[i].seen = true;
                found = c2_h5_file_ref(source->folders[i].file);
            }
        if (!found && pass == 0 && !append(source, rel, &err)) break;
    }
    pthread_mutex_unlock(&source->lock);
    return found;
}

static void drop_unseen(struct folders_source *source)
{
    pthread_mutex_lock(&source->lock);
    for (size_t i = source->n; i-- > 0;) {
        if (source->folders[i].seen) continue;
        c2_h5_file_unref(source->folders[i].file);
        free(source->folders[i].rel);
        source->folders[i] = source->folders[--source->n];
    }
    pthread_mutex_unlock(&source->lock);
}

/* "a/FILE.h5/group/x.b2nd" is split after the HDF5 file; *rest points into path. NULL: not in one. */
static struct c2_h5_file *split(struct folders_source *source, const char *path, const char **rest)
{
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        struct c2_str head = {path, (size_t)(slash - path)};
        if (!has_suffix(head)) continue;
        char *rel = c2_str_dup(head);
        struct cat2_error ignored;
        struct c2_h5_file *file = rel ? file_of(source, rel, &ignored) : NULL;
        free(rel);
        *rest = slash + 1;
        if (file) return file;
    }
    return NULL;
}

/* ---- walking ---- */

struct walk {
    struct folders_source *source;
    c2_source_sink *sink;
    void *ctx;
};

static bool show_folder(struct walk *walk, struct c2_h5_file *file, const char *rel, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_h5_snapshot) *snap = NULL;
    struct cat2_error why;
    char path[C2_PATH_MAX + 1];

    if (!c2_h5_file_last(file, &snap, &why)) {
        bool moment = why.code == CAT2_ECANCELLED || why.code == CAT2_ENOMEM;
        if (moment) *err = why;
        c2_log_debug("no folder of file=%s: %s", rel, why.message);
        return !moment;
    }
    for (size_t i = 0; i < snap->n; i++) {
        int n = snprintf(path, sizeof(path), "%s/%s", rel, snap->entries[i].path);
        if (snap->entries[i].group || n < 0 || (size_t)n >= sizeof(path)) continue;
        if (!walk->sink(walk->ctx, path, &snap->entries[i].gen, err)) return false;
    }
    return true;
}

static bool visit(void *ctx, const char *path, const struct c2_generation *gen, struct cat2_error *err)
{
    struct walk *walk = ctx;

    if (!walk->sink(walk->ctx, path, gen, err)) return false;
    if (gen->unusable || !has_suffix(c2_str_of(path))) return true;
    struct c2_h5_file *file = file_of(walk->source, path, err);
    if (!file) return err->code != CAT2_ENOMEM; /* a list without what is in it would say less */
    bool ok = show_folder(walk, file, path, err);
    c2_h5_file_unref(file);
    return ok;
}

static bool folders_walk(struct c2_source *base, c2_source_sink *sink, void *ctx, struct cat2_error *err)
{
    struct folders_source *source = of(base);
    struct walk walk = {source, sink, ctx};

    pthread_mutex_lock(&source->lock);
    for (size_t i = 0; i < source->n; i++)
        source->folders[i].seen = false;
    pthread_mutex_unlock(&source->lock);
    bool ok = source->dir->ops->walk(source->dir, visit, &walk, err);
    if (ok) drop_unseen(source);
    return ok;
}

/* ---- datasets ---- */

static bool folders_stat(struct c2_source *base, const char *path, struct c2_generation *out,
                         struct cat2_error *err)
{
    C2_AUTO_PTR(c2_h5_snapshot) *snap = NULL;
    const char *rest;
    struct c2_h5_file *file = split(of(base), path, &rest);

    if (!file) return of(base)->dir->ops->stat(of(base)->dir, path, out, err);
    bool ok = c2_h5_file_look(file, &snap, err);
    const struct c2_h5_entry_of *entry = ok ? c2_h5_snapshot_find(snap, rest, false) : NULL;
    if (entry) *out = entry->gen;
    c2_h5_file_unref(file);
    return entry || !ok ? ok : c2_fail(err, CAT2_ENOTFOUND, "Not Found");
}

static bool folders_open(struct c2_source *base, const char *path, struct c2_codec *codec,
                         struct c2_item **out, struct cat2_error *err)
{
    const char *rest;
    struct c2_h5_file *file = split(of(base), path, &rest);

    if (!file) return of(base)->dir->ops->open(of(base)->dir, path, codec, out, err);
    bool ok = c2_h5_file_open(file, rest, out, err);
    c2_h5_file_unref(file);
    return ok;
}

static bool in_folder(struct c2_source *base, const char *path)
{
    const char *rest;
    struct c2_h5_file *file = split(of(base), path, &rest);

    c2_h5_file_unref(file);
    return file != NULL;
}

static bool folders_is_slow(struct c2_source *base, const char *path)
{
    return !in_folder(base, path) && of(base)->dir->ops->is_slow(of(base)->dir, path);
}

static bool folders_sketch(struct c2_source *base, const char *path, struct c2_meta *out,
                           struct cat2_error *err)
{
    return of(base)->dir->ops->sketch(of(base)->dir, path, out, err); /* what is slow is the directory's */
}

static bool folders_attrs(struct c2_source *base, const char *path, struct c2_buf *out,
                          struct cat2_error *err)
{
    char below[C2_PATH_MAX + 2];
    const char *rest;

    snprintf(below, sizeof(below), "%s/", path);
    struct c2_h5_file *file = split(of(base), below, &rest);
    if (!file) return c2_fail(err, CAT2_ENOTFOUND, "Not Found");
    size_t n = strlen(rest);
    char *group = c2_str_dup((struct c2_str){rest, n ? n - 1 : 0});
    bool ok = group ? c2_h5_file_attrs(file, group, out, err) : c2_fail_nomem(err, "path");
    free(group);
    c2_h5_file_unref(file);
    return ok;
}

static void folders_forget(struct c2_source *base, const char *path)
{
    c2_gens_forget(base->gens, path);
    if (!in_folder(base, path)) of(base)->dir->ops->forget(of(base)->dir, path);
}

/* ---- life ---- */

static bool folders_watch(struct c2_source *base, struct c2_loop *loop, c2_loop_fn *changed, void *ctx,
                          struct cat2_error *err)
{
    return of(base)->dir->ops->watch(of(base)->dir, loop, changed, ctx, err);
}

static void folders_cancel(struct c2_source *base)
{
    of(base)->dir->ops->cancel(of(base)->dir);
    c2_h5_workers_cancel(of(base)->workers);
}

static void folders_free(struct c2_source *base)
{
    struct folders_source *source = of(base);

    if (source->workers) folders_cancel(base);
    for (size_t i = 0; i < source->n; i++) {
        c2_h5_file_unref(source->folders[i].file);
        free(source->folders[i].rel);
    }
    free(source->folders);
    c2_h5_workers_unref(source->workers);
    source->dir->ops->free(source->dir);
    if (source->root >= 0) close(source->root);
    free(source->root_path);
    c2_gens_unref(base->gens);
    pthread_mutex_destroy(&source->lock);
    free(source);
}

static int folders_open_file(struct c2_source *base, const char *path, struct cat2_error *err)
{
    return of(base)->dir->ops->open_file(of(base)->dir, path, err);
}

static bool folders_hears_all(struct c2_source *base, const char **why)
{
    return of(base)->dir->ops->hears_all(of(base)->dir, why);
}

static const struct c2_source_ops FOLDERS_OPS = {
    "folders",    folders_walk,      folders_stat,     folders_is_slow, folders_sketch,
    folders_open, folders_attrs,     folders_forget,   folders_watch,   folders_cancel,
    folders_free, folders_open_file, folders_hears_all};

bool c2_source_folders_new(struct c2_source *dir, const char *root, struct c2_source **out,
                           struct cat2_error *err)
{
    struct folders_source *source = calloc(1, sizeof(*source));

    if (!source) return c2_fail_nomem(err, "source");
    source->base.ops = &FOLDERS_OPS;
    source->base.gens = c2_gens_ref(dir->gens);
    source->dir = dir;
    pthread_mutex_init(&source->lock, NULL);
    source->root = c2_fs_open_dir(root, false, err);
    source->root_path = realpath(root, NULL);
    bool ok = source->root >= 0;
    if (ok && !source->root_path) ok = c2_fail(err, CAT2_EIO, "%.160s: has no full path", root);
    ok = ok && c2_h5_workers_new(&source->workers, err);
    if (!ok) {
        source->dir = NULL;
        if (source->root >= 0) close(source->root);
        free(source->root_path);
        c2_gens_unref(source->base.gens);
        pthread_mutex_destroy(&source->lock);
        free(source);
        return false;
    }
    *out = &source->base;
    return true;
}
