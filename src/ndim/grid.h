/* SPDX-License-Identifier: BSD-3-Clause */
/* The chunk grid and, inside each chunk, the block grid of a dataset; which of them a selection touches.
 *
 * A b2nd array is padded: each chunk holds prod(ceil(chunk/block)*block) items, block after block, C order
 * inside a block, edge chunks too. A plain schunk is the 1-d case without padding: its last chunk and each
 * chunk's last block are short. */
#ifndef C2_NDIM_GRID_H
#define C2_NDIM_GRID_H

#include "ndim/slice.h"

struct c2_grid {
    int ndim;
    bool padded; /* b2nd */
    int32_t typesize;
    int64_t shape[C2_DIM_MAX];
    int32_t chunks[C2_DIM_MAX];
    int32_t
        blocks[C2_DIM_MAX]; /* plain schunk: items per block of the chunk at hand, or = chunks when unknown */
    /* derived by c2_grid_init() */
    int64_t nchunks_along[C2_DIM_MAX], nchunks;
    int64_t nblocks_along[C2_DIM_MAX], nblocks; /* per chunk */
    int64_t block_items, chunk_items;           /* padded; chunk_items = nblocks * block_items when padded */
};
/** Check and derive: 0 <= shape, 1 <= block <= chunk (zero-size arrays may have 0), products fit, limits
 * hold. */
bool c2_grid_init(struct c2_grid *grid, const int64_t *shape, const int32_t *chunks, const int32_t *blocks,
                  int ndim, int32_t typesize, bool padded, struct cat2_error *err);

/* Walks the chunks that hold at least one selected item, ascending nchunk. A strided selection skips chunks
 * without items. */
struct c2_grid_walk {
    const struct c2_grid *grid;
    const struct c2_bound *bound;
    int64_t at[C2_DIM_MAX]; /* chunk coordinates */
    int64_t lo[C2_DIM_MAX], hi[C2_DIM_MAX];
    bool started, done;
};
void c2_grid_walk_init(struct c2_grid_walk *walk, const struct c2_grid *grid, const struct c2_bound *bound);
/** The next chunk; false at the end. */
bool c2_grid_walk_next(struct c2_grid_walk *walk, int64_t *nchunk);
/** Is chunk `nchunk` one of those? */
bool c2_grid_touches(const struct c2_grid *grid, const struct c2_bound *bound, int64_t nchunk);
/** How many chunks a selection touches (saturates at INT64_MAX). */
int64_t c2_grid_count(const struct c2_grid *grid, const struct c2_bound *bound);
/** Bytes of the blocks that a selection may touch: what it takes to decode it (saturates). */
int64_t c2_grid_cost(const struct c2_grid *grid, const struct c2_bound *bound);

/** Blocks of chunk `nchunk` that hold at least one selected item: ascending indices into `out` (room for
 * grid->nblocks). Returns how many. */
int64_t c2_grid_blocks(const struct c2_grid *grid, const struct c2_bound *bound, int64_t nchunk,
                       int32_t *out);

/** Copy the selected items of one decoded block into the C-ordered result.
 *  @param block  grid->block_items items of typesize bytes (fewer for a short last block of a plain schunk).
 *  @param out    bound->nitems items. Items of other blocks are left alone. */
void c2_grid_scatter(const struct c2_grid *grid, const struct c2_bound *bound, int64_t nchunk, int32_t nblock,
                     const uint8_t *block, uint8_t *out);
/* One axis of a copy: count items, so many bytes apart on either side. */
struct c2_stride {
    int64_t count, from, to;
};
/** Copy items from one array to another. */
void c2_grid_copy(const struct c2_stride *axes, int ndim, size_t itemsize, const uint8_t *from, uint8_t *to);
/** The reverse for writers: gather one padded chunk (block order) from a C-ordered array of grid->shape;
 * padding is zero. */
void c2_grid_gather(const struct c2_grid *grid, const uint8_t *array, int64_t nchunk, uint8_t *chunk);

/** Chunk and block shapes for a new array: chunk about 2 MiB, block 64-256 KiB, whole rows preferred. */
void c2_grid_choose(const int64_t *shape, int ndim, int32_t typesize, int32_t *chunks, int32_t *blocks);

/** Coordinates of a chunk in the grid of chunks; grid->ndim of them. */
void c2_grid_chunk_at(const struct c2_grid *grid, int64_t nchunk, int64_t *at);

#endif
