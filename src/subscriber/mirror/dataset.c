/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of a dataset object.
 *
 *   c2_ds_from_line()             FOUND      in no list yet; may be thrown away
 *     FOUND  --put-->             LISTED     in its root's list: requests find it
 *     LISTED --changed-->         REPLACED   another generation has its place
 *     LISTED --deleted, left-->   REMOVED    nothing has its place; so end all when the subscriber ends
 *
 * Requests that hold one that is REPLACED or REMOVED finish on it; it is freed with the last reference. */
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/log_share.h"
#include "cache/cache_name.h"
#include "subscriber/mirror/dataset.h"
#include "subscriber/mirror/described.h"
#include "subscriber/mirror/open_files.h"
#include "subscriber/mirror/reason.h"

static const struct c2_meta NO_META;

void c2_ds_move(struct c2_ds *ds, enum c2_ds_life to)
{
    C2_ASSERT(ds->life == (to == C2_DS_LISTED ? C2_DS_FOUND : C2_DS_LISTED) && to != C2_DS_FOUND);
    ds->life = to;
}

struct c2_ds *c2_ds_ref(struct c2_ds *ds)
{
    ds->refs++;
    return ds;
}

/* The last memory of a subscriber goes with its last dataset. */
static void unref_subscriber(struct c2_subscriber *sub)
{
    if (--sub->ndatasets == 0 && sub->gone) sub->free_rest(sub);
}

void c2_ds_unref(struct c2_ds *ds)
{
    if (!ds || --ds->refs > 0) return;
    C2_ASSERT(ds->life != C2_DS_LISTED);
    c2_described_unref(ds->described);
    c2_buf_fini(&ds->info);
    c2_ds_close_file(ds);
    free(ds->flying);
    free(ds->unwritten);
    free(ds->root);
    free(ds->path);
    free(ds->etag);
    free(ds->quoted);
    free(ds->match);
    if (ds->direct) free(ds->direct->url);
    free(ds->direct);
    free(ds->key);
    free(ds->line);
    free(ds->urlpath);
    free(ds->error);
    free(ds->remark);
    unref_subscriber(ds->sub);
    free(ds);
}

/* Etags of Python servers: u-SIZE-NANOSECONDS, in hexadecimal digits. */
static int64_t python_mtime_ms(struct c2_str etag)
{
    struct c2_str size, ns;
    uint64_t value = 0;

    etag = (struct c2_str){etag.p + 2, etag.n - 2};
    if (!c2_str_cut(etag, '-', &size, &ns) || ns.n == 0 || ns.n > 16) return -1;
    for (size_t i = 0; i < ns.n; i++) {
        int digit = c2_hex_digit(ns.p[i]);
        if (digit < 0) return -1;
        value = value * 16 + (unsigned)digit;
    }
    return (int64_t)(value / 1000000);
}

int64_t c2_ds_mtime_ms(const struct c2_ds *ds)
{
    if (c2_str_starts(c2_str_of(ds->etag), "u-")) return python_mtime_ms(c2_str_of(ds->etag));
    struct c2_str seconds, size, whole, fraction;
    int64_t mtime = -1, s = 0;

    c2_str_cut(c2_str_of(ds->etag), ':', &seconds, &size);
    c2_str_cut(seconds, '.', &whole, &fraction);
    if (c2_str_to_i64(whole, &s) && s < INT64_MAX / 1000) mtime = s * 1000;
    for (size_t i = 0; mtime >= 0 && i < 3; i++)
        mtime += i < fraction.n && fraction.p[i] >= '0' && fraction.p[i] <= '9'
                     ? (fraction.p[i] - '0') * (i == 0   ? 100
                                                : i == 1 ? 10
                                                         : 1)
                     : 0;
    return mtime;
}

/* mtime is the part of the etag before ':'. */
static bool make_info(const struct c2_ds *ds, struct c2_buf *info, struct cat2_error *err)
{
    struct c2_meta meta = *ds->meta; /* borrows all of it */
    struct c2_jw w;

    if (ds->urlpath) meta.urlpath = ds->urlpath;
    c2_jw_init(&w, info, C2_JSON_COMPACT, err);
    if (!c2_meta_to_json(&meta, true, c2_ds_mtime_ms(ds), &w))
        return err->code != CAT2_OK ? false : c2_fail_nomem(err, "info");
    if (!c2_jw_finish(&w) || !ds->error) return w.ok;
    info->n--; /* its brace comes last */
    if (!c2_buf_puts(info, ",\"refusal\":", err)) return false;
    c2_jw_init(&w, info, C2_JSON_COMPACT, err);
    c2_jw_cstr(&w, ds->error);
    return c2_jw_finish(&w) && c2_buf_putc(info, '}', err);
}

