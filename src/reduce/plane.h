/* SPDX-License-Identifier: BSD-3-Clause */
/* A plane of an array, reduced: each texel stands for factor x factor items. Tiles and pictures are made of
 * it. */
#ifndef C2_REDUCE_PLANE_H
#define C2_REDUCE_PLANE_H

#include "base/limits.h"
#include "reduce/sums.h"
#include "reduce/walk.h"

/* Which axes are shown: columns run along x, rows along y. */
struct c2_plane_axes {
    int x, y;
};
/** "X,Y", negative from the end; "" is the last axis and the one before. */
bool c2_plane_axes_parse(struct c2_str text, int ndim, struct c2_plane_axes *out, struct cat2_error *err);
/** The plane: `at` holds ranges on the two axes and integers on the others; "" is all of the plane at 0.
 *  @errors CAT2_EINVAL. */
bool c2_plane_bind(const struct c2_grid *grid, const struct c2_plane_axes *axes, struct c2_str at,
                   struct c2_bound *out, struct cat2_error *err);
/** Tile x, y of a level. @errors CAT2_ENOTFOUND outside the plane. */
bool c2_plane_tile(struct c2_bound *bound, const struct c2_plane_axes *axes, int z, int64_t x, int64_t y,
                   struct cat2_error *err);

struct c2_plane {
    struct c2_sums sums; /* of texels */
    struct c2_plane_axes axes;
    int64_t factor;
    int64_t spread[2];     /* nearest: texels along x and y that one sample serves */
    struct c2_bound bound; /* what is to be read */
    bool exact;            /* however much that is */
    bool approx;
};
/** Decide what is read. num and agg of the sums, axes, factor, exact of *plane are set by the caller; bound
 * is what the picture is of.
 *  @errors CAT2_ENOMEM. */
bool c2_plane_plan(struct c2_plane *plane, const struct c2_selectable *ds, const struct c2_bound *bound,
                   struct cat2_error *err);
/** What an exact one of `bound` reads, whose factor and agg are these. */
struct c2_bound c2_plane_reads(const struct c2_plane *plane, const struct c2_bound *bound);
void c2_plane_fini(struct c2_plane *plane);
C2_DEFINE_AUTO(c2_plane);
/** Take a box of plane->bound in: a c2_box_fn, ctx is the plane. */
bool c2_plane_take(void *ctx, const struct c2_box *box, struct cat2_error *err);

#endif
