/* SPDX-License-Identifier: BSD-3-Clause */
/* Where compressed chunks can be read from: a frame, a cache file. One interface, so that select and the
 * exporters need not know which. */
#ifndef C2_BLOSC_CHUNKS_H
#define C2_BLOSC_CHUNKS_H

#include "base/buf.h"
#include "base/limits.h"

enum c2_chunk_kind {
    C2_CHUNK_ABSENT, /* not here (a cache): fetch it, never treat as zeros */
    C2_CHUNK_STORED, /* bytes with a 32-byte header (may itself be a special value chunk) */
    C2_CHUNK_ZERO,   /* special, kept in the index only */
    C2_CHUNK_NAN,
    C2_CHUNK_UNINIT /* served as zeros */
};
struct c2_chunk_stat {
    enum c2_chunk_kind kind;
    int32_t cbytes; /* STORED: bytes including header; special kinds: 32; 0 when a cache does not know yet */
    bool partial;   /* a cache holds header, bstarts and only some blocks */
    bool undivided; /* has one hash only: to read a part, all of it is read */
};
struct c2_chunks_ops {
    bool (*stat)(void *self, int64_t nchunk, struct c2_chunk_stat *out, struct cat2_error *err);
    /* n bytes at off within stored chunk nchunk; verified. CAT2_ENOTFOUND: not here. CAT2_EDATA: fails its
     * checks. Worker. */
    bool (*read)(void *self, int64_t nchunk, int32_t off, int32_t n, uint8_t *to, struct cat2_error *err);
};
struct c2_chunks {
    const struct c2_chunks_ops *ops;
    void *self; /* borrowed */
};
static inline bool c2_chunk_stat(const struct c2_chunks *c, int64_t nchunk, struct c2_chunk_stat *out,
                                 struct cat2_error *err)
{
    return c->ops->stat(c->self, nchunk, out, err);
}
static inline bool c2_chunk_read(const struct c2_chunks *c, int64_t nchunk, int32_t off, int32_t n,
                                 uint8_t *to, struct cat2_error *err)
{
    return c->ops->read(c->self, nchunk, off, n, to, err);
}

#endif
