/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the generations share. */
#ifndef C2_PUBLISHER_GENERATIONS_GENERATIONS_IMPL_H
#define C2_PUBLISHER_GENERATIONS_GENERATIONS_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/vec.h"
#include "publisher/generations/generations.h"

#define C2_GEN_TEXT  56   /* an etag or a validator of ours */
#define C2_PASTS_MAX 8    /* former generations of a path, whose etags are not given again */
#define C2_GONE_MAX  4096 /* datasets remembered after they went */

struct c2_gen_name {
    char etag[C2_GEN_TEXT], validator[C2_GEN_TEXT];
};
struct c2_gen_record {
    char *path;
    struct c2_gen_record *chain;         /* of its bucket */
    struct c2_gen_record *newer, *older; /* of those that are gone */
    struct c2_gen_record *next_dirty, *next_saving;
    struct c2_gen_name now, *pasts;
    int npasts;
    int64_t mtime_ms;
    struct c2_file_key key; /* of a file, "is_file" */
    struct c2_hash128 hash;
    uint8_t tries, growths;
    bool known, is_file, hashed, doubted, torn, gone, dirty, saving, urgent, waiting;
    bool doubted_since; /* its hashing began: the hash may be of before */
};
struct c2_gen_queue {
    C2_VEC(struct c2_gen_record *);
    size_t first;
};
struct c2_gens {
    atomic_int refs;
    pthread_mutex_t lock; /* guards all below; nothing is read or waited for under it */
    struct c2_gen_record **buckets;
    size_t nbuckets, n;
    struct c2_gen_record *dirty, *saving;         /* not in the state; in a transaction that is not over */
    struct c2_gen_record *gone_first, *gone_last; /* the first went first */
    size_t ngone;
    struct {
        C2_VEC(char *);
    } dropped;                     /* paths to be removed from the state */
    struct c2_gen_queue queues[2]; /* later, urgent */
};

struct c2_gen_record *c2_gens_find(struct c2_gens *gens, const char *path);
/** Found or made. NULL: out of memory. */
struct c2_gen_record *c2_gens_record(struct c2_gens *gens, const char *path);
void c2_gens_dirty(struct c2_gens *gens, struct c2_gen_record *rec);
void c2_gens_push(struct c2_gens *gens, struct c2_gen_record *rec, bool urgent);
void c2_gens_revive(struct c2_gens *gens, struct c2_gen_record *rec);

#endif
