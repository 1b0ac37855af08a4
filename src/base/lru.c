/* SPDX-License-Identifier: BSD-3-Clause */
/* Places in a list by use, found through a table of chains, which grows so that a chain is about one place
 * long. */
#include "base/lru.h"
#include "base/hash.h"
#include "base/list.h"

#include <stdlib.h>

#define CHAINS_MIN 1024 /* a power of two */

struct place {
    struct place *chain; /* same hash */
    struct place *newer, *older;
    uint64_t hash;
    size_t nbytes, key_n;
    struct c2_blob *blob;
    char text[]; /* the key, and after it the tag with its NUL */
};
struct c2_lru {
    size_t max_nbytes, max_each, nbytes;
    size_t n, nchains;
    struct place **chains;
    struct place *newest, *oldest;
};

struct c2_lru *c2_lru_new(size_t max_nbytes, size_t max_each)
{
    struct c2_lru *lru = calloc(1, sizeof(*lru));
    struct place **chains = calloc(CHAINS_MIN, sizeof(struct place *));

    if (!lru || !chains) {
        free(lru);
        free(chains);
        return NULL;
    }
    *lru = (struct c2_lru){
        .max_nbytes = max_nbytes, .max_each = max_each, .nchains = CHAINS_MIN, .chains = chains};
    return lru;
}

static struct place **chain_of(const struct c2_lru *lru, uint64_t hash)
{
    return &lru->chains[hash & (lru->nchains - 1)];
}

static void link_chain(struct c2_lru *lru, struct place *p)
{
    struct place **at = chain_of(lru, p->hash);

    p->chain = *at;
    *at = p;
}

/* Twice as many chains. Without memory for them, they get longer. */
static void grow(struct c2_lru *lru)
{
    struct place **chains = calloc(2 * lru->nchains, sizeof(struct place *));

    if (!chains) return;
    free(lru->chains);
    lru->chains = chains;
    lru->nchains *= 2;
    for (struct place *p = lru->newest; p; p = p->older)
        link_chain(lru, p);
}

static void drop(struct c2_lru *lru, struct place *p)
{
    c2_chain_remove(*chain_of(lru, p->hash), p, chain);
    c2_queue_remove(lru->oldest, lru->newest, p, older, newer);
    lru->nbytes -= p->nbytes;
    lru->n--;
    c2_blob_unref(p->blob);
    free(p);
}

void c2_lru_free(struct c2_lru *lru)
{
    if (!lru) return;
    while (lru->oldest)
        drop(lru, lru->oldest);
    free(lru->chains);
    free(lru);
}

static struct place *find(const struct c2_lru *lru, uint64_t hash, struct c2_str key)
{
    struct place *p = *chain_of(lru, hash);

    while (p && (p->hash != hash || p->key_n != key.n || memcmp(p->text, key.p, key.n) != 0))
        p = p->chain;
    return p;
}

struct c2_blob *c2_lru_get(struct c2_lru *lru, struct c2_str key, const char **tag)
{
    struct place *p = find(lru, c2_hash64(key.p, key.n), key);

    if (!p) return NULL;
    c2_queue_remove(lru->oldest, lru->newest, p, older, newer);
    c2_queue_push(lru->oldest, lru->newest, p, older, newer);
    if (tag) *tag = p->text + p->key_n;
    return p->blob;
}

void c2_lru_put(struct c2_lru *lru, struct c2_str key, struct c2_blob *blob, const char *tag)
{
    uint64_t hash = c2_hash64(key.p, key.n);
    struct place *old = find(lru, hash, key), *p;
    size_t tag_n = tag ? strlen(tag) : 0, nbytes = blob->bytes.n + key.n + tag_n + sizeof(*p);

    if (old) drop(lru, old);
    if (nbytes > lru->max_each || nbytes > lru->max_nbytes) return;
    p = malloc(sizeof(*p) + key.n + tag_n + 1);
    if (!p) return;
    *p = (struct place){.hash = hash, .nbytes = nbytes, .key_n = key.n};
    if (key.n) memcpy(p->text, key.p, key.n);
    if (tag_n) memcpy(p->text + key.n, tag, tag_n);
    p->text[key.n + tag_n] = '\0';
    p->blob = c2_blob_ref(blob);
    while (lru->nbytes + nbytes > lru->max_nbytes)
        drop(lru, lru->oldest);
    if (++lru->n > lru->nchains) grow(lru);
    link_chain(lru, p);
    c2_queue_push(lru->oldest, lru->newest, p, older, newer);
    lru->nbytes += nbytes;
}

void c2_lru_shrink(struct c2_lru *lru, size_t nbytes)
{
    while (lru->nbytes > nbytes)
        drop(lru, lru->oldest);
}

size_t c2_lru_nbytes(const struct c2_lru *lru)
{
    return lru->nbytes;
}

bool c2_lru_oldest(const struct c2_lru *lru, struct c2_str *key)
{
    if (lru->oldest) *key = (struct c2_str){lru->oldest->text, lru->oldest->key_n};
    return lru->oldest;
}
