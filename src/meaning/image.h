/* SPDX-License-Identifier: BSD-3-Clause */
/* What the attributes of an HDF5 image say of its picture. */
#ifndef C2_MEANING_IMAGE_H
#define C2_MEANING_IMAGE_H

#include "wire/json.h"

struct c2_image {
    bool is;               /* it is one: CLASS="IMAGE" */
    bool bgr;              /* the first of its colours is blue */
    int colours_axis;      /* 0, 1 of three; -1: the last */
    bool inverted;         /* 0 is white */
    double lo, hi;         /* the range of its values; NaN: it is not told */
    struct c2_str palette; /* as c2_attr_path() takes it; empty: it has none. Lives as the attributes. */
};
/** Returns out->is. */
bool c2_image_of(struct c2_jval attrs, struct c2_image *out);

#endif
