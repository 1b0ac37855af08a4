/* SPDX-License-Identifier: BSD-3-Clause */
/* magic | stamp | number of chunks | hash of header, index and trailer | a hash a chunk | hash of all before;
 * u64, little-endian */
#include "publisher/source/copy_sums.h"
#include "base/hash.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/endian.h"
#include "base/fs.h"
#include "base/log.h"
#include "wire/proof.h"

#define MAGIC    0x31534d5553324300u                       /* "\0C2SUMS1" as little-endian bytes */
#define HEAD     4                                         /* words before those of the chunks */
#define FILE_MAX ((size_t)(C2_NCHUNKS_MAX + HEAD + 1) * 8) /* a word for each chunk of the largest frame */
#define FIXED_MAX                                                                                            \
    ((size_t)C2_CHUNK_CBYTES_MAX + C2_TRAILER_NBYTES_MAX) /* index chunk and trailer of the largest frame */

struct c2_copy_sums {
    struct c2_buf head, tail; /* header; index and trailer: as they were found sound */
    int64_t n;
    uint64_t *chunks;
};
static atomic_llong mended;

uint64_t c2_copy_sums_mended(void)
{
    return (uint64_t)atomic_load(&mended);
}

void c2_copy_sums_free(struct c2_copy_sums *sums)
{
    if (!sums) return;
    c2_buf_fini(&sums->head);
    c2_buf_fini(&sums->tail);
    free(sums->chunks);
    free(sums);
}

static bool read_part(const struct c2_frame *frame, int64_t off, int64_t n, struct c2_buf *out,
                      struct cat2_error *err)
{
    c2_buf_init(out, FIXED_MAX);
    return c2_buf_resize(out, (size_t)n, err) && c2_frame_pread(frame, out->p, (size_t)n, off, err);
}

static bool read_fixed(const struct c2_frame *frame, struct c2_buf *head, struct c2_buf *tail,
                       struct cat2_error *err)
{
    const struct c2_frame_layout *l = c2_frame_layout(frame);

    return read_part(frame, 0, l->header_len, head, err) &&
           read_part(frame, l->index_off, l->frame_len - l->index_off, tail, err);
}

static uint64_t hash_fixed(const struct c2_buf *head, const struct c2_buf *tail)
{
    return c2_proof_chain(c2_hash64(head->p, head->n), c2_hash64(tail->p, tail->n));
}

/* Into the very file that is read, whatever its name is now; its time, which says what it is of, stays. */
static void write_back(const struct c2_frame *frame, int64_t off, struct c2_bytes bytes, const char *what)
{
    const char *name = c2_frame_meta(frame)->urlpath;
    struct cat2_error err;
    char self[64];
    struct stat st;

    c2_log_warn("compressed copy %s: %s had rotted, made again", name, what);
    atomic_fetch_add(&mended, 1);
    snprintf(self, sizeof(self), "/proc/self/fd/%d", c2_frame_fd(frame));
    C2_AUTO(c2_fd) file = {off < 0 ? -1 : open(self, O_WRONLY | O_CLOEXEC)};
    bool ok = file.fd >= 0 && fstat(file.fd, &st) == 0 && c2_fs_pwrite(file.fd, bytes.p, bytes.n, off, &err);
    struct timespec times[2] = {ok ? st.st_atim : (struct timespec){0},
                                ok ? st.st_mtim : (struct timespec){0}};
    if (!ok || futimens(file.fd, times) != 0) c2_log_warn("compressed copy %s: cannot be written", name);
}

bool c2_copy_sums_fixed(const struct c2_copy_sums *sums, const struct c2_frame *frame, struct cat2_error *err)
{
    C2_AUTO(c2_buf) head = {0};
    C2_AUTO(c2_buf) tail = {0};

    if (!read_fixed(frame, &head, &tail, err)) return false;
    bool same = memcmp(head.p, sums->head.p, head.n) == 0 && memcmp(tail.p, sums->tail.p, tail.n) == 0;
    if (same) return true;
    write_back(frame, 0, c2_buf_bytes(&sums->head), "its header");
    write_back(frame, c2_frame_layout(frame)->index_off, c2_buf_bytes(&sums->tail), "its index or trailer");
    return c2_fail(err, CAT2_ECHANGED, "the compressed copy had rotted: ask again");
}

/* ---- the file ---- */

static bool put(struct c2_buf *out, uint64_t word, struct cat2_error *err)
{
    uint8_t bytes[8];

    c2_put_le64(bytes, word);
    return c2_buf_append(out, bytes, 8, err);
}

static bool hash_chunks(struct c2_frame *frame, struct c2_buf *out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);

    for (int64_t i = 0; i < c2_frame_meta(frame)->nchunks; i++) {
        c2_buf_clear(&chunk);
        if (!c2_frame_chunk(frame, i, &chunk, err) || !put(out, c2_hash64(chunk.p, chunk.n), err))
            return false;
    }
    return true;
}

