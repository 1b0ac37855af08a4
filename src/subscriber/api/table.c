/* SPDX-License-Identifier: BSD-3-Clause */
/* GET /api/table: a window of rows. With sort or where, the row numbers are found first, in passes over all
 * rows, and kept for the next windows; then the rows of the window are read, block by block. */
#include <stdlib.h>

#include "subscriber/api/api.h"
#include "subscriber/api/table.h"

#define ITEMS_NBYTES (64 << 20) /* of one window */

void c2_table_fini(void *state)
{
    struct table *t = state;

    for (size_t i = 0; i < t->columns.n; i++)
        c2_column_fini(&t->columns.p[i]);
    c2_vec_fini(&t->columns);
    c2_order_fini(&t->order);
    c2_blob_unref(t->index);
    c2_buf_fini(&t->index_key);
    c2_buf_fini(&t->part);
    c2_buf_fini(&t->items);
    free(t->wanted);
    free(t->groups);
}

/* ---- which rows ---- */

static int by_row(const void *left, const void *right)
{
    const struct wanted *a = left, *b = right;

    return (a->row > b->row) - (a->row < b->row);
}

static int64_t block_of(const struct c2_grid *grid, int64_t row)
{
    int64_t chunk = c2_max_i64(1, grid->chunks[0]), block = c2_max_i64(1, grid->blocks[0]);

    return row / chunk * c2_div_ceil(chunk, block) + row % chunk / block;
}

/* Rows of one block are read together. */
static bool make_groups(struct table *t, const struct c2_grid *grid, struct cat2_error *err)
{
    const uint32_t *index = t->index ? (const uint32_t *)(const void *)t->index->bytes.p : NULL;

    t->wanted = calloc((size_t)t->count + 1, sizeof(*t->wanted));
    t->groups = calloc((size_t)t->count + 1, sizeof(*t->groups));
    if (!t->wanted || !t->groups) return c2_fail_nomem(err, "rows");
    for (int64_t i = 0; i < t->count; i++)
        t->wanted[i] = (struct wanted){index ? index[t->first + i] : t->first + i, i};
    if (index) qsort(t->wanted, (size_t)t->count, sizeof(*t->wanted), by_row);
    for (int64_t i = 0; i < t->count; i++) {
        bool joins = t->ngroups > 0 &&
                     (!index || block_of(grid, t->wanted[i].row) == block_of(grid, t->wanted[i - 1].row));
        if (!joins) t->groups[t->ngroups++].first = i;
        t->groups[t->ngroups - 1].n++;
    }
    return true;
}

/* Rows that were found anywhere: a block each. */
static int64_t window_work(const struct table *t, const struct c2_grid *grid)
{
    int64_t block = c2_max_i64(1, grid->block_items) * t->itemsize, work;

    if (!t->index) return 1;
    return c2_mul_i64(t->ngroups, block, &work) ? c2_max_i64(1, work) : INT64_MAX;
}

bool c2_table_rows(struct table *t, struct cat2_error *err)
{
    struct c2_bound rows;

    t->total = t->index ? (int64_t)(t->index->bytes.n / sizeof(uint32_t)) : t->nrows;
    if (!c2_slice_bind(&t->rows, &t->total, 1, &rows, err)) return false;
    t->first = rows.axes[0].start;
    t->count = rows.axes[0].count;
    return true;
}

static bool plan_window(struct c2_view *view, struct cat2_error *err)
{
    struct table *t = view->state;
    int64_t nbytes;

    if (!c2_table_rows(t, err)) return false;
    if (t->count > C2_TABLE_ROWS_MAX)
        return c2_fail(err, CAT2_ELIMIT, "a window has up to %d rows", C2_TABLE_ROWS_MAX);
    if (!c2_mul_i64(t->count, t->itemsize, &nbytes) || nbytes > ITEMS_NBYTES)
        return c2_fail(err, CAT2_ELIMIT, "the rows of a window may have %d bytes", ITEMS_NBYTES);
    c2_buf_init(&t->items, ITEMS_NBYTES);
    if (!c2_buf_resize(&t->items, (size_t)nbytes, err) || !make_groups(t, &view->ds->meta->grid, err))
        return false;
    view->nparts = t->nbuild + t->ngroups;
    return c2_view_work_is_allowed(view, window_work(t, &view->ds->meta->grid), err);
}

static struct c2_bound group_bound(const struct table *t, const struct group *group)
{
    int64_t first = t->wanted[group->first].row, last = t->wanted[group->first + group->n - 1].row;

    return t->whole.ndim == 0 ? t->whole : c2_bound_part(&t->whole, 0, first, last + 1 - first);
}

static bool read_items(struct table *t, const struct c2_reading *reading, const struct c2_bound *bound,
                       struct cat2_error *err)
{
    c2_buf_clear(&t->part);
    return c2_read_items(reading, bound, &t->part, err);
}

static bool read_group(struct table *t, const struct c2_reading *reading, const struct group *group,
                       struct cat2_error *err)
{
    struct c2_bound bound = group_bound(t, group);

    if (!read_items(t, reading, &bound, err)) return false;
    for (int64_t i = group->first; i < group->first + group->n; i++)
        memcpy(t->items.p + t->wanted[i].at * t->itemsize,
               t->part.p + (t->wanted[i].row - t->wanted[group->first].row) * t->itemsize,
               (size_t)t->itemsize);
    return true;
}

/* ---- passes over all rows ---- */

