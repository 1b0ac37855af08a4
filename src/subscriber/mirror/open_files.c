/* SPDX-License-Identifier: BSD-3-Clause */
/* Cache files that are open: at most so many, two descriptors and a mapping each. Those that nobody uses at
 * the moment stay open for the next request, until others need their place: least recently used first. What
 * is closed is opened again by the next request; all that is known of it is on disk. When all are in use,
 * further requests wait in line. Loop thread only.
 *
 * The cache file of one dataset object, by its flags (fetch/read.c sets them, the moves are checked here):
 *
 *               cf       preparing  leaving
 *   closed      NULL     no         no       what is on disk is not looked at
 *   opening     NULL     yes        no       opened or made by a worker, or in line for that
 *   open        on disk or in memory: no, no
 *   moving      on disk  yes        yes      a piece could not be stored: its successor in memory is made
 *
 * closed -> opening -> open -> closed, open -> moving -> open, and back to where it came from when opening or
 * moving fails. Only what is open is closed. `unwritable` lasts until it is closed: what is opened after a
 * piece could not be stored is opened in memory. */
#include <stdlib.h>

#include "base/limits.h"
#include "base/list.h"
#include "base/log.h"
#include "subscriber/mirror/dataset.h"
#include "subscriber/mirror/open_files.h"
#include "subscriber/mirror/root.h"

#define DEFAULT_MAX 64   /* two descriptors each, of 1024 */
#define TICK_MS     10   /* readers leave without a word: those in line look again */
#define WAIT_MS     4000 /* less than clients wait for a first byte */

static void take_out(struct c2_ds *ds)
{
    c2_queue_remove(ds->sub->open.oldest, ds->sub->open.newest, ds, older, newer);
}

static void put_last(struct c2_ds *ds)
{
    c2_queue_push(ds->sub->open.oldest, ds->sub->open.newest, ds, older, newer);
}

/* Nobody would find or remove what has been made on disk for a dataset that was removed meanwhile. */
static void not_kept(const struct c2_ds *ds)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(2 * C2_PATH_MAX);
    struct c2_root_state *root = c2_sub_root(ds->sub, c2_str_of(ds->root));
    struct cat2_error err;

    if (ds->life != C2_DS_REMOVED || c2_cachefile_is_in_memory(ds->cf)) return;
    if (root && c2_sub_find(root, c2_str_of(ds->path))) return; /* it is back, and the file may be its own */
    if (!c2_ds_cache_name(ds, &name, &err) ||
        !c2_cachefile_remove(ds->sub->cachefd, c2_buf_cstr(&name), &err))
        c2_log_warn("cache: %s", err.message);
}

void c2_ds_set_file(struct c2_ds *ds, struct c2_cachefile *cf)
{
    C2_ASSERT(ds->preparing && (!ds->cf || ds->leaving));
    if (ds->cf) take_out(ds);
    c2_cachefile_unref(ds->cf);
    ds->cf = cf;
    ds->leaving = false;
    put_last(ds);
    not_kept(ds);
}

void c2_ds_used(struct c2_ds *ds)
{
    ds->used_ms = c2_loop_now_ms(ds->sub->config.loop);
    if (!ds->cf) return;
    take_out(ds);
    put_last(ds);
}

void c2_ds_close_file(struct c2_ds *ds)
{
    C2_ASSERT(!ds->preparing && !ds->leaving);
    if (!ds->cf) return;
    take_out(ds);
    c2_cachefile_unref(ds->cf);
    ds->cf = NULL;
    ds->unwritable = false;
    ds->left_nbytes = -1;
    free(ds->flying);
    ds->flying = NULL;
}

/* Who has a reference to the file reads or writes it; who ensures will want one in a moment. */
static bool is_idle(const struct c2_ds *ds)
{
    return ds->nreads == 0 && !ds->preparing && c2_cachefile_is_unshared(ds->cf);
}

static bool close_oldest(struct c2_subscriber *sub)
{
    for (struct c2_ds *ds = sub->open.oldest; ds; ds = ds->newer)
        if (is_idle(ds)) {
            c2_ds_close_file(ds);
            sub->open.nclosed++;
            return true;
        }
    return false;
}

int c2_sub_close_idle_in_memory(struct c2_subscriber *sub)
{
    struct c2_ds *newer;
    int left = 0;

    for (struct c2_ds *ds = sub->open.oldest; ds; ds = newer) {
        newer = ds->newer;
        if (!c2_cachefile_is_in_memory(ds->cf)) continue;
        if (is_idle(ds))
            c2_ds_close_file(ds);
        else
            left++;
    }
    return left;
}

int c2_sub_files_max(const struct c2_subscriber *sub)
{
    return sub->config.caches_max > 0 ? sub->config.caches_max : DEFAULT_MAX;
}

/* Room for another, if need be by closing an idle one. */
static bool make_room(struct c2_subscriber *sub)
{
    while (c2_cachefile_stats().nopen + sub->open.npreparing >= c2_sub_files_max(sub))
        if (!close_oldest(sub)) return false;
    return true;
}

/* ---- the line ---- */

static void let_in(struct c2_subscriber *sub, const struct cat2_error *err)
{
    struct c2_open_files *open = &sub->open;
    struct c2_open_wait *first = open->first;

    open->first = first->next;
    if (!err) open->npreparing++;
    first->fn(first->ctx, err);
    free(first);
}

static void on_tick(void *ctx)
{
    struct c2_subscriber *sub = ctx;
    struct c2_open_files *open = &sub->open;
    int64_t now = c2_loop_now_ms(sub->config.loop);
    struct cat2_error err;

    while (open->first && make_room(sub))
        let_in(sub, NULL);
    while (open->first && (sub->stopping || now - open->first->since_ms > WAIT_MS)) {
        open->nrefused++;
        c2_fail(&err, CAT2_ENOMEM,
                "%d datasets are being read at once, as many as there are file descriptors for",
                c2_sub_files_max(sub));
        let_in(sub, &err);
    }
    if (open->first) return;
    c2_timer_stop(open->ticker);
    open->ticker = NULL;
}

void c2_sub_when_room(struct c2_subscriber *sub, void (*fn)(void *ctx, const struct cat2_error *err),
                      void *ctx)
{
    struct c2_open_files *open = &sub->open;
    struct cat2_error err;

    if (!open->first && make_room(sub)) {
        open->npreparing++;
        fn(ctx, NULL);
        return;
    }
    struct c2_open_wait *wait = malloc(sizeof(*wait));
    if (wait && !open->ticker)
        open->ticker = c2_timer_start(sub->config.loop, TICK_MS, TICK_MS, on_tick, sub);
    if (!wait || !open->ticker) {
        free(wait);
        c2_fail_nomem(&err, "cache file");
        fn(ctx, &err);
        return;
    }
    *wait = (struct c2_open_wait){NULL, fn, ctx, c2_loop_now_ms(sub->config.loop)};
    c2_chain_push(open->first, open->last, wait);
    open->nwaited++;
}

void c2_sub_room_stop(struct c2_subscriber *sub)
{
    if (sub->open.ticker) on_tick(sub);
}
