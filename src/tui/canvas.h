/* SPDX-License-Identifier: BSD-3-Clause */
/* A grid of character cells that everything is drawn into; only then does it become a terminal's screen or
 * plain text. Text from outside is decoded here: what is no printable character of this terminal becomes '?'.
 */
#ifndef C2_TUI_CANVAS_H
#define C2_TUI_CANVAS_H

#include "base/buf.h"

#define C2_TUI_DEFAULT     (-1) /* the terminal's own colour */
#define C2_TUI_COLUMNS_MAX 1000 /* a cell takes 16 bytes; no terminal is wider */
#define C2_TUI_ROWS_MAX    500  /* the same */

enum c2_tui_mark { C2_TUI_BOLD = 1, C2_TUI_REVERSE = 2, C2_TUI_DIM = 4, C2_TUI_UNDERLINE = 8 };

struct c2_tui_style {
    int32_t fg, bg; /* 0xRRGGBB or C2_TUI_DEFAULT */
    int marks;
};
#define C2_TUI_PLAIN ((struct c2_tui_style){C2_TUI_DEFAULT, C2_TUI_DEFAULT, 0})

struct c2_tui_cell {
    uint32_t ch; /* 0: the right half of a wide character */
    struct c2_tui_style style;
};
struct c2_tui_canvas {
    int columns, rows;
    bool utf8;   /* characters beyond ASCII can be shown */
    bool colour; /* colours mean something */
    struct c2_tui_cell *cells;
};
/* A part of a canvas. */
struct c2_tui_box {
    int x, y, w, h;
};

/** Blank and of this size (clamped to 1..MAX). @errors CAT2_ENOMEM; the canvas is then as it was. */
bool c2_tui_canvas_resize(struct c2_tui_canvas *canvas, int columns, int rows, struct cat2_error *err);
void c2_tui_canvas_fini(struct c2_tui_canvas *canvas);
C2_DEFINE_AUTO(c2_tui_canvas);
void c2_tui_clear(struct c2_tui_canvas *canvas);

/** The cell, NULL outside. */
struct c2_tui_cell *c2_tui_at(const struct c2_tui_canvas *canvas, int x, int y);
void c2_tui_put(struct c2_tui_canvas *canvas, int x, int y, uint32_t ch, struct c2_tui_style style);
/** Text from (x, y) in at most w columns; what does not fit ends in an ellipsis. Returns the columns used. */
int c2_tui_text(struct c2_tui_canvas *canvas, int x, int y, int w, const char *text,
                struct c2_tui_style style);
int c2_tui_printf(struct c2_tui_canvas *canvas, struct c2_tui_box line, struct c2_tui_style style,
                  const char *fmt, ...) C2_PRINTF(4, 5);
/** Columns that text takes. */
int c2_tui_width(const struct c2_tui_canvas *canvas, const char *text);
/** Give all cells of a box this style, their characters stay. */
void c2_tui_paint(struct c2_tui_canvas *canvas, struct c2_tui_box box, struct c2_tui_style style);

/** The next character of UTF-8 text, U+FFFD for a malformed byte; moves *text on. */
uint32_t c2_tui_decode(struct c2_str *text);
/** Its bytes; returns how many, 1..4. */
int c2_tui_encode(uint32_t ch, char out[4]);

/** The canvas as lines of text, blanks at line ends cut; with escapes for styles when `escapes`. */
bool c2_tui_canvas_print(const struct c2_tui_canvas *canvas, bool escapes, struct c2_buf *out,
                         struct cat2_error *err);
/** The escape that selects a style, from a clean state: 24-bit colours. */
bool c2_tui_style_escape(struct c2_tui_style style, struct c2_buf *out, struct cat2_error *err);

#endif
