/* SPDX-License-Identifier: BSD-3-Clause */
/* NumPy basic indexing as text, and bound to a shape.
 *
 *   slice := "" | sel ("," sel)*      sel := INT | [INT] ":" [INT] [":" [INT]] | "..."
 *
 * Blanks anywhere, '+' and '_' in integers as Python's int(). At most one "...". */
#ifndef C2_NDIM_SLICE_H
#define C2_NDIM_SLICE_H

#include "base/buf.h"
#include "base/limits.h"

#define C2_SELS_MAX 64 /* parts of a slice text; more than C2_DIM_MAX so that the error names the axes */

enum c2_sel_kind { C2_SEL_INDEX, C2_SEL_RANGE, C2_SEL_ELLIPSIS };
struct c2_sel {
    enum c2_sel_kind kind;
    bool has_start, has_stop, has_step;
    int64_t start, stop, step; /* INDEX uses start */
};
struct c2_slice {
    int nsels;
    struct c2_sel sels[C2_SELS_MAX];
};
/** @errors CAT2_EINVAL "slice: ... at character N". */
bool c2_slice_parse(struct c2_str text, struct c2_slice *out, struct cat2_error *err);

/* One slice on one shape. Axis i of the dataset takes count items: start, start+step, ... (step may be
 * negative). */
struct c2_axis_sel {
    int64_t start, step, count;
    bool dropped; /* an integer index: count is 1 and the axis is not in the result */
};
struct c2_bound {
    int ndim; /* of the dataset */
    struct c2_axis_sel axes[C2_DIM_MAX];
    int out_ndim;
    int64_t out_shape[C2_DIM_MAX];
    int64_t nitems; /* product of counts; 0 when empty */
    bool whole;     /* every item in storage order: start 0, step 1, full count, nothing dropped */
};
/** Python rules: negative wrap, ranges clamp, missing trailing axes are full. 0-d takes "", "..." only.
 *  @errors CAT2_EINVAL too many axes, index out of range (names axis and size), step 0; CAT2_ELIMIT product
 * overflow. */
bool c2_slice_bind(const struct c2_slice *slice, const int64_t *shape, int ndim, struct c2_bound *out,
                   struct cat2_error *err);
/** The smallest box that holds the selection: lo <= item < hi per axis (lo == hi when empty). */
void c2_bound_box(const struct c2_bound *bound, int64_t *lo, int64_t *hi);
/** Part of a selection along its first undropped-or-not axis order: items [first, first+n) of axis `axis` of
 * the selection. */
struct c2_bound c2_bound_part(const struct c2_bound *bound, int axis, int64_t first, int64_t n);

#endif
