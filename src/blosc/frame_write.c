/* SPDX-License-Identifier: BSD-3-Clause */
/* The linear writer: header with blanks, chunks as they come, index, trailer, then the header's sizes. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/vec.h"
#include "blosc/chunk_format.h"
#include "blosc/frame_impl.h"
#include "blosc/frame_make.h"

#define FILE_CHUNK_NBYTES (16 << 20) /* of a compressed plain file, as the Python publisher makes them */
#define TAIL_NBYTES       256        /* of the index and the trailer of a small frame without attributes */

struct c2_frame_writer {
    int fd;              /* -1: memory */
    struct c2_buf bytes; /* memory: the frame; file: the header */
    struct c2_buf chunk; /* file: what is compressed here */
    struct c2_meta meta;
    struct c2_codec *codec; /* of attributes; NULL: there were none yet */
    struct c2_attributes attributes;
    bool raw_attributes; /* added one by one: meta's JSON does not count */
    struct {
        C2_VEC(int64_t);
    } offsets;                  /* of chunks */
    int64_t nbytes, cbytes, at; /* at: where the next piece goes */
    bool last_was_short, finished;
};

static int64_t nchunks_of(const struct c2_frame_writer *w)
{
    return (int64_t)w->offsets.n;
}

static bool put(struct c2_frame_writer *w, struct c2_bytes piece, struct cat2_error *err)
{
    bool ok = w->fd < 0 ? c2_buf_append(&w->bytes, piece.p, piece.n, err)
                        : c2_fs_pwrite(w->fd, piece.p, piece.n, w->at, err);

    if (ok) w->at += (int64_t)piece.n;
    return ok;
}

bool c2_frame_writer_new(int fd, const struct c2_meta *meta, struct c2_frame_writer **out,
                         struct cat2_error *err)
{
    C2_AUTO_PTR(c2_frame_writer) *w = calloc(1, sizeof(*w));

    if (!w) return c2_fail_nomem(err, "frame writer");
    w->fd = fd;
    c2_buf_init(&w->chunk, C2_CHUNK_CBYTES_MAX);
    c2_buf_init(&w->bytes, SIZE_MAX / 4); /* the callers that add chunks limit the size */
    if (!c2_meta_copy(meta, &w->meta, err) || !c2_frame_make_header(&w->meta, 0, 0, 0, &w->bytes, err))
        return false;
    w->at = (int64_t)w->bytes.n;
    if (fd >= 0 && !c2_fs_pwrite(fd, w->bytes.p, w->bytes.n, 0, err)) return false;
    *out = w;
    w = NULL;
    return true;
}

bool c2_frame_writer_metalayer(struct c2_frame_writer *w, struct c2_str name, struct c2_bytes content,
                               struct cat2_error *err)
{
    C2_AUTO(c2_buf) header = C2_BUF_INIT(SIZE_MAX / 4);
    const struct c2_named layer = {name, content};

    C2_ASSERT(nchunks_of(w) == 0);
    if (!c2_frame_make_header_with(&w->meta, &layer, 0, 0, 0, &header, err)) return false;
    if (w->fd >= 0 && !c2_fs_pwrite(w->fd, header.p, header.n, 0, err)) return false;
    c2_buf_fini(&w->bytes);
    w->bytes = c2_buf_steal(&header);
    w->at = (int64_t)w->bytes.n;
    return true;
}

void c2_frame_writer_free(struct c2_frame_writer *w)
{
    if (!w) return;
    c2_buf_fini(&w->bytes);
    c2_buf_fini(&w->chunk);
    c2_meta_fini(&w->meta);
    c2_codec_free(w->codec);
    c2_attributes_fini(&w->attributes);
    c2_vec_fini(&w->offsets);
    free(w);
}

/* Does the next chunk fit? What it is, and where it will be: *stored is false when the index says all of it.
 */
static bool admit(struct c2_frame_writer *w, struct c2_bytes chunk, bool *stored, struct cat2_error *err)
{
    const struct c2_meta *meta = &w->meta;
    bool array = meta->kind == C2_KIND_ARRAY;
    struct c2_chunk_expect want = {.nbytes = array ? meta->chunksize : -1,
                                   .blocksize = array ? meta->cparams.blocksize : -1,
                                   .typesize = meta->cparams.typesize};
    struct c2_chunk_info info;

    C2_ASSERT(!w->finished);
    if (!c2_guard_header(chunk.p, (int64_t)chunk.n, &want, &info, err)) return false;
    if ((size_t)info.cbytes != chunk.n || info.nbytes > meta->chunksize || w->last_was_short)
        return c2_fail(err, CAT2_EINVAL, "chunk %lld does not fit the frame", (long long)nchunks_of(w));
    if (nchunks_of(w) == (array ? meta->grid.nchunks : C2_NCHUNKS_MAX))
        return c2_fail(err, CAT2_EINVAL, "more than %lld chunks", (long long)nchunks_of(w));
    if (!c2_vec_room(&w->offsets, C2_NCHUNKS_MAX, "chunks", err)) return false;
    *stored = !info.special || info.special == C2_SPECIAL_VALUE;
    w->offsets.p[w->offsets.n++] = *stored ? w->cbytes : (int64_t)((uint64_t)(0x80 | info.special) << 56);
    w->cbytes += *stored ? info.cbytes : 0;
    w->nbytes += info.nbytes;
    w->last_was_short = info.nbytes < meta->chunksize;
    return true;
}

