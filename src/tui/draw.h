/* SPDX-License-Identifier: BSD-3-Clause */
/* The views of a dataset, each drawn into a box of the canvas. */
#ifndef C2_TUI_DRAW_H
#define C2_TUI_DRAW_H

#include "tui/canvas.h"
#include "tui/colour.h"
#include "tui/data.h"

/* The item of an answer that is pointed at. */
struct c2_tui_cursor {
    bool on;
    int64_t row, column;
};

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
void c2_tui_draw_heat(struct c2_tui_canvas *canvas, struct c2_tui_box box, const struct c2_tui_window *window,
                      const struct c2_tui_look *look, const struct c2_tui_data *data,
                      const struct c2_tui_cursor *cursor);
/** What is in a folder (an answer of /api/tree): counts, then its entries from `top` on; returns how many
 * there are. */
int c2_tui_draw_folder(struct c2_tui_canvas *canvas, struct c2_tui_box box, const char *path,
                       const char *json, int top);
/** Rows of a table (an answer of /api/table), with their numbers. */
void c2_tui_draw_table(struct c2_tui_canvas *canvas, struct c2_tui_box box, const char *json);
/** Where its picture is in the box, beside the numbers of rows and above those of columns, if they have room;
 * and how many pixels it has. */
struct c2_tui_box c2_tui_heat_area(const struct c2_tui_canvas *canvas, struct c2_tui_box box,
                                   const struct c2_tui_window *window, int *w, int *h);
/** The item of the answer beneath a cell of the screen; false: there is none. */
bool c2_tui_heat_at(const struct c2_tui_canvas *canvas, struct c2_tui_box box,
                    const struct c2_tui_window *window, const struct c2_tui_data *data, int x, int y,
                    struct c2_tui_cursor *out);
bool c2_tui_line_at(struct c2_tui_box box, const struct c2_tui_data *data, int x, struct c2_tui_cursor *out);
/** A curve of braille dots, 2x4 a cell, or of stars; the least and greatest of what falls on one column. */
void c2_tui_draw_line(struct c2_tui_canvas *canvas, struct c2_tui_box box, const struct c2_tui_window *window,
                      const struct c2_tui_data *data, const struct c2_tui_cursor *cursor);

/* Dots of a picture in braille, U+2800 and up. */
struct c2_tui_dots {
    int w, h;      /* cells */
    uint8_t *bits; /* w * h */
};
void c2_tui_dot(struct c2_tui_dots *dots, int x, int y);

#endif
