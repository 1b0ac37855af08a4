/* SPDX-License-Identifier: BSD-3-Clause */
/* The views of a dataset, each drawn into a box of the canvas. */
#ifndef C2_TUI_DRAW_H
#define C2_TUI_DRAW_H

#include "tui/canvas.h"
#include "tui/colour.h"
#include "tui/data.h"

/** Metadata and attributes from line `top` on; returns how many lines there are. */
int c2_tui_draw_meta(struct c2_tui_canvas *canvas, struct c2_tui_box box, const struct c2_tui_info *info,
                     int top);
/** A grid of values with indices at its edges; a structure's fields are its columns. */
void c2_tui_draw_values(struct c2_tui_canvas *canvas, struct c2_tui_box box,
                        const struct c2_tui_window *window, const struct c2_tui_data *data);
/** Bytes as text from line `top` on, or as hexadecimal digits; returns how many lines there are. */
int c2_tui_draw_text(struct c2_tui_canvas *canvas, struct c2_tui_box box, const struct c2_tui_data *data,
                     int top);
/** Two pixels a cell in colours, or one in characters; the last line is the colour bar. */
void c2_tui_draw_heat(struct c2_tui_canvas *canvas, struct c2_tui_box box, const struct c2_tui_look *look,
                      const struct c2_tui_data *data);
/** Pixels that draw_heat() has in the box. */
void c2_tui_heat_size(const struct c2_tui_canvas *canvas, struct c2_tui_box box, int *w, int *h);
/** A curve of braille dots, 2x4 a cell, or of stars; the least and greatest of what falls on one column. */
void c2_tui_draw_line(struct c2_tui_canvas *canvas, struct c2_tui_box box, const struct c2_tui_data *data);

/* Dots of a picture in braille, U+2800 and up. */
struct c2_tui_dots {
    int w, h;      /* cells */
    uint8_t *bits; /* w * h */
};
void c2_tui_dot(struct c2_tui_dots *dots, int x, int y);

#endif
