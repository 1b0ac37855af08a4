/* SPDX-License-Identifier: BSD-3-Clause */
/* Ranges of values, and colours of lesser terminals. */
#include "tui/colour.h"

#include <math.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void c2_tui_autoscale(struct c2_tui_look *look, const double *values, size_t n)
{
    double *sorted = malloc((n + 1) * sizeof(*sorted));
    size_t kept = 0;

    look->lo = 0;
    look->hi = 1;
    for (size_t i = 0; sorted && i < n; i++)
        if (isfinite(values[i]) && (look->scale != C2_SCALE_LOG || values[i] > 0)) sorted[kept++] = values[i];
    if (kept) {
        qsort(sorted, kept, sizeof(*sorted), compare);
        size_t cut = look->robust ? kept / 100 : 0;
        look->lo = sorted[cut];
        look->hi = sorted[kept - 1 - cut];
    }
    free(sorted);
}

static int distance(int32_t rgb, int r, int g, int b)
{
    int dr = (rgb >> 16) - r, dg = (rgb >> 8 & 255) - g, db = (rgb & 255) - b;
    return dr * dr + dg * dg + db * db;
}

/* The cube's levels are 0, 95, 135, 175, 215, 255. */
static int cube_step(int v)
{
    return v < 48 ? 0 : v < 115 ? 1 : (v - 35) / 40;
}

int c2_tui_xterm(int32_t rgb)
{
    static const int levels[] = {0, 95, 135, 175, 215, 255};
    int r = cube_step(rgb >> 16), g = cube_step(rgb >> 8 & 255), b = cube_step(rgb & 255);
    int mean = ((rgb >> 16) + (rgb >> 8 & 255) + (rgb & 255)) / 3;
    int grey = mean < 3 ? 0 : mean > 238 ? 23 : (mean - 3) / 10, level = 8 + 10 * grey;

    if (distance(rgb, level, level, level) < distance(rgb, levels[r], levels[g], levels[b]))
        return 232 + grey;
    return 16 + 36 * r + 6 * g + b;
}

char c2_tui_ramp(double place)
{
    static const char ramp[] = " .:-=+*#%@";
    int i = (int)(place * 10);

    return place < 0 ? '?' : ramp[i > 9 ? 9 : i];
}
