/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the reading library share. */
#ifndef C2_HDF5_READ_H5_IMPL_H
#define C2_HDF5_READ_H5_IMPL_H

#include "base/vec.h"
#include "blosc/frame.h"
#include "hdf5/common/description.h"
#include "hdf5/common/fail.h"
#include "hdf5/common/hdf5_api.h"
#include "hdf5/read/filter.h"
#include "hdf5/read/h5.h"

#define C2_H5_ENTRIES_MAX (1 << 20) /* names in a file: links may multiply them without end */
#define C2_H5_LINKS_MAX   (1 << 18) /* names in one group */
#define C2_H5_SCAN_MAX    (1 << 28) /* items of variable length in a dataset: all are looked at, in a minute */
#define C2_H5_ATTRS_MAX   8192      /* of one object, as frames */
#define C2_H5_LINEAR_MAX  4096 /* chunks of a dataset: libhdf5 finds the address of one by looking at all */

struct c2_h5 {
    hid_t file, lapl;
    struct c2_h5_beneath *beneath; /* opens all files */
    char *filename;
    unsigned long fileno;          /* of the file itself, among those that libhdf5 has open */
    int fd;                        /* libhdf5's own; -1: addresses are not places in the file */
    struct c2_h5_names *names;     /* NULL until a reference is named */
    struct c2_h5_decoded *decoded; /* the chunk that was decoded last for a box; or NULL */
};

/* A part of an item: what it is in memory, as libhdf5 reads it. */
enum c2_h5_part_kind {
    C2_H5_BYTES,     /* shown as they are */
    C2_H5_TEXT,      /* of variable length */
    C2_H5_REFERENCE, /* shown as text */
    C2_H5_STRUCT     /* parts[i] is fields[i] of the dtype */
};
struct c2_h5_part {
    enum c2_h5_part_kind kind;
    size_t from;         /* where it begins in the part around it */
    size_t size, n;      /* bytes of one; how many (sub-array) */
    hid_t type;          /* TEXT, REFERENCE: its type in memory */
    bool utf8;           /* TEXT, REFERENCE: every one that was seen */
    size_t bytes, chars; /* and the widest of them */
    int nparts;
    struct c2_h5_part *parts;
};
/* How items of a file are shown in memory. */
struct c2_h5_type {
    struct c2_dtype dtype; /* complete after c2_h5_type_lay_out() */
    hid_t mem, array;      /* one item in memory, without the extra axes and with them */
    bool direct;           /* the file's bytes are the item's */
    bool variable;         /* mem holds pointers: see part */
    struct c2_h5_part part;
    int ndim; /* of an array type: extra axes behind the dataset's */
    int64_t dims[C2_H5_DIM_MAX];
    struct {
        C2_VEC(struct c2_h5_left_out);
    } left;
};

struct c2_h5_dataset {
    struct c2_h5 *h5;
    hid_t id;
    hid_t mem; /* one item of the file's dataspace in memory: the array type, where there is one */
    struct c2_h5_sequence *sequence; /* the dataset is an array of sequences of variable length; or NULL */
    struct c2_h5_type type;
    struct c2_meta meta;
    struct c2_h5_facts facts;
    bool foreign; /* in another file, which an external link leads to */
    struct {
        C2_VEC(hid_t);
    } sources; /* files of a virtual dataset that are being written: kept open, as such */
    struct c2_h5_raw_files *raw_files; /* where the data lies in files of its own; or NULL */
    int ndim;                          /* of the file's dataspace; of an array of sequences 1 */
    bool scalar;
    hsize_t chunk[C2_H5_DIM_MAX]; /* the file's, when chunked */
    struct c2_h5_filter filters[C2_H5_FILTERS_MAX];
    uint32_t missing;          /* bit i: filter i is known neither here nor to libhdf5 */
    bool own_pipeline;         /* all filters are decoded here, but for missing ones */
    bool bare_edges;           /* partial chunks have no filters applied */
    struct c2_grid chunk_grid; /* one chunk seen as an array */
    uint8_t *fill;             /* an item of the fill value; NULL: zeros */
    struct c2_buf head;        /* of the first frame, when chunks pass through */
    struct c2_codec *codec;    /* of boxes; NULL until one was read */
};

