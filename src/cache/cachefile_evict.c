/* SPDX-License-Identifier: BSD-3-Clause */
/* Giving disk back. Chunks go in the order of age, by powers of two of seconds since their last use: a chunk
 * used lately has its second chance until all that rested twice as long are gone. No table is kept or built.
 */
#include "cache/cachefile_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "blosc/chunk_format.h"

#define AGES            33
#define EVICT_TAG       0xe71c7ULL /* entered without waiting, so it meets no other */
#define RECORDS_IN_PAGE (C2_CACHE_PAGE / (int64_t)sizeof(struct c2_cache_rec))

static int64_t data_nbytes(const struct c2_cachefile *cf)
{
    struct stat st;

    if (c2_cachefile_is_in_memory(cf)) return atomic_load(&cf->stored);
    return fstat(cf->fd, &st) == 0 ? (int64_t)st.st_blocks * 512 : 0;
}

/* The first chunk from nchunk on whose record lies in a part of the sidecar that is on disk at all. */
static int64_t next_recorded(const struct c2_cachefile *cf, int64_t nchunk)
{
    if (nchunk % RECORDS_IN_PAGE || nchunk >= cf->meta.nchunks) return nchunk;
    off_t at = (off_t)(C2_CACHE_PAGE + nchunk * (int64_t)sizeof(struct c2_cache_rec));
    off_t data = lseek(cf->idx_fd, at, SEEK_DATA);
    if (data < 0) return errno == ENXIO ? cf->meta.nchunks : nchunk;
    return c2_max_i64(nchunk, (data - C2_CACHE_PAGE) / (int64_t)sizeof(struct c2_cache_rec));
}

/* 0: this second; n: less than 2^n seconds ago. */
static int age_of(const struct c2_cache_rec *rec, uint32_t now)
{
    uint32_t age = now > rec->used ? now - rec->used : 0;

    return age ? 32 - __builtin_clz(age) : 0;
}

static uint32_t seconds(void)
{
    return (uint32_t)time(NULL);
}

static bool recorded(const struct c2_cachefile *cf, int64_t nchunk, struct c2_cache_rec *rec)
{
    *rec = c2_cache_load(cf, nchunk);
    return c2_cache_state_of(rec) != C2_CACHE_ABSENT;
}

/* The youngest age that must go so that `want` bytes do. */
static int youngest_to_go(const struct c2_cachefile *cf, int64_t want, uint32_t now)
{
    int64_t nbytes[AGES] = {0}, sum = 0;
    struct c2_cache_rec rec;
    int age = AGES;

    for (int64_t i = next_recorded(cf, 0); i < cf->meta.nchunks; i = next_recorded(cf, i + 1))
        if (recorded(cf, i, &rec)) nbytes[age_of(&rec, now)] += rec.cbytes;
    while (age > 0 && sum < want)
        sum += nbytes[--age];
    return age == AGES ? 0 : age;
}

static void punch(const struct c2_cachefile *cf, int64_t nchunk, int64_t off, int64_t n)
{
    /* The header of chunk 0 stays, as the placeholder that lets stock readers open the file. */
    if (nchunk == 0) {
        off += C2_CHUNK_HEADER;
        n -= C2_CHUNK_HEADER;
    }
    if (c2_cachefile_is_in_memory(cf))
        c2_cache_forget(cf, off, n);
    else if (n > 0 && fallocate(cf->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off, n) != 0)
        c2_log_debug("cache: no hole punched nchunk=%lld errno=%d", (long long)nchunk, errno);
}

static bool clear_record(struct c2_cachefile *cf, int64_t nchunk)
{
    struct cat2_error ignored = {0};

    pthread_mutex_lock(&cf->lock);
    struct c2_cache_rec rec = c2_cache_load_locked(cf, nchunk), fields = {0};
    bool ok = c2_cache_state_of(&rec) != C2_CACHE_ABSENT && !c2_cache_is_held(cf, nchunk) &&
              c2_cache_store(cf, nchunk, &rec, C2_CACHE_ABSENT, fields, &ignored);
    pthread_mutex_unlock(&cf->lock);
    return ok;
}

void c2_cachefile_give_back(struct c2_cachefile *cf, int64_t nchunk)
{
    int64_t off, room;

    if (!c2_cachefile_place(cf, nchunk, &off, &room) || !c2_cache_enter(cf, nchunk, EVICT_TAG, false)) return;
    if (clear_record(cf, nchunk)) punch(cf, nchunk, off, room);
    c2_cache_leave(cf, nchunk);
}

static int64_t take_hand(struct c2_cachefile *cf)
{
    pthread_mutex_lock(&cf->lock);
    int64_t at = cf->hand;
    pthread_mutex_unlock(&cf->lock);
    return at;
}

/* Evict chunks of that age and older within [from, to) until `want` bytes are free. Returns where it stopped.
 */
static int64_t sweep(struct c2_cachefile *cf, int64_t from, int64_t to, int age, uint32_t now, int64_t before,
                     int64_t want)
{
    struct c2_cache_rec rec;
    int64_t i = from;

    while (i < to && before - data_nbytes(cf) < want) {
        if (recorded(cf, i, &rec) && age_of(&rec, now) >= age) c2_cachefile_give_back(cf, i);
        i = next_recorded(cf, i + 1);
    }
    return i < to ? i : to;
}

int64_t c2_cachefile_evict(struct c2_cachefile *cf, int64_t want)
{
    uint32_t now = seconds();
    int64_t before = data_nbytes(cf), n = cf->meta.nchunks, start = take_hand(cf), at;

    if (start < 0 || want <= 0 || n == 0) return 0;
    int age = youngest_to_go(cf, want, now);
    at = sweep(cf, start, n, age, now, before, want);
    if (at == n) at = sweep(cf, 0, start, age, now, before, want) % n;
    if (age > 0 && before - data_nbytes(cf) < want) { /* small chunks share pages, some were in use */
        at = sweep(cf, at, n, 0, now, before, want) % n;
        if (at == 0) at = sweep(cf, 0, start, 0, now, before, want) % n;
    }
    pthread_mutex_lock(&cf->lock);
    cf->hand = at;
    pthread_mutex_unlock(&cf->lock);
    return c2_max_i64(0, before - data_nbytes(cf));
}

bool c2_cachefile_keep_small(struct c2_cachefile *cf, int64_t most)
{
    int64_t over = c2_cachefile_memory_nbytes() - most;

    if (cf->fd >= 0 || over <= 0) return true;
    return c2_cachefile_evict(cf, c2_max_i64(over, most / 2)) >= over;
}
