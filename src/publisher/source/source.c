/* SPDX-License-Identifier: BSD-3-Clause */
/* What a source does not do itself: the one below does it, or it is done as here. */
#include "publisher/source/source.h"

#include "publisher/generations/generations.h"

/* The first source from here down that has the operation, or NULL. */
#define FIND(source, op)                                                                                     \
    while ((source) && !(source)->ops->op)                                                                   \
    (source) = (source)->below

void c2_source_name_early(struct c2_source *source, struct c2_so_far *so_far)
{
    FIND(source, name_early);
    if (source) source->ops->name_early(source, so_far);
}

bool c2_source_walk(struct c2_source *source, c2_source_sink *sink, void *ctx, struct cat2_error *err)
{
    FIND(source, walk);
    return !source || source->ops->walk(source, sink, ctx, err);
}

bool c2_source_stat(struct c2_source *source, const char *path, struct c2_generation *out,
                    struct cat2_error *err)
{
    FIND(source, stat);
    if (!source) return c2_fail(err, CAT2_ENOTFOUND, "Not Found");
    return source->ops->stat(source, path, out, err);
}

bool c2_source_is_slow(struct c2_source *source, const char *path)
{
    FIND(source, is_slow);
    return source && source->ops->is_slow(source, path);
}

bool c2_source_sketch(struct c2_source *source, const char *path, struct c2_meta *out, struct cat2_error *err)
{
    FIND(source, sketch);
    if (!source) return c2_fail(err, CAT2_EUNSUPPORTED, "%.160s: no sketch of it", path);
    return source->ops->sketch(source, path, out, err);
}

bool c2_source_open(struct c2_source *source, const char *path, struct c2_codec *codec, struct c2_item **out,
                    struct cat2_error *err)
{
    FIND(source, open);
    if (!source) return c2_fail(err, CAT2_ENOTFOUND, "Not Found");
    return source->ops->open(source, path, codec, out, err);
}

bool c2_source_attrs(struct c2_source *source, const char *path, struct c2_buf *out, struct cat2_error *err)
{
    FIND(source, attrs);
    if (!source) return c2_fail(err, CAT2_ENOTFOUND, "Not Found");
    return source->ops->attrs(source, path, out, err);
}

void c2_source_forget(struct c2_source *source, const char *path)
{
    struct c2_gens *gens = source->gens;

    FIND(source, forget);
    if (source)
        source->ops->forget(source, path);
    else
        c2_gens_forget(gens, path);
}

bool c2_source_watch(struct c2_source *source, struct c2_loop *loop, c2_source_changed *changed, void *ctx,
                     struct cat2_error *err)
{
    FIND(source, watch);
    return !source || source->ops->watch(source, loop, changed, ctx, err);
}

void c2_source_hear(struct c2_source *source)
{
    FIND(source, hear);
    if (source) source->ops->hear(source);
}

void c2_source_notice(struct c2_source *source, struct c2_str event)
{
    FIND(source, notice);
    if (source) source->ops->notice(source, event);
}

void c2_source_cancel(struct c2_source *source)
{
    for (; source; source = source->below)
        if (source->ops->cancel) source->ops->cancel(source);
}

void c2_source_free(struct c2_source *source)
{
    while (source) {
        struct c2_source *below = source->below;
        struct c2_gens *gens = source->gens;
        source->ops->free(source);
        c2_gens_unref(gens);
        source = below;
    }
}

int c2_source_open_file(struct c2_source *source, const char *path, struct cat2_error *err)
{
    FIND(source, open_file);
    if (source) return source->ops->open_file(source, path, err);
    c2_fail(err, CAT2_ENOTFOUND, "%.160s: cannot be opened", path);
    return -1;
}

bool c2_source_hears_all(struct c2_source *source, const char **why)
{
    FIND(source, hears_all);
    if (source) return source->ops->hears_all(source, why);
    *why = "nothing tells of changes";
    return false;
}
