/* SPDX-License-Identifier: BSD-3-Clause */
/* What NumPy's str() prints, for every dtype (NumPy 1.26 defaults: threshold 1000, edgeitems 3, linewidth 75,
 * precision 8). */
#ifndef C2_NDIM_PRINT_H
#define C2_NDIM_PRINT_H

#include "ndim/dtype.h"

/** Does an array of this shape print summarised ("...")? */
bool c2_print_summarised(const int64_t *shape, int ndim);
/** The indices an axis of length n shows when summarised: 0,1,2 and n-3,n-2,n-1 (all of 0..n-1 when n <= 6).
 *  Writes at most 6 indices, returns how many. */
int c2_print_edges(int64_t n, int64_t out[6]);
/** Print. When c2_print_summarised(shape), `items` holds only the edge items: an array of shape
 * edges(shape[i]) each, C order; otherwise all of them. dtype may be of either byte order. No newline at the
 * end. */
bool c2_print_array(const struct c2_dtype *dtype, const int64_t *shape, int ndim, const uint8_t *items,
                    struct c2_buf *out, struct cat2_error *err);
/** One item as JSON: numbers, strings, booleans, [re, im], lists for structs and sub-arrays; NaN/inf null. */
struct c2_jw;
bool c2_print_json_item(const struct c2_dtype *dtype, const uint8_t *item, struct c2_buf *out,
                        struct cat2_error *err);

/** Items in C order as lists within lists; a single one without axes. */
bool c2_print_json_array(const struct c2_dtype *dtype, const int64_t *shape, int ndim, const uint8_t *items,
                         struct c2_buf *out, struct cat2_error *err);
/** The same of a field: sub-arrays are lists. */
bool c2_print_json_field(const struct c2_field *field, const uint8_t *item, struct c2_buf *out,
                         struct cat2_error *err);
/** A field as a cell of CSV: numbers as NumPy prints them (nan, inf, (1+2j)), text as it is, dates in ISO's
 * form, spans as integers, raw bytes as hexadecimal digits, lists as JSON; quoted when it must be. */
bool c2_print_csv_field(const struct c2_field *field, const uint8_t *item, struct c2_buf *out,
                        struct cat2_error *err);
bool c2_print_csv_text(struct c2_str text, struct c2_buf *out, struct cat2_error *err);

#endif
