/* SPDX-License-Identifier: BSD-3-Clause */
/* The grid of chunks and blocks, and which of them a selection touches. */
#include "ndim/grid.h"

#include <inttypes.h>

static bool derive_axis(struct c2_grid *grid, int axis, struct cat2_error *err)
{
    int64_t n = grid->shape[axis], chunk = grid->chunks[axis], block = grid->blocks[axis];

    if (n < 0 || chunk < 0 || block < 0)
        return c2_fail(err, CAT2_EDATA, "axis %d: negative shape, chunk or block", axis);
    if (n == 0 && (chunk == 0 || block == 0)) return true;
    if (chunk < 1 || block < 1 || block > chunk)
        return c2_fail(err, CAT2_EDATA, "axis %d: chunk %" PRId64 " and block %" PRId64 " do not fit", axis,
                       chunk, block);
    grid->nchunks_along[axis] = c2_div_ceil(n, chunk);
    grid->nblocks_along[axis] = c2_div_ceil(chunk, block);
    return true;
}

bool c2_grid_init(struct c2_grid *grid, const int64_t *shape, const int32_t *chunks, const int32_t *blocks,
                  int ndim, int32_t typesize, bool padded, struct cat2_error *err)
{
    int64_t nbytes, items = 1;

    if (ndim < 0 || ndim > C2_DIM_MAX)
        return c2_fail(err, CAT2_ELIMIT, "%d dimensions, at most %d", ndim, C2_DIM_MAX);
    if (typesize < 1) return c2_fail(err, CAT2_EDATA, "items of %d bytes", typesize);
    *grid = (struct c2_grid){
        .ndim = ndim, .padded = padded, .typesize = typesize, .nchunks = 1, .nblocks = 1, .block_items = 1};
    for (int axis = 0; axis < ndim; axis++) {
        grid->shape[axis] = shape[axis];
        grid->chunks[axis] = chunks[axis];
        grid->blocks[axis] = blocks[axis];
        if (!derive_axis(grid, axis, err)) return false;
        if (!c2_mul_i64(grid->nchunks, grid->nchunks_along[axis], &grid->nchunks) ||
            grid->nchunks > C2_NCHUNKS_MAX)
            return c2_fail(err, CAT2_ELIMIT, "more than %d chunks", C2_NCHUNKS_MAX);
        if (!c2_mul_i64(grid->nblocks, grid->nblocks_along[axis], &grid->nblocks) ||
            grid->nblocks > C2_NBLOCKS_MAX)
            return c2_fail(err, CAT2_ELIMIT, "more than %d blocks in a chunk", C2_NBLOCKS_MAX);
        if (!c2_mul_i64(grid->block_items, blocks[axis], &grid->block_items) ||
            !c2_mul_i64(items, shape[axis], &items))
            return c2_fail(err, CAT2_ELIMIT, "more items than 64 bits count");
    }
    if (!c2_mul_i64(grid->nblocks, grid->block_items, &grid->chunk_items) ||
        !c2_mul_i64(grid->chunk_items, typesize, &nbytes) || nbytes > C2_CHUNK_NBYTES_MAX)
        return c2_fail(err, CAT2_ELIMIT, "a chunk is larger than %d bytes", C2_CHUNK_NBYTES_MAX);
    if (!padded && ndim == 1) grid->chunk_items = chunks[0];
    return c2_mul_i64(items, typesize, &nbytes) || c2_fail(err, CAT2_ELIMIT, "more bytes than 64 bits count");
}

/* Selected positions k (0 <= k < count) of an axis that fall into items [lo, hi): first and one past the
 * last. */
static void positions(const struct c2_axis_sel *sel, int64_t lo, int64_t hi, int64_t *first, int64_t *last)
{
    int64_t a, b;

    if (sel->step > 0) {
        a = lo <= sel->start ? 0 : c2_div_ceil(lo - sel->start, sel->step);
        b = hi <= sel->start ? 0 : c2_div_ceil(hi - sel->start, sel->step);
    } else {
        uint64_t step = 0 - (uint64_t)sel->step;
        a = hi > sel->start ? 0 : (int64_t)((uint64_t)(sel->start - hi) / step + 1);
        b = lo > sel->start ? 0 : (int64_t)((uint64_t)(sel->start - lo) / step + 1);
    }
    *first = c2_min_i64(a, sel->count);
    *last = c2_min_i64(b, sel->count);
}

