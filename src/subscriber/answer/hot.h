/* SPDX-License-Identifier: BSD-3-Clause */
/* The last small answers of fetch, whole: what many clients look at is made once. Bounded; keyed by the
 * dataset object, which is one generation, so an answer can be old but never wrong. Loop thread only. */
#ifndef C2_SUBSCRIBER_ANSWER_HOT_H
#define C2_SUBSCRIBER_ANSWER_HOT_H

#include "base/blob.h"
#include "ndim/slice.h"

/* What an answer depends on. */
struct c2_hot_key {
    uint64_t ds; /* serial number of the dataset object */
    int format;
    const struct c2_bound *bound; /* borrowed */
};
struct c2_hot;
/** @param max_nbytes  of all answers together; one may take a sixteenth. NULL: out of memory. */
struct c2_hot *c2_hot_new(size_t max_nbytes);
void c2_hot_free(struct c2_hot *hot); /* NULL is fine */
/** Borrowed until the next call; NULL when it is not there. */
struct c2_blob *c2_hot_get(struct c2_hot *hot, const struct c2_hot_key *key);
/** Remember; takes a reference of its own. What is too large is not remembered. */
void c2_hot_put(struct c2_hot *hot, const struct c2_hot_key *key, struct c2_blob *blob);

struct c2_hot_stats {
    uint64_t hits, misses;
    size_t n, nbytes;
};
struct c2_hot_stats c2_hot_stats(const struct c2_hot *hot);

#endif
