/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes as arrays: which msgpack values are a number, text or a regular list of one kind, and those
 * values one after the other. */
#ifndef C2_WIRE_PACKED_H
#define C2_WIRE_PACKED_H

#include "base/buf.h"

#define C2_PACKED_DIM_MAX 32 /* HDF5's */

enum c2_packed_kind {
    C2_PACKED_NONE, /* lists without values */
    C2_PACKED_BOOL,
    C2_PACKED_INT,
    C2_PACKED_REAL,
    C2_PACKED_TEXT,
    C2_PACKED_BYTES,
    C2_PACKED_OTHER /* nil, maps, extensions, lists that are not regular or of several kinds */
};
struct c2_packed_shape {
    enum c2_packed_kind kind;
    int ndim; /* of nested lists; 0: a single value */
    int64_t dims[C2_PACKED_DIM_MAX];
    size_t nvalues;
    bool huge, negative; /* some integer is above INT64_MAX, below 0 */
    size_t width;        /* bytes of the longest */
    bool one_width, nul_at_end;
};
/** @errors CAT2_EDATA not msgpack. */
bool c2_packed_look(struct c2_bytes msgpack, struct c2_packed_shape *out, struct cat2_error *err);
/** Append the values: 8 bytes a number (1 a boolean), texts with their NULs, bytes padded to the width. */
bool c2_packed_values(struct c2_bytes msgpack, const struct c2_packed_shape *shape, struct c2_buf *out,
                      struct cat2_error *err);
/** Is it a map whose keys are texts? */
bool c2_packed_is_text_map(struct c2_bytes msgpack);
typedef bool c2_packed_pair(void *ctx, struct c2_str key, struct c2_bytes value, struct cat2_error *err);
/** fn gets each pair. @errors what fn returns. */
bool c2_packed_each(struct c2_bytes text_map, c2_packed_pair *fn, void *ctx, struct cat2_error *err);

#endif
