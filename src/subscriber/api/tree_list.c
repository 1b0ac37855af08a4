/* SPDX-License-Identifier: BSD-3-Clause */
/* GET /api/tree: one level of a root's folders, or all beneath one, or what a search finds there; a page of
 * it. The list is taken down on the loop, looked through by a worker. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "subscriber/answer/group_texts.h"
#include "subscriber/answer/refuse.h"
#include "subscriber/answer/view.h"
#include "subscriber/api/api.h"
#include "subscriber/mirror/age.h"
#include "subscriber/mirror/dataset.h"
#include "subscriber/mirror/follow.h"
#include "subscriber/mirror/names_so_far.h"
#include "subscriber/mirror/roots.h"

#define LIMIT_DEFAULT 200
#define LIMIT_MAX     1000  /* entries of one page: a megabyte of JSON */
#define QUERY_MAX     200   /* bytes of a search; longer is no name */
#define ATTRS_MAX     65536 /* larger attributes are not parsed for a listing */
#define ENTRY_COST    1024  /* bytes that are decoded while a dataset is put into its place in a list */
#define DTYPE_MAX     200   /* of a dtype's text in a list; the rest is in its metadata */

struct entry {
    const struct c2_ds *ds; /* NULL: a folder */
    const char *group;      /* the path of a group that a search has found; else NULL */
    struct c2_str name;     /* its last part, borrowed from a path */
    int64_t datasets, nbytes, errors, mtime;
};
struct tree {
    struct c2_request *req;
    struct c2_subscriber *sub;
    char root[256], etag[48], quoted[80], dir[C2_PATH_MAX + 2], query[QUERY_MAX + 1];
    size_t dir_n; /* with its final '/', 0 for the top */
    bool subscribed, ok, down;
    bool deep;                    /* all datasets beneath dir, and no folders */
    bool broken;                  /* of those, the ones that cannot be served */
    bool cached;                  /* with what the cache has of each on disk */
    bool partial;                 /* names that were found so far are enough */
    bool groups;                  /* a search looks through the attributes of groups, too */
    struct c2_group_texts *texts; /* these; or NULL */
    size_t unsearched;
    char key; /* n s m */
    int64_t offset, limit;
    struct c2_ds **list; /* below dir */
    size_t n;
    struct entry *entries;
    size_t nentries;
    struct c2_buf out;
    struct cat2_error err;
};

static void tree_free(struct tree *t)
{
    for (size_t i = 0; i < t->n; i++)
        c2_ds_unref(t->list[i]);
    c2_group_texts_unref(t->texts);
    free(t->list);
    free(t->entries);
    c2_buf_fini(&t->out);
    free(t);
}

/* ---- what there is ---- */

static int64_t nbytes_of(const struct c2_ds *ds)
{
    return ds->error ? 0 : ds->meta->nbytes;
}

/* A dataset is in this folder. */
static void count(struct entry *folder, const struct c2_ds *ds)
{
    folder->datasets++;
    folder->nbytes += nbytes_of(ds);
    folder->errors += ds->error != NULL;
    folder->mtime = c2_max_i64(folder->mtime, c2_ds_mtime_ms(ds));
}

