/* SPDX-License-Identifier: BSD-3-Clause */
/* Roots and their datasets: in memory sorted by path, in the state by "root/path". */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/log.h"
#include "subscriber/mirror/catalog.h"

void c2_mirror_tell(struct c2_root_state *root, const struct c2_ds *ds, const char *change)
{
    const struct c2_mirror_watcher *watcher = &root->sub->watcher;

    root->changes++;
    if (!watcher->ctx) return;
    if (!ds)
        watcher->root(watcher->ctx, root);
    else if (root->listed)
        watcher->dataset(watcher->ctx, root, ds, change);
}

bool c2_root_name_ok(struct c2_str name)
{
    return name.n > 0 && name.n <= C2_NAME_MAX && name.p[0] != '@' && name.p[0] != '.' &&
           !memchr(name.p, '/', name.n) && !memchr(name.p, '\0', name.n);
}

struct c2_root_state *c2_sub_root(struct c2_subscriber *sub, struct c2_str name)
{
    for (struct c2_root_state *root = sub->roots; root; root = root->next)
        if (c2_str_is(name, root->root.name)) return root;
    return NULL;
}

struct c2_root_state *c2_sub_root_add(struct c2_subscriber *sub, const struct c2_root *from,
                                      struct cat2_error *err)
{
    struct c2_root_state **at = &sub->roots, *root = c2_sub_root(sub, c2_str_of(from->name));

    if (root) {
        root->root = *from;
        return root;
    }
    if (!c2_root_name_ok(c2_str_of(from->name))) {
        c2_fail(err, CAT2_EINVAL, "root name '%.60s' cannot be a folder", from->name);
        return NULL;
    }
    root = calloc(1, sizeof(*root));
    if (!root) {
        c2_fail_nomem(err, "root");
        return NULL;
    }
    root->root = *from;
    root->sub = sub;
    while (*at)
        at = &(*at)->next;
    *at = root;
    return root;
}

