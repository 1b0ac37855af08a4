/* SPDX-License-Identifier: BSD-3-Clause */
/* The cache of one dataset generation: a static-index sparse frame and a mmapped sidecar.
 *
 *   NAME        header | chunk places (holes until filled) | index chunk | trailer      written once, chunks
 * pwritten NAME.idx    4 KiB head {magic, version, etag, geometry, hash of header and index} | 32-byte record
 * per chunk | u32 check per block (0 = absent)
 *
 * mirror mode: the publisher has a contiguous frame; same offsets, a complete file is byte-identical to it.
 * slot mode: sizes unknown; chunk i has a fixed slot of chunksize+32 rounded to 4 KiB.
 * Every stored piece has a hash, checked at every read; a mismatch is a miss. kill -9 loses nothing
 * acknowledged. Reference-counted; put/get/evict from any thread without a lock (same bytes, same
 * place); open/create in workers. */
#ifndef C2_CACHE_CACHEFILE_H
#define C2_CACHE_CACHEFILE_H

#include "base/limits.h"
#include "base/range.h"
#include "blosc/codec.h"
#include "blosc/frame.h"

struct c2_cachefile;

/** Create under `rel` beneath dirfd (temporary names, renamed; replaces an older generation whose readers
 * finish on it). mirror: head = bytes [0, header_len), tail = bytes [index_off, frame_len) of the publisher's
 * frame.
 *  @param etag  the generation. @errors CAT2_EDATA the frame's parts fail validation; CAT2_EIO. Worker. */
bool c2_cachefile_create_mirror(int dirfd, const char *rel, const char *etag, struct c2_bytes head,
                                struct c2_bytes tail, int64_t frame_len, int32_t blocksize,
                                struct c2_cachefile **out, struct cat2_error *err);
bool c2_cachefile_create_slots(int dirfd, const char *rel, const char *etag, const struct c2_meta *meta,
                               struct c2_cachefile **out, struct cat2_error *err);
/* With dirfd -1 both are made in memory of this process: to pass on what the disk cannot take. `rel` is their
 * name. */

/** Open what a previous run left. @errors CAT2_ENOTFOUND none, or of another etag (NULL = any); CAT2_EDATA
 * damaged beyond use (caller creates anew); CAT2_EUNSUPPORTED of a newer program (caller leaves it). Worker.
 */
bool c2_cachefile_open(int dirfd, const char *rel, const char *etag, struct c2_cachefile **out,
                       struct cat2_error *err);
struct c2_cachefile *c2_cachefile_ref(struct c2_cachefile *cf);
void c2_cachefile_unref(struct c2_cachefile *cf);
C2_DEFINE_AUTO_PTR(c2_cachefile, c2_cachefile_unref);
/** Is the caller's the only reference? Any thread; true stays true while the caller gives none away. */
bool c2_cachefile_is_unshared(const struct c2_cachefile *cf);

/* All that are open in this process: two descriptors each, and the sidecars they map. Any thread. */
struct c2_cachefile_stats {
    int64_t nopen, mapped_nbytes;
    uint64_t ndropped; /* chunks and blocks that were not what had been stored, since the start */
};
struct c2_cachefile_stats c2_cachefile_stats(void);

const struct c2_meta *c2_cachefile_meta(const struct c2_cachefile *cf);
const char *c2_cachefile_etag(const struct c2_cachefile *cf);
bool c2_cachefile_is_mirror(const struct c2_cachefile *cf);
const struct c2_frame_layout *c2_cachefile_layout(
    const struct c2_cachefile *cf); /* mirror: the publisher's */
int c2_cachefile_fd(const struct c2_cachefile *cf);
struct c2_chunks c2_cachefile_chunks(struct c2_cachefile *cf);
/** mirror: place of chunk nchunk in the file and the room up to the next chunk (its cbytes are within); false
 * for special ones. */
bool c2_cachefile_place(const struct c2_cachefile *cf, int64_t nchunk, int64_t *off, int64_t *room);
/** mirror: chunks that intersect file bytes [off, off+n), as first and count in file order -> callback per
 * chunk. */
bool c2_cachefile_chunks_under(const struct c2_cachefile *cf, int64_t off, int64_t n,
                               bool (*visit)(void *ctx, int64_t nchunk), void *ctx);

/* Bytes [off, off + n) of stored chunk nchunk. */
struct c2_chunk_span {
    int64_t nchunk;
    int32_t off, n;
};
typedef bool c2_span_fn(void *ctx, const struct c2_chunk_span *span);
/** mirror: bytes [off, off + n) of the publisher's frame, every one of them verified; what lies between
 * chunks is zeros. Of what is not here, each chunk's part is told to missing() (whose false stops: out of
 * memory), and its bytes in `to` mean nothing. Worker. @errors CAT2_EIO. */
bool c2_cachefile_read_frame(struct c2_cachefile *cf, int64_t off, size_t n, uint8_t *to, c2_span_fn *missing,
                             void *ctx, struct cat2_error *err);
/** Can some blocks of a chunk be stored without the others? */
bool c2_cachefile_is_blockwise(const struct c2_cachefile *cf);

