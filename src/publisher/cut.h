/* SPDX-License-Identifier: BSD-3-Clause */
/* Chunks cut to the blocks asked for, shared by the two forms of download. */
#ifndef C2_PUBLISHER_CUT_H
#define C2_PUBLISHER_CUT_H

#include "publisher/source/source.h"
#include "wire/pieces.h"

struct c2_cut {
    bool whole; /* data is the chunk */
    struct c2_buf prefix, data;
    struct c2_buf blocks; /* int32_t each */
};
void c2_cut_init(struct c2_cut *cut);
void c2_cut_fini(struct c2_cut *cut);
/* What of a chunk is wanted. */
struct c2_cut_want {
    const struct c2_span *spans; /* of blocks; borrowed */
    size_t nspans;               /* 0: the whole chunk */
    bool bytes;                  /* one span, of bytes: the blocks under it */
};
/** Read chunk nchunk and keep what is wanted of it. Worker. @errors CAT2_ENOTFOUND no such chunk or block;
 * CAT2_ECHANGED; those of reading. */
bool c2_cut_read(struct c2_item *item, int64_t nchunk, const struct c2_cut_want *want, struct c2_cut *out,
                 struct cat2_error *err);
/** What that costs, of so many spans (net/worker.h). */
int64_t c2_cut_cost(const struct c2_item *item, size_t nspans);

#endif
