/* SPDX-License-Identifier: BSD-3-Clause */
/* Which generation a file, or a dataset in it, is of; remembered in the publisher's state. What stat() says
 * of a file is its key. A key that is known is answered at once. Where it is another one and size and hash of
 * the last generation are known, the contents decide: until they were hashed, the answer is "undecided". All
 * else is a new generation. Any thread, unless said otherwise. */
#ifndef C2_PUBLISHER_GENERATIONS_GENERATIONS_H
#define C2_PUBLISHER_GENERATIONS_GENERATIONS_H

#include <sys/stat.h>

#include "base/hash.h"
#include "base/limits.h"
#include "publisher/generations/generation.h"
#include "state/state.h"

#define C2_HASHED_NBYTES_MAX ((int64_t)4 << 30) /* larger files are told apart by their keys alone */
#define C2_QUIET_MS          200 /* a file written more recently may be in the midst of a write */

struct c2_file_key {
    uint64_t dev, ino;
    int64_t size, mtime_ns, ctime_ns;
    uint64_t parts; /* of a sparse frame: a digest of the keys of its chunk files; else 0 */
};

void c2_file_key_of(const struct stat *st, struct c2_file_key *out);
bool c2_file_key_same(const struct c2_file_key *a, const struct c2_file_key *b);
/** Is the open file of this key? */
bool c2_file_key_is(int fd, const struct c2_file_key *key);
/** Was it changed last so long ago (C2_QUIET_MS) that no write is under way, and that a further one leaves
 * another time? */
bool c2_file_is_quiet(const struct c2_file_key *key);
/** The weaker half of it, true a clock tick after the last change: a further one leaves another time. */
bool c2_file_is_settled(int64_t ctime_ns);
/** For tests with a time of their own: how long after its last change a file is read. */
void c2_files_are_quiet_after(int64_t ms);

struct c2_gens;
struct c2_gens *c2_gens_new(void); /* NULL: out of memory */
struct c2_gens *c2_gens_ref(struct c2_gens *gens);
void c2_gens_unref(struct c2_gens *gens);

/** The generation of file `path`, whose key is this at present. out->undecided: its contents must be hashed
 * first; out is the last generation then. */
bool c2_gens_of_file(struct c2_gens *gens, const char *path, const struct c2_file_key *key,
                     struct c2_generation *out, struct cat2_error *err);
/** Name the generation of `path` that `validator` stands for; mtime and nbytes make its etag. */
bool c2_gens_of_part(struct c2_gens *gens, const char *path, const char *validator, int64_t mtime_ns,
                     int64_t nbytes, struct c2_generation *out, struct cat2_error *err);
/** Is a file of this key still of this generation, as far as is known? */
bool c2_gens_holds(struct c2_gens *gens, const char *path, const struct c2_file_key *key,
                   const char *validator);
/** The file was written, an event says: should its key not tell, its contents must. */
void c2_gens_doubt(struct c2_gens *gens, const char *path);
bool c2_gens_is_doubted(struct c2_gens *gens, const char *path);
/** The dataset is gone. What it was is remembered for a while: it may come back. */
void c2_gens_forget(struct c2_gens *gens, const char *path);

/* ---- hashing ---- */

/** Take the next file whose contents are to be hashed: urgent, to decide; or for later. Copied into path. */
bool c2_gens_next(struct c2_gens *gens, bool urgent, char path[C2_PATH_MAX + 1]);
/** Put it back: it is being written just now. After some times, false: c2_gens_torn(). */
bool c2_gens_again(struct c2_gens *gens, const char *path, bool urgent);
/** The contents of the file, while its key was this. */
void c2_gens_hashed(struct c2_gens *gens, const char *path, const struct c2_file_key *key,
                    const struct c2_hash128 *hash);
/** It changed while it was hashed, or is gone: the next key is a new generation. */
void c2_gens_torn(struct c2_gens *gens, const char *path);
size_t c2_gens_count_to_hash(struct c2_gens *gens, bool urgent);

/* ---- the state; loop thread ---- */

bool c2_gens_load(struct c2_gens *gens, struct c2_state *state, struct cat2_error *err);
/** Write at most `max` of the changed ones, as one transaction. *more: there are others. */
bool c2_gens_save(struct c2_gens *gens, struct c2_state *state, size_t max, bool *more,
                  struct cat2_error *err);

#endif