static bool axis_touches(const struct c2_axis_sel *sel, int64_t lo, int64_t hi)
{
    int64_t first, last;

    positions(sel, lo, hi, &first, &last);
    return first < last;
}

void c2_grid_walk_init(struct c2_grid_walk *walk, const struct c2_grid *grid, const struct c2_bound *bound)
{
    *walk = (struct c2_grid_walk){.grid = grid, .bound = bound, .done = bound->nitems == 0};
    if (walk->done) return;
    c2_bound_box(bound, walk->lo, walk->hi);
    for (int axis = 0; axis < grid->ndim; axis++) { /* from items to chunks */
        walk->lo[axis] /= grid->chunks[axis];
        walk->hi[axis] = (walk->hi[axis] - 1) / grid->chunks[axis] + 1;
        walk->at[axis] = walk->lo[axis];
    }
}

/* If the step is longer than a chunk, some chunks have no selected item. Move coordinate `axis` to the next
 * chunk that has one. */
static bool settle(struct c2_grid_walk *walk, int axis)
{
    const struct c2_axis_sel *sel = &walk->bound->axes[axis];
    int64_t chunk = walk->grid->chunks[axis];

    if (sel->step >= -chunk && sel->step <= chunk) return walk->at[axis] < walk->hi[axis];
    while (walk->at[axis] < walk->hi[axis] &&
           !axis_touches(sel, walk->at[axis] * chunk, (walk->at[axis] + 1) * chunk))
        walk->at[axis]++;
    return walk->at[axis] < walk->hi[axis];
}

static bool advance(struct c2_grid_walk *walk)
{
    for (int axis = walk->grid->ndim - 1; axis >= 0; axis--) {
        walk->at[axis]++;
        if (settle(walk, axis)) return true;
        walk->at[axis] = walk->lo[axis];
    }
    return false;
}

bool c2_grid_walk_next(struct c2_grid_walk *walk, int64_t *nchunk)
{
    if (walk->done) return false;
    if (walk->started && !advance(walk)) {
        walk->done = true;
        return false;
    }
    walk->started = true;
    *nchunk = 0;
    for (int axis = 0; axis < walk->grid->ndim; axis++)
        *nchunk = *nchunk * walk->grid->nchunks_along[axis] + walk->at[axis];
    return true;
}

bool c2_grid_touches(const struct c2_grid *grid, const struct c2_bound *bound, int64_t nchunk)
{
    if (bound->nitems == 0) return false;
    for (int axis = grid->ndim - 1; axis >= 0; axis--) {
        int64_t chunk = grid->chunks[axis], at = nchunk % grid->nchunks_along[axis] * chunk;
        if (!axis_touches(&bound->axes[axis], at, at + chunk)) return false;
        nchunk /= grid->nchunks_along[axis];
    }
    return true;
}

int64_t c2_grid_count(const struct c2_grid *grid, const struct c2_bound *bound)
{
    int64_t lo[C2_DIM_MAX], hi[C2_DIM_MAX], count = 1;

    if (bound->nitems == 0) return 0;
    c2_bound_box(bound, lo, hi);
    for (int axis = 0; axis < grid->ndim; axis++) {
        int64_t chunk = grid->chunks[axis], step = bound->axes[axis].step;
        int64_t along = step >= -chunk && step <= chunk ? (hi[axis] - 1) / chunk - lo[axis] / chunk + 1
                                                        : bound->axes[axis].count;
        if (!c2_mul_i64(count, along, &count)) return INT64_MAX;
    }
    return count;
}

