/* SPDX-License-Identifier: BSD-3-Clause */
/* New cache files: written under temporary names, then renamed; the sidecar last, so that a pair that a crash
 * left half made has none and counts as absent.
 *
 * Stock readers look at chunk 0 when they open a frame. Until it is fetched its place holds a placeholder: a
 * header whose block starts are a hole. It opens; decoding it is an error, never zeros. */
#include "cache/cachefile_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/endian.h"
#include "base/fs.h"
#include "base/hash.h"
#include "blosc/chunk_format.h"
#include "wire/proof.h"

#define MAGIC   0x58444932544143ffu /* "\xffCAT2IDX" as little-endian bytes */
#define VERSION 1

struct names {
    char data[C2_PATH_MAX + 1], idx[C2_PATH_MAX + 1], new_data[C2_PATH_MAX + 1], new_idx[C2_PATH_MAX + 1];
};

static bool make_names(const char *rel, struct names *out, struct cat2_error *err)
{
    long pid = (long)getpid();

    if (strlen(rel) + 40 > C2_PATH_MAX)
        return c2_fail(err, CAT2_ELIMIT, "path of %zu bytes is too long for the cache", strlen(rel));
    snprintf(out->data, sizeof(out->data), "%s", rel);
    snprintf(out->idx, sizeof(out->idx), "%s.idx", rel);
    snprintf(out->new_data, sizeof(out->new_data), "%s.new.%ld", rel, pid);
    snprintf(out->new_idx, sizeof(out->new_idx), "%s.idx.new.%ld", rel, pid);
    return true;
}

int64_t c2_cache_blocks_per_chunk(const struct c2_meta *meta, int32_t blocksize)
{
    int64_t total;

    if (blocksize < 1 || meta->chunksize < 1) return 0;
    int64_t n = c2_div_ceil(meta->chunksize, blocksize);
    if (n > C2_NBLOCKS_MAX || !c2_mul_i64(n, meta->nchunks, &total) || total > C2_CACHE_BLOCKS_MAX) return 0;
    return n;
}

int64_t c2_cache_sidecar_len(int64_t nchunks, int64_t blocks_per_chunk, int64_t *words_off)
{
    int64_t records =
        c2_div_ceil(nchunks * (int64_t)sizeof(struct c2_cache_rec), C2_CACHE_PAGE) * C2_CACHE_PAGE;

    *words_off = C2_CACHE_PAGE + records;
    return *words_off + nchunks * blocks_per_chunk * 4;
}

uint64_t c2_cache_frame_hash(struct c2_bytes head, struct c2_bytes tail)
{
    return c2_proof_chain(c2_hash64(head.p, head.n), c2_hash64(tail.p, tail.n));
}

uint64_t c2_cache_head_check(const struct c2_cache_head *head)
{
    if (head->magic != MAGIC || head->version != VERSION) return ~head->check;
    return c2_hash64(head, offsetof(struct c2_cache_head, check));
}

bool c2_cache_head_known(const struct c2_cache_head *head, struct cat2_error *err)
{
    struct c2_cache_head ours = *head;

    ours.version = VERSION; /* only that number has rotted? */
    return head->magic != MAGIC || head->version <= VERSION || head->check == c2_cache_head_check(&ours) ||
           c2_fail(err, CAT2_EUNSUPPORTED,
                   "it has format %u; this program knows formats up to %d: use a newer one",
                   (unsigned)head->version, VERSION);
}

static void make_placeholder(const struct c2_meta *meta, int32_t blocksize, uint8_t head[C2_CHUNK_HEADER])
{
    static const uint8_t begin[C2_CHUNK_HEADER] = {C2_CHUNK_VERSION, 1, 5 | C2_FLAG_NOSPLIT | 1 << 5};
    int32_t nbytes = (int32_t)c2_meta_expect(meta, 0).nbytes, typesize = meta->cparams.typesize;

    memcpy(head, begin, sizeof(begin));
    if (blocksize < 1 || blocksize > nbytes) blocksize = nbytes;
    head[C2_CHUNK_TYPESIZE] = (uint8_t)(typesize > 255 ? 1 : typesize);
    c2_put_le32(head + 4, (uint32_t)nbytes);
    c2_put_le32(head + 8, (uint32_t)blocksize);
    c2_put_le32(head + 12, (uint32_t)(C2_CHUNK_HEADER + 4 * c2_div_ceil(nbytes, blocksize)));
}

