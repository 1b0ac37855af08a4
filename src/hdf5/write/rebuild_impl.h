/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files that rebuild HDF5 objects share. */
#ifndef C2_HDF5_WRITE_REBUILD_IMPL_H
#define C2_HDF5_WRITE_REBUILD_IMPL_H

#include "blosc/codec.h"
#include "hdf5/common/describe_type.h"
#include "hdf5/common/description.h"
#include "hdf5/write/h5w_impl.h"
#include "hdf5/write/rebuild.h"

#define C2_H5W_VALUES_MAX ((size_t)256 << 20) /* bytes that the values of one object may take in memory */

/** The datatype of a description; named ones are the file's. @errors what is wrong with it. */
bool c2_rebuild_type(struct c2_h5w *w, const struct c2_mp_node *node, int depth, struct c2_hid *out,
                     struct cat2_error *err);
/** A dataspace; dims NULL allowed. @errors CAT2_EDATA. */
bool c2_rebuild_space(const struct c2_mp_node *node, struct c2_hid *out, struct cat2_error *err);
bool c2_rebuild_dims(const struct c2_mp_node *list, hsize_t *dims, int *ndim);
/** n zeroed items from what c2_describe_values() told; free with H5Dvlen_reclaim(), also after a failure. */
bool c2_rebuild_values(struct c2_h5w *w, hid_t type, const struct c2_mp_node *node, size_t n, uint8_t *out,
                       struct cat2_error *err);
/** References from a path, and a region of a dataset as text: "/image[0:2, 3:5]". "" is the null reference.
 */
bool c2_rebuild_reference(struct c2_h5w *w, struct c2_str path, uint8_t *out, struct cat2_error *err);
/** kind and numbers as c2_describe_values() tells a region. */
bool c2_rebuild_selection(struct c2_h5w *w, const char *path, struct c2_str kind,
                          const struct c2_mp_node *numbers, uint8_t *out, struct cat2_error *err);
bool c2_rebuild_region(struct c2_h5w *w, struct c2_str text, uint8_t *out, struct cat2_error *err);
/** Are items of this dtype, in `n` elements each, to the bit what the type holds? */
bool c2_rebuild_same_bytes(hid_t type, const struct c2_dtype *dtype);
/** @errors why items of an array cannot become those of the type. */
bool c2_rebuild_can(hid_t type, const struct c2_dtype *dtype, struct cat2_error *err);
/** n items as an array has them become items of a type; *out zeroed. */
bool c2_rebuild_items(struct c2_h5w *w, hid_t type, const struct c2_dtype *dtype, const uint8_t *from,
                      size_t n, uint8_t *out, struct cat2_error *err);
/** Does the type hold references? */
bool c2_rebuild_refers(hid_t type);
void c2_rebuild_lost(const struct c2_h5w_teller *teller, const char *fmt, ...) C2_PRINTF(2, 3);

#endif
