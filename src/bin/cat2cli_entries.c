/* SPDX-License-Identifier: BSD-3-Clause */
/* Listings: pages of /api/tree put together, patterns, and names that may have been meant. */
#include "bin/cat2cli_entries.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/bisect.h"
#include "base/limits.h"
#include "bin/options_nearest.h"
#include "blosc/meta.h"
#include "ndim/shape.h"
#include "wire/url.h"

#define PAGE        1000 /* entries asked for at once: the most that is given */
#define TRIES       5    /* to see one state of a root that changes meanwhile */
#define QUERY_MAX   200  /* bytes of a search, as the subscriber takes it */
#define SUGGEST_MAX 5000 /* names that are looked through for one that may be meant */

static void entry_fini(struct c2_listed *entry)
{
    free(entry->path);
    free(entry->shape);
    free(entry->dtype);
    free(entry->etag);
    free(entry->error);
}

static void drop_from(struct c2_entries *entries, size_t n)
{
    while (entries->n > n)
        entry_fini(&entries->p[--entries->n]);
}

void c2_entries_fini(struct c2_entries *entries)
{
    drop_from(entries, 0);
    c2_vec_fini(entries);
}

const struct c2_listed *c2_entries_find(const struct c2_entries *entries, struct c2_str path)
{
    size_t at;

    c2_bisect(at, entries->n, c2_str_cmp(c2_str_of(entries->p[at].path), path) < 0);
    return at < entries->n && c2_str_is(path, entries->p[at].path) ? &entries->p[at] : NULL;
}

bool c2_entries_take(struct c2_entries *to, struct c2_listed *entry, struct cat2_error *err)
{
    if (!c2_vec_push(to, C2_ENTRIES_MAX, "entries", err, *entry)) return false;
    *entry = (struct c2_listed){0};
    return true;
}

bool c2_glob_is(const char *text)
{
    return strpbrk(text, "*?[") != NULL;
}

bool c2_glob_matches(const char *pattern, const char *path)
{
    return fnmatch(pattern, path, 0) == 0;
}

const char *c2_listed_beneath(const char *path, const char *folder)
{
    size_t n = strlen(folder);

    return n && strncmp(path, folder, n) == 0 && path[n] == '/' ? path + n + 1 : path;
}

/* ---- reading answers ---- */

static char *text_of(struct c2_jval object, const char *key)
{
    struct c2_str text;

    return c2_jstr(c2_jget(object, key), &text) ? c2_str_dup(text) : NULL;
}

static int64_t number_of(struct c2_jval object, const char *key)
{
    int64_t n = 0;

    c2_jint(c2_jget(object, key), &n);
    return n;
}

static char *joined(const char *folder, struct c2_str name, struct cat2_error *err)
{
    C2_AUTO(c2_buf) out = C2_BUF_INIT(2 * C2_PATH_MAX);

    return c2_buf_printf(&out, err, "%s%s", folder, *folder && name.n ? "/" : "") &&
                   c2_buf_append_str(&out, name, err)
               ? c2_str_dup(c2_buf_str(&out))
               : NULL;
}

static bool read_entry(struct c2_jval value, const char *root, struct c2_entries *out, struct cat2_error *err)
{
    static const char *const kinds[] = {
        [C2_ENTRY_FOLDER] = "folder", [C2_ENTRY_ARRAY] = "array", [C2_ENTRY_FRAME] = "frame"};
    struct c2_listed e = {.kind = C2_ENTRY_FILE, .mtime = -1};
    struct c2_str kind, path;
    char shape[C2_SHAPE_ROOM];

    if (!c2_jstr(c2_jget(value, "kind"), &kind) || !c2_jstr(c2_jget(value, "path"), &path) ||
        (!c2_path_check(path, err) && !(path.n == 0 && c2_str_is(kind, "folder"))))
        return c2_fail(err, CAT2_EDATA, "%.100s: its list has an entry that is no path", root);
    for (size_t i = C2_ENTRY_FOLDER; i < C2_ARRAY_LEN(kinds); i++)
        if (c2_str_is(kind, kinds[i])) e.kind = (enum c2_listed_kind)i;
    e.path = joined(root, path, err);
    e.shape = c2_str_dup(c2_str_of(c2_shape_text_json(c2_jget(value, "shape"), shape)));
    e.dtype = text_of(value, "dtype");
    e.etag = text_of(value, "etag");
    e.error = text_of(value, "error");
    e.nbytes = number_of(value, "nbytes");
    e.cbytes = number_of(value, "cbytes");
    e.cached = number_of(value, "cached");
    e.datasets = number_of(value, "datasets");
    e.errors = number_of(value, "errors");
    e.nattrs = number_of(value, "attrs");
    c2_jint(c2_jget(value, "mtime"), &e.mtime);
    if (e.path && e.shape && c2_vec_push(out, C2_ENTRIES_MAX, "entries", err, e)) return true;
    entry_fini(&e);
    return c2_fail_nomem(err, "list");
}

