/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the frame reader share; and the places of the frame header (big-endian, msgpack tags
 * between). */
#ifndef C2_BLOSC_FRAME_IMPL_H
#define C2_BLOSC_FRAME_IMPL_H

#include "blosc/codec.h"
#include "blosc/frame.h"

#define C2_METALAYERS_MAX 16 /* frame format */

#define C2_FRAME_HEADER_MIN  87 /* without metalayers: up to their 93 cd.. */
#define C2_FRAME_TRAILER_MIN 35
#define C2_FRAME_NAME_MAX    31 /* a metalayer's name is a fixstr */

#define C2_FRAME_HEADER_LEN  0x0b /* i32 */
#define C2_FRAME_LEN         0x10 /* u64 */
#define C2_FRAME_FLAGS       0x19
#define C2_FRAME_TYPE        0x1a
#define C2_FRAME_CODEC       0x1b
#define C2_FRAME_SPLITMODE   0x1c
#define C2_FRAME_NBYTES_AT   0x1e /* i64 */
#define C2_FRAME_CBYTES      0x27 /* i64 */
#define C2_FRAME_TYPESIZE    0x30 /* i32 */
#define C2_FRAME_BLOCKSIZE   0x35 /* i32 */
#define C2_FRAME_CHUNKSIZE   0x3a /* i32 */
#define C2_FRAME_NTHREADS    0x3f /* i16, and another at 0x42 */
#define C2_FRAME_HAS_VLMETA  0x44 /* c2 / c3 */
#define C2_FRAME_FILTERS     0x46 /* count, then ids */
#define C2_FRAME_UDCODEC     0x4d
#define C2_FRAME_CODEC_META  0x4e
#define C2_FRAME_FILTER_META 0x4f
#define C2_FRAME_OTHER_FLAGS 0x55
#define C2_FRAME_METALAYERS  0x57

#define C2_FRAME_FLAG_VARCHUNKS 0x40
#define C2_FRAME_FLAG_VLBLOCKS  0x80
#define C2_FRAME_UDCODEC_MARK   6

/* A name and its content, as places within header or trailer. */
struct c2_frame_entry {
    uint32_t name_off, name_len;
    uint32_t off, len;
};
struct c2_frame {
    int fd, dirfd;                   /* contiguous file, sparse directory; -1 */
    int64_t start;                   /* of the frame in its file */
    struct c2_frame_bytes elsewhere; /* read NULL: not so */
    bool is_part;                    /* there is more in the file than the frame */
    struct c2_buf bytes;             /* frame in memory */
    bool in_memory, sparse;
    bool mapped; /* bytes are a mapping, its owner the frame */
    struct c2_meta meta;
    struct c2_frame_layout layout;
    int64_t *offsets; /* of chunks from the header's end; sparse: file numbers; negative: special */
    int64_t area;     /* bytes of the chunk area of a contiguous frame */
    const char *refusal;
    struct c2_buf header, trailer;
    int nmetalayers, nvlmeta;
    struct c2_frame_entry metalayers[C2_METALAYERS_MAX];
    struct c2_frame_entry *vlmeta;
};

/** Open a frame in an anonymous mapping, which it takes whatever happens; its chunks may be written later. */
bool c2_frame_open_map(uint8_t *map, size_t n, const char *name, struct c2_frame **out,
                       struct cat2_error *err);
/** Parse header bytes (header_len of them) into frame->meta, layout and metalayers. */
bool c2_frame_parse_header(struct c2_frame *frame, struct cat2_error *err);
/** Parse frame->trailer into the table of attributes and meta.vlmeta (JSON). */
bool c2_frame_parse_trailer(struct c2_frame *frame, struct c2_codec *codec, struct cat2_error *err);
/** Decode and check the index chunk. */
bool c2_frame_parse_index(struct c2_frame *frame, struct c2_codec *codec, struct c2_bytes index,
                          struct cat2_error *err);
/** Bytes of the frame's one file, of memory, or from elsewhere, known to be inside. */
bool c2_frame_read_at(const struct c2_frame *frame, void *to, size_t n, int64_t off, struct cat2_error *err);
/** n bytes at off of stored chunk nchunk, which is or has a file of its own in sparse frames. */
bool c2_frame_read_stored(const struct c2_frame *frame, int64_t nchunk, int64_t off, size_t n, uint8_t *to,
                          int64_t *avail, struct cat2_error *err);
/** Kind of a chunk by its offset; false when the offset is of no known kind. */
bool c2_frame_kind(int64_t offset, enum c2_chunk_kind *kind);
/** What chunk nchunk of a dataset must look like. */
struct c2_chunk_expect c2_meta_expect(const struct c2_meta *meta, int64_t nchunk);

#endif
