/* SPDX-License-Identifier: BSD-3-Clause */
/* Containers of any format: what one does not do itself is done as here. */
#include "publisher/source/container.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "publisher/source/object_bytes.h"

/* ---- life ---- */

bool c2_container_new(const struct c2_format *format, const char *filename, const char *prefix,
                      struct c2_site *site, struct c2_object_bytes *object, struct c2_container **out,
                      struct cat2_error *err)
{
    struct c2_container *c = calloc(1, format->nbytes);

    if (!c) return c2_fail_nomem(err, filename);
    atomic_init(&c->refs, 1);
    c->format = format;
    c->site = c2_site_ref(site);
    for (size_t i = 0; site->formats[i]; i++)
        if (site->formats[i] == format) c->shared = site->shared[i];
    c->filename = c2_str_dup(c2_str_of(filename));
    c->prefix = c2_str_dup(c2_str_of(prefix));
    bool ok = (c->filename && c->prefix) || c2_fail_nomem(err, filename);
    if (!ok || (format->init && !format->init(c, err))) {
        c2_container_unref(c);
        return false;
    }
    c->object = object;
    *out = c;
    return true;
}

struct c2_container *c2_container_ref(struct c2_container *c)
{
    atomic_fetch_add(&c->refs, 1);
    return c;
}

void c2_container_unref(struct c2_container *c)
{
    if (!c || atomic_fetch_sub(&c->refs, 1) != 1) return;
    if (c->format->fini) c->format->fini(c);
    c2_object_bytes_free(c->object);
    c2_site_unref(c->site);
    free(c->filename);
    free(c->prefix);
    free(c);
}

/* ---- what it is called, and why it cannot be read ---- */

const char *c2_container_title(const struct c2_container *c)
{
    return c2_path_name(c->filename);
}

const char *c2_container_reason(struct c2_container *c, const char *message)
{
    const char *title = c2_container_title(c);
    size_t n = strlen(title);

    if (strncmp(message, title, n) == 0) {
        if (message[n] == ':') n++;
        if (message[n] == ' ') message += n + 1;
    }
    return c2_site_reason(c->site, message);
}

/* There is no file: what is compared is the object's validator. */
static bool object_key(struct c2_container *c, struct c2_file_key *out, struct cat2_error *err)
{
    struct c2_object_pin pin;

    if (!c2_object_bytes_pin(c->object, &pin, err)) return false;
    c2_object_key(&pin, out);
    return true;
}

static bool key_of(struct c2_container *c, struct c2_file_key *out, struct cat2_error *err)
{
    struct stat st;

    if (c->object) return object_key(c, out, err);
    if (c->format->key) return c->format->key(c, out, err);
    if (stat(c->filename, &st) != 0) return c2_fail_errno(err, errno, "%.160s", c->filename);
    c2_file_key_of(&st, out);
    return true;
}

bool c2_container_broken(struct c2_container *c, const char *path, const char *message,
                         struct c2_generation *out, struct cat2_error *err)
{
    struct c2_file_key key = {0};
    struct cat2_error ignored;
    char validator[56];

    if (!key_of(c, &key, &ignored)) key = (struct c2_file_key){0};
    snprintf(validator, sizeof(validator), "%.8sx-%016llx", c->format->name,
             (unsigned long long)c2_hash64(&key, sizeof(key)));
    *out = (struct c2_generation){.hidden = true, .unusable = c2_container_reason(c, message)};
    return c2_gens_of_part(c->site->gens, path, validator, key.mtime_ns, key.size, out, err);
}

/* ---- generations ---- */

static bool whole_of(struct c2_container *c, struct c2_generation *out, struct c2_file_key *key,
                     struct cat2_error *err)
{
    struct c2_object_pin pin;

    if (!c->object) return key_of(c, key, err) && c2_gens_of_file(c->site->gens, c->prefix, key, out, err);
    if (!c2_object_bytes_pin(c->object, &pin, err)) return false;
    c2_object_key(&pin, key);
    *out = pin.gen;
    return true;
}

