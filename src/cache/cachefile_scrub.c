/* SPDX-License-Identifier: BSD-3-Clause */
/* Looking at what is stored before somebody needs it. Chunks and blocks that are not what was stored are
 * dropped by reading them; what never is evicted is written anew from memory. */
#include <fcntl.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/log.h"
#include "cache/cachefile_impl.h"

/* Read from the disk, not from what the kernel remembers of it. */
static void forget_pages(const struct c2_cachefile *cf, int64_t off, int64_t n)
{
    (void)posix_fadvise(cf->fd, (off_t)off, (off_t)n, POSIX_FADV_DONTNEED);
}

/* Sound, or not there (any more). */
static bool check_bytes(struct c2_cachefile *cf, int64_t nchunk, int32_t off, int32_t n, struct c2_buf *buf,
                        struct c2_scrub *scrub, struct cat2_error *err)
{
    struct c2_chunks chunks = c2_cachefile_chunks(cf);

    if (!c2_buf_resize(buf, (size_t)n, err)) return false;
    scrub->nbytes += n;
    if (c2_chunk_read(&chunks, nchunk, off, n, buf->p, err)) return true;
    return err->code == CAT2_ENOTFOUND;
}

/* The blocks that are here of a chunk that lacks some. */
static bool check_blocks(struct c2_cachefile *cf, int64_t nchunk, const struct c2_cache_rec *rec,
                         struct c2_buf *buf, struct c2_scrub *scrub, struct cat2_error *err)
{
    struct c2_chunk_expect want = c2_cache_expect(cf, nchunk);
    C2_AUTO(c2_buf) prefix = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    struct c2_chunks chunks = c2_cachefile_chunks(cf);
    struct c2_chunk_info info;
    size_t n = rec->state >> 4;

    if (!c2_buf_resize(&prefix, n, err)) return false;
    if (!c2_chunk_read(&chunks, nchunk, 0, (int32_t)n, prefix.p, err)) return err->code == CAT2_ENOTFOUND;
    if (!c2_guard_prefix(c2_buf_bytes(&prefix), &want, &info, err)) return true; /* replaced meanwhile */
    int32_t *off = malloc(2 * (size_t)info.nblocks * sizeof(*off) + 1),
            *len = off ? off + info.nblocks : NULL;
    if (!off) return c2_fail_nomem(err, "blocks");
    bool ok = c2_block_places(c2_buf_bytes(&prefix), &info, off, len, err);
    for (int32_t i = 0; ok && i < info.nblocks; i++)
        if (c2_cache_word(cf, nchunk, i)) ok = check_bytes(cf, nchunk, off[i], len[i], buf, scrub, err);
    free(off);
    return ok;
}

static bool check_chunk(struct c2_cachefile *cf, int64_t nchunk, struct c2_buf *buf, struct c2_scrub *scrub,
                        struct cat2_error *err)
{
    struct c2_cache_rec rec = c2_cache_load(cf, nchunk), after;
    enum c2_cache_state state = c2_cache_state_of(&rec);
    int64_t place, room;
    uint64_t dropped = c2_cachefile_stats().ndropped;

    if (state == C2_CACHE_ABSENT || !c2_cachefile_place(cf, nchunk, &place, &room)) return true;
    forget_pages(cf, place, rec.cbytes);
    if (state != C2_CACHE_PARTIAL && !check_bytes(cf, nchunk, 0, (int32_t)rec.cbytes, buf, scrub, err))
        return false;
    after = c2_cache_load(cf, nchunk); /* one bad block makes it partial; others may be bad too */
    if (c2_cache_state_of(&after) == C2_CACHE_PARTIAL && !check_blocks(cf, nchunk, &after, buf, scrub, err))
        return false;
    if (c2_cachefile_stats().ndropped != dropped && scrub->nbad < C2_SCRUB_BAD_MAX) {
        after = c2_cache_load(cf, nchunk);
        if (!c2_cache_same(&rec, &after)) scrub->bad[scrub->nbad++] = nchunk;
    }
    return true;
}

/* Bytes that memory has: written anew where the disk has others. */
static bool check_fixed(int fd, int64_t off, struct c2_bytes bytes, struct c2_scrub *scrub,
                        struct cat2_error *err)
{
    C2_AUTO(c2_buf) disk = C2_BUF_INIT(bytes.n);

    (void)posix_fadvise(fd, (off_t)off, (off_t)bytes.n, POSIX_FADV_DONTNEED);
    if (!c2_buf_resize(&disk, bytes.n, err) || !c2_fs_pread(fd, disk.p, bytes.n, off, err)) return false;
    scrub->nbytes += (int64_t)bytes.n;
    if (memcmp(disk.p, bytes.p, bytes.n) == 0) return true;
    scrub->nrepaired++;
    return c2_fs_pwrite(fd, bytes.p, bytes.n, off, err);
}

bool c2_cachefile_scrub(struct c2_cachefile *cf, struct c2_scrub *scrub, int64_t most, struct cat2_error *err)
{
    C2_AUTO(c2_buf) buf = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    int64_t end = scrub->nbytes + most;

    scrub->done = c2_cachefile_is_in_memory(cf);
    if (scrub->done) return true;
    for (; scrub->nchunk < cf->meta.nchunks && scrub->nbytes < end; scrub->nchunk++)
        if (!check_chunk(cf, scrub->nchunk, &buf, scrub, err)) return false;
    if (scrub->nchunk < cf->meta.nchunks) return true;
    scrub->done = true;
    int repaired = scrub->nrepaired;
    bool ok = check_fixed(cf->fd, 0, c2_buf_bytes(&cf->frame->header), scrub, err) &&
              check_fixed(cf->fd, cf->layout.index_off, c2_buf_bytes(&cf->tail), scrub, err) &&
              check_fixed(cf->idx_fd, 0, (struct c2_bytes){(const uint8_t *)&cf->head, sizeof(cf->head)},
                          scrub, err);
    if (scrub->nrepaired > repaired)
        c2_log_warn("cache: header, index or trailer on disk were damaged, and are written anew etag=%s",
                    cf->etag);
    return ok;
}
