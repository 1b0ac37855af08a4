/* SPDX-License-Identifier: BSD-3-Clause */
/* What NumPy's str() prints, for every dtype (NumPy 1.26 defaults: threshold 1000, edgeitems 3, linewidth 75,
 * precision 8). */
#ifndef C2_NDIM_PRINT_H
#define C2_NDIM_PRINT_H

#include "ndim/dtype.h"

/** Does an array of this shape print summarised ("...")? */
bool c2_print_summarised(const int64_t *shape, int ndim);
/** Print. When c2_print_summarised(shape), `items` holds only the edge items, C order: of an axis of
 * more than 6 the first and last 3; otherwise all of them. dtype may be of either byte order. No newline at
 * the end. */
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
/** Text as a cell of CSV, quoted when it must be; a line of the names of n fields. */
bool c2_print_csv_text(struct c2_str text, struct c2_buf *out, struct cat2_error *err);
bool c2_print_csv_names(const struct c2_field *fields, int n, struct c2_buf *out, struct cat2_error *err);
/** The fields of an item as cells, without the end of the line: numbers as NumPy prints them (nan, inf,
 * (1+2j)), text as it is, dates in ISO's form, spans as integers, raw bytes as hexadecimal digits, lists as
 * JSON; quoted when they must be. */
bool c2_print_csv_item(const struct c2_field *fields, int n, const uint8_t *item, struct c2_buf *out,
                       struct cat2_error *err);

#endif