/* Where what is in a folder begins in the list; '/' comes before most, but not before all. */
static size_t first_in(const struct tree *t, const char *folder)
{
    size_t low = 0, high = t->n, n = strlen(folder);

    while (n && low < high) {
        size_t middle = low + (high - low) / 2;
        const char *path = t->list[middle]->path;
        int order = strncmp(path, folder, n);
        if (order < 0 || (order == 0 && path[n] < '/'))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Groups whose attributes the search finds, with what is in them. */
static void gather_groups(struct tree *t)
{
    struct c2_str dir = {t->dir, t->dir_n}, query = c2_str_of(t->query);

    for (size_t g = 0; t->texts && g < t->texts->n; g++) {
        const char *path = t->texts->p[g].path;
        size_t n = strlen(path);
        if (!c2_group_is_found(&t->texts->p[g], dir, query)) continue;
        struct entry *e = &t->entries[t->nentries++];
        *e = (struct entry){
            .group = path, .name = c2_path_last(c2_str_of(*path ? path : t->root)), .mtime = -1};
        for (size_t i = first_in(t, path); i < t->n; i++) {
            if (n && (strncmp(t->list[i]->path, path, n) != 0 || t->list[i]->path[n] != '/')) break;
            count(e, t->list[i]);
        }
    }
}

/* The list is sorted, so what lies in one folder lies together. */
static void gather(struct tree *t)
{
    struct entry *entries = t->entries;

    C2_ASSERT(entries || !t->n);
    for (size_t i = 0; i < t->n; i++) {
        const struct c2_ds *ds = t->list[i];
        struct c2_str head, rest, path = c2_str_of(ds->path + t->dir_n);
        struct entry *last = t->nentries ? &entries[t->nentries - 1] : NULL;
        bool folder = !*t->query && !t->deep && c2_str_cut(path, '/', &head, &rest);
        if (*t->query && !c2_ds_is_found(ds, t->dir_n, c2_str_of(t->query))) continue;
        if (t->broken && !ds->error) continue;
        if (!folder) {
            entries[t->nentries++] = (struct entry){.ds = ds,
                                                    .name = c2_path_last(c2_str_of(ds->path)),
                                                    .nbytes = nbytes_of(ds),
                                                    .mtime = c2_ds_mtime_ms(ds)};
            continue;
        }
        if (!last || last->ds || !c2_str_eq(last->name, head)) {
            last = &entries[t->nentries++];
            *last = (struct entry){.name = head, .mtime = -1};
        }
        count(last, ds);
    }
}

static int by_name(const struct entry *a, const struct entry *b)
{
    if (a->group && b->group) return strcmp(a->group, b->group);
    return a->ds && b->ds ? strcmp(a->ds->path, b->ds->path) : c2_str_cmp(a->name, b->name);
}

static int compare(const void *left, const void *right, void *ctx)
{
    const struct entry *a = left, *b = right;
    const struct tree *t = ctx;
    int order = 0;

    if (!a->ds != !b->ds) return a->ds ? 1 : -1; /* folders first, whichever way round */
    if (t->key == 's') order = (a->nbytes > b->nbytes) - (a->nbytes < b->nbytes);
    if (t->key == 'm') order = (a->mtime > b->mtime) - (a->mtime < b->mtime);
    if (t->down) order = -order;
    if (order) return order;
    return t->key == 'n' && t->down ? -by_name(a, b) : by_name(a, b);
}

/* ---- the page ---- */

static void put_folder(const struct tree *t, const struct entry *e, struct c2_jw *w)
{
    char path[2 * C2_PATH_MAX];

    snprintf(path, sizeof(path), "%.*s%.*s", (int)t->dir_n, t->dir, C2_STR_ARG(e->name));
    c2_jw_put_cstr(w, "kind", "folder");
    c2_jw_put_str(w, "name", e->name);
    c2_jw_put_cstr(w, "path", e->group ? e->group : path);
    c2_jw_put_int(w, "datasets", e->datasets);
    c2_jw_put_int(w, "nbytes", e->nbytes);
    c2_jw_put_int(w, "errors", e->errors);
}

static void put_dtype(const struct c2_dtype *dtype, struct c2_jw *w)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(2 * C2_DTYPE_TEXT_MAX);
    struct cat2_error err;

    c2_jw_key(w, "dtype");
    if (!c2_jw_has(w, c2_dtype_name(dtype, &text, &err), &err)) c2_buf_clear(&text); /* too long */
    if (text.n > DTYPE_MAX) text.n = DTYPE_MAX; /* half a character becomes U+FFFD */
    c2_jw_str(w, c2_buf_str(&text));
}

static void put_attrs(const struct c2_ds *ds, struct c2_jw *w)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_str text;
    bool parsed = ds->meta->vlmeta.n > 2 && ds->meta->vlmeta.n <= ATTRS_MAX &&
                  c2_jw_read(w, c2_buf_str(&ds->meta->vlmeta), &json);

    c2_jw_key(w, "attrs");
    if (!parsed) {
        c2_jw_int(w, ds->meta->vlmeta.n > 2);
        return;
    }
    c2_jw_uint(w, c2_jlen(c2_json_root(json)));
    if (!c2_jstr(c2_jget(c2_json_root(json), "contenttype"), &text) || text.n > 100) return;
    c2_jw_put_str(w, "contenttype", text);
}