/* Blocks of [lo, hi) that n items step apart may touch, where blocks begin at 0, block, ... of each chunk. */
static int64_t blocks_along(const struct c2_grid *grid, const struct c2_axis_sel *sel, int axis)
{
    int64_t step = sel->step < 0 ? -sel->step : sel->step, span = step * (sel->count - 1) + 1;
    int64_t low = sel->step < 0 ? sel->start - (span - 1) : sel->start;
    int64_t chunk = grid->chunks[axis], block = c2_max_i64(1, grid->blocks[axis]), n;

    if (chunk <= 0) return sel->count;
    int64_t c0 = low / chunk, c1 = (low + span - 1) / chunk, whole = c2_div_ceil(chunk, block);
    if (c0 == c1)
        n = (low + span - 1 - c0 * chunk) / block - (low - c0 * chunk) / block + 1;
    else
        n = whole - (low - c0 * chunk) / block + (c1 - c0 - 1) * whole +
            (low + span - 1 - c1 * chunk) / block + 1;
    return c2_min_i64(n, sel->count);
}

int64_t c2_grid_cost(const struct c2_grid *grid, const struct c2_bound *bound)
{
    int64_t n = grid->block_items > 0 ? grid->block_items : 1;

    if (bound->nitems == 0) return 0;
    for (int i = 0; i < grid->ndim; i++)
        if (!c2_mul_i64(n, blocks_along(grid, &bound->axes[i], i), &n)) return INT64_MAX;
    return c2_mul_i64(n, grid->typesize, &n) ? n : INT64_MAX;
}

void c2_grid_chunk_at(const struct c2_grid *grid, int64_t nchunk, int64_t *at)
{
    for (int axis = grid->ndim - 1; axis >= 0; axis--) {
        at[axis] = nchunk % grid->nchunks_along[axis];
        nchunk /= grid->nchunks_along[axis];
    }
}

/* Items [lo, hi) of the dataset that block b along an axis of a chunk covers, cut at the chunk's and the
 * dataset's end. */
static void block_span(const struct c2_grid *grid, int axis, int64_t chunk, int64_t b, int64_t *lo,
                       int64_t *hi)
{
    int64_t start = chunk * grid->chunks[axis];

    *lo = start + b * grid->blocks[axis];
    *hi = c2_min_i64(*lo + grid->blocks[axis], c2_min_i64(start + grid->chunks[axis], grid->shape[axis]));
}

int64_t c2_grid_blocks(const struct c2_grid *grid, const struct c2_bound *bound, int64_t nchunk, int32_t *out)
{
    int64_t chunk[C2_DIM_MAX], first[C2_DIM_MAX] = {0}, last[C2_DIM_MAX] = {0}, at[C2_DIM_MAX] = {0}, n = 0;

    if (bound->nitems == 0) return 0;
    c2_grid_chunk_at(grid, nchunk, chunk);
    for (int axis = 0; axis < grid->ndim; axis++) { /* the range of blocks along each axis */
        const struct c2_axis_sel *sel = &bound->axes[axis];
        int64_t start = chunk[axis] * grid->chunks[axis], a, b;
        positions(sel, start, c2_min_i64(start + grid->chunks[axis], grid->shape[axis]), &a, &b);
        if (a >= b) return 0;
        int64_t x = sel->start + a * sel->step - start, y = sel->start + (b - 1) * sel->step - start;
        first[axis] = c2_min_i64(x, y) / grid->blocks[axis];
        last[axis] = c2_max_i64(x, y) / grid->blocks[axis];
        at[axis] = first[axis];
    }
    for (;;) {
        int64_t nblock = 0, lo, hi;
        bool touched = true;
        for (int axis = 0; axis < grid->ndim; axis++) {
            nblock = nblock * grid->nblocks_along[axis] + at[axis];
            block_span(grid, axis, chunk[axis], at[axis], &lo, &hi);
            const struct c2_axis_sel *sel = &bound->axes[axis];
            bool dense = sel->step >= -grid->blocks[axis] && sel->step <= grid->blocks[axis];
            touched = touched && (dense || axis_touches(sel, lo, hi));
        }
        if (touched) out[n++] = (int32_t)nblock;
        int axis = grid->ndim - 1;
        while (axis >= 0 && ++at[axis] > last[axis]) {
            at[axis] = first[axis];
            axis--;
        }
        if (axis < 0) return n;
    }
}
