/* SPDX-License-Identifier: BSD-3-Clause */
/* An HDF5 file as a source: its datasets are those of its present state. The file's directory is watched, so
 * that writing, growing, replacing and removing it are all noticed; the file itself is never locked. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "net/watch.h"
#include "publisher/source/h5_file.h"
#include "publisher/source/h5_kind.h"
#include "publisher/source/h5_others.h"

#define FILE_KEY "." /* what generations of the file itself are remembered as */

struct h5_source {
    struct c2_source base;
    struct c2_h5_workers *workers;
    struct c2_h5_file *file;
    char *filename;
    struct c2_watch *watches[2]; /* where the name is, and where a link to it leads */
    c2_loop_fn *changed;
    void *changed_ctx;
    atomic_bool cancelled;
};

static struct h5_source *of(struct c2_source *base)
{
    return (struct h5_source *)base;
}

static const char *own_name(struct h5_source *h5)
{
    const char *slash = strrchr(h5->filename, '/');

    return slash ? slash + 1 : h5->filename;
}

/* A file that cannot be read is listed itself, with the reason. */
static bool describe_broken(struct h5_source *h5, const struct cat2_error *why, struct c2_generation *out,
                            struct cat2_error *err)
{
    const char *reason = c2_h5_workers_reason(h5->workers, c2_h5_file_reason(h5->file, why->message));
    struct c2_h5_state state;
    char validator[56];

    c2_h5_stat(h5->filename, &state);
    snprintf(validator, sizeof(validator), "h5x-%016llx", (unsigned long long)c2_h5_state_hash(&state));
    *out = (struct c2_generation){.hidden = true, .unusable = reason};
    return c2_gens_of_part(h5->base.gens, own_name(h5), validator, state.sec * 1000000000 + state.nsec,
                           state.size, out, err);
}

static bool h5_walk(struct c2_source *base, c2_source_sink *sink, void *ctx, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_h5_snapshot) *snap = NULL;
    struct c2_generation broken;

    if (!c2_h5_file_last(of(base)->file, &snap, err)) {
        if (err->code == CAT2_ECANCELLED || err->code == CAT2_ENOMEM || c2_is_busy(err)) return false;
        if (access(of(base)->filename, F_OK) != 0) return true; /* nothing there: no datasets */
        struct cat2_error why = *err;
        return describe_broken(of(base), &why, &broken, err) && sink(ctx, own_name(of(base)), &broken, err);
    }
    for (size_t i = 0; i < c2_h5_snapshot_count(snap); i++) {
        const struct c2_h5_entry_of *entry = c2_h5_snapshot_at(snap, i);
        if (!entry->group && !sink(ctx, entry->path, &entry->gen, err)) return false;
    }
    return true;
}

static bool h5_stat(struct c2_source *base, const char *path, struct c2_generation *out,
                    struct cat2_error *err)
{
    if (c2_h5_file_stat(of(base)->file, path, out, err)) return true;
    if (err->code != CAT2_EDATA || strcmp(path, own_name(of(base))) != 0) return false;
    struct cat2_error why = *err;
    return describe_broken(of(base), &why, out, err);
}

static bool h5_is_slow(struct c2_source *base, const char *path)
{
    (void)base;
    (void)path;
    return false;
}

static bool h5_sketch(struct c2_source *base, const char *path, struct c2_meta *out, struct cat2_error *err)
{
    (void)base;
    (void)out;
    return c2_fail(err, CAT2_EUNSUPPORTED, "%.160s: no sketch of it", path); /* never slow, never asked */
}

static bool h5_open(struct c2_source *base, const char *path, struct c2_codec *codec, struct c2_item **out,
                    struct cat2_error *err)
{
    (void)codec; /* the worker has its own */
    return c2_h5_file_open(of(base)->file, path, out, err);
}

static bool h5_attrs(struct c2_source *base, const char *path, struct c2_buf *out, struct cat2_error *err)
{
    return c2_h5_file_attrs(of(base)->file, path, out, err);
}

static void h5_forget(struct c2_source *base, const char *path)
{
    c2_gens_forget(base->gens, path);
}

/* ---- watching ---- */

static void on_watch(void *ctx, const char *rel)
{
    struct h5_source *h5 = ctx;
    char full[PATH_MAX];

    if (h5->cancelled) return;
    if (rel) { /* a neighbour? links make it look like one */
        const char *name = strrchr(h5->filename, '/');
        bool ours = strcmp(rel, name ? name + 1 : h5->filename) == 0;
        if (!ours && realpath(h5->filename, full)) {
            name = strrchr(full, '/');
            ours = name && strcmp(rel, name + 1) == 0;
        }
        if (!ours && !c2_h5_file_uses(h5->file, rel)) return;
    }
    c2_gens_doubt(h5->base.gens, FILE_KEY);
    h5->changed(h5->changed_ctx);
}

