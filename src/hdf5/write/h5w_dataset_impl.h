/* SPDX-License-Identifier: BSD-3-Clause */
/* A dataset being written. */
#ifndef C2_HDF5_WRITE_H5W_DATASET_IMPL_H
#define C2_HDF5_WRITE_H5W_DATASET_IMPL_H

#include "hdf5/write/h5w_impl.h"

struct c2_h5w_dataset {
    struct c2_h5w *w;
    hid_t id;
    const struct c2_meta *meta;
    struct c2_hid type;
    int ndim;                 /* of the dataspace: the array may have more axes, those of the type */
    struct c2_buf head, tail; /* around each chunk; both empty where items are put */
    int64_t chunk_nbytes;     /* decoded, with padding */
};
/** All but its type, which the caller makes; NULL: out of memory. */
struct c2_h5w_dataset *c2_h5w_dataset_alloc(struct c2_h5w *w, const struct c2_meta *meta, int ndim);
/** What is around each chunk, from ds->meta. */
bool c2_h5w_make_frame(struct c2_h5w_dataset *ds, struct cat2_error *err);
/** Filter 32026 with the numbers of meta. */
bool c2_h5w_set_filter(const struct c2_meta *meta, hid_t dcpl, struct cat2_error *err);

#endif
