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
#include "base/hash.h"
#include "base/log.h"
#include "base/name.h"
#include "publisher/source/h5_file.h"
#include "publisher/source/h5_kind.h"

struct folder {
    char *rel; /* of the HDF5 file, beneath the root */
    struct c2_h5_file *file;
    bool seen;          /* by the walk under way */
    const char *remark; /* why there is nothing in it; NULL: there is */
};
#define JUDGED_MIN 1024
struct judged { /* a file, and whether it is HDF5, as of its validator */
    uint64_t path, validator;
    bool is_h5;
};
struct folders_source {
    struct c2_source base;
    struct c2_source *dir;
    struct c2_h5_workers *workers;
    int root;
    char *root_path;        /* where the root is; links in it are followed anew */
    pthread_mutex_t lock;   /* guards the list only */
    struct folder *folders; /* sorted by rel */
    size_t n, cap;
    struct judged *judged; /* of the walk's own thread: a table by the hash of the path */
    size_t njudged, judged_cap;
};

static struct folders_source *of(struct c2_source *base)
{
    return (struct folders_source *)base;
}

/* ---- the list of files ---- */

/* The file rel as it is named on disk; -1. */
static int open_rel(struct folders_source *source, const char *rel, struct cat2_error *err)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(strlen(rel) + 1);

    if (!c2_path_of_text(c2_str_of(rel), &name, err)) return -1;
    return c2_fs_open(source->root, c2_buf_cstr(&name), O_RDONLY | O_NONBLOCK, err);
}

/* false, and CAT2_ENOMEM: that cannot be told now. */
static bool is_h5(struct folders_source *source, const char *rel, struct cat2_error *why)
{
    struct stat st;
    int fd = open_rel(source, rel, why);
    bool is = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && c2_h5_signature(fd);

    if (fd >= 0) close(fd);
    return is;
}

static size_t place_of(const struct folders_source *source, const char *rel, bool *found)
{
    size_t lo = 0, hi = source->n;

    *found = false;
    while (lo < hi && !*found) {
        size_t mid = lo + (hi - lo) / 2;
        int order = strcmp(source->folders[mid].rel, rel);
        *found = order == 0;
        if (order < 0)
            lo = mid + 1;
        else if (order > 0)
            hi = mid;
        else
            lo = mid;
    }
    return lo;
}

static bool insert(struct folders_source *source, const char *rel, size_t at, struct cat2_error *err)
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
    memmove(source->folders + at + 1, source->folders + at, (source->n - at) * sizeof(fresh));
    source->folders[at] = fresh;
    source->n++;
    return true;
}

/* The file rel, yours to unref. NULL: not known and not to be made, or no memory. */
static struct c2_h5_file *known_file(struct folders_source *source, const char *rel, bool make)
{
    struct c2_h5_file *file = NULL;
    struct cat2_error err;
    bool found;

    pthread_mutex_lock(&source->lock);
    size_t at = place_of(source, rel, &found);
    if (found || (make && insert(source, rel, at, &err))) {
        source->folders[at].seen = source->folders[at].seen || make;
        file = c2_h5_file_ref(source->folders[at].file);
    }
    pthread_mutex_unlock(&source->lock);
    return file;
}

/* The file rel, yours to unref; NULL: it is none of HDF5, and never was. */
static struct c2_h5_file *file_of(struct folders_source *source, const char *rel)
{
    struct c2_h5_file *file = known_file(source, rel, false);
    struct cat2_error ignored;

    return file || !is_h5(source, rel, &ignored) ? file : known_file(source, rel, true);
}

static void set_remark(struct folders_source *source, const char *rel, const char *remark)
{
    bool found;

    pthread_mutex_lock(&source->lock);
    size_t at = place_of(source, rel, &found);
    if (found) source->folders[at].remark = remark;
    pthread_mutex_unlock(&source->lock);
}

static void drop_unseen(struct folders_source *source)
{
    pthread_mutex_lock(&source->lock);
    for (size_t i = source->n; i-- > 0;) {
        if (source->folders[i].seen) continue;
        c2_h5_file_unref(source->folders[i].file);
        free(source->folders[i].rel);
        source->n--;
        memmove(source->folders + i, source->folders + i + 1, (source->n - i) * sizeof(*source->folders));
    }
    pthread_mutex_unlock(&source->lock);
}

/* "a/FILE.h5/group/x.b2nd" is split after the HDF5 file; *rest points into path. NULL: not in one. */
static struct c2_h5_file *split(struct folders_source *source, const char *path, const char **rest)
{
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        char *rel = c2_str_dup((struct c2_str){path, (size_t)(slash - path)});
        struct c2_h5_file *file = rel ? file_of(source, rel) : NULL;
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
    size_t njudged;
};

static bool show_folder(struct walk *walk, struct c2_h5_snapshot *snap, const char *rel,
                        struct cat2_error *err)
{
    char path[C2_PATH_MAX + 1];

    for (size_t i = 0; i < c2_h5_snapshot_count(snap); i++) {
        const struct c2_h5_entry_of *entry = c2_h5_snapshot_at(snap, i);
        int n = snprintf(path, sizeof(path), "%s/%s", rel, entry->path);
        if (entry->group || n < 0 || (size_t)n >= sizeof(path)) continue;
        if (!walk->sink(walk->ctx, path, &entry->gen, err)) return false;
    }
    return true;
}

