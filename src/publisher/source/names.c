/* SPDX-License-Identifier: BSD-3-Clause */
/* A directory's source, whose names are bytes, with its datasets under the texts of these names. */
#include <stdlib.h>

#include "base/log.h"
#include "base/name.h"
#include "publisher/generations/generations.h"
#include "publisher/source/source.h"

struct names_source {
    struct c2_source base;
    struct c2_source *dir;
};

static struct c2_source *dir_of(struct c2_source *base)
{
    return ((struct names_source *)base)->dir;
}

/* ---- walking ---- */

struct walk {
    c2_source_sink *sink;
    void *ctx;
};

static bool visit(void *ctx, const char *path, const struct c2_generation *gen, struct cat2_error *err)
{
    struct walk *walk = ctx;
    struct c2_str name = c2_str_of(path);
    C2_AUTO(c2_buf) text = C2_BUF_INIT(3 * name.n + 3);
    struct cat2_error why;

    if (!c2_path_show(name, &text, err)) return false;
    if (c2_path_check(c2_buf_str(&text), &why)) return walk->sink(walk->ctx, c2_buf_cstr(&text), gen, err);
    c2_log_warn("not published: %.300s...: as text its %s", c2_buf_cstr(&text), why.message);
    return true;
}

static bool names_walk(struct c2_source *base, c2_source_sink *sink, void *ctx, struct cat2_error *err)
{
    struct walk walk = {sink, ctx};

    return dir_of(base)->ops->walk(dir_of(base), visit, &walk, err);
}

/* ---- datasets ---- */

static bool names_stat(struct c2_source *base, const char *path, struct c2_generation *out,
                       struct cat2_error *err)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(strlen(path) + 1);

    return c2_path_of_text(c2_str_of(path), &name, err) &&
           dir_of(base)->ops->stat(dir_of(base), c2_buf_cstr(&name), out, err);
}

static bool names_is_slow(struct c2_source *base, const char *path)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(strlen(path) + 1);
    struct cat2_error err;

    return c2_path_of_text(c2_str_of(path), &name, &err) &&
           dir_of(base)->ops->is_slow(dir_of(base), c2_buf_cstr(&name));
}

static bool names_sketch(struct c2_source *base, const char *path, struct c2_meta *out,
                         struct cat2_error *err)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(strlen(path) + 1);

    return c2_path_of_text(c2_str_of(path), &name, err) &&
           dir_of(base)->ops->sketch(dir_of(base), c2_buf_cstr(&name), out, err);
}

static bool names_open(struct c2_source *base, const char *path, struct c2_codec *codec, struct c2_item **out,
                       struct cat2_error *err)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(strlen(path) + 1);

    return c2_path_of_text(c2_str_of(path), &name, err) &&
           dir_of(base)->ops->open(dir_of(base), c2_buf_cstr(&name), codec, out, err);
}

static void names_forget(struct c2_source *base, const char *path)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(strlen(path) + 1);
    struct cat2_error err;

    if (c2_path_of_text(c2_str_of(path), &name, &err))
        dir_of(base)->ops->forget(dir_of(base), c2_buf_cstr(&name));
}

/* ---- life ---- */

static bool names_watch(struct c2_source *base, struct c2_loop *loop, c2_loop_fn *changed, void *ctx,
                        struct cat2_error *err)
{
    return dir_of(base)->ops->watch(dir_of(base), loop, changed, ctx, err);
}

static void names_cancel(struct c2_source *base)
{
    dir_of(base)->ops->cancel(dir_of(base));
}

/* Generations are remembered by names, not by texts. */
static int names_open_file(struct c2_source *base, const char *name, struct cat2_error *err)
{
    return dir_of(base)->ops->open_file(dir_of(base), name, err);
}

static bool names_hears_all(struct c2_source *base, const char **why)
{
    return dir_of(base)->ops->hears_all(dir_of(base), why);
}

static void names_free(struct c2_source *base)
{
    c2_gens_unref(base->gens);
    dir_of(base)->ops->free(dir_of(base));
    free(base);
}

static const struct c2_source_ops NAMES_OPS = {.name = "dir",
                                               .walk = names_walk,
                                               .stat = names_stat,
                                               .is_slow = names_is_slow,
                                               .sketch = names_sketch,
                                               .open = names_open,
                                               .forget = names_forget,
                                               .watch = names_watch,
                                               .cancel = names_cancel,
                                               .free = names_free,
                                               .open_file = names_open_file,
                                               .hears_all = names_hears_all};

bool c2_source_names_new(struct c2_source *dir, struct c2_source **out, struct cat2_error *err)
{
    struct names_source *source = calloc(1, sizeof(*source));

    if (!source) return c2_fail_nomem(err, "source");
    source->base.ops = &NAMES_OPS;
    source->base.gens = c2_gens_ref(dir->gens);
    source->dir = dir;
    *out = &source->base;
    return true;
}
