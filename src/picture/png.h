/* SPDX-License-Identifier: BSD-3-Clause */
/* Pixels as PNG files, and planes as pixels. Any thread. */
#ifndef C2_VIEW_PICTURE_H
#define C2_VIEW_PICTURE_H

#include "picture/colormap.h"
#include "view/plane.h"

#define C2_PICTURE_SIDE_MAX 2048 /* pixels */

/* RGBA, 8 bits each, rows from the top; not premultiplied. */
struct c2_picture {
    int w, h;
    uint8_t *rgba;
};
/** @errors CAT2_ENOMEM. */
bool c2_picture_init(struct c2_picture *picture, int64_t w, int64_t h, struct cat2_error *err);
void c2_picture_fini(struct c2_picture *picture);
C2_DEFINE_AUTO(c2_picture);
/** Append as a PNG file. @errors CAT2_ENOMEM, what libpng says. */
bool c2_picture_png(const struct c2_picture *picture, struct c2_buf *out, struct cat2_error *err);

/** The range of a plane's finite texels; for log the smallest positive one is the low end. 0, 1 when there
 * are none. */
void c2_picture_range(const struct c2_plane *plane, enum c2_scale scale, double *lo, double *hi);
/** Paint the texels of a plane of the picture's size; NaN is transparent. */
void c2_picture_paint(struct c2_picture *picture, const struct c2_plane *plane,
                      const struct c2_scaler *scaler, const struct c2_colormap *map);
/** Put the texels of a plane of u1, as they are, into one channel: 0 red ... 3 alpha. */
void c2_picture_channel(struct c2_picture *picture, const struct c2_plane *plane, int channel);

#endif
