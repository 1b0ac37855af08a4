/* SPDX-License-Identifier: BSD-3-Clause */
/* Planes as pixels. Any thread. */
#ifndef C2_REDUCE_PAINT_H
#define C2_REDUCE_PAINT_H

#include "picture/colormap.h"
#include "picture/png.h"
#include "reduce/plane.h"

/** The range of a plane's finite texels; for log the smallest positive one is the low end. 0, 1 when there
 * are none. */
void c2_paint_range(const struct c2_plane *plane, enum c2_scale scale, double *lo, double *hi);
/** Paint the texels of a plane of the picture's size; NaN is transparent. */
void c2_paint_plane(struct c2_picture *picture, const struct c2_plane *plane, const struct c2_scaler *scaler,
                    const struct c2_colormap *map);
/** Put the texels of a plane of u1, as they are, into one channel: 0 red ... 3 alpha. */
void c2_paint_channel(struct c2_picture *picture, const struct c2_plane *plane, int channel);

#endif
