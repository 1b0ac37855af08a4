/* SPDX-License-Identifier: BSD-3-Clause */
/* Roots and their datasets: in memory sorted by path, in the state by "root/path". */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/random.h"
#include "base/vec.h"
#include "subscriber/mirror/merge.h"
#include "subscriber/mirror/names_so_far.h"
#include "subscriber/mirror/root.h"
#include "subscriber/mirror/roots.h"
#include "subscriber/mirror/suppliers.h"

#define ROOTS_MAX 4096 /* a broker of ours has a thousand; others may have been asked before */

void c2_mirror_tell(struct c2_root_state *root, const struct c2_ds *ds, const char *change)
{
    root->changes++;
    for (int i = 0; i < C2_WATCHERS; i++) {
        const struct c2_mirror_watcher *watcher = &root->sub->watchers[i];
        if (!watcher->ctx) continue;
        if (!ds)
            watcher->root(watcher->ctx, root);
        else if (c2_root_is_listed(root))
            watcher->dataset(watcher->ctx, root, ds, change);
    }
}

/* Events of a list that changed so much would push one another out of what is kept of them. */
static void tell_many(struct c2_root_state *root)
{
    for (int i = 0; i < C2_WATCHERS; i++) {
        const struct c2_mirror_watcher *watcher = &root->sub->watchers[i];
        if (watcher->ctx && watcher->many && c2_root_is_listed(root)) watcher->many(watcher->ctx, root);
    }
}

struct c2_root_state *c2_sub_root_add(struct c2_subscriber *sub, const struct c2_root *from,
                                      struct cat2_error *err)
{
    struct c2_root_state **at = &sub->roots, *root = c2_sub_root(sub, c2_str_of(from->name));
    struct c2_hostport place;
    size_t n = 0;

    if (!c2_hostport_parse(c2_str_of(from->http), &place, err)) {
        c2_fail_within(err, "root %.60s", from->name);
        return NULL;
    }
    if (root) {
        root->root = *from;
        return root;
    }
    if (!c2_root_name_check(c2_str_of(from->name), err)) return NULL;
    for (; *at; at = &(*at)->next)
        n++;
    root = n < ROOTS_MAX ? calloc(1, sizeof(*root)) : NULL;
    if (!root) {
        if (n < ROOTS_MAX)
            c2_fail_nomem(err, "root");
        else
            c2_fail(err, CAT2_ELIMIT, "root %.60s: %d roots are known already", from->name, ROOTS_MAX);
        return NULL;
    }
    root->root = *from;
    root->sub = sub;
    *at = root;
    return root;
}

bool c2_sub_is_folder(const struct c2_root_state *root, struct c2_str folder)
{
    char prefix[C2_PATH_MAX + 2];
    int n =
        snprintf(prefix, sizeof(prefix), "%.*s/", (int)c2_min_i64(C2_PATH_MAX, (int64_t)folder.n), folder.p);
    size_t i = c2_sub_lower(root, (struct c2_str){prefix, (size_t)n});

    return i < root->n && c2_str_starts(c2_str_of(root->datasets[i]->path), prefix);
}

/* The plain file NAME, which may be called NAME.b2 as its frame is. */
static struct c2_ds *find_by_frame(struct c2_root_state *root, struct c2_str path)
{
    struct c2_str bare = c2_kind_bare(path);

    return bare.n ? c2_sub_find(root, bare) : NULL;
}

struct c2_ds *c2_sub_find_named(struct c2_root_state *root, struct c2_str path, bool slash, bool *folder)
{
    char text[C2_PATH_MAX + sizeof(C2_ARRAY_SUFFIX)];
    int n = snprintf(text, sizeof(text), "%.*s" C2_ARRAY_SUFFIX,
                     (int)c2_min_i64(C2_PATH_MAX, (int64_t)path.n), path.p);

