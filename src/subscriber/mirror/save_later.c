/* SPDX-License-Identifier: BSD-3-Clause */
/* Datasets of a long list are written to the state some at a time, and so are those that are gone removed:
 * 10^5 of them take seconds, in which nobody would be answered. A root whose first list is being written, or
 * that is followed no more, is marked, for a part of a list is none: what the state has of it is removed at
 * the next start. */
#include <stdlib.h>

#include "base/log.h"
#include "cache/levels.h"
#include "subscriber/mirror/roots.h"

#define TURN    200 /* datasets; some milliseconds, */
#define TURN_MS 4   /* and so long others have the loop */

static const char MARKED[] = "unsaved";

/* ---- one dataset ---- */

bool c2_ds_try_save(const struct c2_ds *ds, struct cat2_error *err)
{
    C2_AUTO(c2_buf) key = C2_BUF_INIT(2 * C2_PATH_MAX);
    C2_AUTO(c2_buf) value = C2_BUF_INIT(C2_JSON_NBYTES_MAX);

    return c2_buf_printf(&key, err, "%s/%s", ds->root, ds->path) &&
           c2_buf_printf(&value, err, ds->repeats ? "%d%d" : "%d", ds->speaks_pieces, ds->repeats) &&
           c2_ds_put_line(ds, &value, err) &&
           c2_state_put(ds->sub->state, "datasets", c2_buf_str(&key), c2_buf_str(&value), err);
}

/* The state says so when it is not written, and gets it later. */
void c2_ds_save(const struct c2_ds *ds)
{
    struct cat2_error err;

    if (!c2_ds_try_save(ds, &err) && err.code != CAT2_EIO) c2_log_error("state: %s", err.message);
}

void c2_ds_forget(const struct c2_ds *ds)
{
    struct cat2_error err;
    C2_AUTO(c2_buf) name = C2_BUF_INIT(2 * C2_PATH_MAX);
    C2_AUTO(c2_buf) key = C2_BUF_INIT(2 * C2_PATH_MAX);

    C2_ASSERT(ds);
    if (c2_buf_printf(&key, &err, "%s/%s", ds->root, ds->path))
        c2_state_del(ds->sub->state, "datasets", c2_buf_str(&key), &err);
    if (c2_ds_cache_name(ds, &name, &err) && !c2_cachefile_remove(ds->sub->cachefd, c2_buf_cstr(&name), &err))
        c2_log_warn("cache: %s", err.message);
}

void c2_ds_forget_levels(const struct c2_ds *ds)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(2 * C2_PATH_MAX);
    struct cat2_error err;

    if (!ds->no_levels && c2_ds_levels_name(ds, &name, &err))
        c2_levels_folder_remove(ds->sub->cachefd, c2_buf_cstr(&name));
}

/* ---- many ---- */

/* One of its path may have come meanwhile: what is remembered and cached is that one's. */
static void settle(struct c2_ds *ds)
{
    struct c2_root_state *root = c2_sub_root(ds->sub, c2_str_of(ds->root));

    if (ds->life == C2_DS_LISTED) {
        if (ds->old_levels && !ds->nlevels) c2_ds_forget_levels(ds);
        ds->old_levels = false;
        c2_ds_save(ds);
    } else if (ds->life == C2_DS_REMOVED && !(root && c2_sub_find(root, c2_str_of(ds->path)))) {
        c2_ds_forget_levels(ds);
        c2_ds_forget(ds);
    }
}

/* What the state has of marked roots, or only of those that are followed no more. */
static bool remove_marked(struct c2_subscriber *sub, bool left, struct cat2_error *err);

static bool save_some(struct c2_subscriber *sub, size_t max)
{
    struct cat2_error err;
    bool begun = c2_state_begin(sub->state, &err), more = sub->unsaved.n > 0;

    for (size_t i = 0; more && i < max; i++) {
        struct c2_ds *ds = sub->unsaved.p[sub->unsaved_next++];
        settle(ds);
        c2_ds_unref(ds);
        more = sub->unsaved_next < sub->unsaved.n;
    }
    if (!more) {
        c2_vec_fini(&sub->unsaved);
        sub->unsaved_next = 0;
        remove_marked(sub, true, &err);
    }
    if (begun && !c2_state_commit(sub->state, &err)) c2_state_rollback(sub->state);
    return more;
}

static void on_turn(void *ctx)
{
    struct c2_subscriber *sub = ctx;

    if (save_some(sub, TURN)) return;
    c2_timer_stop(sub->unsaved_timer);
    sub->unsaved_timer = NULL;
}

void c2_sub_save_later(struct c2_ds *ds)
{
    struct c2_subscriber *sub = ds->sub;
    struct cat2_error err;

    if (!sub->unsaved_timer)
        sub->unsaved_timer = c2_timer_start(sub->config.loop, TURN_MS, TURN_MS, on_turn, sub);
    if (!sub->unsaved_timer || !c2_vec_push(&sub->unsaved, C2_VEC_NO_MAX, "datasets", &err, ds))
        settle(ds);
    else
        c2_ds_ref(ds);
}

bool c2_sub_mark_unsaved(struct c2_root_state *root, struct cat2_error *err)
{
    if (c2_state_put(root->sub->state, MARKED, c2_str_of(root->root.name), C2_STR("1"), err)) return true;
    if (err->code != CAT2_EIO) c2_log_error("state: %s", err->message);
    return false;
}

void c2_sub_save_rest(struct c2_subscriber *sub)
{
    c2_timer_stop(sub->unsaved_timer);
    sub->unsaved_timer = NULL;
    while (sub->unsaved.n)
        save_some(sub, TURN);
}

static bool note_name(void *ctx, struct c2_str name, struct c2_str value, struct cat2_error *err)
{
    struct c2_buf *names = ctx;

    (void)value;
    return c2_buf_append_str(names, name, err) && c2_buf_putc(names, '\n', err);
}

static bool remove_marked(struct c2_subscriber *sub, bool left, struct cat2_error *err)
{
    C2_AUTO(c2_buf) names = C2_BUF_INIT(1 << 20);
    C2_AUTO(c2_buf) prefix = C2_BUF_INIT(1 << 10);
    struct c2_str name, rest;

    if (!c2_state_each(sub->state, MARKED, C2_STR(""), note_name, &names, err)) return false;
    for (rest = c2_buf_str(&names); c2_str_cut(rest, '\n', &name, &rest);) {
        const struct c2_root_state *root = left ? c2_sub_root(sub, name) : NULL;
        if (root && c2_root_is_followed(root)) continue;
        c2_buf_clear(&prefix);
        if (!c2_buf_printf(&prefix, err, "%.*s/", C2_STR_ARG(name)) ||
            !c2_state_del_prefix(sub->state, "datasets", c2_buf_str(&prefix), err))
            return false;
    }
    return c2_state_del_prefix(sub->state, MARKED, C2_STR(""), err);
}

bool c2_sub_remove_unsaved(struct c2_subscriber *sub, struct cat2_error *err)
{
    return remove_marked(sub, false, err);
}
