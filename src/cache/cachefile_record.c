/* SPDX-License-Identifier: BSD-3-Clause */
/* Records and block words: read through the mapping, written by pwrite under the lock, so that a full disk is
 * an error and no signal. See cachefile.c for the rules. */
#include "cache/cachefile_impl.h"

#include <stddef.h>
#include <time.h>

#include "base/hash.h"

static struct c2_cache_rec *record_at(const struct c2_cachefile *cf, int64_t nchunk)
{
    return (struct c2_cache_rec *)(void *)(cf->map + C2_CACHE_PAGE) + nchunk;
}

/* Over all but last use and itself, and the number: a record that strayed is no record. */
static uint64_t record_check(const struct c2_cache_rec *rec, int64_t nchunk)
{
    uint64_t fields[4] = {(uint64_t)rec->state << 32 | rec->cbytes, rec->hash, rec->gen, (uint64_t)nchunk};

    return c2_hash64(fields, sizeof(fields));
}

static uint64_t load64(const void *p)
{
    return __atomic_load_n((const uint64_t *)p, __ATOMIC_ACQUIRE);
}

static struct c2_cache_rec load_words(const struct c2_cachefile *cf, int64_t nchunk)
{
    const uint8_t *at = (const uint8_t *)record_at(cf, nchunk);
    uint64_t words[4];
    struct c2_cache_rec rec;

    for (int i = 0; i < 4; i++)
        words[i] = load64(at + 8 * i);
    memcpy(&rec, words, sizeof(rec));
    return rec;
}

static bool sound(const struct c2_cachefile *cf, const struct c2_cache_rec *rec, int64_t nchunk)
{
    int state = rec->state & 15;
    int64_t off, room;

    if (rec->check != record_check(rec, nchunk) || state > C2_CACHE_BLOCKS) return false;
    if (state == C2_CACHE_ABSENT) return true;
    return c2_cachefile_place(cf, nchunk, &off, &room) && rec->cbytes <= room && rec->cbytes >= 32 &&
           (rec->state >> 4) <= rec->cbytes;
}

static struct c2_cache_rec absent(const struct c2_cache_rec *rec)
{
    return (struct c2_cache_rec){.gen = rec->gen};
}

struct c2_cache_rec c2_cache_load_locked(const struct c2_cachefile *cf, int64_t nchunk)
{
    struct c2_cache_rec rec = load_words(cf, nchunk);

    return sound(cf, &rec, nchunk) ? rec : absent(&rec);
}

struct c2_cache_rec c2_cache_load(const struct c2_cachefile *cf, int64_t nchunk)
{
    struct c2_cache_rec rec = load_words(cf, nchunk);

    if (sound(cf, &rec, nchunk)) return rec;
    if (rec.state == 0 && rec.check == 0) return absent(&rec); /* never used */
    pthread_mutex_t *lock = (pthread_mutex_t *)&cf->lock;      /* perhaps it is being written */
    pthread_mutex_lock(lock);
    rec = c2_cache_load_locked(cf, nchunk);
    pthread_mutex_unlock(lock);
    return rec;
}

bool c2_cache_same(const struct c2_cache_rec *a, const struct c2_cache_rec *b)
{
    return a->state == b->state && a->cbytes == b->cbytes && a->hash == b->hash && a->gen == b->gen;
}

static uint32_t now_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return (uint32_t)now.tv_sec;
}

void c2_cache_touch(const struct c2_cachefile *cf, int64_t nchunk)
{
    uint32_t *used = &record_at(cf, nchunk)->used, now = now_seconds();

    if (__atomic_load_n(used, __ATOMIC_RELAXED) != now) __atomic_store_n(used, now, __ATOMIC_RELAXED);
}

bool c2_cache_store(struct c2_cachefile *cf, int64_t nchunk, const struct c2_cache_rec *old,
                    enum c2_cache_state state, struct c2_cache_rec fields, struct cat2_error *err)
{
    int64_t at = C2_CACHE_PAGE + nchunk * (int64_t)sizeof(fields);

    fields.state = (fields.state & ~15u) | (uint32_t)state;
    fields.gen = old->gen + 1;
    fields.used = now_seconds();
    fields.check = record_check(&fields, nchunk);
    if (state == C2_CACHE_ABSENT) atomic_store(&cf->first_missing, 0);
    if (!c2_cache_pwrite_idx(cf, &fields, sizeof(fields), at, err)) return false;
    c2_cache_count_stored(cf, (state == C2_CACHE_ABSENT ? 0 : (int64_t)fields.cbytes) -
                                  (c2_cache_state_of(old) == C2_CACHE_ABSENT ? 0 : (int64_t)old->cbytes));
    return true;
}

bool c2_cache_drop(struct c2_cachefile *cf, int64_t nchunk, const struct c2_cache_rec *seen)
{
    struct c2_cache_rec fields = {0};
    struct cat2_error ignored = {0};
    bool same;

    pthread_mutex_lock(&cf->lock);
    struct c2_cache_rec rec = c2_cache_load_locked(cf, nchunk);
    same = c2_cache_same(&rec, seen);
    if (same) (void)c2_cache_store(cf, nchunk, &rec, C2_CACHE_ABSENT, fields, &ignored);
    pthread_mutex_unlock(&cf->lock);
    return same;
}

static int64_t word_off(const struct c2_cachefile *cf, int64_t nchunk, int32_t nblock)
{
    return cf->words_off + 4 * (nchunk * cf->blocks_per_chunk + nblock);
}

uint32_t c2_cache_word(const struct c2_cachefile *cf, int64_t nchunk, int32_t nblock)
{
    if (nblock < 0 || nblock >= cf->blocks_per_chunk) return 0;
    return __atomic_load_n((const uint32_t *)(const void *)(cf->map + word_off(cf, nchunk, nblock)),
                           __ATOMIC_ACQUIRE);
}

uint32_t c2_cache_block_check(struct c2_bytes block)
{
    uint32_t low = (uint32_t)c2_hash64(block.p, block.n);

    return low ? low : 1;
}

bool c2_cache_put_words(struct c2_cachefile *cf, int64_t nchunk, int32_t nblock, const uint32_t *words,
                        int32_t n, struct cat2_error *err)
{
    return c2_cache_pwrite_idx(cf, words, 4 * (size_t)n, word_off(cf, nchunk, nblock), err);
}

bool c2_cache_drop_block(struct c2_cachefile *cf, int64_t nchunk, int32_t nblock,
                         const struct c2_cache_rec *seen)
{
    struct cat2_error ignored = {0};
    uint32_t zero = 0;
    bool same;

    pthread_mutex_lock(&cf->lock);
    struct c2_cache_rec rec = c2_cache_load_locked(cf, nchunk);
    same = c2_cache_same(&rec, seen);
    if (same) {
        (void)c2_cache_put_words(cf, nchunk, nblock, &zero, 1, &ignored);
        struct c2_cache_rec fields = rec;
        if (c2_cache_state_of(&rec) == C2_CACHE_BLOCKS)
            (void)c2_cache_store(cf, nchunk, &rec, C2_CACHE_PARTIAL, fields, &ignored);
        atomic_store(&cf->first_missing, 0);
    }
    pthread_mutex_unlock(&cf->lock);
    return same;
}
