/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the import share. */
#ifndef C2_IMPORT_EXPORT_IMPORT_IMPL_H
#define C2_IMPORT_EXPORT_IMPORT_IMPL_H

#include "base/vec.h"
#include "blosc/frame.h"
#include "hdf5/read/describe.h"
#include "hdf5/read/h5.h"
#include "import_export/convert.h"
#include "import_export/crew.h"

/* An object of the file under one name. */
struct c2_import_item {
    enum c2_h5_kind kind;
    char *path, *name, *refusal; /* as of c2_h5_entry; refusal NULL without */
    uint64_t id;
    size_t at;  /* position in the walk */
    bool hard;  /* reached by hard links only */
    bool again; /* an earlier item is the same object */
    bool top;   /* what it lies in is imported */
};
struct c2_import_tree {
    C2_VEC(struct c2_import_item);
    struct c2_import_item **homes; /* those that are imported, by id */
    size_t nhomes;
};
void c2_import_tree_fini(struct c2_import_tree *tree);
C2_DEFINE_AUTO(c2_import_tree);
/** All names of the file, in the order of c2_h5_walk(). */
bool c2_import_tree_read(struct c2_h5 *h5, struct c2_import_tree *out, struct cat2_error *err);
/** The item under which an object is imported; NULL: it is not. */
const struct c2_import_item *c2_import_home(const struct c2_import_tree *tree, uint64_t id);

struct c2_importer {
    int dirfd; /* of the new directory; -1 in a dry run */
    const struct c2_convert_options *options;
    struct c2_convert_counts *counts;
    struct c2_h5 *h5;
    struct c2_h5_options reading;
    const struct c2_import_tree *tree;
    struct c2_crew *crew;
    struct c2_progress progress;
};

/** What of a dataset or group cannot be carried is noted, counted and left out; failures end the import. */
void c2_import_note(struct c2_importer *im, enum c2_note what, const char *path, const char *text);
bool c2_import_dataset(struct c2_importer *im, const struct c2_import_item *item, struct cat2_error *err);

/* Attributes on their way into a frame. */
struct c2_import_attr {
    char *name;
    struct c2_buf value; /* msgpack */
    bool was_json;
};
struct c2_import_attrs {
    C2_VEC(struct c2_import_attr);
    bool had_json;             /* CATERVA2_JSON listed some */
    struct c2_buf description; /* of the object; empty: nothing to tell */
};
void c2_import_attrs_fini(struct c2_import_attrs *attrs);
C2_DEFINE_AUTO(c2_import_attrs);
/** Those of an object that can be carried; texts that CATERVA2_JSON lists are values again, long names are in
 * CATERVA2_LONG. With them the description of the object.
 *  @param own_name  the object's, where its file's does not tell it; else NULL. */
bool c2_import_attrs_read(struct c2_importer *im, const struct c2_import_item *item, const char *own_name,
                          bool other_chunks, struct c2_import_attrs *out, struct cat2_error *err);
/** The description, before the first chunk. */
bool c2_import_describe(struct c2_importer *im, const struct c2_import_item *item,
                        const struct c2_import_attrs *attrs, struct c2_frame_writer *w,
                        struct cat2_error *err);
/** The last part of the name in HDF5, when the file's does not tell it; else NULL. */
const char *c2_import_own_name(const struct c2_import_item *item);
bool c2_import_attrs_write(struct c2_importer *im, const struct c2_import_item *item,
                           const struct c2_import_attrs *attrs, struct c2_frame_writer *w,
                           struct cat2_error *err);

#endif
