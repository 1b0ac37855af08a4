/* SPDX-License-Identifier: BSD-3-Clause */
/* What came from upstream is stored by workers; chunks of Python servers when their generation is known. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/list.h"
#include "subscriber/fetch/quota.h"
#include "subscriber/fetch/upstream_impl.h"
#include "subscriber/mirror/dataset.h"
#include "subscriber/mirror/follow.h"
#include "subscriber/mirror/upcall.h"

#define MEMORY_MAX (256 << 20) /* pieces passed on while the cache cannot be written */

static void store(struct c2_arrival *s)
{
    const struct c2_piece *p = &s->piece;

    s->checked = c2_piece_check(p, c2_buf_bytes(&s->record), &s->err);
    if (!s->checked) return;
    s->ok = p->whole ? c2_cachefile_put(s->cf, p->nchunk, p->data, &s->err)
                     : c2_cachefile_put_blocks(s->cf, p->nchunk, p->prefix, s->blocks, p->nblocks, p->data,
                                               &s->err);
    if (s->ok && !c2_cachefile_keep_small(s->cf, MEMORY_MAX))
        s->ok = c2_fail(&s->err, CAT2_ENOMEM,
                        "the cache cannot be written, and %d MiB are being passed on from memory already",
                        MEMORY_MAX >> 20);
}

/* The disk did not take a piece. */
static void note_unwritten(struct c2_ds *ds, const struct c2_arrival *s)
{
    if (s->err.code != CAT2_EIO || c2_cachefile_is_in_memory(s->cf)) return;
    ds->unwritable = true;
    if (!ds->unwritten) ds->unwritten = malloc(sizeof(*ds->unwritten));
    if (ds->unwritten) *ds->unwritten = s->err;
}

static void store_free(struct c2_arrival *s)
{
    c2_cachefile_unref(s->cf);
    free(s->blocks);
    c2_buf_fini(&s->record);
    free(s);
}

static void stored(struct c2_arrival *s)
{
    struct c2_fetching *f = s->fetch;

    f->storing--;
    f->storing_nbytes -= s->record.n;
    if (s->ok) {
        f->stored[s->want] = 1;
        f->ds->sub->pieces_fetched += s->piece.whole ? 1 : s->piece.nblocks;
        c2_sub_fetched(f->ds->sub, (int64_t)(s->record.n - s->had));
        f->hooks->stored(f->ctx, s->piece.nchunk);
    } else {
        /* Without a hash it may be the wire that spoilt it; with one it is what the publisher has. */
        bool damaged = !s->checked || (!s->piece.hashed && s->err.code == CAT2_EDATA);
        if (s->checked) note_unwritten(f->ds, s);
        c2_fail_within(&s->err, "chunk %" PRId64, s->piece.nchunk);
        if (damaged)
            c2_wire_mismatch(C2_WIRE_PIECES, "%.80s/%.200s, %.100s", f->ds->root, f->ds->path,
                             s->err.message);
        damaged ? c2_upstream_bad_piece(f, s->share, &s->err) : c2_upstream_fail(f, &s->err);
    }
    store_free(s);
    c2_upstream_go_on(f);
}

/* ---- one job at a time for a cache file: writers of one file would wait for each other, and spin ---- */

static void store_work(void *job, void *local)
{
    (void)local;
    for (struct c2_arrival *s = job; s; s = s->next)
        store(s);
}

static void store_next(struct c2_ds *ds);

static void store_done(void *job)
{
    struct c2_arrival *s = job;
    struct c2_ds *ds = c2_ds_ref(s->fetch->ds);

    ds->is_storing = false;
    store_next(ds); /* while the rest is seen to */
    for (struct c2_arrival *next; s; s = next) {
        next = s->next;
        stored(s);
    }
    c2_ds_unref(ds);
}

static void store_next(struct c2_ds *ds)
{
    struct c2_pool_share share = {.client = ds->serial};

    if (ds->is_storing || !ds->arrived) return;
    struct c2_arrival *first = ds->arrived;
    for (const struct c2_arrival *s = first; s; s = s->next)
        share.cost += (int64_t)s->record.n;
    ds->arrived = NULL;
    ds->is_storing = true;
    c2_pool_run_for(ds->sub->config.pool, &share, store_work, store_done, first);
}

static void run_store(struct c2_arrival *s)
{
    struct c2_ds *ds = s->fetch->ds;

    c2_chain_push(ds->arrived, ds->arrived_last, s);
    store_next(ds);
}

/* ---- Python servers: which generation was it? ---- */

static struct c2_arrival *take_next(struct c2_arrival **list)
{
    struct c2_arrival *s = *list;

    if (s) *list = s->next;
    return s;
}

void c2_store_drop(struct c2_fetching *f, struct c2_arrival **list)
{
    for (struct c2_arrival *s; (s = take_next(list));) {
        f->storing--;
        f->storing_nbytes -= s->record.n;
        store_free(s);
    }
}

static bool has_etag(const struct c2_ds *ds, const struct c2_http_reply *reply)
{
    struct c2_str match = c2_str_of(ds->match);

    return match.n >= 2 && c2_str_eq(c2_follow_etag(reply), (struct c2_str){match.p + 1, match.n - 2});
}

static void on_confirmed(void *ctx, struct c2_http_reply *reply, const struct cat2_error *why)
{
    struct c2_fetching *f = ctx;
    struct cat2_error err = {0};

    f->under_way--;
    if (why)
        err = *why;
    else if (reply->status != 200)
        c2_upstream_refused(f->ds, &f->turn, reply, &err);
    else if (!has_etag(f->ds, reply))
        c2_fail(&err, CAT2_ECHANGED, "the dataset has just changed at its publisher: ask again");
    if (err.code != CAT2_OK) {
        c2_upstream_fail(f, &err);
        c2_store_drop(f, &f->confirmed);
    }
    for (struct c2_arrival *s; (s = take_next(&f->confirmed));)
        run_store(s);
    c2_upstream_go_on(f);
}

void c2_store_confirm(struct c2_fetching *f)
{
    C2_AUTO(c2_buf) url = C2_BUF_INIT(4 * C2_PATH_MAX);
    struct cat2_error err;
    struct c2_http_call call = {.body_max = 16 << 20, .fresh = true, .done = on_confirmed, .ctx = f};

    f->confirmed = f->held;
    f->held = NULL;
    bool ok = c2_ds_url(f->ds, &f->turn, "info", &url, &err);
    call.url = c2_buf_cstr(&url);
    f->under_way++;
    if (!ok || !c2_upcall_start(f->ds->sub, &call, C2_WIRE_INFO, C2_CHECK_ASK, &err))
        on_confirmed(f, NULL, &err);
}

void c2_store_begin(struct c2_arrival *s)
{
    struct c2_fetching *f = s->fetch;

    f->storing++;
    f->storing_nbytes += s->record.n;
    if (!f->python) {
        run_store(s);
        return;
    }
    s->next = f->held;
    f->held = s;
}
