/* SPDX-License-Identifier: BSD-3-Clause */
/* Data for pages: a small selection read in a worker; and markdown, rendered. */
#include <stdio.h>
#include <stdlib.h>

#include "subscriber/answer/lookup.h"
#include "subscriber/fetch/read.h"
#include "subscriber/mirror/roots.h"
#include "subscriber/pages/pages.h"
#include "web/assets.h"
#include "web/markdown.h"

#define MARKDOWN_NBYTES_MAX (1 << 20)   /* text of one page; a book is less */
#define MARKDOWN_WEIGHT     64          /* rendering takes so many times longer than decoding */
#define BELOW_NBYTES_MAX    (256 << 10) /* of a text below a listing */

struct selection {
    struct c2_ds *ds;
    struct c2_read read;
    struct c2_bound bound;
    struct c2_buf items;
    bool rendered; /* as markdown: */
    int deeper;
    char *path, *base;
    c2_page_read_fn *fn;
    void *ctx;
};

/* The bytes become HTML. */
static bool render(struct selection *s, struct cat2_error *err)
{
    struct c2_buf html = C2_BUF_INIT(C2_PAGE_NBYTES_MAX);
    struct c2_html h;

    c2_html_init(&h, &html, err);
    h.base = s->base;
    c2_html(&h, "<div class=\"markdown\">\n");
    c2_markdown(c2_buf_str(&s->items), s->deeper, s->path, &h);
    c2_html(&h, "</div>\n");
    c2_buf_fini(&s->items);
    s->items = html;
    return h.ok;
}

static bool read_work(void *ctx, const struct c2_reading *reading, struct cat2_error *err)
{
    struct selection *s = ctx;

    c2_buf_clear(&s->items); /* of a try before */
    return c2_read_items(reading, &s->bound, &s->items, err) && (!s->rendered || render(s, err));
}

static void selection_free(struct selection *s)
{
    c2_buf_fini(&s->items);
    c2_ds_unref(s->ds);
    free(s->path);
    free(s->base);
    free(s);
}

static void read_done(void *ctx, const struct cat2_error *err)
{
    struct selection *s = ctx;

    s->fn(s->ctx, c2_buf_bytes(&s->items), err);
    selection_free(s);
}

static struct selection *new_selection(struct c2_ds *ds, const struct c2_bound *bound, c2_page_read_fn *fn,
                                       void *ctx)
{
    struct selection *s = calloc(1, sizeof(*s));

    if (!s) return NULL;
    *s = (struct selection){.ds = c2_ds_ref(ds), .bound = *bound, .fn = fn, .ctx = ctx};
    c2_buf_init(&s->items, C2_PAGE_NBYTES_MAX);
    return s;
}

static void start(struct selection *s, int32_t weight)
{
    static const struct c2_reader reader = {.work = read_work, .done = read_done};
    struct c2_pieces pieces = {.need = C2_NEED_BOUND, .bound = &s->bound, .weight = weight};

    c2_read(&s->read, s->ds, &pieces, &reader, s);
}

void c2_page_read(struct c2_ds *ds, const struct c2_bound *bound, c2_page_read_fn *fn, void *ctx)
{
    struct cat2_error err = {0};
    bool ok = c2_codec_supports(&ds->meta->cparams, &err);
    struct selection *s = ok ? new_selection(ds, bound, fn, ctx) : NULL;

    if (s) {
        start(s, 1);
        return;
    }
    if (ok) c2_fail_nomem(&err, "page");
    fn(ctx, (struct c2_bytes){NULL, 0}, &err);
}

void c2_page_read_markdown(struct c2_ds *ds, const struct c2_bound *bound, int deeper, const char *base,
                           c2_page_read_fn *fn, void *ctx)
{
    C2_AUTO(c2_buf) path = C2_BUF_INIT(2 * C2_PATH_MAX);
    struct cat2_error err = {0};
    bool ok = c2_codec_supports(&ds->meta->cparams, &err) &&
              c2_buf_printf(&path, &err, "%s/%s", ds->root, ds->path);
    struct selection *s = ok ? new_selection(ds, bound, fn, ctx) : NULL;

    if (s) {
        s->rendered = true;
        s->deeper = deeper;
        s->path = c2_str_dup(c2_buf_str(&path));
        s->base = c2_str_dup(c2_str_of(base ? base : ""));
    }
    if (s && s->path && s->base) {
        start(s, MARKDOWN_WEIGHT);
        return;
    }
    if (s) selection_free(s);
    if (ok) c2_fail_nomem(&err, "page");
    fn(ctx, (struct c2_bytes){NULL, 0}, &err);
}

