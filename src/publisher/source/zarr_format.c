/* SPDX-License-Identifier: BSD-3-Clause */
/* Zarr stores as a format: folders that say so. Each array is of a generation of its own, which all its files
 * make. Looking at many files takes time, so what was seen counts for a moment. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/name.h"
#include "publisher/source/zarr_item.h"

#define KEPT       8 /* states of large arrays, of one store */
#define KEPT_MS    2 /* those that were seen in less time are looked at anew */
#define KEPT_TIMES 4 /* so many times as long as it took to look, that is known */

struct kept {
    char *rel;
    struct c2_zs_scan *scan;
    int64_t until_ms;
};
struct zarr {
    struct c2_container base;
    pthread_mutex_t lock; /* guards the rest */
    struct kept kept[KEPT];
    int next;
};

static struct zarr *of(struct c2_container *c)
{
    return (struct zarr *)c;
}

static bool init(struct c2_container *c, struct cat2_error *err)
{
    (void)err;
    pthread_mutex_init(&of(c)->lock, NULL);
    return true;
}

static void drop(struct kept *kept)
{
    free(kept->rel);
    c2_zs_scan_unref(kept->scan);
    *kept = (struct kept){0};
}

static void fini(struct c2_container *c)
{
    for (int i = 0; i < KEPT; i++)
        drop(&of(c)->kept[i]);
    pthread_mutex_destroy(&of(c)->lock);
}

static enum c2_claim probe(const struct c2_candidate *candidate, const char **why)
{
    *why = NULL;
    return candidate->is_dir && c2_zs_is_store(candidate->fd) ? C2_CLAIM_CONTENTS : C2_CLAIM_NONE;
}

/* ---- states ---- */

/* Under the lock. */
static struct kept *kept_at(struct zarr *zarr, const char *rel)
{
    for (int i = 0; i < KEPT; i++)
        if (zarr->kept[i].rel && strcmp(zarr->kept[i].rel, rel) == 0) return &zarr->kept[i];
    return NULL;
}

/* The later one of those seen by several threads stays. */
static void keep(struct zarr *zarr, const char *rel, struct c2_zs_scan *scan, int64_t took_ms)
{
    pthread_mutex_lock(&zarr->lock);
    struct kept *kept = kept_at(zarr, rel);
    bool older = kept && kept->scan->began_ns > scan->began_ns;
    if (kept && !older) drop(kept);
    if (!older && took_ms >= KEPT_MS) {
        if (!kept) {
            kept = &zarr->kept[zarr->next];
            zarr->next = (zarr->next + 1) % KEPT;
            drop(kept);
        }
        kept->rel = c2_str_dup(c2_str_of(rel));
        if (kept->rel) {
            kept->scan = c2_zs_scan_ref(scan);
            kept->until_ms = c2_now_ms() + KEPT_TIMES * took_ms;
        }
    }
    pthread_mutex_unlock(&zarr->lock);
}

static bool scan_now(struct c2_container *c, const char *rel, struct c2_zs_scan **out, struct cat2_error *err)
{
    int64_t began = c2_now_ms();

    if (!c2_zs_scan_new(c, rel, out, err)) return false;
    keep(of(c), rel, *out, c2_now_ms() - began);
    return true;
}

static bool scan_of(struct c2_container *c, const char *rel, struct c2_zs_scan **out, struct cat2_error *err)
{
    struct zarr *zarr = of(c);
    struct c2_zs_scan *found = NULL;

    pthread_mutex_lock(&zarr->lock);
    struct kept *kept = kept_at(zarr, rel);
    if (kept && c2_now_ms() < kept->until_ms) found = c2_zs_scan_ref(kept->scan);
    pthread_mutex_unlock(&zarr->lock);
    if (!found) return scan_now(c, rel, out, err);
    *out = found;
    return true;
}

/* ---- names ---- */

/* The path of an array in the store: its text, with our suffix. What is the whole store has a name of ours.
 */
static bool show_path(const char *rel, struct c2_buf *out, struct cat2_error *err)
{
    if (*rel == '\0') return c2_buf_puts(out, C2_ZS_ALONE, err);
    return c2_path_show(c2_str_of(rel), out, err) && c2_buf_puts(out, C2_ARRAY_SUFFIX, err);
}

