/* SPDX-License-Identifier: BSD-3-Clause */
/* The names in a group. HDF5's thread. */
#ifndef C2_HDF5_READ_GROUP_NAMES_H
#define C2_HDF5_READ_GROUP_NAMES_H

#include "base/vec.h"
#include "hdf5/read/h5_impl.h"

struct c2_h5_link {
    char *name;
    H5L_type_t type;
    uint64_t id; /* of a hard link: the object, as c2_h5_entry has it; else 0 */
};
struct c2_h5_links {
    C2_VEC(struct c2_h5_link);
};

/** Add the names of a group to out, C2_H5_LINKS_MAX at most: in the order of creation, or that of libhdf5's
 * index of names.
 *  @return false: these are not all. */
bool c2_h5_list_links(hid_t group, bool in_order, struct c2_h5_links *out);
void c2_h5_links_fini(struct c2_h5_links *links);
C2_DEFINE_AUTO(c2_h5_links);

#endif
