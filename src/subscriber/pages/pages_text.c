/* SPDX-License-Identifier: BSD-3-Clause */
/* Data for pages: a small selection read in a worker; and markdown, rendered. */
#include <stdlib.h>

#include "subscriber/answer/lookup.h"
#include "subscriber/fetch/read.h"
#include "subscriber/mirror/roots.h"
#include "subscriber/pages/pages.h"
#include "web/assets.h"
#include "web/markdown.h"

#define MARKDOWN_NBYTES_MAX (1 << 20) /* text of one page; a book is less */

struct selection {
    struct c2_ds *ds;
    struct c2_read read;
    struct c2_bound bound;
    struct c2_buf items;
    c2_page_read_fn *fn;
    void *ctx;
};

static bool read_work(void *ctx, const struct c2_reading *reading, struct cat2_error *err)
{
    struct selection *s = ctx;

    c2_buf_clear(&s->items); /* of a try before */
    return c2_read_items(reading, &s->bound, &s->items, err);
}

static void read_done(void *ctx, const struct cat2_error *err)
{
    struct selection *s = ctx;

    s->fn(s->ctx, c2_buf_bytes(&s->items), err);
    c2_buf_fini(&s->items);
    c2_ds_unref(s->ds);
    free(s);
}

void c2_page_read(struct c2_ds *ds, const struct c2_bound *bound, c2_page_read_fn *fn, void *ctx)
{
    static const struct c2_reader reader = {.work = read_work, .done = read_done};
    struct c2_pieces pieces = {.need = C2_NEED_BOUND, .bound = bound};
    struct cat2_error err = {0};
    struct selection *s = NULL;

    if (c2_codec_supports(&ds->meta.cparams, &err)) {
        s = calloc(1, sizeof(*s));
        if (!s) c2_fail_nomem(&err, "page");
    }
    if (!s) {
        fn(ctx, (struct c2_bytes){NULL, 0}, &err);
        return;
    }
    s->ds = c2_ds_ref(ds);
    s->bound = *bound;
    s->fn = fn;
    s->ctx = ctx;
    c2_buf_init(&s->items, C2_PAGE_NBYTES_MAX);
    c2_read(&s->read, ds, &pieces, &reader, s);
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
    c2_web_content_headers(req);
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
    const struct c2_codec_name *codec = c2_codec_of_id(ds->meta.cparams.codec);

    c2_html(h, "<p class=\"card error\">The data cannot be shown: $", why->message);
    if (why->code == CAT2_EUNSUPPORTED && codec && codec->package)
        c2_html(h,
                ". They are compressed by $, which is a package of its own: $. The download gives them as "
                "they are. "
                "To have them decoded here, install the package where the server runs, and start it with "
                "CATERVA2_CODEC_PATH set to the folder of the package's .so file",
                codec->name, codec->package);
    c2_html(h, "</p>\n");
}
