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
    size_t n, cut;
    char text[]; /* n bytes, and NUL: the end of the line that says it, without the urlpath, which belongs at
                    cut; "" the line was not split */
};
/* A line is these one after the other. */
struct c2_line_parts {
    struct c2_str head;    /* up to the members that describe the dataset */
    struct c2_str before;  /* of those: up to the value of "urlpath", which differs from file to file */
    struct c2_str urlpath; /* as it is in the line, where that is the text itself; else p NULL */
    struct c2_str after;
};
/** false: it is not to be split. */
bool c2_described_split(struct c2_str line, struct c2_line_parts *out);
/** What the members of v say, which are those of text; or (n == 0) some of them. refs 1.
 *  @errors CAT2_ENOMEM; CAT2_EDATA what is wrong with the metadata. */
bool c2_described_read(struct c2_jval v, struct c2_str text, enum c2_kind kind, struct c2_described **out,
                       struct cat2_error *err);
/** What the end of a line says, but for its urlpath, which may be what others share. The reference is yours.
 * @errors as above; CAT2_EINVAL: it has other members, the line is not to be split. */
bool c2_described_get(struct c2_subscriber *sub, const struct c2_line_parts *parts, enum c2_kind kind,
                      struct c2_described **out, struct cat2_error *err);
void c2_described_unref(struct c2_described *described); /* NULL is fine */
C2_DEFINE_AUTO_PTR(c2_described, c2_described_unref);
/** Those that are kept to be shared are kept no more. */
void c2_described_forget(struct c2_subscriber *sub);
/** Is this one of the members that describe a dataset? */
bool c2_described_has(struct c2_str key);

#endif
