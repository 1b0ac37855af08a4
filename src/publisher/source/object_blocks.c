/* SPDX-License-Identifier: BSD-3-Clause */
/* Blocks of objects that were read, in sets of a few each: the block's number tells the set. */
#include "publisher/source/object_blocks.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define WAYS 8
#define SETS (C2_OBJECT_BLOCKS_MAX / WAYS)

struct block {
    struct c2_hash128 state; /* of the object, with its name */
    int64_t nblock;
    uint64_t used;
    uint8_t *bytes; /* NULL: free */
};
struct c2_object_blocks {
    pthread_mutex_t lock; /* guards the rest; nothing is read under it */
    uint64_t clock;
    struct block sets[SETS][WAYS];
};
bool c2_object_blocks_new(struct c2_object_blocks **out, struct cat2_error *err)
{
    struct c2_object_blocks *blocks = calloc(1, sizeof(*blocks));

    if (!blocks) return c2_fail_nomem(err, "blocks of objects");
    pthread_mutex_init(&blocks->lock, NULL);
    *out = blocks;
    return true;
}

void c2_object_blocks_free(struct c2_object_blocks *blocks)
{
    if (!blocks) return;
    for (size_t i = 0; i < (size_t)SETS * WAYS; i++)
        free(blocks->sets[i / WAYS][i % WAYS].bytes);
    pthread_mutex_destroy(&blocks->lock);
    free(blocks);
}

static struct block *set_of(struct c2_object_blocks *blocks, const struct c2_hash128 *state, int64_t nblock)
{
    return blocks->sets[c2_hash64_seeded(state, sizeof(*state), (uint64_t)nblock) % SETS];
}

/* Locked. NULL: it is not kept. */
static struct block *find_block(struct c2_object_blocks *blocks, const struct c2_hash128 *state,
                                int64_t nblock)
{
    struct block *set = set_of(blocks, state, nblock);

    for (size_t i = 0; i < WAYS; i++)
        if (set[i].bytes && set[i].nblock == nblock && memcmp(&set[i].state, state, sizeof(*state)) == 0) {
            set[i].used = ++blocks->clock;
            return &set[i];
        }
    return NULL;
}

void c2_object_blocks_keep(struct c2_object_blocks *blocks, const struct c2_hash128 *state, int64_t nblock,
                           const uint8_t *bytes, size_t n)
{
    struct block *set = set_of(blocks, state, nblock), *worst = &set[0];

    pthread_mutex_lock(&blocks->lock);
    for (size_t i = 1; i < WAYS; i++)
        if (set[i].used < worst->used) worst = &set[i];
    if (!find_block(blocks, state, nblock)) {
        if (!worst->bytes) worst->bytes = calloc(1, C2_OBJECT_BLOCK);
        if (worst->bytes) {
            memcpy(worst->bytes, bytes, n);
            worst->state = *state;
            worst->nblock = nblock;
            worst->used = ++blocks->clock;
        }
    }
    pthread_mutex_unlock(&blocks->lock);
}

bool c2_object_blocks_find(struct c2_object_blocks *blocks, const struct c2_hash128 *state, int64_t nblock,
                           uint8_t bytes[C2_OBJECT_BLOCK])
{
    pthread_mutex_lock(&blocks->lock);
    const struct block *block = find_block(blocks, state, nblock);
    if (block) memcpy(bytes, block->bytes, C2_OBJECT_BLOCK);
    pthread_mutex_unlock(&blocks->lock);
    return block;
}
