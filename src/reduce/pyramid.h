/* SPDX-License-Identifier: BSD-3-Clause */
/* The pyramid of a plane: which tiles of which levels are kept, under which number, and how a tile is made of
 * those below it. A tile is kept as what a c2_plane adds up, so that it comes out as if it were made of the
 * items. */
#ifndef C2_REDUCE_PYRAMID_H
#define C2_REDUCE_PYRAMID_H

#include "reduce/plane.h"

#define C2_LEVELS_Z_MIN 3 /* below, the items are at most 16 times the bytes of the tile */

struct c2_tile_at {
    int z;
    int64_t x, y;
};
/* Planes of an array, all along the same axes. */
struct c2_pyramid {
    int64_t rows, columns;
    int z_min, z_top; /* levels that are kept; on top there is one tile */
    int64_t first[C2_TILE_Z_MAX + 1],
        across[C2_TILE_Z_MAX + 1]; /* of a level: number of its first, in a row */
    int64_t per_plane, nplanes;
};
/** At most `most` tiles in all. false: the planes are too small for levels, or too many. */
bool c2_pyramid_of(const struct c2_grid *grid, const struct c2_plane_axes *axes, int64_t most,
                   struct c2_pyramid *out);
/** The plane's number; -1: the bound is not all of a plane, in its order. */
int64_t c2_pyramid_plane(const struct c2_pyramid *p, const struct c2_grid *grid,
                         const struct c2_plane_axes *axes, const struct c2_bound *bound);
/** The tile's number; -1: it is not kept. */
int64_t c2_pyramid_tile(const struct c2_pyramid *p, int64_t plane, const struct c2_tile_at *at);
/** What is reduced, and how, as part of a file name. */
void c2_pyramid_name(const struct c2_plane *plane, char out[C2_PYRAMID_NAME_MAX]);

/** Add a tile `at` to the tile `above` that it lies in. */
void c2_plane_fold(struct c2_plane *above, const struct c2_tile_at *where, const struct c2_plane *tile,
                   const struct c2_tile_at *at);
/** The sums as bytes, C2_LEVELS_TILE_NBYTES of them, and back. */
void c2_plane_save(const struct c2_plane *plane, uint8_t *out);
void c2_plane_restore(struct c2_plane *plane, const uint8_t *from);

#endif
