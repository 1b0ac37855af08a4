/* SPDX-License-Identifier: BSD-3-Clause */
/* From a value to a colour: range, scale, colour map; and to the nearest colour a lesser terminal has. */
#ifndef C2_TUI_COLOUR_H
#define C2_TUI_COLOUR_H

#include "base/check.h"

enum c2_tui_scale { C2_TUI_LINEAR, C2_TUI_LOG, C2_TUI_SYMLOG, C2_TUI_SQRT, C2_TUI_SCALES };

/* How values are painted. */
struct c2_tui_look {
    int map; /* below c2_tui_maps() */
    enum c2_tui_scale scale;
    bool robust;   /* range from the 1st to the 99th percentile, else from least to greatest */
    double lo, hi; /* the range; lo <= hi */
};

int c2_tui_maps(void);
const char *c2_tui_map_name(int map);
const char *c2_tui_scale_name(enum c2_tui_scale scale);
/** Set the range from n values, NaN and infinities left out; 0..1 when nothing is left. */
void c2_tui_autoscale(struct c2_tui_look *look, const double *values, size_t n);
/** Where a value lies in the range, 0..1; negative for NaN. */
double c2_tui_place(const struct c2_tui_look *look, double value);
/** 0xRRGGBB of a place 0..1. */
int32_t c2_tui_map_rgb(int map, double place);
/** The nearest of the 256 colours of xterm (6x6x6 cube and greys, 16..255). */
int c2_tui_xterm(int32_t rgb);
/** A character as dense as the place: " .:-=+*#%@". */
char c2_tui_ramp(double place);

#endif
