/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening frames and reading their chunks: contiguous files, memory, and sparse directories of one file a
 * chunk. */
#include "blosc/frame_impl.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/endian.h"
#include "base/fs.h"
#include "blosc/chunk_format.h"

void c2_frame_free(struct c2_frame *frame)
{
    if (!frame) return;
    if (frame->fd >= 0) close(frame->fd);
    if (frame->dirfd >= 0) close(frame->dirfd);
    if (frame->elsewhere.free) frame->elsewhere.free(frame->elsewhere.self);
    if (frame->mapped)
        munmap(frame->bytes.p, frame->bytes.n);
    else
        c2_buf_fini(&frame->bytes);
    c2_buf_fini(&frame->header);
    c2_buf_fini(&frame->trailer);
    c2_meta_fini(&frame->meta);
    free(frame->offsets);
    free(frame->vlmeta);
    free(frame);
}

static struct c2_frame *frame_new(const char *name, struct cat2_error *err)
{
    struct c2_frame *frame = calloc(1, sizeof(*frame));

    if (!frame || !(frame->meta.urlpath = c2_str_dup(c2_str_of(name)))) {
        free(frame);
        c2_fail_nomem(err, "frame");
        return NULL;
    }
    frame->fd = frame->dirfd = -1;
    c2_buf_init(&frame->header, C2_HEADER_NBYTES_MAX);
    c2_buf_init(&frame->trailer, C2_TRAILER_NBYTES_MAX);
    return frame;
}

bool c2_frame_read_at(const struct c2_frame *frame, void *to, size_t n, int64_t off, struct cat2_error *err)
{
    if (frame->elsewhere.read) return frame->elsewhere.read(frame->elsewhere.self, to, n, off, err);
    if (!frame->in_memory) return c2_fs_pread(frame->fd, to, n, frame->start + off, err);
    if (n) memcpy(to, frame->bytes.p + off, n);
    return true;
}

static bool read_piece(const struct c2_frame *frame, struct c2_buf *to, int64_t off, int64_t n,
                       struct cat2_error *err)
{
    return c2_buf_resize(to, (size_t)n, err) && c2_frame_read_at(frame, to->p, (size_t)n, off, err);
}

/* The lengths of header and trailer are used only if they fit into the file. */
static bool read_layout(struct c2_frame *frame, int64_t size, struct cat2_error *err)
{
    struct c2_frame_layout *l = &frame->layout;
    uint8_t fixed[C2_FRAME_HEADER_MIN], tail[23];

    if (size < C2_FRAME_HEADER_MIN + C2_FRAME_TRAILER_MIN)
        return c2_fail(err, CAT2_EDATA, "not a valid frame: only %lld bytes", (long long)size);
    if (!c2_frame_read_at(frame, fixed, sizeof(fixed), 0, err) ||
        !c2_frame_read_at(frame, tail, sizeof(tail), size - 23, err))
        return false;
    if (memcmp(fixed + 1,
               "\xa8"
               "b2frame",
               9) != 0)
        return c2_fail(err, CAT2_EDATA, "not a Blosc2 frame");
    l->header_len = (int32_t)c2_be32(fixed + C2_FRAME_HEADER_LEN);
    l->frame_len = (int64_t)c2_be64(fixed + C2_FRAME_LEN);
    l->trailer_len = c2_be32(tail + 1);
    if (l->frame_len != size)
        return c2_fail(err, CAT2_EDATA, "not a valid frame: it says %lld bytes but has %lld",
                       (long long)l->frame_len, (long long)size);
    int64_t room = size - l->header_len - C2_FRAME_TRAILER_MIN;
    if (l->header_len < C2_FRAME_HEADER_MIN || l->header_len > C2_HEADER_NBYTES_MAX || room < 0)
        return c2_fail(err, CAT2_EDATA, "not a valid frame: header of %lld bytes", (long long)l->header_len);
    int64_t cbytes = (int64_t)c2_be64(fixed + C2_FRAME_CBYTES);
    frame->area = frame->sparse ? 0 : cbytes;
    if (frame->area < 0 || frame->area > room)
        return c2_fail(err, CAT2_EDATA, "not a valid frame: %lld bytes of chunks", (long long)cbytes);
    if (tail[0] != 0xce || l->trailer_len < C2_FRAME_TRAILER_MIN || l->trailer_len > C2_TRAILER_NBYTES_MAX ||
        l->trailer_len > size - l->header_len - frame->area)
        return c2_fail(err, CAT2_EDATA, "not a valid frame: trailer of %lld bytes",
                       (long long)l->trailer_len);
    l->trailer_off = size - l->trailer_len;
    l->index_off = l->header_len + frame->area;
    l->index_len = l->trailer_off - l->index_off;
    return true;
}

