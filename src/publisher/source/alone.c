/* SPDX-License-Identifier: BSD-3-Clause */
/* A container as a source: its datasets are those of its present state. The directory of its file is watched,
 * so that writing, growing, replacing and removing it are all noticed; the file itself is never locked. A
 * folder is watched with all below it. Nothing tells of what is elsewhere: that is polled. */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "net/watch.h"
#include "publisher/source/container.h"

#define FILE_KEY "." /* what generations of the file itself are remembered as */

struct alone {
    struct c2_source base;
    struct c2_site *site;
    struct c2_container *container;
    char *filename;
    struct c2_watch *watches[2]; /* where the name is, and where a link to it leads */
    c2_source_changed *changed;
    void *changed_ctx;
    atomic_bool cancelled;
};

static struct alone *of(struct c2_source *base)
{
    return (struct alone *)base;
}

static bool is_elsewhere(const struct alone *alone)
{
    return strstr(alone->filename, "://") != NULL;
}

static bool alone_walk(struct c2_source *base, c2_source_sink *sink, void *ctx, struct cat2_error *err)
{
    struct c2_container *c = of(base)->container;
    struct c2_generation broken;

    if (c2_container_list(c, sink, ctx, err)) return true;
    if (err->code == CAT2_ECANCELLED || err->code == CAT2_ENOMEM || c2_is_busy(err)) return false;
    if (!is_elsewhere(of(base)) && access(of(base)->filename, F_OK) != 0)
        return true;              /* nothing there: no datasets */
    struct cat2_error why = *err; /* what cannot be read is listed itself, with the reason */
    return c2_container_broken(c, c2_container_title(c), why.message, &broken, err) &&
           sink(ctx, c2_container_title(c), &broken, err);
}

static bool alone_stat(struct c2_source *base, const char *path, struct c2_generation *out,
                       struct cat2_error *err)
{
    struct c2_container *c = of(base)->container;

    if (c2_container_stat(c, path, out, err)) return true;
    if (err->code != CAT2_EDATA || strcmp(path, c2_container_title(c)) != 0) return false;
    struct cat2_error why = *err;
    return c2_container_broken(c, path, why.message, out, err);
}

static bool alone_open(struct c2_source *base, const char *path, struct c2_codec *codec, struct c2_item **out,
                       struct cat2_error *err)
{
    return c2_container_open(of(base)->container, path, codec, out, err);
}

static bool alone_attrs(struct c2_source *base, const char *path, struct c2_buf *out, struct cat2_error *err)
{
    return c2_container_attrs(of(base)->container, path, out, err);
}

/* ---- watching ---- */

static void on_watch(void *ctx, const char *rel)
{
    struct alone *alone = ctx;
    char full[PATH_MAX];

    if (alone->cancelled) return;
    if (rel) { /* a neighbour? links make it look like one */
        bool ours = strcmp(rel, c2_path_name(alone->filename)) == 0 ||
                    (realpath(alone->filename, full) && strcmp(rel, c2_path_name(full)) == 0);
        if (!ours && !c2_container_uses(alone->container, rel)) return;
    }
    c2_gens_doubt(alone->base.gens, FILE_KEY);
    alone->changed(alone->changed_ctx, NULL);
}

static void on_watch_folder(void *ctx, const char *rel)
{
    (void)rel;
    on_watch(ctx, NULL);
}

static bool watch_dir(struct alone *alone, struct c2_loop *loop, const char *file, int i,
                      struct cat2_error *err)
{
    char *slash = strrchr(file, '/');
    char *dir = slash ? c2_str_dup((struct c2_str){file, slash == file ? 1 : (size_t)(slash - file)})
                      : c2_str_dup(C2_STR("."));

    if (!dir) return c2_fail_nomem(err, "watch");
    bool ok = c2_watch_flat_new(loop, dir, on_watch, alone, &alone->watches[i], err);
    free(dir);
    return ok;
}

static bool alone_watch(struct c2_source *base, struct c2_loop *loop, c2_source_changed *changed, void *ctx,
                        struct cat2_error *err)
{
    struct alone *alone = of(base);
    char full[PATH_MAX];
    struct stat st;