/* The parts of a frame that is to be laid out. */
struct layout {
    struct c2_bytes head, tail;
    int64_t frame_len;
    const struct c2_meta *meta; /* for the placeholder */
    int32_t blocksize;
    int64_t first; /* place of chunk 0; negative: none */
    bool mirror;
    enum c2_kind kind;
    const char *etag;
};

static bool write_data(int dirfd, const char *name, const struct layout *l, struct c2_frame **out,
                       struct cat2_error *err)
{
    int fd = c2_fs_open(dirfd, name, O_RDWR | O_CREAT | O_TRUNC, err);
    uint8_t placeholder[C2_CHUNK_HEADER];

    if (fd < 0) return false;
    if (l->first >= 0) make_placeholder(l->meta, l->blocksize, placeholder);
    bool ok = ftruncate(fd, l->frame_len) == 0 || c2_fail_errno(err, errno, "ftruncate");
    ok = ok && c2_fs_pwrite(fd, l->head.p, l->head.n, 0, err) &&
         c2_fs_pwrite(fd, l->tail.p, l->tail.n, l->frame_len - (int64_t)l->tail.n, err) &&
         (l->first < 0 || c2_fs_pwrite(fd, placeholder, sizeof(placeholder), l->first, err));
    if (ok && fdatasync(fd) != 0) ok = c2_fail_errno(err, errno, "fdatasync");
    if (!ok) {
        close(fd);
        return false;
    }
    return c2_frame_open_fd(fd, name, out, err);
}

static void make_head(const struct c2_frame *frame, const struct layout *l, struct c2_cache_head *head)
{
    memset(head, 0, sizeof(*head));
    head->magic = MAGIC;
    head->version = VERSION;
    head->mirror = l->mirror;
    head->kind = (uint32_t)l->kind;
    head->etag_len = (uint32_t)strlen(l->etag);
    memcpy(head->etag, l->etag, head->etag_len);
    head->nchunks = frame->meta.nchunks;
    head->blocks_per_chunk = c2_cache_blocks_per_chunk(&frame->meta, l->blocksize);
    head->blocksize = head->blocks_per_chunk ? l->blocksize : 0;
    head->frame_hash = c2_cache_frame_hash(l->head, l->tail);
    head->check = c2_cache_head_check(head);
}

static int write_sidecar(int dirfd, const char *name, const struct c2_frame *frame, const struct layout *l,
                         struct c2_cache_head *head, struct cat2_error *err)
{
    int64_t words_off;

    make_head(frame, l, head);
    int64_t len = c2_cache_sidecar_len(head->nchunks, head->blocks_per_chunk, &words_off);
    int fd = c2_fs_open(dirfd, name, O_RDWR | O_CREAT | O_TRUNC, err);
    if (fd < 0) return -1;
    bool ok = ftruncate(fd, len) == 0 || c2_fail_errno(err, errno, "ftruncate");
    ok = ok && c2_fs_pwrite(fd, head, sizeof(*head), 0, err);
    if (ok && fdatasync(fd) != 0) ok = c2_fail_errno(err, errno, "fdatasync");
    if (ok) return fd;
    close(fd);
    return -1;
}

static bool rename_pair(int dirfd, const struct names *names, struct cat2_error *err)
{
    if (unlinkat(dirfd, names->idx, 0) != 0 && errno != ENOENT) return c2_fail_errno(err, errno, "unlink");
    if (renameat(dirfd, names->new_data, dirfd, names->data) != 0 ||
        renameat(dirfd, names->new_idx, dirfd, names->idx) != 0)
        return c2_fail_errno(err, errno, "rename");
    return true;
}

