/* SPDX-License-Identifier: BSD-3-Clause */
/* Items of an array as numbers to paint and as words to read. */
#ifndef C2_TUI_TUI_NUMBER_H
#define C2_TUI_TUI_NUMBER_H

#include "ndim/dtype.h"

#define C2_TUI_WORD_MAX 128 /* wider than a column of a table */

/** Has an item a size (bool, integers, reals, complex by magnitude, times by their count)? */
bool c2_tui_is_number(const struct c2_dtype *dtype);
/** The item as a double; NaN for NaT and for what is no number. */
double c2_tui_number(const struct c2_dtype *dtype, const uint8_t *item);
/** item - base; of 64-bit integers exact where that is less than 2^53, however large they are. */
double c2_tui_distance(const struct c2_dtype *dtype, const uint8_t *item, const uint8_t *base);
/** The item for a narrow column: integers plain, reals in 6 digits, bytes as text, structures in brackets. */
void c2_tui_word(const struct c2_dtype *dtype, const uint8_t *item, char out[C2_TUI_WORD_MAX]);

#endif
