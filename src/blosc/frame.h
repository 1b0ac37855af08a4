/* SPDX-License-Identifier: BSD-3-Clause */
/* Our own reader of Blosc2 frames (contiguous file, bytes in memory, sparse directory) and a linear writer.
 *
 *   contiguous:  header | chunks | index chunk | trailer          (docs/storage.md "Frame")
 *
 * A c2_frame is immutable; all reads are pread: any thread.
 * Frames without plain data (lazy expressions, Python's partial proxies, chunks or blocks of variable
 * length) open and show their metadata; c2_frame_refusal() says why their chunks are refused with
 * CAT2_EUNSUPPORTED. */
#ifndef C2_BLOSC_FRAME_H
#define C2_BLOSC_FRAME_H

#include <stdatomic.h>

#include "blosc/chunks.h"
#include "blosc/meta.h"

#define C2_FRAME_MAGIC    "b2frame" /* with its NUL, so far from the beginning */
#define C2_FRAME_MAGIC_AT 2

struct c2_frame;

/** Open a contiguous frame. Takes fd (closed on failure too). The header, index and trailer are validated;
 * chunks when read.
 *  @param name  for messages and meta->urlpath.
 *  @errors CAT2_EDATA why it is not a valid frame; CAT2_EUNSUPPORTED; CAT2_EIO. */
bool c2_frame_open_fd(int fd, const char *name, struct c2_frame **out, struct cat2_error *err);
/** The same of n bytes at off of a file, which hold a frame. */
bool c2_frame_open_part(int fd, int64_t off, int64_t n, const char *name, struct c2_frame **out,
                        struct cat2_error *err);
/** The same over bytes in memory; takes *bytes on success. */
bool c2_frame_open_buf(struct c2_buf *bytes, const char *name, struct c2_frame **out, struct cat2_error *err);
/** A sparse frame: takes dirfd of the directory that holds chunks.b2frame and %08X.chunk files. */
bool c2_frame_open_dir(int dirfd, const char *name, struct c2_frame **out, struct cat2_error *err);
/* Where the bytes of a frame are, when not in a file or in memory. Any thread; may block. */
struct c2_frame_bytes {
    /* n bytes from off on, all within the frame. */
    bool (*read)(void *self, void *to, size_t n, int64_t off, struct cat2_error *err);
    void (*free)(void *self);
    void *self;
};
/** A contiguous frame of nbytes bytes that is elsewhere. Takes *bytes (freed on failure too). */
bool c2_frame_open_bytes(const struct c2_frame_bytes *bytes, int64_t nbytes, const char *name,
                         struct c2_frame **out, struct cat2_error *err);
void c2_frame_free(struct c2_frame *frame);
C2_DEFINE_AUTO_PTR(c2_frame, c2_frame_free);

/* Layout of a contiguous frame, bytes. */
struct c2_frame_layout {
    int64_t frame_len, header_len;
    int64_t index_off, index_len; /* index_len 0: no chunks */
    int64_t trailer_off, trailer_len;
    int32_t blocksize; /* of all chunks; plain schunks: what chunk 0 says, 0 when unknown */
};
const struct c2_meta *c2_frame_meta(
    const struct c2_frame *frame); /* borrowed; kind ARRAY when it has a b2nd layer */
const struct c2_frame_layout *c2_frame_layout(const struct c2_frame *frame); /* zeros for a sparse frame */
/** Why the data of this frame cannot be served, as text for people; NULL when it can. */
const char *c2_frame_refusal(const struct c2_frame *frame);
bool c2_frame_is_sparse(const struct c2_frame *frame);
/** Is each read of it a request to somebody else? */
bool c2_frame_is_elsewhere(const struct c2_frame *frame);
/** File descriptor of a contiguous frame that is a file, -1 otherwise. Borrowed, for sendfile. */
int c2_frame_fd(const struct c2_frame *frame);
/** Raw bytes of a contiguous frame. */
bool c2_frame_pread(const struct c2_frame *frame, void *to, size_t n, int64_t off, struct cat2_error *err);
/** Position of stored chunk nchunk in the file; negative for special chunks. */
int64_t c2_frame_chunk_off(const struct c2_frame *frame, int64_t nchunk);
/** Number of the file that holds chunk nchunk of a sparse frame, and the directory of it; -1: in none. */
int64_t c2_frame_chunk_file(const struct c2_frame *frame, int64_t nchunk, int *dirfd);
struct c2_chunks c2_frame_chunks(struct c2_frame *frame);

