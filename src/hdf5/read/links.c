/* SPDX-License-Identifier: BSD-3-Clause */
/* Links as such: what kind they are and what they name, before anything is opened through them. */
#include "hdf5/read/links.h"

#include "hdf5/read/h5_impl.h"

bool c2_h5_link_is_hard(struct c2_h5 *h5, const char *name)
{
    H5L_info_t info;

    if (strcmp(name, "/") == 0) return true;
    c2_h5_quiet();
    if (H5Lget_info(h5->file, name, &info, H5P_DEFAULT) >= 0) return info.type == H5L_TYPE_HARD;
    enum c2_h5_seq_array which;
    hid_t id = c2_h5_object_open(h5, name, &which);
    if (id >= 0) H5Oclose(id);
    H5Eclear2(H5E_DEFAULT);
    return id >= 0 && which != C2_H5_SEQ_NONE; /* as hard as the link to its dataset */
}

enum c2_h5_link_kind c2_h5_link_kind(struct c2_h5 *h5, const char *name, uint64_t *id)
{
    H5L_info_t info;

    *id = 0;
    c2_h5_quiet();
    if (H5Lget_info(h5->file, name, &info, H5P_DEFAULT) < 0) {
        H5Eclear2(H5E_DEFAULT);
        return C2_H5_LINK_NONE;
    }
    if (info.type == H5L_TYPE_HARD) {
        *id = (uint64_t)info.u.address + 1;
        return C2_H5_LINK_HARD;
    }
    return info.type == H5L_TYPE_SOFT       ? C2_H5_LINK_SOFT
           : info.type == H5L_TYPE_EXTERNAL ? C2_H5_LINK_EXTERNAL
                                            : C2_H5_LINK_OTHER;
}
