/* SPDX-License-Identifier: BSD-3-Clause */
/* GET /api/fetch?format=csv: a line a row. */
#include <stdlib.h>

#include "ndim/print.h"
#include "subscriber/answer/disposition.h"
#include "subscriber/answer/stream.h"
#include "subscriber/api/api.h"
#include "subscriber/mirror/catalog.h"

#define PART_NBYTES (1 << 20) /* of items; the text may be several times that */
#define NAMES_MAX   (1 << 20)

struct csv {
    struct c2_ds *ds;
    struct c2_bound bound;
    struct c2_select_parts parts;
    const struct c2_field *fields; /* of a line, or the item as the only one */
    int nfields;
    struct c2_field item;
    bool named;  /* the first line has the fields' names */
    int axis;    /* of the dataset, along lines; -1: an item a line */
    int64_t row; /* cells of a line */
};

static void csv_free(void *ctx)
{
    struct csv *c = ctx;

    c2_ds_unref(c->ds);
    free(c);
}

/* ---- text ---- */

static bool put_names(const struct csv *c, struct c2_buf *out, struct cat2_error *err)
{
    bool ok = true;

    for (int i = 0; ok && i < c->nfields; i++)
        ok = (i == 0 || c2_buf_putc(out, ',', err)) &&
             c2_print_csv_text(c2_str_of(c->fields[i].name), out, err);
    return ok && c2_buf_puts(out, "\r\n", err);
}

static bool put_item(const struct csv *c, const uint8_t *item, struct c2_buf *out, struct cat2_error *err)
{
    bool ok = true;

    for (int i = 0; ok && i < c->nfields; i++)
        ok = (i == 0 || c2_buf_putc(out, ',', err)) &&
             c2_print_csv_field(&c->fields[i], item + c->fields[i].offset, out, err);
    return ok;
}

/* Cells of its line before the first of a part. */
static int64_t cells_before(const struct csv *c, const struct c2_bound *part)
{
    if (c->axis < 0) return 0;
    const struct c2_axis_sel *sel = &c->bound.axes[c->axis];
    return (part->axes[c->axis].start - sel->start) / sel->step;
}

static bool part_make(void *ctx, struct c2_codec *codec, const struct c2_selectable *ds, int64_t i,
                      struct c2_buf *out, struct cat2_error *err)
{
    const struct csv *c = ctx;
    struct c2_bound part = c2_select_part(&c->parts, i);
    size_t itemsize = (size_t)c->ds->meta.dtype.itemsize, nbytes = (size_t)part.nitems * itemsize;
    C2_AUTO(c2_buf) items = C2_BUF_INIT(nbytes);
    int64_t at = cells_before(c, &part);

    if (!c2_buf_resize(&items, nbytes, err) || (nbytes && !c2_select_items(codec, ds, &part, items.p, err)))
        return false;
    for (int64_t k = 0; k < part.nitems; k++) {
        at = (at + 1) % c->row;
        if (!put_item(c, items.p + (size_t)k * itemsize, out, err) ||
            !c2_buf_puts(out, at ? "," : "\r\n", err))
            return false;
    }
    return true;
}

static void csv_heads(void *ctx, struct c2_request *req)
{
    const struct csv *c = ctx;

    c2_reply_header(req, "ETag", c->ds->quoted);
    c2_sub_download_reply(req, c->ds, "csv");
}

/* ---- the request ---- */

static bool csv_parse(const struct c2_request *req, struct csv *c, struct cat2_error *err)
{
    const struct c2_meta *meta = &c->ds->meta;
    struct c2_slice slice;

    if (!c2_slice_parse(c2_view_slice(req), &slice, err) ||
        !c2_slice_bind(&slice, meta->grid.shape, meta->grid.ndim, &c->bound, err))
        return false;
    int ndim = c->bound.out_ndim;
    c->item = (struct c2_field){.type = meta->dtype, .nbytes = meta->dtype.itemsize};
    c->fields = &c->item;
    c->nfields = 1;
    c->row = ndim > 1 ? c2_max_i64(1, c->bound.out_shape[ndim - 1]) : 1;
    for (c->axis = ndim > 1 ? c->bound.ndim - 1 : -1; c->axis >= 0 && c->bound.axes[c->axis].dropped;)
        c->axis--;
    if (meta->dtype.nfields && ndim <= 1) { /* a column a field */
        c->fields = meta->dtype.fields;
        c->nfields = meta->dtype.nfields;
        c->named = true;
    }
    c2_select_plan(meta, &c->bound, PART_NBYTES, &c->parts);
    return c2_codec_supports(&meta->cparams, err);
}

void c2_fetch_csv(struct c2_request *req, struct c2_ds *ds)
{
    static const struct c2_stream_ops ops = {
        .make = part_make, .heads = csv_heads, .free = csv_free, .again = c2_fetch_csv};
    C2_AUTO(c2_buf) head = C2_BUF_INIT(NAMES_MAX);
    struct cat2_error err;

    if (c2_view_settled(req, ds)) return;
    struct csv *c = calloc(1, sizeof(*c));
    if (!c) {
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    c->ds = c2_ds_ref(ds);
    if (!csv_parse(req, c, &err) || (c->named && !put_names(c, &head, &err))) {
        c2_reply_error(req, &err);
        csv_free(c);
        return;
    }
    struct c2_stream stream = {.ops = &ops,
                               .ctx = c,
                               .parts = &c->parts,
                               .length = -1,
                               .content_type = "text/csv; charset=utf-8",
                               .head = c2_buf_steal(&head)};
    c2_stream_start(req, ds, &stream);
}
