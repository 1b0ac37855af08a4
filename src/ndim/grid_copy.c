/* SPDX-License-Identifier: BSD-3-Clause */
/* Items between blocks and C-ordered arrays. Runs of neighbours go by memcpy; strided ones by item size. */
#include <string.h>

#include "ndim/grid.h"

struct copy {
    int ndim;
    struct c2_stride axes[C2_DIM_MAX];
    size_t itemsize;
};

#define COPY_RUN(type)                                                                                       \
    for (int64_t i = 0; i < run.count; i++) {                                                                \
        type item;                                                                                           \
        memcpy(&item, from + i * run.from, sizeof(item));                                                    \
        memcpy(to + i * run.to, &item, sizeof(item));                                                        \
    }

static void copy_run(struct c2_stride run, size_t itemsize, const uint8_t *from, uint8_t *to)
{
    struct pair {
        uint64_t a, b;
    };

    if (run.from == (int64_t)itemsize && run.to == (int64_t)itemsize) {
        memcpy(to, from, (size_t)run.count * itemsize);
        return;
    }
    switch (itemsize) {
    case 1:
        COPY_RUN(uint8_t)
        return;
    case 2:
        COPY_RUN(uint16_t)
        return;
    case 4:
        COPY_RUN(uint32_t)
        return;
    case 8:
        COPY_RUN(uint64_t)
        return;
    case 16:
        COPY_RUN(struct pair)
        return;
    default:
        for (int64_t i = 0; i < run.count; i++)
            memcpy(to + i * run.to, from + i * run.from, itemsize);
    }
}

/* Join neighbouring axes that are contiguous on both sides into one longer run, and drop axes of one item. */
static void simplify(struct copy *c)
{
    int n = 0;

    for (int axis = 0; axis < c->ndim; axis++) {
        struct c2_stride next = c->axes[axis];
        if (next.count == 1) continue;
        if (n > 0 && c->axes[n - 1].from == next.count * next.from &&
            c->axes[n - 1].to == next.count * next.to) {
            next.count *= c->axes[n - 1].count;
            n--;
        }
        c->axes[n++] = next;
    }
    c->ndim = n;
}

static void run_copy(struct copy *c, const uint8_t *from, uint8_t *to)
{
    int64_t at[C2_DIM_MAX] = {0};

    simplify(c);
    struct c2_stride inner = {1, (int64_t)c->itemsize, (int64_t)c->itemsize};
    if (c->ndim > 0) inner = c->axes[--c->ndim];
    for (;;) {
        copy_run(inner, c->itemsize, from, to);
        int axis = c->ndim - 1;
        for (; axis >= 0; axis--) {
            from += c->axes[axis].from;
            to += c->axes[axis].to;
            if (++at[axis] < c->axes[axis].count) break;
            from -= c->axes[axis].from * c->axes[axis].count;
            to -= c->axes[axis].to * c->axes[axis].count;
            at[axis] = 0;
        }
        if (axis < 0) return;
    }
}

void c2_grid_copy(const struct c2_stride *axes, int ndim, size_t itemsize, const uint8_t *from, uint8_t *to)
{
    struct copy c = {.ndim = ndim, .itemsize = itemsize};

    for (int axis = 0; axis < ndim; axis++) {
        if (axes[axis].count == 0) return;
        c.axes[axis] = axes[axis];
    }
    run_copy(&c, from, to);
}

static void coordinates(const int64_t *along, int ndim, int64_t index, int64_t *at)
{
    for (int axis = ndim - 1; axis >= 0; axis--) {
        at[axis] = index % along[axis];
        index /= along[axis];
    }
}

/* Selected positions [*first, *last) of an axis within items [lo, hi). */
static void within(const struct c2_axis_sel *sel, int64_t lo, int64_t hi, int64_t *first, int64_t *last)
{
    uint64_t step = sel->step > 0 ? (uint64_t)sel->step : 0 - (uint64_t)sel->step;
    int64_t near = sel->step > 0 ? lo - sel->start : sel->start - (hi - 1);
    int64_t far = sel->step > 0 ? hi - 1 - sel->start : sel->start - lo;

    *first = near <= 0 ? 0 : (int64_t)(((uint64_t)near + step - 1) / step);
    *last = far < 0 ? 0 : c2_min_i64((int64_t)((uint64_t)far / step) + 1, sel->count);
}

