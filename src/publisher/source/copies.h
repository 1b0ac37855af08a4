/* SPDX-License-Identifier: BSD-3-Clause */
/* Compressed copies of plain files in STATEDIR/cache: made once a generation, opened as frames. Any thread;
 * calls block. */
#ifndef C2_PUBLISHER_SOURCE_COPIES_H
#define C2_PUBLISHER_SOURCE_COPIES_H

#include "publisher/generations/generations.h"
#include "publisher/source/copy_sums.h"

struct c2_copies {
    int dir;
    char *path; /* of it, whole */
};
bool c2_copies_open(const char *statedir, struct c2_copies *out, struct cat2_error *err);
void c2_copies_close(struct c2_copies *copies); /* of zeros with dir -1 too */
/** The copy of plain file `path`, when it was made of this generation, which is of so many bytes; and its
 * hashes, without which it is none. */
bool c2_copy_open(const struct c2_copies *copies, const char *path, const struct c2_generation *of,
                  int64_t size, struct c2_frame **out, struct c2_copy_sums **sums);
/** Make it from fd, which was of this key. @errors CAT2_ECHANGED; CAT2_ECANCELLED. */
bool c2_copy_make(const struct c2_copies *copies, const char *path, const struct c2_generation *of,
                  const struct c2_file_key *key, int fd, struct c2_codec *codec, atomic_bool *cancelled,
                  struct cat2_error *err);
void c2_copy_remove(const struct c2_copies *copies, const char *path);

#endif
