/* SPDX-License-Identifier: BSD-3-Clause */
/* A selection chunk by chunk: every block is decoded once, chunks of one value are not decoded at all, and no
 * more than a box is in memory. And what a selection costs before it is begun. Workers only. */
#ifndef C2_REDUCE_WALK_H
#define C2_REDUCE_WALK_H

#include "base/limits.h"
#include "select/select.h"

/* Part of a selection, within one chunk. */
struct c2_box {
    const uint8_t *items; /* C order; one item only when constant */
    bool constant;
    int ndim;
    int64_t first[C2_DIM_MAX], count[C2_DIM_MAX]; /* along each dataset axis, in items of the selection */
    int64_t nitems;
};
typedef bool c2_box_fn(void *ctx, const struct c2_box *box, struct cat2_error *err);
/** Visit all boxes of a selection. @errors as c2_select_items; what visit says. */
bool c2_walk_boxes(struct c2_codec *codec, const struct c2_selectable *ds, const struct c2_bound *bound,
                   c2_box_fn *visit, void *ctx, struct cat2_error *err);
/** Every step-th item along an axis, from the first on. */
struct c2_bound c2_walk_every(const struct c2_bound *bound, int axis, int64_t step);
/** Bytes to be decompressed for a selection, at most (saturates). Special chunks cost nothing as long as
 * there are not so many that looking at them would cost more. */
int64_t c2_walk_cost(const struct c2_selectable *ds, const struct c2_bound *bound);

#endif
