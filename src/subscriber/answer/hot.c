/* SPDX-License-Identifier: BSD-3-Clause */
/* A fixed number of places, looked through by hash; the least recently used gives way. So few that a list
 * would not be faster. */
#include "subscriber/answer/hot.h"
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

#define PLACES 256
#define WORDS  (3 + 4 * C2_DIM_MAX)

struct words { /* the key as numbers, all that matters and nothing else */
    int n;
    int64_t words[WORDS];
};
struct c2_hot {
    size_t max_nbytes;
    uint64_t now;
    struct c2_hot_stats stats;
    uint64_t used[PLACES]; /* when last; 0: the place is free */
    uint64_t hashes[PLACES];
    struct words keys[PLACES];
    struct c2_blob *blobs[PLACES];
};

static uint64_t spell(const struct c2_hot_key *key, struct words *out)
{
    const struct c2_bound *b = key->bound;
    int n = 0;

    out->words[n++] = (int64_t)key->ds;
    out->words[n++] = key->format;
    out->words[n++] = b->ndim;
    for (int i = 0; i < b->ndim; i++) {
        out->words[n++] = b->axes[i].start;
        out->words[n++] = b->axes[i].step;
        out->words[n++] = b->axes[i].count;
        out->words[n++] = b->axes[i].dropped;
    }
    out->n = n;
    return c2_hash64(out->words, (size_t)n * sizeof(*out->words));
}

struct c2_hot *c2_hot_new(size_t max_nbytes)
{
    struct c2_hot *hot = calloc(1, sizeof(*hot));

    if (hot) hot->max_nbytes = max_nbytes;
    return hot;
}

static void drop(struct c2_hot *hot, int i)
{
    hot->stats.n--;
    hot->stats.nbytes -= hot->blobs[i]->bytes.n;
    c2_blob_unref(hot->blobs[i]);
    hot->used[i] = 0;
}

void c2_hot_free(struct c2_hot *hot)
{
    if (!hot) return;
    for (int i = 0; i < PLACES; i++)
        if (hot->used[i]) drop(hot, i);
    free(hot);
}

/* Its place, or -1. */
static int find(const struct c2_hot *hot, uint64_t hash, const struct words *key)
{
    for (int i = 0; i < PLACES; i++)
        if (hot->hashes[i] == hash && hot->used[i] && hot->keys[i].n == key->n &&
            memcmp(hot->keys[i].words, key->words, (size_t)key->n * sizeof(*key->words)) == 0)
            return i;
    return -1;
}

struct c2_blob *c2_hot_get(struct c2_hot *hot, const struct c2_hot_key *key)
{
    struct words words;
    uint64_t hash = spell(key, &words);
    int i = find(hot, hash, &words);

    if (i < 0) {
        hot->stats.misses++;
        return NULL;
    }
    hot->stats.hits++;
    hot->used[i] = ++hot->now;
    return hot->blobs[i];
}

/* The place used longest ago: a free one, if there is one and may_be_free. */
static int oldest(const struct c2_hot *hot, bool may_be_free)
{
    int found = -1;

    for (int i = 0; i < PLACES; i++)
        if ((hot->used[i] || may_be_free) && (found < 0 || hot->used[i] < hot->used[found])) found = i;
    return found;
}

void c2_hot_put(struct c2_hot *hot, const struct c2_hot_key *key, struct c2_blob *blob)
{
    size_t n = blob->bytes.n;
    struct words words;

    if (n > hot->max_nbytes / 16) return;
    uint64_t hash = spell(key, &words);
    if (find(hot, hash, &words) >= 0) return;
    while (hot->stats.nbytes + n > hot->max_nbytes)
        drop(hot, oldest(hot, false));
    int i = oldest(hot, true);
    if (hot->used[i]) drop(hot, i);
    hot->hashes[i] = hash;
    hot->keys[i] = words;
    hot->blobs[i] = c2_blob_ref(blob);
    hot->used[i] = ++hot->now;
    hot->stats.n++;
    hot->stats.nbytes += n;
}

struct c2_hot_stats c2_hot_stats(const struct c2_hot *hot)
{
    return hot->stats;
}
