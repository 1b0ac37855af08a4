/* SPDX-License-Identifier: BSD-3-Clause */
/* A directory whose containers are folders too: beside FILE.h5 itself there is FILE.h5/GROUP/DATASET.b2nd. A
 * container that is a directory is a folder only: its files are not listed. The rest is the directory's
 * source, which this one asks first. Objects of a store are the same, but for having no directories. */
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/log.h"
#include "publisher/source/folder_list.h"

#define JUDGED_MIN 1024
struct judged { /* a file, and whose it is, as of its validator */
    uint64_t path, validator;
    const struct c2_format *format; /* NULL: it is no container */
    const char *why;                /* its name promises one, and it is none; else NULL */
};
struct folders_source {
    struct c2_source base;
    struct c2_folder_list list;
    struct judged *judged; /* of the walk's own thread: a table by the hash of the path */
    size_t njudged, judged_cap;
};

static struct folders_source *of(struct c2_source *base)
{
    return (struct folders_source *)base;
}

/* "a/FILE.h5/group/x.b2nd" is split after the container; *rest points into path. NULL: not in one. */
static struct c2_container *split(struct folders_source *source, const char *path, const char **rest)
{
    if (c2_folder_is_object(&source->list, path)) return NULL;
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        char *rel = c2_str_dup((struct c2_str){path, (size_t)(slash - path)});
        struct c2_container *container = rel ? c2_folder_find(&source->list, rel) : NULL;
        free(rel);
        *rest = slash + 1;
        if (container) return container;
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
/* Datasets of a container on their way, under its name. */
struct showing {
    struct walk *walk;
    const char *rel;
    bool refused; /* by who takes them */
};

static bool show_dataset(void *ctx, const char *path, const struct c2_generation *gen, struct cat2_error *err)
{
    struct showing *s = ctx;
    char full[C2_PATH_MAX + 1];
    int n = snprintf(full, sizeof(full), "%s/%s", s->rel, path);

    if (n < 0 || (size_t)n >= sizeof(full) || c2_folder_is_object(&s->walk->source->list, full)) return true;
    s->refused = !s->walk->sink(s->walk->ctx, full, gen, err);
    return !s->refused;
}

/* What is in the container; false and *reason: nothing, and why; NULL: it is being written, or *err. */
static bool show_content(struct walk *walk, struct c2_container *c, const char *rel, const char **reason,
                         struct cat2_error *err)
{
    struct showing showing = {walk, rel, false};
    struct cat2_error why = {0};

