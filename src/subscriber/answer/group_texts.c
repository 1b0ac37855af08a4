/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes of groups: which there are, asked for in the background, taken when all are told. */
#include "subscriber/answer/group_texts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/vec.h"
#include "subscriber/answer/folder_attrs.h"
#include "subscriber/mirror/roots.h"

#define TEXTS_NBYTES_MAX (16 << 20) /* of one root: whoever publishes it may tell any number */
#define FRESH_MS         10000      /* they are asked for again after so long */

struct waiter {
    c2_group_texts_fn *fn;
    void *ctx;
};
struct waiters {
    C2_VEC(struct waiter);
};

struct c2_group_search {
    struct c2_root_state *root; /* NULL: it has gone while the publisher is being asked */
    struct c2_group_texts *now; /* NULL: none yet */
    uint64_t changes;           /* of the list that `now` is of */
    int64_t made_ms;
    struct c2_group_texts *next; /* being asked for; NULL: nothing is */
    uint64_t next_changes, serials;
    bool late; /* that takes long: nobody waits */
    struct c2_attrs_batch batch;
    char name[256];     /* of the root: the batch's */
    struct c2_ds *held; /* keeps the subscriber while it is being asked for */
    struct c2_timer *patience;
    struct waiters waiters;
};

struct c2_group_texts *c2_group_texts_ref(struct c2_group_texts *texts)
{
    if (texts) texts->refs++;
    return texts;
}

void c2_group_texts_unref(struct c2_group_texts *texts)
{
    if (!texts || --texts->refs > 0) return;
    for (size_t i = 0; i < texts->n; i++) {
        free(texts->p[i].path);
        c2_buf_fini(&texts->p[i].json);
    }
    free(texts->p);
    free(texts);
}

struct c2_group_texts *c2_group_texts_now(const struct c2_root_state *root, size_t *left)
{
    const struct c2_group_search *s = root->group_search;

    bool old = s && s->next && (!s->now || s->changes != root->changes);

    *left = old ? s->next->left + s->batch.n : s && s->now ? s->now->left : 0;
    return s ? s->now : NULL;
}

bool c2_group_is_found(const struct c2_group_text *group, struct c2_str dir, struct c2_str text)
{
    struct c2_str path = c2_str_of(group->path), json = c2_buf_str(&group->json);
    bool within = (path.n >= dir.n && memcmp(path.p, dir.p, dir.n) == 0) ||
                  (path.n + 1 == dir.n && memcmp(path.p, dir.p, path.n) == 0);

    return within && c2_str_find_nocase(json, text) < json.n;
}

/* ---- which groups there are ---- */

/* Note a group that may have attributes. */
static bool add(struct c2_group_search *s, struct c2_str path, struct cat2_error *err)
{
    struct c2_group_texts *next = s->next;

    if (!c2_sub_may_have_attrs(s->root, path)) return true;
    if (next->n == C2_SEARCHED_GROUPS_MAX) {
        next->left++;
        return true;
    }
    struct c2_group_text *to = &next->p[next->n];
    if (!(to->path = c2_str_dup(path))) return c2_fail_nomem(err, "groups");
    next->n++;
    s->batch.folders[s->batch.n++] = (struct c2_folder_attrs){.path = c2_str_of(to->path)};
    return true;
}

/* Folders that the dataset before was not in are new: the list is sorted. */
static bool gather(struct c2_group_search *s, struct cat2_error *err)
{
    const char *before = "";

    if (!add(s, C2_STR(""), err)) return false;
    for (size_t i = 0; i < s->root->n; i++) {
        const char *path = s->root->datasets[i]->path;
        size_t k = 0;
        while (path[k] && path[k] == before[k])
            k++;
        for (; path[k]; k++)
            if (path[k] == '/' && !add(s, (struct c2_str){path, k}, err)) return false;
        before = path;
    }
    return true;
}

/* ---- asking ---- */

static void tell(struct c2_group_search *s)
{
    struct waiters waiters = s->waiters;

    s->waiters = (struct waiters){0};
    for (size_t i = 0; i < waiters.n; i++)
        waiters.p[i].fn(waiters.p[i].ctx);
    c2_vec_fini(&waiters);
}

