/* SPDX-License-Identifier: BSD-3-Clause */
/* GET /api/fetch?format=csv: a line a row, made part by part while the socket drains. */
#include <stdlib.h>

#include "base/log.h"
#include "ndim/print.h"
#include "subscriber/view_impl.h"

#define PART_NBYTES (1 << 20) /* of items; the text may be several times that */
#define TEXT_MAX    ((size_t)1 << 30)

struct csv {
    struct c2_request *req;
    struct c2_ds *ds;
    struct c2_cachefile *cf;
    struct c2_bound bound;
    struct c2_select_parts parts;
    const struct c2_field *fields; /* of a line, or the item as the only one */
    int nfields;
    struct c2_field item;
    int64_t row, at; /* cells of a line, cells written */
    int64_t next;    /* part */
    struct c2_buf text;
    size_t sent;
    bool head, busy, gone, failed;
    struct cat2_error err;
};

static void csv_free(struct csv *c)
{
    c2_buf_fini(&c->text);
    c2_cachefile_unref(c->cf);
    c2_ds_unref(c->ds);
    free(c);
}

/* ---- text; workers ---- */

static bool put_names(struct csv *c, struct cat2_error *err)
{
    bool ok = true;

    for (int i = 0; ok && i < c->nfields; i++)
        ok = (i == 0 || c2_buf_putc(&c->text, ',', err)) &&
             c2_print_csv_text(c2_str_of(c->fields[i].name), &c->text, err);
    return ok && c2_buf_puts(&c->text, "\r\n", err);
}

static bool put_items(struct csv *c, const uint8_t *items, int64_t n, struct cat2_error *err)
{
    bool ok = true;

    for (int64_t k = 0; ok && k < n; k++, items += c->ds->meta.dtype.itemsize) {
        for (int i = 0; ok && i < c->nfields; i++)
            ok = (i == 0 || c2_buf_putc(&c->text, ',', err)) &&
                 c2_print_csv_field(&c->fields[i], items + c->fields[i].offset, &c->text, err);
        c->at = (c->at + 1) % c->row;
        ok = ok && c2_buf_puts(&c->text, c->at ? "," : "\r\n", err);
    }
    return ok;
}

static void part_work(void *job, void *codec)
{
    struct csv *c = job;
    struct c2_selectable ds = {c2_cachefile_meta(c->cf), c2_cachefile_chunks(c->cf)};
    struct c2_bound bound = c2_select_part(&c->parts, c->next);
    size_t n = (size_t)(bound.nitems * c->ds->meta.dtype.itemsize);
    C2_AUTO(c2_buf) items = C2_BUF_INIT(n);

    c->text.n = c->sent = 0;
    c->failed = (c->head && !put_names(c, &c->err)) || !c2_buf_resize(&items, n, &c->err) ||
                (n && !c2_select_items(codec, &ds, &bound, items.p, &c->err)) ||
                !put_items(c, items.p, bound.nitems, &c->err);
    c->head = false;
    c->next++;
}

/* ---- the body ---- */

static void part_done(void *job)
{
    struct csv *c = job;

    c->busy = false;
    if (c->failed) c2_log_warn("dataset root=%s path=%s: %s", c->ds->root, c->ds->path, c->err.message);
    if (c->gone)
        csv_free(c);
    else
        c2_body_wake(c->req);
}

static void on_pieces(void *ctx, const struct cat2_error *err)
{
    struct csv *c = ctx;

    if (!err && !c->gone) {
        c2_pool_run(c->ds->sub->config.pool, part_work, part_done, c);
        return;
    }
    c->failed = true;
    if (err) c->err = *err;
    part_done(c);
}

static int64_t csv_pull(void *ctx, uint8_t *to, size_t room)
{
    struct csv *c = ctx;
    size_t n = c->text.n - c->sent;

    if (c->busy) return C2_BODY_WAIT;
    if (c->failed) return C2_BODY_FAIL;
    if (n == 0 && c->next == c->parts.nparts) return C2_BODY_END;
    if (n == 0) {
        struct c2_bound bound = c2_select_part(&c->parts, c->next);
        c->busy = true;
        c2_ensure(c->ds, C2_NEED_BOUND, &bound, on_pieces, c);
        return C2_BODY_WAIT;
    }
    if (n > room) n = room;
    memcpy(to, c->text.p + c->sent, n);
    c->sent += n;
    return (int64_t)n;
}

static void csv_close(void *ctx)
{
    struct csv *c = ctx;

    c->gone = true;
    if (!c->busy) csv_free(c);
}

/* ---- the request ---- */

/* The first part has been made: what cannot be had was told before the status. */
static void first_done(void *job)
{
    struct csv *c = job;

    if (c->failed) {
        if (c->err.code == CAT2_ENOTFOUND) c->err.http_status = 503; /* evicted between fetch and use */
        c2_reply_error(c->req, &c->err);
        csv_free(c);
        return;
    }
    struct c2_body body = {csv_pull, csv_close, c};
    c2_reply_header(c->req, "ETag", c->ds->quoted);
    c2_sub_download_reply(c->req, c->ds, "csv");
    c2_reply_body(c->req, 200, "text/csv; charset=utf-8", -1, &body);
}

static void on_first_pieces(void *ctx, const struct cat2_error *err)
{
    struct csv *c = ctx;

    if (!err) {
        c->cf = c2_cachefile_ref(c->ds->cf);
        c2_pool_run(c->ds->sub->config.pool, part_work, first_done, c);
        return;
    }
    struct c2_ds *ds = c2_ds_ref(c->ds);
    struct c2_request *req = c->req;
    csv_free(c);
    c2_sub_answer_error(req, ds, err, false, c2_fetch_csv);
    c2_ds_unref(ds);
}

static bool csv_parse(struct csv *c, struct cat2_error *err)
{
    const struct c2_meta *meta = &c->ds->meta;
    struct c2_slice slice;

    if (!c2_slice_parse(c2_view_slice(c->req), &slice, err) ||
        !c2_slice_bind(&slice, meta->grid.shape, meta->grid.ndim, &c->bound, err))
        return false;
    int ndim = c->bound.out_ndim;
    c->item = (struct c2_field){.type = meta->dtype, .nbytes = meta->dtype.itemsize};
    c->fields = &c->item;
    c->nfields = 1;
    c->row = ndim > 1 ? c2_max_i64(1, c->bound.out_shape[ndim - 1]) : 1;
    if (meta->dtype.nfields && ndim <= 1) { /* a column a field */
        c->fields = meta->dtype.fields;
        c->nfields = meta->dtype.nfields;
        c->head = true;
    }
    c2_select_plan(meta, &c->bound, PART_NBYTES, &c->parts);
    return c2_codec_supports(&meta->cparams, err);
}

void c2_fetch_csv(struct c2_request *req, struct c2_ds *ds)
{
    struct cat2_error err;

    if (c2_view_settled(req, ds)) return;
    struct csv *c = calloc(1, sizeof(*c));
    if (!c) {
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    *c = (struct csv){.req = req, .ds = c2_ds_ref(ds), .text = C2_BUF_INIT(TEXT_MAX)};
    if (!csv_parse(c, &err)) {
        c2_reply_error(req, &err);
        csv_free(c);
        return;
    }
    struct c2_bound first = c2_select_part(&c->parts, 0);
    c2_ensure(ds, C2_NEED_BOUND, &first, on_first_pieces, c);
}
