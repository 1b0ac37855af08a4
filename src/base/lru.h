/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes remembered under a text, the least recently used forgotten first. Bounded in bytes. One thread. */
#ifndef C2_BASE_LRU_H
#define C2_BASE_LRU_H

#include "base/blob.h"

struct c2_lru;
/** NULL: out of memory. @param max_nbytes  of all keys, tags and blobs, and what keeping each takes; one blob
 * may take max_each. */
struct c2_lru *c2_lru_new(size_t max_nbytes, size_t max_each);
void c2_lru_free(struct c2_lru *lru); /* NULL is fine */
/** Borrowed until the next call; NULL when it is not there. *tag (may be NULL): what was put along with it.
 */
struct c2_blob *c2_lru_get(struct c2_lru *lru, struct c2_str key, const char **tag);
/** Remember, in place of what is there under this key; takes a reference of its own. tag: a short text that
 * belongs to it (headers), copied. What is too large is not remembered. */
void c2_lru_put(struct c2_lru *lru, struct c2_str key, struct c2_blob *blob, const char *tag);
/** Forget until no more than so many bytes are kept. */
void c2_lru_shrink(struct c2_lru *lru, size_t nbytes);
size_t c2_lru_nbytes(const struct c2_lru *lru);
/** The key of what would be forgotten first, borrowed until the next call. false: there is nothing. */
bool c2_lru_oldest(const struct c2_lru *lru, struct c2_str *key);

#endif
