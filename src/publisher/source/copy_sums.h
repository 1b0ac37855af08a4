/* SPDX-License-Identifier: BSD-3-Clause */
/* Hashes of a compressed copy, beside it as PATH.b2.idx: what rots in STATEDIR/cache is noticed, and made
 * anew from the plain file. Any thread; calls block. */
#ifndef C2_PUBLISHER_SOURCE_COPY_SUMS_H
#define C2_PUBLISHER_SOURCE_COPY_SUMS_H

#include "blosc/codec.h"
#include "blosc/frame.h"

struct c2_copy_sums;
/** Hash what has just been written, and keep it in `name` beneath dir. stamp: which copy it is of. */
bool c2_copy_sums_make(int dir, const char *name, uint64_t stamp, struct c2_frame *frame,
                       struct cat2_error *err);
/** Those of that copy; its header, index and trailer are checked. @errors CAT2_ENOTFOUND; CAT2_EDATA. */
bool c2_copy_sums_open(int dir, const char *name, uint64_t stamp, const struct c2_frame *frame,
                       struct c2_copy_sums **out, struct cat2_error *err);
void c2_copy_sums_free(struct c2_copy_sums *sums);
C2_DEFINE_AUTO_PTR(c2_copy_sums, c2_copy_sums_free);
/** Are header, index and trailer on the disk what they were? If not they are written anew. @errors
 * CAT2_ECHANGED: they were not, what was read of them is not to be used. */
bool c2_copy_sums_fixed(const struct c2_copy_sums *sums, const struct c2_frame *frame,
                        struct cat2_error *err);
/** A chunk of the copy, appended: as it was written, or, when it has rotted, made again from the plain file,
 * and put back in its place. @errors CAT2_EDATA: it cannot be made the same. */
bool c2_copy_sums_chunk(const struct c2_copy_sums *sums, struct c2_frame *frame, int64_t nchunk, int plain_fd,
                        struct c2_buf *out, struct cat2_error *err);
/** Chunks and other parts made again in this process. */
uint64_t c2_copy_sums_mended(void);

#endif
