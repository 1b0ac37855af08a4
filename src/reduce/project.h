/* SPDX-License-Identifier: BSD-3-Clause */
/* A selection of which one or two axes stay: each number of the result is the mean, the greatest or the least
 * of all items over the others. Projections of volumes are made of it, and curves through regions. */
#ifndef C2_REDUCE_PROJECT_H
#define C2_REDUCE_PROJECT_H

#include "reduce/sums.h"

struct c2_projection {
    struct c2_sums sums;      /* agg is not nearest; means are sent as f4, along one axis as f8 */
    struct c2_along along[2]; /* axes that stay, x and y (-1: none); items that a number stands for; of a
                               * sample, that is of every so many items: the step */
    struct c2_bound bound;    /* what is to be read */
    bool approx;              /* that is a sample */
};
/** Decide what is read. num and agg of the sums, axes and factors are set by the caller; bound is what is
 * projected.
 *  @errors CAT2_ENOMEM. */
bool c2_projection_plan(struct c2_projection *p, const struct c2_selectable *ds, const struct c2_bound *bound,
                        struct cat2_error *err);
void c2_projection_fini(struct c2_projection *p);
C2_DEFINE_AUTO(c2_projection);
/** Take a box of p->bound in: a c2_box_fn, ctx is the projection. */
bool c2_projection_take(void *ctx, const struct c2_box *box, struct cat2_error *err);
/** When all are taken, for c2_sums_encode(): numbers between those of a sample are those before them. */
void c2_projection_spread(struct c2_projection *p);

#endif