/** Append a whole chunk, guarded, as the wire carries it: special chunks become a 32-byte chunk of their
 * kind.
 *  @param nchunk  0 <= nchunk < nchunks. @errors CAT2_EINVAL range; CAT2_EDATA; CAT2_EIO. Worker. */
bool c2_frame_chunk(struct c2_frame *frame, int64_t nchunk, struct c2_buf *out, struct cat2_error *err);
/** A special chunk as the wire carries it (zero, NaN, uninit): 32 bytes. */
bool c2_chunk_special(enum c2_chunk_kind kind, const struct c2_cparams *cparams, int32_t nbytes,
                      struct c2_buf *out, struct cat2_error *err);
/* The metalayer of what cat2import made (hdf5/common/description.h). */
#define C2_FRAME_OF_HDF5 "hdf5"
/** The content of a metalayer, borrowed; false: the frame has none of this name. */
bool c2_frame_metalayer(const struct c2_frame *frame, const char *name, struct c2_bytes *out);
/** Number of attributes, and one's name (borrowed) and msgpack bytes (decompressed, appended). Worker. */
int c2_frame_nvlmeta(const struct c2_frame *frame);
bool c2_frame_vlmeta(const struct c2_frame *frame, int i, struct c2_str *name, struct c2_buf *msgpack,
                     struct cat2_error *err);

/* Linear writer: chunks in order, then the index and trailer; never rewrites but the header's fixed fields at
 * the end. */
struct c2_frame_writer;
struct c2_codec;
/** Write to fd (borrowed; from offset 0; must be empty) or, with fd -1, to memory.
 *  meta: geometry, dtype, cparams; vlmeta is re-packed from its JSON unless raw values are added below.
 *  nbytes/nchunks of the result follow from the chunks added. */
bool c2_frame_writer_new(int fd, const struct c2_meta *meta, struct c2_frame_writer **out,
                         struct cat2_error *err);
/** A metalayer besides the array's own: one at most, before the first chunk. @errors CAT2_ELIMIT it does not
 * fit in a header. */
bool c2_frame_writer_metalayer(struct c2_frame_writer *w, struct c2_str name, struct c2_bytes content,
                               struct cat2_error *err);
bool c2_frame_writer_add(struct c2_frame_writer *w, struct c2_bytes chunk,
                         struct cat2_error *err); /* special 32-byte chunks go to the index */
/** Compress nbytes bytes of items by meta's cparams, and add the chunk. @errors also the codec's. Worker. */
bool c2_frame_writer_encode(struct c2_frame_writer *w, struct c2_codec *codec, const uint8_t *items,
                            int32_t nbytes, struct cat2_error *err);
/** Raw attribute; the first call replaces meta's vlmeta. Names over 31 bytes are left out: the format has
 * none.
 */
bool c2_frame_writer_vlmeta(struct c2_frame_writer *w, struct c2_str name, struct c2_bytes msgpack,
                            struct cat2_error *err);
/** Finish. memory: *out gets the frame (NULL for files). */
bool c2_frame_writer_finish(struct c2_frame_writer *w, struct c2_buf *out, struct cat2_error *err);
void c2_frame_writer_free(struct c2_frame_writer *w);
C2_DEFINE_AUTO_PTR(c2_frame_writer, c2_frame_writer_free);

/* Pieces of a frame, for the cache and the writer. */
/** Header for meta with the given total sizes (frame_len and cbytes patched in); trailer from vlmeta JSON. */
bool c2_frame_make_header(const struct c2_meta *meta, int64_t frame_len, int64_t nbytes, int64_t cbytes,
                          struct c2_buf *out, struct cat2_error *err);
bool c2_frame_make_trailer(const struct c2_meta *meta, struct c2_buf *out, struct cat2_error *err);
/** Index chunk of nchunks int64 offsets, at least one. All three append to out. */
bool c2_frame_make_index(const int64_t *offsets, int64_t nchunks, struct c2_buf *out, struct cat2_error *err);

/** Compress a plain file as a .b2 frame by streaming: 16 MiB chunks, typesize 1, ZSTD, SHUFFLE, blocksize 0
 * in the header. in_fd is read to its end; out_fd as in the writer. Bounded memory. @errors CAT2_ECANCELLED
 * when *cancel becomes true. */
struct c2_codec;
bool c2_frame_compress_file(struct c2_codec *codec, int in_fd, int out_fd, const atomic_bool *cancel,
                            struct cat2_error *err);

#endif
