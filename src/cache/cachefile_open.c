/* SPDX-License-Identifier: BSD-3-Clause */
/* From two files to the object: what a previous run left is believed as far as its hashes hold. */
#include "cache/cachefile_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "blosc/chunk_format.h"

struct place {
    int64_t off;
    int32_t nchunk;
};

static int by_off(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    return (x->off > y->off) - (x->off < y->off);
}

/* Places of mirror mode in file order. Chunks that share bytes could spoil each other, so they must not. */
static bool sort_places(struct c2_cachefile *cf, struct cat2_error *err)
{
    int64_t n = 0, nchunks = cf->meta.nchunks;
    struct place *places = malloc(((size_t)nchunks + 1) * sizeof(*places));
    bool ok = true;

    cf->offs = malloc(((size_t)nchunks + 1) * sizeof(*cf->offs));
    cf->order = malloc(((size_t)nchunks + 1) * sizeof(*cf->order));
    if (!places || !cf->offs || !cf->order) {
        free(places);
        return c2_fail_nomem(err, "places of chunks");
    }
    for (int64_t i = 0; i < nchunks; i++) {
        int64_t off = c2_frame_chunk_off(cf->frame, i);
        if (off >= 0) places[n++] = (struct place){off, (int32_t)i};
    }
    qsort(places, (size_t)n, sizeof(*places), by_off);
    for (int64_t i = 0; i < n; i++) {
        cf->offs[i] = places[i].off;
        cf->order[i] = places[i].nchunk;
        if (i > 0 && places[i].off - places[i - 1].off < C2_CHUNK_HEADER) ok = false;
    }
    free(places);
    cf->nstored = n;
    return ok || c2_fail(err, CAT2_EDATA, "chunks overlap in the frame");
}

static bool map_sidecar(struct c2_cachefile *cf, int idx_fd, struct cat2_error *err)
{
    struct stat st;
    int64_t len = c2_cache_sidecar_len(cf->meta.nchunks, cf->blocks_per_chunk, &cf->words_off);

    if (idx_fd < 0) {
        cf->map = c2_cache_map(len, err);
        cf->map_len = cf->map ? (size_t)len : 0;
        return cf->map != NULL;
    }
    if (fstat(idx_fd, &st) != 0) return c2_fail_errno(err, errno, "sidecar");
    if (st.st_size != len)
        return c2_fail(err, CAT2_EDATA, "sidecar has %lld bytes, not %lld", (long long)st.st_size,
                       (long long)len);
    void *map = mmap(NULL, (size_t)len, PROT_READ | PROT_WRITE, MAP_SHARED, idx_fd, 0);
    if (map == MAP_FAILED) return c2_fail_errno(err, errno, "mmap of the sidecar");
    cf->map = map;
    cf->map_len = (size_t)len;
    return true;
}

static bool attach(struct c2_cachefile *cf, struct c2_frame *frame, int idx_fd,
                   const struct c2_cache_head *head, struct c2_bytes tail, struct cat2_error *err)
{
    cf->head = *head;
    cf->frame = frame;
    cf->fd = c2_frame_fd(frame);
    if (!c2_meta_copy(c2_frame_meta(frame), &cf->meta, err)) return false;
    if (cf->meta.kind != C2_KIND_ARRAY && head->kind == C2_KIND_FILE) cf->meta.kind = C2_KIND_FILE;
    cf->layout = *c2_frame_layout(frame);
    cf->layout.blocksize = head->blocksize;
    cf->mirror = head->mirror;
    cf->blocksize = head->blocksize;
    cf->blocks_per_chunk = head->blocks_per_chunk;
    cf->slot = c2_div_ceil((int64_t)cf->meta.chunksize + 32, C2_CACHE_PAGE) * C2_CACHE_PAGE;
    cf->etag = c2_str_dup((struct c2_str){head->etag, head->etag_len});
    if (!cf->etag) return c2_fail_nomem(err, "etag");
    return (!cf->mirror || sort_places(cf, err)) && c2_buf_append(&cf->tail, tail.p, tail.n, err) &&
           map_sidecar(cf, idx_fd, err);
}

bool c2_cache_attach(struct c2_frame *frame, int idx_fd, const struct c2_cache_head *head,
                     struct c2_bytes tail, struct c2_cachefile **out, struct cat2_error *err)
{
    struct c2_cachefile *cf = calloc(1, sizeof(*cf));