/* Where in a chunk its blocks are. Zero-initialise. */
struct c2_chunk_extents {
    int32_t need;                      /* bytes of the chunk's beginning that tell it */
    int32_t nblocks, prefix_n, cbytes; /* prefix_n: header, bstarts, dictionary */
    int32_t *off, *len;                /* of each block, within the chunk; owned, len is part of off */
};
void c2_chunk_extents_fini(struct c2_chunk_extents *extents);
/** mirror: read them in the first bytes of chunk nchunk, which are checked. need > head.n: it takes so many,
 * and nothing else is told. Any thread, no I/O. @errors CAT2_EDATA it is no such chunk; CAT2_EUNSUPPORTED the
 * chunk is stored whole only; CAT2_EINVAL it has no place. */
bool c2_cachefile_extents(const struct c2_cachefile *cf, int64_t nchunk, struct c2_bytes head,
                          struct c2_chunk_extents *out, struct cat2_error *err);
/** Append header, bstarts and dictionary of a chunk of which some blocks are here. Worker.
 * @errors CAT2_ENOTFOUND they are not here. */
bool c2_cachefile_prefix(struct c2_cachefile *cf, int64_t nchunk, struct c2_buf *out, struct cat2_error *err);

/** Which of `blocks` (ascending; NULL, 0 = the whole chunk) of a chunk are missing? Writes indices to missing
 * (room for nblocks); *whole_missing when not even header and bstarts are here. Any thread, no I/O. Returns
 * the number missing; for a whole chunk request: 0 when complete, else 1. */
int32_t c2_cachefile_missing(const struct c2_cachefile *cf, int64_t nchunk, const int32_t *blocks,
                             int32_t nblocks, int32_t *missing, bool *whole_missing);
bool c2_cachefile_complete(const struct c2_cachefile *cf); /* every chunk here */

/** Store a whole chunk: guarded, written, recorded. Idempotent. @errors CAT2_EDATA; CAT2_EIO (disk full).
 * Worker. */
bool c2_cachefile_put(struct c2_cachefile *cf, int64_t nchunk, struct c2_bytes chunk, struct cat2_error *err);
/** Store some blocks: prefix = header+bstarts(+dict), then each block's bytes in the order of `blocks`.
 * Worker. */
bool c2_cachefile_put_blocks(struct c2_cachefile *cf, int64_t nchunk, struct c2_bytes prefix,
                             const int32_t *blocks, int32_t nblocks, struct c2_bytes data,
                             struct cat2_error *err);
/* How far a look at a whole cache file has come; begin with zeros. */
struct c2_scrub {
    int64_t nchunk; /* the next one */
    bool done;
    int64_t nbytes;                /* read so far */
    int nrepaired;                 /* header, index and trailer, sidecar's head: written anew */
    int64_t bad[C2_SCRUB_BAD_MAX]; /* chunks of which something was dropped, the first of them */
    int nbad;
};
/** Check what is stored, from the disk, until some `most` bytes were read. What is not as it was stored is
 * dropped, or written anew. Worker. @errors CAT2_EIO. */
bool c2_cachefile_scrub(struct c2_cachefile *cf, struct c2_scrub *scrub, int64_t most,
                        struct cat2_error *err);

/* Chunks that a reader needs. They are not evicted while it holds them; what is stored meanwhile is held too.
 */
struct c2_hold {
    struct c2_hold *next; /* of those of the cache file */
    /* Which chunks: those of a selection; those under bytes of the publisher's frame; all. */
    enum c2_hold_kind { C2_HOLD_BOUND, C2_HOLD_RANGES, C2_HOLD_ALL } kind;
    const struct c2_bound *bound; /* borrowed, as ranges */
    const struct c2_range *ranges;
    size_t nranges;
};
/** hold stays the caller's, and in its place until it is released. Any thread. */
void c2_cachefile_hold(struct c2_cachefile *cf, struct c2_hold *hold);
void c2_cachefile_release(struct c2_cachefile *cf, struct c2_hold *hold);

bool c2_cachefile_is_in_memory(const struct c2_cachefile *cf);
/** Compressed bytes of chunks in all those in memory. Any thread. */
int64_t c2_cachefile_memory_nbytes(void);
/** In memory: evict from cf so that all of them have at most that many bytes; false: they have more. Worker.
 */
bool c2_cachefile_keep_small(struct c2_cachefile *cf, int64_t most);

/** Bytes on disk (st_blocks of both files). */
int64_t c2_cachefile_disk_nbytes(const struct c2_cachefile *cf);
/** Give back at least `want` bytes, if there are as many that nobody holds: second chance over chunks by last
 * use, records cleared then holes punched. Returns bytes freed. Worker. */
int64_t c2_cachefile_evict(struct c2_cachefile *cf, int64_t want);
/** Give back chunk nchunk, unless somebody holds it. Worker. */
void c2_cachefile_give_back(struct c2_cachefile *cf, int64_t nchunk);
/** Remove the files of `rel`; open objects live on. */
bool c2_cachefile_remove(int dirfd, const char *rel, struct cat2_error *err);

/** Write a complete stock frame (chunks compacted) of what is cached to fd; every chunk must be here (slot
 * mode download). The length is the result's file size. Worker. */
bool c2_cachefile_export(struct c2_cachefile *cf, int fd, struct cat2_error *err);

#endif