    *folder = path.n == 0 || c2_sub_is_folder(root, path);
    if (path.n == 0 || (slash && *folder)) return NULL;
    struct c2_ds *ds = c2_sub_find(root, path), *longer = c2_sub_find(root, (struct c2_str){text, (size_t)n});
    if (longer && longer->bare) return longer;
    if (ds && !(ds->bare && *folder)) return ds;
    if (*folder) return NULL;
    return longer ? longer : find_by_frame(root, path);
}

struct c2_ds *c2_sub_find_container(struct c2_root_state *root, struct c2_str path)
{
    for (size_t n = 1; n < path.n; n++) {
        struct c2_ds *ds = path.p[n] == '/' ? c2_sub_find(root, (struct c2_str){path.p, n}) : NULL;
        if (ds && c2_kind_of(c2_str_of(ds->path)) == C2_KIND_FILE) return ds;
    }
    return NULL;
}

bool c2_sub_is_container(struct c2_root_state *root, struct c2_str path)
{
    struct c2_ds **first;
    char dir[C2_PATH_MAX + 2];
    int n = snprintf(dir, sizeof(dir), "%.*s/", (int)c2_min_i64(C2_PATH_MAX, (int64_t)path.n), path.p);

    if (c2_sub_first_beneath(root, (struct c2_str){dir, (size_t)n}, &first) && (*first)->in_folder)
        return true;
    return (c2_kind_of(path) == C2_KIND_FILE && c2_sub_find(root, path) && c2_sub_is_folder(root, path)) ||
           c2_sub_find_container(root, path);
}

struct c2_ds *c2_sub_find_own(struct c2_root_state *root, struct c2_str path)
{
    static const char *const SUFFIXES[] = {C2_ARRAY_SUFFIX, C2_FRAME_SUFFIX};
    struct c2_ds *ds = c2_sub_find(root, path);
    char text[C2_PATH_MAX + sizeof(C2_FRAME_SUFFIX)];

    if (!ds) ds = find_by_frame(root, path);
    if (ds) return ds;
    bool contained = c2_sub_find_container(root, path);
    for (size_t i = 0; i < C2_ARRAY_LEN(SUFFIXES); i++) {
        int n = snprintf(text, sizeof(text), "%.*s%s", (int)c2_min_i64(C2_PATH_MAX, (int64_t)path.n), path.p,
                         SUFFIXES[i]);
        ds = c2_sub_find(root, (struct c2_str){text, (size_t)n});
        if (ds && (ds->in_folder || (contained && ds->within))) return ds;
    }
    return NULL;
}

struct c2_ds *c2_sub_table_of(struct c2_root_state *root, const struct c2_ds *file)
{
    char text[2 * C2_PATH_MAX];
    int n = snprintf(text, sizeof(text), "%s/" C2_TABLE_ALONE, file->path);
    struct c2_ds *ds =
        file->meta->kind == C2_KIND_FILE ? c2_sub_find(root, (struct c2_str){text, (size_t)n}) : NULL;

    return ds && ds->table ? ds : NULL;
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

void c2_sub_lines_etag(const struct c2_root_state *root, char out[48])
{
    snprintf(out, 48, "\"%016" PRIx64 "-%zu\"", root->lines, root->n);
}

size_t c2_sub_first_beneath(const struct c2_root_state *root, struct c2_str dir, struct c2_ds ***first)
{
    char after[C2_PATH_MAX + 2];
    size_t at = c2_sub_lower(root, dir), end = root->n;

    if (dir.n) { /* '0' follows '/' */
        C2_ASSERT(dir.n < sizeof(after) && dir.p[dir.n - 1] == '/');
        memcpy(after, dir.p, dir.n);
        after[dir.n - 1] = '0';
        end = c2_sub_lower(root, (struct c2_str){after, dir.n});
    }
    *first = root->datasets + at;
    return end - at;
}

bool c2_sub_beneath(struct c2_root_state *root, struct c2_str dir, struct c2_ds ***list, size_t *n,
                    struct cat2_error *err)
{
    struct c2_ds **from;
    size_t found = c2_sub_first_beneath(root, dir, &from);

