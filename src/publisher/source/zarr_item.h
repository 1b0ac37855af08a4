/* SPDX-License-Identifier: BSD-3-Clause */
/* An array of a Zarr store at one generation. */
#ifndef C2_PUBLISHER_SOURCE_ZARR_ITEM_H
#define C2_PUBLISHER_SOURCE_ZARR_ITEM_H

#include "blosc/codec.h"
#include "publisher/source/zarr_scan.h"

#define C2_ZS_ALONE "array" C2_ARRAY_SUFFIX /* what an array is called that is all of its store */

/** @param rel  of the array in the store, by names on disk. @param gen  what the scan is of. */
bool c2_zs_item_new(struct c2_container *c, const char *rel, struct c2_zs_scan *scan,
                    const struct c2_generation *gen, struct c2_codec *codec, struct c2_item **out,
                    struct cat2_error *err);

#endif
