/* SPDX-License-Identifier: BSD-3-Clause */
/* A directory of datasets. Frames are opened where they lie. Plain files are compressed once into
 * STATEDIR/cache, under a time that names the generation. A directory NAME.b2nd with chunks.b2frame is a
 * sparse frame. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "net/watch.h"
#include "publisher/source/copies.h"
#include "publisher/source/source.h"
#include "publisher/source/sparse.h"

#define SLOW_NBYTES (4 << 20) /* compressing more than this is not worth waiting for in a list */

struct dir_source {
    struct c2_source base;
    int root;
    struct c2_copies copies;
    dev_t dev;
    atomic_bool mounts; /* other file systems are mounted beneath */
    char *root_path;    /* where the root is; links in it are followed anew */
    atomic_bool moved;  /* another directory is there: watch that one */
    struct c2_loop *loop;
    struct c2_watch *watch;
    c2_loop_fn *changed;
    void *changed_ctx;
    atomic_bool cancelled;
};

struct dir_item {
    struct c2_item base;
    struct c2_gens *gens;
    char *path;
    struct c2_frame *frame;
    struct c2_copy_sums *sums; /* of the compressed copy that frame is; else NULL */
    int fd;                    /* of what the generation was read from */
    struct c2_file_key key;    /* when it was opened */
    struct c2_file_key index;  /* sparse: of the index alone; else of size -1 */
    struct c2_sparse_parts parts;
};

static bool has_frame_suffix(struct c2_str path)
{
    return c2_str_ends(path, ".b2nd") || c2_str_ends(path, ".b2frame");
}

