/* SPDX-License-Identifier: BSD-3-Clause */
/* Items as every reader has them: little-endian, half floats as single ones, long doubles as doubles. */
#ifndef C2_REDUCE_PLAIN_H
#define C2_REDUCE_PLAIN_H

#include "reduce/number.h"

struct c2_plain {
    bool same;        /* nothing is to be done */
    int64_t per_item; /* numbers in an item: 2 complex, N of text */
    struct c2_num num;
    int64_t in_size, out_size; /* of an item */
    char typestr[40];
};
/** @errors CAT2_EUNSUPPORTED structures. */
bool c2_plain_of(const struct c2_dtype *dtype, struct c2_plain *out, struct cat2_error *err);
/** n items; out has room for n * out_size bytes. */
void c2_plain_items(const struct c2_plain *plain, const uint8_t *items, int64_t n, uint8_t *out);

#endif
