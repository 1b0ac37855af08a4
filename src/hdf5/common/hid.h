/* SPDX-License-Identifier: BSD-3-Clause */
/* Handles of libhdf5 that close themselves. */
#ifndef C2_HDF5_COMMON_HID_H
#define C2_HDF5_COMMON_HID_H

#include "base/check.h"
#include "hdf5/common/hdf5_api.h"

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

#endif
