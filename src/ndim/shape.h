/* SPDX-License-Identifier: BSD-3-Clause */
/* Shapes as Python writes them: (), (3,), (3, 4). */
#ifndef C2_NDIM_SHAPE_H
#define C2_NDIM_SHAPE_H

#include "base/limits.h"
#include "wire/json.h"

#define C2_SHAPE_ROOM (C2_DIM_MAX * 22 + 4) /* the longest numbers, commas and brackets */

/** Write it into out, and return that. */
const char *c2_shape_text(const int64_t *shape, int ndim, char out[C2_SHAPE_ROOM]);
/** The same of an array of integers in JSON; what is none counts as 0. */
const char *c2_shape_text_json(struct c2_jval shape, char out[C2_SHAPE_ROOM]);

#endif
