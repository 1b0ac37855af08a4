/* SPDX-License-Identifier: BSD-3-Clause */
/* Which names are the object's own and which only point at another name. */
#ifndef C2_HDF5_LINKS_H
#define C2_HDF5_LINKS_H

#include "hdf5/h5.h"

/** Is the last link of a name (as of c2_h5_entry) a hard link? The root group's is. HDF5's thread. */
bool c2_h5_link_is_hard(struct c2_h5 *h5, const char *name);

#endif