bool c2_entries_roots(const struct c2_cli *cli, struct c2_entries *out, struct cat2_error *err)
{
    cat2_strings *roots = NULL;
    bool ok = cat2_client_roots(cli->client, &roots, err);

    for (size_t i = 0; ok && i < cat2_strings_count(roots); i++) {
        struct c2_listed e = {.kind = C2_ENTRY_ROOT, .mtime = -1, .followed = cat2_strings_flag(roots, i)};
        e.path = c2_str_dup(c2_str_of(cat2_strings_at(roots, i)));
        ok = e.path && c2_vec_push(out, C2_ENTRIES_MAX, "roots", err, e);
        if (!ok) {
            entry_fini(&e);
            c2_fail_nomem(err, "roots");
        }
    }
    cat2_strings_free(roots);
    return ok;
}

/* ---- asking ---- */

struct page {
    char etag[80]; /* of the root */
    int64_t next;  /* -1: it was the last one */
    int64_t unsearched;
};

static bool put_target(const char *path, const struct c2_entries_ask *ask, int64_t offset,
                       struct c2_buf *target, struct cat2_error *err)
{
    struct c2_str root, dir;

    c2_str_cut(c2_str_of(path), '/', &root, &dir);
    return c2_buf_puts(target, "/api/tree/", err) && c2_url_encode(root, false, target, err) &&
           c2_buf_printf(target, err, "?limit=%d&offset=%" PRId64, ask->any ? 1 : PAGE, offset) &&
           (!dir.n || (c2_buf_puts(target, "&dir=", err) && c2_url_encode(dir, false, target, err))) &&
           (!ask->query ||
            (c2_buf_puts(target, "&q=", err) && c2_url_encode(c2_str_of(ask->query), false, target, err))) &&
           (!ask->query || ask->groups || c2_buf_puts(target, "&groups=0", err)) &&
           (!ask->deep || c2_buf_puts(target, "&deep=1", err)) &&
           (!ask->broken || c2_buf_puts(target, "&broken=1", err)) &&
           (!ask->cached || c2_buf_puts(target, "&cached=1", err));
}

static bool read_page(const char *text, const char *path, struct c2_entries *out, struct page *page,
                      struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_str etag = {"", 0}, key, root, dir;
    C2_AUTO(c2_buf) name = C2_BUF_INIT(C2_PATH_MAX);
    struct c2_jval value;

    c2_str_cut(c2_str_of(path), '/', &root, &dir);
    if (!c2_json_parse(c2_str_of(text), &json, err) || !c2_buf_append_str(&name, root, err)) return false;
    struct c2_jval all = c2_json_root(json);
    struct c2_jiter it = c2_jiter_of(c2_jget(all, "entries"));
    while (c2_jnext(&it, &key, &value))
        if (!read_entry(value, c2_buf_cstr(&name), out, err)) return false;
    c2_jstr(c2_jget(all, "etag"), &etag);
    page->unsearched = number_of(all, "unsearched");
    snprintf(page->etag, sizeof(page->etag), "%.*s", (int)c2_min_i64((int64_t)etag.n, 79), etag.p);
    page->next = -1;
    c2_jint(c2_jget(all, "next"), &page->next);
    return true;
}

