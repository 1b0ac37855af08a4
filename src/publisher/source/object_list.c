/* SPDX-License-Identifier: BSD-3-Clause */
/* Listing: page after page of a bucket, directory after directory of a site. */
#include "publisher/source/object_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/texts.h"
#include "publisher/source/object_listing.h"
#include "wire/url.h"

struct listing {
    struct c2_object_store *store;
    c2_object_store_sink *sink;
    c2_object_store_refused *refused;
    void *ctx;
    size_t n, npassed;
    char passed[200];     /* the first that was passed over, and why */
    struct c2_texts dirs; /* "a/b/": directories that are or were to be looked at */
    const char *dir;      /* that is being read */
};

static bool show(struct listing *l, struct c2_str path, const struct c2_object_state *state, int64_t mtime_ms,
                 uint64_t line, struct cat2_error *err)
{
    struct cat2_error why;

    if (++l->n > C2_OBJECTS_MAX)
        return c2_fail(err, CAT2_ELIMIT, "%.150s has more than %d objects: give what is beneath a part of it",
                       c2_object_store_place(l->store)->name, C2_OBJECTS_MAX);
    bool ok = c2_str_is_utf8(path) || c2_fail(&why, CAT2_EINVAL, "the name is no UTF-8");
    if (ok && c2_path_check(path, &why)) return l->sink(l->ctx, path, state, mtime_ms, line, err);
    if (l->npassed++ == 0)
        snprintf(l->passed, sizeof(l->passed), "%.*s: %.90s", (int)c2_min_i64(100, (int64_t)path.n), path.p,
                 why.message);
    return true;
}

/* ---- a bucket ---- */

static bool on_object(void *ctx, struct c2_str key, const struct c2_object_state *state, int64_t mtime_ms,
                      struct cat2_error *err)
{
    struct listing *l = ctx;
    struct c2_str prefix = c2_str_of(c2_object_store_place(l->store)->prefix);

    if (!c2_str_starts(key, c2_object_store_place(l->store)->prefix))
        return c2_fail(err, CAT2_EDATA, "the list has an object of another prefix");
    return show(l, (struct c2_str){key.p + prefix.n, key.n - prefix.n}, state, mtime_ms, 0, err);
}

/* The parameters are in order, as the signature wants them. */
static bool page_target(const struct c2_object_store_place *place, const struct c2_buf *token,
                        struct c2_buf *out, struct cat2_error *err)
{
    struct c2_str bucket = c2_str_of(place->target);

    if (bucket.n > 1) bucket = c2_str_no_slashes(bucket);
    c2_buf_clear(out);
    return c2_buf_append_str(out, bucket, err) && c2_buf_puts(out, "?", err) &&
           (token->n == 0 ||
            (c2_buf_puts(out, "continuation-token=", err) &&
             c2_url_encode(c2_buf_str(token), false, out, err) && c2_buf_puts(out, "&", err))) &&
           c2_buf_puts(out, "list-type=2&prefix=", err) &&
           c2_url_encode(c2_str_of(place->prefix), false, out, err);
}

static bool list_bucket(struct listing *l, struct cat2_error *err)
{
    C2_AUTO(c2_buf)
    token = C2_BUF_INIT(8192), target = C2_BUF_INIT(32768), page = C2_BUF_INIT(C2_OBJECT_PAGE_MAX);
    const struct c2_object_store_place *place = c2_object_store_place(l->store);

    do {
        size_t before = l->n;
        bool first = token.n == 0;
        if (!page_target(place, &token, &target, err) ||
            !c2_object_store_page(l->store, c2_buf_cstr(&target), "", &page, err))
            return false;
        c2_buf_clear(&token);
        if (!c2_s3_page(c2_buf_str(&page), &token, on_object, l, err))
            return c2_fail_within(err, "%.100s", place->name);
        if (token.n && l->n == before && !first)
            return c2_fail(err, CAT2_EDATA, "%.150s: a page of the list is empty, but not the last",
                           place->name);
    } while (token.n);
    return true;
}

/* ---- a site ---- */

static bool add_dir(struct listing *l, const char *parent, struct c2_str name, struct cat2_error *err)
{
    C2_AUTO(c2_buf) path = C2_BUF_INIT(C2_PATH_MAX);
    int depth = 0;

    if (!c2_buf_printf(&path, err, "%s%.*s%s", parent, C2_STR_ARG(name), name.n ? "/" : "")) return false;
    for (size_t i = 0; i < path.n; i++)
        depth += path.p[i] == '/';
    if (depth > C2_OBJECT_DEPTH_MAX)
        return c2_fail(err, CAT2_ELIMIT, "%.100s: more than %d directories in each other", c2_buf_cstr(&path),
                       C2_OBJECT_DEPTH_MAX);
    return c2_texts_add(&l->dirs, c2_buf_str(&path), C2_OBJECT_DIRS_MAX, "directories", err);
}

static bool on_entry(void *ctx, struct c2_str name, bool is_dir, struct c2_str says, struct cat2_error *err)
{
    struct listing *l = ctx;
    C2_AUTO(c2_buf) path = C2_BUF_INIT(2 * C2_PATH_MAX);
    struct cat2_error why;

    if (is_dir && c2_path_check(name, &why)) return add_dir(l, l->dir, name, err);
    return c2_buf_printf(&path, err, "%s%.*s", l->dir, C2_STR_ARG(name)) &&
           show(l, c2_buf_str(&path), NULL, 0, c2_hash64(says.p, says.n), err);
}

/* One that was removed meanwhile has nothing. One that the site lets nobody list holds up no other. All else
 * fails the look. */
static bool pass_over(struct listing *l, const char *dir, struct cat2_error *err)
{
    const struct cat2_error why = *err;
    int status = why.http_status;

    if (why.code == CAT2_ENOTFOUND) return true;
    return 300 <= status && status < 500 && status != 429 && l->refused(l->ctx, dir, &why, err);
}

static bool list_dir(struct listing *l, const char *dir, struct cat2_error *err)
{
    C2_AUTO(c2_buf) target = C2_BUF_INIT(8 * C2_PATH_MAX), page = C2_BUF_INIT(C2_OBJECT_PAGE_MAX);

    l->dir = dir;
    if (!c2_object_store_target(c2_object_store_place(l->store), dir, &target, err)) return false;
    if (!c2_object_store_page(l->store, c2_buf_cstr(&target), dir, &page, err))
        return dir[0] && pass_over(l, dir, err);
    return c2_index_page(c2_buf_str(&page), on_entry, l, err) ||
           c2_fail_within(err, "%.80s%.80s", c2_object_store_place(l->store)->name, dir);
}

static bool list_site(struct listing *l, struct cat2_error *err)
{
    bool ok = add_dir(l, "", C2_STR(""), err);

    for (size_t i = 0; ok && i < l->dirs.n; i++)
        ok = list_dir(l, l->dirs.p[i], err);
    c2_texts_fini(&l->dirs);
    return ok;
}

bool c2_object_store_list(struct c2_object_store *store, c2_object_store_sink *sink,
                          c2_object_store_refused *refused, void *ctx, struct cat2_error *err)
{
    struct listing l = {.store = store, .sink = sink, .refused = refused, .ctx = ctx};

    bool ok = c2_object_store_place(store)->s3 ? list_bucket(&l, err) : list_site(&l, err);
    if (ok && l.npassed)
        c2_log_warn("%.100s: %zu objects are not published, such as %s", c2_object_store_place(store)->name,
                    l.npassed, l.passed);
    return ok;
}
