/* SPDX-License-Identifier: BSD-3-Clause */
/* A directory of datasets. Frames are opened where they lie; plain files are compressed once into
 * STATEDIR/cache, which remembers the file's time (as its own) and size. A directory NAME.b2nd with
 * chunks.b2frame in it is one sparse frame. Nothing is opened for reading before fstat said that it is a
 * regular file. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "net/watch.h"
#include "publisher/source.h"

#define SPARSE_INDEX "/chunks.b2frame"
#define SLOW_NBYTES  (4 << 20) /* compressing more than this is not worth waiting for in a list */

struct dir_source {
    struct c2_source base;
    int root, cache; /* directories */
    char *root_path, *cache_path;
    struct c2_watch *watch;
    c2_loop_fn *changed;
    void *changed_ctx;
    atomic_bool cancelled;
};

struct dir_item {
    struct c2_item base;
    struct c2_frame *frame;
    int fd; /* of what the generation was read from */
    struct timespec mtime;
    off_t size;
};

static bool has_frame_suffix(struct c2_str path)
{
    return c2_str_ends(path, ".b2nd") || c2_str_ends(path, ".b2frame");
}

static void generation_of(const struct stat *st, struct c2_generation *out)
{
    *out = (struct c2_generation){
        .mtime_ms = (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000,
        .unusable = S_ISREG(st->st_mode)                           ? NULL
                    : S_ISFIFO(st->st_mode)                        ? "is a FIFO"
                    : S_ISSOCK(st->st_mode)                        ? "is a socket"
                    : S_ISLNK(st->st_mode)                         ? "is a broken symbolic link"
                    : S_ISBLK(st->st_mode) || S_ISCHR(st->st_mode) ? "is a device"
                                                                   : "is no regular file"};
    c2_etag_format(st->st_mtim.tv_sec, st->st_mtim.tv_nsec, st->st_size, out->etag);
    snprintf(out->validator, sizeof(out->validator), "%llx-%llx-%lld.%09ld", (unsigned long long)st->st_ino,
             (unsigned long long)st->st_size, (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
}

/* ---- walking ---- */

struct walk {
    c2_source_sink *sink;
    void *ctx;
};

static bool is_chunk_name(struct c2_str name)
{
    return name.n == 14 && c2_str_ends(name, ".chunk") && strspn(name.p, "0123456789ABCDEF") == 8;
}

static bool visit(void *ctx, const char *rel, const struct stat *st, struct cat2_error *err)
{
    struct walk *walk = ctx;
    struct c2_generation gen;
    const char *slash = strrchr(rel, '/');
    struct c2_str parent = {rel, slash ? (size_t)(slash - rel) : 0};

    generation_of(st, &gen);
    if (!slash || !has_frame_suffix(parent)) return walk->sink(walk->ctx, rel, &gen, err);
    if (is_chunk_name(c2_str_of(slash + 1))) return true;
    if (strcmp(slash, SPARSE_INDEX) != 0) return walk->sink(walk->ctx, rel, &gen, err);
    char *name = c2_str_dup(parent);
    bool ok = name ? walk->sink(walk->ctx, name, &gen, err) : c2_fail_nomem(err, "path");
    free(name);
    return ok;
}

/* Directories that are not looked into are listed with the reason; not for readers who expect to open all. */
static bool passed_by(void *ctx, const char *rel, const char *why, const struct stat *st,
                      struct cat2_error *err)
{
    struct walk *walk = ctx;
    struct c2_generation gen;

    generation_of(st, &gen);
    gen.unusable = why;
    gen.hidden = true;
    return walk->sink(walk->ctx, rel, &gen, err);
}

static bool dir_walk(struct c2_source *source, c2_source_sink *sink, void *ctx, struct cat2_error *err)
{
    struct walk walk = {sink, ctx};
    const struct c2_fs_walker walker = {visit, passed_by, &walk, true};

    return c2_fs_walk_with(((struct dir_source *)source)->root, &walker, err);
}

/* stat without opening anything for reading; a directory is looked at through its chunks.b2frame. */
static bool find(struct dir_source *dir, const char *path, struct stat *st, bool *sparse,
                 struct cat2_error *err)
{
    char index[C2_PATH_MAX + sizeof(SPARSE_INDEX)];

    *sparse = false;
    if (c2_fs_in_state(dir->root, path)) return c2_fail(err, CAT2_ENOTFOUND, "Not Found");
    int fd = c2_fs_open(dir->root, path, O_PATH, err);
    if (fd < 0) {
        if (err->code != CAT2_ENOTFOUND) return false;
        if (fstatat(dir->root, path, st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st->st_mode)) return true;
        return c2_fail(err, CAT2_ENOTFOUND, "Not Found");
    }
    int rc = fstat(fd, st);
    close(fd);
    if (rc != 0) return c2_fail(err, CAT2_EIO, "%.160s: cannot be examined", path);
    if (!S_ISDIR(st->st_mode)) return true;
    if (!has_frame_suffix(c2_str_of(path))) return c2_fail(err, CAT2_ENOTFOUND, "Not Found");
    snprintf(index, sizeof(index), "%s%s", path, SPARSE_INDEX);
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
    struct stat st;
    bool sparse;

    if (!find((struct dir_source *)source, path, &st, &sparse, err)) return false;
    generation_of(&st, out);
    return true;
}

/* ---- compressed copies of plain files ---- */

static void b2_name(const char *path, char *out, size_t size)
{
    snprintf(out, size, "%s.b2", path);
}

/* Open the copy when it is of this file's time; its frame tells the size. */
static bool copy_open(struct dir_source *dir, const char *path, const struct stat *of, struct c2_frame **out)
{
    char name[C2_PATH_MAX + 8], full[PATH_MAX];
    struct cat2_error err;
    struct stat st;

    b2_name(path, name, sizeof(name));
    int fd = c2_fs_open(dir->cache, name, O_RDONLY | O_NONBLOCK, &err);
    if (fd < 0) return false;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_mtim.tv_sec != of->st_mtim.tv_sec ||
        st.st_mtim.tv_nsec != of->st_mtim.tv_nsec) {
        close(fd);
        return false;
    }
    snprintf(full, sizeof(full), "%s/%s", dir->cache_path, name);
    if (!c2_frame_open_fd(fd, full, out, &err)) return false;
    if (c2_frame_meta(*out)->nbytes == of->st_size) return true;
    c2_frame_unref(*out);
    *out = NULL;
    return false;
}

static bool copy_write(struct dir_source *dir, struct c2_codec *codec, int in, int out,
                       struct cat2_error *err)
{
    struct stat before, after;

    if (fstat(in, &before) != 0 || !c2_frame_compress_file(codec, in, out, &dir->cancelled, err))
        return false;
    if (fstat(in, &after) != 0 || before.st_size != after.st_size ||
        before.st_mtim.tv_sec != after.st_mtim.tv_sec || before.st_mtim.tv_nsec != after.st_mtim.tv_nsec)
        return c2_fail(err, CAT2_ECHANGED, "changed while it was compressed");
    struct timespec times[2] = {before.st_mtim, before.st_mtim};
    if (futimens(out, times) != 0) return c2_fail(err, CAT2_EIO, "compressed copy: cannot set its time");
    return true;
}

static bool copy_make(struct dir_source *dir, const char *path, struct c2_codec *codec, int in,
                      struct cat2_error *err)
{
    static atomic_uint serial;
    char name[C2_PATH_MAX + 8], temp[C2_PATH_MAX + 8];

    b2_name(path, name, sizeof(name));
    snprintf(temp, sizeof(temp), ".tmp-%u-%ld", atomic_fetch_add(&serial, 1), (long)getpid());
    if (!c2_fs_mkparents(dir->cache, name, err)) return false;
    int out = openat(dir->cache, temp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (out < 0) return c2_fail_errno(err, errno, "compressed copy of %.120s", path);
    bool ok = copy_write(dir, codec, in, out, err);
    close(out);
    if (ok && renameat(dir->cache, temp, dir->cache, name) != 0)
        ok = c2_fail(err, CAT2_EIO, "compressed copy: cannot be renamed");
    if (!ok) unlinkat(dir->cache, temp, 0);
    return ok;
}

static void dir_forget(struct c2_source *source, const char *path)
{
    char name[C2_PATH_MAX + 8];
    struct cat2_error err;

    if (c2_kind_of(c2_str_of(path)) != C2_KIND_FILE) return;
    b2_name(path, name, sizeof(name));
    c2_fs_remove(((struct dir_source *)source)->cache, name, &err);
}

static bool dir_is_slow(struct c2_source *source, const char *path)
{
    struct dir_source *dir = (struct dir_source *)source;
    struct c2_frame *frame = NULL;
    struct cat2_error err;
    struct stat st;
    bool sparse;

    if (c2_kind_of(c2_str_of(path)) != C2_KIND_FILE || !find(dir, path, &st, &sparse, &err)) return false;
    if (!S_ISREG(st.st_mode) || st.st_size <= SLOW_NBYTES) return false;
    if (!copy_open(dir, path, &st, &frame)) return true;
    c2_frame_unref(frame);
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
    snprintf(full, sizeof(full), "%s/%s.b2", dir->cache_path, path);
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

static bool item_check(struct c2_item *base, struct cat2_error *err)
{
    struct dir_item *item = (struct dir_item *)base;
    struct stat st;

    if (fstat(item->fd, &st) == 0 && st.st_size == item->size && st.st_mtim.tv_sec == item->mtime.tv_sec &&
        st.st_mtim.tv_nsec == item->mtime.tv_nsec)
        return true;
    return c2_fail(err, CAT2_ECHANGED, "the dataset changed while it was read");
}

static bool item_chunk(struct c2_item *base, int64_t nchunk, struct c2_buf *out, struct cat2_error *err)
{
    struct cat2_error late;
    bool ok = c2_frame_chunk(((struct dir_item *)base)->frame, nchunk, out, err);

    if (item_check(base, &late)) return ok;
    *err = late;
    return false;
}

static void item_free(struct c2_item *base)
{
    struct dir_item *item = (struct dir_item *)base;

    c2_frame_unref(item->frame);
    if (item->fd >= 0) close(item->fd);
    free(item);
}

static const struct c2_item_ops ITEM_OPS = {item_chunk, item_check, item_free};

static bool open_plain(struct dir_source *dir, const char *path, struct c2_codec *codec,
                       struct dir_item *item, struct cat2_error *err)
{
    struct stat st;

    if (fstat(item->fd, &st) != 0) return c2_fail(err, CAT2_EIO, "%.160s: cannot be examined", path);
    if (copy_open(dir, path, &st, &item->frame)) return true;
    if (lseek(item->fd, 0, SEEK_SET) < 0 || !copy_make(dir, path, codec, item->fd, err)) return false;
    return copy_open(dir, path, &st, &item->frame) ||
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

static bool open_item(struct dir_source *dir, const char *path, struct c2_codec *codec, struct dir_item *item,
                      struct cat2_error *err)
{
    char index[C2_PATH_MAX + sizeof(SPARSE_INDEX)];
    struct stat st;
    bool sparse;

    if (!find(dir, path, &st, &sparse, err)) return false;
    generation_of(&st, &item->base.gen);
    if (item->base.gen.unusable) return c2_fail(err, CAT2_EDATA, "%.120s: %s", path, item->base.gen.unusable);
    snprintf(index, sizeof(index), "%s%s", path, sparse ? SPARSE_INDEX : "");
    item->fd = c2_fs_open(dir->root, index, O_RDONLY | O_NONBLOCK, err);
    if (item->fd < 0) return false;
    if (fstat(item->fd, &st) != 0 || !S_ISREG(st.st_mode))
        return c2_fail(err, CAT2_EDATA, "%.120s: is no regular file", path);
    generation_of(&st, &item->base.gen);
    item->mtime = st.st_mtim;
    item->size = st.st_size;
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
    return item_check(&item->base, err);
}

static bool dir_open(struct c2_source *source, const char *path, struct c2_codec *codec, struct c2_item **out,
                     struct cat2_error *err)
{
    struct dir_item *item = calloc(1, sizeof(*item));

    if (!item) return c2_fail_nomem(err, "dataset");
    item->base.ops = &ITEM_OPS;
    item->fd = -1;
    atomic_init(&item->base.refs, 1);
    if (!open_item((struct dir_source *)source, path, codec, item, err)) {
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

    (void)rel;
    if (!dir->cancelled) dir->changed(dir->changed_ctx);
}

static bool dir_watch(struct c2_source *source, struct c2_loop *loop, c2_loop_fn *changed, void *ctx,
                      struct cat2_error *err)
{
    struct dir_source *dir = (struct dir_source *)source;

    dir->changed = changed;
    dir->changed_ctx = ctx;
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
    if (dir->cache >= 0) close(dir->cache);
    free(dir->root_path);
    free(dir->cache_path);
    free(dir);
}

static const struct c2_source_ops DIR_OPS = {"dir", dir_walk,   dir_stat,  dir_is_slow, dir_sketch, dir_open,
                                             NULL,  dir_forget, dir_watch, dir_cancel,  dir_free};

bool c2_source_dir_new(const char *root, const char *statedir, struct c2_source **out, struct cat2_error *err)
{
    char cache[PATH_MAX];
    struct dir_source *dir = calloc(1, sizeof(*dir));

    if (!dir) return c2_fail_nomem(err, "source");
    dir->base.ops = &DIR_OPS;
    snprintf(cache, sizeof(cache), "%s/cache", statedir);
    dir->cache = -1;
    dir->root = c2_fs_open_dir(root, false, err);
    if (dir->root >= 0) dir->cache = c2_fs_open_dir(cache, true, err);
    bool ok = dir->root >= 0 && dir->cache >= 0;
    if (ok) {
        dir->root_path = realpath(root, NULL);
        dir->cache_path = realpath(cache, NULL);
        ok = (dir->root_path && dir->cache_path) || c2_fail(err, CAT2_EIO, "%.160s: has no full path", root);
    }
    if (!ok) {
        dir_free(&dir->base);
        return false;
    }
    *out = &dir->base;
    return true;
}