/* Of the file, without its sidecar: what is not there yet are holes. */
static int64_t cached_nbytes(const struct c2_ds *ds)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(4 * C2_PATH_MAX);
    struct cat2_error err;
    struct stat st;

    return c2_ds_cache_name(ds, &name, &err) && fstatat(ds->sub->cachefd, c2_buf_cstr(&name), &st, 0) == 0
               ? (int64_t)st.st_blocks * 512
               : 0;
}

static void put_dataset(const struct tree *t, const struct entry *e, struct c2_jw *w)
{
    const struct c2_ds *ds = e->ds;

    c2_jw_put_cstr(w, "kind", c2_tree_kind(c2_str_of(ds->path)));
    c2_jw_put_str(w, "name", e->name);
    c2_jw_put_cstr(w, "path", ds->path);
    if (ds->error) {
        c2_jw_put_str(w, "error", (struct c2_str){ds->error, strnlen(ds->error, 240)});
        return;
    }
    c2_jw_put_ints(w, "shape", ds->meta->grid.shape, ds->meta->grid.ndim);
    put_dtype(&ds->meta->dtype, w);
    c2_jw_put_int(w, "nbytes", ds->meta->nbytes);
    c2_jw_put_int(w, "cbytes", ds->meta->cbytes);
    if (t->cached) {
        c2_jw_put_int(w, "cached", cached_nbytes(ds));
    }
    c2_jw_key(w, "mtime");
    if (e->mtime >= 0)
        c2_jw_int(w, e->mtime);
    else
        c2_jw_null(w);
    c2_jw_put_cstr(w, "etag", ds->etag);
    put_attrs(ds, w);
}

static bool put_entry(const struct tree *t, const struct entry *e, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_jw w;

    c2_jw_init(&w, out, C2_JSON_COMPACT, err);
    c2_jw_begin_object(&w);
    if (e->ds)
        put_dataset(t, e, &w);
    else
        put_folder(t, e, &w);
    c2_jw_end_object(&w);
    return c2_jw_finish(&w);
}

static bool put_page(struct tree *t, struct c2_buf *entries, int64_t next)
{
    struct c2_jw w;
    int64_t nbytes = 0;

    for (size_t i = 0; i < t->n; i++)
        nbytes += nbytes_of(t->list[i]);
    c2_jw_init(&w, &t->out, C2_JSON_COMPACT, &t->err);
    c2_jw_begin_object(&w);
    c2_jw_put_cstr(&w, "root", t->root);
    c2_jw_put_str(&w, "dir", (struct c2_str){t->dir, t->dir_n ? t->dir_n - 1 : 0});
    c2_jw_key(&w, "q");
    if (*t->query)
        c2_jw_cstr(&w, t->query);
    else
        c2_jw_null(&w);
    c2_jw_put_cstr(&w, "etag", t->etag);
    c2_jw_put_int(&w, "total", (int64_t)t->nentries);
    c2_jw_put_int(&w, "offset", t->offset);
    c2_jw_key(&w, "next");
    if (next < (int64_t)t->nentries)
        c2_jw_int(&w, next);
    else
        c2_jw_null(&w);
    c2_jw_put_bool(&w, "subscribed", t->subscribed);
    if (*t->query) c2_jw_put_int(&w, "unsearched", (int64_t)t->unsearched);
    c2_jw_put_int(&w, "datasets", (int64_t)t->n);
    c2_jw_put_int(&w, "nbytes", nbytes);
    c2_jw_put_raw(&w, "entries", c2_buf_str(entries));
    c2_jw_end_object(&w);
    return c2_jw_finish(&w);
}