static bool finish_index(struct table *t, struct cat2_error *err)
{
    struct c2_buf rows = C2_BUF_INIT((size_t)C2_ORDER_ROWS_MAX * sizeof(uint32_t));

    if (!c2_order_finish(&t->order, &rows, err)) return false;
    t->index = c2_blob_new(&rows);
    c2_buf_fini(&rows);
    c2_order_fini(&t->order); /* here: megabytes that are given back take the loop a while */
    t->built = true;
    return t->index || c2_fail_nomem(err, "rows");
}

bool c2_table_build(struct table *t, const struct c2_reading *reading, int64_t i, struct cat2_error *err)
{
    int64_t part = i % t->parts.nparts;
    struct c2_bound bound = c2_select_part(&t->parts, part);

    if (!read_items(t, reading, &bound, err) ||
        !c2_order_take(&t->order, bound.axes[0].start, t->part.p, bound.nitems, err))
        return false;
    if (part + 1 < t->parts.nparts) return true;
    if (!c2_order_end_pass(&t->order, err)) return false;
    return i + 1 < t->nbuild || finish_index(t, err);
}

static bool build(struct c2_view *view, const struct c2_reading *reading, int64_t i, struct cat2_error *err)
{
    struct table *t = view->state;

    return c2_table_build(t, reading, i, err) && (i + 1 < t->nbuild || plan_window(view, err));
}

/* ---- tables ---- */

bool c2_table_is_heavy(struct c2_view *view)
{
    struct table *t = view->state;

    if (t->index_key.n == 0) return false;
    struct c2_blob *blob = c2_lru_get(view->ds->sub->views->orders, c2_buf_str(&t->index_key), NULL);
    if (blob) t->index = c2_blob_ref(blob);
    return !blob;
}

bool c2_table_size(struct c2_view *view, struct cat2_error *err)
{
    struct table *t = view->state;

    c2_buf_init(&t->part, (size_t)C2_CHUNK_CBYTES_MAX);
    if (t->index_key.n == 0 || t->index) return true;
    if (!c2_order_begin(&t->order, err)) return false;
    c2_select_plan(view->ds->meta, &t->whole, C2_VIEW_PART_NBYTES, &t->parts);
    t->nbuild = c2_order_npasses(&t->order) * t->parts.nparts;
    view->nparts = t->nbuild;
    return t->nbuild > 0 || finish_index(t, err);
}

static bool size_matrix(struct table *t, struct cat2_error *err)
{
    c2_buf_init(&t->items, ITEMS_NBYTES);
    if (t->whole.nitems > ITEMS_NBYTES / c2_max_i64(1, t->itemsize))
        return c2_fail(err, CAT2_ELIMIT, "the cells of a window may have %d bytes", ITEMS_NBYTES);
    return c2_buf_resize(&t->items, (size_t)(t->whole.nitems * t->itemsize), err);
}

static bool table_size(struct c2_view *view, const struct c2_reading *reading, struct cat2_error *err)
{
    struct table *t = view->state;

    (void)reading;
    if (t->matrix) return size_matrix(t, err);
    return c2_table_size(view, err) && (t->nbuild > 0 || plan_window(view, err));
}

static bool table_bound(struct c2_view *view, int64_t i, struct c2_bound *out)
{
    const struct table *t = view->state;

    *out = t->matrix       ? t->whole
           : i < t->nbuild ? c2_select_part(&t->parts, i % t->parts.nparts)
                           : group_bound(t, &t->groups[i - t->nbuild]);
    return true;
}

int64_t c2_table_build_extra(const struct table *t, int64_t i)
{
    bool sorts = (i + 1) % t->parts.nparts == 0; /* or has filtered, which is less */
    return c2_select_part(&t->parts, i % t->parts.nparts).nitems * C2_TABLE_ROW_COST +
           (sorts ? t->order.n * C2_TABLE_SORT_COST : 0);
}

static int64_t table_extra(struct c2_view *view, int64_t i)
{
    const struct table *t = view->state;
    int64_t cells = i + 1 == view->nparts ? t->count * (int64_t)t->columns.n * C2_TABLE_CELL_COST : 0;

    return t->matrix || i >= t->nbuild ? cells : cells + c2_table_build_extra(t, i);
}

static bool table_run(struct c2_view *view, const struct c2_reading *reading, int64_t i, struct c2_buf *out,
                      struct cat2_error *err)
{
    struct table *t = view->state;

    (void)out;
    if (t->matrix)
        return t->whole.nitems == 0 ||
               c2_select_items(reading->codec, &reading->source, &t->whole, t->items.p, err);
    return i < t->nbuild ? build(view, reading, i, err)
                         : read_group(t, reading, &t->groups[i - t->nbuild], err);
}

static bool table_finish(struct c2_view *view, struct c2_buf *out, struct cat2_error *err)
{
    return c2_table_json(view->state, view->ds, out, err);
}

void c2_table_end(struct c2_view *view)
{
    struct table *t = view->state;

    if (t->built) c2_lru_put(view->ds->sub->views->orders, c2_buf_str(&t->index_key), t->index, NULL);
}

const struct c2_view_type c2_table_view = {.state_nbytes = sizeof(struct table),
                                           .parse = c2_table_parse,
                                           .is_heavy = c2_table_is_heavy,
                                           .size = table_size,
                                           .bound = table_bound,
                                           .extra = table_extra,
                                           .run = table_run,
                                           .finish = table_finish,
                                           .end = c2_table_end,
                                           .fini = c2_table_fini,
                                           .sums = true,
                                           .in_line = true};