/* Pages of one state of the root. *changed: there were two; what was read is dropped. */
static bool read_pages(const struct c2_cli *cli, const char *path, const struct c2_entries_ask *ask,
                       struct c2_entries *out, bool *changed, struct cat2_error *err)
{
    size_t before = out->n;
    struct page first = {.next = -1}, page = {.next = 0};

    *changed = false;
    for (int64_t offset = 0; page.next >= 0 && !*changed; offset = page.next) {
        C2_AUTO(c2_buf) target = C2_BUF_INIT(16 * C2_PATH_MAX);
        char *text = NULL;
        bool ok = put_target(path, ask, offset, &target, err) &&
                  cat2_client_get_json(cli->client, c2_buf_cstr(&target), &text, err) &&
                  read_page(text, path, out, &page, err);
        free(text);
        if (ok && page.next >= 0 && page.next <= offset)
            ok = c2_fail(err, CAT2_EDATA, "%.100s: its list goes round in circles", path);
        if (!ok) {
            drop_from(out, before);
            return false;
        }
        if (offset == 0) first = page;
        if (ask->any) break;
        *changed = strcmp(first.etag, page.etag) != 0 || first.unsearched != page.unsearched;
    }
    out->unsearched += *changed ? 0 : first.unsearched;
    if (*changed) drop_from(out, before);
    return true;
}

bool c2_entries_beneath(const struct c2_cli *cli, const char *path, const struct c2_entries_ask *ask,
                        struct c2_entries *out, struct cat2_error *err)
{
    bool changed;

    for (int i = 0; i < TRIES; i++) {
        if (!read_pages(cli, path, ask, out, &changed, err)) {
            if (!strstr(err->message, path)) c2_fail_within(err, "%.150s", path);
            return false;
        }
        if (!changed) return true;
    }
    return c2_fail(err, CAT2_ECHANGED, "%.150s: the list changed each time it was read: try again", path);
}

/* ---- names and patterns ---- */

/* In a file that holds datasets they have two names: there, and in lists with a suffix. The subscriber knows
 * whether `path` is one of them. */
static struct c2_listed *find_named(const struct c2_cli *cli, const char *path, struct c2_entries *found)
{
    static const char *const suffixes[] = {"", C2_ARRAY_SUFFIX, C2_FRAME_SUFFIX};
    size_t n = strlen(path);

    for (size_t k = 0; k < C2_ARRAY_LEN(suffixes); k++)
        for (size_t i = 0; i < found->n; i++) {
            struct c2_listed *e = &found->p[i];
            cat2_dataset *dataset = NULL;
            struct cat2_error why;
            if (!c2_listed_is_dataset(e) || strncmp(e->path, path, n) != 0 ||
                strcmp(e->path + n, suffixes[k]) != 0)
                continue;
            bool same =
                k == 0 || cat2_dataset_open(cli->client, path, &dataset, &why) || why.code != CAT2_ENOTFOUND;
            cat2_dataset_free(dataset);
            if (same) return e;
        }
    return NULL;
}

/* The dataset of just this path, by a search in its folder. */
static bool add_dataset(const struct c2_cli *cli, const char *path, struct c2_entries *out,
                        struct cat2_error *err)
{
    C2_AUTO(c2_entries) found = {0};
    const char *name = c2_path_name(path);
    C2_AUTO(c2_buf) folder = C2_BUF_INIT(2 * C2_PATH_MAX);
    C2_AUTO(c2_buf) query = C2_BUF_INIT(QUERY_MAX);
    struct c2_entries_ask ask = {.cached = true};

    if (name == path) return c2_fail(err, CAT2_ENOTFOUND, "%.200s: there is no such root", path);
    if (!c2_buf_append(&query, name, (size_t)c2_min_i64((int64_t)strlen(name), QUERY_MAX), err) ||
        !c2_buf_append(&folder, path, (size_t)(name - 1 - path), err))
        return false;
    if (c2_str_is_utf8(c2_buf_str(&query))) ask.query = c2_buf_cstr(&query); /* not cut in a character */
    if (!c2_entries_beneath(cli, c2_buf_cstr(&folder), &ask, &found, err)) return false;
    struct c2_listed *entry = find_named(cli, path, &found);
    if (entry) return c2_entries_take(out, entry, err);
    return c2_fail(err, CAT2_ENOTFOUND, "%.200s: there is no such dataset or folder", path);
}