static bool make_page(struct tree *t)
{
    C2_AUTO(c2_buf) one = C2_BUF_INIT(1 << 20);
    C2_AUTO(c2_buf) all = C2_BUF_INIT(2 << 20);
    int64_t i = t->offset, end = c2_min_i64((int64_t)t->nentries, t->offset + t->limit);

    if (!c2_buf_putc(&all, '[', &t->err)) return false;
    for (; i < end; i++) {
        c2_buf_clear(&one);
        if (!put_entry(t, &t->entries[i], &one, &t->err)) return false;
        if (i > t->offset && all.n + one.n + 2 > C2_TREE_PAGE_NBYTES - t->dir_n) break;
        if ((i > t->offset && !c2_buf_putc(&all, ',', &t->err)) ||
            !c2_buf_append(&all, one.p, one.n, &t->err))
            return false;
    }
    return c2_buf_putc(&all, ']', &t->err) && put_page(t, &all, i);
}

static void tree_work(void *job, void *codec)
{
    struct tree *t = job;

    (void)codec;
    t->entries = calloc(t->n + (t->texts ? t->texts->n : 0) + 1, sizeof(*t->entries));
    t->ok = t->entries || c2_fail_nomem(&t->err, "listing");
    if (!t->ok) return;
    gather_groups(t);
    gather(t);
    if ((*t->query || t->deep) && t->key == 'n' && !t->down) { /* as the list is */
    } else {
        qsort_r(t->entries, t->nentries, sizeof(*t->entries), compare, t);
    }
    t->ok = make_page(t);
}

static void tree_done(void *job)
{
    struct tree *t = job;
    if (t->ok) {
        bool passing = t->cached || t->unsearched; /* another answer may come without a change of the root */
        if (!passing) c2_reply_header(t->req, "ETag", t->quoted);
        if (t->partial) c2_reply_header(t->req, C2_LIST_STATE, "whole");
        c2_reply_header(t->req, "Cache-Control", passing ? "no-store" : "no-cache");
        c2_reply_json(t->req, 200, &t->out);
    } else {
        c2_reply_error(t->req, &t->err);
    }
    tree_free(t);
}

/* ---- the request ---- */

static void start_work(void *ctx)
{
    struct tree *t = ctx;
    struct c2_root_state *root = c2_sub_root(t->sub, c2_str_of(t->root));
    struct c2_pool_share share = {c2_view_client(t->req), (int64_t)t->n * ENTRY_COST};

    if (t->groups && root) t->texts = c2_group_texts_ref(c2_group_texts_now(root, &t->unsearched));
    if (t->texts)
        snprintf(t->quoted, sizeof(t->quoted), "\"%s-%" PRIu64 "\"", t->etag, t->texts->serial);
    else
        snprintf(t->quoted, sizeof(t->quoted), "\"%s\"", t->etag);
    if (!t->cached && c2_reply_if_settled(t->req, t->quoted)) /* the cache changes without the root */
        tree_free(t);
    else
        c2_pool_run_for(t->sub->config.pool, &share, tree_work, tree_done, t);
}

static void on_listed(void *ctx, const struct cat2_error *why)
{
    struct tree *t = ctx;
    struct c2_root_state *root = c2_sub_root(t->sub, c2_str_of(t->root));
    struct cat2_error err;

    if (why || !root || !c2_sub_beneath(root, (struct c2_str){t->dir, t->dir_n}, &t->list, &t->n, &err)) {
        c2_reply_error(t->req, why ? why : &err);
        tree_free(t);
        return;
    }
    t->subscribed = c2_root_is_followed(root);
    c2_sub_say_stale(t->req, root);
    c2_sub_root_etag(root, t->etag);
    if (t->groups)
        c2_group_texts_ask(root, start_work, t);
    else
        start_work(t);
}

