/* SPDX-License-Identifier: BSD-3-Clause */
/* Tiles made of kept tiles: which of them are there, which are made now, and keeping them.
 * docs/decisions/0022.
 */
#ifndef C2_SUBSCRIBER_API_TILE_LEVELS_H
#define C2_SUBSCRIBER_API_TILE_LEVELS_H

#include "reduce/pyramid.h"
#include "subscriber/answer/view.h"
#include "subscriber/fetch/open_levels.h"

struct c2_tile_unit {
    struct c2_tile_at at;
    int64_t n; /* number of the tile; -1: it is not kept */
};
struct c2_tile_units {
    C2_VEC(struct c2_tile_unit);
};
struct c2_tile {
    struct c2_plane plane;
    struct c2_bound whole, bound; /* of the plane, of the tile */
    struct c2_tile_at at;
    bool exact;    /* the client asks for one that is not sampled */
    bool of_tiles; /* it is made of others */
    /* Of planes that have levels: */
    struct c2_levels *levels; /* NULL: this one has none */
    struct c2_ds *ds;         /* of levels */
    struct c2_pyramid pyramid;
    int64_t nplane, n;               /* number of the plane, and of the tile; -1: it is not kept */
    struct c2_tile_units kept, made; /* it is made of: tiles that are kept, and those that are made first */
    int64_t nleft;                   /* tiles to be made that this request does not make */
    struct {
        C2_VEC(int64_t);
    } brought; /* chunks that are fetched to be reduced, and for nothing else */
    struct c2_cachefile *cf;
};

/** Loop. Which levels there may be. */
void c2_tile_levels_begin(struct c2_tile *t, struct c2_ds *ds);
/** Loop. Is the tile kept? As far as is known without looking at the disk. */
bool c2_tile_is_kept(const struct c2_tile *t);
/** Worker. The tile as it was kept; false: it was not. */
bool c2_tile_take_kept(struct c2_tile *t, struct c2_codec *codec);
/** Worker. Plan the tile from others: those that are kept and, when it is to be exact, those that are to be
 * made. *found: it is made so; otherwise it is made of items. */
bool c2_tile_plan(struct c2_tile *t, const struct c2_reading *reading, int64_t work_max, bool *found,
                  struct cat2_error *err);
/** How many parts the plan has; what part i reads, false: nothing; and making it, which may be done twice. */
int64_t c2_tile_nparts(const struct c2_tile *t);
bool c2_tile_part_reads(const struct c2_tile *t, int64_t i, struct c2_bound *out);
bool c2_tile_run(struct c2_tile *t, const struct c2_reading *reading, int64_t i, struct cat2_error *err);
/** Worker. Keep a tile that was made of items, if that was work. */
void c2_tile_keep(struct c2_tile *t, struct c2_codec *codec);
/** Loop. Let go of levels; chunks that were brought go back. */
void c2_tile_levels_end(struct c2_tile *t);

#endif