void c2_h5_names_free(struct c2_h5_names *names);
/** The path of an object, found with one look through the file; NULL: no name leads there, or it is of
 * another file. Lives as long as h5. */
const char *c2_h5_name_of(struct c2_h5 *h5, hid_t object);
/** As H5Rget_name(), but n references cost n steps: 0 when it leads nowhere. */
ssize_t c2_h5_reference_name(struct c2_h5 *h5, H5R_type_t kind, const void *ref, char *name, size_t size);

void c2_h5_type_fini(struct c2_h5_type *type);
C2_DEFINE_AUTO(c2_h5_type);
/** attribute: sequences of variable length stay in mem; the dtype is of no use then.
 *  @errors CAT2_EUNSUPPORTED what it is that cannot be carried. */
bool c2_h5_type_of(hid_t file_type, bool attribute, struct c2_h5_type *out, struct cat2_error *err);
/** Complete the dtype of nitems items, after measuring. */
bool c2_h5_type_lay_out(struct c2_h5_type *type, hsize_t nitems, struct cat2_error *err);

/* ---- shown.c ---- */

/** Items [first, last) of a dataset in C order and ds->mem, some at a time; fn adds to *heap the bytes that
 * hang on them. */
typedef bool c2_h5_scan_fn(void *ctx, const uint8_t *items, size_t n, size_t *heap, struct cat2_error *err);
bool c2_h5_scan(struct c2_h5_dataset *ds, int64_t first, int64_t last, size_t item, c2_h5_scan_fn *fn,
                void *ctx, struct cat2_error *err);
/** Note the widest texts of a dataset; of n items in memory. */
bool c2_h5_measure(struct c2_h5_dataset *ds, struct cat2_error *err);
bool c2_h5_measure_part(struct c2_h5 *h5, struct c2_h5_part *part, const uint8_t *items, size_t n,
                        size_t *heap, struct cat2_error *err);
/** n items in memory, as they are shown; a box of n items of the dataset. */
bool c2_h5_show_part(struct c2_h5 *h5, const struct c2_h5_part *part, const struct c2_dtype *dtype,
                     const uint8_t *items, size_t n, uint8_t *out, struct cat2_error *err);
bool c2_h5_shown_read(struct c2_h5_dataset *ds, hid_t mem_space, hid_t file_space, uint8_t *out, size_t n,
                      struct cat2_error *err);

/* ---- refer.c ---- */

bool c2_h5_reference_known(hid_t type);
/** Append what a reference leads to; nothing when it leads nowhere. */
bool c2_h5_reference_text(struct c2_h5 *h5, hid_t type, const uint8_t *at, struct c2_buf *out,
                          struct cat2_error *err);

/* ---- sequence.c ---- */

#define C2_H5_OFFSETS "offsets"
#define C2_H5_VALUES  "values"
enum c2_h5_seq_array { C2_H5_SEQ_NONE, C2_H5_SEQ_OFFSETS, C2_H5_SEQ_VALUES };
/** Is it a dataset of sequences of variable length? */
bool c2_h5_is_sequence(hid_t object);
/** The object of a name; of the name of an array of sequences their dataset. -1 with libhdf5's reason. */
hid_t c2_h5_object_open(struct c2_h5 *h5, const char *name, enum c2_h5_seq_array *which);
/** Type, and where each sequence begins: all are looked at. */
bool c2_h5_sequence_open(struct c2_h5_dataset *ds, enum c2_h5_seq_array which, struct cat2_error *err);
int64_t c2_h5_sequence_length(const struct c2_h5_dataset *ds); /* of the array of sequences */
bool c2_h5_sequence_read(struct c2_h5_dataset *ds, int64_t start, int64_t n, uint8_t *out,
                         struct cat2_error *err);
void c2_h5_sequence_free(struct c2_h5_sequence *sequence);

/** As c2_h5_attrs_json(), and the members of the type that are left out. */
bool c2_h5_attrs_json_of(struct c2_h5 *h5, const char *name, const struct c2_h5_left_out *members,
                         size_t nmembers, struct c2_buf *out, struct cat2_error *err);
