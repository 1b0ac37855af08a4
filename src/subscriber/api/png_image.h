/* SPDX-License-Identifier: BSD-3-Clause */
/* What an HDF5 image says of its own picture: its palette, its range, the order of its colours. */
#ifndef C2_SUBSCRIBER_API_PNG_IMAGE_H
#define C2_SUBSCRIBER_API_PNG_IMAGE_H

#include "meaning/image.h"
#include "picture/colormap.h"
#include "subscriber/answer/view.h"

struct c2_png_image {
    struct c2_image says;  /* but for the name of the palette */
    struct c2_ds *palette; /* a reference; NULL: the colours are those of map */
    struct c2_bound bound; /* what is needed of it */
    bool turned;           /* its last colour is the first */
    struct c2_colormap map;
};
/** Which colours a picture has, by `cmap`: a table; "palette", "-palette", that of the file; "": what the
 * file says, else viridis. Loop. @errors CAT2_EINVAL there is no such table or palette. */
bool c2_png_image_find(struct c2_ds *ds, struct c2_str cmap, struct c2_png_image *out,
                       struct cat2_error *err);
/** The palette becomes the table: of n colours the i-th value of n finds the i-th. Worker. */
bool c2_png_image_take(struct c2_png_image *image, const struct c2_reading *reading, struct cat2_error *err);

#endif
