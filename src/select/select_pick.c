/* SPDX-License-Identifier: BSD-3-Clause */
/* Items at coordinates: the points are sorted by the blocks that they are in, and those of one block are read
 * together. */
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/vec.h"
#include "select/select.h"

#define HULL_NBYTES (16 << 20) /* what is read at a time for points of one block, if they are several */
#define BLOCKS_MAX  (1 << 20)  /* that are told apart: 8 MB */

/* A point, by the block that it is in. */
struct placed {
    int64_t block; /* along the picked axes; other axes are the same for all points */
    int64_t point;
    int64_t to; /* where its first item goes, in bytes */
};

static int by_block(const void *left, const void *right)
{
    const struct placed *a = left, *b = right;

    if (a->block != b->block) return a->block < b->block ? -1 : 1;
    return (a->point > b->point) - (a->point < b->point);
}

static int64_t block_of(const struct c2_grid *grid, const struct c2_pick *pick, int64_t point)
{
    int64_t block = 0;

    for (int k = 0; k < pick->npicked; k++) {
        int axis = pick->picked[k];
        int64_t at = pick->at[point * pick->npicked + k], chunk = grid->chunks[axis];
        block = block * grid->nchunks_along[axis] + at / chunk;
        block = block * grid->nblocks_along[axis] + at % chunk / grid->blocks[axis];
    }
    return block;
}

/* ---- a box of the result ---- */

struct box {
    const struct c2_picking *from;
    struct c2_codec *codec;
    struct c2_bound bound;               /* the slices of the box; the picked axes are a group's */
    int64_t stride[C2_DIM_MAX];          /* of the result's axes in the box, in bytes */
    struct c2_stride slices[C2_DIM_MAX]; /* of the dataset's axes, for the copy of a point */
    int64_t slice_items;
    struct placed *points;
    int64_t npoints;
    struct c2_buf hull;
    uint8_t *out;
};

static void box_fini(struct box *box)
{
    free(box->points);
    c2_buf_fini(&box->hull);
}
C2_DEFINE_AUTO(box);

/* The slices that the box has, and how far apart their items are in it. */
static void lay_out(struct box *box, const int64_t *first, const int64_t *count)
{
    const struct c2_pick *pick = box->from->pick;
    int64_t stride = box->from->ds.meta->grid.typesize;
    int at = 0, k = 0;

    for (int i = pick->out_ndim - 1; i >= 0; i--) {
        box->stride[i] = stride;
        stride *= count[i];
    }
    box->bound = pick->bound;
    box->slice_items = 1;
    for (int axis = 0; axis < pick->bound.ndim; axis++) {
        struct c2_axis_sel *sel = &box->bound.axes[axis];
        box->slices[axis] = (struct c2_stride){1, 0, 0};
        if (k < pick->npicked && pick->picked[k] == axis) {
            k++;
            continue;
        }
        if (at == pick->points_axis) at += pick->points_ndim;
        sel->start += first[at] * sel->step;
        sel->count = count[at];
        box->slices[axis] = (struct c2_stride){count[at], 0, box->stride[at]};
        box->slice_items *= count[at];
        at++;
    }
}

/* The points of the box, with their places in it, by block. */
static bool place_points(struct box *box, const int64_t *first, const int64_t *count, struct cat2_error *err)
{
    const struct c2_pick *pick = box->from->pick;
    int from = pick->points_axis, ndim = pick->points_ndim;
    int64_t n = 1;

    for (int i = 0; i < ndim; i++)
        n *= count[from + i];
    box->points = malloc((size_t)(n + 1) * sizeof(*box->points));
    if (!box->points) return c2_fail_nomem(err, "indices");
    box->npoints = n;
    for (int64_t i = 0; i < n; i++) {
        struct placed *to = &box->points[i];
        int64_t left = i, stride = 1;
        *to = (struct placed){0};
        for (int k = ndim - 1; k >= 0; k--) {
            int64_t at = left % count[from + k];
            left /= count[from + k];
            to->point += (first[from + k] + at) * stride;
            to->to += at * box->stride[from + k];
            stride *= pick->out_shape[from + k];
        }
        to->block = block_of(&box->from->ds.meta->grid, pick, to->point);
    }
    qsort(box->points, (size_t)n, sizeof(*box->points), by_block);
    return true;
}

