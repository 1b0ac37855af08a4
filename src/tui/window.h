/* SPDX-License-Identifier: BSD-3-Clause */
/* What part of a dataset is looked at: a slice expression of the user's, two axes mapped to the picture, an
 * index on each other axis, and the offset of the first row and column. From these follows the one bounded
 * slice that a pane of some size needs. */
#ifndef C2_TUI_WINDOW_H
#define C2_TUI_WINDOW_H

#include "ndim/slice.h"

enum c2_tui_kind { C2_TUI_META, C2_TUI_VALUES, C2_TUI_HEAT, C2_TUI_LINE, C2_TUI_KINDS };

#define C2_TUI_SLICE_MAX 1024  /* the text of 16 axes, three numbers of 20 digits each */
#define C2_TUI_LINE_MAX  4096  /* samples of a line */
#define C2_TUI_TEXT_MAX  65536 /* bytes of a plain file that are read to be shown */

struct c2_tui_window {
    struct c2_bound bound; /* the user's slice on the dataset's shape */
    char expr[C2_TUI_SLICE_MAX];
    int x, y;               /* axes of the dataset, -1 none */
    int active;             /* the axis that slices step along, -1 none */
    int64_t at[C2_DIM_MAX]; /* index into the selection, by axis; on x and y the first item shown */
};
/* n items from `first`, every stride-th, of the selection along an axis. */
struct c2_tui_span {
    int axis; /* -1: there is none, n is 1 */
    int64_t first, stride, n;
};
/* One request. The answer is rows x columns, or columns x rows when `turned`. */
struct c2_tui_ask {
    enum c2_tui_kind kind;
    struct c2_tui_span rows, columns;
    bool turned;
    char slice[C2_TUI_SLICE_MAX];
    char whole[C2_TUI_SLICE_MAX]; /* of a line that is thinned: all of it; else "" */
    bool pairs;                   /* the answer is of least and greatest items */
};

/** @param expr  slice text, "" for all. @errors CAT2_EINVAL as cat2_dataset_fetch(); *window is then as it
 * was.
 */
bool c2_tui_window_init(struct c2_tui_window *window, const char *expr, const int64_t *shape, int ndim,
                        struct cat2_error *err);
/** Is the axis part of the picture of this kind? */
bool c2_tui_window_mapped(const struct c2_tui_window *window, enum c2_tui_kind kind, int axis);
/** Move `by` along the active axis, within its ends; false when there is nowhere to go. */
bool c2_tui_window_step(struct c2_tui_window *window, enum c2_tui_kind kind, int64_t by);
/** Make the next (by 1) or previous (-1) axis that is not in the picture the active one. */
bool c2_tui_window_turn(struct c2_tui_window *window, enum c2_tui_kind kind, int by);
/** Map the next free axis to x, or to y; they swap when they meet. */
bool c2_tui_window_map(struct c2_tui_window *window, bool to_x);
/** Scroll rows or columns; clamped. */
void c2_tui_window_scroll(struct c2_tui_window *window, int64_t rows, int64_t columns);
/** Index along the dataset's axis of the i-th item of a span. */
int64_t c2_tui_window_index(const struct c2_tui_window *window, const struct c2_tui_span *span, int64_t i);
/** The slice for a pane of w x h items. */
bool c2_tui_window_ask(const struct c2_tui_window *window, enum c2_tui_kind kind, int w, int h,
                       struct c2_tui_ask *ask, struct cat2_error *err);

#endif
