/* SPDX-License-Identifier: BSD-3-Clause */
/* Chunks of a frame: stored, special or in a file of their own; guarded as they are read. */
#include "blosc/frame_impl.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/endian.h"
#include "base/fs.h"
#include "blosc/chunk_format.h"

#define LIKELY_EXCESS 4096 /* bytes of a chunk beyond its items: header, places of blocks */

struct c2_chunk_expect c2_meta_expect(const struct c2_meta *meta, int64_t nchunk)
{
    struct c2_chunk_expect want = {
        .nbytes = meta->chunksize, .blocksize = -1, .typesize = meta->cparams.typesize};

    if (meta->kind == C2_KIND_ARRAY)
        want.blocksize = meta->cparams.blocksize;
    else if (nchunk == meta->nchunks - 1 && meta->chunksize > 0 && meta->nbytes % meta->chunksize)
        want.nbytes = meta->nbytes % meta->chunksize;
    return want;
}

/* Chunk number n of a sparse frame lives in the file that the index names. */
static bool read_chunk_file(const struct c2_frame *frame, int64_t number, int64_t off, size_t n, uint8_t *to,
                            int64_t *avail, struct cat2_error *err)
{
    char name[32];
    struct stat st;

    snprintf(name, sizeof(name), "%08llX.chunk", (unsigned long long)number);
    C2_AUTO(c2_fd) file = {c2_fs_open(frame->dirfd, name, O_RDONLY, err)};
    if (file.fd < 0)
        return err->code == CAT2_ENOTFOUND ? c2_fail(err, CAT2_EDATA, "%s is missing", name) : false;
    if (fstat(file.fd, &st) != 0 || !S_ISREG(st.st_mode))
        return c2_fail(err, CAT2_EIO, "%s is not a regular file", name);
    *avail = st.st_size;
    if (off < 0 || off > st.st_size || (int64_t)n > st.st_size - off)
        return c2_fail(err, CAT2_EDATA, "%s ends too early", name);
    return c2_fs_pread(file.fd, to, n, off, err);
}

bool c2_frame_read_stored(const struct c2_frame *frame, int64_t nchunk, int64_t off, size_t n, uint8_t *to,
                          int64_t *avail, struct cat2_error *err)
{
    int64_t at = frame->offsets[nchunk];

    if (frame->sparse) return read_chunk_file(frame, at, off, n, to, avail, err);
    *avail = frame->area - at;
    if (off < 0 || off > *avail || (int64_t)n > *avail - off)
        return c2_fail(err, CAT2_EDATA, "bytes leave the chunk area");
    return c2_frame_read_at(frame, to, n, frame->layout.header_len + at + off, err);
}

static bool check_chunk_number(const struct c2_frame *frame, int64_t nchunk, struct cat2_error *err)
{
    if (frame->refusal)
        return c2_fail(err, CAT2_EUNSUPPORTED, "this frame's data is not served: %s", frame->refusal);
    if (0 <= nchunk && nchunk < frame->meta.nchunks) return true;
    return c2_fail(err, CAT2_EINVAL, "no chunk %lld: there are %lld", (long long)nchunk,
                   (long long)frame->meta.nchunks);
}

static bool stored_head(const struct c2_frame *frame, int64_t nchunk, uint8_t *head,
                        struct c2_chunk_info *info, struct cat2_error *err)
{
    struct c2_chunk_expect want = c2_meta_expect(&frame->meta, nchunk);
    int64_t avail = 0;

    if (c2_frame_read_stored(frame, nchunk, 0, C2_CHUNK_HEADER, head, &avail, err) &&
        c2_guard_header(head, avail, &want, info, err))
        return true;
    return c2_fail_within(err, "chunk %lld", (long long)nchunk);
}

static bool stat_op(void *self, int64_t nchunk, struct c2_chunk_stat *out, struct cat2_error *err)
{
    const struct c2_frame *frame = self;
    uint8_t head[C2_CHUNK_HEADER];
    struct c2_chunk_info info;

    if (!check_chunk_number(frame, nchunk, err)) return false;
    *out = (struct c2_chunk_stat){.cbytes = C2_CHUNK_HEADER};
    (void)c2_frame_kind(frame->offsets[nchunk], &out->kind); /* checked on opening */
    if (out->kind != C2_CHUNK_STORED) return true;
    if (!stored_head(frame, nchunk, head, &info, err)) return false;
    out->cbytes = info.cbytes;
    return true;
}

static bool read_op(void *self, int64_t nchunk, int32_t off, int32_t n, uint8_t *to, struct cat2_error *err)
{
    const struct c2_frame *frame = self;
    int64_t avail;

    if (!check_chunk_number(frame, nchunk, err)) return false;
    if (frame->offsets[nchunk] < 0 || off < 0 || n < 0) return c2_fail(err, CAT2_EINVAL, "no such bytes");
    if (c2_frame_read_stored(frame, nchunk, off, (size_t)n, to, &avail, err)) return true;
    return c2_fail_within(err, "chunk %lld", (long long)nchunk);
}

