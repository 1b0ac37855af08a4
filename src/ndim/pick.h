/* SPDX-License-Identifier: BSD-3-Clause */
/* NumPy's advanced indexing: items at coordinates. One entry an axis: an integer, a list of integers (lists
 * in lists, too), a list of booleans as long as the axis, a slice as text, or null for all of the axis.
 *
 * The axes with integers or lists are picked: their lists are broadcast to points, of which each has a
 * coordinate on each of these axes. In the result the axes of the points stand where the picked axes stood,
 * or first where others were between these. Without any list it is a slice: one point, without axes. */
#ifndef C2_NDIM_PICK_H
#define C2_NDIM_PICK_H

#include "ndim/slice.h"
#include "wire/json.h"

#define C2_PICK_MAX 1000000 /* coordinates in lists, and points: 8 MB of memory for each axis */

struct c2_pick {
    struct c2_bound bound; /* axes[]: the slices; of picked axes, those that hold all coordinates */
    int npicked;
    int picked[C2_DIM_MAX]; /* axes of the dataset, rising */
    int64_t npoints;
    int64_t *at; /* of point after point, on each picked axis; owned */
    int points_axis, points_ndim;
    int out_ndim;
    int64_t out_shape[C2_DIM_MAX];
    int64_t nitems;
};
/** @errors CAT2_EINVAL what is no entry, out of bounds, does not broadcast, too many coordinates;
 * CAT2_ELIMIT. */
bool c2_pick_parse(struct c2_jval entries, const int64_t *shape, int ndim, struct c2_pick *out,
                   struct cat2_error *err);
/** These items of an array, by their numbers in C order, along one axis. alone: the one item, without it. */
bool c2_pick_flat(const uint32_t *numbers, int64_t n, bool alone, const int64_t *shape, int ndim,
                  struct c2_pick *out, struct cat2_error *err);
void c2_pick_fini(struct c2_pick *pick);
C2_DEFINE_AUTO(c2_pick);

#endif
