/* SPDX-License-Identifier: BSD-3-Clause */
/* The chunk files of a sparse frame, as stat() shows them: together with its index they are its generation.
 * Any thread. */
#ifndef C2_PUBLISHER_SOURCE_SPARSE_H
#define C2_PUBLISHER_SOURCE_SPARSE_H

#include "base/vec.h"
#include "publisher/generations/generations.h"

#define C2_SPARSE_INDEX "/chunks.b2frame"

struct c2_sparse_part {
    uint64_t number, digest;
};
struct c2_sparse_parts {           /* zeros are none */
    C2_VEC(struct c2_sparse_part); /* by number */
    int64_t ctime_ns;              /* the latest */
};
bool c2_sparse_is_chunk_name(struct c2_str name);
void c2_sparse_parts_fini(struct c2_sparse_parts *parts);
C2_DEFINE_AUTO(c2_sparse_parts);
/** The key of the frame at path beneath root, whose index st is of; what it is made of is added to parts. */
bool c2_sparse_key_at(int root, const char *path, const struct stat *st, struct c2_sparse_parts *parts,
                      struct c2_file_key *out, struct cat2_error *err);
/** Is the file of this number still what it was? */
bool c2_sparse_same(const struct c2_sparse_parts *parts, int dirfd, int64_t number);

#endif
