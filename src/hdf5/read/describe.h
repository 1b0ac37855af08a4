/* SPDX-License-Identifier: BSD-3-Clause */
/* What an object of an HDF5 file is beyond what Blosc2 can hold, as one msgpack map: the metalayer "hdf5" of
 * its array. docs/storage.md has the table. The exact datatype, shapes it may grow to, fill value, layout and
 * filters of a dataset; links, named datatypes and the order of a group; the exact type of every attribute,
 * and its value where the attribute of the frame does not tell all of it. */
#ifndef C2_HDF5_READ_DESCRIBE_H
#define C2_HDF5_READ_DESCRIBE_H

#include "hdf5/common/description.h"
#include "hdf5/read/h5.h"

/* What has become of an attribute in the frame. */
enum c2_h5_carried {
    C2_H5_ABSENT,  /* it is not there */
    C2_H5_CARRIED, /* *msgpack is there */
    C2_H5_NOT_OURS /* it needs no description */
};
struct c2_h5_describing {
    /* Under which of its names an object (by id, as c2_h5_entry has it) is imported; NULL: it is not. */
    const char *(*path)(void *ctx, uint64_t id);
    enum c2_h5_carried (*carried)(void *ctx, const char *shown, struct c2_bytes *msgpack);
    /* Something is not kept. */
    void (*lost)(void *ctx, const char *what);
    void *ctx;
    const char *own_name; /* of the object, where the name of its file does not tell; NULL */
    bool other_chunks;    /* the chunk shape was chosen: the file's is not kept */
};
/** Append the description of a dataset or group; of a group without anything to tell nothing is appended.
 * The root group's has the user block, the bytes before HDF5's own, of up to C2_H5_USERBLOCK_MAX.
 * HDF5's thread.
 *  @errors CAT2_EUNSUPPORTED what it is that cannot be told; *out is as before then. */
bool c2_h5_describe(struct c2_h5 *h5, const char *name, const struct c2_h5_describing *how,
                    struct c2_buf *out, struct cat2_error *err);
#endif