/* The file, and what is in it; or the file with a remark. */
static bool show_file(struct walk *walk, struct c2_h5_file *file, const char *rel,
                      const struct c2_generation *gen, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_h5_snapshot) *snap = NULL;
    struct c2_generation own = *gen;
    struct cat2_error why;

    if (!c2_h5_file_last(file, &snap, &why)) {
        if (why.code == CAT2_ECANCELLED || why.code == CAT2_ENOMEM) {
            *err = why;
            return false;
        }
        if (!c2_is_busy(&why))
            own.remark = c2_h5_workers_reason(walk->source->workers, c2_h5_file_reason(file, why.message));
        c2_log_debug("no folder of file=%s: %s", rel, why.message);
    }
    set_remark(walk->source, rel, own.remark);
    return walk->sink(walk->ctx, rel, &own, err) && (!snap || show_folder(walk, snap, rel, err));
}

/* Its place in the table; or one that is free. */
static struct judged *judged_at(struct folders_source *source, uint64_t path)
{
    size_t at = (size_t)path & (source->judged_cap - 1);

    while (source->judged[at].path && source->judged[at].path != path)
        at = (at + 1) & (source->judged_cap - 1);
    return &source->judged[at];
}

static bool make_room(struct folders_source *source)
{
    struct judged *old = source->judged;
    size_t cap = source->judged_cap;

    if (2 * (source->njudged + 1) <= cap) return true;
    struct judged *grown = calloc(cap ? 2 * cap : JUDGED_MIN, sizeof(*grown));
    if (!grown) return false;
    source->judged = grown;
    source->judged_cap = cap ? 2 * cap : JUDGED_MIN;
    for (size_t i = 0; i < cap; i++)
        if (old[i].path) *judged_at(source, old[i].path) = old[i];
    free(old);
    return true;
}

/* Most of the table is of files that are gone: the next walk fills it anew. */
static void forget_judged(struct folders_source *source)
{
    free(source->judged);
    source->judged = NULL;
    source->njudged = source->judged_cap = 0;
}

/* Files that are as they were when they were opened last are not opened again. */
static bool judge(struct folders_source *source, const char *rel, const struct c2_generation *gen, bool *is,
                  struct cat2_error *err)
{
    uint64_t path = c2_hash64(rel, strlen(rel)) | 1;
    uint64_t validator = c2_hash64(gen->validator, strlen(gen->validator));
    struct cat2_error why = {0};

    if (!make_room(source)) return c2_fail_nomem(err, "list of files");
    struct judged *it = judged_at(source, path);
    if (it->path != path || it->validator != validator || gen->undecided) {
        *is = is_h5(source, rel, &why);
        if (why.code == CAT2_ENOMEM) { /* a list without what is in it would say less */
            *err = why;
            return false;
        }
        source->njudged += it->path == 0;
        *it = (struct judged){path, validator, *is};
    }
    *is = it->is_h5;
    return true;
}

static bool is_frame(const char *path)
{
    return c2_kind_of(c2_str_of(path)) != C2_KIND_FILE;
}

/* Named as HDF5 files are, or one of them before, and none now. */
static bool show_other(struct walk *walk, const char *rel, const struct c2_generation *gen,
                       struct cat2_error *err)
{
    struct c2_h5_file *file = known_file(walk->source, rel, false);
    struct c2_generation own = *gen;
    struct cat2_error ignored;
    int fd = -1;

    if (file || c2_h5_suffix(rel)) fd = open_rel(walk->source, rel, &ignored);
    if (fd >= 0) {
        own.remark = c2_h5_not(fd);
        close(fd);
    }
    if (file) c2_h5_file_unref(known_file(walk->source, rel, true)); /* seen */
    set_remark(walk->source, rel, own.remark);
    c2_h5_file_unref(file);
    return walk->sink(walk->ctx, rel, &own, err);
}

static bool visit(void *ctx, const char *path, const struct c2_generation *gen, struct cat2_error *err)
{
    struct walk *walk = ctx;
    bool is = false;

    if (gen->unusable || is_frame(path)) return walk->sink(walk->ctx, path, gen, err);
    walk->njudged++;
    if (!judge(walk->source, path, gen, &is, err)) return false;
    if (!is) return show_other(walk, path, gen, err);
    struct c2_h5_file *file = known_file(walk->source, path, true);
    if (!file) return c2_fail_nomem(err, "HDF5 file");
    bool ok = show_file(walk, file, path, gen, err);
    c2_h5_file_unref(file);
    return ok;
}

static bool folders_walk(struct c2_source *base, c2_source_sink *sink, void *ctx, struct cat2_error *err)
{
    struct folders_source *source = of(base);
    struct walk walk = {source, sink, ctx, 0};
    bool moved;

    if (!c2_fs_reopen_dir(source->root, source->root_path, &moved, err)) return false;
    pthread_mutex_lock(&source->lock);
    for (size_t i = 0; i < source->n; i++)
        source->folders[i].seen = false;
    pthread_mutex_unlock(&source->lock);
    bool ok = source->dir->ops->walk(source->dir, visit, &walk, err);
    if (ok) drop_unseen(source);
    if (ok && source->njudged > 2 * walk.njudged + JUDGED_MIN) forget_judged(source);
    return ok;
}

/* ---- datasets ---- */

static bool folders_stat(struct c2_source *base, const char *path, struct c2_generation *out,
                         struct cat2_error *err)
{
    const char *rest;
    struct c2_h5_file *file = split(of(base), path, &rest);

    if (!file) return of(base)->dir->ops->stat(of(base)->dir, path, out, err);
    bool ok = c2_h5_file_stat(file, rest, out, err);
    c2_h5_file_unref(file);
    return ok;
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
    free(source->judged);
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
    source->root_path = c2_fs_absolute(root, err);
    bool ok = source->root >= 0 && source->root_path;
    ok = ok && c2_h5_workers_new(source->root_path, &source->workers, err);
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