    if (!cf) return c2_fail_nomem(err, "cache file");
    atomic_init(&cf->refs, 1);
    atomic_init(&cf->first_missing, 0);
    atomic_init(&cf->is_read_ahead, false);
    atomic_init(&cf->stored, 0);
    cf->idx_fd = -1;
    c2_buf_init(&cf->tail, tail.n);
    pthread_mutex_init(&cf->lock, NULL);
    pthread_cond_init(&cf->left, NULL);
    if (attach(cf, frame, idx_fd, head, tail, err)) {
        cf->idx_fd = idx_fd;
        if (cf->fd >= 0) (void)posix_fadvise(cf->fd, 0, 0, POSIX_FADV_RANDOM); /* c2_cache_choose_ahead() */
        c2_cache_count(1, (int64_t)cf->map_len);
        *out = cf;
        return true;
    }
    cf->frame = NULL; /* stays the caller's */
    c2_cachefile_unref(cf);
    return false;
}

static bool read_head(int fd, const char *etag, struct c2_cache_head *head, struct cat2_error *err)
{
    if (!c2_fs_pread(fd, head, sizeof(*head), 0, err) || !c2_cache_head_known(head, err)) return false;
    if (head->check != c2_cache_head_check(head) || head->etag_len > C2_CACHE_ETAG_MAX)
        return c2_fail(err, CAT2_EDATA, "sidecar's head fails its check");
    struct c2_str have = {head->etag, head->etag_len};
    if (etag && !c2_str_is(have, etag)) return c2_fail(err, CAT2_ENOTFOUND, "cached generation is another");
    return true;
}

/* Are header, index and trailer those that the sidecar was made for? */
static bool check_frame(struct c2_frame *frame, const struct c2_cache_head *head, struct c2_buf *tail,
                        struct cat2_error *err)
{
    const struct c2_frame_layout *l = c2_frame_layout(frame);
    int64_t n = l->frame_len - l->index_off;

    if (!c2_buf_resize(tail, (size_t)n, err) || !c2_frame_pread(frame, tail->p, (size_t)n, l->index_off, err))
        return false;
    if (head->frame_hash != c2_cache_frame_hash(c2_buf_bytes(&frame->header), c2_buf_bytes(tail)) ||
        head->nchunks != c2_frame_meta(frame)->nchunks ||
        head->blocks_per_chunk != c2_cache_blocks_per_chunk(c2_frame_meta(frame), head->blocksize))
        return c2_fail(err, CAT2_EDATA, "data file and sidecar do not belong together");
    return true;
}

static bool open_pair(int dirfd, const char *rel, int idx_fd, const char *etag, struct c2_cachefile **out,
                      struct cat2_error *err)
{
    C2_AUTO(c2_buf) tail = C2_BUF_INIT((size_t)C2_CHUNK_CBYTES_MAX + C2_TRAILER_NBYTES_MAX);
    C2_AUTO_PTR(c2_frame) *frame = NULL;
    struct c2_cache_head head;

    if (!read_head(idx_fd, etag, &head, err)) return false;
    int fd = c2_fs_open(dirfd, rel, O_RDWR, err);
    if (fd < 0 || !c2_frame_open_fd(fd, rel, &frame, err) || !check_frame(frame, &head, &tail, err) ||
        !c2_cache_attach(frame, idx_fd, &head, c2_buf_bytes(&tail), out, err))
        return false;
    frame = NULL;
    return true;
}

bool c2_cachefile_open(int dirfd, const char *rel, const char *etag, struct c2_cachefile **out,
                       struct cat2_error *err)
{
    char idx[C2_PATH_MAX + 8];
    struct c2_cachefile *cf = NULL;

    if (strlen(rel) + 4 > C2_PATH_MAX) return c2_fail(err, CAT2_ENOTFOUND, "path is too long for the cache");
    snprintf(idx, sizeof(idx), "%s.idx", rel);
    int fd = c2_fs_open(dirfd, idx, O_RDWR, err);
    if (fd < 0) return false;
    if (open_pair(dirfd, rel, fd, etag, &cf, err)) {
        *out = cf;
        return true;
    }
    close(fd);
    return c2_fail_within(err, "cache of %.100s", rel);
}
