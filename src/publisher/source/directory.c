/* SPDX-License-Identifier: BSD-3-Clause */
/* A directory of datasets. Frames are opened where they lie. Plain files are compressed once into
 * STATEDIR/cache, under a time that names the generation. A directory NAME.b2nd with chunks.b2frame is a
 * sparse frame. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "publisher/source/container.h"
#include "publisher/source/directory_impl.h"
#include "publisher/source/sparse.h"

#define SLOW_NBYTES (4 << 20) /* compressing more than this is not worth waiting for in a list */

/* ---- walking ---- */

struct walk {
    struct c2_dir_source *dir;
    c2_source_sink *sink;
    void *ctx;
};

static bool show(struct walk *walk, const char *path, const struct stat *st, bool sparse,
                 struct cat2_error *err)
{
    C2_AUTO(c2_sparse_parts) parts = {0};
    struct c2_generation gen;
    struct c2_file_key key;
    struct cat2_error gone;

    c2_file_key_of(st, &key);
    if (sparse && !c2_sparse_key_at(walk->dir->root, path, st, &parts, &key, &gone)) return true;
    if (st->st_dev != walk->dir->dev) walk->dir->mounts = true;
    return c2_dir_generation(walk->dir, path, st, &key, &gen, err) && walk->sink(walk->ctx, path, &gen, err);
}

/* NAME.b2 alone is the plain file NAME, if it is a frame. */
static bool show_coded(struct walk *walk, const char *rel, const struct stat *st, struct cat2_error *err)
{
    struct c2_str bare = c2_kind_bare(c2_str_of(rel));

    if (!c2_dir_is_coded(walk->dir, bare)) return show(walk, rel, st, false, err);
    char *name = c2_str_dup(bare);
    bool ok = name ? show(walk, name, st, false, err) : c2_fail_nomem(err, "path");
    free(name);
    return ok;
}

static bool visit(void *ctx, const char *rel, const struct stat *st, struct cat2_error *err)
{
    struct walk *walk = ctx;
    const char *slash = strrchr(rel, '/');
    struct c2_str parent = {rel, slash ? (size_t)(slash - rel) : 0};

    if (c2_str_ends(c2_str_of(rel), C2_DIR_CODED_SUFFIX)) return show_coded(walk, rel, st, err);
    if (!slash || !c2_dir_may_be_sparse(parent)) return show(walk, rel, st, false, err);
    if (c2_sparse_is_chunk_name(c2_str_of(slash + 1))) return true;
    if (strcmp(slash, C2_SPARSE_INDEX) != 0) return show(walk, rel, st, false, err);
    char *name = c2_str_dup(parent);
    bool ok = name ? show(walk, name, st, true, err) : c2_fail_nomem(err, "path");
    free(name);
    return ok;
}

/* Directories that are not looked into are listed with the reason; not for readers who expect to open all. */
static bool passed_by(void *ctx, const char *rel, const char *why, const struct stat *st,
                      struct cat2_error *err)
{
    struct walk *walk = ctx;
    struct c2_generation gen;

    c2_dir_unusable(st, why, &gen);
    gen.hidden = true;
    return walk->sink(walk->ctx, rel, &gen, err);
}

/* A folder that is a container may have very many files: they are not for us. */
static bool entering(void *ctx, const char *rel, int fd, const struct stat *st, bool *into,
                     struct cat2_error *err)
{
    struct walk *walk = ctx;
    const struct c2_generation gen = {.folder = true};
    struct c2_candidate candidate = {rel, fd, true};
    const struct c2_format *format;
    const char *why;

    *into = c2_formats_probe(&candidate, &format, &why) < C2_CLAIM_NAME;
    if (*into) return true;
    if (st->st_dev != walk->dir->dev) walk->dir->mounts = true;
    return walk->sink(walk->ctx, rel, &gen, err);
}

/* The root may have been renamed, mounted over, or be a link that leads elsewhere now. */
static bool find_root(struct c2_dir_source *dir, struct cat2_error *err)
{
    struct stat st;
    bool moved, ok = c2_fs_reopen_dir(dir->root, dir->root_path, &moved, err);

    if (!moved) return ok;
    c2_log_info("another directory is at %.160s", dir->root_path);
    if (fstat(dir->root, &st) == 0) dir->dev = st.st_dev;
    dir->mounts = false;
    dir->moved = true;
    return true;
}

