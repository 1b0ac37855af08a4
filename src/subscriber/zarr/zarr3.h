/* SPDX-License-Identifier: BSD-3-Clause */
/* Version 3 of Zarr: zarr.json in each group and array, chunks c/0/1. It has one order of bytes and no gaps
 * for structures: their items are made so. */
#ifndef C2_SUBSCRIBER_ZARR_ZARR3_H
#define C2_SUBSCRIBER_ZARR_ZARR3_H

#include "subscriber/answer/lookup.h"
#include "subscriber/zarr/zarr.h"

/** Can version 3 tell this dtype? @errors CAT2_EUNSUPPORTED what cannot be told. */
bool c2_zarr3_knows(const struct c2_dtype *dtype, struct cat2_error *err);
/** zarr.json of an array of such a dtype. */
bool c2_zarr3_array_json(const struct c2_ds *ds, struct c2_jw *w);
/** zarr.json of a group, but for its last brace. text: its attributes, "" none. */
bool c2_zarr3_begin_group(struct c2_str text, bool netcdf, struct c2_jw *w);

/** Bytes of an item as version 3 has them. */
int64_t c2_zarr3_itemsize(const struct c2_dtype *dtype);
/** Items as version 3 has them; false: as they are. */
bool c2_zarr3_differs(const struct c2_dtype *dtype);
void c2_zarr3_items(const struct c2_dtype *dtype, const uint8_t *from, int64_t nitems, uint8_t *to);

/** Take c/0/1 off the end of a path; the key as version 2 writes it is put into out, "0.1" or "0". */
bool c2_zarr3_cut_key(struct c2_str *path, struct c2_buf *out);

#endif
