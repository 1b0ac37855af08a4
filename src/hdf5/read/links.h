/* SPDX-License-Identifier: BSD-3-Clause */
/* Which names are the object's own and which only point at another name. */
#ifndef C2_HDF5_READ_LINKS_H
#define C2_HDF5_READ_LINKS_H

#include "hdf5/read/h5.h"

/** Is the last link of a name (as of c2_h5_entry) a hard link? The root group's is. HDF5's thread. */
bool c2_h5_link_is_hard(struct c2_h5 *h5, const char *name);

enum c2_h5_link_kind {
    C2_H5_LINK_NONE, /* there is none of this name, or it cannot be looked up */
    C2_H5_LINK_HARD,
    C2_H5_LINK_SOFT,
    C2_H5_LINK_EXTERNAL,
    C2_H5_LINK_OTHER
};
/** What the last link of a name is; *id of a hard one: its object's, as of c2_h5_entry. HDF5's thread. */
enum c2_h5_link_kind c2_h5_link_kind(struct c2_h5 *h5, const char *name, uint64_t *id);

#endif
