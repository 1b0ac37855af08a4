/* SPDX-License-Identifier: BSD-3-Clause */
/* Values in memory as msgpack. */
#ifndef C2_HDF5_READ_ATTR_IMPL_H
#define C2_HDF5_READ_ATTR_IMPL_H

#include "hdf5/read/h5_impl.h"
#include "wire/mp.h"

struct c2_h5_packer {
    struct c2_h5 *h5; /* names what references lead to */
    struct c2_mpw w;
};
/** One value of a native type; err is that of the writer. */
bool c2_h5_pack(struct c2_h5_packer *p, hid_t type, const uint8_t *at, int depth, struct cat2_error *err);

#endif
