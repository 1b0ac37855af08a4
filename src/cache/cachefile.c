/* SPDX-License-Identifier: BSD-3-Clause */
/* The cache object: what it knows, who may use it, and what is missing in it.
 *
 * Life of a chunk, and of its 32-byte record in the sidecar:
 *
 *            put_blocks            last block, put
 *   ABSENT ------------> PARTIAL ----------------> BLOCKS
 *     |  ^                 |                         ^
 *     |  +-- evict, drop --+                         |
 *     +------------------ put -----------------------+    evict, drop: from everywhere back to ABSENT
 *     +------------------ put ----------> WHOLE           of chunks that have no blocks of their own
 *
 * - A change first enters: the chunk's entry in cf->active. Block writers of one encoding (tag = hash of the
 * prefix) are in together; a put, an eviction, another encoding wait until they left. So bytes on disk are of
 * one encoding, and no one clears a chunk that somebody is filling.
 * - Payload is pwritten first, the block words next, the record last, words and records under cf->lock by
 * pwrite(2), which a kill cannot tear. Hence a record never promises bytes that were not handed to the
 * kernel, and PARTIAL -> WHOLE replaces one true record by another: no acknowledged block is lost on the way.
 * Words are cleared when PARTIAL begins, so none of an earlier life is believed.
 * - Each change of a record raises its gen. Readers take no lock: record, bytes, record again; a record of
 * another gen means the bytes may have changed below the reader, who starts over. Eviction clears the record
 * before it punches the hole.
 * - Every read checks the bytes that it gives, each time: a hash costs less than the read. So that a few
 * blocks can be checked without the others, a chunk that is put whole is kept as BLOCKS where its blocks tile
 * it, and as WHOLE only where they cannot be told apart. */
#include "cache/cachefile_impl.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bisect.h"

#define LOOK_MAX 1024 /* chunks that a read looks at, to tell whether all are here: some microseconds */

static atomic_llong nopen, mapped_nbytes, ndropped;

void c2_cache_count(int64_t n, int64_t nbytes)
{
    atomic_fetch_add(&nopen, n);
    atomic_fetch_add(&mapped_nbytes, nbytes);
}

void c2_cache_count_dropped(void)
{
    atomic_fetch_add(&ndropped, 1);
}

struct c2_cachefile_stats c2_cachefile_stats(void)
{
    return (struct c2_cachefile_stats){atomic_load(&nopen), atomic_load(&mapped_nbytes),
                                       (uint64_t)atomic_load(&ndropped)};
}

bool c2_cachefile_is_unshared(const struct c2_cachefile *cf)
{
    return atomic_load(&cf->refs) == 1;
}

struct c2_cachefile *c2_cachefile_ref(struct c2_cachefile *cf)
{
    atomic_fetch_add(&cf->refs, 1);
    return cf;
}

void c2_cachefile_unref(struct c2_cachefile *cf)
{
    if (!cf || atomic_fetch_sub(&cf->refs, 1) > 1) return;
    if (cf->frame) c2_cache_count_stored(cf, -atomic_load(&cf->stored));
    if (cf->map) munmap(cf->map, cf->map_len);
    if (cf->idx_fd >= 0) close(cf->idx_fd);
    if (cf->frame) c2_cache_count(-1, -(int64_t)cf->map_len);
    c2_frame_free(cf->frame);
    c2_meta_fini(&cf->meta);
    pthread_mutex_destroy(&cf->lock);
    pthread_cond_destroy(&cf->left);
    free(cf->etag);
    free(cf->offs);
    free(cf->order);
    c2_buf_fini(&cf->tail);
    free(cf);
}

const struct c2_meta *c2_cachefile_meta(const struct c2_cachefile *cf)
{
    return &cf->meta;
}

const char *c2_cachefile_etag(const struct c2_cachefile *cf)
{
    return cf->etag;
}

bool c2_cachefile_is_mirror(const struct c2_cachefile *cf)
{
    return cf->mirror;
}

const struct c2_frame_layout *c2_cachefile_layout(const struct c2_cachefile *cf)
{
    return &cf->layout;
}

int c2_cachefile_fd(const struct c2_cachefile *cf)
{
    return cf->fd;
}

struct c2_chunk_expect c2_cache_expect(const struct c2_cachefile *cf, int64_t nchunk)
{
    return c2_meta_expect(&cf->meta, nchunk);
}

/* The first of the sorted places above off: its index, or nstored. */
static int64_t place_above(const struct c2_cachefile *cf, int64_t off)
{
    int64_t at;

    c2_bisect(at, cf->nstored, cf->offs[at] <= off);
    return at;
}

static int64_t area_end(const struct c2_cachefile *cf)
{
    return cf->frame->layout.header_len + cf->frame->area;
}

bool c2_cachefile_place(const struct c2_cachefile *cf, int64_t nchunk, int64_t *off, int64_t *room)
{
    *off = c2_frame_chunk_off(cf->frame, nchunk);
    if (*off < 0) return false;
    if (!cf->mirror) {
        *room = cf->slot;
        return true;
    }
    int64_t next = place_above(cf, *off);
    *room = (next < cf->nstored ? cf->offs[next] : area_end(cf)) - *off;
    return true;
}

