/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes on their way into a trailer, and the header's late fields: shared by the writers of frames. */
#ifndef C2_BLOSC_FRAME_MAKE_H
#define C2_BLOSC_FRAME_MAKE_H

#include "base/vec.h"
#include "blosc/codec.h"
#include "blosc/frame.h"

/* A metalayer to be written; borrowed. */
struct c2_named {
    struct c2_str name;
    struct c2_bytes content;
};
/* Attributes, each compressed as its own chunk. Zero-initialise. */
struct c2_attribute {
    char name[32]; /* not terminated */
    size_t name_len;
    struct c2_buf chunk;
};
struct c2_attributes {
    C2_VEC(struct c2_attribute);
    size_t table; /* bytes their names and offsets take */
};
void c2_attributes_fini(struct c2_attributes *a);
C2_DEFINE_AUTO(c2_attributes);
/** Names longer than the format's 31 bytes are left out: no reader could open the frame. @errors CAT2_ELIMIT.
 */
bool c2_attributes_add(struct c2_attributes *a, struct c2_codec *codec, struct c2_str name,
                       struct c2_bytes msgpack, struct cat2_error *err);
bool c2_attributes_from_json(struct c2_attributes *a, struct c2_codec *codec, struct c2_str json,
                             struct cat2_error *err);
bool c2_attributes_trailer(const struct c2_attributes *a, struct c2_buf *out, struct cat2_error *err);
/** c2_frame_make_header() with one more metalayer; NULL: without. @errors CAT2_ELIMIT it does not fit. */
bool c2_frame_make_header_with(const struct c2_meta *meta, const struct c2_named *more, int64_t frame_len,
                               int64_t nbytes, int64_t cbytes, struct c2_buf *out, struct cat2_error *err);
void c2_frame_patch_header(uint8_t *header, int64_t frame_len, int64_t nbytes, int64_t cbytes);

#endif