bool c2_ds_put_info(struct c2_ds *ds, struct c2_buf *out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) info = C2_BUF_INIT(C2_JSON_NBYTES_MAX);

    if (ds->info.n == 0) {
        if (!make_info(ds, &info, err)) return false;
        ds->info = c2_buf_steal(&info);
    }
    return c2_buf_append(out, ds->info.p, ds->info.n, err);
}

/* Etags of the publisher's may come back (it lost its state, or has another root by now); ours do not. */
bool c2_ds_name_etag(struct c2_ds *ds, struct c2_str etag, int repeats, struct cat2_error *err)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(1024), quoted = C2_BUF_INIT(1024);
    bool ok = c2_buf_printf(&text, err, "%.*s", (int)c2_min_i64(500, (int64_t)etag.n), etag.p);

    if (ok && etag.n && repeats) ok = c2_buf_printf(&text, err, "-%d", repeats);
    ok = ok && c2_buf_printf(&quoted, err, "\"%s\"", c2_buf_cstr(&text));
    if (!ok) return false;
    free(ds->etag);
    free(ds->quoted);
    ds->repeats = repeats;
    ds->etag = c2_str_dup(c2_buf_str(&text));
    ds->quoted = c2_str_dup(c2_buf_str(&quoted));
    return (ds->etag && ds->quoted) || c2_fail_nomem(err, "dataset");
}

/* Fit for a header, in quotes. */
static bool is_tag(struct c2_str text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] <= 0x20 || text.p[i] == '"' || text.p[i] == 0x7f) return false;
    return true;
}

static bool name_generation(struct c2_ds *ds, struct c2_jval v, struct cat2_error *err)
{
    C2_AUTO(c2_buf) match = C2_BUF_INIT(1024), key = C2_BUF_INIT(1024);
    struct c2_str etag = {"", 0}, validator;

    c2_jstr(c2_jget(v, "etag"), &etag);
    if (!is_tag(etag)) {
        c2_ds_name_etag(ds, C2_STR(""), 0, err);
        return c2_fail(err, CAT2_EDATA, "etag holds a blank or a quote");
    }
    bool strong = c2_jstr(c2_jget(v, "validator"), &validator) && validator.n > 0 && validator.n < 200 &&
                  is_tag(validator);
    struct c2_str wanted = strong ? validator : etag;
    if (!c2_ds_name_etag(ds, etag, ds->repeats, err) ||
        !c2_buf_printf(&match, err, "\"%.*s\"", (int)c2_min_i64(500, (int64_t)wanted.n), wanted.p) ||
        !c2_buf_printf(&key, err, "%.*s", (int)c2_min_i64(500, (int64_t)etag.n), etag.p) ||
        (strong && !c2_buf_printf(&key, err, " %.*s", C2_STR_ARG(validator))))
        return false;
    ds->match = c2_str_dup(c2_buf_str(&match));
    ds->key = c2_str_dup(c2_buf_str(&key));
    return (ds->match && ds->key) || c2_fail_nomem(err, "dataset");
}

bool c2_ds_is_of(const struct c2_ds *ds, struct c2_str etag, struct c2_str validator)
{
    struct c2_str key = c2_str_of(ds->key), its_etag, its_validator;

    return (!ds->error || ds->refused) && c2_str_cut(key, ' ', &its_etag, &its_validator) &&
           c2_str_cmp(its_etag, etag) == 0 && c2_str_cmp(its_validator, validator) == 0;
}

/* A name of nothing but our suffix is none of HDF5. */
static void name_origin(struct c2_ds *ds, struct c2_jval v)
{
    struct c2_str path = c2_str_of(ds->path), origin = {"", 0}, format = {"", 0};

    c2_jstr(c2_jget(v, "hdf5"), &origin);
    ds->within = c2_str_is(origin, "file") || c2_jstr(c2_jget(v, "within"), &format);
    ds->in_folder = c2_str_is(format, "zarr");
    ds->bare = (ds->within || c2_str_is(origin, "import")) && c2_kind_of(path) == C2_KIND_ARRAY &&
               !c2_str_is(path, C2_ARRAY_SUFFIX) && !c2_str_ends(path, "/" C2_ARRAY_SUFFIX);
}