struct c2_chunks c2_frame_chunks(struct c2_frame *frame)
{
    static const struct c2_chunks_ops ops = {.stat = stat_op, .read = read_op};

    return (struct c2_chunks){&ops, frame};
}

bool c2_chunk_special(enum c2_chunk_kind kind, const struct c2_cparams *cparams, int32_t nbytes,
                      struct c2_buf *out, struct cat2_error *err)
{
    uint8_t head[C2_CHUNK_HEADER] = {C2_CHUNK_VERSION, 1, 5};
    int32_t blocksize = cparams->blocksize;
    int special = kind == C2_CHUNK_ZERO  ? C2_SPECIAL_ZERO
                  : kind == C2_CHUNK_NAN ? C2_SPECIAL_NAN
                                         : C2_SPECIAL_UNINIT;

    C2_ASSERT(kind == C2_CHUNK_ZERO || kind == C2_CHUNK_NAN || kind == C2_CHUNK_UNINIT);
    if (blocksize < 1 || blocksize > nbytes) blocksize = nbytes;
    head[C2_CHUNK_TYPESIZE] = (uint8_t)(cparams->typesize > 255 ? 1 : cparams->typesize);
    c2_put_le32(head + 4, (uint32_t)nbytes);
    c2_put_le32(head + 8, (uint32_t)blocksize);
    c2_put_le32(head + 12, C2_CHUNK_HEADER);
    head[C2_CHUNK_FLAGS2] = (uint8_t)(special << 4);
    return c2_buf_append(out, head, sizeof(head), err);
}

/* Up to where the next chunk begins, if they lie in order: as much as the chunk has, most of the time. */
static size_t likely_cbytes(const struct c2_frame *frame, int64_t nchunk, const struct c2_chunk_expect *want)
{
    int64_t at = frame->offsets[nchunk], end = frame->area;

    for (int64_t next = nchunk + 1; next < frame->meta.nchunks; next++)
        if (frame->offsets[next] >= 0) {
            if (frame->offsets[next] > at) end = frame->offsets[next];
            break;
        }
    int64_t most = c2_min_i64(want->nbytes + LIKELY_EXCESS, C2_CHUNK_CBYTES_MAX);
    return (size_t)c2_max_i64(C2_CHUNK_HEADER, c2_min_i64(end - at, most));
}

/* Where a read is a request, the chunk comes with its header. */
static bool append_elsewhere(struct c2_frame *frame, int64_t nchunk, struct c2_buf *out,
                             struct cat2_error *err)
{
    struct c2_chunk_expect want = c2_meta_expect(&frame->meta, nchunk);
    size_t before = out->n, n = likely_cbytes(frame, nchunk, &want);
    struct c2_chunk_info info;
    int64_t avail;

    bool ok = c2_buf_resize(out, before + n, err) &&
              c2_frame_read_stored(frame, nchunk, 0, n, out->p + before, &avail, err) &&
              c2_guard_header(out->p + before, avail, &want, &info, err) &&
              c2_buf_resize(out, before + (size_t)info.cbytes, err);
    size_t cbytes = ok ? (size_t)info.cbytes : 0;
    if (ok && cbytes > n)
        ok = c2_frame_read_stored(frame, nchunk, (int64_t)n, cbytes - n, out->p + before + n, &avail, err);
    ok = ok && c2_guard_chunk((struct c2_bytes){out->p + before, cbytes}, &want, &info, err);
    if (ok) return true;
    out->n = before;
    return c2_fail_within(err, "chunk %lld", (long long)nchunk);
}

static bool append_stored(struct c2_frame *frame, int64_t nchunk, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_chunk_expect want = c2_meta_expect(&frame->meta, nchunk);
    uint8_t head[C2_CHUNK_HEADER];
    struct c2_chunk_info info;
    size_t before = out->n;
    int64_t avail;

    if (frame->elsewhere.read) return append_elsewhere(frame, nchunk, out, err);
    if (!stored_head(frame, nchunk, head, &info, err)) return false;
    if (!c2_buf_resize(out, before + (size_t)info.cbytes, err)) return false;
    struct c2_bytes chunk = {out->p + before, (size_t)info.cbytes};
    if (c2_frame_read_stored(frame, nchunk, 0, chunk.n, out->p + before, &avail, err) &&
        c2_guard_chunk(chunk, &want, &info, err))
        return true;
    out->n = before;
    return c2_fail_within(err, "chunk %lld", (long long)nchunk);
}

bool c2_frame_chunk(struct c2_frame *frame, int64_t nchunk, struct c2_buf *out, struct cat2_error *err)
{
    enum c2_chunk_kind kind;

    if (!check_chunk_number(frame, nchunk, err)) return false;
    (void)c2_frame_kind(frame->offsets[nchunk], &kind);
    if (kind == C2_CHUNK_STORED) return append_stored(frame, nchunk, out, err);
    int32_t nbytes = (int32_t)c2_meta_expect(&frame->meta, nchunk).nbytes;
    return c2_chunk_special(kind, &frame->meta.cparams, nbytes, out, err);
}
