/* SPDX-License-Identifier: BSD-3-Clause */
/* Datasets of a directory: where they are, which generation, and opened ones. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "publisher/source/directory_impl.h"
#include "publisher/source/sparse.h"

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

bool c2_dir_may_be_sparse(struct c2_str path)
{
    return c2_str_ends(path, ".b2nd") || c2_str_ends(path, ".b2frame");
}

void c2_dir_unusable(const struct stat *st, const char *why, struct c2_generation *out)
{
    *out = (struct c2_generation){
        .mtime_ms = (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000, .unusable = why};
    c2_etag_format((double)st->st_mtim.tv_sec + 1e-9 * (double)st->st_mtim.tv_nsec, st->st_size, out->etag);
    snprintf(out->validator, sizeof(out->validator), "%llx-%llx-%lld.%09ld", (unsigned long long)st->st_ino,
             (unsigned long long)st->st_size, (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
}

bool c2_dir_generation(struct c2_dir_source *dir, const char *path, const struct stat *st,
                       const struct c2_file_key *key, struct c2_generation *out, struct cat2_error *err)
{
    const char *why = S_ISFIFO(st->st_mode)                          ? "is a FIFO"
                      : S_ISSOCK(st->st_mode)                        ? "is a socket"
                      : S_ISLNK(st->st_mode)                         ? "is a broken symbolic link"
                      : S_ISBLK(st->st_mode) || S_ISCHR(st->st_mode) ? "is a device"
                                                                     : "is no regular file";

    if (!S_ISREG(st->st_mode)) {
        c2_dir_unusable(st, why, out);
        return true;
    }
    *out = (struct c2_generation){0};
    return c2_gens_of_file(dir->base.gens, path, key, out, err);
}

/* ---- where they are ---- */

static int open_coded(const struct c2_dir_source *dir, struct c2_str path, int flags)
{
    char name[C2_PATH_MAX + sizeof(C2_DIR_CODED_SUFFIX)];
    struct cat2_error ignored;

    int n = snprintf(name, sizeof(name), "%.*s" C2_DIR_CODED_SUFFIX, C2_STR_ARG(path));
    return n > C2_PATH_MAX ? -1 : c2_fs_open(dir->root, name, flags, &ignored);
}