static bool fill(struct c2_ds *ds, struct c2_jval v, struct cat2_error *err)
{
    struct c2_str error;

    if (!name_generation(ds, v, err)) return false;
    name_origin(ds, v);
    if (c2_jstr(c2_jget(v, "remark"), &error) && !(ds->remark = c2_str_dup(error)))
        return c2_fail_nomem(err, "dataset");
    if (c2_jstr(c2_jget(v, "error"), &error)) {
        ds->error = c2_str_dup(c2_reason_without_place(error));
        c2_jbool(c2_jget(v, "busy"), &ds->busy);
        return ds->error || c2_fail_nomem(err, "dataset");
    }
    enum c2_kind kind = c2_kind_of(c2_str_of(ds->path));
    if (!ds->described && !c2_described_read(v, C2_STR(""), kind, &ds->described, err)) return false;
    ds->meta = &ds->described->meta;
    ds->group_attrs = !ds->bare && ds->meta->grid.ndim == 0 && ds->meta->dtype.itemsize == 1 &&
                      c2_is_group_attrs(c2_str_of(ds->path));
    ds->table = ds->within && ds->meta->dtype.nfields && ds->meta->grid.ndim == 1 && ds->described->schema;
    ds->refused = ds->described->refusal;
    if (ds->refused && !(ds->error = c2_str_dup(c2_str_of(ds->described->refusal))))
        return c2_fail_nomem(err, "dataset");
    ds->has_frame = ds->described->has_frame;
    ds->layout = ds->described->layout;
    return true;
}

/* Its beginning alone, when the rest is a description that may be shared: *described. */
static bool read_split(struct c2_subscriber *sub, const struct c2_line_parts *parts, struct c2_json **json,
                       struct c2_described **described, struct cat2_error *err)
{
    C2_AUTO(c2_buf) head = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    struct cat2_error why = {0};
    struct c2_jval value;
    struct c2_str key, path;

    bool good = c2_buf_append_str(&head, parts->head, &why) && c2_buf_putc(&head, '}', &why) &&
                c2_json_parse(c2_buf_str(&head), json, &why) &&
                c2_jstr(c2_jget(c2_json_root(*json), "path"), &path);
    struct c2_jiter it = c2_jiter_of(good ? c2_json_root(*json) : (struct c2_jval){0});
    while (good && c2_jnext(&it, &key, &value))
        good = !c2_described_has(key) && !c2_str_is(key, "error");
    good = good && c2_described_get(sub, parts, c2_kind_of(path), described, &why);
    if (why.code == CAT2_ENOMEM) return c2_fail_nomem(err, "dataset");
    if (good) return true;
    c2_json_free(*json); /* what is wrong with it is said of the whole */
    *json = NULL;
    return true;
}

bool c2_ds_from_line(struct c2_root_state *root, struct c2_str line, bool speaks_pieces, struct c2_ds **out,
                     struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    C2_AUTO_PTR(c2_described) *described = NULL;
    struct c2_line_parts parts;
    struct c2_str path;

    if (c2_described_split(line, &parts) && !read_split(root->sub, &parts, &json, &described, err))
        return false;
    if (!described && !c2_json_parse(line, &json, err)) return false;
    bool cut = described && parts.urlpath.p;
    struct c2_jval v = c2_json_root(json);
    if (!c2_jstr(c2_jget(v, "path"), &path) || !c2_path_check(path, err))
        return c2_fail(err, CAT2_EDATA, "a listed dataset has no usable path");
    struct c2_ds *ds = calloc(1, sizeof(*ds));
    if (!ds) return c2_fail_nomem(err, "dataset");
    ds->refs = 1;
    ds->sub = root->sub;
    ds->sub->ndatasets++;
    ds->serial = ++root->sub->serials;
    ds->left_nbytes = -1;
    ds->speaks_pieces = speaks_pieces;
    ds->root = c2_str_dup(c2_str_of(root->root.name));
    ds->path = c2_str_dup(path);
    ds->line = c2_str_dup(described ? parts.head : line);
    if (cut) ds->urlpath = c2_str_dup(parts.urlpath);
    ds->meta = &NO_META;
    ds->described = described;
    described = NULL;
    struct cat2_error why = {0};
    bool ok = ds->root && ds->path && ds->line && (ds->urlpath || !cut);
    bool filled = ok && fill(ds, v, &why);
    if (why.code == CAT2_ENOMEM) ok = false;
    if (ok && !filled) { /* it marks only itself */
        ds->error = c2_str_dup(c2_str_of(why.message));
        c2_log_some(C2_WARN, "dataset root=%s path=%s: %s", ds->root, ds->path, why.message);
        ok = ds->error && ds->etag && ds->quoted;
    }
    if (!ok) {
        c2_ds_unref(ds);
        return c2_fail_nomem(err, "dataset");
    }
    ds->line_hash = c2_ds_hash_line(ds);
    *out = ds;
    return true;
}

