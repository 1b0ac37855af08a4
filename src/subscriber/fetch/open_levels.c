/* SPDX-License-Identifier: BSD-3-Clause */
/* A few files of levels stay open. What a disk did not take is tried again a minute later. */
#include "subscriber/fetch/open_levels.h"

#include "base/limits.h"
#include "subscriber/mirror/dataset.h"
#include "subscriber/mirror/roots.h"

#define AGAIN_MS 60000 /* a full disk: not every request tries */

/* Out of its place, or the last one; those before it move up one. */
static void put_first(struct c2_subscriber *sub, size_t at, struct c2_open_levels one)
{
    memmove(sub->levels + 1, sub->levels, at * sizeof(one));
    sub->levels[0] = one;
}

static void close_at(struct c2_subscriber *sub, size_t at)
{
    c2_levels_unref(sub->levels[at].levels);
    memmove(sub->levels + at, sub->levels + at + 1, (C2_LEVELS_OPEN - 1 - at) * sizeof(sub->levels[0]));
    sub->levels[C2_LEVELS_OPEN - 1] = (struct c2_open_levels){0};
}

static struct c2_levels *find(struct c2_subscriber *sub, const char *rel, const char *etag)
{
    for (size_t i = 0; i < C2_LEVELS_OPEN && sub->levels[i].levels; i++) {
        struct c2_open_levels one = sub->levels[i];
        if (!c2_levels_is(one.levels, rel, etag)) continue;
        if (c2_levels_failed(one.levels, NULL) &&
            c2_loop_now_ms(sub->config.loop) - one.since_ms > AGAIN_MS) {
            close_at(sub, i);
            return NULL;
        }
        put_first(sub, i, one);
        return c2_levels_ref(one.levels);
    }
    return NULL;
}

struct c2_levels *c2_sub_levels(struct c2_ds *ds, const char *name, int64_t ntiles)
{
    C2_AUTO(c2_buf) rel = C2_BUF_INIT(2 * C2_PATH_MAX);
    struct c2_subscriber *sub = ds->sub;
    struct cat2_error err;

    if (!ds->key || !c2_ds_levels_name(ds, &rel, &err) ||
        !c2_buf_printf(&rel, &err, "/%s" C2_ARRAY_SUFFIX, name))
        return NULL;
    ds->no_levels = false;
    ds->nlevels++;
    struct c2_levels *levels = find(sub, c2_buf_cstr(&rel), ds->key);
    if (levels) return levels;
    levels = c2_levels_new(sub->cachefd, c2_buf_cstr(&rel), ds->key, ntiles);
    if (!levels) return NULL;
    c2_levels_unref(sub->levels[C2_LEVELS_OPEN - 1].levels);
    put_first(sub, C2_LEVELS_OPEN - 1,
              (struct c2_open_levels){c2_levels_ref(levels), c2_loop_now_ms(sub->config.loop)});
    return levels;
}

/* Nobody would find what was made for a dataset that was removed meanwhile. */
void c2_sub_levels_done(struct c2_ds *ds, struct c2_levels *levels)
{
    C2_AUTO(c2_buf) rel = C2_BUF_INIT(2 * C2_PATH_MAX);
    struct c2_root_state *root = ds->life == C2_DS_REMOVED ? c2_sub_root(ds->sub, c2_str_of(ds->root)) : NULL;
    bool gone = ds->life == C2_DS_REMOVED && !(root && c2_sub_find(root, c2_str_of(ds->path)));
    struct cat2_error err;

    c2_levels_unref(levels);
    if (!gone || ds->sub->gone || !c2_ds_levels_name(ds, &rel, &err)) return;
    c2_sub_levels_close(ds->sub, ds);
    c2_levels_folder_remove(ds->sub->cachefd, c2_buf_cstr(&rel));
}

void c2_sub_levels_close(struct c2_subscriber *sub, const struct c2_ds *ds)
{
    C2_AUTO(c2_buf) folder = C2_BUF_INIT(2 * C2_PATH_MAX);
    struct cat2_error err;

    if (ds && (!c2_ds_levels_name(ds, &folder, &err) || !c2_buf_putc(&folder, '/', &err))) return;
    for (size_t i = C2_LEVELS_OPEN; i-- > 0;)
        if (sub->levels[i].levels && (!ds || c2_levels_is_in(sub->levels[i].levels, c2_buf_cstr(&folder))))
            close_at(sub, i);
}
