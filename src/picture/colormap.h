/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers to colours: scales, ranges and tables. The server's pictures and the terminal client use these; the
 * web client does the same with the same tables (web/colour.js): all three show the same colours. Any thread.
 */
#ifndef C2_PICTURE_COLORMAP_H
#define C2_PICTURE_COLORMAP_H

#include "base/buf.h"

/* 256 colours, low to high. */
struct c2_colormap {
    uint8_t rgb[256][3];
};
/** A table by name; "-" before it turns it round, "" is viridis. @errors CAT2_EINVAL. */
bool c2_colormap_of(struct c2_str name, struct c2_colormap *out, struct cat2_error *err);
/** The i-th table's name, NULL past the last. Static. */
const char *c2_colormap_name(int i);
/** The colour at a place 0...1 as 0xRRGGBB; places out of it take the ends. */
int32_t c2_colormap_rgb(const struct c2_colormap *map, double place);
/** {"viridis":"440154...", ...}: 1536 hexadecimal digits each. */
bool c2_colormaps_json(struct c2_buf *out, struct cat2_error *err);

enum c2_scale { C2_SCALE_LINEAR, C2_SCALE_LOG, C2_SCALE_SYMLOG, C2_SCALE_SQRT, C2_SCALES };
/** Static. */
const char *c2_scale_name(enum c2_scale scale);
/** "linear", "log", "symlog", "sqrt"; "" is linear. @errors CAT2_EINVAL. */
bool c2_scale_parse(struct c2_str text, enum c2_scale *out, struct cat2_error *err);

/* Where in the table a value stands. */
struct c2_scaler {
    enum c2_scale scale;
    double lo, hi;
    double low, span, knee; /* of the scaled range, halved when linear; symlog's linear part */
};
/** lo <= hi, finite. */
void c2_scaler_init(struct c2_scaler *scaler, enum c2_scale scale, double lo, double hi);
/** 0...1; values out of the range take the ends; -1: NaN. A range of one value has it in the middle. */
double c2_scaler_place(const struct c2_scaler *scaler, double v);
/** Index of the colour of v; values out of the range take the ends. -1: NaN, no colour. */
int c2_scaler_index(const struct c2_scaler *scaler, double v);

#endif
