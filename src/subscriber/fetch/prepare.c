/* SPDX-License-Identifier: BSD-3-Clause */
/* A dataset's cache file: the one of an earlier run, a mirror of the publisher's frame, or slots. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/limits.h"
#include "base/log_share.h"
#include "subscriber/fetch/pass_on.h"
#include "subscriber/fetch/read.h"
#include "subscriber/mirror/follow.h"
#include "subscriber/mirror/open_files.h"
#include "subscriber/mirror/roots.h"
#include "subscriber/mirror/suppliers.h"
#include "subscriber/mirror/upcall.h"
#include "wire/multipart.h"

#define PART_HEADS_MAX 4096 /* of the two parts of an answer */

struct prepare {
    struct c2_ds *ds;
    struct c2_buf name, head, tail;
    struct c2_meta meta;
    struct c2_cachefile *cf;
    bool mirror;    /* head and tail are here */
    bool look_only; /* first pass: is there one already? */
    bool in_memory; /* the disk does not take it */
    struct c2_turn turn;
    bool ok;
    struct cat2_error err, why; /* why: in memory */
    void (*fn)(void *ctx, const struct cat2_error *err);
    void *ctx;
};

static void finish(struct prepare *p)
{
    if (p->ok) c2_ds_set_file(p->ds, p->cf);
    if (p->ok && p->in_memory) c2_pass_on(p->ds, &p->why);
    p->fn(p->ctx, p->ok ? NULL : &p->err);
    c2_buf_fini(&p->name);
    c2_buf_fini(&p->head);
    c2_buf_fini(&p->tail);
    c2_meta_fini(&p->meta);
    c2_ds_unref(p->ds);
    free(p);
}

static bool is_of_the_disk(const struct cat2_error *err)
{
    return err->code == CAT2_EIO || err->code == CAT2_ENOTFOUND;
}

static bool create_in(struct prepare *p, int dirfd)
{
    const char *rel = c2_buf_cstr(&p->name);

    if (p->mirror) {
        if (c2_cachefile_create_mirror(dirfd, rel, p->ds->key, c2_buf_bytes(&p->head), c2_buf_bytes(&p->tail),
                                       p->ds->layout.frame_len, p->ds->layout.blocksize, &p->cf, &p->err))
            return true;
        /* Of the moment: the next request may well mirror it. */
        if (p->err.code == CAT2_ENOMEM || is_of_the_disk(&p->err)) return false;
        c2_log_some(C2_WARN, "cache: %s cannot be mirrored: %s", rel, p->err.message);
    }
    return c2_cachefile_create_slots(dirfd, rel, p->ds->key, &p->meta, &p->cf, &p->err);
}

/* On the disk, or, when that does not take it, in memory. */
static bool create(struct prepare *p)
{
    int dirfd = p->ds->sub->cachefd;

    if (!p->in_memory) {
        if (c2_fs_mkparents(dirfd, c2_buf_cstr(&p->name), &p->err) && create_in(p, dirfd)) return true;
        if (!is_of_the_disk(&p->err)) return false;
        p->why = p->err;
        p->in_memory = true;
    }
    return create_in(p, -1);
}

static void done(void *job);

static void work(void *job, void *local)
{
    struct prepare *p = job;

    (void)local;
    if (!p->look_only)
        p->ok = create(p);
    else
        p->ok = *p->ds->etag && p->ds->key && !p->in_memory &&
                c2_cachefile_open(p->ds->sub->cachefd, c2_buf_cstr(&p->name), p->ds->key, &p->cf, &p->err);
}

static void run(struct prepare *p)
{
    struct c2_pool_share share = {p->ds->serial, p->ds->meta->nchunks * C2_READ_CHUNK_COST};

    c2_pool_run_for(p->ds->sub->config.pool, &share, work, done, p);
}

/* ---- head and tail of the publisher's frame, in one trip ---- */

static bool take_part(void *ctx, int64_t off, struct c2_bytes bytes, struct cat2_error *err)
{
    struct prepare *p = ctx;
    const struct c2_frame_layout *l = &p->ds->layout;
    bool head = off == 0 && (int64_t)bytes.n == l->header_len && p->head.n == 0;
    bool tail = off == l->index_off && (int64_t)bytes.n == l->frame_len - l->index_off && p->tail.n == 0;

    if (!head && !tail) return c2_fail(err, CAT2_EDATA, "a range that was not asked for");
    return c2_buf_append(head ? &p->head : &p->tail, bytes.p, bytes.n, err);
}

static bool ask_parts(struct prepare *p, struct cat2_error *err);

