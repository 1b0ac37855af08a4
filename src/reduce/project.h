/* SPDX-License-Identifier: BSD-3-Clause */
/* A selection of which one or two axes stay: each number of the result is the mean, the greatest or the least
 * of all items over the others. Projections of volumes are made of it, and curves through regions. */
#ifndef C2_REDUCE_PROJECT_H
#define C2_REDUCE_PROJECT_H

#include "reduce/plane.h"

struct c2_projection {
    struct c2_num num;
    enum c2_agg agg;       /* not nearest */
    int axes[2];           /* of the dataset, that stay: along x, then along y; -1: none along y */
    int64_t factor[2];     /* items of the selection that a number stands for, along each */
    int64_t w, h;          /* numbers */
    int64_t step[2];       /* of a sample: every so many items along x and y */
    double *real, *sums;   /* w * h: sum or extreme; of how many */
    int64_t *wide;         /* instead of real, for 64-bit integers but their mean */
    struct c2_bound bound; /* what is to be read */
    bool approx;           /* that is a sample */
};
/** Decide what is read. num, agg, axes, factor are set by the caller; bound is what is projected.
 *  @errors CAT2_ENOMEM. */
bool c2_projection_plan(struct c2_projection *p, const struct c2_selectable *ds, const struct c2_bound *bound,
                        struct cat2_error *err);
void c2_projection_fini(struct c2_projection *p);
C2_DEFINE_AUTO(c2_projection);
/** Take a box of p->bound in: a c2_box_fn, ctx is the projection. */
bool c2_projection_take(void *ctx, const struct c2_box *box, struct cat2_error *err);
/** What c2_projection_encode() writes: means as f4, along one axis as f8. */
void c2_projection_typestr(const struct c2_projection *p, char out[8]);
/** w * h numbers in C order; NaN where there is nothing but NaN. */
bool c2_projection_encode(const struct c2_projection *p, struct c2_buf *out, struct cat2_error *err);

#endif
