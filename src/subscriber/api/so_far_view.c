/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of a root that is being listed for the first time, as a list or as a page of a tree. They are taken
 * down on the loop, and sorted by a worker: there may be very many. */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "subscriber/answer/view.h"
#include "subscriber/api/api.h"
#include "subscriber/mirror/names_so_far.h"
#include "subscriber/mirror/root.h"

#define ALL_MAX   (256u << 20) /* bytes of those that are made at a time; one may have more */
#define NAME_COST 64           /* bytes that are decoded in the time in which one byte of names is sorted */

struct entry {
    struct c2_str name; /* of a folder; of a dataset its path */
    int64_t datasets;   /* in the folder */
    bool folder;
};
struct so_far {
    struct c2_request *req;
    size_t nbytes; /* counted in under_way */
    struct c2_names_wanted wanted;
    char root[256];
    struct c2_buf names, out;
    const char **list; /* beneath the folder, sorted */
    size_t n;
    struct entry *entries; /* of a tree */
    size_t nentries;
    bool ok;
    struct cat2_error err;
};

/* Bytes of those that are made, of all subscribers of the process. The loop's. */
static size_t under_way;

const char *c2_tree_kind(struct c2_str path)
{
    static const char *const kinds[] = {
        [C2_KIND_ARRAY] = "array", [C2_KIND_FRAME] = "frame", [C2_KIND_FILE] = "file"};

    return kinds[c2_kind_of(path)];
}

static void so_far_free(struct so_far *s)
{
    under_way -= s->nbytes;
    c2_buf_fini(&s->names);
    c2_buf_fini(&s->out);
    free(s->list);
    free(s->entries);
    free(s);
}

static bool put_list(struct so_far *s)
{
    struct c2_jw w;

    c2_jw_init(&w, &s->out, C2_JSON_COMPACT, &s->err);
    c2_jw_begin_array(&w);
    for (size_t i = 0; i < s->n; i++)
        c2_jw_cstr(&w, s->list[i] + s->wanted.dir.n);
    c2_jw_end_array(&w);
    return c2_jw_finish(&w);
}

/* Folders first. What is in one folder lies together, for the names are sorted. */
static bool gather(struct so_far *s)
{
    const struct c2_names_wanted *wanted = &s->wanted;
    struct c2_str head, rest;

    s->entries = calloc(s->n + 1, sizeof(*s->entries));
    if (!s->entries) return c2_fail_nomem(&s->err, "listing");
    for (int folders = 1; folders >= 0; folders--)
        for (size_t i = 0; i < s->n; i++) {
            struct c2_str path = c2_str_of(s->list[i]),
                          below = {path.p + wanted->dir.n, path.n - wanted->dir.n};
            struct entry *last = s->nentries ? &s->entries[s->nentries - 1] : NULL;
            bool folder = !wanted->query.n && !wanted->deep && c2_str_cut(below, '/', &head, &rest);
            if (folder != folders) continue;
            if (wanted->query.n && c2_str_find_nocase(below, wanted->query) == below.n) continue;
            if (folder && (!last || !c2_str_eq(last->name, head)))
                *(last = &s->entries[s->nentries++]) = (struct entry){.name = head, .folder = true};
            if (folder)
                last->datasets++;
            else
                s->entries[s->nentries++] = (struct entry){.name = path};
        }
    return true;
}

static void put_entry(const struct so_far *s, const struct entry *e, struct c2_jw *w)
{
    char path[2 * C2_PATH_MAX];

    snprintf(path, sizeof(path), "%.*s%.*s", e->folder ? (int)s->wanted.dir.n : 0, s->wanted.dir.p,
             C2_STR_ARG(e->name));
    c2_jw_begin_object(w);
    c2_jw_put_cstr(w, "kind", e->folder ? "folder" : c2_tree_kind(e->name));
    c2_jw_put_str(w, "name", c2_path_last(e->name));
    c2_jw_put_cstr(w, "path", path);
    if (e->folder) {
        c2_jw_put_int(w, "datasets", e->datasets);
    }
    c2_jw_end_object(w);
}

