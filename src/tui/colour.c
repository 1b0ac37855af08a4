/* SPDX-License-Identifier: BSD-3-Clause */
/* Colour maps as nine anchors each, interpolated; ranges and scales. */
#include "tui/colour.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ANCHORS 9

static const struct {
    const char *name;
    int32_t rgb[ANCHORS];
} maps[] = {
    {"viridis", {0x440154, 0x472d7b, 0x3b528b, 0x2c728e, 0x21918c, 0x28ae80, 0x5ec962, 0xaddc30, 0xfde725}},
    {"magma", {0x000004, 0x1d1147, 0x51127c, 0x832681, 0xb73779, 0xe75263, 0xfc8961, 0xfec488, 0xfcfdbf}},
    {"inferno", {0x000004, 0x210c4a, 0x57106e, 0x8a226a, 0xbc3754, 0xe45a31, 0xf98e09, 0xf9cb35, 0xfcffa4}},
    {"cividis", {0x00224e, 0x213b6e, 0x4c556c, 0x6c6e72, 0x7d7c78, 0x949077, 0xbcaf6f, 0xddc95f, 0xfee838}},
    {"grey", {0x000000, 0x202020, 0x404040, 0x606060, 0x808080, 0x9f9f9f, 0xbfbfbf, 0xdfdfdf, 0xffffff}},
    {"RdBu", {0x053061, 0x2f79b5, 0x75b2d4, 0xc0dceb, 0xf7f7f7, 0xfacab1, 0xe48066, 0xbb2a33, 0x67001f}},
};

int c2_tui_maps(void)
{
    return (int)C2_ARRAY_LEN(maps);
}
const char *c2_tui_map_name(int map)
{
    return maps[map].name;
}
const char *c2_tui_scale_name(enum c2_tui_scale scale)
{
    static const char *const names[] = {"linear", "log", "symlog", "sqrt"};
    return names[scale];
}

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
        if (isfinite(values[i]) && (look->scale != C2_TUI_LOG || values[i] > 0)) sorted[kept++] = values[i];
    if (kept) {
        qsort(sorted, kept, sizeof(*sorted), compare);
        size_t cut = look->robust ? kept / 100 : 0;
        look->lo = sorted[cut];
        look->hi = sorted[kept - 1 - cut];
    }
    free(sorted);
}

static double scaled(enum c2_tui_scale scale, double v)
{
    switch (scale) {
    case C2_TUI_LOG:
        return v > 0 ? log10(v) : -INFINITY;
    case C2_TUI_SYMLOG:
        return copysign(log1p(fabs(v)), v);
    case C2_TUI_SQRT:
        return copysign(sqrt(fabs(v)), v);
    default:
        return v;
    }
}

double c2_tui_place(const struct c2_tui_look *look, double value)
{
    if (isnan(value)) return -1;
    double lo = scaled(look->scale, look->lo), hi = scaled(look->scale, look->hi);
    double at = scaled(look->scale, value);
    if (at <= lo) return at < lo || hi > lo ? 0 : 0.5; /* a constant is painted in the middle */
    if (at >= hi) return 1;
    double place = (at / 2 - lo / 2) / (hi / 2 - lo / 2); /* halves: hi - lo may pass the largest double */
    return isnan(place) ? 0.5 : fmin(fmax(place, 0), 1);
}

int32_t c2_tui_map_rgb(int map, double place)
{
    double at = fmin(fmax(place, 0), 1) * (ANCHORS - 1);
    int i = at >= ANCHORS - 1 ? ANCHORS - 2 : (int)at;
    int32_t a = maps[map].rgb[i], b = maps[map].rgb[i + 1], rgb = 0;

    for (int shift = 16; shift >= 0; shift -= 8) {
        double from = a >> shift & 255, to = b >> shift & 255;
        rgb |= (int32_t)lround(from + (to - from) * (at - i)) << shift;
    }
    return rgb;
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