/* ---- its line ---- */

#define PARTS 4

/* It is these one after the other. */
static void parts_of(const struct c2_ds *ds, struct c2_str out[PARTS])
{
    const struct c2_described *d = ds->described;

    memset(out, 0, PARTS * sizeof(*out));
    out[0] = c2_str_of(ds->line);
    if (!d) return;
    out[1] = (struct c2_str){d->text, d->cut};
    out[2] = c2_str_of(ds->urlpath);
    out[3] = (struct c2_str){d->text + d->cut, d->n - d->cut};
}

bool c2_ds_put_line(const struct c2_ds *ds, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_str parts[PARTS];
    bool ok = true;

    parts_of(ds, parts);
    for (int i = 0; ok && i < PARTS; i++)
        ok = c2_buf_append_str(out, parts[i], err);
    return ok;
}

bool c2_ds_is_line(const struct c2_ds *ds, struct c2_str line)
{
    struct c2_str parts[PARTS];

    parts_of(ds, parts);
    for (int i = 0; i < PARTS; i++) {
        size_t n = parts[i].n;
        if (line.n < n || (n && memcmp(line.p, parts[i].p, n) != 0)) return false;
        line = (struct c2_str){line.p + n, line.n - n};
    }
    return line.n == 0;
}

bool c2_ds_same_line(const struct c2_ds *a, const struct c2_ds *b)
{
    const struct c2_described *x = a->described, *y = b->described;
    bool same = x == y || (x && y && x->cut == y->cut && x->n == y->n && memcmp(x->text, y->text, x->n) == 0);

    return same && strcmp(a->line, b->line) == 0 &&
           c2_str_cmp(c2_str_of(a->urlpath), c2_str_of(b->urlpath)) == 0;
}

uint64_t c2_ds_hash_line(const struct c2_ds *ds)
{
    struct c2_str parts[PARTS];
    struct c2_hasher hasher;

    parts_of(ds, parts);
    c2_hasher_begin(&hasher);
    for (int i = 0; i < PARTS; i++)
        c2_hasher_add(&hasher, parts[i].p, parts[i].n);
    return c2_hasher_end(&hasher);
}

const char *c2_ds_urlpath(const struct c2_ds *ds)
{
    const char *own = ds->urlpath ? ds->urlpath : ds->meta->urlpath;

    return own ? own : "";
}

/* ---- its names ---- */

struct c2_str c2_ds_name(const struct c2_ds *ds)
{
    struct c2_str path = c2_str_of(ds->path);

    if (ds->bare) path.n -= strlen(C2_ARRAY_SUFFIX);
    return path;
}

struct c2_str c2_ds_own_name(const struct c2_ds *ds)
{
    struct c2_str path = c2_str_of(ds->path);

    if (!ds->within) return path;
    if (c2_kind_of(path) == C2_KIND_FRAME) path.n -= strlen(C2_FRAME_SUFFIX);
    return c2_kind_of(c2_str_of(ds->path)) == C2_KIND_ARRAY ? c2_ds_name(ds) : path;
}

static bool holds(struct c2_str text, struct c2_str wanted)
{
    return !wanted.n || c2_str_find_nocase(text, wanted) < text.n;
}

bool c2_ds_is_found(const struct c2_ds *ds, size_t skip, struct c2_str text)
{
    return holds(c2_str_of(ds->path + skip), text) || holds(c2_buf_str(&ds->meta->vlmeta), text);
}

bool c2_ds_cache_name(const struct c2_ds *ds, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_str path = c2_str_of(ds->path);

    return c2_cache_name(ds->root, path, c2_kind_of(path) == C2_KIND_FILE ? ".b2" : "", out, err);
}

bool c2_ds_levels_name(const struct c2_ds *ds, struct c2_buf *out, struct cat2_error *err)
{
    return c2_cache_levels_name(ds->root, c2_str_of(ds->path), out, err);
}

/* The ETags of ours go on from those of the generation before. */
bool c2_ds_succeed(struct c2_ds *ds, const struct c2_ds *old, struct cat2_error *err)
{
    size_t raw = strlen(old->etag) - (old->repeats ? strlen(strrchr(old->etag, '-')) : 0);
    bool again = *ds->etag && ds->key && old->key && strlen(ds->etag) == raw &&
                 strncmp(ds->etag, old->etag, raw) == 0 && strcmp(ds->key, old->key) != 0;
    struct c2_str etag = {ds->etag, strlen(ds->etag)};
    int repeats = old->repeats + again;

    return ds->repeats || repeats == 0 || etag.n == 0 || c2_ds_name_etag(ds, etag, repeats, err);
}