/** A name of HDF5 in UTF-8: bytes that are not have the form %XX. */
bool c2_h5_show_name(const char *name, struct c2_buf *out, struct cat2_error *err);

/** Is every source of a virtual dataset (and theirs) absent, or readable beneath the directory? Absent ones
 * are the fill value. @errors CAT2_EUNSUPPORTED, CAT2_EDATA which one is not, and why. */
bool c2_h5_check_virtual(struct c2_h5_dataset *ds, hid_t plist, struct cat2_error *err);
/** Raw data in other files (H5Pset_external): found, then read as a box, into the origin of mem_dims. */
bool c2_h5_raw_files_find(struct c2_h5_dataset *ds, hid_t plist, struct cat2_error *err);
bool c2_h5_raw_files_box(struct c2_h5_dataset *ds, const hsize_t *start, const hsize_t *count,
                         const hsize_t *mem_dims, uint8_t *out, struct cat2_error *err);
void c2_h5_raw_files_free(struct c2_h5_raw_files *files);

/** Is this an object of another file? Its number, equal under all its names and in no other file's. */
bool c2_h5_is_foreign(struct c2_h5 *h5, const H5O_info_t *info);
uint64_t c2_h5_object_id(struct c2_h5 *h5, hid_t object, const H5O_info_t *info);
/** After a link could not be opened: why. */
void c2_h5_why_not_followed(struct c2_h5 *h5, hid_t group, const char *name, H5L_type_t type, char *out,
                            size_t size);

/** Geometry of the chunks: after type, facts and filters are known. */
bool c2_h5_geometry(struct c2_h5_dataset *ds, const struct c2_h5_options *options, const int64_t *shape,
                    int ndim, struct cat2_error *err);
/** Where chunk nchunk starts, in the file's dataspace. */
void c2_h5_chunk_offset(const struct c2_h5_dataset *ds, int64_t nchunk, hsize_t *offset);
/** Bytes of an item of the dataspace, array and all; of a decoded chunk of the file. */
size_t c2_h5_item_nbytes(const struct c2_h5_dataset *ds);
size_t c2_h5_chunk_nbytes(const struct c2_h5_dataset *ds);
/** The n bytes of the chunk at offset, as c2_h5_stored_size() told. @errors CAT2_EDATA there are not so many.
 */
bool c2_h5_read_stored(struct c2_h5_dataset *ds, const hsize_t *offset, hsize_t n, struct c2_buf *bytes,
                       uint32_t *mask, struct cat2_error *err);
/** The file's chunk at offset, as stored. */
bool c2_h5_fetch_stored(struct c2_h5_dataset *ds, const hsize_t *offset, struct c2_h5_raw *raw,
                        struct cat2_error *err);
/** Can boxes be read without libhdf5's filters? Then do so, into the origin of memory of mem_dims. */
bool c2_h5_can_box(const struct c2_h5_dataset *ds);
bool c2_h5_box(struct c2_h5_dataset *ds, const hsize_t *start, const hsize_t *count, const hsize_t *mem_dims,
               uint8_t *out, struct cat2_error *err);
/** Forget the chunk that was decoded last, if it is of this dataset; ds NULL: of whichever. */
void c2_h5_decoded_forget(struct c2_h5 *h5, const struct c2_h5_dataset *ds);
/** Bytes of a stored chunk, 0: not in the file. */
bool c2_h5_stored_size(struct c2_h5_dataset *ds, const hsize_t *offset, hsize_t *n, struct cat2_error *err);

/** Undo the filters of a stored chunk: C order into raw->items. */
bool c2_h5_unfilter(const struct c2_h5_dataset *ds, struct c2_codec *codec, struct c2_h5_raw *raw,
                    struct cat2_error *err);
/** @errors CAT2_EUNSUPPORTED always: the filter is not here. */
bool c2_h5_filter_missing(const struct c2_h5_filter *filter, struct cat2_error *err);
uint32_t c2_h5_fletcher32(struct c2_bytes in);

#endif