/* false: no other source is asked. */
static bool ask_elsewhere(struct prepare *p, const struct c2_root_state *root,
                          const struct c2_http_reply *reply, const struct cat2_error *why)
{
    struct cat2_error ignored;

    if (!c2_turn_may_leave(root, &p->turn, reply, why)) return false;
    c2_turn_leave(&p->turn);
    if (!c2_turn_next(root, &p->turn)) return false;
    c2_buf_fini(&p->head);
    c2_buf_fini(&p->tail);
    return ask_parts(p, &ignored);
}

static void on_parts(void *ctx, struct c2_http_reply *reply, const struct cat2_error *err)
{
    struct prepare *p = ctx;
    struct c2_root_state *root = c2_sub_root(p->ds->sub, c2_str_of(p->ds->root));

    p->err = (struct cat2_error){0};
    if (root && !err && reply->status != 206)
        c2_supplier_note_well(root, p->turn.at);
    else if (root)
        c2_supplier_note(root, p->turn.at, err);
    if ((err || reply->status != 206) && ask_elsewhere(p, root, reply, err)) return;
    if (err)
        p->err = *err;
    else if (reply->status == 206)
        p->mirror =
            c2_multipart_read(reply->content_type, c2_buf_bytes(reply->body), take_part, p, &p->err) &&
            p->head.n && p->tail.n;
    else if (reply->status == 412)
        c2_fail(&p->err, CAT2_ECHANGED, "the dataset has just changed at its publisher: ask again");
    else if (reply->status == 503) {
        c2_upstream_refused(p->ds, &p->turn, reply, &p->err);
        c2_fail_within(&p->err, "%.80s/%.100s", p->ds->root, p->ds->path);
    }
    if (p->err.code == CAT2_ECHANGED || p->err.code == CAT2_ECANCELLED || p->err.code == CAT2_EUPSTREAM) {
        if (root && p->err.code == CAT2_ECHANGED) c2_sub_follow(root);
        if (root) c2_upstream_blame(root, &p->err);
        finish(p);
        return;
    }
    run(p); /* not mirrored: in slots, then */
}

static bool ask_parts(struct prepare *p, struct cat2_error *err)
{
    const struct c2_frame_layout *l = &p->ds->layout;
    C2_AUTO(c2_buf) url = C2_BUF_INIT(4 * C2_PATH_MAX);
    char range[120], match[900];
    const char *headers[] = {range, match, NULL};

    snprintf(range, sizeof(range), "Range: bytes=0-%" PRId64 ",%" PRId64 "-%" PRId64, l->header_len - 1,
             l->index_off, l->frame_len - 1);
    snprintf(match, sizeof(match), "If-Match: %s", p->ds->match);
    size_t most = (size_t)(l->header_len + l->frame_len - l->index_off);
    c2_buf_init(&p->head, most);
    c2_buf_init(&p->tail, most);
    struct c2_http_call call = {
        .headers = headers, .body_max = most + PART_HEADS_MAX, .done = on_parts, .ctx = p};
    if (!c2_ds_url(p->ds, &p->turn, "frame", &url, err)) return false;
    call.url = c2_buf_cstr(&url);
    return c2_upcall_start(p->ds->sub, &call, C2_WIRE_FRAME,
                           c2_sub_check(c2_sub_root(p->ds->sub, c2_str_of(p->ds->root))), err);
}

static void done(void *job)
{
    struct prepare *p = job;

    /* What is on disk may be good, or is of a newer program: leave it. */
    bool leave = p->err.code == CAT2_ENOMEM || p->err.code == CAT2_EUNSUPPORTED;
    if (!p->look_only || p->ok || leave) {
        finish(p);
        return;
    }
    p->look_only = false;
    bool mirror = p->ds->speaks_pieces && p->ds->has_frame;
    const struct c2_root_state *root = c2_sub_root(p->ds->sub, c2_str_of(p->ds->root));
    if (root) c2_turn_next(root, &p->turn);
    if (!mirror || !ask_parts(p, &p->err)) run(p);
}

bool c2_upstream_prepare(struct c2_ds *ds, void (*fn)(void *ctx, const struct cat2_error *err), void *ctx,
                         struct cat2_error *err)
{
    struct prepare *p = calloc(1, sizeof(*p));

    if (!p) return c2_fail_nomem(err, "cache file");
    *p = (struct prepare){.ds = c2_ds_ref(ds), .look_only = true, .fn = fn, .ctx = ctx};
    p->in_memory = ds->unwritable;
    if (ds->unwritable && ds->unwritten) p->why = *ds->unwritten;
    c2_buf_init(&p->name, 2 * C2_PATH_MAX);
    p->ok = c2_ds_cache_name(ds, &p->name, &p->err) && c2_meta_copy(ds->meta, &p->meta, &p->err);
    run(p);
    return true;
}
