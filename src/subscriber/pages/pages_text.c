/* SPDX-License-Identifier: BSD-3-Clause */
/* Data for pages: a small selection read in a worker; and markdown, rendered. */
#include <stdlib.h>

#include "subscriber/answer/lookup.h"
#include "subscriber/fetch/ensure.h"
#include "subscriber/mirror/catalog.h"
#include "subscriber/pages/pages.h"
#include "web/assets.h"
#include "web/markdown.h"

#define MARKDOWN_NBYTES_MAX (1 << 20) /* text of one page; a book is less */

struct reading {
    struct c2_ds *ds;
    struct c2_cachefile *cf;
    struct c2_bound bound;
    struct c2_buf items;
    c2_page_read_fn *fn;
    void *ctx;
    int rounds;
    bool ok;
    struct cat2_error err;
};

static void finish(struct reading *r, const struct cat2_error *err)
{
    r->fn(r->ctx, c2_buf_bytes(&r->items), err);
    c2_buf_fini(&r->items);
    c2_cachefile_unref(r->cf);
    c2_ds_unref(r->ds);
    free(r);
}

static void read_work(void *job, void *codec)
{
    struct reading *r = job;
    struct c2_selectable ds = {c2_cachefile_meta(r->cf), c2_cachefile_chunks(r->cf)};
    size_t n = (size_t)(r->bound.nitems * r->ds->meta.dtype.itemsize);

    r->ok = c2_buf_resize(&r->items, n, &r->err) &&
            (n == 0 || c2_select_items(codec, &ds, &r->bound, r->items.p, &r->err));
}

static void on_pieces(void *ctx, const struct cat2_error *err);

static void read_done(void *job)
{
    struct reading *r = job;

    if (!r->ok && r->err.code == CAT2_ENOTFOUND && r->rounds++ < C2_ENSURE_ROUNDS) {
        c2_ensure(r->ds, C2_NEED_BOUND, &r->bound, on_pieces, r);
        return;
    }
    finish(r, r->ok ? NULL : &r->err);
}

static void on_pieces(void *ctx, const struct cat2_error *err)
{
    struct reading *r = ctx;

    if (err) {
        finish(r, err);
        return;
    }
    c2_cachefile_unref(r->cf);
    r->cf = c2_cachefile_ref(r->ds->cf);
    c2_pool_run(r->ds->sub->config.pool, read_work, read_done, r);
}

void c2_page_read(struct c2_ds *ds, const struct c2_bound *bound, c2_page_read_fn *fn, void *ctx)
{
    struct reading *r = calloc(1, sizeof(*r));
    struct cat2_error err = {0};

    if (!r) {
        c2_fail_nomem(&err, "page");
        fn(ctx, (struct c2_bytes){NULL, 0}, &err);
        return;
    }
    *r = (struct reading){.ds = c2_ds_ref(ds), .bound = *bound, .fn = fn, .ctx = ctx};
    c2_buf_init(&r->items, C2_PAGE_NBYTES_MAX);
    if (!c2_codec_supports(&ds->meta.cparams, &r->err))
        finish(r, &r->err);
    else
        c2_ensure(ds, C2_NEED_BOUND, bound, on_pieces, r);
}

/* ---- markdown ---- */

static void on_markdown(void *ctx, struct c2_bytes bytes, const struct cat2_error *failed)
{
    struct c2_request *req = ctx;
    struct c2_buf html = C2_BUF_INIT(16 * MARKDOWN_NBYTES_MAX);
    struct cat2_error err;
    struct c2_html h;

    if (failed) {
        c2_reply_error(req, failed);
        return;
    }
    c2_html_init(&h, &html, &err);
    c2_html(&h, "<div class=\"markdown\">\n");
    c2_markdown((struct c2_str){(const char *)bytes.p, bytes.n}, 0, &h);
    c2_html(&h, "</div>\n");
    if (!h.ok) {
        c2_buf_fini(&html);
        c2_reply_error(req, &err);
        return;
    }
    c2_web_headers(req);
    c2_reply_header(req, "Cache-Control", "no-cache");
    c2_reply_buf(req, 200, "text/html; charset=utf-8", &html);
}

static void markdown(struct c2_request *req, struct c2_ds *ds)
{
    struct c2_slice all = {0};
    struct c2_bound bound;
    struct cat2_error err;

    if (ds->meta.kind != C2_KIND_FILE || ds->meta.grid.shape[0] > MARKDOWN_NBYTES_MAX) {
        c2_reply_detail(req, ds->meta.kind == C2_KIND_FILE ? 413 : 400, "%s is not a text of up to %d bytes",
                        ds->path, MARKDOWN_NBYTES_MAX);
        return;
    }
    if (!c2_slice_bind(&all, ds->meta.grid.shape, ds->meta.grid.ndim, &bound, &err))
        c2_reply_error(req, &err);
    else
        c2_page_read(ds, &bound, on_markdown, req);
}

void c2_handle_markdown(struct c2_request *req, void *state)
{
    c2_sub_with_dataset(req, state, false, markdown);
}

void c2_page_cannot_show(struct c2_html *h, const struct c2_ds *ds, const struct cat2_error *why)
{
    const char *name, *package;
    bool here;

    c2_html(h, "<p class=\"card error\">The data cannot be shown: $", why->message);
    if (why->code == CAT2_EUNSUPPORTED && c2_codec_separate(ds->meta.cparams.codec, &name, &package, &here))
        c2_html(h,
                ". They are compressed by $, which is a package of its own: $. The download gives them as "
                "they are. "
                "To have them decoded here, install the package where the server runs, and start it with "
                "CATERVA2_CODEC_PATH set to the folder of the package's .so file",
                name, package);
    c2_html(h, "</p>\n");
}
