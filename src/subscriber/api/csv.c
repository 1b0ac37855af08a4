/* SPDX-License-Identifier: BSD-3-Clause */
/* GET /api/fetch?format=csv: a line a row. */
#include "ndim/print.h"
#include "subscriber/api/api.h"

#define PART_NBYTES (1 << 20) /* of items; the text may be several times that */
#define NAMES_MAX   (1 << 20) /* the line of field names; a dtype's text is shorter */

struct csv {
    struct c2_bound bound;
    const struct c2_field *fields; /* of a line, or the item as the only one */
    int nfields;
    struct c2_field item;
    int axis;    /* of the dataset, along lines; -1: an item a line */
    int64_t row; /* cells of a line */
};

/* ---- text ---- */

/* Cells of its line before the first of a part. */
static int64_t cells_before(const struct csv *c, const struct c2_bound *part)
{
    if (c->axis < 0) return 0;
    const struct c2_axis_sel *sel = &c->bound.axes[c->axis];
    return (part->axes[c->axis].start - sel->start) / sel->step;
}

static bool csv_run(struct c2_view *view, const struct c2_reading *reading, int64_t i, struct c2_buf *out,
                    struct cat2_error *err)
{
    const struct csv *c = view->state;
    struct c2_bound part = c2_select_part(&view->parts, i);
    size_t itemsize = (size_t)view->ds->meta->dtype.itemsize, nbytes = (size_t)part.nitems * itemsize;
    C2_AUTO(c2_buf) items = C2_BUF_INIT(nbytes);
    int64_t at = cells_before(c, &part);

    if (!c2_read_items(reading, &part, &items, err)) return false;
    for (int64_t k = 0; k < part.nitems; k++) {
        if (k % 1024 == 0 && c2_cancelled(err)) return false;
        at = (at + 1) % c->row;
        if (!c2_print_csv_item(c->fields, c->nfields, items.p + (size_t)k * itemsize, out, err) ||
            !c2_buf_puts(out, at ? "," : "\r\n", err))
            return false;
    }
    return true;
}

static bool csv_heads(struct c2_view *view, struct cat2_error *err)
{
    return c2_view_download(view, "csv", err);
}

static bool csv_parse(struct c2_view *view, struct cat2_error *err)
{
    struct csv *c = view->state;
    const struct c2_dtype *dtype = &view->ds->meta->dtype;

    if (!c2_view_slice(view, &c->bound, err)) return false;
    int ndim = c->bound.out_ndim;
    c->item = (struct c2_field){.type = *dtype, .nbytes = dtype->itemsize};
    c->fields = &c->item;
    c->nfields = 1;
    c->row = ndim > 1 ? c2_max_i64(1, c->bound.out_shape[ndim - 1]) : 1;
    for (c->axis = ndim > 1 ? c->bound.ndim - 1 : -1; c->axis >= 0 && c->bound.axes[c->axis].dropped;)
        c->axis--;
    c2_view_select(view, &c->bound, PART_NBYTES);
    view->content_type = "text/csv; charset=utf-8";
    if (dtype->nfields == 0 || ndim > 1) return true;
    c->fields = dtype->fields; /* a column a field, and the first line has their names */
    c->nfields = dtype->nfields;
    c2_buf_init(&view->head, NAMES_MAX);
    return c2_print_csv_names(c->fields, c->nfields, &view->head, err);
}

const struct c2_view_type c2_csv_view = {.state_nbytes = sizeof(struct csv),
                                         .parse = csv_parse,
                                         .run = csv_run,
                                         .heads = csv_heads,
                                         .weight = 24,
                                         .growth = 6};
