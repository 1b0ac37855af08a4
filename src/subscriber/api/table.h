/* SPDX-License-Identifier: BSD-3-Clause */
/* A window of a table, from its parameters to its JSON. */
#ifndef C2_SUBSCRIBER_API_TABLE_H
#define C2_SUBSCRIBER_API_TABLE_H

#include "base/vec.h"
#include "reduce/cell.h"
#include "reduce/order.h"
#include "reduce/plane.h"
#include "subscriber/answer/view.h"

#define C2_TABLE_ROWS_MAX  10000  /* of one window: no page shows more */
#define C2_TABLE_CELLS_MAX 100000 /* some megabytes of JSON */

/* Bytes that are decoded while, in a pass, a row is looked at; while, at its end, one is sorted; and while a
 * cell of the window is written. */
#define C2_TABLE_ROW_COST  64
#define C2_TABLE_SORT_COST 256
#define C2_TABLE_CELL_COST 256

struct wanted {
    int64_t row, at; /* of the dataset; in the window */
};
struct group {
    int64_t first, n; /* in wanted: rows of one block */
};
struct table {
    bool matrix;
    int64_t itemsize, nrows;
    struct c2_slice rows; /* A:B, bound when it is known how many there are */
    struct {
        C2_VEC(struct c2_column);
    } columns;
    struct c2_bound whole; /* all rows; the window of a matrix */
    /* sorted, filtered */
    struct c2_order order;
    struct c2_buf index_key; /* empty: neither */
    struct c2_blob *index;   /* uint32_t row numbers */
    bool built;
    struct c2_select_parts parts;
    int64_t nbuild; /* stages before the window's */
    /* the window */
    int64_t total, first, count;
    struct wanted *wanted;
    struct group *groups;
    int64_t ngroups;
    struct c2_buf part, items;
    /* matrix */
    struct c2_plane_axes axes;
    int64_t ncols, first_col;
    char field[300]; /* of structures: whose numbers; "" */
};

/** The parameters into view->state, a struct table or what begins with one. */
bool c2_table_parse(struct c2_view *view, struct cat2_error *err);
/* Finding the rows, in stages [0, t->nbuild): afterwards t->index has them. There are none without sort and
 * where, or where another request has found them. */
/** Loop. Do they have to be found? */
bool c2_table_is_heavy(struct c2_view *view);
/** Into t->nbuild, and view->nparts where there are some. */
bool c2_table_size(struct c2_view *view, struct cat2_error *err);
bool c2_table_build(struct table *t, const struct c2_reading *reading, int64_t i, struct cat2_error *err);
int64_t c2_table_build_extra(const struct table *t, int64_t i);
void c2_table_end(struct c2_view *view); /* other requests find them */
void c2_table_fini(void *state);
/** Rows [first, first + count) of those that were found are asked for. */
bool c2_table_rows(struct table *t, struct cat2_error *err);
bool c2_table_json(const struct table *t, const struct c2_ds *ds, struct c2_buf *out, struct cat2_error *err);

#endif
