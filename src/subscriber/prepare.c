/* SPDX-License-Identifier: BSD-3-Clause */
/* A dataset's cache file: the one of an earlier run, a mirror of the publisher's frame, or slots. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/limits.h"
#include "base/log.h"
#include "subscriber/sub_impl.h"

struct prepare {
    struct c2_ds *ds;
    struct c2_buf name, head, tail;
    struct c2_meta meta;
    struct c2_cachefile *cf;
    int parts;      /* of the mirror still to come */
    bool mirror;    /* head and tail are here */
    bool look_only; /* first pass: is there one already? */
    bool ok;
    struct cat2_error err;
    void (*fn)(void *ctx, const struct cat2_error *err);
    void *ctx;
};

static void finish(struct prepare *p)
{
    if (p->ok) p->ds->cf = p->cf;
    p->fn(p->ctx, p->ok ? NULL : &p->err);
    c2_buf_fini(&p->name);
    c2_buf_fini(&p->head);
    c2_buf_fini(&p->tail);
    c2_meta_fini(&p->meta);
    c2_ds_unref(p->ds);
    free(p);
}

static bool create(struct prepare *p)
{
    int dirfd = p->ds->sub->cachefd;
    const char *rel = c2_buf_cstr(&p->name);
    struct cat2_error why;

    if (!c2_fs_mkparents(dirfd, rel, &p->err)) return false;
    if (p->mirror) {
        if (c2_cachefile_create_mirror(dirfd, rel, p->ds->etag, c2_buf_bytes(&p->head),
                                       c2_buf_bytes(&p->tail), p->ds->layout.frame_len,
                                       p->ds->layout.blocksize, &p->cf, &why))
            return true;
        c2_log_warn("cache: %s cannot be mirrored: %s", rel, why.message);
    }
    return c2_cachefile_create_slots(dirfd, rel, p->ds->etag, &p->meta, &p->cf, &p->err);
}

static void work(void *job, void *local)
{
    struct prepare *p = job;

    (void)local;
    if (!p->look_only)
        p->ok = create(p);
    else
        p->ok = *p->ds->etag &&
                c2_cachefile_open(p->ds->sub->cachefd, c2_buf_cstr(&p->name), p->ds->etag, &p->cf, &p->err);
}

static void ask_parts(struct prepare *p);

static void done(void *job)
{
    struct prepare *p = job;

    if (!p->look_only || p->ok) {
        finish(p);
        return;
    }
    p->look_only = false;
    if (p->ds->modern && p->ds->has_frame)
        ask_parts(p);
    else
        c2_pool_run(p->ds->sub->config.pool, work, done, p);
}

/* ---- head and tail of the publisher's frame ---- */

struct part {
    struct prepare *p;
    struct c2_buf *into;
    int64_t off, n;
};

static void on_part(void *ctx, struct c2_http_reply *reply, const struct cat2_error *err)
{
    struct part *part = ctx;
    struct prepare *p = part->p;

    if (!err && reply->status == 206 && (int64_t)reply->body->n == part->n)
        *part->into = c2_buf_steal(reply->body);
    else if (err && p->err.code != CAT2_ECHANGED)
        p->err = *err;
    else if (!err && reply->status == 412)
        c2_fail(&p->err, CAT2_ECHANGED, "the dataset has just changed at its publisher: ask again");
    free(part);
    if (--p->parts > 0) return;
    p->mirror = p->head.n && p->tail.n;
    if (p->err.code == CAT2_ECHANGED || p->err.code == CAT2_ECANCELLED ||
        (p->err.code == CAT2_EUPSTREAM && !p->mirror)) {
        struct c2_root_state *root = c2_sub_root(p->ds->sub, c2_str_of(p->ds->root));
        if (root && p->err.code == CAT2_ECHANGED) c2_sub_follow(root);
        finish(p);
        return;
    }
    c2_pool_run(p->ds->sub->config.pool, work, done, p);
}

static bool ask_part(struct prepare *p, struct c2_buf *into, int64_t off, int64_t n, struct cat2_error *err)
{
    C2_AUTO(c2_buf) url = C2_BUF_INIT(8192);
    char range[80], match[900];
    const char *headers[] = {range, match, NULL};
    struct part *part = calloc(1, sizeof(*part));

    if (!part) return c2_fail_nomem(err, "request");
    *part = (struct part){p, into, off, n};
    snprintf(range, sizeof(range), "Range: bytes=%" PRId64 "-%" PRId64, off, off + n - 1);
    snprintf(match, sizeof(match), "If-Match: %s", p->ds->match);
    struct c2_http_call call = {.headers = headers, .body_max = (size_t)n, .done = on_part, .ctx = part};
    bool ok = c2_ds_url(p->ds, "frame", &url, err);
    call.url = c2_buf_cstr(&url);
    if (ok && c2_http_start(p->ds->sub->config.http, &call)) return true;
    free(part);
    return ok ? c2_fail_nomem(err, "request") : false;
}

static void ask_parts(struct prepare *p)
{
    const struct c2_frame_layout *l = &p->ds->layout;

    p->err = (struct cat2_error){0};
    p->parts = 1; /* this function's own */
    if (ask_part(p, &p->head, 0, l->header_len, &p->err)) p->parts++;
    if (ask_part(p, &p->tail, l->index_off, l->frame_len - l->index_off, &p->err)) p->parts++;
    if (--p->parts == 0) c2_pool_run(p->ds->sub->config.pool, work, done, p);
}

void c2_upstream_prepare(struct c2_ds *ds, void (*fn)(void *ctx, const struct cat2_error *err), void *ctx)
{
    struct prepare *p = calloc(1, sizeof(*p));

    C2_ASSERT(p);
    *p = (struct prepare){.ds = c2_ds_ref(ds), .look_only = true, .fn = fn, .ctx = ctx};
    c2_buf_init(&p->name, 2048);
    p->ok = c2_ds_cache_name(ds, &p->name, &p->err) && c2_meta_copy(&ds->meta, &p->meta, &p->err);
    c2_pool_run(ds->sub->config.pool, work, done, p);
}
