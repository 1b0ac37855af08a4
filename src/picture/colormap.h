/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers to colours: scales, ranges and tables. The web client does the same with the same tables
 * (web/colour.js): a picture of the server is what the page shows. */
#ifndef C2_VIEW_COLORMAP_H
#define C2_VIEW_COLORMAP_H

#include "base/buf.h"

/* 256 colours, low to high. */
struct c2_colormap {
    uint8_t rgb[256][3];
};
/** A table by name; "-" before it turns it round, "" is viridis. @errors CAT2_EINVAL. */
bool c2_colormap_of(struct c2_str name, struct c2_colormap *out, struct cat2_error *err);
/** {"viridis":"440154...", ...}: 1536 hexadecimal digits each. */
bool c2_colormaps_json(struct c2_buf *out, struct cat2_error *err);

enum c2_scale { C2_SCALE_LINEAR, C2_SCALE_LOG, C2_SCALE_SYMLOG, C2_SCALE_SQRT };
/** "linear", "log", "symlog", "sqrt"; "" is linear. @errors CAT2_EINVAL. */
bool c2_scale_parse(struct c2_str text, enum c2_scale *out, struct cat2_error *err);

/* Where in the table a value stands. */
struct c2_scaler {
    enum c2_scale scale;
    double lo, hi;
    double low, span, knee; /* of the scaled range; symlog's linear part */
};
/** lo <= hi, finite. */
void c2_scaler_init(struct c2_scaler *scaler, enum c2_scale scale, double lo, double hi);
/** Index of the colour of v; values out of the range take the ends. -1: NaN, no colour. */
int c2_scaler_index(const struct c2_scaler *scaler, double v);

#endif