static bool watch_dir(struct h5_source *h5, struct c2_loop *loop, const char *file, int i,
                      struct cat2_error *err)
{
    char *slash = strrchr(file, '/');
    char *dir = slash ? c2_str_dup((struct c2_str){file, slash == file ? 1 : (size_t)(slash - file)})
                      : c2_str_dup(C2_STR("."));

    if (!dir) return c2_fail_nomem(err, "watch");
    bool ok = c2_watch_flat_new(loop, dir, on_watch, h5, &h5->watches[i], err);
    free(dir);
    return ok;
}

static bool h5_watch(struct c2_source *base, struct c2_loop *loop, c2_loop_fn *changed, void *ctx,
                     struct cat2_error *err)
{
    struct h5_source *h5 = of(base);
    char full[PATH_MAX];

    h5->changed = changed;
    h5->changed_ctx = ctx;
    if (!watch_dir(h5, loop, h5->filename, 0, err)) return false;
    if (!realpath(h5->filename, full) || strcmp(full, h5->filename) == 0) return true;
    return watch_dir(h5, loop, full, 1, err);
}

/* ---- life ---- */

static void h5_cancel(struct c2_source *base)
{
    struct h5_source *h5 = of(base);

    h5->cancelled = true;
    for (size_t i = 0; i < C2_ARRAY_LEN(h5->watches); i++) {
        if (h5->watches[i]) c2_watch_free(h5->watches[i]);
        h5->watches[i] = NULL;
    }
    if (h5->workers) c2_h5_workers_cancel(h5->workers);
}

static void h5_free(struct c2_source *base)
{
    struct h5_source *h5 = of(base);

    h5_cancel(base);
    c2_h5_file_unref(h5->file);
    c2_h5_workers_unref(h5->workers);
    free(h5->filename);
    c2_gens_unref(h5->base.gens);
    free(h5);
}

static int h5_open_file(struct c2_source *base, const char *path, struct cat2_error *err)
{
    int fd = -1;

    if (strcmp(path, FILE_KEY) == 0) fd = open(of(base)->filename, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) c2_fail(err, CAT2_ENOTFOUND, "%.160s: cannot be opened", path);
    return fd;
}

static bool h5_hears_all(struct c2_source *base, const char **why)
{
    struct h5_source *h5 = of(base);
    int fd = open(h5->filename, O_PATH | O_CLOEXEC);
    bool hears = fd < 0 || c2_fs_is_local(fd, why);

    if (fd >= 0) close(fd);
    for (size_t i = 0; hears && i < C2_ARRAY_LEN(h5->watches); i++)
        if (h5->watches[i]) hears = c2_watch_is_complete(h5->watches[i], why);
    return hears;
}

static const struct c2_source_ops H5_OPS = {"hdf5",  h5_walk,      h5_stat,     h5_is_slow, h5_sketch,
                                            h5_open, h5_attrs,     h5_forget,   h5_watch,   h5_cancel,
                                            h5_free, h5_open_file, h5_hears_all};

bool c2_source_is_h5(const char *filename, struct cat2_error *err)
{
    struct stat st;
    int fd = open(filename, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool is_file = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    bool is = is_file && c2_h5_signature(fd);

    if (is_file && !is) c2_fail(err, CAT2_EDATA, "%.160s %s", filename, c2_h5_not(fd));
    if (fd >= 0) close(fd);
    return is;
}

bool c2_source_h5_new(const char *filename, struct c2_gens *gens, struct c2_source **out,
                      struct cat2_error *err)
{
    struct h5_source *h5 = calloc(1, sizeof(*h5));

    if (!h5) return c2_fail_nomem(err, "source");
    h5->base.ops = &H5_OPS;
    h5->base.gens = c2_gens_ref(gens);
    h5->filename = c2_str_dup(c2_str_of(filename));
    bool ok = h5->filename || c2_fail_nomem(err, "source");
    ok = ok && c2_h5_workers_new(NULL, &h5->workers, err) &&
         c2_h5_file_new(filename, FILE_KEY, h5->workers, gens, &h5->file, err);
    if (!ok) {
        h5_free(&h5->base);
        return false;
    }
    *out = &h5->base;
    return true;
}
