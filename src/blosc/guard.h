/* SPDX-License-Identifier: BSD-3-Clause */
/* Checks that foreign bytes pass before the Blosc2 library sees them. It allocates nothing but the index and
 * does not call the library. */
#ifndef C2_BLOSC_GUARD_H
#define C2_BLOSC_GUARD_H

#include "base/buf.h"
#include "base/limits.h"

/* What a chunk must look like; -1 = any. */
struct c2_chunk_expect {
    int64_t nbytes;
    int32_t blocksize;
    int32_t typesize; /* of the frame; > 255 shows as 1 in the chunk */
    bool index;       /* an index chunk: filters <= 2 only */
};
/* Facts of a chunk that passed. */
struct c2_chunk_info {
    int32_t nbytes, blocksize, cbytes;
    int32_t nblocks;
    int special; /* 0 none, 1 zeros, 2 NaN, 3 repeated value, 4 uninit */
    bool memcpyed, has_dict, delta, vlblocks;
    bool split; /* full blocks hold one stream a byte of the item, else one */
    int codec;  /* chunk-format id: 0 BloscLZ, 1 LZ4, 3 zlib, 4 Zstd; 32.. an id of the plug-in registry */
    int typesize;
    int32_t data_start; /* after header, bstarts and dictionary */
};
/** Check the header alone (32 bytes) against expectations and a known total length. Cheap; always the first
 * step. */
bool c2_guard_header(const uint8_t *head, int64_t avail, const struct c2_chunk_expect *want,
                     struct c2_chunk_info *out, struct cat2_error *err);
/** Check a whole chunk: header, bstarts, dictionary, every stream of every block. A codec or filter that is
 * legal but not here passes (such chunks can be handed on); c2_codec_decode() refuses it. @errors CAT2_EDATA
 * with the reason; CAT2_EUNSUPPORTED a chunk of variable-length blocks. */
bool c2_guard_chunk(struct c2_bytes chunk, const struct c2_chunk_expect *want, struct c2_chunk_info *out,
                    struct cat2_error *err);
/** Check header + bstarts (+ dictionary) of a chunk of which not all blocks are here: `prefix` is
 * info.data_start bytes. */
bool c2_guard_prefix(struct c2_bytes prefix, const struct c2_chunk_expect *want, struct c2_chunk_info *out,
                     struct cat2_error *err);
/** Check the streams of block `nblock`, whose bytes are `block` (from its bstart up to the next). */
bool c2_guard_block(const struct c2_chunk_info *info, int32_t nblock, struct c2_bytes block,
                    struct cat2_error *err);

/** Extent of every block inside a chunk, from a checked prefix: off[nblocks], len[nblocks]. Blocks may be out
 * of order; len runs to the next bstart or cbytes. Not for memcpyed and special chunks (their blocks are at
 * 32 + i*blocksize). */
bool c2_block_extents(struct c2_bytes prefix, const struct c2_chunk_info *info, int32_t *off, int32_t *len,
                      struct cat2_error *err);
/** The same, also of memcpyed chunks. */
bool c2_block_places(struct c2_bytes prefix, const struct c2_chunk_info *info, int32_t *off, int32_t *len,
                     struct cat2_error *err);

#endif
