/* SPDX-License-Identifier: BSD-3-Clause */
/* /api/fetch with filter: a pass over all items finds those that are left, and then these are picked, along
 * one axis, as NumPy does by a mask. A slice is of what is left. */
#include <stdlib.h>

#include "reduce/order.h"
#include "subscriber/api/api.h"
#include "subscriber/api/fetch_kinds.h"

struct filtering {
    struct c2_order order;
    struct c2_select_parts parts; /* of the pass */
    struct c2_slice slice;
    struct c2_pick pick;
    struct c2_pick_plan plan;
    struct c2_buf part;
};

static bool filter_parse(struct c2_view *view, struct cat2_error *err)
{
    const struct c2_meta *meta = view->ds->meta;
    struct filtering *f = view->state;
    struct c2_slice all = {0};
    struct c2_bound whole;

    if (!c2_fetch_goes_with(view, "filter", "slice", err)) return false;
    if (meta->kind != C2_KIND_ARRAY || meta->dtype.nfields == 0)
        return c2_fail(err, CAT2_EINVAL, "filter is for arrays whose items have fields");
    if (!c2_slice_bind(&all, meta->grid.shape, meta->grid.ndim, &whole, err)) return false;
    f->order.dtype = &meta->dtype;
    f->order.nrows = whole.nitems;
    if (f->order.nrows > C2_ORDER_ROWS_MAX)
        return c2_fail(err, CAT2_ELIMIT, "arrays of more than %lld items are not filtered",
                       (long long)C2_ORDER_ROWS_MAX);
    bool ok = c2_where_parse_python(c2_view_query(view->req, "filter"), &meta->dtype, &f->order.where,
                                    &view->position, err);
    if (!ok) return false;
    view->position = -1;
    if (!c2_slice_parse(c2_view_slice_text(view->req), &f->slice, err) ||
        !c2_codec_supports(&meta->cparams, err) || !c2_order_begin(&f->order, err))
        return false;
    c2_select_plan(meta, &whole, C2_VIEW_PART_NBYTES, &f->parts);
    view->nparts = f->parts.nparts + 1;
    view->weight = 2;
    view->work = 2 * c2_grid_cost(&meta->grid, &whole);
    view->content_type = "application/octet-stream";
    c2_buf_init(&f->part, (size_t)C2_CHUNK_CBYTES_MAX);
    c2_buf_init(&view->out, (size_t)C2_CHUNK_CBYTES_MAX);
    return c2_view_work_is_allowed(view, c2_max_i64(1, view->work), err);
}

static bool filter_is_heavy(struct c2_view *view)
{
    const struct filtering *f = view->state;

    int64_t axes = c2_max_i64(1, view->ds->meta->grid.ndim); /* a coordinate on each */

    return f->order.nrows > C2_PICKED_HEAVY / (int64_t)sizeof(int64_t) / axes;
}

static bool filter_bound(struct c2_view *view, int64_t i, struct c2_bound *out)
{
    const struct filtering *f = view->state;

    if (i < f->parts.nparts) {
        *out = c2_select_part(&f->parts, i);
        return true;
    }
    return c2_picked_bound(&f->pick, out);
}

static const int64_t *filter_blocks(struct c2_view *view, int64_t i, size_t *n)
{
    const struct filtering *f = view->state;

    *n = f->plan.nblocks;
    return i < f->parts.nparts ? NULL : f->plan.blocks;
}

/* The items that are left, of them the slice, as points. */
static bool choose_rows(struct c2_view *view, struct cat2_error *err)
{
    struct filtering *f = view->state;
    C2_AUTO(c2_buf) found = C2_BUF_INIT((size_t)C2_ORDER_ROWS_MAX * sizeof(uint32_t));
    C2_AUTO(c2_buf) wanted = C2_BUF_INIT((size_t)C2_ORDER_ROWS_MAX * sizeof(uint32_t));
    struct c2_bound bound;

    if (!c2_order_end_pass(&f->order, err) || !c2_order_finish(&f->order, &found, err)) return false;
    int64_t n = (int64_t)(found.n / sizeof(uint32_t));
    if (!c2_slice_bind(&f->slice, &n, 1, &bound, err) ||
        !c2_buf_resize(&wanted, (size_t)bound.nitems * sizeof(uint32_t), err))
        return false;
    for (int64_t i = 0; i < bound.nitems; i++)
        memcpy(wanted.p + (size_t)i * sizeof(uint32_t),
               found.p + (size_t)(bound.axes[0].start + i * bound.axes[0].step) * sizeof(uint32_t),
               sizeof(uint32_t));
    c2_order_fini(&f->order);
    const struct c2_grid *grid = &view->ds->meta->grid;
    return c2_pick_flat((const uint32_t *)(const void *)wanted.p, bound.nitems, bound.axes[0].dropped,
                        grid->shape, grid->ndim, &f->pick, err) &&
           c2_select_plan_picks(grid, &f->pick, &f->plan, err);
}

/* Of the first item of a part, in C order. */
static int64_t number_of(const struct c2_grid *grid, const struct c2_bound *part)
{
    int64_t number = 0;

    for (int axis = 0; axis < grid->ndim; axis++)
        number = number * grid->shape[axis] + part->axes[axis].start;
    return number;
}

static bool filter_run(struct c2_view *view, const struct c2_reading *reading, int64_t i, struct c2_buf *out,
                       struct cat2_error *err)
{
    struct filtering *f = view->state;

    if (i < f->parts.nparts) {
        struct c2_bound bound = c2_select_part(&f->parts, i);
        c2_buf_clear(&f->part);
        return c2_read_items(reading, &bound, &f->part, err) &&
               c2_order_take(&f->order, number_of(&view->ds->meta->grid, &bound), f->part.p, bound.nitems,
                             err) &&
               (i + 1 < f->parts.nparts || choose_rows(view, err));
    }
    return c2_picked_put(view, reading, &f->pick, out, err);
}

static void filter_fini(void *state)
{
    struct filtering *f = state;

    c2_order_fini(&f->order);
    c2_pick_fini(&f->pick);
    free(f->plan.blocks);
    c2_buf_fini(&f->part);
}

const struct c2_view_type c2_filter_view = {.state_nbytes = sizeof(struct filtering),
                                            .parse = filter_parse,
                                            .is_heavy = filter_is_heavy,
                                            .bound = filter_bound,
                                            .blocks = filter_blocks,
                                            .run = filter_run,
                                            .heads = c2_made_heads,
                                            .fini = filter_fini,
                                            .sums = true,
                                            .in_line = true};
