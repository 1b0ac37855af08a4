/* SPDX-License-Identifier: BSD-3-Clause */
/* Datatypes as msgpack, and what else both readers and writers of HDF5 files ask of a datatype. HDF5's
 * thread. */
#ifndef C2_HDF5_COMMON_DESCRIBE_TYPE_H
#define C2_HDF5_COMMON_DESCRIBE_TYPE_H

#include "hdf5/common/hid.h"
#include "wire/mp.h"

struct c2_type_describing {
    struct c2_mpw *w;
    /* The name of a named datatype (by id, as c2_h5_entry has it); NULL: it has none. NULL: none has one. */
    const char *(*path)(void *ctx, uint64_t id);
    void *ctx;
};
/** @errors CAT2_EUNSUPPORTED. */
bool c2_describe_type(const struct c2_type_describing *d, hid_t type, int depth, struct cat2_error *err);

/* Types that have a short name. */
struct c2_short_type {
    const char *name;
    hid_t type; /* libhdf5's own, or -1: made by c2_short_types() */
};
/** The list, ended by a NULL name. The first call makes it. */
const struct c2_short_type *c2_short_types(void);
/** The enum that stands for bool. A new handle, as the next one. */
hid_t c2_h5_bool(void);
/** Text of variable length. */
hid_t c2_h5_text(H5T_cset_t cset);
/** Integers of 1, 2, 4 or 8 bytes: libhdf5's own handle. */
hid_t c2_h5_standard_int(size_t size, bool is_signed, bool big);
/** Are items of this type nothing but bytes: no pointers, no references? */
bool c2_h5_is_plain(hid_t type);

#endif
