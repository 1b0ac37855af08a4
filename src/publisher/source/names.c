/* SPDX-License-Identifier: BSD-3-Clause */
/* A directory's source, whose names are bytes, with its datasets under the texts of these names. */
#include <stdlib.h>

#include "base/log.h"
#include "base/name.h"
#include "publisher/generations/generations.h"
#include "publisher/source/source.h"

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

    return c2_source_walk(base->below, visit, &walk, err);
}

/* ---- datasets ---- */

static bool names_stat(struct c2_source *base, const char *path, struct c2_generation *out,
                       struct cat2_error *err)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(strlen(path) + 1);

    return c2_path_of_text(c2_str_of(path), &name, err) &&
           c2_source_stat(base->below, c2_buf_cstr(&name), out, err);
}

static bool names_is_slow(struct c2_source *base, const char *path)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(strlen(path) + 1);
    struct cat2_error err;

    return c2_path_of_text(c2_str_of(path), &name, &err) &&
           c2_source_is_slow(base->below, c2_buf_cstr(&name));
}

static bool names_sketch(struct c2_source *base, const char *path, struct c2_meta *out,
                         struct cat2_error *err)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(strlen(path) + 1);

    return c2_path_of_text(c2_str_of(path), &name, err) &&
           c2_source_sketch(base->below, c2_buf_cstr(&name), out, err);
}

static bool names_open(struct c2_source *base, const char *path, struct c2_codec *codec, struct c2_item **out,
                       struct cat2_error *err)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(strlen(path) + 1);

    return c2_path_of_text(c2_str_of(path), &name, err) &&
           c2_source_open(base->below, c2_buf_cstr(&name), codec, out, err);
}

static void names_forget(struct c2_source *base, const char *path)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(strlen(path) + 1);
    struct cat2_error err;

    if (c2_path_of_text(c2_str_of(path), &name, &err)) c2_source_forget(base->below, c2_buf_cstr(&name));
}

/* ---- life ---- */

static void names_free(struct c2_source *base)
{
    free(base);
}

/* Files are opened, as their generations are remembered, by names, not by texts. */
static const struct c2_source_ops NAMES_OPS = {.walk = names_walk,
                                               .stat = names_stat,
                                               .is_slow = names_is_slow,
                                               .sketch = names_sketch,
                                               .open = names_open,
                                               .forget = names_forget,
                                               .free = names_free};

bool c2_source_names_new(struct c2_source *dir, struct c2_source **out, struct cat2_error *err)
{
    struct c2_source *source = calloc(1, sizeof(*source));

    if (!source) return c2_fail_nomem(err, "source");
    *source = (struct c2_source){&NAMES_OPS, c2_gens_ref(dir->gens), dir};
    *out = source;
    return true;
}
