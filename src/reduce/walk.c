/* SPDX-License-Identifier: BSD-3-Clause */
/* Cutting a selection along the chunk grid. */
#include "reduce/walk.h"

#include <math.h>

#include "base/cancel.h"
#include "blosc/chunk_format.h"

#define PIECE_NBYTES (8 << 20) /* decoded at a time */
#define LOOKED_MAX   (1 << 18) /* chunks whose kind is looked at for the cost */

/* The items of one axis that lie in [lo, hi): first and how many. */
static void cut_axis(const struct c2_axis_sel *sel, int64_t lo, int64_t hi, int64_t *first, int64_t *n)
{
    int64_t step = sel->step < 0 ? -sel->step : sel->step;
    int64_t before, upto; /* items before the range, items before its end */

    if (sel->count == 0 || step == 0) {
        *first = 0;
        *n = sel->count;
        return;
    }
    if (sel->step > 0) {
        before = lo > sel->start ? c2_div_ceil(lo - sel->start, step) : 0;
        upto = hi > sel->start ? c2_div_ceil(hi - sel->start, step) : 0;
    } else {
        before = sel->start >= hi ? c2_div_ceil(sel->start - hi + 1, step) : 0;
        upto = sel->start >= lo ? c2_div_ceil(sel->start - lo + 1, step) : 0;
    }
    *first = c2_min_i64(before, sel->count);
    *n = c2_min_i64(upto, sel->count) - *first;
}

static struct c2_bound cut_chunk(const struct c2_grid *grid, const struct c2_bound *bound, int64_t nchunk)
{
    struct c2_bound cut = *bound;
    int64_t at[C2_DIM_MAX], first, n;

    C2_ASSERT(bound->ndim == grid->ndim);
    c2_grid_chunk_at(grid, nchunk, at);
    for (int i = 0; i < bound->ndim; i++) {
        int64_t lo = at[i] * grid->chunks[i];
        cut_axis(&bound->axes[i], lo, lo + grid->chunks[i], &first, &n);
        cut = c2_bound_part(&cut, i, first, n);
    }
    return cut;
}

struct walk {
    struct c2_codec *codec;
    const struct c2_selectable *ds;
    const struct c2_bound *bound;
    c2_box_fn *visit;
    void *ctx;
    struct c2_buf items;
};
static void walk_fini(struct walk *w)
{
    c2_buf_fini(&w->items);
}
C2_DEFINE_AUTO(walk);

/* Where a part of the selection begins in it. */
static void place(const struct c2_bound *bound, const struct c2_bound *part, struct c2_box *out)
{
    out->ndim = bound->ndim;
    out->nitems = part->nitems;
    for (int i = 0; i < bound->ndim; i++) {
        int64_t step = bound->axes[i].step;
        out->first[i] = step ? (part->axes[i].start - bound->axes[i].start) / step : 0;
        out->count[i] = part->axes[i].count;
    }
}

/* One item that stands for all of a special chunk; false when it has to be decoded. */
static bool one_value(const struct walk *w, const struct c2_chunk_stat *stat, uint8_t *item)
{
    int32_t size = w->ds->meta->grid.typesize;
    float nan4 = nanf("");
    double nan8 = nan("");

    if (stat->kind == C2_CHUNK_ZERO || stat->kind == C2_CHUNK_UNINIT) {
        memset(item, 0, (size_t)size);
        return true;
    }
    if (stat->kind != C2_CHUNK_NAN || (size != 4 && size != 8)) return false;
    if (size == 4)
        memcpy(item, &nan4, 4);
    else
        memcpy(item, &nan8, 8);
    return true;
}

static bool visit_decoded(struct walk *w, const struct c2_bound *part, struct cat2_error *err)
{
    struct c2_select_parts parts;
    struct c2_box box = {0};

    c2_select_plan(w->ds->meta, part, PIECE_NBYTES, &parts);
    for (int64_t i = 0; i < parts.nparts; i++) {
        struct c2_bound some = c2_select_part(&parts, i);
        if (!c2_buf_resize(&w->items, (size_t)(some.nitems * w->ds->meta->grid.typesize), err) ||
            !c2_select_items(w->codec, w->ds, &some, w->items.p, err))
            return false;
        place(w->bound, &some, &box);
        box.items = w->items.p;
        if (!w->visit(w->ctx, &box, err)) return false;
    }
    return true;
}

static bool visit_chunk(struct walk *w, int64_t nchunk, struct cat2_error *err)
{
    struct c2_bound part = cut_chunk(&w->ds->meta->grid, w->bound, nchunk);
    struct c2_chunk_stat stat;
    struct c2_box box = {.constant = true};

    if (part.nitems == 0) return true;
    if (!c2_chunk_stat(&w->ds->chunks, nchunk, &stat, err) ||
        !c2_buf_resize(&w->items, (size_t)w->ds->meta->grid.typesize, err))
        return false;
    if (!one_value(w, &stat, w->items.p)) return visit_decoded(w, &part, err);
    place(w->bound, &part, &box);
    box.items = w->items.p;
    return w->visit(w->ctx, &box, err);
}

bool c2_walk_boxes(struct c2_codec *codec, const struct c2_selectable *ds, const struct c2_bound *bound,
                   c2_box_fn *visit, void *ctx, struct cat2_error *err)
{
    C2_AUTO(walk) w = {codec, ds, bound, visit, ctx, C2_BUF_INIT(C2_CHUNK_CBYTES_MAX)};
    struct c2_grid_walk walk;
    int64_t nchunk;

    if (bound->nitems == 0) return true;
    c2_grid_walk_init(&walk, &ds->meta->grid, bound);
    while (c2_grid_walk_next(&walk, &nchunk))
        if (c2_cancelled(err) || !visit_chunk(&w, nchunk, err))
            return c2_fail_within(err, "chunk %lld", (long long)nchunk);
    return true;
}

/* ---- cost ---- */

struct c2_bound c2_walk_every(const struct c2_bound *bound, int axis, int64_t step)
{
    struct c2_bound out = c2_bound_part(bound, axis, 0, c2_div_ceil(bound->axes[axis].count, step));
    struct c2_axis_sel *sel = &out.axes[axis];

    if (sel->count > 1) sel->step *= step; /* within the axis: start + step * (count - 1) is an item */
    out.whole = false;
    return out;
}

int64_t c2_walk_cost(const struct c2_selectable *ds, const struct c2_bound *bound)
{
    const struct c2_grid *grid = &ds->meta->grid;
    int64_t total = c2_grid_cost(grid, bound), nchunk;
    struct c2_grid_walk walk;
    struct c2_chunk_stat stat;
    struct cat2_error err;

    if (total <= C2_REDUCE_NBYTES_MAX || c2_grid_count(grid, bound) > LOOKED_MAX) return total;
    total = 0;
    c2_grid_walk_init(&walk, grid, bound);
    while (c2_grid_walk_next(&walk, &nchunk)) {
        if (!c2_chunk_stat(&ds->chunks, nchunk, &stat, &err)) continue;
        bool special = stat.kind != C2_CHUNK_ABSENT && stat.kind != C2_CHUNK_STORED;
        bool repeat = stat.kind == C2_CHUNK_STORED && stat.cbytes > 0 &&
                      stat.cbytes <= C2_CHUNK_HEADER + grid->typesize;
        if (special || repeat) continue;
        struct c2_bound part = cut_chunk(grid, bound, nchunk);
        if (!c2_add_i64(total, c2_grid_cost(grid, &part), &total)) return INT64_MAX;
    }
    return total;
}
