/* SPDX-License-Identifier: BSD-3-Clause */
/* Objects of an HDF5 file from their descriptions (hdf5/describe.h). Descriptions come with the arrays, from
 * anywhere: every part is checked before libhdf5 gets it; what is wrong is told and left to what the array
 * itself says.
 *
 * Objects first, then what leads to them: groups, named datatypes, datasets; then attributes and values with
 * references; links last. */
#ifndef C2_HDF5_WRITE_REBUILD_H
#define C2_HDF5_WRITE_REBUILD_H

#include "hdf5/write/h5w.h"
#include "wire/mp.h"

/* A description that was read. */
struct c2_h5w_like {
    struct c2_buf bytes; /* what the tree borrows from */
    struct c2_mp mp;
    const struct c2_mp_node *root; /* NULL: there is none */
    bool refers;                   /* something in it leads to another object */
};
void c2_h5w_like_fini(struct c2_h5w_like *like);
C2_DEFINE_AUTO(c2_h5w_like);
/** Parse a copy of the description. @errors CAT2_EDATA, CAT2_EUNSUPPORTED: of a later version. */
bool c2_h5w_like_parse(struct c2_bytes description, struct c2_h5w_like *out, struct cat2_error *err);
/** The description of an array that has none. */
bool c2_h5w_like_of(const struct c2_meta *meta, struct c2_h5w_like *out, struct cat2_error *err);
/** The object's own name, where the file's does not tell it: a part of a path; false: there is none. */
bool c2_h5w_like_name(const struct c2_h5w_like *like, struct c2_str *out);

/* Who hears what is not kept. */
struct c2_h5w_teller {
    void (*lost)(void *ctx, const char *what);
    void *ctx;
};

/** The file, its root group as described (NULL: as by default). */
bool c2_h5w_create_like(const char *filename, const struct c2_h5w_like *like,
                        const struct c2_h5w_teller *teller, struct c2_h5w **out, struct cat2_error *err);
bool c2_h5w_group_like(struct c2_h5w *w, const char *path, const struct c2_h5w_like *like,
                       struct cat2_error *err);
bool c2_h5w_is_there(struct c2_h5w *w, const char *path);
bool c2_h5w_is_group(struct c2_h5w *w, const char *path);
/** The named datatypes of a group, without their attributes; those. */
bool c2_h5w_types(struct c2_h5w *w, const char *path, const struct c2_h5w_like *like,
                  const struct c2_h5w_teller *teller, struct cat2_error *err);
bool c2_h5w_types_attributes(struct c2_h5w *w, const char *path, const struct c2_h5w_like *like,
                             const struct c2_h5w_teller *teller, struct cat2_error *err);
/** Further hard links; when all groups have theirs, the other links, and the order of all. */
bool c2_h5w_hard_links(struct c2_h5w *w, const char *path, const struct c2_h5w_like *like,
                       const struct c2_h5w_teller *teller, struct cat2_error *err);
bool c2_h5w_links(struct c2_h5w *w, const char *path, const struct c2_h5w_like *like,
                  const struct c2_h5w_teller *teller, struct cat2_error *err);

/* ---- attributes ---- */

/** Entry i of the description: its name in the frame. NULL: there are no more. */
const struct c2_mp_node *c2_h5w_like_attribute(const struct c2_h5w_like *like,
                                               const struct c2_mp_node *before, struct c2_str *shown);
/** @param msgpack  the frame's attribute; .p NULL: it has none, and one that it had once is gone. *made: it
 * was written. */
bool c2_h5w_attrs_like(struct c2_h5w_attrs *attrs, const struct c2_mp_node *entry, struct c2_bytes msgpack,
                       bool *made, struct cat2_error *err);
/** What imports without description have as text under the names of dimension scales; their references are
 * made again. *reserved: it is such a name, and is not to be written otherwise. */
bool c2_h5w_attrs_scale(struct c2_h5w_attrs *attrs, struct c2_str name, struct c2_bytes msgpack,
                        bool *reserved, struct cat2_error *err);
/** Is it described as references? Text in their place would mislead. */
bool c2_h5w_attribute_refers(const struct c2_mp_node *entry);
bool c2_h5w_is_scale_name(struct c2_str name);

/* ---- datasets ---- */

enum c2_h5w_filters {
    C2_H5W_DEFAULT,  /* chunked ones Blosc2, others as they were */
    C2_H5W_BLOSC2,   /* all that have chunks in Blosc2 */
    C2_H5W_ORIGINAL, /* the file's, where this library can write them */
    C2_H5W_GZIP,
    C2_H5W_NONE
};
struct c2_h5w_plan {
    bool boxes;       /* items are put box by box; else chunks, wrapped */
    bool later;       /* references among the items: to be put when all objects are there */
    bool fill_refers; /* its fill value leads to an object, which must be there first */
    int ndim;         /* axes of the dataspace; the array's further ones are the datatype's */
    bool chunked;
    int32_t chunks[C2_DIM_MAX]; /* of ndim axes */
    const uint8_t *fill;        /* an item for the fill value, where the description is silent; NULL: zeros */
};
/** How a dataset can be made from an array of meta. @errors why the description does not fit the array. */
bool c2_h5w_plan(struct c2_h5w *w, const struct c2_h5w_like *like, const struct c2_meta *meta,
                 enum c2_h5w_filters filters, bool own_chunks, struct c2_h5w_plan *out,
                 struct cat2_error *err);
/** meta->grid has the plan's chunks. The dataset as c2_h5w_dataset_new() gives it. */
bool c2_h5w_dataset_like(struct c2_h5w *w, const char *path, const struct c2_meta *meta,
                         const struct c2_h5w_like *like, const struct c2_h5w_plan *plan,
                         enum c2_h5w_filters filters, const struct c2_h5w_teller *teller,
                         struct c2_h5w_dataset **out, struct cat2_error *err);
/** One that was made before, to put its items. */
bool c2_h5w_dataset_again(struct c2_h5w *w, const char *path, const struct c2_meta *meta,
                          const struct c2_h5w_like *like, const struct c2_h5w_plan *plan,
                          struct c2_h5w_dataset **out, struct cat2_error *err);
/** A box of items as the array has them: C order, count along all axes of the array. */
bool c2_h5w_put_box(struct c2_h5w_dataset *ds, const int64_t *start, const int64_t *count,
                    const uint8_t *items, struct cat2_error *err);

/* ---- sequences of variable length: two arrays, where each begins and all their values ---- */

bool c2_h5w_like_is_sequence(const struct c2_h5w_like *like);
/** The described shape; *nitems is its product. */
bool c2_h5w_like_shape(const struct c2_h5w_like *like, int64_t *shape, int *ndim, int64_t *nitems);
/** Sequences first to first + n in C order; of more than one axis whole rows of the first.
 *  @param offsets  n + 1, little-endian, the first for values[0]; each is checked not to lie before the last.
 *  @param nvalues, dtype  of values. */
bool c2_h5w_put_sequences(struct c2_h5w_dataset *ds, int64_t first, int64_t n, const uint8_t *offsets,
                          int64_t nvalues, const struct c2_dtype *dtype, const uint8_t *values,
                          struct cat2_error *err);

#endif