/* Read the hull of n points of one block, and copy each to its place. */
static bool read_points(struct box *box, const struct placed *points, int64_t n, struct cat2_error *err)
{
    const struct c2_pick *pick = box->from->pick;
    int64_t itemsize = box->from->ds.meta->grid.typesize, nitems = box->slice_items, stride = itemsize;
    int64_t from[C2_DIM_MAX] = {0};

    for (int k = 0; k < pick->npicked; k++) {
        int64_t low = INT64_MAX, high = 0;
        for (int64_t i = 0; i < n; i++) {
            int64_t at = pick->at[points[i].point * pick->npicked + k];
            low = c2_min_i64(low, at);
            high = c2_max_i64(high, at);
        }
        box->bound.axes[pick->picked[k]] = (struct c2_axis_sel){low, 1, high - low + 1, false};
        if (!c2_mul_i64(nitems, high - low + 1, &nitems)) nitems = INT64_MAX / itemsize;
    }
    if (n > 1 && nitems > HULL_NBYTES / itemsize) {
        for (int64_t i = 0; i < n; i++)
            if (!read_points(box, &points[i], 1, err)) return false;
        return true;
    }
    box->bound.nitems = nitems;
    if (!c2_buf_resize(&box->hull, (size_t)(nitems * itemsize), err) ||
        !c2_select_items(box->codec, &box->from->ds, &box->bound, box->hull.p, err))
        return false;
    for (int axis = box->bound.ndim - 1; axis >= 0; axis--) {
        from[axis] = stride;
        box->slices[axis].from = box->slices[axis].count > 1 ? stride : 0;
        stride *= box->bound.axes[axis].count;
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t off = 0;
        for (int k = 0; k < pick->npicked; k++)
            off += (pick->at[points[i].point * pick->npicked + k] - box->bound.axes[pick->picked[k]].start) *
                   from[pick->picked[k]];
        c2_grid_copy(box->slices, box->bound.ndim, (size_t)itemsize, box->hull.p + off,
                     box->out + points[i].to);
    }
    return true;
}

bool c2_select_picked(void *ctx, struct c2_codec *codec, const int64_t *first, const int64_t *count,
                      uint8_t *items, struct cat2_error *err)
{
    C2_AUTO(box)
    box = {.from = ctx, .codec = codec, .out = items, .hull = C2_BUF_INIT((size_t)C2_CHUNK_NBYTES_MAX)};

    lay_out(&box, first, count);
    if (box.slice_items == 0) return true;
    if (!place_points(&box, first, count, err)) return false;
    for (int64_t i = 0, n; i < box.npoints; i += n) {
        for (n = 1; i + n < box.npoints && box.points[i + n].block == box.points[i].block; n++)
            ;
        if (c2_cancelled(err) || !read_points(&box, &box.points[i], n, err)) return false;
    }
    return true;
}

/* ---- what it takes ---- */

