/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the export share. */
#ifndef C2_IMPORT_EXPORT_EXPORT_IMPL_H
#define C2_IMPORT_EXPORT_EXPORT_IMPL_H

#include "data/frame.h"
#include "hdf5/write.h"
#include "import_export/convert.h"
#include "import_export/crew.h"
#include "import_export/export_tree.h"

struct c2_exporter {
    int rootfd;
    const struct c2_convert_options *options;
    struct c2_convert_counts *counts;
    struct c2_h5w *file;
    struct c2_crew *crew;
    struct c2_progress progress;
};

/* What becomes of the chunks of a dataset. */
enum c2_export_way {
    C2_WAY_COPY,
    C2_WAY_ENCODE, /* the same chunks, compressed again */
    C2_WAY_CUT,    /* other chunks */
    C2_WAY_FILE    /* bytes of a plain file */
};
/* One dataset being exported. */
struct c2_export_dataset {
    struct c2_exporter *ex;
    const struct c2_export_item *item;
    enum c2_export_way way;
    struct c2_frame *frame; /* NULL: a plain file */
    int fd;                 /* of a plain file, else -1 */
    int64_t nbytes;         /* of a plain file */
    struct c2_meta meta;    /* of the result */
    struct c2_h5w_dataset *out;
    bool broken; /* the result cannot be written: no use in going on */
};
void c2_export_dataset_fini(struct c2_export_dataset *ds);
C2_DEFINE_AUTO(c2_export_dataset);

/** Open the source and decide how the result looks. @errors why it cannot be carried. */
bool c2_export_dataset_open(struct c2_exporter *ex, const struct c2_export_item *item,
                            struct c2_export_dataset *out, struct cat2_error *err);
/** All chunks of a dataset whose ->out is there. */
bool c2_export_chunks(struct c2_export_dataset *ds, struct cat2_error *err);
/** Attributes of `frame` to the object `target`; those that cannot be carried are noted. */
bool c2_export_attributes(struct c2_exporter *ex, const struct c2_frame *frame,
                          const struct c2_export_item *item, struct cat2_error *err);

#endif