static bool parse_sort(struct tree *t, struct c2_str text, struct cat2_error *err)
{
    t->down = c2_str_starts(text, "-");
    if (t->down) text = (struct c2_str){text.p + 1, text.n - 1};
    t->key = text.n == 0 || c2_str_is(text, "name") ? 'n'
             : c2_str_is(text, "size")              ? 's'
             : c2_str_is(text, "mtime")             ? 'm'
                                                    : 0;
    return t->key || c2_fail(err, CAT2_EINVAL, "sort is name, size or mtime");
}

static bool parse(struct c2_request *req, struct tree *t, struct cat2_error *err)
{
    struct c2_str dir = c2_view_query(req, "dir"), query = c2_view_query(req, "q");

    if (!c2_view_int(req, "offset", 0, INT64_MAX / 2, &t->offset, err) ||
        !c2_view_int(req, "limit", 1, LIMIT_MAX, &t->limit, err) ||
        !parse_sort(t, c2_view_query(req, "sort"), err) ||
        !c2_request_query_bool(req, "deep", false, &t->deep, err) ||
        !c2_request_query_bool(req, "broken", false, &t->broken, err) ||
        !c2_request_query_bool(req, "cached", false, &t->cached, err) ||
        !c2_request_query_bool(req, "partial", false, &t->partial, err) ||
        !c2_request_query_bool(req, "groups", true, &t->groups, err))
        return false;
    t->deep = t->deep || t->broken;
    t->groups = t->groups && query.n && !t->broken;
    dir = c2_str_no_slashes(dir);
    if (dir.n && !c2_path_check(dir, err)) return c2_fail(err, CAT2_EINVAL, "dir is no path within the root");
    if (query.n > QUERY_MAX) return c2_fail(err, CAT2_EINVAL, "q is longer than %d bytes", QUERY_MAX);
    if (dir.n) t->dir_n = (size_t)snprintf(t->dir, sizeof(t->dir), "%.*s/", C2_STR_ARG(dir));
    for (size_t i = 0; i < query.n; i++)
        t->query[i] = c2_lower(query.p[i]);
    return true;
}

/* Of what they are, nothing is known: none of them is broken, and names are all there is to sort by. */
static void reply_so_far(struct tree *t, const struct c2_root_state *root)
{
    struct c2_names_wanted wanted = {.dir = {t->dir, t->dir_n},
                                     .tree = true,
                                     .deep = t->deep,
                                     .query = c2_str_of(t->query),
                                     .offset = t->offset,
                                     .limit = t->limit};

    c2_reply_so_far(t->req, root, &wanted);
    tree_free(t);
}

void c2_handle_tree(struct c2_request *req, void *state)
{
    struct c2_subscriber *sub = state;
    struct c2_root_state *root = c2_sub_root_of(req, sub, c2_request_param(req, "root"));
    struct tree *t = root ? calloc(1, sizeof(*t)) : NULL;
    struct cat2_error err;

    if (!root) {
        c2_reply_no_root(req, c2_request_param(req, "root"));
        return;
    }
    if (!t) {
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    *t = (struct tree){.req = req, .sub = sub, .limit = LIMIT_DEFAULT};
    snprintf(t->root, sizeof(t->root), "%s", root->root.name);
    c2_buf_init(&t->out, 4 << 20);
    if (!parse(req, t, &err)) {
        c2_reply_error(req, &err);
        tree_free(t);
    } else if (!c2_sub_may_follow(req, root, &err)) {
        on_listed(t, &err);
    } else if (t->partial && !t->broken && c2_sub_so_far_is_all(root)) {
        reply_so_far(t, root);
    } else {
        c2_sub_when_known(root, on_listed, t);
    }
}