    *reason = NULL;
    if (c2_container_list(c, show_dataset, &showing, &why)) return true;
    if (showing.refused || why.code == CAT2_ECANCELLED || why.code == CAT2_ENOMEM) {
        *err = why;
        return false;
    }
    if (!c2_is_busy(&why)) *reason = c2_container_reason(c, why.message);
    c2_log_debug("no folder of file=%s: %s", rel, why.message);
    return true;
}

/* The file, and what is in it; or the file with a remark. */
static bool show_file(struct walk *walk, struct c2_container *c, const char *rel,
                      const struct c2_generation *gen, struct cat2_error *err)
{
    struct c2_generation own = *gen;

    return show_content(walk, c, rel, &own.remark, err) && walk->sink(walk->ctx, rel, &own, err);
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
static bool judge(struct folders_source *source, const char *rel, const struct c2_generation *gen,
                  struct judged *out, struct cat2_error *err)
{
    uint64_t path = c2_hash64(rel, strlen(rel)) | 1;
    uint64_t validator = c2_hash64(gen->validator, strlen(gen->validator));
    struct cat2_error why = {0};

    if (!make_room(source)) return c2_fail_nomem(err, "list of files");
    struct judged *it = judged_at(source, path);
    if (it->path != path || it->validator != validator || gen->undecided) {
        struct judged fresh = {.path = path, .validator = validator};
        fresh.format = c2_folder_format(&source->list, rel, NULL, &fresh.why, &why);
        if (why.code == CAT2_ENOMEM) { /* a list without what is in it would say less */
            *err = why;
            return false;
        }
        source->njudged += it->path == 0;
        *it = fresh;
    }
    *out = *it;
    return true;
}

static bool is_frame(const char *path)
{
    return c2_kind_of(c2_str_of(path)) != C2_KIND_FILE;
}

/* Named as containers are, or one before, and none now. */
static bool show_other(struct walk *walk, const char *rel, const struct c2_generation *gen, const char *why,
                       struct cat2_error *err)
{
    struct c2_container *before = c2_folder_known(&walk->source->list, rel, NULL);
    struct c2_generation own = *gen;
    struct cat2_error ignored;

    own.remark = why;
    if (before) {
        c2_folder_format(&walk->source->list, rel, before->format, &own.remark, &ignored);
        c2_container_unref(c2_folder_known(&walk->source->list, rel, before->format)); /* seen */
    }
    c2_container_unref(before);
    return walk->sink(walk->ctx, rel, &own, err);
}

/* A container that is a directory: what is in it, or itself with the reason. */
static bool show_folder(struct walk *walk, const char *rel, struct cat2_error *err)
{
    struct c2_generation broken;
    struct cat2_error why = {0};
    const char *reason;
    const struct c2_format *format = c2_folder_format(&walk->source->list, rel, NULL, &reason, &why);

    if (!format && why.code == CAT2_ENOMEM) {
        *err = why;
        return false;
    }
    if (!format) return true; /* gone meanwhile */
    struct c2_container *c = c2_folder_known(&walk->source->list, rel, format);
    if (!c) return c2_fail_nomem(err, format->name);
    bool ok = show_content(walk, c, rel, &reason, err);
    if (ok && reason)
        ok = c2_container_broken(c, rel, reason, &broken, err) && walk->sink(walk->ctx, rel, &broken, err);
    c2_container_unref(c);
    return ok;
}

static bool visit(void *ctx, const char *path, const struct c2_generation *gen, struct cat2_error *err)
{
    struct walk *walk = ctx;
    struct judged judged;

    if (gen->folder) return show_folder(walk, path, err);
    if (gen->unusable || is_frame(path)) return walk->sink(walk->ctx, path, gen, err);
    walk->njudged++;
    if (!judge(walk->source, path, gen, &judged, err)) return false;
    if (!judged.format) return show_other(walk, path, gen, judged.why, err);
    struct c2_container *c = c2_folder_known(&walk->source->list, path, judged.format);
    if (!c) return c2_fail_nomem(err, judged.format->name);
    bool ok = show_file(walk, c, path, gen, err);
    c2_container_unref(c);
    return ok;
}

static bool folders_walk(struct c2_source *base, c2_source_sink *sink, void *ctx, struct cat2_error *err)
{
    struct folders_source *source = of(base);
    struct walk walk = {.source = source, .sink = sink, .ctx = ctx};
    bool moved;

    if (!source->list.objects && !c2_fs_reopen_dir(source->list.root, source->list.site->dir, &moved, err))
        return false;
    c2_folder_list_begin(&source->list);
    bool ok = c2_source_walk(base->below, visit, &walk, err);
    if (ok) c2_folder_list_end(&source->list);
    if (ok && source->njudged > 2 * walk.njudged + JUDGED_MIN) forget_judged(source);
    return ok;
}

/* ---- datasets ---- */

static bool folders_stat(struct c2_source *base, const char *path, struct c2_generation *out,
                         struct cat2_error *err)
{
    const char *rest;
    struct c2_container *c = split(of(base), path, &rest);

    if (!c) return c2_source_stat(base->below, path, out, err);
    bool ok = c2_container_stat(c, rest, out, err);
    c2_container_unref(c);
    return ok;
}

static bool folders_open(struct c2_source *base, const char *path, struct c2_codec *codec,
                         struct c2_item **out, struct cat2_error *err)
{
    const char *rest;
    struct c2_container *c = split(of(base), path, &rest);

    if (!c) return c2_source_open(base->below, path, codec, out, err);
    bool ok = c2_container_open(c, rest, codec, out, err);
    c2_container_unref(c);
    return ok;
}

static bool in_folder(struct c2_source *base, const char *path)
{
    const char *rest;
    struct c2_container *c = split(of(base), path, &rest);

    c2_container_unref(c);
    return c != NULL;
}

/* What is slow is the directory's, so is what there is of it meanwhile. */
static bool folders_is_slow(struct c2_source *base, const char *path)
{
    return !in_folder(base, path) && c2_source_is_slow(base->below, path);
}

static bool folders_attrs(struct c2_source *base, const char *path, struct c2_buf *out,
                          struct cat2_error *err)
{
    char below[C2_PATH_MAX + 2];
    const char *rest;

    snprintf(below, sizeof(below), "%s/", path);
    struct c2_container *c = split(of(base), below, &rest);
    if (!c) return c2_fail(err, CAT2_ENOTFOUND, "Not Found");
    size_t n = strlen(rest);
    char *group = c2_str_dup((struct c2_str){rest, n ? n - 1 : 0});
    bool ok = group ? c2_container_attrs(c, group, out, err) : c2_fail_nomem(err, "path");
    free(group);
    c2_container_unref(c);
    return ok;
}

static void folders_forget(struct c2_source *base, const char *path)
{
    c2_gens_forget(base->gens, path);
    if (!in_folder(base, path)) c2_source_forget(base->below, path);
}

/* ---- life ---- */

static void folders_name_early(struct c2_source *base, struct c2_so_far *so_far)
{
    of(base)->list.site->so_far = c2_so_far_ref(so_far);
}

static void folders_cancel(struct c2_source *base)
{
    c2_site_cancel(of(base)->list.site);
}

static void folders_free(struct c2_source *base)
{
    struct folders_source *source = of(base);

    if (source->list.site) folders_cancel(base);
    free(source->judged);
    c2_folder_list_fini(&source->list);
    free(source);
}

static const struct c2_source_ops FOLDERS_OPS = {.walk = folders_walk,
                                                 .stat = folders_stat,
                                                 .is_slow = folders_is_slow,
                                                 .open = folders_open,
                                                 .attrs = folders_attrs,
                                                 .forget = folders_forget,
                                                 .cancel = folders_cancel,
                                                 .free = folders_free,
                                                 .name_early = folders_name_early};

/* root NULL: below is that of objects. */
static bool folders_new(struct c2_source *below, const char *root, const char *statedir,
                        struct c2_source **out, struct cat2_error *err)
{
    struct folders_source *source = calloc(1, sizeof(*source));

    if (!source) return c2_fail_nomem(err, "source");
    source->base = (struct c2_source){.ops = &FOLDERS_OPS, .gens = c2_gens_ref(below->gens)};
    source->list.root = -1;
    bool ok = root ? c2_folder_list_init(&source->list, root, statedir, below->gens, err)
                   : c2_folder_list_init_objects(&source->list, (struct c2_object_source *)below, err);
    if (!ok) {
        c2_source_free(&source->base);
        return false;
    }
    source->base.below = below;
    *out = &source->base;
    return true;
}

bool c2_source_folders_new(struct c2_source *dir, const char *root, const char *statedir,
                           struct c2_source **out, struct cat2_error *err)
{
    return folders_new(dir, root, statedir, out, err);
}

bool c2_source_object_folders_new(struct c2_source *objects, struct c2_source **out, struct cat2_error *err)
{
    return folders_new(objects, NULL, NULL, out, err);
}
