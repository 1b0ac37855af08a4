/* SPDX-License-Identifier: BSD-3-Clause */
/* What one state of a Blosc2 store (*.b2z) holds: a ZIP file of frames, as it is. Any thread. */
#ifndef C2_PUBLISHER_SOURCE_B2Z_STORE_H
#define C2_PUBLISHER_SOURCE_B2Z_STORE_H

#include "blosc/frame.h"
#include "publisher/source/zip.h"

struct c2_b2z_leaf {
    char *path;                       /* "group/name.b2nd", "group/name.b2frame" */
    const struct c2_zip_entry *entry; /* of its frame, or of the frame that has it among its items */
    int64_t off, n;                   /* there; n < 0: it is the frame itself */
    char *table; /* of a table, whose frame tells what it is: the paths of its arrays begin so; or NULL */
    bool inner;  /* one of those arrays: not listed */
};
struct c2_b2z { /* zeros are none */
    struct c2_zip zip;
    C2_VEC(struct c2_b2z_leaf); /* sorted by path */
};
/** @param name  of the file, for messages. @errors CAT2_EDATA, CAT2_ELIMIT. */
bool c2_b2z_read(const struct c2_zip_file *file, const char *name, struct c2_b2z *out,
                 struct cat2_error *err);
void c2_b2z_fini(struct c2_b2z *store);
C2_DEFINE_AUTO(c2_b2z);
/** NULL: there is none. */
const struct c2_b2z_leaf *c2_b2z_find(const struct c2_b2z *store, const char *path);
/** Its frame. */
bool c2_b2z_open(const struct c2_zip_file *file, const char *name, const struct c2_b2z_leaf *leaf,
                 struct c2_frame **out, struct cat2_error *err);
/** Attributes of a group ("" is the whole) or dataset as JSON, appended. @errors CAT2_ENOTFOUND. */
bool c2_b2z_attrs(const struct c2_zip_file *file, const char *name, const struct c2_b2z *store,
                  const char *path, struct c2_buf *out, struct cat2_error *err);

#endif