void c2_grid_scatter(const struct c2_grid *grid, const struct c2_bound *bound, int64_t nchunk, int32_t nblock,
                     const uint8_t *block, uint8_t *out)
{
    int64_t chunk[C2_DIM_MAX], at[C2_DIM_MAX];
    int64_t from_stride = grid->typesize, to_stride = grid->typesize;
    struct copy c = {.ndim = grid->ndim, .itemsize = (size_t)grid->typesize};

    coordinates(grid->nchunks_along, grid->ndim, nchunk, chunk);
    coordinates(grid->nblocks_along, grid->ndim, nblock, at);
    for (int axis = grid->ndim - 1; axis >= 0; axis--) {
        const struct c2_axis_sel *sel = &bound->axes[axis];
        int64_t start = chunk[axis] * grid->chunks[axis], lo = start + at[axis] * grid->blocks[axis], first,
                last;
        int64_t hi =
            c2_min_i64(lo + grid->blocks[axis], c2_min_i64(start + grid->chunks[axis], grid->shape[axis]));
        within(sel, lo, hi, &first, &last);
        if (first >= last) return;
        block += (sel->start + first * sel->step - lo) * from_stride;
        out += first * to_stride;
        c.axes[axis] =
            (struct c2_stride){last - first, last - first == 1 ? 0 : sel->step * from_stride, to_stride};
        from_stride *= grid->blocks[axis];
        to_stride *= sel->count;
    }
    run_copy(&c, block, out);
}

void c2_grid_gather(const struct c2_grid *grid, const uint8_t *array, int64_t nchunk, uint8_t *chunk)
{
    int64_t at[C2_DIM_MAX], b[C2_DIM_MAX];

    memset(chunk, 0, (size_t)(grid->chunk_items * grid->typesize));
    coordinates(grid->nchunks_along, grid->ndim, nchunk, at);
    for (int64_t nblock = 0; nblock < grid->nblocks; nblock++) {
        const uint8_t *from = array;
        uint8_t *to = chunk + nblock * grid->block_items * grid->typesize;
        int64_t from_stride = grid->typesize, to_stride = grid->typesize;
        struct copy c = {.ndim = grid->ndim, .itemsize = (size_t)grid->typesize};
        bool any = true;
        coordinates(grid->nblocks_along, grid->ndim, nblock, b);
        for (int axis = grid->ndim - 1; axis >= 0; axis--) {
            int64_t start = at[axis] * grid->chunks[axis], lo = start + b[axis] * grid->blocks[axis];
            int64_t hi = c2_min_i64(lo + grid->blocks[axis],
                                    c2_min_i64(start + grid->chunks[axis], grid->shape[axis]));
            any = any && lo < hi;
            from += lo * from_stride;
            c.axes[axis] = (struct c2_stride){hi - lo, from_stride, to_stride};
            from_stride *= grid->shape[axis];
            to_stride *= grid->blocks[axis];
        }
        if (any) run_copy(&c, from, to);
    }
}

/* Largest power-of-two fraction of the shape, last axes kept whole longest, that holds at most max_items. */
static void shrink_to(const int64_t *shape, int ndim, int64_t max_items, int32_t *out)
{
    int64_t items = 1;

    for (int axis = ndim - 1; axis >= 0; axis--) {
        int64_t room = c2_max_i64(1, max_items / items);
        int64_t edge = c2_max_i64(1, c2_min_i64(shape[axis], room));
        out[axis] = (int32_t)edge;
        items *= edge;
    }
}

void c2_grid_choose(const int64_t *shape, int ndim, int32_t typesize, int32_t *chunks, int32_t *blocks)
{
    int64_t edges[C2_DIM_MAX];

    shrink_to(shape, ndim, c2_max_i64(1, (2 << 20) / typesize), chunks);
    for (int axis = 0; axis < ndim; axis++)
        edges[axis] = chunks[axis];
    shrink_to(edges, ndim, c2_max_i64(1, (128 << 10) / typesize), blocks);
}