static bool create_files(int dirfd, const struct names *names, const struct layout *l,
                         struct c2_cachefile **out, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_frame) *frame = NULL;
    struct c2_cache_head head;

    if (!c2_fs_mkparents(dirfd, names->data, err) || !write_data(dirfd, names->new_data, l, &frame, err))
        return false;
    if (c2_frame_refusal(frame)) return c2_fail(err, CAT2_EUNSUPPORTED, "%s", c2_frame_refusal(frame));
    int idx_fd = write_sidecar(dirfd, names->new_idx, frame, l, &head, err);
    if (idx_fd < 0) return false;
    if (c2_cache_attach(frame, idx_fd, &head, l->tail, out, err)) {
        frame = NULL;
        if (rename_pair(dirfd, names, err)) return true;
        c2_cachefile_unref(*out);
        *out = NULL;
        return false;
    }
    close(idx_fd);
    return false;
}

/* The same, in mappings. */
static bool create_in_memory(const char *rel, const struct layout *l, struct c2_cachefile **out,
                             struct cat2_error *err)
{
    C2_AUTO_PTR(c2_frame) *frame = NULL;
    struct c2_cache_head head;
    uint8_t *map = c2_cache_map(l->frame_len, err);

    if (!map) return false;
    memcpy(map, l->head.p, l->head.n);
    memcpy(map + l->frame_len - l->tail.n, l->tail.p, l->tail.n);
    if (l->first >= 0) make_placeholder(l->meta, l->blocksize, map + l->first);
    if (!c2_frame_open_map(map, (size_t)l->frame_len, rel, &frame, err)) return false;
    if (c2_frame_refusal(frame)) return c2_fail(err, CAT2_EUNSUPPORTED, "%s", c2_frame_refusal(frame));
    make_head(frame, l, &head);
    if (!c2_cache_attach(frame, -1, &head, l->tail, out, err)) return false;
    frame = NULL;
    return true;
}

static bool create(int dirfd, const char *rel, const struct layout *l, struct c2_cachefile **out,
                   struct cat2_error *err)
{
    struct names names;
    struct c2_cachefile *cf = NULL;

    if (strlen(l->etag) > C2_CACHE_ETAG_MAX)
        return c2_fail(err, CAT2_ELIMIT, "etag of %zu bytes", strlen(l->etag));
    if (dirfd < 0)
        return create_in_memory(rel, l, out, err) || c2_fail_within(err, "cache of %.100s, in memory", rel);
    if (!make_names(rel, &names, err)) return false;
    if (create_files(dirfd, &names, l, &cf, err)) {
        *out = cf;
        return true;
    }
    unlinkat(dirfd, names.new_data, 0);
    unlinkat(dirfd, names.new_idx, 0);
    return c2_fail_within(err, "cache of %.100s", rel);
}

/* Offset of chunk 0 from the index chunk at the front of a publisher's tail. Nothing else is known to be sane
 * yet. */
static bool first_chunk(struct c2_bytes head, struct c2_bytes tail, int64_t *first, struct cat2_error *err)
{
    struct c2_chunk_expect want = {.nbytes = -1, .blocksize = -1, .typesize = 8, .index = true};
    struct c2_chunk_info info;

    *first = -1;
    if (c2_be64(head.p + C2_FRAME_NBYTES_AT) == 0) return true;
    if (!c2_guard_header(tail.p, (int64_t)tail.n, &want, &info, err)) return c2_fail_within(err, "index");
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    uint8_t *offsets = malloc((size_t)info.nbytes + 8);
    if (!codec || !offsets) {
        free(offsets);
        return c2_fail_nomem(err, "index");
    }
    bool ok = c2_codec_decode(codec, NULL, (struct c2_bytes){tail.p, (size_t)info.cbytes}, offsets, err);
    int64_t off = ok ? (int64_t)c2_le64(offsets) : -1;
    free(offsets);
    if (ok && off >= 0) *first = off;
    return ok;
}

bool c2_cachefile_create_mirror(int dirfd, const char *rel, const char *etag, struct c2_bytes head,
                                struct c2_bytes tail, int64_t frame_len, int32_t blocksize,
                                struct c2_cachefile **out, struct cat2_error *err)
{
    struct c2_meta geometry = {0}; /* what the placeholder needs; the frame is parsed when it is written */
    int64_t first, area = frame_len - (int64_t)head.n - (int64_t)tail.n;

