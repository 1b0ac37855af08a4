/* SPDX-License-Identifier: BSD-3-Clause */
/* From an attribute as a frame has it to the bytes of a given HDF5 type. */
#ifndef C2_HDF5_COMMON_DERIVE_H
#define C2_HDF5_COMMON_DERIVE_H

#include "base/buf.h"
#include "hdf5/common/hdf5_api.h"

/** n values of a type from an attribute as the frame has it; out: zeroed, n items, strings of variable length
 * are malloc'd.
 *  @errors CAT2_EUNSUPPORTED it does not tell such values: nothing is malloc'd then. */
bool c2_h5_derive(struct c2_bytes msgpack, hid_t type, const hsize_t *dims, int ndim, size_t n, uint8_t *out,
                  struct cat2_error *err);

#endif