static bool put_tree(struct so_far *s)
{
    const struct c2_names_wanted *wanted = &s->wanted;
    int64_t total, i = wanted->offset, end;
    struct c2_jw w;

    if (!gather(s)) return false;
    total = (int64_t)s->nentries;
    end = c2_min_i64(total, wanted->offset + wanted->limit);
    c2_jw_init(&w, &s->out, C2_JSON_COMPACT, &s->err);
    c2_jw_begin_object(&w);
    c2_jw_put_cstr(&w, "root", s->root);
    c2_jw_put_str(&w, "dir", (struct c2_str){wanted->dir.p, wanted->dir.n ? wanted->dir.n - 1 : 0});
    c2_jw_key(&w, "q");
    if (wanted->query.n)
        c2_jw_str(&w, wanted->query);
    else
        c2_jw_null(&w);
    c2_jw_put_bool(&w, "partial", true);
    c2_jw_put_int(&w, "total", total);
    c2_jw_put_int(&w, "offset", wanted->offset);
    c2_jw_put_bool(&w, "subscribed", true);
    c2_jw_put_int(&w, "datasets", (int64_t)s->n);
    c2_jw_open_array(&w, "entries");
    for (; i < end && (i == wanted->offset || s->out.n < C2_TREE_PAGE_NBYTES - 2 * C2_PATH_MAX); i++)
        put_entry(s, &s->entries[i], &w);
    c2_jw_end_array(&w);
    c2_jw_key(&w, "next");
    if (i < total)
        c2_jw_int(&w, i);
    else
        c2_jw_null(&w);
    c2_jw_end_object(&w);
    return c2_jw_finish(&w);
}

static void so_far_work(void *job, void *codec)
{
    struct so_far *s = job;

    (void)codec;
    s->ok = c2_sub_so_far_beneath(c2_buf_str(&s->names), s->wanted.dir, &s->list, &s->n, &s->err) &&
            (s->wanted.tree ? put_tree(s) : put_list(s));
}

static void so_far_done(void *job)
{
    struct so_far *s = job;

    if (s->ok) {
        c2_reply_header(s->req, C2_LIST_STATE, "partial");
        c2_reply_header(s->req, "Cache-Control", "no-store");
        c2_reply_json(s->req, 200, &s->out);
    } else {
        c2_reply_error(s->req, &s->err);
    }
    so_far_free(s);
}

/* Lives as the request does. */
static bool keep(struct c2_request *req, struct c2_str *text)
{
    const char *copy = c2_arena_strdup(c2_request_arena(req), *text);

    if (copy) text->p = copy;
    return copy != NULL;
}

/* Bytes: the names, where each is, what is made of them. */
static size_t cost_of(const struct c2_sub_so_far *so_far)
{
    size_t n = so_far ? so_far->nkept : 0, names = so_far ? so_far->names.n : 0;

    return sizeof(struct so_far) + 3 * names + n * (sizeof(const char *) + sizeof(struct entry));
}

void c2_reply_so_far(struct c2_request *req, const struct c2_root_state *root,
                     const struct c2_names_wanted *wanted)
{
    struct c2_pool_share share = {.client = c2_view_client(req)};
    struct c2_str names = root->so_far ? c2_buf_str(&root->so_far->names) : C2_STR("");

    size_t nbytes = cost_of(root->so_far);

    if (under_way && under_way + nbytes > ALL_MAX) {
        c2_reply_detail(req, 503, "many are told at this moment what was found so far: ask again");
        return;
    }
    struct so_far *s = calloc(1, sizeof(*s));
    if (s) {
        s->req = req;
        s->nbytes = nbytes;
        under_way += s->nbytes;
        c2_fail(&s->err, CAT2_ECANCELLED, "the service stops, or is out of memory");
        s->wanted = *wanted;
        snprintf(s->root, sizeof(s->root), "%s", root->root.name);
        c2_buf_init(&s->names, names.n + 1);
        c2_buf_init(&s->out, C2_JSON_NBYTES_MAX);
    }
    if (!s || !c2_buf_append_str(&s->names, names, &s->err) || !keep(req, &s->wanted.dir) ||
        !keep(req, &s->wanted.query)) {
        if (s) so_far_free(s);
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    share.cost = (int64_t)names.n * NAME_COST;
    c2_pool_run_for(root->sub->config.pool, &share, so_far_work, so_far_done, s);
}