/* ---- markdown ---- */

/* The first bytes of a file. */
static struct c2_bound first_bytes(const struct c2_ds *ds, int64_t max)
{
    int64_t n = c2_min_i64(max, ds->meta->grid.shape[0]);

    return (struct c2_bound){.ndim = 1,
                             .axes = {{.step = 1, .count = n}},
                             .out_ndim = 1,
                             .out_shape = {n},
                             .nitems = n,
                             .whole = n == ds->meta->grid.shape[0]};
}

static void on_markdown(void *ctx, struct c2_bytes html, const struct cat2_error *failed)
{
    struct c2_request *req = ctx;
    struct c2_buf out = C2_BUF_INIT(C2_PAGE_NBYTES_MAX);
    struct cat2_error err;

    if (failed || !c2_buf_append(&out, html.p, html.n, &err)) {
        c2_reply_error(req, failed ? failed : &err);
        return;
    }
    c2_web_content_headers(req);
    c2_reply_header(req, "Cache-Control", "no-cache");
    c2_reply_buf(req, 200, "text/html; charset=utf-8", &out);
}

static void markdown(struct c2_request *req, struct c2_ds *ds)
{
    if (ds->meta->kind != C2_KIND_FILE || ds->meta->grid.shape[0] > MARKDOWN_NBYTES_MAX) {
        c2_reply_detail(req, ds->meta->kind == C2_KIND_FILE ? 413 : 400, "%s is not a text of up to %d bytes",
                        ds->path, MARKDOWN_NBYTES_MAX);
        return;
    }
    struct c2_bound all = first_bytes(ds, MARKDOWN_NBYTES_MAX);
    c2_page_read_markdown(ds, &all, 0, c2_request_prefix(req), on_markdown,
                          req); /* into pages at any depth */
}

void c2_handle_markdown(struct c2_request *req, void *state)
{
    c2_sub_with_dataset(req, state, false, markdown);
}

/* ---- a text below a page ---- */

struct below {
    struct c2_page *page; /* NULL: it has been sent */
    struct c2_ds *ds;
    struct c2_timer *patience;
};

static void below_begin(struct below *b)
{
    c2_html(&b->page->h, "<section id=\"readme\" aria-label=\"$\">\n", c2_path_name(b->ds->path));
}

static void below_end(struct below *b)
{
    c2_html(&b->page->h, "</section>\n");
    c2_page_end(b->page, 200);
    b->page = NULL;
}

static void on_late(void *ctx)
{
    struct below *b = ctx;

    b->patience = NULL;
    below_begin(b);
    c2_html(&b->page->h, "<p class=\"card\"><a href=\"/roots/~/~\">$</a> is being fetched.</p>\n",
            b->ds->root, b->ds->path, b->ds->path);
    below_end(b);
}

static void on_below(void *ctx, struct c2_bytes html, const struct cat2_error *failed)
{
    struct below *b = ctx;

    c2_timer_stop(b->patience);
    if (b->page) {
        below_begin(b);
        if (failed)
            c2_page_cannot_show(&b->page->h, b->ds, failed);
        else
            c2_html_made(&b->page->h, (struct c2_str){(const char *)html.p, html.n});
        below_end(b);
    }
    c2_ds_unref(b->ds);
    free(b);
}

void c2_page_end_with(struct c2_page *page, struct c2_ds *text)
{
    struct c2_bound first = first_bytes(text, BELOW_NBYTES_MAX);
    struct below *b = calloc(1, sizeof(*b));

    if (!b) {
        c2_page_end(page, 200);
        return;
    }
    b->page = page;
    b->ds = c2_ds_ref(text);
    b->patience = c2_timer_start(page->sub->config.loop, C2_PAGE_PATIENCE_MS, 0, on_late, b);
    c2_page_read_markdown(text, &first, 1, page->h.base, on_below, b);
}

void c2_page_cannot_show(struct c2_html *h, const struct c2_ds *ds, const struct cat2_error *why)
{
    const struct c2_codec_name *codec = c2_codec_of_id(ds->meta->cparams.codec);

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