static bool dir_walk(struct c2_source *source, c2_source_sink *sink, void *ctx, struct cat2_error *err)
{
    struct walk walk = {(struct c2_dir_source *)source, sink, ctx};
    const struct c2_fs_walker walker = {visit, passed_by, &walk, true, walk.dir->folders ? entering : NULL};

    if (!find_root(walk.dir, err)) return false;
    return c2_fs_walk_with(walk.dir->root, &walker, err);
}

static bool dir_stat(struct c2_source *source, const char *path, struct c2_generation *out,
                     struct cat2_error *err)
{
    struct c2_dir_source *dir = (struct c2_dir_source *)source;
    C2_AUTO(c2_sparse_parts) parts = {0};
    struct c2_file_key key;
    enum c2_dir_form form;
    struct stat st;

    if (!c2_dir_find(dir, path, &st, &form, err)) return false;
    c2_file_key_of(&st, &key);
    return (form != C2_DIR_SPARSE || c2_sparse_key_at(dir->root, path, &st, &parts, &key, err)) &&
           c2_dir_generation(dir, path, &st, &key, out, err);
}

static void dir_forget(struct c2_source *source, const char *path)
{
    c2_gens_forget(source->gens, path);
    if (c2_kind_of(c2_str_of(path)) == C2_KIND_FILE)
        c2_copy_remove(&((struct c2_dir_source *)source)->copies, path);
}

static bool dir_is_slow(struct c2_source *source, const char *path)
{
    struct c2_dir_source *dir = (struct c2_dir_source *)source;
    C2_AUTO_PTR(c2_copy_sums) *sums = NULL;
    struct c2_frame *frame = NULL;
    struct c2_generation gen;
    struct c2_file_key key;
    struct cat2_error err;
    enum c2_dir_form form;
    struct stat st;

    if (c2_kind_of(c2_str_of(path)) != C2_KIND_FILE || !c2_dir_find(dir, path, &st, &form, &err))
        return false;
    if (form == C2_DIR_CODED || !S_ISREG(st.st_mode) || st.st_size <= SLOW_NBYTES) return false;
    c2_file_key_of(&st, &key);
    if (!c2_dir_generation(dir, path, &st, &key, &gen, &err) ||
        !c2_copy_open(&dir->copies, path, &gen, st.st_size, &frame, &sums))
        return true;
    c2_frame_free(frame);
    return false;
}

static bool dir_sketch(struct c2_source *source, const char *path, struct c2_meta *out,
                       struct cat2_error *err)
{
    struct c2_dir_source *dir = (struct c2_dir_source *)source;
    char full[PATH_MAX];
    enum c2_dir_form form;
    struct stat st;

    if (!c2_dir_find(dir, path, &st, &form, err)) return false;
    snprintf(full, sizeof(full), "%s/%s.b2", dir->copies.path, path);
    *out = (struct c2_meta){
        .kind = C2_KIND_FILE, .nbytes = st.st_size, .chunksize = 16 << 20, .contiguous = true};
    out->nchunks = c2_div_ceil(out->nbytes, out->chunksize);
    out->chunkshape = out->chunksize;
    out->cparams = c2_cparams_default(1, 0);
    c2_buf_init(&out->vlmeta, 16);
    out->urlpath = c2_str_dup(c2_str_of(full));
    return out->urlpath ? c2_buf_puts(&out->vlmeta, "{}", err) : c2_fail_nomem(err, "metadata");
}

/* ---- life ---- */

static void doubt_bare(struct c2_dir_source *dir, struct c2_str bare)
{
    char *name = c2_str_dup(bare);

    if (name) c2_gens_doubt(dir->base.gens, name);
    free(name);
}

static void on_watch(void *ctx, const char *rel)
{
    struct c2_dir_source *dir = ctx;

    if (rel) c2_gens_doubt(dir->base.gens, rel);
    struct c2_str bare = c2_kind_bare(c2_str_of(rel ? rel : ""));
    if (bare.n) doubt_bare(dir, bare);
    if (!dir->cancelled) dir->changed(dir->changed_ctx, rel);
}

