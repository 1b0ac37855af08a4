/* SPDX-License-Identifier: BSD-3-Clause */
/* From a value to a colour: range, scale, colour map; and to the nearest colour a lesser terminal has. */
#ifndef C2_TUI_COLOUR_H
#define C2_TUI_COLOUR_H

#include "picture/colormap.h"

/* How values are painted. */
struct c2_tui_look {
    int map; /* that c2_colormap_name() knows */
    enum c2_scale scale;
    bool robust;   /* range from the 1st to the 99th percentile, else from least to greatest */
    double lo, hi; /* the range; lo <= hi */
};

/** Set the range from n values, NaN and infinities left out; 0..1 when nothing is left. */
void c2_tui_autoscale(struct c2_tui_look *look, const double *values, size_t n);
/** The nearest of the 256 colours of xterm (6x6x6 cube and greys, 16..255). */
int c2_tui_xterm(int32_t rgb);
/** A character as dense as the place: " .:-=+*#%@". */
char c2_tui_ramp(double place);

#endif
