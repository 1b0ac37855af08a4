/* SPDX-License-Identifier: BSD-3-Clause */
/* What the numbers of a selection are like: two passes, the first for the extremes, the second for the
 * histogram. */
#ifndef C2_REDUCE_STATS_H
#define C2_REDUCE_STATS_H

#include "reduce/number.h"
#include "reduce/walk.h"
#include "reduce/where.h"
#include "wire/json.h"

#define C2_STATS_BINS    64
#define C2_STATS_SAMPLES 64

struct c2_stats {
    struct c2_num num;
    struct c2_bound bound;       /* both set by the caller */
    const struct c2_dtype *time; /* set by the caller, borrowed: of datetime64 and timedelta64, whose least
                                  * integer is NaT; else NULL */
    struct c2_where *where; /* set by the caller, freed here: only items for which it is true; NULL: all */
    int64_t passed;         /* of the items looked at, in the first pass */
    struct c2_select_parts parts;
    bool sampled;
    int64_t nsamples; /* stages of one pass */
    bool second;      /* the pass under way */
    int64_t looked, nan, inf, finite;
    double min, max, min_positive, mean, m2; /* mean: of 64-bit integers the distance from base */
    int64_t wide_min, wide_max, base;        /* of 64-bit integers, in the order-preserving form */
    uint64_t bins[C2_STATS_BINS];
    uint64_t *keys; /* how many numbers begin with these 16 bits, in order */
    struct c2_rank {
        double at; /* position in sorted order */
        uint32_t key;
        uint64_t before;       /* numbers of smaller keys */
        uint64_t sub[1 << 10]; /* of this key, by the ten bits that follow */
    } low, high;
};
bool c2_stats_plan(struct c2_stats *stats, const struct c2_selectable *ds, struct cat2_error *err);
int64_t c2_stats_nstages(const struct c2_stats *stats); /* of both passes */
struct c2_bound c2_stats_stage(const struct c2_stats *stats, int64_t i);
/** Before the boxes of stage i. */
void c2_stats_begin(struct c2_stats *stats, int64_t i);
bool c2_stats_take(void *ctx, const struct c2_box *box, struct cat2_error *err);
bool c2_stats_json(struct c2_stats *stats, struct c2_buf *out, struct cat2_error *err);
double c2_stats_mean(const struct c2_stats *stats);
/** The value at a fraction of the sorted finite numbers, after both passes: low is 1 %, high 99 %. */
double c2_stats_percentile(const struct c2_stats *stats, const struct c2_rank *rank);
void c2_stats_fini(struct c2_stats *stats);
C2_DEFINE_AUTO(c2_stats);

#endif
