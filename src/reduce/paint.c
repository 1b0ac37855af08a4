/* SPDX-License-Identifier: BSD-3-Clause */
/* Painting. */
#include "reduce/paint.h"

#include <math.h>
#include <string.h>

void c2_paint_range(const struct c2_plane *plane, enum c2_scale scale, double *lo, double *hi)
{
    double min = (double)INFINITY, max = -(double)INFINITY, positive = (double)INFINITY;

    for (int64_t i = 0; i < plane->sums.w * plane->sums.h; i++) {
        double v = c2_sums_value(&plane->sums, i);
        if (!isfinite(v)) continue;
        min = v < min ? v : min;
        max = v > max ? v : max;
        positive = v > 0 && v < positive ? v : positive;
    }
    if (scale == C2_SCALE_LOG && isfinite(positive)) min = fmax(min, positive);
    *lo = isfinite(min) ? min : 0;
    *hi = isfinite(max) ? max : 1;
}

void c2_paint_plane(struct c2_picture *picture, const struct c2_plane *plane, const struct c2_scaler *scaler,
                    const struct c2_colormap *map)
{
    for (int64_t i = 0; i < plane->sums.w * plane->sums.h; i++) {
        int index = c2_scaler_index(scaler, c2_sums_value(&plane->sums, i));
        if (index < 0) continue;
        memcpy(picture->rgba + 4 * i, map->rgb[index], 3);
        picture->rgba[4 * i + 3] = 255;
    }
}

void c2_paint_channel(struct c2_picture *picture, const struct c2_plane *plane, int channel)
{
    for (int64_t i = 0; i < plane->sums.w * plane->sums.h; i++)
        picture->rgba[4 * i + channel] = (uint8_t)lrint(c2_sums_value(&plane->sums, i));
}