bool c2_frame_writer_add(struct c2_frame_writer *w, struct c2_bytes chunk, struct cat2_error *err)
{
    bool stored;

    return admit(w, chunk, &stored, err) && (!stored || put(w, chunk, err));
}

bool c2_frame_writer_encode(struct c2_frame_writer *w, struct c2_codec *codec, const uint8_t *items,
                            int32_t nbytes, struct cat2_error *err)
{
    struct c2_buf *to = w->fd < 0 ? &w->bytes : &w->chunk;
    size_t before = w->fd < 0 ? to->n : 0;
    bool stored;

    to->n = before;
    if (w->fd < 0 && !c2_buf_reserve(to, (size_t)nbytes + TAIL_NBYTES, err)) return false;
    if (!c2_codec_encode(codec, &w->meta.cparams, items, nbytes, to, err)) return false;
    struct c2_bytes chunk = {to->p + before, to->n - before};
    bool ok = admit(w, chunk, &stored, err);
    if (w->fd >= 0) return ok && (!stored || put(w, chunk, err));
    if (!ok || !stored) to->n = before;
    w->at = (int64_t)to->n;
    return ok;
}

/* Made when it is first needed. */
static bool attributes_codec(struct c2_frame_writer *w, struct cat2_error *err)
{
    if (!w->codec) w->codec = c2_codec_new();
    return w->codec || c2_fail_nomem(err, "frame writer");
}

bool c2_frame_writer_vlmeta(struct c2_frame_writer *w, struct c2_str name, struct c2_bytes msgpack,
                            struct cat2_error *err)
{
    w->raw_attributes = true;
    return attributes_codec(w, err) && c2_attributes_add(&w->attributes, w->codec, name, msgpack, err);
}

static bool put_tail(struct c2_frame_writer *w, struct cat2_error *err)
{
    C2_AUTO(c2_buf) tail = C2_BUF_INIT((size_t)C2_CHUNK_CBYTES_MAX + C2_TRAILER_NBYTES_MAX);

    if (!w->raw_attributes && w->meta.vlmeta.n > 0 &&
        (!attributes_codec(w, err) ||
         !c2_attributes_from_json(&w->attributes, w->codec, c2_buf_str(&w->meta.vlmeta), err)))
        return false;
    if (nchunks_of(w) > 0 && !c2_frame_make_index(w->offsets.p, nchunks_of(w), &tail, err)) return false;
    return c2_attributes_trailer(&w->attributes, &tail, err) && put(w, c2_buf_bytes(&tail), err);
}

bool c2_frame_writer_finish(struct c2_frame_writer *w, struct c2_buf *out, struct cat2_error *err)
{
    uint8_t *header;
    size_t header_len = w->bytes.n;

    C2_ASSERT(!w->finished && (w->fd >= 0 || out));
    w->finished = true;
    if (w->meta.kind == C2_KIND_ARRAY && nchunks_of(w) != w->meta.grid.nchunks)
        return c2_fail(err, CAT2_EINVAL, "%lld of %lld chunks were written", (long long)nchunks_of(w),
                       (long long)w->meta.grid.nchunks);
    if (!put_tail(w, err)) return false;
    header = w->bytes.p; /* memory may have moved */
    c2_frame_patch_header(header, w->at, w->nbytes, w->cbytes);
    header[C2_FRAME_HAS_VLMETA] = w->attributes.n ? 0xc3 : 0xc2;
    if (w->fd >= 0) return c2_fs_pwrite(w->fd, header, header_len, 0, err);
    C2_ASSERT(out);
    c2_buf_fini(out);
    c2_buf_fit(&w->bytes);
    *out = c2_buf_steal(&w->bytes);
    return true;
}

/* Fill a chunk from a file; *n < size only at its end. */
static bool read_full(int fd, uint8_t *to, size_t size, size_t *n, struct cat2_error *err)
{
    size_t have = 0;

    while (have < size) {
        ssize_t got = read(fd, to + have, size - have);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return c2_fail_errno(err, errno, "reading");
        if (got == 0) break;
        have += (size_t)got;
    }
    *n = have;
    return true;
}

static bool compress_all(struct c2_codec *codec, int in_fd, struct c2_frame_writer *w, uint8_t *plain,
                         const atomic_bool *cancel, struct cat2_error *err)
{
    size_t n;

    do {
        if (cancel && atomic_load(cancel)) return c2_fail(err, CAT2_ECANCELLED, "compressing was given up");
        if (!read_full(in_fd, plain, FILE_CHUNK_NBYTES, &n, err)) return false;
        if (n == 0) break;
        if (!c2_frame_writer_encode(w, codec, plain, (int32_t)n, err)) return false;
    } while (n == FILE_CHUNK_NBYTES);
    return true;
}

bool c2_frame_compress_file(struct c2_codec *codec, int in_fd, int out_fd, const atomic_bool *cancel,
                            struct cat2_error *err)
{
    C2_AUTO_PTR(c2_frame_writer) *w = NULL;
    struct c2_meta meta = {
        .kind = C2_KIND_FILE, .chunksize = FILE_CHUNK_NBYTES, .chunkshape = FILE_CHUNK_NBYTES};

    meta.cparams = c2_cparams_default(1, 0);
    if (!c2_frame_writer_new(out_fd, &meta, &w, err)) return false;
    uint8_t *plain = malloc(FILE_CHUNK_NBYTES);
    if (!plain) return c2_fail_nomem(err, "chunk");
    bool ok = compress_all(codec, in_fd, w, plain, cancel, err) && c2_frame_writer_finish(w, NULL, err);
    free(plain);
    return ok;
}