static bool dir_watch(struct c2_source *source, struct c2_loop *loop, c2_source_changed *changed, void *ctx,
                      struct cat2_error *err)
{
    struct c2_dir_source *dir = (struct c2_dir_source *)source;

    dir->changed = changed;
    dir->changed_ctx = ctx;
    dir->loop = loop;
    return c2_watch_new(loop, dir->root_path, on_watch, dir, &dir->watch, err);
}

static void dir_hear(struct c2_source *source)
{
    struct c2_dir_source *dir = (struct c2_dir_source *)source;

    if (dir->watch && !dir->cancelled) c2_watch_hear(dir->watch);
}

static void dir_cancel(struct c2_source *source)
{
    struct c2_dir_source *dir = (struct c2_dir_source *)source;

    dir->cancelled = true;
    if (dir->watch) c2_watch_free(dir->watch);
    dir->watch = NULL;
}

static void dir_free(struct c2_source *source)
{
    struct c2_dir_source *dir = (struct c2_dir_source *)source;

    dir_cancel(source);
    if (dir->root >= 0) close(dir->root);
    c2_copies_close(&dir->copies);
    free(dir->root_path);
    free(dir);
}

static int dir_open_file(struct c2_source *source, const char *path, struct cat2_error *err)
{
    const struct c2_dir_source *dir = (const struct c2_dir_source *)source;
    int fd = c2_fs_open(dir->root, path, O_RDONLY | O_NONBLOCK, err);

    if (fd >= 0 || err->code != CAT2_ENOTFOUND || !c2_dir_is_coded(dir, c2_str_of(path))) return fd;
    return c2_dir_open_file(dir, path, C2_DIR_CODED, err);
}

static void watch_again(struct c2_dir_source *dir)
{
    struct c2_watch *watch;
    struct cat2_error err;

    if (!c2_watch_new(dir->loop, dir->root_path, on_watch, dir, &watch, &err)) return; /* later */
    dir->moved = false;
    c2_watch_free(dir->watch);
    dir->watch = watch;
    dir->changed(dir->changed_ctx, NULL); /* what happened before */
}

static bool dir_hears_all(struct c2_source *source, const char **why)
{
    struct c2_dir_source *dir = (struct c2_dir_source *)source;

    if (dir->moved && dir->watch && !dir->cancelled) watch_again(dir);
    if (!c2_fs_is_local(dir->root, why)) return false;
    if (dir->mounts) *why = "other file systems are mounted beneath";
    if (dir->mounts) return false;
    return !dir->watch || c2_watch_is_complete(dir->watch, why);
}

static const struct c2_source_ops DIR_OPS = {.walk = dir_walk,
                                             .stat = dir_stat,
                                             .is_slow = dir_is_slow,
                                             .sketch = dir_sketch,
                                             .open = c2_dir_open,
                                             .forget = dir_forget,
                                             .watch = dir_watch,
                                             .hear = dir_hear,
                                             .cancel = dir_cancel,
                                             .free = dir_free,
                                             .open_file = dir_open_file,
                                             .hears_all = dir_hears_all};

bool c2_source_dir_new(const char *root, const char *statedir, bool folders, struct c2_gens *gens,
                       struct c2_source **out, struct cat2_error *err)
{
    struct stat st;
    struct c2_dir_source *dir = calloc(1, sizeof(*dir));

    if (!dir) return c2_fail_nomem(err, "source");
    dir->base.ops = &DIR_OPS;
    dir->base.gens = c2_gens_ref(gens);
    dir->folders = folders;
    dir->copies.dir = -1;
    dir->root = c2_fs_open_dir(root, false, err);
    bool ok = dir->root >= 0 && c2_copies_open(statedir, &dir->copies, err);
    if (ok && fstat(dir->root, &st) == 0) dir->dev = st.st_dev;
    if (ok) dir->root_path = c2_fs_absolute(root, err);
    ok = ok && dir->root_path;
    if (!ok) {
        c2_source_free(&dir->base);
        return false;
    }
    *out = &dir->base;
    return true;
}