/* The header of a plain frame does not have the blocksize of its chunks. It is read from the first chunk. */
static bool learn_blocksize(struct c2_frame *frame, struct cat2_error *err)
{
    struct c2_chunk_expect want = c2_meta_expect(&frame->meta, 0);
    uint8_t head[C2_CHUNK_HEADER];
    struct c2_chunk_info info;
    int64_t avail;

    if (frame->layout.blocksize || frame->refusal || frame->meta.nchunks == 0 || frame->offsets[0] < 0)
        return true;
    if (!c2_frame_read_stored(frame, 0, 0, sizeof(head), head, &avail, err) ||
        !c2_guard_header(head, avail, &want, &info, err))
        return c2_fail_within(err, "chunk 0");
    frame->layout.blocksize = info.blocksize;
    return true;
}

/* Everything but the chunks, from an object that can be read. */
static bool load(struct c2_frame *frame, int64_t size, struct cat2_error *err)
{
    C2_AUTO(c2_buf) index = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    struct c2_frame_layout *l = &frame->layout;

    if (!codec) return c2_fail_nomem(err, "codec");
    if (!read_layout(frame, size, err) || !read_piece(frame, &frame->header, 0, l->header_len, err) ||
        !c2_frame_parse_header(frame, err) ||
        !read_piece(frame, &frame->trailer, l->trailer_off, l->trailer_len, err) ||
        !c2_frame_parse_trailer(frame, codec, err))
        return false;
    if (frame->meta.nbytes > 0 && (!read_piece(frame, &index, l->index_off, l->index_len, err) ||
                                   !c2_frame_parse_index(frame, codec, c2_buf_bytes(&index), err)))
        return false;
    if (frame->meta.nbytes == 0) frame->meta.nchunks = 0;
    return learn_blocksize(frame, err);
}

static bool finish_open(struct c2_frame *frame, int64_t size, const char *name, struct c2_frame **out,
                        struct cat2_error *err)
{
    if (!load(frame, size, err)) {
        c2_frame_free(frame);
        return c2_fail_within(err, "%s", name);
    }
    if (frame->sparse) frame->layout = (struct c2_frame_layout){.blocksize = frame->layout.blocksize};
    *out = frame;
    return true;
}

/* n < 0: all of the file. */
static bool open_file(int fd, int64_t off, int64_t n, const char *name, struct c2_frame **out,
                      struct cat2_error *err)
{
    struct stat st;
    struct c2_frame *frame = frame_new(name, err);

    if (!frame) {
        close(fd);
        return false;
    }
    frame->fd = fd;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        c2_fail(err, CAT2_EIO, "%s: not a regular file", name);
        c2_frame_free(frame);
        return false;
    }
    frame->start = off;
    frame->is_part = n >= 0;
    if (frame->is_part && (off < 0 || off > st.st_size || n > st.st_size - off)) {
        c2_frame_free(frame);
        return c2_fail(err, CAT2_EDATA, "%s: the frame leaves the file", name);
    }
    return finish_open(frame, frame->is_part ? n : st.st_size, name, out, err);
}

bool c2_frame_open_fd(int fd, const char *name, struct c2_frame **out, struct cat2_error *err)
{
    return open_file(fd, 0, -1, name, out, err);
}

bool c2_frame_open_part(int fd, int64_t off, int64_t n, const char *name, struct c2_frame **out,
                        struct cat2_error *err)
{
    C2_ASSERT(n >= 0);
    return open_file(fd, off, n, name, out, err);
}

