/* SPDX-License-Identifier: BSD-3-Clause */
/* The least recently used goes first, after a comparison of how often both were asked for (TinyLFU: Einziger,
 * Friedman and Manes, 2017). The counts are of hashes: each block has one in every row, the least of which is
 * near the truth though others share the rest. */
#include "select/kept_blocks.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/lru.h"

#define ROWS      4
#define COUNTS    4096         /* in a row; a power of two: 20 times as many as there are blocks of 80 KB */
#define COUNT_MAX UINT8_MAX    /* what a count can hold */
#define HALVED    (4 * COUNTS) /* after so many questions, so that what was popular once is forgotten */
#define AGAIN     2            /* times that a block is asked for before it is kept */
#define EACH      8            /* one block takes a part of the room */

struct c2_kept_blocks {
    pthread_mutex_t lock;
    struct c2_lru *lru;
    size_t max_nbytes;
    uint8_t counts[ROWS][COUNTS];
    unsigned ncounted;
    uint64_t hits, misses;
};

struct c2_kept_blocks *c2_kept_blocks_new(size_t max_nbytes)
{
    struct c2_kept_blocks *kept = calloc(1, sizeof(*kept));

    if (!kept) return NULL;
    pthread_mutex_init(&kept->lock, NULL);
    kept->max_nbytes = max_nbytes;
    kept->lru = c2_lru_new(max_nbytes, max_nbytes / EACH);
    if (kept->lru) return kept;
    c2_kept_blocks_free(kept);
    return NULL;
}

void c2_kept_blocks_free(struct c2_kept_blocks *kept)
{
    if (!kept) return;
    c2_lru_free(kept->lru);
    pthread_mutex_destroy(&kept->lock);
    free(kept);
}

static struct c2_str text_of(const struct c2_block_key *key)
{
    return (struct c2_str){(const char *)key, sizeof(*key)};
}

static int count_of(const struct c2_kept_blocks *kept, struct c2_str key)
{
    uint64_t hash = c2_hash64(key.p, key.n);
    int least = COUNT_MAX;

    for (size_t i = 0; i < ROWS; i++, hash >>= 16)
        if (kept->counts[i][hash % COUNTS] < least) least = kept->counts[i][hash % COUNTS];
    return least;
}

static void halve(struct c2_kept_blocks *kept)
{
    for (size_t i = 0; i < ROWS; i++)
        for (size_t k = 0; k < COUNTS; k++)
            kept->counts[i][k] /= 2;
    kept->ncounted = 0;
}

static void count(struct c2_kept_blocks *kept, struct c2_str key)
{
    uint64_t hash = c2_hash64(key.p, key.n);

    for (size_t i = 0; i < ROWS; i++, hash >>= 16)
        if (kept->counts[i][hash % COUNTS] < COUNT_MAX) kept->counts[i][hash % COUNTS]++;
    if (++kept->ncounted == HALVED) halve(kept);
}

struct c2_blob *c2_kept_blocks_find(struct c2_kept_blocks *kept, const struct c2_block_key *key)
{
    struct c2_str text = text_of(key);

    pthread_mutex_lock(&kept->lock);
    count(kept, text);
    struct c2_blob *found = c2_lru_get(kept->lru, text, NULL);
    if (found) c2_blob_ref(found);
    kept->hits += found != NULL;
    kept->misses += !found;
    pthread_mutex_unlock(&kept->lock);
    return found;
}

bool c2_kept_blocks_has(struct c2_kept_blocks *kept, const struct c2_block_key *key)
{
    pthread_mutex_lock(&kept->lock);
    bool has = c2_lru_get(kept->lru, text_of(key), NULL) != NULL;
    pthread_mutex_unlock(&kept->lock);
    return has;
}

static bool is_to_be_kept(struct c2_kept_blocks *kept, struct c2_str key, size_t n)
{
    int asked = count_of(kept, key);
    struct c2_str oldest;

    if (asked < AGAIN || n > kept->max_nbytes / EACH) return false;
    return c2_lru_nbytes(kept->lru) + n <= kept->max_nbytes || !c2_lru_oldest(kept->lru, &oldest) ||
           asked > count_of(kept, oldest);
}

void c2_kept_blocks_offer(struct c2_kept_blocks *kept, const struct c2_block_key *key, const uint8_t *p,
                          size_t n)
{
    C2_AUTO(c2_buf) bytes = C2_BUF_INIT(n);
    struct c2_str text = text_of(key);
    struct c2_blob *blob = NULL;
    struct cat2_error ignored;

    pthread_mutex_lock(&kept->lock);
    bool wanted = is_to_be_kept(kept, text, n);
    pthread_mutex_unlock(&kept->lock);
    if (wanted && c2_buf_append(&bytes, p, n, &ignored)) blob = c2_blob_new(&bytes);
    if (!blob) return;
    pthread_mutex_lock(&kept->lock);
    c2_lru_put(kept->lru, text, blob, NULL);
    pthread_mutex_unlock(&kept->lock);
    c2_blob_unref(blob);
}

void c2_kept_blocks_clear(struct c2_kept_blocks *kept)
{
    pthread_mutex_lock(&kept->lock);
    c2_lru_shrink(kept->lru, 0);
    pthread_mutex_unlock(&kept->lock);
}

struct c2_kept_blocks_stats c2_kept_blocks_stats(struct c2_kept_blocks *kept)
{
    pthread_mutex_lock(&kept->lock);
    struct c2_kept_blocks_stats stats = {c2_lru_nbytes(kept->lru), kept->hits, kept->misses};
    pthread_mutex_unlock(&kept->lock);
    return stats;
}
