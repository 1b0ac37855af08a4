/* SPDX-License-Identifier: BSD-3-Clause */
/* XXH3, by the library xxHash. */
#define XXH_STATIC_LINKING_ONLY /* the size of a state */
#include "base/hash.h"

#include <xxhash.h>

_Static_assert(sizeof(XXH3_state_t) == sizeof(struct c2_hasher), "a hasher has room for the library's state");

static XXH3_state_t *state_of(struct c2_hasher *hasher)
{
    return (XXH3_state_t *)(void *)hasher->state;
}

static const XXH3_state_t *const_state_of(const struct c2_hasher *hasher)
{
    return (const XXH3_state_t *)(const void *)hasher->state;
}

uint64_t c2_hash64(const void *p, size_t n)
{
    return XXH3_64bits(p, n);
}

uint64_t c2_hash64_seeded(const void *p, size_t n, uint64_t seed)
{
    return XXH3_64bits_withSeed(p, n, seed);
}

bool c2_hash_again(uint64_t hash, uint64_t *told)
{
    bool again = hash == *told;

    *told = hash;
    return again;
}

struct c2_hash128 c2_hash128_of(const void *p, size_t n)
{
    XXH128_hash_t hash = XXH3_128bits(p, n);

    return (struct c2_hash128){hash.low64, hash.high64};
}

void c2_hasher_begin(struct c2_hasher *hasher)
{
    XXH3_64bits_reset(state_of(hasher));
}

void c2_hasher_add(struct c2_hasher *hasher, const void *p, size_t n)
{
    if (n) XXH3_64bits_update(state_of(hasher), p, n);
}

uint64_t c2_hasher_end(const struct c2_hasher *hasher)
{
    return XXH3_64bits_digest(const_state_of(hasher));
}

void c2_hasher128_begin(struct c2_hasher *hasher)
{
    XXH3_128bits_reset(state_of(hasher));
}

void c2_hasher128_add(struct c2_hasher *hasher, const void *p, size_t n)
{
    if (n) XXH3_128bits_update(state_of(hasher), p, n);
}

struct c2_hash128 c2_hasher128_end(const struct c2_hasher *hasher)
{
    XXH128_hash_t hash = XXH3_128bits_digest(const_state_of(hasher));

    return (struct c2_hash128){hash.low64, hash.high64};
}
