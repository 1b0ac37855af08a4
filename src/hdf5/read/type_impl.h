/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files about datatypes share. */
#ifndef C2_HDF5_READ_TYPE_IMPL_H
#define C2_HDF5_READ_TYPE_IMPL_H

#include "hdf5/read/h5_impl.h"

#define C2_H5_CLASS_COMPLEX 11 /* H5T_COMPLEX of HDF5 2 */

/** Keep what a call of libhdf5 made. */
bool c2_h5_keep(hid_t made, hid_t *mem, struct cat2_error *err);
/** A type of one value: numbers, names of numbers, moments, bytes, fixed text. */
bool c2_h5_scalar(hid_t type, struct c2_dtype *out, hid_t *mem, struct cat2_error *err);
/** The smallest of NumPy's floats that holds all values of the file's. */
bool c2_h5_real(hid_t type, struct c2_dtype *out, hid_t *mem, struct cat2_error *err);
/** Dtype of texts when the widest of nitems in all takes so many bytes, so many characters. */
void c2_h5_text_dtype(struct c2_h5_part *part, hsize_t nitems, struct c2_dtype *out);

#endif
