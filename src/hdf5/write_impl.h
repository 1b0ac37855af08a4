/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the writer share. */
#ifndef C2_HDF5_WRITE_IMPL_H
#define C2_HDF5_WRITE_IMPL_H

#include "hdf5/hdf5_api.h"
#include "hdf5/write.h"

#define C2_H5W_FILTER 32026

/* Any handle of libhdf5; closed at the end of its scope. Initialise with {-1} or a call. */
struct c2_hid {
    hid_t id;
};
static inline void c2_hid_fini(struct c2_hid *h)
{
    if (h->id > 0) H5Idec_ref(h->id);
    h->id = -1;
}
C2_DEFINE_AUTO(c2_hid);
static inline hid_t c2_hid_steal(struct c2_hid *h)
{
    hid_t id = h->id;
    h->id = -1;
    return id;
}

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
/** The enum that stands for bool. */
hid_t c2_h5w_bool(void);

#endif
