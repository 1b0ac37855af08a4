/* SPDX-License-Identifier: BSD-3-Clause */
/* Decoded blocks that are asked for again and again, shared by all who select items. Bounded in bytes. A
 * block is kept once it is asked for a second time; when there is no room, once it is asked for more often
 * than the one that would have to go: so what is read once, however much, drives nothing out. Any thread. */
#ifndef C2_SELECT_KEPT_BLOCKS_H
#define C2_SELECT_KEPT_BLOCKS_H

#include "base/blob.h"

struct c2_kept_blocks;
struct c2_block_key {
    uint64_t serial; /* of the generation of a dataset: what it stands for does not change */
    int64_t nchunk, nblock;
};
struct c2_kept_blocks_stats {
    size_t nbytes;
    uint64_t hits, misses;
};

/** NULL: out of memory. @param max_nbytes  of all blocks, and of what keeping them takes. */
struct c2_kept_blocks *c2_kept_blocks_new(size_t max_nbytes);
void c2_kept_blocks_free(struct c2_kept_blocks *kept); /* NULL is fine */
/** A reference to the block; NULL: it is not kept. It counts as asked for. */
struct c2_blob *c2_kept_blocks_find(struct c2_kept_blocks *kept, const struct c2_block_key *key);
/** Is it kept? It does not count as asked for, but is the last to go now: whoever asks for it at once finds
 * it, unless so much else is kept meanwhile as there is room for. */
bool c2_kept_blocks_has(struct c2_kept_blocks *kept, const struct c2_block_key *key);
/** n bytes of a block that was not found: they are copied, if it is one to keep. */
void c2_kept_blocks_offer(struct c2_kept_blocks *kept, const struct c2_block_key *key, const uint8_t *p,
                          size_t n);
/** Forget all. */
void c2_kept_blocks_clear(struct c2_kept_blocks *kept);
struct c2_kept_blocks_stats c2_kept_blocks_stats(struct c2_kept_blocks *kept);

#endif
