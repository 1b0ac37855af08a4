/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes that were compressed as a whole, by formats of others: HDF5's filters and Zarr's codecs are made of
 * these. Nothing in the bytes is trusted. Any thread. */
#ifndef C2_UNPACK_UNPACK_H
#define C2_UNPACK_UNPACK_H

#include "base/buf.h"

/* Append what `in` decodes to; out->n is 0 before, max the most it may become. @errors CAT2_EDATA what is
 * wrong; CAT2_EUNSUPPORTED what is not carried; CAT2_ENOMEM. */
typedef bool c2_unpack(struct c2_bytes in, size_t max, struct c2_buf *out, struct cat2_error *err);

c2_unpack c2_unpack_zlib;
c2_unpack c2_unpack_gzip; /* one member, or several */
c2_unpack c2_unpack_zstd; /* one frame, or several */
c2_unpack c2_unpack_bzip2;
c2_unpack c2_unpack_lz4;   /* a size of 32 bits, little-endian, and a block, as numcodecs has it */
c2_unpack c2_unpack_blosc; /* a chunk of Blosc 1 */

/* Where the bytes do not say how much they make: more room each time, up to max. */
enum c2_unpacked { C2_UNPACKED, C2_UNPACK_NO_ROOM, C2_UNPACK_BAD };
/* Fill out->p up to out->cap and set out->n. */
typedef enum c2_unpacked c2_unpack_try(struct c2_bytes in, struct c2_buf *out);
bool c2_unpack_growing(c2_unpack_try *fn, struct c2_bytes in, size_t guess, size_t max, struct c2_buf *out,
                       struct cat2_error *err);
/** A guess that is mostly enough. */
size_t c2_unpack_guess(struct c2_bytes in, size_t max);

/** CRC-32C (Castagnoli) of bytes. */
uint32_t c2_crc32c(struct c2_bytes in);

#endif
