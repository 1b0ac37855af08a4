/* SPDX-License-Identifier: BSD-3-Clause */
/* Many chunks, or blocks of chunks, of one dataset in one answer (application/x-caterva2-pieces): records one
 * after another, integers little-endian:
 *
 *   'C2P2' | u32 flags (1: whole chunk) | i64 nchunk | u32 prefix_n | u32 nblocks | i64 data_n
 *   | nblocks x u32 block number, ascending | prefix: header, bstarts, dictionary | data: the blocks' bytes
 * in that order | u64 XXH3-64 of all before
 *
 * 'C2P1' is the same without the hash: for those who do not ask for hashes (wire/proof.h).
 *
 * A whole chunk has prefix_n = nblocks = 0 and data = the chunk. The question is
 * ?pieces=3,5-9,12:0-4;7;9-11,13:@4096-8191 : chunks, ranges of chunks (both ends included), one chunk with
 * ranges of its blocks, ascending, or one chunk with a range of its bytes, which stands for the blocks under
 * it. */
#ifndef C2_WIRE_PIECES_H
#define C2_WIRE_PIECES_H

#include "base/buf.h"
#include "base/limits.h"
#include "base/vec.h"

#define C2_PIECES_TYPE      "application/x-caterva2-pieces"
#define C2_PIECES_OFFSETS   "X-Caterva2-Offsets" /* of GET /api/direct: who asks knows what "offset" is */
#define C2_PIECE_HEAD_SIZE  32
#define C2_PIECE_HASH_SIZE  8
#define C2_PIECE_RANGES_MAX 65536 /* of one question */

struct c2_piece {
    bool whole;
    int64_t nchunk;
    int32_t nblocks;
    const int32_t *blocks; /* ascending; borrowed */
    struct c2_bytes prefix, data;
    bool hashed;           /* encode: write C2P2; read: it is one. Not checked yet: c2_piece_check() */
    struct c2_buf *record; /* read: all of it, which fn may steal; what points into it stays valid then */
};
/** Append what stands before and behind the data of its record. */
bool c2_piece_ends(const struct c2_piece *piece, struct c2_buf *head, struct c2_buf *tail,
                   struct cat2_error *err);
/** Append the whole record. */
bool c2_piece_encode(const struct c2_piece *piece, struct c2_buf *out, struct cat2_error *err);

/** Is the record as it was sent? A record without a hash is accepted. Any thread. @errors CAT2_EDATA. */
bool c2_piece_check(const struct c2_piece *piece, struct c2_bytes record, struct cat2_error *err);

/* Incremental reader of an answer: zero-initialise with c2_pieces_reader_init(). */
struct c2_pieces_reader {
    struct c2_buf buf; /* the record at hand */
    size_t need;       /* its length as far as known; 0: head not read */
    int32_t *blocks;
    size_t nblocks_cap;
};
typedef bool c2_piece_fn(void *ctx, const struct c2_piece *piece, struct cat2_error *err);
/** @param record_max  ceiling of one record's bytes. */
void c2_pieces_reader_init(struct c2_pieces_reader *reader, size_t record_max);
void c2_pieces_reader_fini(struct c2_pieces_reader *reader);
C2_DEFINE_AUTO(c2_pieces_reader);
/** Feed bytes as they come; every complete record is handed to fn, whose false stops. The piece lives during
 * fn.
 *  @errors CAT2_EDATA; CAT2_ELIMIT. */
bool c2_pieces_feed(struct c2_pieces_reader *reader, struct c2_bytes bytes, c2_piece_fn *fn, void *ctx,
                    struct cat2_error *err);
/** Was the end of the bytes the end of a record? @errors CAT2_EDATA. */
bool c2_pieces_end(const struct c2_pieces_reader *reader, struct cat2_error *err);

/* The question. */
struct c2_span {
    int64_t first, last; /* both included */
};
struct c2_piece_want {
    struct c2_span chunks;
    size_t span_at, nspans; /* block ranges in c2_pieces_want.spans; 0: whole chunks */
    bool bytes;             /* the one span is of bytes within the chunk, not of blocks */
};
struct c2_pieces_want {
    C2_VEC(struct c2_piece_want);
    struct {
        C2_VEC(struct c2_span);
    } spans;
};
void c2_pieces_want_fini(struct c2_pieces_want *want);
C2_DEFINE_AUTO(c2_pieces_want);
/** Parse "3,5-9,12:0-4;7"; zero-initialise *out. @errors CAT2_EINVAL, CAT2_ELIMIT. */
bool c2_pieces_parse(struct c2_str text, struct c2_pieces_want *out, struct cat2_error *err);
/** Parse the block ranges of one chunk, "0-4<sep>7", as a want of chunk nchunk. */
bool c2_pieces_parse_blocks(struct c2_str text, char sep, int64_t nchunk, struct c2_pieces_want *out,
                            struct cat2_error *err);

#endif
