/* SPDX-License-Identifier: BSD-3-Clause */
/* GET /api/table: a window of rows. With sort or where, the row numbers are found first, in passes over all
 * rows, and kept for the next windows; then the rows of the window are read, block by block. */
#include <stdlib.h>

#include "subscriber/api/table.h"

#define PART_NBYTES  (4 << 20)
#define ITEMS_NBYTES (64 << 20) /* of one window */

static void table_free(void *state)
{
    struct table *t = state;

    for (int i = 0; i < t->ncolumns; i++)
        c2_column_fini(&t->columns[i]);
    free(t->columns);
    c2_order_fini(&t->order);
    c2_blob_unref(t->index);
    c2_buf_fini(&t->index_key);
    c2_buf_fini(&t->part);
    c2_buf_fini(&t->items);
    free(t->wanted);
    free(t->groups);
    free(t);
}

void c2_table_free(struct table *t)
{
    table_free(t);
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

static bool plan_window(struct c2_view *view)
{
    struct table *t = view->state;
    struct c2_bound rows;
    int64_t nbytes;

    t->total = t->index ? (int64_t)(t->index->bytes.n / sizeof(uint32_t)) : t->nrows;
    if (!c2_slice_bind(&t->rows, &t->total, 1, &rows, &view->err)) return false;
    t->first = rows.axes[0].start;
    t->count = rows.axes[0].count;
    if (t->count > C2_TABLE_ROWS_MAX)
        return c2_fail(&view->err, CAT2_ELIMIT, "a window has up to %d rows", C2_TABLE_ROWS_MAX);
    if (!c2_mul_i64(t->count, t->itemsize, &nbytes) || nbytes > ITEMS_NBYTES)
        return c2_fail(&view->err, CAT2_ELIMIT, "the rows of a window may have %d bytes", ITEMS_NBYTES);
    c2_buf_init(&t->items, ITEMS_NBYTES);
    if (!c2_buf_resize(&t->items, (size_t)nbytes, &view->err) ||
        !make_groups(t, &view->source.meta->grid, &view->err))
        return false;
    view->nstages = t->nbuild + t->ngroups;
    return true;
}

static struct c2_bound group_bound(const struct table *t, const struct group *group)
{
    int64_t first = t->wanted[group->first].row, last = t->wanted[group->first + group->n - 1].row;

    return t->whole.ndim == 0 ? t->whole : c2_bound_part(&t->whole, 0, first, last + 1 - first);
}

static bool read_items(struct c2_view *view, struct c2_codec *codec, const struct c2_bound *bound)
{
    struct table *t = view->state;

    return c2_buf_resize(&t->part, (size_t)(bound->nitems * t->itemsize), &view->err) &&
           (bound->nitems == 0 || c2_select_items(codec, &view->source, bound, t->part.p, &view->err));
}

static bool read_group(struct c2_view *view, struct c2_codec *codec, const struct group *group)
{
    struct table *t = view->state;
    struct c2_bound bound = group_bound(t, group);

    if (!read_items(view, codec, &bound)) return false;
    for (int64_t i = group->first; i < group->first + group->n; i++)
        memcpy(t->items.p + t->wanted[i].at * t->itemsize,
               t->part.p + (t->wanted[i].row - t->wanted[group->first].row) * t->itemsize,
               (size_t)t->itemsize);
    return true;
}

/* ---- passes over all rows ---- */

static bool finish_index(struct c2_view *view)
{
    struct table *t = view->state;
    struct c2_buf rows = C2_BUF_INIT((size_t)C2_ORDER_ROWS_MAX * sizeof(uint32_t));

    if (!c2_order_finish(&t->order, &rows, &view->err)) return false;
    t->index = c2_blob_new(&rows);
    c2_buf_fini(&rows);
    t->built = true;
    if (!t->index) return c2_fail_nomem(&view->err, "rows");
    return plan_window(view);
}

static bool build(struct c2_view *view, struct c2_codec *codec, int64_t i)
{
    struct table *t = view->state;
    int64_t part = i % t->parts.nparts;
    struct c2_bound bound = c2_select_part(&t->parts, part);

    if (!read_items(view, codec, &bound) ||
        !c2_order_take(&t->order, bound.axes[0].start, t->part.p, bound.nitems, &view->err))
        return false;
    if (part + 1 < t->parts.nparts) return true;
    if (!c2_order_end_pass(&t->order, &view->err)) return false;
    return i + 1 < t->nbuild || finish_index(view);
}

/* ---- stages ---- */

static bool table_start(struct c2_view *view)
{
    struct table *t = view->state;

    if (t->index_key.n == 0) return false;
    struct c2_blob *blob = c2_lru_get(view->ds->sub->views->orders, c2_buf_str(&t->index_key), NULL);
    if (blob) t->index = c2_blob_ref(blob);
    return !blob;
}

static bool table_plan(struct c2_view *view, struct c2_codec *codec)
{
    struct table *t = view->state;

    (void)codec;
    c2_buf_init(&t->part, (size_t)C2_CHUNK_CBYTES_MAX);
    if (t->index_key.n == 0 || t->index) return plan_window(view);
    if (!c2_order_begin(&t->order, &view->err)) return false;
    c2_select_plan(view->source.meta, &t->whole, PART_NBYTES, &t->parts);
    t->nbuild = c2_order_npasses(&t->order) * t->parts.nparts;
    view->nstages = t->nbuild;
    return t->nbuild > 0 || finish_index(view);
}

static bool table_bound(struct c2_view *view, int64_t i, struct c2_bound *out)
{
    struct table *t = view->state;

    *out = i < t->nbuild ? c2_select_part(&t->parts, i % t->parts.nparts)
                         : group_bound(t, &t->groups[i - t->nbuild]);
    return true;
}

static bool table_work(struct c2_view *view, struct c2_codec *codec, int64_t i)
{
    struct table *t = view->state;

    return i < t->nbuild ? build(view, codec, i) : read_group(view, codec, &t->groups[i - t->nbuild]);
}

static bool table_finish(struct c2_view *view)
{
    return c2_table_json(view->state, view->ds, &view->out, &view->err);
}

static void table_end(struct c2_view *view)
{
    struct table *t = view->state;

    if (t->built) c2_lru_put(view->ds->sub->views->orders, c2_buf_str(&t->index_key), t->index, NULL);
}

const struct c2_view_ops c2_table_ops = {.start = table_start,
                                         .plan = table_plan,
                                         .bound = table_bound,
                                         .work = table_work,
                                         .finish = table_finish,
                                         .end = table_end,
                                         .free = table_free};

/* ---- planes ---- */

static bool matrix_plan(struct c2_view *view, struct c2_codec *codec)
{
    struct table *t = view->state;

    (void)codec;
    c2_buf_init(&t->items, ITEMS_NBYTES);
    if (t->whole.nitems > ITEMS_NBYTES / c2_max_i64(1, t->itemsize))
        return c2_fail(&view->err, CAT2_ELIMIT, "the cells of a window may have %d bytes", ITEMS_NBYTES);
    return c2_buf_resize(&t->items, (size_t)(t->whole.nitems * t->itemsize), &view->err);
}

static bool matrix_bound(struct c2_view *view, int64_t i, struct c2_bound *out)
{
    struct table *t = view->state;

    (void)i;
    *out = t->whole;
    return true;
}

static bool matrix_work(struct c2_view *view, struct c2_codec *codec, int64_t i)
{
    struct table *t = view->state;

    (void)i;
    return t->whole.nitems == 0 || c2_select_items(codec, &view->source, &t->whole, t->items.p, &view->err);
}

const struct c2_view_ops c2_matrix_ops = {.plan = matrix_plan,
                                          .bound = matrix_bound,
                                          .work = matrix_work,
                                          .finish = table_finish,
                                          .free = table_free};
