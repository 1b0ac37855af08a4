/* SPDX-License-Identifier: BSD-3-Clause */
/* An item of a table as JSON that a browser can show: 64-bit integers exact, bytes as text, and for what JSON
 * cannot say (NaN, infinities, NaT) null and a word. */
#ifndef C2_REDUCE_CELL_H
#define C2_REDUCE_CELL_H

#include "reduce/where.h"
#include "wire/json.h"

/** Writes one value. Returns NULL, or what a null stands for: "nan", "inf", "-inf", "nat". */
const char *c2_cell_json(const struct c2_column *column, const uint8_t *item, struct c2_jw *w);
/** "int", "float", "text", ...: docs/protocol.md "GET /api/table". */
const char *c2_cell_kind(const struct c2_dtype *dtype);

#endif