static bool add_folder(const char *path, enum c2_listed_kind kind, struct c2_entries *out,
                       struct cat2_error *err)
{
    struct c2_listed e = {.kind = kind, .mtime = -1, .followed = true, .path = c2_str_dup(c2_str_of(path))};

    if (e.path && c2_vec_push(out, C2_ENTRIES_MAX, "entries", err, e)) return true;
    entry_fini(&e);
    return c2_fail_nomem(err, "list");
}

/* A root or a folder; false without *err->code changed to something worse than "not found". */
static bool add_literal(const struct c2_cli *cli, const char *path, struct c2_entries *out,
                        struct cat2_error *err)
{
    const struct c2_entries_ask any = {.any = true};
    C2_AUTO(c2_entries) none = {0};

    if (c2_entries_beneath(cli, path, &any, &none, err))
        return add_folder(path, strchr(path, '/') ? C2_ENTRY_FOLDER : C2_ENTRY_ROOT, out, err);
    return err->code == CAT2_ENOTFOUND && strchr(path, '/') && add_dataset(cli, path, out, err);
}

bool c2_entries_there(const struct c2_cli *cli, const char *path, struct cat2_error *err)
{
    C2_AUTO(c2_entries) found = {0};

    return add_literal(cli, path, &found, err);
}

static bool expand(const struct c2_cli *cli, const char *folder, const char *rest, struct c2_entries *out,
                   struct cat2_error *err);

/* An entry that matches the first part of a pattern, of which `rest` comes after. Takes the entry's texts. */
static bool go_on(const struct c2_cli *cli, struct c2_listed *entry, const char *rest, struct c2_entries *out,
                  struct cat2_error *err)
{
    if (rest) return c2_listed_is_dataset(entry) || expand(cli, entry->path, rest, out, err);
    return c2_entries_take(out, entry, err);
}

/* "**" and "/rest": datasets at any depth whose last parts match rest. */
static bool expand_deep(const struct c2_cli *cli, const char *folder, const char *rest,
                        struct c2_entries *out, struct cat2_error *err)
{
    C2_AUTO(c2_entries) found = {0};
    const struct c2_entries_ask ask = {.deep = true, .cached = true};

    if (!c2_entries_beneath(cli, folder, &ask, &found, err)) return false;
    for (size_t i = 0; i < found.n; i++) {
        const char *tail = c2_listed_beneath(found.p[i].path, folder), *slash;
        bool hit = false;
        for (; !hit; tail = slash + 1) {
            hit = !rest || fnmatch(rest, tail, FNM_PATHNAME) == 0;
            if (!(slash = strchr(tail, '/'))) break;
        }
        if (hit && !go_on(cli, &found.p[i], NULL, out, err)) return false;
    }
    return true;
}

/* What of a folder ("": of the roots that are followed) the pattern matches. */
static bool expand(const struct c2_cli *cli, const char *folder, const char *pattern, struct c2_entries *out,
                   struct cat2_error *err)
{
    C2_AUTO(c2_entries) found = {0};
    C2_AUTO(c2_buf) part = C2_BUF_INIT(C2_PATH_MAX);
    const char *slash = strchr(pattern, '/'), *rest = slash ? slash + 1 : NULL;
    const struct c2_entries_ask ask = {.cached = true};

