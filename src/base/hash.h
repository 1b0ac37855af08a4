/* SPDX-License-Identifier: BSD-3-Clause */
/* The one hash of this program, XXH3: of 64 bits where it finds damage, of 128 where it stands for the
 * contents. It is no proof against who wants two texts to have one hash. Any thread. */
#ifndef C2_BASE_HASH_H
#define C2_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct c2_hash128 {
    uint64_t low, high;
};
uint64_t c2_hash64(const void *p, size_t n);
uint64_t c2_hash64_seeded(const void *p, size_t n, uint64_t seed);
/** Is it the hash that came before, *told? It is *told from now on; 0: none has come. For what is believed
 * when it comes twice. */
bool c2_hash_again(uint64_t hash, uint64_t *told);
struct c2_hash128 c2_hash128_of(const void *p, size_t n);

/* A hash of what comes in pieces: begin, add any number of times, end. Owns nothing. */
struct c2_hasher {
    _Alignas(64) unsigned char state[576];
};
void c2_hasher_begin(struct c2_hasher *hasher);
void c2_hasher_add(struct c2_hasher *hasher, const void *p, size_t n);
uint64_t c2_hasher_end(const struct c2_hasher *hasher);
/** The same of 128 bits; begun and fed by functions of their own. */
void c2_hasher128_begin(struct c2_hasher *hasher);
void c2_hasher128_add(struct c2_hasher *hasher, const void *p, size_t n);
struct c2_hash128 c2_hasher128_end(const struct c2_hasher *hasher);

#endif