bool c2_copy_sums_make(int dir, const char *name, uint64_t stamp, struct c2_frame *frame,
                       struct cat2_error *err)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(FILE_MAX);
    C2_AUTO(c2_buf) head = {0};
    C2_AUTO(c2_buf) tail = {0};

    if (!read_fixed(frame, &head, &tail, err) || !put(&text, MAGIC, err) || !put(&text, stamp, err) ||
        !put(&text, (uint64_t)c2_frame_meta(frame)->nchunks, err) ||
        !put(&text, hash_fixed(&head, &tail), err) || !hash_chunks(frame, &text, err) ||
        !put(&text, c2_hash64(text.p, text.n), err))
        return false;
    C2_AUTO(c2_fd) file = {c2_fs_open(dir, name, O_WRONLY | O_CREAT | O_TRUNC, err)};
    return file.fd >= 0 && c2_fs_pwrite(file.fd, text.p, text.n, 0, err);
}

static bool read_sums(const struct c2_buf *text, const struct c2_frame *frame, struct c2_copy_sums *sums,
                      struct cat2_error *err)
{
    sums->n = c2_frame_meta(frame)->nchunks;
    sums->chunks = malloc(((size_t)sums->n + 1) * sizeof(*sums->chunks));
    if (!sums->chunks) return c2_fail_nomem(err, "hashes");
    for (int64_t i = 0; i < sums->n; i++)
        sums->chunks[i] = c2_le64(text->p + (size_t)(HEAD + i) * 8);
    return read_fixed(frame, &sums->head, &sums->tail, err) &&
           (hash_fixed(&sums->head, &sums->tail) == c2_le64(text->p + 24) ||
            c2_fail(err, CAT2_EDATA, "its header, index or trailer have rotted"));
}

bool c2_copy_sums_open(int dir, const char *name, uint64_t stamp, const struct c2_frame *frame,
                       struct c2_copy_sums **out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) text = {0};
    int64_t n = c2_frame_meta(frame)->nchunks;
    size_t size = (size_t)(n + HEAD + 1) * 8;
    C2_AUTO(c2_fd) file = {c2_fs_open(dir, name, O_RDONLY | O_NONBLOCK, err)};

    if (file.fd < 0 || !c2_fs_read(file.fd, FILE_MAX, &text, err)) return false;
    if (text.n != size || c2_le64(text.p) != MAGIC || c2_le64(text.p + 8) != stamp ||
        c2_le64(text.p + 16) != (uint64_t)n || c2_le64(text.p + size - 8) != c2_hash64(text.p, size - 8))
        return c2_fail(err, CAT2_EDATA, "%.160s: is of another copy", name);
    C2_AUTO_PTR(c2_copy_sums) *sums = calloc(1, sizeof(*sums));
    if (!sums) return c2_fail_nomem(err, "hashes");
    if (!read_sums(&text, frame, sums, err)) return false;
    *out = sums;
    sums = NULL;
    return true;
}

/* ---- chunks ---- */

static bool compress_again(const struct c2_frame *frame, int64_t nchunk, int plain_fd, struct c2_buf *out,
                           struct cat2_error *err)
{
    const struct c2_meta *meta = c2_frame_meta(frame);
    int64_t off = nchunk * meta->chunksize, n = c2_min_i64(meta->chunksize, meta->nbytes - off);
    C2_AUTO(c2_buf) plain = C2_BUF_INIT(C2_CHUNK_NBYTES_MAX);
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    struct c2_cparams cparams = c2_cparams_default(1, 0); /* as c2_frame_compress_file() has it */

    if (!codec) return c2_fail_nomem(err, "chunk");
    return c2_buf_resize(&plain, (size_t)n, err) && c2_fs_pread(plain_fd, plain.p, (size_t)n, off, err) &&
           c2_codec_encode(codec, &cparams, plain.p, (int32_t)n, out, err);
}

bool c2_copy_sums_chunk(const struct c2_copy_sums *sums, struct c2_frame *frame, int64_t nchunk, int plain_fd,
                        struct c2_buf *out, struct cat2_error *err)
{
    size_t before = out->n;

    bool ok = c2_frame_chunk(frame, nchunk, out, err);
    if (!ok && err->code != CAT2_EDATA) return false;
    if (nchunk >= sums->n) return ok;
    if (ok && c2_hash64(out->p + before, out->n - before) == sums->chunks[nchunk]) return true;
    out->n = before;
    if (!compress_again(frame, nchunk, plain_fd, out, err)) return false;
    struct c2_bytes chunk = {out->p + before, out->n - before};
    if (c2_hash64(chunk.p, chunk.n) != sums->chunks[nchunk]) {
        out->n = before;
        return c2_fail(err, CAT2_EDATA, "chunk %lld of the compressed copy has rotted", (long long)nchunk);
    }
    write_back(frame, c2_frame_chunk_off(frame, nchunk), chunk, "a chunk");
    return true;
}
