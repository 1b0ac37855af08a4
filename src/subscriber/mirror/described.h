/* SPDX-License-Identifier: BSD-3-Clause */
/* What a line of a list says of a dataset apart from its name and generation: metadata, and how it is stored.
 * Of the datasets of a large file most are described alike; they share it. Loop thread. */
#ifndef C2_SUBSCRIBER_MIRROR_DESCRIBED_H
#define C2_SUBSCRIBER_MIRROR_DESCRIBED_H

#include "subscriber/mirror/mirror.h"

struct c2_described { /* counted; immutable */
    int refs;
    enum c2_kind kind;
    bool schema; /* the attributes have the schema of a table */
    bool has_frame;
    struct c2_frame_layout layout; /* zeros unless has_frame */
    struct c2_meta meta;
    char *refusal; /* why data is not served though metadata is known, or NULL */
    size_t n;
    char text[]; /* n bytes, and NUL: the end of the line that says it; "" the line was not split */
};
/** Where the members of a line that describe the dataset begin: it can be made of the two parts. 0: it is not
 * to be split. */
size_t c2_described_at(struct c2_str line);
/** What the members of v say, which are those of text; or (n == 0) some of them. refs 1.
 *  @errors CAT2_ENOMEM; CAT2_EDATA what is wrong with the metadata. */
bool c2_described_read(struct c2_jval v, struct c2_str text, enum c2_kind kind, struct c2_described **out,
                       struct cat2_error *err);
/** What the end of a line says, from c2_described_at() on, which may be what others share. The reference is
 * yours. @errors as above; CAT2_EINVAL: it has other members, the line is not to be split. */
bool c2_described_get(struct c2_subscriber *sub, struct c2_str text, enum c2_kind kind,
                      struct c2_described **out, struct cat2_error *err);
void c2_described_unref(struct c2_described *described); /* NULL is fine */
C2_DEFINE_AUTO_PTR(c2_described, c2_described_unref);
/** Those that are kept to be shared are kept no more. */
void c2_described_forget(struct c2_subscriber *sub);
/** Is this one of the members that describe a dataset? */
bool c2_described_has(struct c2_str key);

#endif
