/* SPDX-License-Identifier: BSD-3-Clause */
/* Chunks of an item, cut to the blocks asked for; shared by the two forms of download. */
#ifndef C2_PUBLISHER_CUT_ITEM_H
#define C2_PUBLISHER_CUT_ITEM_H

#include "blosc/cut.h"
#include "publisher/source/source.h"

/** Read chunk nchunk and keep what is wanted of it. Worker. @errors CAT2_ENOTFOUND no such chunk or block;
 * CAT2_ECHANGED; those of reading. */
bool c2_cut_read(struct c2_item *item, int64_t nchunk, const struct c2_cut_want *want, struct c2_cut *out,
                 struct cat2_error *err);
/** What that costs, of so many spans (net/worker.h). */
int64_t c2_cut_cost(const struct c2_item *item, size_t nspans);

#endif