    if (!c2_buf_append(&part, pattern, slash ? (size_t)(slash - pattern) : strlen(pattern), err))
        return false;
    if (*folder && c2_str_is(c2_buf_str(&part), "**")) return expand_deep(cli, folder, rest, out, err);
    if (!c2_glob_is(c2_buf_cstr(&part)) && (rest || !*folder)) {
        char *path = joined(folder, c2_buf_str(&part), err);
        bool ok =
            path && (rest ? expand(cli, path, rest, out, err) : add_folder(path, C2_ENTRY_ROOT, out, err));
        free(path);
        return ok || (*folder && err->code == CAT2_ENOTFOUND); /* it is not in this folder */
    }
    if (!(*folder ? c2_entries_beneath(cli, folder, &ask, &found, err) : c2_entries_roots(cli, &found, err)))
        return false;
    for (size_t i = 0; i < found.n; i++) {
        bool open = *folder || found.p[i].followed;
        if (open && fnmatch(c2_buf_cstr(&part), c2_path_name(found.p[i].path), 0) == 0 &&
            !go_on(cli, &found.p[i], rest, out, err))
            return false;
    }
    return true;
}

bool c2_cli_path(const char *text, struct c2_str *out, struct cat2_error *err)
{
    *out = c2_str_no_slashes(c2_str_of(text));
    return c2_path_check(*out, err) || c2_fail_within(err, *text ? "%.150s" : "''%.150s", text);
}

bool c2_entries_named(const struct c2_cli *cli, const char *text, struct c2_entries *out,
                      struct cat2_error *err)
{
    struct c2_str path;
    size_t before = out->n;

    if (!c2_cli_path(text, &path, err)) return false;
    char *name = c2_str_dup(path);
    if (!name) return c2_fail_nomem(err, "path");
    bool ok = add_literal(cli, name, out, err);
    if (!ok && err->code == CAT2_ENOTFOUND && c2_glob_is(name)) {
        ok = expand(cli, "", name, out, err);
        if (ok && out->n == before) ok = c2_fail(err, CAT2_ENOTFOUND, "%.200s: nothing matches", name);
    }
    free(name);
    return ok;
}

/* ---- suggestions ---- */

static void consider_all(struct c2_nearest *nearest, const struct c2_entries *entries, const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < entries->n && i < SUGGEST_MAX; i++) {
        const char *other = c2_path_name(entries->p[i].path);
        bool without_suffix = n && strncmp(other, name, n) == 0 && strchr(other + n, '.') == other + n;
        if (without_suffix && nearest->distance != 0) {
            nearest->name = other;
            nearest->distance = 0;
        } else {
            c2_nearest_consider(nearest, other);
        }
    }
}

void c2_cli_suggest(const struct c2_cli *cli, const char *path, struct cat2_error *err)
{
    const struct c2_entries_ask ask = {0};
    C2_AUTO(c2_buf) folder = C2_BUF_INIT(2 * C2_PATH_MAX);
    struct cat2_error ignored;
    struct c2_str rest = c2_str_no_slashes(c2_str_of(path)), part;
    size_t room = sizeof(err->message) - strlen(err->message);

    if (err->code != CAT2_ENOTFOUND || !c2_path_check(rest, &ignored) || strstr(err->message, "did you mean"))
        return;
    for (bool more = true; more;) { /* down to the first part that is not there */
        C2_AUTO(c2_entries) found = {0};
        more = c2_str_cut(rest, '/', &part, &rest);
        C2_AUTO(c2_buf) name = C2_BUF_INIT(C2_PATH_MAX);
        bool top = folder.n == 0, there = false;
        if (!c2_buf_append_str(&name, part, &ignored) ||
            !(top ? c2_entries_roots(cli, &found, &ignored)
                  : c2_entries_beneath(cli, c2_buf_cstr(&folder), &ask, &found, &ignored)))
            return;
        for (size_t i = 0; i < found.n; i++)
            there = there || strcmp(c2_path_name(found.p[i].path), c2_buf_cstr(&name)) == 0;
        struct c2_nearest nearest = {.typed = part, .distance = SIZE_MAX};
        if (!there) consider_all(&nearest, &found, c2_buf_cstr(&name));
        if (nearest.name) {
            size_t n = strlen(err->message);
            snprintf(err->message + n, room, "; did you mean %s%s%s?", c2_buf_cstr(&folder), top ? "" : "/",
                     nearest.name);
        }
        if (!there || !c2_buf_printf(&folder, &ignored, "%s%.*s", top ? "" : "/", C2_STR_ARG(part))) return;
    }
}
