/* SPDX-License-Identifier: BSD-3-Clause */
/* The preview of one dataset: its metadata, which view of it, what slice that takes, and what came of it. */
#ifndef C2_TUI_PANE_H
#define C2_TUI_PANE_H

#include "tui/draw.h"

struct c2_tui_pane {
    struct c2_tui_info *info; /* NULL: nothing to show yet */
    struct c2_tui_window window;
    enum c2_tui_kind kind;
    struct c2_tui_look look;
    struct c2_tui_cursor cursor; /* of pictures and lines, while the preview has the keys */
    bool fixed_range;            /* autoscale only when asked to */
    struct c2_tui_data *data;    /* NULL, or of an earlier ask: drawn until the next comes */
    char *folder;                /* JSON of what is in the folder that is shown; NULL: a dataset is */
    char *folder_path;
    char where[512]; /* the filter of the table's rows; "" none */
    char *table;     /* JSON of the rows that it let through; NULL: not there yet */
    int top, lines;  /* first line shown of metadata or text, lines there are */
};

/** @errors CAT2_EINVAL names the kinds there are. */
bool c2_tui_kind_parse(const char *text, enum c2_tui_kind *out, struct cat2_error *err);

/** Show another dataset, or the same anew: takes info. The slice, axes and offsets stay when the shape is the
 * same. */
void c2_tui_pane_show(struct c2_tui_pane *pane, struct c2_tui_info *info);
/** Another slice expression. */
bool c2_tui_pane_slice(struct c2_tui_pane *pane, const char *expr, struct cat2_error *err);
bool c2_tui_pane_offers(const struct c2_tui_pane *pane, enum c2_tui_kind kind);
/** The next view that the dataset offers. */
void c2_tui_pane_next_kind(struct c2_tui_pane *pane);
/** What must be fetched for this box; false when nothing must. */
bool c2_tui_pane_ask(const struct c2_tui_pane *pane, const struct c2_tui_canvas *canvas,
                     struct c2_tui_box box, struct c2_tui_ask *ask);
/** An answer: takes data. */
void c2_tui_pane_answer(struct c2_tui_pane *pane, struct c2_tui_data *data);
/** Show what is in a folder; takes json, of /api/tree. */
void c2_tui_pane_folder(struct c2_tui_pane *pane, const char *path, char *json);
/** Show those rows where the expression is true, "" for all; false: it has no rows that could be filtered. */
bool c2_tui_pane_filter(struct c2_tui_pane *pane, const char *where);
/** Is a filter on, and are values shown? */
bool c2_tui_pane_filters(const struct c2_tui_pane *pane);
/** What to ask for then; false: too long. */
bool c2_tui_pane_table_target(const struct c2_tui_pane *pane, struct c2_tui_box box, char *out, size_t room);
/** The answer; takes json, of /api/table. */
void c2_tui_pane_table(struct c2_tui_pane *pane, char *json);
/** Range from the values at hand. */
void c2_tui_pane_autoscale(struct c2_tui_pane *pane);
/** Rows and columns of values, lines of text; in pictures and lines the cursor moves. */
void c2_tui_pane_scroll(struct c2_tui_pane *pane, int64_t rows, int64_t columns);
/** Put the cursor on what is at a cell of the screen. */
void c2_tui_pane_point(struct c2_tui_pane *pane, const struct c2_tui_canvas *canvas, struct c2_tui_box box,
                       int x, int y);
/** "[3, 5] = 2.5": where the cursor is, and what is there; "" when it is nowhere. */
void c2_tui_pane_pointed(const struct c2_tui_pane *pane, char *out, size_t room);
/** Title line, axes line, view. */
void c2_tui_pane_draw(struct c2_tui_pane *pane, struct c2_tui_canvas *canvas, struct c2_tui_box box);
void c2_tui_pane_fini(struct c2_tui_pane *pane);
C2_DEFINE_AUTO(c2_tui_pane);

#endif
