/* SPDX-License-Identifier: BSD-3-Clause */
/* The interactive program without its terminal: keys and answers go in, a canvas comes out.
 *
 *   key() --> state --> jobs_post()        jobs_take() --> answer() --> state        draw(): state --> canvas
 */
#ifndef C2_TUI_APP_H
#define C2_TUI_APP_H

#include "tui/jobs.h"
#include "tui/pane.h"
#include "tui/tree.h"
#include "tui/tui.h"

enum c2_tui_key { /* beyond Unicode */
                  C2_TUI_KEY_UP = 0x110000,
                  C2_TUI_KEY_DOWN,
                  C2_TUI_KEY_LEFT,
                  C2_TUI_KEY_RIGHT,
                  C2_TUI_KEY_PAGE_UP,
                  C2_TUI_KEY_PAGE_DOWN,
                  C2_TUI_KEY_HOME,
                  C2_TUI_KEY_END,
                  C2_TUI_KEY_BACKSPACE,
                  C2_TUI_KEY_CLICK, /* with a place */
                  C2_TUI_KEY_WHEEL_UP,
                  C2_TUI_KEY_WHEEL_DOWN,
                  C2_TUI_KEY_RESIZE
};
struct c2_tui_event {
    uint32_t key; /* a character or an enum c2_tui_key */
    int x, y;     /* of the mouse */
};
/* C2_TUI_CONFIRM: is the root in `input` really to be left? */
enum c2_tui_prompt { C2_TUI_NO_PROMPT, C2_TUI_FILTER, C2_TUI_SLICE, C2_TUI_GO, C2_TUI_WHERE, C2_TUI_CONFIRM };

struct c2_tui_app {
    const struct c2_tui_settings *settings;
    struct c2_tui_jobs *jobs;
    struct c2_tui_tree tree;
    struct c2_tui_pane pane;
    struct c2_tui_canvas canvas;
    struct c2_tui_box tree_box, pane_box; /* set by layout() */
    size_t tree_top;                      /* first row shown */
    bool in_pane;                         /* keys go to the preview */
    bool help, quit, dirty;
    bool down;   /* the subscriber gave no answer */
    bool live;   /* it tells what happens; else it is asked now and then */
    bool folder; /* what is shown is a root or folder */
    bool started;
    int npolls;
    int64_t next_poll_ms, next_list_ms;
    enum c2_tui_prompt prompt;
    char input[512];
    char message[300], reason[300];
    char shown[1300];        /* path of what the preview shows or waits for */
    struct c2_tui_ask asked; /* the last slice asked for it */
    char copied[1300];       /* to be given to the terminal's clipboard; "" none */
};

bool c2_tui_app_init(struct c2_tui_app *app, const struct c2_tui_settings *settings, struct cat2_error *err);
void c2_tui_app_fini(struct c2_tui_app *app);
/** Where the panes are on the canvas as it is. */
void c2_tui_app_layout(struct c2_tui_app *app);
void c2_tui_app_key(struct c2_tui_app *app, const struct c2_tui_event *event);
/** Take what the jobs have answered. */
void c2_tui_app_answers(struct c2_tui_app *app);
/** Retry, or look for news, when it is time; returns ms until the next. */
int c2_tui_app_tick(struct c2_tui_app *app, int64_t now_ms);
void c2_tui_app_draw(struct c2_tui_app *app);

/* For this room: */
void c2_tui_app_say(struct c2_tui_app *app, const char *fmt, ...) C2_PRINTF(2, 3);
/** Nothing of a root is shown any more: asking for it would make the subscriber follow it again. */
void c2_tui_app_leave(struct c2_tui_app *app, const char *root);
/** Ask anew for all that the screen shows. */
void c2_tui_app_refresh(struct c2_tui_app *app);
/** Show what is selected; ask for its metadata, or anew with `reload`. */
void c2_tui_app_show(struct c2_tui_app *app, bool reload);
/** Ask for the slice that the preview needs now, unless it has been asked for. */
void c2_tui_app_fetch(struct c2_tui_app *app);
void c2_tui_app_list_open(struct c2_tui_app *app, bool all);

#endif