bool c2_cachefile_chunks_under(const struct c2_cachefile *cf, int64_t off, int64_t n,
                               bool (*visit)(void *ctx, int64_t nchunk), void *ctx)
{
    if (n <= 0 || !cf->mirror) return true;
    int64_t i = place_above(cf, off);
    if (i > 0) i--; /* the one that holds off, or ends before it, where a gap may be */
    for (; i < cf->nstored && cf->offs[i] < off + n; i++) {
        int64_t end = i + 1 < cf->nstored ? cf->offs[i + 1] : area_end(cf);
        if (end > off && !visit(ctx, cf->order[i])) return false;
    }
    return true;
}

static bool has_chunk(const struct c2_cachefile *cf, int64_t nchunk)
{
    return 0 <= nchunk && nchunk < cf->meta.nchunks;
}

/* All, or those of `blocks` whose word is 0. */
static int32_t missing_blocks(const struct c2_cachefile *cf, int64_t nchunk, const int32_t *blocks,
                              int32_t nblocks, bool all, int32_t *missing)
{
    int32_t n = 0;

    for (int32_t i = 0; i < nblocks; i++) {
        if (!all && c2_cache_word(cf, nchunk, blocks[i])) continue;
        if (missing) missing[n] = blocks[i];
        n++;
    }
    return n;
}

int32_t c2_cachefile_missing(const struct c2_cachefile *cf, int64_t nchunk, const int32_t *blocks,
                             int32_t nblocks, int32_t *missing, bool *whole_missing)
{
    bool whole = !blocks || nblocks == 0;

    if (whole_missing) *whole_missing = false;
    if (!has_chunk(cf, nchunk) || c2_frame_chunk_off(cf->frame, nchunk) < 0) return 0;
    struct c2_cache_rec rec = c2_cache_load(cf, nchunk);
    switch (c2_cache_state_of(&rec)) {
    case C2_CACHE_WHOLE:
        return 0;
    case C2_CACHE_PARTIAL:
        return whole ? 1 : missing_blocks(cf, nchunk, blocks, nblocks, false, missing);
    case C2_CACHE_BLOCKS: /* words still decide: one may have failed its check */
        if (!whole) return missing_blocks(cf, nchunk, blocks, nblocks, false, missing);
        return 0;
    case C2_CACHE_ABSENT:
        break;
    }
    if (whole_missing) *whole_missing = true;
    return whole ? 1 : missing_blocks(cf, nchunk, blocks, nblocks, true, missing);
}

/* Looks at so many chunks at most: who looks again goes on from there. */
static bool look_complete(struct c2_cachefile *cf, int64_t most)
{
    int64_t start = atomic_load(&cf->first_missing), i = start;
    int64_t end = c2_min_i64(cf->meta.nchunks - start, most) + start;

    while (i < end && c2_cachefile_missing(cf, i, NULL, 0, NULL, NULL) == 0)
        i++;
    long long seen = start;
    if (i > start) atomic_compare_exchange_strong(&cf->first_missing, &seen, i);
    return i == cf->meta.nchunks;
}

bool c2_cachefile_complete(const struct c2_cachefile *cf)
{
    return look_complete((struct c2_cachefile *)cf, INT64_MAX); /* the hint is no part of what is const */
}

void c2_cache_choose_ahead(struct c2_cachefile *cf)
{
    if (cf->fd < 0) return;
    bool ahead = look_complete(cf, LOOK_MAX);
    if (atomic_load(&cf->is_read_ahead) == ahead || atomic_exchange(&cf->is_read_ahead, ahead) == ahead)
        return;
    (void)posix_fadvise(cf->fd, 0, 0, ahead ? POSIX_FADV_NORMAL : POSIX_FADV_RANDOM);
}

int64_t c2_cachefile_disk_nbytes(const struct c2_cachefile *cf)
{
    struct stat data, idx;
    int64_t n = 0;

    if (fstat(cf->fd, &data) == 0) n += (int64_t)data.st_blocks * 512;
    if (fstat(cf->idx_fd, &idx) == 0) n += (int64_t)idx.st_blocks * 512;
    return n;
}

bool c2_cache_enter(struct c2_cachefile *cf, int64_t nchunk, uint64_t tag, bool wait)
{
    pthread_mutex_lock(&cf->lock);
    for (;;) {
        int found = -1, unused = -1;
        for (int i = 0; i < C2_CACHE_ACTIVE_MAX; i++) {
            if (cf->active[i].n == 0)
                unused = i;
            else if (cf->active[i].nchunk == nchunk)
                found = i;
        }
        bool together = found >= 0 && wait && cf->active[found].tag == tag;
        int use = together ? found : found < 0 ? unused : -1;
        if (use >= 0) {
            cf->active[use].nchunk = nchunk;
            cf->active[use].tag = tag;
            cf->active[use].n++;
            break;
        }
        if (!wait) {
            pthread_mutex_unlock(&cf->lock);
            return false;
        }
        pthread_cond_wait(&cf->left, &cf->lock);
    }
    pthread_mutex_unlock(&cf->lock);
    return true;
}

void c2_cache_leave(struct c2_cachefile *cf, int64_t nchunk)
{
    pthread_mutex_lock(&cf->lock);
    for (int i = 0; i < C2_CACHE_ACTIVE_MAX; i++)
        if (cf->active[i].n > 0 && cf->active[i].nchunk == nchunk) {
            if (--cf->active[i].n == 0) pthread_cond_broadcast(&cf->left);
            break;
        }
    pthread_mutex_unlock(&cf->lock);
}
