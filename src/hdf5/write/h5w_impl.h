/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the writer share. */
#ifndef C2_HDF5_WRITE_H5W_IMPL_H
#define C2_HDF5_WRITE_H5W_IMPL_H

#include "blosc/codec_names.h"
#include "hdf5/common/hid.h"
#include "hdf5/write/h5w.h"

struct c2_h5w {
    hid_t file;
    hid_t lcpl, acpl; /* names are UTF-8 */
    hid_t gcpl;       /* no times: the same arrays make the same file */
    char *filename;   /* NULL: in memory only */
    struct c2_buf user_block;
};

struct c2_h5w_attrs {
    struct c2_h5w *w;
    hid_t object;
    struct c2_buf names; /* of those that are JSON, each with its NUL */
    hsize_t nnames;
};

/** c2_h5w_create() with properties of the file's creation. */
bool c2_h5w_create_with(const char *filename, hid_t fcpl, struct c2_h5w **out, struct cat2_error *err);
/** Fail with the innermost message of libhdf5. */
bool c2_h5w_fail(struct cat2_error *err, const char *fmt, ...) C2_PRINTF(2, 3);
/** So that libhdf5 writes the name of filter 32026 beside its number. Chunks are never given to it. */
bool c2_h5w_name_filter(struct cat2_error *err);
/** "" is the root group. */
const char *c2_h5w_path(const char *path);
/** The file's type for a dtype: a new handle. @errors CAT2_EUNSUPPORTED. */
bool c2_h5w_type(const struct c2_dtype *dtype, struct c2_hid *out, struct cat2_error *err);

#endif
