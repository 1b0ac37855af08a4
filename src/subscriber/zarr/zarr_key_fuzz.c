/* SPDX-License-Identifier: BSD-3-Clause */
/* A chunk's key printed again is the same; the chunk's items are those of its place, and what is within the
 * shape is copied to where it belongs. One byte chooses a grid, the key follows. */
#include <inttypes.h>
#include <stdlib.h>

#include "subscriber/zarr/zarr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    int ndim;
    int64_t shape[3];
    int32_t chunks[3];
} grids[] = {{0, {0}, {0}},
             {1, {10}, {4}},
             {1, {0}, {0}},
             {2, {7, 9}, {3, 9}},
             {2, {1 << 20, 5}, {7, 2}},
             {3, {4, 0, 5}, {2, 3, 5}},
             {3, {5, 6, 7}, {2, 4, 3}}};

static void check_key(struct c2_str key, const int64_t *index, int ndim)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(4096);
    struct cat2_error err;
    bool ok = ndim > 0 || c2_buf_putc(&text, '0', &err);

    for (int i = 0; ok && i < ndim; i++)
        ok = c2_buf_printf(&text, &err, "%s%" PRId64, i ? "." : "", index[i]);
    C2_ASSERT(ok && c2_str_eq(c2_buf_str(&text), key));
}

static void check_pad(const struct c2_grid *grid, const struct c2_bound *bound,
                      const struct c2_bound *clipped)
{
    uint8_t *items = malloc((size_t)clipped->nitems + 1), *out = calloc((size_t)bound->nitems + 1, 1);
    int64_t found = 0;

    C2_ASSERT(items && out && clipped->nitems <= bound->nitems);
    memset(items, 1, (size_t)clipped->nitems);
    c2_zarr_pad(bound, clipped, 1, items, out);
    for (int64_t i = 0; i < bound->nitems; i++) { /* 1 where the place is within the shape */
        bool within = true;
        int64_t rest = i;
        for (int axis = grid->ndim - 1; axis >= 0; axis--) {
            within &= bound->axes[axis].start + rest % bound->axes[axis].count < grid->shape[axis];
            rest /= bound->axes[axis].count;
        }
        C2_ASSERT(out[i] == within);
        found += within;
    }
    C2_ASSERT(found == clipped->nitems);
    free(items);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct c2_grid grid;
    struct c2_bound bound, clipped;
    struct cat2_error err;
    int64_t index[C2_DIM_MAX];

    if (size == 0) return 0;
    size_t which = data[0] % C2_ARRAY_LEN(grids);
    struct c2_str key = {(const char *)data + 1, size - 1};
    C2_ASSERT(c2_grid_init(&grid, grids[which].shape, grids[which].chunks, grids[which].chunks,
                           grids[which].ndim, 1, true, &err));
    if (!c2_zarr_key_parse(key, grid.ndim, index)) return 0;
    check_key(key, index, grid.ndim);
    if (!c2_zarr_chunk_bound(&grid, index, &bound, &err)) return 0;
    C2_ASSERT(c2_zarr_clip(&grid, &bound, &clipped)); /* a chunk of the grid holds something */
    check_pad(&grid, &bound, &clipped);
    return 0;
}
