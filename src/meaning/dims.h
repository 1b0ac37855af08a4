/* SPDX-License-Identifier: BSD-3-Clause */
/* What the axes of an array are called: by dimension scales of HDF5 and netCDF-4, by xarray, by labels. */
#ifndef C2_MEANING_DIMS_H
#define C2_MEANING_DIMS_H

#include "base/limits.h"
#include "meaning/attrs.h"

struct c2_dims {
    struct c2_str name[C2_DIM_MAX];  /* borrowed from what was given; empty: it has none */
    struct c2_str scale[C2_DIM_MAX]; /* the path of its scale within the file; empty: none is told */
    int n;
    bool any;
};
/** Of an array of this name, "dir/name", and with these attributes. Attributes that do not fit count for
 * nothing. */
void c2_dims_of(struct c2_jval attrs, struct c2_str path, int ndim, struct c2_dims *out);

/** Is it a variable or dimension as netCDF-4 and HDF5's dimension scales have them? */
bool c2_is_scaled(struct c2_jval attrs);
/** A dimension without values of its own, which netCDF-4 keeps as an array all the same. */
bool c2_is_mere_dimension(struct c2_jval attrs);
/** An attribute that only says how dimensions are kept: other formats have their own ways for that. */
bool c2_is_bookkeeping(struct c2_jval attrs, struct c2_str name);

#endif