    alone->changed = changed;
    alone->changed_ctx = ctx;
    if (is_elsewhere(alone)) return true;
    if (stat(alone->filename, &st) == 0 && S_ISDIR(st.st_mode))
        return c2_watch_new(loop, alone->filename, on_watch_folder, alone, &alone->watches[0], err);
    if (!watch_dir(alone, loop, alone->filename, 0, err)) return false;
    if (!realpath(alone->filename, full) || strcmp(full, alone->filename) == 0) return true;
    return watch_dir(alone, loop, full, 1, err);
}

static void alone_hear(struct c2_source *base)
{
    struct alone *alone = of(base);

    for (size_t i = 0; i < C2_ARRAY_LEN(alone->watches) && !alone->cancelled; i++)
        if (alone->watches[i]) c2_watch_hear(alone->watches[i]);
}

static bool alone_hears_all(struct c2_source *base, const char **why)
{
    struct alone *alone = of(base);

    if (is_elsewhere(alone)) *why = "it is not on this machine";
    if (is_elsewhere(alone)) return false;
    C2_AUTO(c2_fd) file = {open(alone->filename, O_PATH | O_CLOEXEC)};
    bool hears = file.fd < 0 || c2_fs_is_local(file.fd, why);
    for (size_t i = 0; hears && i < C2_ARRAY_LEN(alone->watches); i++)
        if (alone->watches[i]) hears = c2_watch_is_complete(alone->watches[i], why);
    return hears;
}

/* ---- life ---- */

static void alone_cancel(struct c2_source *base)
{
    struct alone *alone = of(base);

    alone->cancelled = true;
    for (size_t i = 0; i < C2_ARRAY_LEN(alone->watches); i++) {
        if (alone->watches[i]) c2_watch_free(alone->watches[i]);
        alone->watches[i] = NULL;
    }
    if (alone->site) c2_site_cancel(alone->site);
}

static void alone_free(struct c2_source *base)
{
    struct alone *alone = of(base);

    alone_cancel(base);
    c2_container_unref(alone->container);
    c2_site_unref(alone->site);
    free(alone->filename);
    free(alone);
}

static int alone_open_file(struct c2_source *base, const char *path, struct cat2_error *err)
{
    int fd = -1;

    if (strcmp(path, FILE_KEY) == 0) fd = open(of(base)->filename, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) c2_fail(err, CAT2_ENOTFOUND, "%.160s: cannot be opened", path);
    return fd;
}

static void alone_name_early(struct c2_source *base, struct c2_so_far *so_far)
{
    of(base)->site->so_far = c2_so_far_ref(so_far);
}

static const struct c2_source_ops ALONE_OPS = {.walk = alone_walk,
                                               .stat = alone_stat,
                                               .open = alone_open,
                                               .attrs = alone_attrs,
                                               .watch = alone_watch,
                                               .hear = alone_hear,
                                               .cancel = alone_cancel,
                                               .free = alone_free,
                                               .open_file = alone_open_file,
                                               .hears_all = alone_hears_all,
                                               .name_early = alone_name_early};

bool c2_source_alone_new(const struct c2_format *format, const char *filename, const char *statedir,
                         struct c2_gens *gens, struct c2_source **out, struct cat2_error *err)
{
    struct alone *alone = calloc(1, sizeof(*alone));

    if (!alone) return c2_fail_nomem(err, "source");
    alone->base = (struct c2_source){.ops = &ALONE_OPS, .gens = c2_gens_ref(gens)};
    alone->filename = c2_str_dup(c2_str_of(filename));
    bool ok = alone->filename || c2_fail_nomem(err, "source");
    ok = ok && c2_site_new(NULL, false, statedir, c2_formats, gens, &alone->site, err) &&
         c2_container_new(format, filename, FILE_KEY, alone->site, NULL, &alone->container, err);
    if (!ok) {
        c2_source_free(&alone->base);
        return false;
    }
    *out = &alone->base;
    return true;
}
