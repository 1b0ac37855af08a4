/* SPDX-License-Identifier: BSD-3-Clause */
/* Stored chunks of Zarr arrays as Blosc2 chunks: through as they are where they are Blosc's, else decoded and
 * compressed anew. Their bytes are not trusted. */
#ifndef C2_PUBLISHER_SOURCE_ZARR_CHUNK_H
#define C2_PUBLISHER_SOURCE_ZARR_CHUNK_H

#include "blosc/codec.h"
#include "publisher/source/zarr_array.h"

/* How chunks of an array are served. */
struct c2_zs_shape {
    struct c2_meta meta;
    struct c2_grid chunk; /* one chunk as an array of its own */
    bool linear;          /* blocks one after the other are the items in C order */
};
/** @param sample  a stored chunk, whose blocks are taken if chunks can go through so; empty: none. */
bool c2_zs_shape_of(const struct c2_zs_array *array, struct c2_bytes sample, int64_t cbytes,
                    struct c2_zs_shape *out, struct cat2_error *err);
void c2_zs_shape_fini(struct c2_zs_shape *shape);
C2_DEFINE_AUTO(c2_zs_shape);

/** Append a stored chunk as a Blosc2 chunk. @param codec  of the caller's thread.
 *  @errors CAT2_EDATA, CAT2_EUNSUPPORTED why it cannot be decoded. */
bool c2_zs_convert(const struct c2_zs_array *array, const struct c2_zs_shape *shape, struct c2_codec *codec,
                   struct c2_bytes stored, struct c2_buf *out, struct cat2_error *err);
/** Append a chunk that is not stored: full of the fill value. */
bool c2_zs_missing(const struct c2_zs_array *array, const struct c2_zs_shape *shape, struct c2_codec *codec,
                   struct c2_buf *out, struct cat2_error *err);
/** Undo the codecs of a chain. @param max  the most that it may come to. *out is replaced. */
bool c2_zs_undo(const struct c2_zs_chain *chain, struct c2_codec *codec, struct c2_bytes in, size_t max,
                struct c2_buf *out, struct cat2_error *err);
/** Bytes of a whole chunk, decoded. */
size_t c2_zs_chunk_nbytes(const struct c2_zs_array *array);
/** The most bytes that a stored chunk of so many bytes may take. */
size_t c2_zs_stored_max(size_t nbytes);

#endif