size_t c2_sub_lower(const struct c2_root_state *root, struct c2_str path)
{
    size_t low = 0, high = root->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c2_str_cmp(c2_str_of(root->datasets[middle]->path), path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Index of path, or where it would be inserted. */
static size_t place_of(const struct c2_root_state *root, struct c2_str path, bool *found)
{
    size_t i = c2_sub_lower(root, path);

    *found = i < root->n && c2_str_is(path, root->datasets[i]->path);
    return i;
}

struct c2_ds *c2_sub_find(struct c2_root_state *root, struct c2_str path)
{
    bool found;
    size_t i = place_of(root, path, &found);

    return found ? root->datasets[i] : NULL;
}

bool c2_sub_is_folder(const struct c2_root_state *root, struct c2_str folder)
{
    char prefix[C2_PATH_MAX + 2];
    int n =
        snprintf(prefix, sizeof(prefix), "%.*s/", (int)c2_min_i64(C2_PATH_MAX, (int64_t)folder.n), folder.p);
    size_t i = c2_sub_lower(root, (struct c2_str){prefix, (size_t)n});

    return i < root->n && c2_str_starts(c2_str_of(root->datasets[i]->path), prefix);
}

struct c2_ds *c2_sub_find_broken(struct c2_root_state *root, struct c2_str path, const char **why)
{
    for (size_t n = 1; n < path.n; n++) {
        struct c2_ds *ds = path.p[n] == '/' ? c2_sub_find(root, (struct c2_str){path.p, n}) : NULL;
        if (!ds || (!ds->remark && !ds->error)) continue;
        *why = ds->remark ? ds->remark : ds->error;
        return ds;
    }
    struct c2_ds *only = root->n == 1 ? root->datasets[0] : NULL; /* the root is a file, listed as itself */
    if (!only || !only->error || strchr(only->path, '/') || c2_kind_of(c2_str_of(only->path)) != C2_KIND_FILE)
        return NULL;
    *why = only->error;
    return only;
}

void c2_sub_root_etag(const struct c2_root_state *root, char out[48])
{
    snprintf(out, 48, "%" PRId64 "-%" PRIu64, root->sub->epoch, root->changes);
}

bool c2_sub_beneath(struct c2_root_state *root, struct c2_str dir, struct c2_ds ***list, size_t *n,
                    struct cat2_error *err)
{
    char after[C2_PATH_MAX + 2];
    size_t first = c2_sub_lower(root, dir), end = root->n;

    *list = NULL;
    *n = 0;
    if (dir.n) { /* '0' follows '/' */
        C2_ASSERT(dir.n < sizeof(after) && dir.p[dir.n - 1] == '/');
        memcpy(after, dir.p, dir.n);
        after[dir.n - 1] = '0';
        end = c2_sub_lower(root, (struct c2_str){after, dir.n});
        if (end == first)
            return c2_fail(err, CAT2_ENOTFOUND, "there is no folder %.*s in %s", (int)dir.n - 1, dir.p,
                           root->root.name);
    }
    *list = calloc(end - first + 1, sizeof(**list));
    if (!*list) return c2_fail_nomem(err, "listing");
    for (size_t i = first; i < end; i++)
        (*list)[(*n)++] = c2_ds_ref(root->datasets[i]);
    return true;
}

static void save(const struct c2_ds *ds)
{
    struct cat2_error err;
    C2_AUTO(c2_buf) key = C2_BUF_INIT(2 * C2_PATH_MAX);
    C2_AUTO(c2_buf) value = C2_BUF_INIT(C2_JSON_NBYTES_MAX);

    if (ds->sub->restoring) return;
    bool ok = c2_buf_printf(&key, &err, "%s/%s", ds->root, ds->path) &&
              c2_buf_printf(&value, &err, ds->repeats ? "%d%d" : "%d", ds->speaks_pieces, ds->repeats) &&
              c2_buf_puts(&value, ds->line, &err) &&
              c2_state_put(ds->sub->state, "datasets", c2_buf_str(&key), c2_buf_str(&value), &err);
    if (!ok) c2_log_error("state: %s", err.message);
}

bool c2_sub_put(struct c2_root_state *root, struct c2_ds *ds, struct cat2_error *err)
{
    bool found;
    size_t i = place_of(root, c2_str_of(ds->path), &found);

    if (found) {
        struct c2_ds *old = root->datasets[i];
        bool same = *ds->etag && strcmp(old->line, ds->line) == 0 && old->speaks_pieces == ds->speaks_pieces;
        if (!same && !c2_ds_succeed(ds, old, err)) {
            c2_ds_unref(ds);
            return false;
        }
        if (!same) save(ds);
        if (!same) c2_mirror_tell(root, ds, "changed");
        root->datasets[i] = same ? old : ds;
        c2_ds_unref(same ? ds : old);
        return true;
    }
    if ((root->n & (root->n - 1)) == 0) { /* grows at powers of two */
        struct c2_ds **grown = realloc(root->datasets, (root->n ? root->n * 2 : 1) * sizeof(*grown));
        if (!grown) {
            c2_ds_unref(ds);
            return c2_fail_nomem(err, "datasets");
        }
        root->datasets = grown;
    }
    memmove(root->datasets + i + 1, root->datasets + i, (root->n - i) * sizeof(*root->datasets));
    root->datasets[i] = ds;
    root->n++;
    save(ds);
    c2_mirror_tell(root, ds, "new");
    return true;
}

void c2_sub_save_all(struct c2_root_state *root)
{
    for (size_t i = 0; i < root->n; i++)
        save(root->datasets[i]);
}

void c2_sub_drop(struct c2_root_state *root, struct c2_str path)
{
    bool found;
    size_t i = place_of(root, path, &found);
    struct cat2_error err;
    C2_AUTO(c2_buf) name = C2_BUF_INIT(2 * C2_PATH_MAX);
    C2_AUTO(c2_buf) key = C2_BUF_INIT(2 * C2_PATH_MAX);

    if (!found) return;
    struct c2_ds *ds = root->datasets[i];
    if (c2_buf_printf(&key, &err, "%s/%s", ds->root, ds->path))
        c2_state_del(root->sub->state, "datasets", c2_buf_str(&key), &err);
    if (c2_ds_cache_name(ds, &name, &err) &&
        !c2_cachefile_remove(root->sub->cachefd, c2_buf_cstr(&name), &err))
        c2_log_warn("cache: %s", err.message);
    memmove(root->datasets + i, root->datasets + i + 1, (root->n - i - 1) * sizeof(*root->datasets));
    root->n--;
    c2_mirror_tell(root, ds, "removed");
    c2_ds_unref(ds);
}

void c2_sub_save_root(struct c2_root_state *root)
{
    struct cat2_error err;
    C2_AUTO(c2_buf) value = C2_BUF_INIT(1024);

    if (!c2_buf_printf(&value, &err, "%d %s", root->subscribed, root->root.http) ||
        !c2_state_put(root->sub->state, "roots", c2_str_of(root->root.name), c2_buf_str(&value), &err))
        c2_log_error("state: %s", err.message);
}

static bool restore_root(void *ctx, struct c2_str key, struct c2_str value, struct cat2_error *err)
{
    struct c2_subscriber *sub = ctx;
    struct c2_root from = {0};
    struct c2_str flag, http;

    if (!c2_str_cut(value, ' ', &flag, &http) || !c2_root_name_ok(key)) return true;
    snprintf(from.name, sizeof(from.name), "%.*s", C2_STR_ARG(key));
    snprintf(from.http, sizeof(from.http), "%.*s", C2_STR_ARG(http));
    struct c2_root_state *root = c2_sub_root_add(sub, &from, err);
    if (!root) return false;
    root->subscribed = c2_str_is(flag, "1");
    return true;
}

static bool restore_dataset(void *ctx, struct c2_str key, struct c2_str value, struct cat2_error *err)
{
    struct c2_subscriber *sub = ctx;
    struct c2_str name, path, line;
    struct c2_ds *ds;
    int repeats = 0;

    if (!c2_str_cut(key, '/', &name, &path) || value.n < 2) return true;
    struct c2_root_state *root = c2_sub_root(sub, name);
    struct cat2_error why;
    line = (struct c2_str){value.p + 1, value.n - 1};
    for (; line.n && line.p[0] >= '0' && line.p[0] <= '9' && repeats < INT_MAX / 16; line.p++, line.n--)
        repeats = 10 * repeats + (line.p[0] - '0');
    if (!root || !c2_ds_from_line(root, line, value.p[0] == '1', &ds, &why)) return true;
    root->listed = true;
    if (repeats && !c2_ds_name_etag(ds, c2_str_of(ds->etag), repeats, err)) {
        c2_ds_unref(ds);
        return false;
    }
    return c2_sub_put(root, ds, err);
}

bool c2_sub_restore(struct c2_subscriber *sub, struct cat2_error *err)
{
    sub->restoring = true;
    bool ok = c2_state_each(sub->state, "roots", C2_STR(""), restore_root, sub, err) &&
              c2_state_each(sub->state, "datasets", C2_STR(""), restore_dataset, sub, err);
    sub->restoring = false;
    return ok;
}

void c2_sub_roots_free(struct c2_subscriber *sub)
{
    for (struct c2_root_state *root = sub->roots, *next; root; root = next) {
        next = root->next;
        for (size_t i = 0; i < root->n; i++)
            c2_ds_unref(root->datasets[i]);
        free(root->datasets);
        free(root);
    }
    sub->roots = NULL;
}
