/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files that describe HDF5 objects share. */
#ifndef C2_HDF5_READ_DESCRIBE_IMPL_H
#define C2_HDF5_READ_DESCRIBE_IMPL_H

#include "hdf5/common/describe_type.h"
#include "hdf5/read/describe.h"
#include "hdf5/read/h5_impl.h"

struct c2_describer {
    struct c2_h5 *h5;
    const struct c2_h5_describing *how;
    struct c2_mpw w;
    const char *within; /* whose parts are being told, for c2_describe_lost() */
};
/** Tell that something is not kept. */
void c2_describe_lost(struct c2_describer *d, const char *fmt, ...) C2_PRINTF(2, 3);
/** A datatype. @errors CAT2_EUNSUPPORTED. */
bool c2_describe_its_type(struct c2_describer *d, hid_t type, struct cat2_error *err);
/** n items in memory of a type as H5Aget_type() gives it. */
bool c2_describe_values(struct c2_describer *d, hid_t type, const uint8_t *at, size_t n,
                        struct cat2_error *err);
bool c2_describe_space(struct c2_describer *d, hid_t space, struct cat2_error *err);
/** All attributes of an object, as the value of a key "attributes"; appends nothing when there are none. *n
 * counts keys. */
bool c2_describe_attributes(struct c2_describer *d, hid_t object, bool in_order, size_t *n,
                            struct cat2_error *err);
bool c2_describe_links(struct c2_describer *d, hid_t group, bool in_order, size_t *n, struct cat2_error *err);

#endif
