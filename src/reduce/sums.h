/* SPDX-License-Identifier: BSD-3-Clause */
/* Cells that items are added to: the mean, the greatest or the least of them. Planes and projections are made
 * of it. */
#ifndef C2_REDUCE_SUMS_H
#define C2_REDUCE_SUMS_H

#include <math.h>

#include "reduce/number.h"
#include "reduce/walk.h"

enum c2_agg { C2_AGG_MEAN, C2_AGG_MAX, C2_AGG_MIN, C2_AGG_NEAREST };
/** "mean", ...; "" is the number's default. @errors CAT2_EINVAL. */
bool c2_agg_parse(struct c2_str text, const struct c2_num *num, enum c2_agg *out, struct cat2_error *err);
const char *c2_agg_name(enum c2_agg agg);

struct c2_sums {
    struct c2_num num;
    enum c2_agg agg;
    bool means_f8;         /* means are sent as f8, else as f4 */
    int64_t w, h;          /* cells */
    double *real, *counts; /* w * h: sum or extreme, and of how many */
    int64_t *wide;         /* instead of real, for 64-bit integers but their mean */
};
/** Sums of nothing. num and agg are set. @errors CAT2_ENOMEM; CAT2_ELIMIT. */
bool c2_sums_begin(struct c2_sums *sums, int64_t w, int64_t h, struct cat2_error *err);
void c2_sums_fini(struct c2_sums *sums);

/* Item i of the selection along an axis is of cell i * step / factor. */
struct c2_along {
    int axis; /* of the dataset; -1: all items are of cell 0 */
    int64_t step, factor;
};
/** The items of a box, whose cells lie along x and along y. */
void c2_sums_take(struct c2_sums *sums, const struct c2_along along[2], const struct c2_box *box);
/** Add what a cell of others comes to, of the same agg and num. */
void c2_sums_add(struct c2_sums *sums, int64_t cell, const struct c2_sums *from, int64_t at);

/** n items, one after the other, as they are added: into wide where sums->wide is, else into real. */
void c2_sums_load(const struct c2_sums *sums, const uint8_t *items, int64_t n, double *real, int64_t *wide);

/** Cell i in C order; NaN when there is nothing but NaN. */
static inline double c2_sums_value(const struct c2_sums *sums, int64_t i)
{
    if (sums->counts[i] == 0) return (double)NAN;
    if (sums->wide) return c2_num_wide_real(&sums->num, sums->wide[i]);
    return sums->agg == C2_AGG_MEAN ? sums->real[i] / sums->counts[i] : sums->real[i];
}

/** What c2_sums_encode() writes. */
void c2_sums_typestr(const struct c2_sums *sums, char out[8]);
bool c2_sums_encode(const struct c2_sums *sums, struct c2_buf *out, struct cat2_error *err);

#endif
