/* SPDX-License-Identifier: BSD-3-Clause */
/* Values in memory as msgpack. */
#ifndef C2_HDF5_READ_ATTR_IMPL_H
#define C2_HDF5_READ_ATTR_IMPL_H

#include "hdf5/read/h5_impl.h"

struct c2_h5_packer {
    struct c2_h5 *h5; /* names what references lead to */
    struct c2_buf *out;
};
/** One value of a native type. */
bool c2_h5_pack(struct c2_h5_packer *p, hid_t type, const uint8_t *at, int depth, struct cat2_error *err);
/** Head of n items: tag16 is 0xdc (array), 0xde (map). */
bool c2_h5_pack_head(struct c2_h5_packer *p, uint8_t tag16, uint64_t n, struct cat2_error *err);
/** str when it is valid UTF-8 and meant to be text, else bin. */
bool c2_h5_pack_text(struct c2_h5_packer *p, struct c2_str s, bool text, struct cat2_error *err);

#endif