/* Is all of the store one array? */
static bool is_array(struct c2_container *c, bool *is, struct cat2_error *err)
{
    C2_AUTO(c2_zs_place) place = {-1, C2_BUF_INIT(0)};
    C2_AUTO(c2_zs_node) node = {0};

    if (!c2_zs_place_of(c, "", &place, err) || !c2_zs_node_read(&place, &node, err)) return false;
    *is = node.type == C2_ZS_ARRAY;
    return true;
}

/* The reverse. @errors CAT2_ENOTFOUND it is no name of an array. */
static bool rel_of(struct c2_container *c, const char *path, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_str text = c2_str_of(path);
    bool whole = false;

    if (c2_kind_of(text) != C2_KIND_ARRAY) return c2_fail(err, CAT2_ENOTFOUND, "Not Found");
    if (c2_str_is(text, C2_ZS_ALONE) && !is_array(c, &whole, err)) return false;
    if (whole) return true;
    text.n -= strlen(C2_ARRAY_SUFFIX);
    return c2_path_of_text(text, out, err);
}

static bool gen_name(const struct c2_container *c, const char *path, struct c2_buf *out,
                     struct cat2_error *err)
{
    bool bare = strcmp(c->prefix, ".") == 0;

    return c2_buf_printf(out, err, "%s%s%s", bare ? "" : c->prefix, bare ? "" : "/", path);
}

/* ---- generations ---- */

static bool name_generation(struct c2_container *c, const char *path, const struct c2_zs_scan *scan,
                            struct c2_generation *out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(3 * (size_t)C2_PATH_MAX);
    char validator[56];

    *out = (struct c2_generation){.within = c->format->name};
    snprintf(validator, sizeof(validator), "zarr-%016llx%016llx", (unsigned long long)scan->digest.high,
             (unsigned long long)scan->digest.low);
    return gen_name(c, path, &name, err) && c2_gens_of_part(c->site->gens, c2_buf_cstr(&name), validator,
                                                            scan->mtime_ns, scan->nbytes, out, err);
}

/* One that cannot be read, and why. */
static bool broken(struct c2_container *c, const char *path, const char *why, struct c2_generation *out,
                   struct cat2_error *err)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(3 * (size_t)C2_PATH_MAX);

    if (!gen_name(c, path, &name, err) || !c2_container_broken(c, c2_buf_cstr(&name), why, out, err))
        return false;
    out->within = c->format->name;
    return true;
}

struct listing {
    struct c2_container *c;
    c2_container_sink *sink;
    void *ctx;
};

static bool list_array(void *ctx, const char *rel, const char *why, struct cat2_error *err)
{
    struct listing *l = ctx;
    C2_AUTO(c2_buf) path = C2_BUF_INIT(4 * (size_t)C2_PATH_MAX);
    C2_AUTO_PTR(c2_zs_scan) *scan = NULL;
    struct c2_generation gen;
    struct cat2_error bad = {0};

    if (!show_path(rel, &path, err)) return false;
    if (!c2_path_check(c2_buf_str(&path), &bad)) {
        c2_log_warn("not published: an array of %.160s whose path as text %s", l->c->filename, bad.message);
        return true;
    }
    if (!why && !scan_now(l->c, rel, &scan, &bad)) {
        if (bad.code == CAT2_ENOTFOUND) return true; /* gone meanwhile */
        *err = bad;
        if (c2_zs_is_passing(&bad)) return false;
        why = bad.message;
    }
    bool ok = why ? broken(l->c, c2_buf_cstr(&path), why, &gen, err)
                  : name_generation(l->c, c2_buf_cstr(&path), scan, &gen, err);
    return ok && l->sink(l->ctx, c2_buf_cstr(&path), &gen, err);
}

static bool list(struct c2_container *c, c2_container_sink *sink, void *ctx, struct cat2_error *err)
{
    struct listing l = {c, sink, ctx};

    return c2_zs_walk(c, list_array, &l, err);
}

