/* SPDX-License-Identifier: BSD-3-Clause */
/* Blocks that were read of objects. A block is known by the state of its object and by where it lies: those
 * of an older state are never found again, and make room in time. Any thread. */
#ifndef C2_PUBLISHER_SOURCE_OBJECT_BLOCKS_H
#define C2_PUBLISHER_SOURCE_OBJECT_BLOCKS_H

#include "base/error.h"
#include "base/hash.h"

#define C2_OBJECT_BLOCK      16384 /* bytes: of HDF5 files some headers and an index that lie together */
#define C2_OBJECT_BLOCKS_MAX 2048  /* kept, of all objects of a source: 32 MiB */

struct c2_object_blocks;
bool c2_object_blocks_new(struct c2_object_blocks **out, struct cat2_error *err);
void c2_object_blocks_free(struct c2_object_blocks *blocks); /* NULL is fine */
/** @param state  a hash of the object's name and state. false: it is not kept. */
bool c2_object_blocks_find(struct c2_object_blocks *blocks, const struct c2_hash128 *state, int64_t nblock,
                           uint8_t bytes[C2_OBJECT_BLOCK]);
/** In place of the one of its set that was not used for longest. The last block of an object is shorter.
 * Without memory it is not kept. */
void c2_object_blocks_keep(struct c2_object_blocks *blocks, const struct c2_hash128 *state, int64_t nblock,
                           const uint8_t *bytes, size_t n);

#endif