    *list = NULL;
    *n = 0;
    if (dir.n && found == 0)
        return c2_fail(err, CAT2_ENOTFOUND, "there is no folder %.*s in %s", (int)dir.n - 1, dir.p,
                       root->root.name);
    *list = calloc(found + 1, sizeof(**list));
    if (!*list) return c2_fail_nomem(err, "listing");
    for (size_t i = 0; i < found; i++)
        if (!from[i]->group_attrs) (*list)[(*n)++] = c2_ds_ref(from[i]);
    return true;
}

/* ---- changes of a list ---- */

static uint64_t hash_of(const struct c2_ds *ds)
{
    return ds ? ds->line_hash : 0;
}

/* What a step means, besides its place in the list, what is remembered, and who is told. */
static void take_step(struct c2_root_state *root, const struct c2_merge_step *step)
{
    if (step->change == C2_MERGE_KEPT) return;
    root->nattrs -= step->old && step->old->group_attrs;
    root->nattrs += step->found && step->found->group_attrs;
    root->lines += hash_of(step->found) - hash_of(step->old);
    if (step->old) c2_ds_move(step->old, step->found ? C2_DS_REPLACED : C2_DS_REMOVED);
    if (step->found) c2_ds_move(step->found, C2_DS_LISTED);
}

/* Who is told of it looks at no state. */
static void tell_step(struct c2_root_state *root, const struct c2_merge_step *step)
{
    static const char *const words[] = {
        [C2_MERGE_CHANGED] = "changed", [C2_MERGE_NEW] = "new", [C2_MERGE_REMOVED] = "removed"};

    if (step->change != C2_MERGE_KEPT)
        c2_mirror_tell(root, step->found ? step->found : step->old, words[step->change]);
}

/* What is remembered and cached, at once. */
static void save_step(const struct c2_merge_step *step)
{
    if (step->old) c2_ds_forget_levels(step->old);
    if (step->found)
        c2_ds_save(step->found);
    else
        c2_ds_forget(step->old);
}

/* What was replaced is freed later, too: that alone takes long for 10^5. */
static void save_step_later(const struct c2_merge_step *step)
{
    if (step->found && step->old) step->found->old_levels = !step->old->no_levels;
    if (step->found) c2_sub_save_later(step->found);
    if (step->old) c2_sub_save_later(step->old);
}

static bool put(struct c2_root_state *root, struct c2_ds *ds, bool keep, struct cat2_error *err)
{
    size_t i = c2_sub_lower(root, c2_str_of(ds->path));
    struct c2_ds **at = root->datasets + i;
    struct c2_merge_step step = {C2_MERGE_NEW, NULL, ds};

    if (i < root->n && strcmp((*at)->path, ds->path) == 0) {
        if (c2_merge_is_same(*at, ds)) return c2_ds_unref(ds), true;
        step.change = C2_MERGE_CHANGED;
        step.old = *at;
        if (!c2_ds_succeed(ds, *at, err)) return c2_ds_unref(ds), false;
    } else {
        if (root->n == root->cap &&
            !c2_vec_grow(&root->datasets, &root->cap, sizeof(ds), C2_DATASETS_MAX, "datasets", err))
            return c2_ds_unref(ds), false;
        at = root->datasets + i;
        memmove(at + 1, at, (root->n++ - i) * sizeof(*at));
    }
    *at = ds;
    take_step(root, &step);
    tell_step(root, &step);
    if (keep) c2_ds_save(ds);
    if (step.old) c2_ds_forget_levels(step.old);
    c2_ds_unref(step.old);
    return true;
}

bool c2_sub_put(struct c2_root_state *root, struct c2_ds *ds, struct cat2_error *err)
{
    return put(root, ds, c2_root_is_listed(root), err);
}

void c2_sub_drop(struct c2_root_state *root, struct c2_str path)
{
    struct c2_merge_step step = {C2_MERGE_REMOVED, c2_sub_find(root, path), NULL};
    size_t i = c2_sub_lower(root, path);

    if (!step.old) return;
    memmove(root->datasets + i, root->datasets + i + 1, (--root->n - i) * sizeof(*root->datasets));
    take_step(root, &step);
    tell_step(root, &step);
    save_step(&step);
    c2_ds_unref(step.old);
}

bool c2_sub_take_list(struct c2_root_state *root, struct c2_ds **found, size_t n, struct cat2_error *err)
{
    bool first = !c2_root_is_listed(root);
    struct c2_merge merge, again;
    struct c2_merge_step step;
    struct cat2_error bad;
    size_t at = 0, nsaved = 0, nchanged = 0;
    bool ok = true;

    c2_merge_sort(found, n);
    merge = again = (struct c2_merge){root->datasets, root->n, found, n};
    while (ok && c2_merge_next(&merge, &step)) { /* all that can fail comes first */
        ok = step.change != C2_MERGE_CHANGED || c2_ds_succeed(step.found, step.old, err);
        nchanged += step.change != C2_MERGE_KEPT;
    }
    bool each = nchanged <= C2_TOLD_EACH_MAX;
    struct c2_ds **list = ok ? malloc((n + 1) * sizeof(*list)) : NULL;
    if (!list) return ok ? c2_fail_nomem(err, "datasets") : false;
    bool begun = c2_state_begin(root->sub->state, &bad);
    if (first && n > C2_SAVED_AT_ONCE) c2_sub_mark_unsaved(root, &bad);
    while (c2_merge_next(&again, &step)) {
        struct c2_ds *ds = step.change == C2_MERGE_KEPT ? step.old : step.found;
        bool unsaved = step.change != C2_MERGE_KEPT || first; /* known early, and not kept then */
        if (ds) list[at++] = step.change == C2_MERGE_KEPT ? ds : c2_ds_ref(ds);
        if (step.change == C2_MERGE_KEPT) step = (struct c2_merge_step){C2_MERGE_KEPT, NULL, ds};
        take_step(root, &step);
        if (each) tell_step(root, &step);
        if (unsaved) (nsaved++ < C2_SAVED_AT_ONCE ? save_step : save_step_later)(&step);
        c2_ds_unref(step.old);
    }
    if (begun && !c2_state_commit(root->sub->state, &bad)) c2_state_rollback(root->sub->state);
    free(root->datasets);
    root->datasets = list;
    root->n = at;
    root->cap = n + 1;
    if (each) return true;
    root->changes += nchanged;
    tell_many(root);
    return true;
}

void c2_sub_drop_all(struct c2_root_state *root, bool forget)
{
    for (size_t i = 0; i < root->n; i++) {
        c2_ds_move(root->datasets[i], C2_DS_REMOVED);
        if (forget) c2_sub_save_later(root->datasets[i]);
        c2_ds_unref(root->datasets[i]);
    }
    free(root->datasets);
    root->datasets = NULL;
    root->n = root->cap = root->nattrs = 0;
    root->lines = 0;
}

/* ---- what is remembered ---- */

static const char HASHED[] = "hashed"; /* names of roots whose publishers send hashes */

static bool save_root(struct c2_root_state *root, struct cat2_error *err)
{
    struct c2_str name = c2_str_of(root->root.name);
    struct c2_state *state = root->sub->state;
    C2_AUTO(c2_buf) value = C2_BUF_INIT(1024);

    return c2_buf_printf(&value, err, "%d ", c2_root_is_followed(root)) &&
           c2_root_put_address(&root->root, &value, err) &&
           c2_state_put(state, "roots", name, c2_buf_str(&value), err) &&
           (root->hashed ? c2_state_put(state, HASHED, name, C2_STR("1"), err)
                         : c2_state_del(state, HASHED, name, err));
}

void c2_sub_save_root(struct c2_root_state *root)
{
    struct cat2_error err;

    if (!save_root(root, &err) && err.code != CAT2_EIO) c2_log_error("state: %s", err.message);
}

/* All that is known. */
static bool save_all(void *ctx, struct cat2_error *err)
{
    struct c2_subscriber *sub = ctx;
    bool ok = c2_state_del_prefix(sub->state, "datasets", C2_STR(""), err);

    for (struct c2_root_state *root = sub->roots; ok && root; root = root->next) {
        ok = save_root(root, err);
        for (size_t i = 0; ok && c2_root_is_listed(root) && i < root->n; i++)
            ok = c2_ds_try_save(root->datasets[i], err);
    }
    return ok;
}

static void on_tend_time(void *ctx)
{
    c2_state_tend(((struct c2_subscriber *)ctx)->state, save_all, ctx);
}

bool c2_sub_tend_state(struct c2_subscriber *sub, struct cat2_error *err)
{
    sub->tender = c2_timer_start(sub->config.loop, C2_STATE_TEND_MS, C2_STATE_TEND_MS, on_tend_time, sub);
    return sub->tender || c2_fail_nomem(err, "state");
}

static bool restore_root(void *ctx, struct c2_str key, struct c2_str value, struct cat2_error *err)
{
    struct c2_subscriber *sub = ctx;
    struct c2_root from = {0};
    struct c2_str flag, http;
    struct cat2_error bad;

    if (!c2_str_cut(value, ' ', &flag, &http) || !c2_root_name_check(key, &bad)) return true;
    snprintf(from.name, sizeof(from.name), "%.*s", C2_STR_ARG(key));
    if (!c2_root_set_address(&from, http)) return true;
    struct c2_root_state *root = c2_sub_root_add(sub, &from, err);
    if (!root && err->code == CAT2_ENOMEM) return false;
    if (!root) {
        c2_log_warn("%s: the root is left out", err->message);
        return true;
    }
    bool followed = sub->config.follow_all || c2_str_is(flag, "1");
    if (followed && !c2_root_is_followed(root)) c2_root_event(root, C2_ROOT_ON_FOLLOW);
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
    if (!root || !c2_root_is_followed(root)) return true;
    if (!c2_ds_from_line(root, line, value.p[0] == '1', &ds, &why))
        return why.code != CAT2_ENOMEM || c2_fail_nomem(err, "dataset");
    if (repeats && !c2_ds_name_etag(ds, c2_str_of(ds->etag), repeats, err)) {
        c2_ds_unref(ds);
        return false;
    }
    if (!put(root, ds, false, err)) return false;
    c2_root_event(root, C2_ROOT_ON_RESTORED);
    return true;
}

static bool restore_hashed(void *ctx, struct c2_str key, struct c2_str value, struct cat2_error *err)
{
    struct c2_root_state *root = c2_sub_root(ctx, key);

    (void)value;
    (void)err;
    if (root) root->hashed = c2_root_is_followed(root);
    return true;
}

/* 32 hexadecimal digits; new ones are kept if that is possible. */
static void restore_peer_id(struct c2_subscriber *sub)
{
    C2_AUTO(c2_buf) known = C2_BUF_INIT(sizeof(sub->peer_id) - 1);
    struct cat2_error err;

    if (c2_state_get(sub->state, "about", C2_STR("peer_id"), &known, &err)) {
        snprintf(sub->peer_id, sizeof(sub->peer_id), "%s", c2_buf_cstr(&known));
        return;
    }
    c2_random_hex32(sub->peer_id);
    c2_state_put(sub->state, "about", C2_STR("peer_id"), c2_str_of(sub->peer_id), &err);
}

bool c2_sub_restore(struct c2_subscriber *sub, struct cat2_error *err)
{
    restore_peer_id(sub);
    return c2_sub_remove_unsaved(sub, err) &&
           c2_state_each(sub->state, "roots", C2_STR(""), restore_root, sub, err) &&
           c2_state_each(sub->state, HASHED, C2_STR(""), restore_hashed, sub, err) &&
           c2_state_each(sub->state, "datasets", C2_STR(""), restore_dataset, sub, err);
}

void c2_sub_roots_free(struct c2_subscriber *sub)
{
    for (struct c2_root_state *root = sub->roots, *next; root; root = next) {
        next = root->next;
        c2_sub_drop_all(root, false);
        c2_suppliers_drop(root);
        c2_sub_so_far_clear(root);
        free(root);
    }
    sub->roots = NULL;
}
