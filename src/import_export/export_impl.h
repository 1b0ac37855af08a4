/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the export share. */
#ifndef C2_IMPORT_EXPORT_EXPORT_IMPL_H
#define C2_IMPORT_EXPORT_EXPORT_IMPL_H

#include "blosc/frame.h"
#include "hdf5/write/rebuild.h"
#include "import_export/convert.h"
#include "import_export/crew.h"
#include "import_export/export_tree.h"

#define C2_FILL_NBYTES_MAX 256 /* of an item whose chunks may be left out: more than numbers have */

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
    C2_WAY_BOX,    /* items, for libhdf5 to put where they belong */
    C2_WAY_FILE    /* bytes of a plain file */
};
/* One dataset being exported. */
struct c2_export_dataset {
    struct c2_exporter *ex;
    const struct c2_export_item *item;
    enum c2_export_way way;
    struct c2_frame *frame;  /* NULL: a plain file */
    int fd;                  /* of a plain file, else -1 */
    int64_t nbytes;          /* of a plain file */
    struct c2_meta meta;     /* of the result */
    struct c2_h5w_like like; /* its description; without root: none */
    bool described;          /* it is made as planned: */
    struct c2_h5w_plan plan;
    enum c2_h5w_filters filters;
    struct c2_h5w_dataset *out;
    bool fill_free;                   /* nothing says which fill value it has */
    bool has_fill;                    /* chunks that are nothing but this are left out: */
    uint8_t fill[C2_FILL_NBYTES_MAX]; /* an item */
    bool broken;                      /* the result cannot be written: no use in going on */
};
void c2_export_dataset_fini(struct c2_export_dataset *ds);
C2_DEFINE_AUTO(c2_export_dataset);

/** Open the source and decide how the result looks. @errors why it cannot be carried. */
bool c2_export_dataset_open(struct c2_exporter *ex, const struct c2_export_item *item,
                            struct c2_export_dataset *out, struct cat2_error *err);
/** All chunks of a dataset whose ->out is there. */
bool c2_export_chunks(struct c2_export_dataset *ds, struct cat2_error *err);
/** An item for the fill value of a dataset that needs none: that of the first and the last chunk, if they are
 * special and not zeros. */
bool c2_export_choose_fill(struct c2_export_dataset *ds, uint8_t *fill, bool *chosen, struct cat2_error *err);
/** ds->fill, of ds->out. */
bool c2_export_read_fill(struct c2_export_dataset *ds, struct cat2_error *err);
/** Is a box of the dataset nothing but ds->fill, as far as special chunks tell? Any thread. */
bool c2_export_is_fill(struct c2_export_dataset *ds, const struct c2_bound *box, bool *is,
                       struct cat2_error *err);
/** Attributes of `frame` to the object `target`; those that cannot be carried are noted. */
bool c2_export_attributes(struct c2_exporter *ex, const struct c2_frame *frame,
                          const struct c2_export_item *item, const struct c2_h5w_like *like,
                          struct cat2_error *err);
/** *wait: they need objects that may not be there yet. */
bool c2_export_attributes_wait(const struct c2_frame *frame, const struct c2_h5w_like *like, bool *wait,
                               struct cat2_error *err);
/** The description of HDF5 that comes with a frame; one that is not understood is told and ignored. */
bool c2_export_like(struct c2_exporter *ex, const struct c2_export_item *item, const struct c2_frame *frame,
                    struct c2_h5w_like *out, struct cat2_error *err);
void c2_export_note(struct c2_exporter *ex, enum c2_note what, const char *path, const char *text);

/* For a c2_h5w_teller: what is not kept is told of an item. */
struct c2_export_telling {
    struct c2_exporter *ex;
    const struct c2_export_item *item;
};
struct c2_h5w_teller c2_export_teller(struct c2_export_telling *telling);

/** Make a dataset, and put what is in it; what has to wait for other objects is left. Datasets that cannot be
 * carried are noted. */
bool c2_export_one(struct c2_exporter *ex, struct c2_export_item *item, struct cat2_error *err);
/** What had to wait. */
bool c2_export_dataset_finish(struct c2_exporter *ex, struct c2_export_item *item, struct cat2_error *err);

/** A dataset of sequences; the second time what had to wait. */
bool c2_export_sequences(struct c2_exporter *ex, struct c2_export_item *item, const struct c2_h5w_like *like,
                         struct cat2_error *err);

/* Groups that have a file of attributes, by path. */
struct c2_export_group {
    struct c2_export_item *item;
    struct c2_h5w_like like; /* without root: nothing is described */
};
struct c2_export_groups {
    struct c2_export_group *list;
    size_t n;
};
void c2_export_groups_fini(struct c2_export_groups *groups);
C2_DEFINE_AUTO(c2_export_groups);
/** Groups whose names their directories do not tell get them. */
bool c2_export_groups_read(struct c2_exporter *ex, struct c2_export_tree *tree, struct c2_export_groups *out,
                           struct cat2_error *err);
/** The file, ex->file. */
bool c2_export_groups_create(struct c2_exporter *ex, const struct c2_export_groups *groups,
                             const char *filename, struct cat2_error *err);
/** All groups and their named datatypes; when all objects are there, attributes. */
bool c2_export_groups_make(struct c2_exporter *ex, struct c2_export_tree *tree,
                           const struct c2_export_groups *groups, struct cat2_error *err);
/** Further hard links, when all objects are there; the other links when all else is done: they may lead out
 * of the file. */
bool c2_export_groups_link(struct c2_exporter *ex, const struct c2_export_groups *groups, bool hard,
                           struct cat2_error *err);
/** The group of a path that has a file of attributes; or NULL. */
const struct c2_export_group *c2_export_group_find(const struct c2_export_groups *groups, const char *path);
bool c2_export_groups_finish(struct c2_exporter *ex, const struct c2_export_groups *groups,
                             struct cat2_error *err);

#endif
