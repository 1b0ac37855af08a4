/* SPDX-License-Identifier: BSD-3-Clause */
/* What a directory holds for an HDF5 file, and under which name each thing goes there. */
#ifndef C2_IMPORT_EXPORT_EXPORT_TREE_H
#define C2_IMPORT_EXPORT_EXPORT_TREE_H

#include "base/vec.h"
#include "import_export/convert.h"

enum c2_export_kind { C2_EXPORT_GROUP, C2_EXPORT_ATTRIBUTES, C2_EXPORT_FRAME, C2_EXPORT_FILE };
struct c2_export_item {
    enum c2_export_kind kind;
    bool sparse;                             /* FRAME: a directory */
    char *source;                            /* beneath the directory */
    char *target;                            /* beneath the file's root group; ATTRIBUTES: the group */
    struct c2_export_item *offsets, *values; /* GROUP: it is a dataset of sequences, those are its arrays */
    bool second; /* its fill value leads to another object: it is made when all others are */
    bool part;   /* FRAME: of such a dataset */
    bool told;   /* it was opened before, and what is wrong with its description told */
    bool made, attributes_wait, items_wait; /* of the export: what is to come when all objects are there */
};
struct c2_export_tree {
    C2_VEC(struct c2_export_item); /* groups before what they hold */
};
void c2_export_tree_fini(struct c2_export_tree *tree);
C2_DEFINE_AUTO(c2_export_tree);
/** Links are followed, but not back to a directory above. Notes and counts what is left out. */
bool c2_export_tree_read(int dirfd, const struct c2_convert_options *options,
                         struct c2_convert_counts *counts, struct c2_export_tree *out,
                         struct cat2_error *err);

#endif
