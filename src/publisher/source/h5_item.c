/* SPDX-License-Identifier: BSD-3-Clause */
/* A dataset of an HDF5 file at one generation. Chunks come from the worker, or straight from the file when it
 * holds them as they are served. What was read counts when the file was in one state all along, and the
 * dataset was of this generation in it. */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "blosc/guard.h"
#include "publisher/source/h5_file_impl.h"

#define ATTEMPTS 7
#define PAUSE_NS 40000000 /* together they outlast C2_QUIET_MS */

struct h5_item {
    struct c2_item base;
    struct c2_h5_file *file;
    char *path, *name;
    struct c2_meta meta;
    pthread_mutex_t lock;
    struct c2_h5_state good; /* the last state known to hold this generation */
};

static struct h5_item *of(struct c2_item *base)
{
    return (struct h5_item *)base;
}

/* Does this state of the file hold our generation? */
static bool is_good(struct h5_item *item, const struct c2_h5_state *state, struct cat2_error *err)
{
    C2_AUTO(c2_h5_known) known = {0};

    pthread_mutex_lock(&item->lock);
    bool good = c2_h5_same_state(&item->good, state);
    pthread_mutex_unlock(&item->lock);
    if (good && !c2_h5_is_doubted(item->file)) return true;
    bool found = c2_h5_file_find(item->file, item->path, false, &known, err);
    if (!found && err->code != CAT2_ENOTFOUND) return false;
    if (!found || strcmp(known.gen.validator, item->base.gen.validator) != 0)
        return c2_fail(err, CAT2_ECHANGED, "the dataset changed while it was read");
    if (known.hasty) return c2_fail_busy(err, item->path);
    pthread_mutex_lock(&item->lock);
    item->good = known.state;
    pthread_mutex_unlock(&item->lock);
    return c2_h5_same_state(&known.state, state) || c2_fail_busy(err, item->path);
}

static void pause_a_moment(void)
{
    struct timespec time = {0, PAUSE_NS};

    nanosleep(&time, NULL);
}

/* That a store is away says nothing of an object. */
static bool is_gone(const struct h5_item *item, struct cat2_error *err)
{
    if (item->file->base.object && err->code != CAT2_ENOTFOUND) return false;
    return c2_fail(err, CAT2_ECHANGED, "the file is gone");
}

static bool item_check(struct c2_item *base, struct cat2_error *err)
{
    struct h5_item *item = of(base);
    struct c2_h5_state now;

    for (int i = 0; i < ATTEMPTS; i++) {
        if (i > 0) pause_a_moment();
        if (!c2_h5_file_now(item->file, &now, err)) return is_gone(item, err);
        if (is_good(item, &now, err)) return true;
        if (!c2_is_busy(err)) return false;
    }
    return false;
}

/* ---- straight from the file ---- */

static int descriptor(struct h5_item *item, const struct c2_h5_state *state)
{
    struct stat st;
    int fd = open(item->file->base.filename, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0) return -1;
    if (fstat(fd, &st) == 0 && st.st_dev == state->dev && st.st_ino == state->ino) return fd;
    close(fd);
    return -1;
}

static bool read_in_place(struct h5_item *item, const struct c2_h5_answer *a, struct c2_buf *out,
                          struct cat2_error *err)
{
    struct c2_chunk_expect want = {item->meta.chunksize, item->meta.cparams.blocksize,
                                   item->meta.cparams.typesize, false};
    struct c2_chunk_info info;
    size_t before = out->n;

    if (item->file->base.object || a->n < 32 || a->n > C2_CHUNK_CBYTES_MAX || a->off < 0)
        return c2_fail(err, CAT2_EDATA, "the HDF5 worker named no place");
    C2_AUTO(c2_fd) file = {descriptor(item, &a->before)};
    if (file.fd < 0) return c2_fail_busy(err, item->path);
    return c2_buf_resize(out, before + (size_t)a->n, err) &&
           c2_fs_pread(file.fd, out->p + before, (size_t)a->n, a->off, err) &&
           c2_guard_chunk((struct c2_bytes){out->p + before, (size_t)a->n}, &want, &info, err);
}

/* ---- chunks ---- */