    if (head.n < C2_FRAME_HEADER_MIN || tail.n < C2_FRAME_TRAILER_MIN || area < 0)
        return c2_fail(err, CAT2_EDATA, "%.100s: parts of a frame do not fit together", rel);
    if (!first_chunk(head, tail, &first, err)) return c2_fail_within(err, "cache of %.100s", rel);
    if (first >= 0 && first > area - C2_CHUNK_HEADER)
        return c2_fail(err, CAT2_EDATA, "%.100s: chunk 0 is outside of the frame", rel);
    geometry.kind = C2_KIND_FRAME;
    geometry.nbytes = (int64_t)c2_be64(head.p + C2_FRAME_NBYTES_AT);
    geometry.chunksize = (int32_t)c2_be32(head.p + C2_FRAME_CHUNKSIZE);
    geometry.cparams.typesize = (int32_t)c2_be32(head.p + C2_FRAME_TYPESIZE);
    if (first >= 0 && (geometry.chunksize < 1 || geometry.nbytes < 1 || geometry.cparams.typesize < 1))
        return c2_fail(err, CAT2_EDATA, "%.100s: chunks without size", rel);
    if (first >= 0) geometry.nchunks = c2_div_ceil(geometry.nbytes, geometry.chunksize);
    struct layout l = {.head = head,
                       .tail = tail,
                       .frame_len = frame_len,
                       .meta = &geometry,
                       .blocksize = blocksize,
                       .first = first < 0 ? -1 : first + (int64_t)head.n,
                       .mirror = true,
                       .etag = etag,
                       .kind = c2_kind_of(c2_str_of(rel))};
    return create(dirfd, rel, &l, out, err);
}

static bool make_tail(const struct c2_meta *meta, int64_t first, int64_t slot, struct c2_buf *tail,
                      struct cat2_error *err)
{
    if (meta->nchunks > 0) {
        int64_t *offsets = malloc((size_t)meta->nchunks * sizeof(*offsets));
        if (!offsets) return c2_fail_nomem(err, "index");
        for (int64_t i = 0; i < meta->nchunks; i++)
            offsets[i] = first + i * slot;
        bool ok = c2_frame_make_index(offsets, meta->nchunks, tail, err);
        free(offsets);
        if (!ok) return false;
    }
    return c2_frame_make_trailer(meta, tail, err);
}

static int64_t stored_nbytes(const struct c2_meta *meta)
{
    return meta->kind == C2_KIND_ARRAY ? meta->nchunks * meta->chunksize : meta->nbytes;
}

bool c2_cachefile_create_slots(int dirfd, const char *rel, const char *etag, const struct c2_meta *meta,
                               struct c2_cachefile **out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) head = C2_BUF_INIT(C2_HEADER_NBYTES_MAX);
    C2_AUTO(c2_buf) tail = C2_BUF_INIT((size_t)C2_CHUNK_CBYTES_MAX + C2_TRAILER_NBYTES_MAX);
    int64_t page = C2_CACHE_PAGE, slot = c2_div_ceil((int64_t)meta->chunksize + 32, page) * page;

    if (meta->nchunks > C2_NCHUNKS_MAX)
        return c2_fail(err, CAT2_ELIMIT, "%lld chunks", (long long)meta->nchunks);
    if (!c2_frame_make_header(meta, 0, 0, 0, &head, err)) return false;
    int64_t first = meta->nchunks ? c2_div_ceil((int64_t)head.n, page) * page - (int64_t)head.n : 0;
    int64_t area = first + meta->nchunks * slot;
    if (!make_tail(meta, first, slot, &tail, err)) return false;
    int64_t frame_len = (int64_t)head.n + area + (int64_t)tail.n;
    c2_buf_clear(&head);
    if (!c2_frame_make_header(meta, frame_len, stored_nbytes(meta), area, &head, err)) return false;
    struct layout l = {.head = c2_buf_bytes(&head),
                       .tail = c2_buf_bytes(&tail),
                       .frame_len = frame_len,
                       .meta = meta,
                       .blocksize = meta->cparams.blocksize,
                       .kind = meta->kind,
                       .etag = etag,
                       .first = meta->nchunks ? first + (int64_t)head.n : -1};
    return create(dirfd, rel, &l, out, err);
}

bool c2_cachefile_remove(int dirfd, const char *rel, struct cat2_error *err)
{
    struct names names;

    if (!make_names(rel, &names, err)) return false;
    return c2_fs_remove(dirfd, names.idx, err) && c2_fs_remove(dirfd, names.data, err);
}
