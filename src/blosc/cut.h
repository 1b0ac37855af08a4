/* SPDX-License-Identifier: BSD-3-Clause */
/* Chunks cut to the blocks asked for, as they are sent from service to service (wire/pieces.h). Pure. */
#ifndef C2_BLOSC_CUT_H
#define C2_BLOSC_CUT_H

#include "blosc/chunks.h"
#include "blosc/guard.h"
#include "wire/pieces.h"

struct c2_cut {
    bool whole; /* data is the chunk */
    struct c2_buf prefix, data;
    struct c2_buf blocks; /* int32_t each */
};
void c2_cut_init(struct c2_cut *cut);
void c2_cut_fini(struct c2_cut *cut);
C2_DEFINE_AUTO(c2_cut);
/* What of a chunk is wanted. */
struct c2_cut_want {
    const struct c2_span *spans; /* of blocks; borrowed */
    size_t nspans;               /* 0: the whole chunk */
    bool bytes;                  /* one span, of bytes: the blocks under it */
};
/** What is wanted of this chunk, or all of it where that is the better choice; takes its bytes then.
 *  @errors CAT2_ENOTFOUND no such block; CAT2_EDATA. */
bool c2_cut_chunk(struct c2_buf *chunk, const struct c2_cut_want *want, struct c2_cut *out,
                  struct cat2_error *err);
/** The same of a chunk of which only some blocks are here, but never all of it. @errors CAT2_ENOTFOUND: a
 * block is not here; CAT2_EUNSUPPORTED: the chunk holds no blocks apart. */
bool c2_cut_partial(const struct c2_chunks *chunks, int64_t nchunk, const struct c2_chunk_expect *expect,
                    const struct c2_cut_want *want, struct c2_cut *out, struct cat2_error *err);

#endif
