/* SPDX-License-Identifier: BSD-3-Clause */
/* What a warm slice costs in copying: microseconds a selection, its touched blocks found and scattered. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ndim/grid.h"

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int64_t select_once(const struct c2_grid *grid, const struct c2_bound *bound, const uint8_t *chunk,
                           int32_t *blocks, uint8_t *out)
{
    struct c2_grid_walk walk;
    int64_t nchunk;

    for (c2_grid_walk_init(&walk, grid, bound); c2_grid_walk_next(&walk, &nchunk);) {
        int64_t n = c2_grid_blocks(grid, bound, nchunk, blocks);
        for (int64_t i = 0; i < n; i++)
            c2_grid_scatter(grid, bound, nchunk, blocks[i],
                            chunk + blocks[i] * grid->block_items * grid->typesize, out);
    }
    return bound->nitems * grid->typesize;
}

int main(void)
{
    static const char *const slices[] = {"1000:1100,1000:1100",   "1000:1200:2,1000:1200:2",
                                         "1099:999:-1,1000:1100", "5,5",
                                         "0:1000,0:1000",         ":,7"};
    const int64_t shape[] = {4000, 4000};
    const int32_t chunks[] = {500, 500}, blocks[] = {64, 128};
    struct cat2_error err;
    struct c2_grid grid;

    if (!c2_grid_init(&grid, shape, chunks, blocks, 2, 8, true, &err)) return 1;
    uint8_t *chunk = calloc((size_t)grid.chunk_items, 8), *out = calloc(1000 * 1000, 8);
    int32_t *found = calloc((size_t)grid.nblocks, sizeof(*found));
    for (size_t i = 0; chunk && out && found && i < C2_ARRAY_LEN(slices); i++) {
        struct c2_slice slice;
        struct c2_bound bound;
        int64_t rounds = 0, nbytes = 0;
        double start = now(), spent;
        do {
            if (!c2_slice_parse(c2_str_of(slices[i]), &slice, &err) ||
                !c2_slice_bind(&slice, shape, 2, &bound, &err))
                return 1;
            nbytes = select_once(&grid, &bound, chunk, found, out);
            rounds++;
            spent = now() - start;
        } while (spent < 0.3);
        printf("%-26s %10.2f us %8.2f GB/s\n", slices[i], spent / (double)rounds * 1e6,
               (double)nbytes * (double)rounds / spent * 1e-9);
    }
    free(chunk);
    free(out);
    free(found);
    return 0;
}