/* What has no contents to tell it by, and why. */
static void unusable_of(const struct stat *st, const char *why, struct c2_generation *out)
{
    *out = (struct c2_generation){
        .mtime_ms = (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000, .unusable = why};
    c2_etag_format((double)st->st_mtim.tv_sec + 1e-9 * (double)st->st_mtim.tv_nsec, st->st_size, out->etag);
    snprintf(out->validator, sizeof(out->validator), "%llx-%llx-%lld.%09ld", (unsigned long long)st->st_ino,
             (unsigned long long)st->st_size, (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
}

static bool generation_of(struct dir_source *dir, const char *path, const struct stat *st,
                          const struct c2_file_key *key, struct c2_generation *out, struct cat2_error *err)
{
    const char *why = S_ISFIFO(st->st_mode)                          ? "is a FIFO"
                      : S_ISSOCK(st->st_mode)                        ? "is a socket"
                      : S_ISLNK(st->st_mode)                         ? "is a broken symbolic link"
                      : S_ISBLK(st->st_mode) || S_ISCHR(st->st_mode) ? "is a device"
                                                                     : "is no regular file";

    if (!S_ISREG(st->st_mode)) {
        unusable_of(st, why, out);
        return true;
    }
    *out = (struct c2_generation){0};
    return c2_gens_of_file(dir->base.gens, path, key, out, err);
}

/* ---- walking ---- */

struct walk {
    struct dir_source *dir;
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
    return generation_of(walk->dir, path, st, &key, &gen, err) && walk->sink(walk->ctx, path, &gen, err);
}

static bool visit(void *ctx, const char *rel, const struct stat *st, struct cat2_error *err)
{
    struct walk *walk = ctx;
    const char *slash = strrchr(rel, '/');
    struct c2_str parent = {rel, slash ? (size_t)(slash - rel) : 0};

    if (!slash || !has_frame_suffix(parent)) return show(walk, rel, st, false, err);
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

    unusable_of(st, why, &gen);
    gen.hidden = true;
    return walk->sink(walk->ctx, rel, &gen, err);
}

/* The root may have been renamed, mounted over, or be a link that leads elsewhere now. */
static bool find_root(struct dir_source *dir, struct cat2_error *err)
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
    struct walk walk = {(struct dir_source *)source, sink, ctx};
    const struct c2_fs_walker walker = {visit, passed_by, &walk, true};

    if (!find_root(walk.dir, err)) return false;
    return c2_fs_walk_with(walk.dir->root, &walker, err);
}

/* stat without opening anything for reading; a directory is looked at through its chunks.b2frame. */
static bool find(struct dir_source *dir, const char *path, struct stat *st, bool *sparse,
                 struct cat2_error *err)
{
    char index[C2_PATH_MAX + sizeof(C2_SPARSE_INDEX)];

    *sparse = false;
    if (c2_fs_in_state(dir->root, path)) return c2_fail(err, CAT2_ENOTFOUND, "Not Found");
    int fd = c2_fs_open(dir->root, path, O_PATH, err);
    if (fd < 0) {
        if (err->code != CAT2_ENOTFOUND) return false;
        if (fstatat(dir->root, path, st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st->st_mode)) return true;
        if (fstat(dir->root, st) == 0 && st->st_nlink == 0)
            return c2_fail(err, CAT2_EIO, "%.160s: the root %.160s is not there", path, dir->root_path);
        return c2_fail(err, CAT2_ENOTFOUND, "Not Found");
    }
    int rc = fstat(fd, st);
    close(fd);
    if (rc != 0) return c2_fail(err, CAT2_EIO, "%.160s: cannot be examined", path);
    if (!S_ISDIR(st->st_mode)) return true;
    if (!has_frame_suffix(c2_str_of(path))) return c2_fail(err, CAT2_ENOTFOUND, "Not Found");
    snprintf(index, sizeof(index), "%s%s", path, C2_SPARSE_INDEX);
    *sparse = true;
    fd = c2_fs_open(dir->root, index, O_PATH, err);
    if (fd < 0) return c2_fail(err, CAT2_ENOTFOUND, "Not Found");
    rc = fstat(fd, st);
    close(fd);
    return rc == 0 || c2_fail(err, CAT2_ENOTFOUND, "Not Found");
}

static bool dir_stat(struct c2_source *source, const char *path, struct c2_generation *out,
                     struct cat2_error *err)
{
    struct dir_source *dir = (struct dir_source *)source;
    C2_AUTO(c2_sparse_parts) parts = {0};
    struct c2_file_key key;
    struct stat st;
    bool sparse;

    if (!find(dir, path, &st, &sparse, err)) return false;
    c2_file_key_of(&st, &key);
    return (!sparse || c2_sparse_key_at(dir->root, path, &st, &parts, &key, err)) &&
           generation_of(dir, path, &st, &key, out, err);
}

static void dir_forget(struct c2_source *source, const char *path)
{
    c2_gens_forget(source->gens, path);
    if (c2_kind_of(c2_str_of(path)) == C2_KIND_FILE)
        c2_copy_remove(&((struct dir_source *)source)->copies, path);
}

static bool dir_is_slow(struct c2_source *source, const char *path)
{
    struct dir_source *dir = (struct dir_source *)source;
    C2_AUTO_PTR(c2_copy_sums) *sums = NULL;
    struct c2_frame *frame = NULL;
    struct c2_generation gen;
    struct c2_file_key key;
    struct cat2_error err;
    struct stat st;
    bool sparse;

    if (c2_kind_of(c2_str_of(path)) != C2_KIND_FILE || !find(dir, path, &st, &sparse, &err)) return false;
    if (!S_ISREG(st.st_mode) || st.st_size <= SLOW_NBYTES) return false;
    c2_file_key_of(&st, &key);
    if (!generation_of(dir, path, &st, &key, &gen, &err) ||
        !c2_copy_open(&dir->copies, path, &gen, st.st_size, &frame, &sums))
        return true;
    c2_frame_free(frame);
    return false;
}

static bool dir_sketch(struct c2_source *source, const char *path, struct c2_meta *out,
                       struct cat2_error *err)
{
    struct dir_source *dir = (struct dir_source *)source;
    char full[PATH_MAX];
    struct stat st;
    bool sparse;

    if (!find(dir, path, &st, &sparse, err)) return false;
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

/* ---- opening ---- */

/* The file that was opened is what it was; or other things than its bytes changed. */
static bool item_check(struct c2_item *base, struct cat2_error *err)
{
    struct dir_item *item = (struct dir_item *)base;
    bool sparse = item->index.size >= 0, good = c2_file_key_is(item->fd, sparse ? &item->index : &item->key);
    struct c2_file_key key = item->key;
    struct stat st;

    if (item->sums && !c2_copy_sums_fixed(item->sums, item->frame, err)) return false;
    if (!good && !sparse && fstat(item->fd, &st) == 0) {
        c2_file_key_of(&st, &key);
        good = true;
    }
    if (good && c2_gens_holds(item->gens, item->path, &key, base->gen.validator)) return true;
    return c2_fail(err, CAT2_ECHANGED, "the dataset changed while it was read");
}

static bool item_chunk(struct c2_item *base, int64_t nchunk, struct c2_buf *out, struct cat2_error *err)
{
    struct dir_item *item = (struct dir_item *)base;
    struct cat2_error late;
    int dirfd;

    bool ok = item->sums ? c2_copy_sums_chunk(item->sums, item->frame, nchunk, item->fd, out, err)
                         : c2_frame_chunk(item->frame, nchunk, out, err);
    int64_t number = c2_frame_chunk_file(item->frame, nchunk, &dirfd);
    if (number >= 0 && !c2_sparse_same(&item->parts, dirfd, number))
        return c2_fail(err, CAT2_ECHANGED, "the dataset changed while it was read");
    if (item_check(base, &late)) return ok;
    *err = late;
    return false;
}

static void item_free(struct c2_item *base)
{
    struct dir_item *item = (struct dir_item *)base;

    c2_frame_free(item->frame);
    c2_copy_sums_free(item->sums);
    c2_sparse_parts_fini(&item->parts);
    c2_gens_unref(item->gens);
    free(item->path);
    if (item->fd >= 0) close(item->fd);
    free(item);
}

static const struct c2_item_ops ITEM_OPS = {item_chunk, item_check, item_free};

static bool open_plain(struct dir_source *dir, const char *path, struct c2_codec *codec,
                       struct dir_item *item, struct cat2_error *err)
{
    const struct c2_generation *gen = &item->base.gen;
    int64_t size = item->key.size;

    if (c2_copy_open(&dir->copies, path, gen, size, &item->frame, &item->sums)) return true;
    if (!c2_copy_make(&dir->copies, path, gen, &item->key, item->fd, codec, &dir->cancelled, err))
        return false;
    return c2_copy_open(&dir->copies, path, gen, size, &item->frame, &item->sums) ||
           c2_fail(err, CAT2_ECHANGED, "the dataset changed while it was read");
}

static bool open_frame(struct dir_source *dir, const char *path, bool sparse, struct dir_item *item,
                       struct cat2_error *err)
{
    char full[PATH_MAX];
    int fd = sparse ? c2_fs_open(dir->root, path, O_RDONLY | O_DIRECTORY, err) : dup(item->fd);

    if (fd < 0) return sparse ? false : c2_fail_errno(err, errno, "%.160s", path);
    snprintf(full, sizeof(full), "%s/%s", dir->root_path, path);
    return sparse ? c2_frame_open_dir(fd, full, &item->frame, err)
                  : c2_frame_open_fd(fd, full, &item->frame, err);
}

/* What is being written now, or may have changed, is not opened: its times could not tell what was read. */
static bool pin(struct dir_source *dir, const char *path, bool sparse, struct dir_item *item,
                struct cat2_error *err)
{
    struct stat st;

    if (fstat(item->fd, &st) != 0 || !S_ISREG(st.st_mode))
        return c2_fail(err, CAT2_EDATA, "%.120s: is no regular file", path);
    c2_file_key_of(&st, &item->key);
    item->index = (struct c2_file_key){.size = -1};
    if (sparse) {
        item->index = item->key;
        c2_sparse_parts_fini(&item->parts);
        if (!c2_sparse_key_at(dir->root, path, &st, &item->parts, &item->key, err)) return false;
    }
    if (!generation_of(dir, path, &st, &item->key, &item->base.gen, err)) return false;
    bool still =
        c2_file_is_quiet(&item->key) || (item->base.gen.growing && c2_file_is_settled(item->key.ctime_ns));
    return (still && !item->base.gen.undecided) || c2_fail_busy(err, path);
}

/* A frame's metadata was read from where its chunks are. */
static bool check_opened(struct dir_source *dir, const char *path, bool sparse, struct dir_item *item,
                         struct cat2_error *err)
{
    C2_AUTO(c2_sparse_parts) parts = {0};
    struct c2_file_key key;
    struct stat st;

    if (sparse && (fstat(item->fd, &st) != 0 || !c2_sparse_key_at(dir->root, path, &st, &parts, &key, err)))
        return false;
    if (sparse && !c2_file_key_same(&key, &item->key))
        return c2_fail(err, CAT2_ECHANGED, "the dataset changed while it was read");
    return item_check(&item->base, err);
}

static bool open_item(struct dir_source *dir, const char *path, struct c2_codec *codec, struct dir_item *item,
                      struct cat2_error *err)
{
    char index[C2_PATH_MAX + sizeof(C2_SPARSE_INDEX)];
    struct c2_file_key key = {0};
    struct stat st;
    bool sparse;

    if (!find(dir, path, &st, &sparse, err)) return false;
    if (!S_ISREG(st.st_mode)) {
        generation_of(dir, path, &st, &key, &item->base.gen, err);
        return c2_fail(err, CAT2_EDATA, "%.120s: %s", path, item->base.gen.unusable);
    }
    snprintf(index, sizeof(index), "%s%s", path, sparse ? C2_SPARSE_INDEX : "");
    item->fd = c2_fs_open(dir->root, index, O_RDONLY | O_NONBLOCK, err);
    if (item->fd < 0 || !pin(dir, path, sparse, item, err)) return false;
    enum c2_kind kind = c2_kind_of(c2_str_of(path));
    if (!(kind == C2_KIND_FILE ? open_plain(dir, path, codec, item, err)
                               : open_frame(dir, path, sparse, item, err)))
        return false;
    item->base.meta = c2_frame_meta(item->frame);
    item->base.refusal = c2_frame_refusal(item->frame);
    item->base.frame = c2_frame_is_sparse(item->frame) ? NULL : item->frame;
    if ((kind == C2_KIND_ARRAY) != (item->base.meta->kind == C2_KIND_ARRAY) && kind != C2_KIND_FILE)
        return c2_fail(err, CAT2_EDATA, "%.120s: the frame is %s", path,
                       kind == C2_KIND_ARRAY ? "no array" : "an array, its name should end in .b2nd");
    return check_opened(dir, path, sparse, item, err);
}

static bool dir_open(struct c2_source *source, const char *path, struct c2_codec *codec, struct c2_item **out,
                     struct cat2_error *err)
{
    struct dir_item *item = calloc(1, sizeof(*item));

    if (!item) return c2_fail_nomem(err, "dataset");
    item->base.ops = &ITEM_OPS;
    item->fd = -1;
    atomic_init(&item->base.refs, 1);
    item->gens = c2_gens_ref(source->gens);
    item->path = c2_str_dup(c2_str_of(path));
    if (!item->path) c2_fail_nomem(err, "dataset");
    if (!item->path || !open_item((struct dir_source *)source, path, codec, item, err)) {
        item_free(&item->base);
        return false;
    }
    *out = &item->base;
    return true;
}

/* ---- life ---- */

static void on_watch(void *ctx, const char *rel)
{
    struct dir_source *dir = ctx;

    if (rel) c2_gens_doubt(dir->base.gens, rel);
    if (!dir->cancelled) dir->changed(dir->changed_ctx);
}

static bool dir_watch(struct c2_source *source, struct c2_loop *loop, c2_loop_fn *changed, void *ctx,
                      struct cat2_error *err)
{
    struct dir_source *dir = (struct dir_source *)source;

    dir->changed = changed;
    dir->changed_ctx = ctx;
    dir->loop = loop;
    return c2_watch_new(loop, dir->root_path, on_watch, dir, &dir->watch, err);
}

static void dir_cancel(struct c2_source *source)
{
    struct dir_source *dir = (struct dir_source *)source;

    dir->cancelled = true;
    if (dir->watch) c2_watch_free(dir->watch);
    dir->watch = NULL;
}

static void dir_free(struct c2_source *source)
{
    struct dir_source *dir = (struct dir_source *)source;

    dir_cancel(source);
    if (dir->root >= 0) close(dir->root);
    c2_copies_close(&dir->copies);
    free(dir->root_path);
    c2_gens_unref(dir->base.gens);
    free(dir);
}

static int dir_open_file(struct c2_source *source, const char *path, struct cat2_error *err)
{
    return c2_fs_open(((struct dir_source *)source)->root, path, O_RDONLY | O_NONBLOCK, err);
}

static void watch_again(struct dir_source *dir)
{
    struct c2_watch *watch;
    struct cat2_error err;

    if (!c2_watch_new(dir->loop, dir->root_path, on_watch, dir, &watch, &err)) return; /* later */
    dir->moved = false;
    c2_watch_free(dir->watch);
    dir->watch = watch;
    dir->changed(dir->changed_ctx); /* what happened before */
}

static bool dir_hears_all(struct c2_source *source, const char **why)
{
    struct dir_source *dir = (struct dir_source *)source;

    if (dir->moved && dir->watch && !dir->cancelled) watch_again(dir);
    if (!c2_fs_is_local(dir->root, why)) return false;
    if (dir->mounts) *why = "other file systems are mounted beneath";
    if (dir->mounts) return false;
    return !dir->watch || c2_watch_is_complete(dir->watch, why);
}

static const struct c2_source_ops DIR_OPS = {"dir",    dir_walk,      dir_stat,     dir_is_slow, dir_sketch,
                                             dir_open, NULL,          dir_forget,   dir_watch,   dir_cancel,
                                             dir_free, dir_open_file, dir_hears_all};

bool c2_source_dir_new(const char *root, const char *statedir, struct c2_gens *gens, struct c2_source **out,
                       struct cat2_error *err)
{
    struct stat st;
    struct dir_source *dir = calloc(1, sizeof(*dir));

    if (!dir) return c2_fail_nomem(err, "source");
    dir->base.ops = &DIR_OPS;
    dir->base.gens = c2_gens_ref(gens);
    dir->copies.dir = -1;
    dir->root = c2_fs_open_dir(root, false, err);
    bool ok = dir->root >= 0 && c2_copies_open(statedir, &dir->copies, err);
    if (ok && fstat(dir->root, &st) == 0) dir->dev = st.st_dev;
    if (ok) dir->root_path = c2_fs_absolute(root, err);
    ok = ok && dir->root_path;
    if (!ok) {
        dir_free(&dir->base);
        return false;
    }
    *out = &dir->base;
    return true;
}
