/* SPDX-License-Identifier: BSD-3-Clause */
/* Any grid is refused or its selections are the items that the definition names: ndim, typesize, padded, then
 * 12 bytes an axis (shape, chunk, block), then the text of a slice. */
#include <stdlib.h>

#include "ndim/grid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ITEMS_MAX 4096

/* The item of the dataset that is item k of the selection. */
static int64_t origin(const struct c2_grid *grid, const struct c2_bound *bound, int64_t k)
{
    int64_t index = 0, stride = 1;

    for (int axis = grid->ndim - 1; axis >= 0; axis--) {
        const struct c2_axis_sel *sel = &bound->axes[axis];
        index += (sel->start + k % sel->count * sel->step) * stride;
        k /= sel->count;
        stride *= grid->shape[axis];
    }
    return index;
}

static void check_items(const struct c2_grid *grid, const struct c2_bound *bound, int64_t nitems)
{
    size_t item = (size_t)grid->typesize;
    uint8_t *array = malloc((size_t)nitems * item + 1), *out = calloc((size_t)bound->nitems + 1, item);
    uint8_t *chunk = malloc((size_t)grid->chunk_items * item + 1);
    int32_t *blocks = malloc((size_t)(grid->nblocks + 1) * sizeof(*blocks));
    struct c2_grid_walk walk;
    int64_t nchunk, walked = 0;

    C2_ASSERT(array && out && chunk && blocks);
    for (int64_t i = 0; i < nitems * grid->typesize; i++)
        array[i] = (uint8_t)((i / grid->typesize * 2654435761 >> 8) + i);
    c2_grid_walk_init(&walk, grid, bound);
    for (; c2_grid_walk_next(&walk, &nchunk); walked++) {
        c2_grid_gather(grid, array, nchunk, chunk);
        int64_t n = c2_grid_blocks(grid, bound, nchunk, blocks);
        C2_ASSERT(n > 0 && n <= grid->nblocks);
        for (int64_t i = 0; i < n; i++)
            c2_grid_scatter(grid, bound, nchunk, blocks[i],
                            chunk + (size_t)(blocks[i] * grid->block_items) * item, out);
    }
    C2_ASSERT(walked == c2_grid_count(grid, bound));
    for (int64_t k = 0; k < bound->nitems; k++)
        C2_ASSERT(memcmp(out + (size_t)k * item, array + (size_t)origin(grid, bound, k) * item, item) == 0);
    free(array);
    free(out);
    free(chunk);
    free(blocks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t shape[C2_DIM_MAX] = {0}, nitems = 1;
    int32_t chunks[C2_DIM_MAX], blocks[C2_DIM_MAX];
    struct cat2_error err;
    struct c2_slice slice;
    struct c2_bound bound;
    struct c2_grid grid;

    if (size < 2) return 0;
    int ndim = data[0] % (C2_DIM_MAX + 1), typesize = data[1];
    size_t at = 2;
    if (size - at < (size_t)ndim * 12) return 0;
    for (int axis = 0; axis < ndim; axis++, at += 12) {
        memcpy(&shape[axis], data + at, 4);
        memcpy(&chunks[axis], data + at + 4, 4);
        memcpy(&blocks[axis], data + at + 8, 4);
        if (data[at + 3] == 0xff) shape[axis] = INT64_MAX - shape[axis] % 3;
    }
    if (!c2_grid_init(&grid, shape, chunks, blocks, ndim, typesize, true, &err)) return 0;
    if (!c2_slice_parse((struct c2_str){(const char *)data + at, size - at}, &slice, &err)) return 0;
    if (!c2_slice_bind(&slice, shape, ndim, &bound, &err)) return 0;
    for (int axis = 0; axis < ndim; axis++)
        if (!c2_mul_i64(nitems, shape[axis], &nitems) || nitems > ITEMS_MAX) return 0;
    if (grid.chunk_items > ITEMS_MAX || grid.nblocks > ITEMS_MAX) return 0;
    check_items(&grid, &bound, nitems);
    return 0;
}