static bool read_once(struct h5_item *item, int64_t nchunk, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_h5_call call = {.op = C2_H5_OP_CHUNK,
                              .file = item->file->base.filename,
                              .name = item->name,
                              .nchunk = nchunk,
                              .body = out};
    struct c2_h5_state after;
    struct cat2_error late = {0};

    bool ok = c2_h5_file_call(item->file, &call, err);
    if (ok && call.answer.n > 0) ok = read_in_place(item, &call.answer, out, err);
    if (!ok && (err->code == CAT2_EIO || err->code == CAT2_ECANCELLED)) return false;
    if (!ok && item->file->base.object && err->code == CAT2_EUPSTREAM) return false;
    if (!c2_h5_file_now(item->file, &after, &late)) {
        *err = late;
        return is_gone(item, err);
    }
    if (!c2_h5_same_state(&call.answer.before, &after) || !c2_h5_same_state(&call.answer.after, &after)) {
        item_check(&item->base, &late); /* gone for good, or merely in motion? */
        return late.code == CAT2_ECHANGED ? c2_fail(err, CAT2_ECHANGED, "%s", late.message)
                                          : c2_fail_busy(err, item->path);
    }
    if (is_good(item, &after, &late)) return ok;
    *err = late;
    return false;
}

static bool item_chunk(struct c2_item *base, int64_t nchunk, struct c2_buf *out, struct cat2_error *err)
{
    size_t before = out->n;

    for (int i = 0; i < ATTEMPTS; i++) {
        out->n = before;
        if (i > 0) pause_a_moment();
        if (read_once(of(base), nchunk, out, err)) return true;
        if (!c2_is_busy(err)) break;
    }
    out->n = before;
    return false;
}

static void item_free(struct c2_item *base)
{
    struct h5_item *item = of(base);

    c2_container_unref(&item->file->base);
    c2_meta_fini(&item->meta);
    pthread_mutex_destroy(&item->lock);
    free(item->path);
    free(item->name);
    free(item);
}

static const struct c2_item_ops ITEM_OPS = {item_chunk, item_check, item_free};

/* ---- opening ---- */

static bool read_meta(struct c2_h5_file *file, const struct c2_h5_known *known, struct c2_meta *out,
                      struct cat2_error *err)
{
    C2_AUTO(c2_buf) json = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    C2_AUTO_PTR(c2_json) *parsed = NULL;
    struct c2_h5_call call = {
        .op = C2_H5_OP_META, .file = file->base.filename, .name = known->name, .body = &json};

    bool ok = c2_h5_file_call(file, &call, err);
    if (!ok && (err->code == CAT2_EIO || err->code == CAT2_ECANCELLED)) return false;
    if (!c2_h5_same_state(&call.answer.before, &known->state) ||
        !c2_h5_same_state(&call.answer.after, &known->state))
        return c2_fail_busy(err, file->base.filename);
    return ok && c2_json_parse(c2_buf_str(&json), &parsed, err) &&
           c2_meta_from_json(c2_json_root(parsed), C2_KIND_ARRAY, out, err);
}

static bool open_once(struct c2_h5_file *file, const char *path, struct h5_item *item, struct cat2_error *err)
{
    C2_AUTO(c2_h5_known) known = {0};

    if (!c2_h5_file_find(file, path, false, &known, err)) return false;
    if (known.hasty) return c2_fail_busy(err, path);
    if (known.refusal) return c2_fail(err, CAT2_EUNSUPPORTED, "%.100s: %s", path, known.refusal);
    c2_meta_fini(&item->meta);
    if (!read_meta(file, &known, &item->meta, err)) return false;
    item->good = known.state;
    item->base.gen = known.gen;
    free(item->path);
    free(item->name);
    item->path = c2_str_dup(c2_str_of(path));
    item->name = c2_str_dup(c2_str_of(known.name));
    return (item->path && item->name) || c2_fail_nomem(err, "dataset");
}

bool c2_h5_file_open(struct c2_h5_file *file, const char *path, struct c2_item **out, struct cat2_error *err)
{
    struct h5_item *item = calloc(1, sizeof(*item));
    bool ok = false;

    if (!item) return c2_fail_nomem(err, "dataset");
    item->base.ops = &ITEM_OPS;
    item->base.meta = &item->meta;
    item->file = file;
    c2_container_ref(&file->base);
    atomic_init(&item->base.refs, 1);
    pthread_mutex_init(&item->lock, NULL);
    for (int i = 0; i < ATTEMPTS && !ok; i++) {
        ok = open_once(file, path, item, err);
        if (!ok && (!c2_is_busy(err) || i == 1)) break; /* who asks comes again */
    }
    if (!ok) {
        item_free(&item->base);
        return false;
    }
    *out = &item->base;
    return true;
}
