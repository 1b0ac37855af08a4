/* SPDX-License-Identifier: BSD-3-Clause */
/* The terminal: its keys as events, a canvas onto it. The only file that knows curses is its .c. */
#ifndef C2_TUI_SCREEN_H
#define C2_TUI_SCREEN_H

#include "tui/app.h"

/** Take the terminal. @errors CAT2_EIO there is none. */
bool c2_tui_screen_open(bool *colour, struct cat2_error *err);
void c2_tui_screen_close(void);
void c2_tui_screen_size(int *columns, int *rows);
/** The next key that has come; false when none has. Never waits. */
bool c2_tui_screen_event(struct c2_tui_event *event);
/** @param direct  pictures in 24-bit colours. */
void c2_tui_screen_show(const struct c2_tui_canvas *canvas, bool direct);
/** Give text to the terminal's clipboard (OSC 52). */
void c2_tui_screen_copy(const char *text);

#endif
