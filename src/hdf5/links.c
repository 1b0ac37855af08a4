/* SPDX-License-Identifier: BSD-3-Clause */
/* Links as such: what kind they are and what they name, before anything is opened through them. */
#include "hdf5/links.h"

#include "hdf5/h5_impl.h"

bool c2_h5_link_is_hard(struct c2_h5 *h5, const char *name)
{
    H5L_info_t info;

    if (strcmp(name, "/") == 0) return true;
    c2_h5_quiet();
    return H5Lget_info(h5->file, name, &info, H5P_DEFAULT) >= 0 && info.type == H5L_TYPE_HARD;
}