/* Of a dataset that is of the same generation as the container. *still: no write is under way. */
static bool generation_of(struct c2_container *c, const char *path, struct c2_generation *out, bool *still,
                          struct cat2_error *err)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(2 * C2_PATH_MAX + 64);
    bool bare = strcmp(c->prefix, ".") == 0;
    struct c2_generation whole = {0};
    struct c2_file_key key;
    char validator[56];

    if (!whole_of(c, &whole, &key, err)) return false;
    *still = c->object || (!whole.undecided &&
                           (c2_file_is_quiet(&key) || (whole.growing && c2_file_is_settled(key.ctime_ns))));
    snprintf(validator, sizeof(validator), "%.8s-%.40s", c->format->name, whole.validator);
    *out = (struct c2_generation){0};
    if (!c2_buf_printf(&name, err, "%s%s%s", bare ? "" : c->prefix, bare ? "" : "/", path) ||
        !c2_gens_of_part(c->site->gens, c2_buf_cstr(&name), validator, key.mtime_ns, key.size, out, err))
        return false;
    out->undecided = whole.undecided;
    out->within = c->format->name;
    return true;
}

struct listing {
    struct c2_container *c;
    c2_source_sink *sink;
    void *ctx;
    const char *wanted; /* by lookup */
    bool found;
};

static bool tell(void *ctx, const char *path, const struct c2_generation *gen, struct cat2_error *err)
{
    struct listing *l = ctx;
    struct c2_generation own;
    bool still;

    if (gen) return l->sink(l->ctx, path, gen, err);
    return generation_of(l->c, path, &own, &still, err) && l->sink(l->ctx, path, &own, err);
}

bool c2_container_list(struct c2_container *c, c2_source_sink *sink, void *ctx, struct cat2_error *err)
{
    struct listing l = {c, sink, ctx, NULL, false};

    return c->format->list(c, tell, &l, err);
}

static bool lookup(void *ctx, const char *path, const struct c2_generation *gen, struct cat2_error *err)
{
    struct listing *l = ctx;

    (void)gen;
    (void)err;
    l->found = l->found || strcmp(path, l->wanted) == 0;
    return true;
}

bool c2_container_stat(struct c2_container *c, const char *path, struct c2_generation *out,
                       struct cat2_error *err)
{
    struct listing l = {.c = c, .wanted = path};
    bool still;

    if (c->format->stat) return c->format->stat(c, path, out, err);
    if (!c->format->list(c, lookup, &l, err)) return false;
    if (!l.found) return c2_fail(err, CAT2_ENOTFOUND, "Not Found");
    return generation_of(c, path, out, &still, err);
}

/* ---- datasets ---- */

/* What an item of the container's generation is of. */
struct home {
    struct c2_item_home base;
    struct c2_container *container;
    char *path;
};

static bool check(struct c2_item *item, struct cat2_error *err)
{
    const struct home *home = (const struct home *)item->home;
    struct c2_generation now;
    bool still;

    if (!generation_of(home->container, home->path, &now, &still, err))
        return err->code == CAT2_ENOTFOUND ? c2_fail(err, CAT2_ECHANGED, "the file is gone") : false;
    if (now.undecided) return c2_fail_busy(err, home->path);
    return strcmp(now.validator, item->gen.validator) == 0 ||
           c2_fail(err, CAT2_ECHANGED, "the dataset changed while it was read");
}

static void home_free(struct c2_item_home *base)
{
    struct home *home = (struct home *)base;

    c2_container_unref(home->container);
    free(home->path);
    free(home);
}

/* It is of the container's generation, if that is the same as before. */
static bool settle(struct c2_container *c, const char *path, const struct c2_generation *before,
                   struct c2_item *item, struct cat2_error *err)
{
    struct home *home = calloc(1, sizeof(*home));

    if (!home) return c2_fail_nomem(err, "dataset");
    *home = (struct home){{check, home_free}, c2_container_ref(c), c2_str_dup(c2_str_of(path))};
    item->home = &home->base;
    item->gen = *before;
    return home->path ? check(item, err) : c2_fail_nomem(err, "dataset");
}

bool c2_container_open(struct c2_container *c, const char *path, struct c2_codec *codec, struct c2_item **out,
                       struct cat2_error *err)
{
    struct c2_generation before = {0};
    struct c2_item *item;
    bool still = true;

    if (!c->format->stat) {
        if (!generation_of(c, path, &before, &still, err)) return false;
        if (!still) return c2_fail_busy(err, path);
    }
    if (!c->format->open(c, path, codec, &item, err)) return false;
    if (!item->gen.validator[0] && !settle(c, path, &before, item, err)) {
        c2_item_unref(item);
        return false;
    }
    *out = item;
    return true;
}

bool c2_container_attrs(struct c2_container *c, const char *path, struct c2_buf *out, struct cat2_error *err)
{
    if (!c->format->attrs) return c2_fail(err, CAT2_ENOTFOUND, "Not Found");
    return c->format->attrs(c, path, out, err);
}

bool c2_container_uses(struct c2_container *c, const char *rel)
{
    return c->format->uses && c->format->uses(c, rel);
}
