/* SPDX-License-Identifier: BSD-3-Clause */
/* One axis of an array as so many pixels: least and greatest number of each, so that no spike is lost. */
#ifndef C2_REDUCE_LINE_H
#define C2_REDUCE_LINE_H

#include "base/limits.h"
#include "reduce/number.h"
#include "reduce/walk.h"

#define C2_LINE_ITEMS_MAX ((int64_t)1 << 48) /* positions times pixels fit 64 bits */

struct c2_line {
    struct c2_num num;
    int64_t px;
    struct c2_bound bound; /* set by the caller, with one axis that is not dropped */
    int axis;
    int64_t n;  /* items */
    bool pairs; /* least and greatest; else the items themselves */
    int64_t nvalues;
    double *real;
    int64_t *wide;
    bool *seen; /* has the pixel a number that is no NaN? */
    /* a sample: stretches of the line, one after the other */
    bool approx;
    int64_t nsamples, stretch, stage;
};
/** num, px and bound are set. @errors CAT2_EINVAL the selection is no line; CAT2_ELIMIT; CAT2_ENOMEM. */
bool c2_line_check(struct c2_line *line, struct cat2_error *err);
bool c2_line_plan(struct c2_line *line, const struct c2_selectable *ds, struct cat2_error *err);
/** Number of stages, and what stage i reads. */
int64_t c2_line_nstages(const struct c2_line *line);
struct c2_bound c2_line_stage(const struct c2_line *line, int64_t i);
/** A c2_box_fn for boxes of stage line->stage. */
bool c2_line_take(void *ctx, const struct c2_box *box, struct cat2_error *err);
bool c2_line_encode(struct c2_line *line, struct c2_buf *out, struct cat2_error *err);
void c2_line_fini(struct c2_line *line);
C2_DEFINE_AUTO(c2_line);

#endif