/* The blocks that one point needs. */
static bool add_blocks(const struct c2_grid *grid, const struct c2_pick *pick, int64_t point,
                       int32_t *scratch, struct c2_pick_plan *out, size_t *cap, struct cat2_error *err)
{
    struct c2_bound bound = pick->bound;
    struct c2_grid_walk walk;
    int64_t nchunk;

    for (int k = 0; k < pick->npicked; k++)
        bound.axes[pick->picked[k]] = (struct c2_axis_sel){pick->at[point * pick->npicked + k], 1, 1, false};
    bound.nitems = 1; /* or more */
    c2_grid_walk_init(&walk, grid, &bound);
    while (c2_grid_walk_next(&walk, &nchunk)) {
        int64_t n = c2_grid_blocks(grid, &bound, nchunk, scratch);
        while (out->nblocks + (size_t)n > *cap)
            if (!c2_vec_grow(&out->blocks, cap, sizeof(*out->blocks), BLOCKS_MAX, "blocks", err))
                return false;
        for (int64_t i = 0; i < n; i++)
            out->blocks[out->nblocks++] = nchunk * grid->nblocks + scratch[i];
    }
    return true;
}

static int by_number(const void *left, const void *right)
{
    const int64_t *a = left, *b = right;

    return (*a > *b) - (*a < *b);
}

/* Points come by block: one of each needs the same blocks as the others there. */
static bool collect_blocks(const struct c2_grid *grid, const struct c2_pick *pick,
                           const struct placed *points, struct c2_pick_plan *out, struct cat2_error *err)
{
    int32_t *scratch = malloc((size_t)(grid->nblocks + 1) * sizeof(*scratch));
    size_t cap = 0;
    bool ok = scratch || c2_fail_nomem(err, "indices");

    for (int64_t i = 0; ok && i < pick->npoints; i++)
        ok = (i && points[i].block == points[i - 1].block) ||
             (!c2_cancelled(err) && add_blocks(grid, pick, points[i].point, scratch, out, &cap, err));
    free(scratch);
    if (ok && out->nblocks) qsort(out->blocks, out->nblocks, sizeof(*out->blocks), by_number);
    if (ok) return true;
    free(out->blocks);
    out->blocks = NULL;
    out->nblocks = 0;
    return err->code == CAT2_ELIMIT; /* then all between the first and the last are needed */
}

/* How many reads of a block there are, when the result is made chunk by chunk. */
static int64_t count_reads(const struct c2_grid *grid, const struct c2_pick *pick, struct placed *points)
{
    int32_t chunks[C2_DIM_MAX], blocks[C2_DIM_MAX];
    int64_t window = 1, reads = 0;

    c2_grid_choose(pick->out_shape, pick->out_ndim, grid->typesize, chunks, blocks);
    for (int i = 0; i < pick->points_ndim; i++)
        window *= c2_max_i64(1, chunks[pick->points_axis + i]);
    for (int64_t i = 0; i < pick->npoints; i += window) {
        int64_t n = c2_min_i64(window, pick->npoints - i);
        qsort(points + i, (size_t)n, sizeof(*points), by_block);
        for (int64_t k = i; k < i + n; k++)
            reads += k == i || points[k].block != points[k - 1].block;
    }
    return reads;
}

bool c2_select_plan_picks(const struct c2_grid *grid, const struct c2_pick *pick, struct c2_pick_plan *out,
                          struct cat2_error *err)
{
    struct placed *points = malloc((size_t)(pick->npoints + 1) * sizeof(*points));
    struct c2_bound one = pick->bound;

    *out = (struct c2_pick_plan){0};
    if (!points) return c2_fail_nomem(err, "indices");
    for (int64_t i = 0; i < pick->npoints; i++)
        points[i] = (struct placed){block_of(grid, pick, i), i, 0};
    for (int k = 0; k < pick->npicked; k++)
        one.axes[pick->picked[k]].count = c2_min_i64(1, one.axes[pick->picked[k]].count);
    one.nitems = pick->nitems;
    int64_t reads = pick->nitems ? count_reads(grid, pick, points) : 0;
    if (!c2_mul_i64(reads, c2_grid_cost(grid, &one), &out->work)) out->work = INT64_MAX;
    if (pick->nitems) qsort(points, (size_t)pick->npoints, sizeof(*points), by_block);
    bool ok = !pick->nitems || collect_blocks(grid, pick, points, out, err);
    free(points);
    return ok;
}