/* Folders in an array are its own. */
static bool check_above(struct c2_container *c, const char *rel, struct cat2_error *err)
{
    for (const char *end = rel; *rel && end; end = strchr(end + 1, '/')) {
        C2_AUTO(c2_zs_place) place = {-1, C2_BUF_INIT(0)};
        C2_AUTO(c2_zs_node) node = {0};
        char above[C2_PATH_MAX + 1];
        snprintf(above, sizeof(above), "%.*s", (int)(end - rel), rel);
        if (!c2_zs_place_of(c, above, &place, err) || !c2_zs_node_read(&place, &node, err)) return false;
        if (node.type == C2_ZS_ARRAY) return c2_fail(err, CAT2_ENOTFOUND, "Not Found");
    }
    return true;
}

/* The state of what is at a path. */
static bool find(struct c2_container *c, const char *path, struct c2_buf *rel, struct c2_zs_scan **out,
                 struct cat2_error *err)
{
    return rel_of(c, path, rel, err) && check_above(c, c2_buf_cstr(rel), err) &&
           scan_of(c, c2_buf_cstr(rel), out, err);
}

static bool stat_array(struct c2_container *c, const char *path, struct c2_generation *out,
                       struct cat2_error *err)
{
    C2_AUTO(c2_buf) rel = C2_BUF_INIT(2 * (size_t)C2_PATH_MAX);
    C2_AUTO_PTR(c2_zs_scan) *scan = NULL;
    struct cat2_error why = {0};

    if (find(c, path, &rel, &scan, &why)) return name_generation(c, path, scan, out, err);
    *err = why;
    if (why.code == CAT2_ENOTFOUND || c2_zs_is_passing(&why)) return false;
    return broken(c, path, why.message, out, err);
}

static bool open_array(struct c2_container *c, const char *path, struct c2_codec *codec, struct c2_item **out,
                       struct cat2_error *err)
{
    C2_AUTO(c2_buf) rel = C2_BUF_INIT(2 * (size_t)C2_PATH_MAX);
    C2_AUTO_PTR(c2_zs_scan) *scan = NULL;
    struct c2_generation gen;

    if (!find(c, path, &rel, &scan, err)) return false;
    if (!c2_zs_scan_is_still(scan)) return c2_fail_busy(err, path);
    return name_generation(c, path, scan, &gen, err) &&
           c2_zs_item_new(c, c2_buf_cstr(&rel), scan, &gen, codec, out, err);
}

/* ---- attributes ---- */

static bool attrs(struct c2_container *c, const char *path, struct c2_buf *out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) rel = C2_BUF_INIT(2 * (size_t)C2_PATH_MAX);
    C2_AUTO(c2_zs_place) place = {-1, C2_BUF_INIT(0)};
    C2_AUTO(c2_zs_node) node = {0};
    C2_AUTO(c2_zs_array) array = {0};
    bool array_wanted = c2_kind_of(c2_str_of(path)) == C2_KIND_ARRAY;

    if (array_wanted ? !rel_of(c, path, &rel, err) : !c2_path_of_text(c2_str_of(path), &rel, err))
        return false;
    if (!check_above(c, c2_buf_cstr(&rel), err) || !c2_zs_place_of(c, c2_buf_cstr(&rel), &place, err))
        return false;
    C2_AUTO(c2_fd) dir = {c2_zs_open(&place, "", O_PATH | O_DIRECTORY)};
    if (dir.fd < 0) return c2_fail(err, CAT2_ENOTFOUND, "Not Found");
    if (!c2_zs_node_read(&place, &node, err)) return false;
    if (array_wanted != (node.type == C2_ZS_ARRAY)) return c2_fail(err, CAT2_ENOTFOUND, "Not Found");
    if (!array_wanted) return c2_zs_node_attrs(&node, out, err);
    return c2_zs_node_array(&node, &array, err) && c2_buf_append(out, array.attrs.p, array.attrs.n, err);
}

extern const struct c2_format c2_format_zarr;
const struct c2_format c2_format_zarr = {.name = "zarr",
                                         .nbytes = sizeof(struct zarr),
                                         .has_folders = true,
                                         .probe = probe,
                                         .init = init,
                                         .fini = fini,
                                         .list = list,
                                         .stat = stat_array,
                                         .open = open_array,
                                         .attrs = attrs};