static void on_late(void *ctx)
{
    struct c2_group_search *s = ctx;

    s->patience = NULL;
    s->late = true;
    tell(s);
}

static void search_free(struct c2_group_search *s)
{
    c2_group_texts_unref(s->now);
    c2_group_texts_unref(s->next);
    free(s);
}

/* The publisher has told all that it tells. */
static void on_told(void *ctx)
{
    struct c2_group_search *s = ctx;
    struct c2_group_texts *next = s->next;
    struct c2_ds *held = s->held;
    size_t nbytes = 0;

    for (size_t i = 0; i < next->n; i++) {
        struct c2_folder_attrs *told = &s->batch.folders[i];
        bool fits = nbytes + told->json.n <= TEXTS_NBYTES_MAX;
        if (fits) next->p[i].json = c2_buf_steal(&told->json);
        nbytes += next->p[i].json.n;
        next->left += told->failed || !fits;
    }
    c2_sub_attrs_batch_fini(&s->batch);
    s->batch = (struct c2_attrs_batch){0};
    c2_timer_stop(s->patience);
    s->patience = NULL;
    c2_group_texts_unref(s->now);
    s->now = next;
    s->next = NULL;
    s->changes = s->next_changes;
    s->held = NULL;
    if (s->root) s->made_ms = c2_loop_now_ms(s->root->sub->config.loop);
    tell(s);
    if (!s->root) search_free(s);
    if (held) c2_ds_unref(held);
}

static bool begin(struct c2_group_search *s, struct cat2_error *err)
{
    struct c2_root_state *root = s->root;
    struct c2_folder_attrs *folders = calloc(C2_SEARCHED_GROUPS_MAX, sizeof(*folders));
    struct c2_group_texts *next = calloc(1, sizeof(*next));
    struct c2_group_text *p = calloc(C2_SEARCHED_GROUPS_MAX, sizeof(*p));

    if (!folders || !next || !p) {
        free(folders);
        free(next);
        free(p);
        return c2_fail_nomem(err, "groups");
    }
    *next = (struct c2_group_texts){1, ++s->serials, p, 0, 0};
    s->next = next;
    s->next_changes = root->changes;
    s->late = false;
    s->batch = (struct c2_attrs_batch){
        .sub = root->sub, .root = s->name, .folders = folders, .done = on_told, .ctx = s};
    snprintf(s->name, sizeof(s->name), "%s", root->root.name);
    if (gather(s, err)) {
        s->held = root->n ? c2_ds_ref(root->datasets[0]) : NULL;
        return true;
    }
    c2_group_texts_unref(next);
    c2_sub_attrs_batch_fini(&s->batch);
    s->batch = (struct c2_attrs_batch){0};
    s->next = NULL;
    return false;
}

void c2_group_texts_ask(struct c2_root_state *root, c2_group_texts_fn *fn, void *ctx)
{
    struct c2_group_search *s = root->group_search;
    struct c2_loop *loop = root->sub->config.loop;
    struct cat2_error err;

    if (!s) s = root->group_search = calloc(1, sizeof(*s));
    if (s) s->root = root;
    bool known = s && s->now && s->changes == root->changes;
    bool due = s && !s->next && !(known && c2_loop_now_ms(loop) < s->made_ms + FRESH_MS);
    bool begun = due && begin(s, &err);
    bool waits = s && s->next && !known && !s->late &&
                 c2_vec_push(&s->waiters, C2_CONNECTIONS_MAX, "searches", &err, (struct waiter){fn, ctx});
    if (begun && s->held) s->patience = c2_timer_start(loop, C2_GROUPS_PATIENCE_MS, 0, on_late, s);
    if (begun) c2_sub_attrs_batch(&s->batch);
    if (!waits) fn(ctx);
}

void c2_group_texts_drop(struct c2_root_state *root)
{
    struct c2_group_search *s = root->group_search;

    if (!s) return;
    root->group_search = NULL;
    s->root = NULL;
    c2_timer_stop(s->patience);
    s->patience = NULL;
    if (!s->next) search_free(s);
}
