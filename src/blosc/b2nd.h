/* SPDX-License-Identifier: BSD-3-Clause */
/* The metalayer that makes a frame an n-d array:
 *
 *   97 version ndim  9n (d3 i64 shape)*  9n (d2 i32 chunk)*  9n (d2 i32 block)*  dtype_format  db u32 length
 * dtype
 *
 * msgpack with every integer at full width; 95 and no dtype in old files. */
#ifndef C2_BLOSC_B2ND_H
#define C2_BLOSC_B2ND_H

#include "blosc/meta.h"

/** Fill kind, grid and dtype of a meta whose cparams, nbytes and chunksize are known, and check all against
 * each other.
 *  @errors CAT2_EDATA; CAT2_EUNSUPPORTED a dtype format other than NumPy's. */
bool c2_b2nd_parse(struct c2_bytes in, struct c2_meta *meta, struct cat2_error *err);
/** Append the metalayer of an array. */
bool c2_b2nd_make(const struct c2_meta *meta, struct c2_buf *out, struct cat2_error *err);
/** Check that nbytes, chunksize, blocksize and dtype of an array fit its grid (whose typesize is the
 * dtype's).
 *  @errors CAT2_EDATA. */
bool c2_meta_check_array(const struct c2_meta *meta, struct cat2_error *err);

#endif