static bool is_there(const struct c2_dir_source *dir, struct c2_str path)
{
    char name[C2_PATH_MAX + 1];
    struct stat st;

    snprintf(name, sizeof(name), "%.*s", C2_STR_ARG(path));
    return fstatat(dir->root, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

bool c2_dir_is_coded(const struct c2_dir_source *dir, struct c2_str path)
{
    uint8_t head[C2_FRAME_MAGIC_AT + sizeof(C2_FRAME_MAGIC)];

    if (path.n == 0 || c2_path_last(path).n == 0 || c2_kind_of(path) != C2_KIND_FILE || is_there(dir, path))
        return false;
    C2_AUTO(c2_fd) file = {open_coded(dir, path, O_RDONLY | O_NONBLOCK)};
    return file.fd >= 0 && pread(file.fd, head, sizeof(head), 0) == sizeof(head) &&
           memcmp(head + C2_FRAME_MAGIC_AT, C2_FRAME_MAGIC, sizeof(C2_FRAME_MAGIC)) == 0;
}

/* NAME.b2 that is listed as NAME has no other name here. */
static bool is_listed_bare(const struct c2_dir_source *dir, struct c2_str path)
{
    return c2_dir_is_coded(dir, c2_kind_bare(path));
}

int c2_dir_open_file(const struct c2_dir_source *dir, const char *path, enum c2_dir_form form,
                     struct cat2_error *err)
{
    if (form != C2_DIR_CODED) return c2_fs_open(dir->root, path, O_RDONLY | O_NONBLOCK, err);
    int fd = open_coded(dir, c2_str_of(path), O_RDONLY | O_NONBLOCK);
    if (fd < 0) c2_fail(err, CAT2_ENOTFOUND, "Not Found");
    return fd;
}

static bool stat_fd(int fd, const char *path, struct stat *st, struct cat2_error *err)
{
    int rc = fd < 0 ? -1 : fstat(fd, st);

    if (fd >= 0) close(fd);
    return rc == 0 || c2_fail(err, fd < 0 ? CAT2_ENOTFOUND : CAT2_EIO,
                              fd < 0 ? "Not Found" : "%.160s: cannot be examined", path);
}

/* There is no file of this name. */
static bool find_other(struct c2_dir_source *dir, const char *path, struct stat *st, enum c2_dir_form *form,
                       struct cat2_error *err)
{
    if (err->code != CAT2_ENOTFOUND) return false;
    if (fstatat(dir->root, path, st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st->st_mode)) return true;
    if (fstat(dir->root, st) == 0 && st->st_nlink == 0)
        return c2_fail(err, CAT2_EIO, "%.160s: the root %.160s is not there", path, dir->root_path);
    if (!c2_dir_is_coded(dir, c2_str_of(path))) return c2_fail(err, CAT2_ENOTFOUND, "Not Found");
    *form = C2_DIR_CODED;
    return stat_fd(open_coded(dir, c2_str_of(path), O_PATH), path, st, err);
}

bool c2_dir_find(struct c2_dir_source *dir, const char *path, struct stat *st, enum c2_dir_form *form,
                 struct cat2_error *err)
{
    char index[C2_PATH_MAX + sizeof(C2_SPARSE_INDEX)];

    *form = C2_DIR_FILE;
    if (c2_fs_in_state(dir->root, path) || is_listed_bare(dir, c2_str_of(path)))
        return c2_fail(err, CAT2_ENOTFOUND, "Not Found");
    int fd = c2_fs_open(dir->root, path, O_PATH, err);
    if (fd < 0) return find_other(dir, path, st, form, err);
    if (!stat_fd(fd, path, st, err)) return false;
    if (!S_ISDIR(st->st_mode)) return true;
    if (!c2_dir_may_be_sparse(c2_str_of(path))) return c2_fail(err, CAT2_ENOTFOUND, "Not Found");
    snprintf(index, sizeof(index), "%s%s", path, C2_SPARSE_INDEX);
    *form = C2_DIR_SPARSE;
    fd = c2_fs_open(dir->root, index, O_PATH, err);
    return stat_fd(fd, path, st, err) || c2_fail(err, CAT2_ENOTFOUND, "Not Found");
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

static bool open_plain(struct c2_dir_source *dir, const char *path, struct c2_codec *codec,
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

static bool open_frame(struct c2_dir_source *dir, const char *path, bool sparse, struct dir_item *item,
                       struct cat2_error *err)
{
    char full[PATH_MAX];
    int fd = sparse ? c2_fs_open(dir->root, path, O_RDONLY | O_DIRECTORY, err)
                    : fcntl(item->fd, F_DUPFD_CLOEXEC, 0);

    if (fd < 0) return sparse ? false : c2_fail_errno(err, errno, "%.160s", path);
    snprintf(full, sizeof(full), "%s/%s", dir->root_path, path);
    return sparse ? c2_frame_open_dir(fd, full, &item->frame, err)
                  : c2_frame_open_fd(fd, full, &item->frame, err);
}

/* What is being written now, or may have changed, is not opened: its times could not tell what was read. */
static bool pin(struct c2_dir_source *dir, const char *path, bool sparse, struct dir_item *item,
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
    if (!c2_dir_generation(dir, path, &st, &item->key, &item->base.gen, err)) return false;
    bool still =
        c2_file_is_quiet(&item->key) || (item->base.gen.growing && c2_file_is_settled(item->key.ctime_ns));
    return (still && !item->base.gen.undecided) || c2_fail_busy(err, path);
}

/* A frame's metadata was read from where its chunks are. */
static bool check_opened(struct c2_dir_source *dir, const char *path, bool sparse, struct dir_item *item,
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

/* A frame is opened where it lies; the frame of a plain file has bytes for items. */
static bool open_data(struct c2_dir_source *dir, const char *path, enum c2_dir_form form,
                      struct c2_codec *codec, struct dir_item *item, struct cat2_error *err)
{
    enum c2_kind kind = c2_kind_of(c2_str_of(path));

    if (kind == C2_KIND_FILE && form != C2_DIR_CODED) return open_plain(dir, path, codec, item, err);
    if (!open_frame(dir, path, form == C2_DIR_SPARSE, item, err)) return false;
    const struct c2_meta *meta = c2_frame_meta(item->frame);
    if (kind == C2_KIND_FILE)
        return (meta->kind == C2_KIND_FRAME && meta->cparams.typesize == 1) ||
               c2_fail(err, CAT2_EDATA, "%.120s%s: is no frame of a plain file", path, C2_DIR_CODED_SUFFIX);
    return (kind == C2_KIND_ARRAY) == (meta->kind == C2_KIND_ARRAY) ||
           c2_fail(err, CAT2_EDATA, "%.120s: the frame is %s", path,
                   kind == C2_KIND_ARRAY ? "no array" : "an array, its name should end in .b2nd");
}

static bool open_item(struct c2_dir_source *dir, const char *path, struct c2_codec *codec,
                      struct dir_item *item, struct cat2_error *err)
{
    char index[C2_PATH_MAX + sizeof(C2_SPARSE_INDEX)];
    struct c2_file_key key = {0};
    enum c2_dir_form form;
    struct stat st;

    if (!c2_dir_find(dir, path, &st, &form, err)) return false;
    if (!S_ISREG(st.st_mode)) {
        c2_dir_generation(dir, path, &st, &key, &item->base.gen, err);
        return c2_fail(err, CAT2_EDATA, "%.120s: %s", path, item->base.gen.unusable);
    }
    bool sparse = form == C2_DIR_SPARSE;
    snprintf(index, sizeof(index), "%s%s", path, sparse ? C2_SPARSE_INDEX : "");
    item->fd = c2_dir_open_file(dir, index, form, err);
    if (item->fd < 0 || !pin(dir, path, sparse, item, err) || !open_data(dir, path, form, codec, item, err))
        return false;
    item->base.meta = c2_frame_meta(item->frame);
    item->base.refusal = c2_frame_refusal(item->frame);
    item->base.frame = c2_frame_is_sparse(item->frame) ? NULL : item->frame;
    return check_opened(dir, path, sparse, item, err);
}

bool c2_dir_open(struct c2_source *source, const char *path, struct c2_codec *codec, struct c2_item **out,
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
    if (!item->path || !open_item((struct c2_dir_source *)source, path, codec, item, err)) {
        item_free(&item->base);
        return false;
    }
    *out = &item->base;
    return true;
}