bool c2_frame_open_map(uint8_t *map, size_t n, const char *name, struct c2_frame **out,
                       struct cat2_error *err)
{
    struct c2_frame *frame = frame_new(name, err);

    if (!frame) {
        munmap(map, n);
        return false;
    }
    frame->in_memory = frame->mapped = true;
    frame->bytes = (struct c2_buf){.p = map, .n = n, .cap = n, .max = n};
    return finish_open(frame, (int64_t)n, name, out, err);
}

bool c2_frame_open_buf(struct c2_buf *bytes, const char *name, struct c2_frame **out, struct cat2_error *err)
{
    struct c2_frame *frame = frame_new(name, err);

    if (!frame) return false;
    frame->in_memory = true;
    frame->bytes = *bytes; /* lent until it is known to be a frame */
    if (!load(frame, (int64_t)bytes->n, err)) {
        frame->bytes = (struct c2_buf){0};
        c2_frame_free(frame);
        return c2_fail_within(err, "%s", name);
    }
    (void)c2_buf_steal(bytes);
    *out = frame;
    return true;
}

bool c2_frame_open_bytes(const struct c2_frame_bytes *bytes, int64_t nbytes, const char *name,
                         struct c2_frame **out, struct cat2_error *err)
{
    struct c2_frame *frame = frame_new(name, err);

    if (!frame) {
        bytes->free(bytes->self);
        return false;
    }
    frame->elsewhere = *bytes;
    return finish_open(frame, nbytes, name, out, err);
}

bool c2_frame_open_dir(int dirfd, const char *name, struct c2_frame **out, struct cat2_error *err)
{
    struct stat st;
    struct c2_frame *frame = frame_new(name, err);

    if (!frame) {
        close(dirfd);
        return false;
    }
    frame->sparse = true;
    frame->dirfd = dirfd;
    frame->fd = c2_fs_open(dirfd, "chunks.b2frame", O_RDONLY, err);
    if (frame->fd < 0 || fstat(frame->fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        if (frame->fd >= 0) c2_fail(err, CAT2_EIO, "chunks.b2frame is not a regular file");
        c2_frame_free(frame);
        return c2_fail_within(err, "%s", name);
    }
    return finish_open(frame, st.st_size, name, out, err);
}

const struct c2_meta *c2_frame_meta(const struct c2_frame *frame)
{
    return &frame->meta;
}

const struct c2_frame_layout *c2_frame_layout(const struct c2_frame *frame)
{
    return &frame->layout;
}

const char *c2_frame_refusal(const struct c2_frame *frame)
{
    return frame->refusal;
}

bool c2_frame_is_sparse(const struct c2_frame *frame)
{
    return frame->sparse;
}

bool c2_frame_is_elsewhere(const struct c2_frame *frame)
{
    return frame->elsewhere.read != NULL;
}

int c2_frame_fd(const struct c2_frame *frame)
{
    return frame->sparse || frame->is_part ? -1 : frame->fd;
}

bool c2_frame_pread(const struct c2_frame *frame, void *to, size_t n, int64_t off, struct cat2_error *err)
{
    int64_t end;

    if (frame->sparse) return c2_fail(err, CAT2_EINVAL, "a sparse frame has no bytes of its own");
    if (off < 0 || !c2_add_i64(off, (int64_t)n, &end) || end > frame->layout.frame_len)
        return c2_fail(err, CAT2_EINVAL, "bytes %lld and on are not in the frame", (long long)off);
    return c2_frame_read_at(frame, to, n, off, err);
}

int64_t c2_frame_chunk_off(const struct c2_frame *frame, int64_t nchunk)
{
    if (frame->sparse || nchunk < 0 || nchunk >= frame->meta.nchunks || frame->offsets[nchunk] < 0) return -1;
    return frame->layout.header_len + frame->offsets[nchunk];
}

int64_t c2_frame_chunk_file(const struct c2_frame *frame, int64_t nchunk, int *dirfd)
{
    *dirfd = frame->dirfd;
    if (!frame->sparse || nchunk < 0 || nchunk >= frame->meta.nchunks) return -1;
    return c2_max_i64(-1, frame->offsets[nchunk]);
}
