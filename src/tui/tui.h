/* SPDX-License-Identifier: BSD-3-Clause */
/* The terminal client: browse the roots of a subscriber, look at their datasets. */
#ifndef C2_TUI_TUI_H
#define C2_TUI_TUI_H

#include "base/error.h"
#include "caterva2/client.h"

struct c2_tui_settings {
    const char *host;                         /* the subscriber, as cat2_client_new() takes it */
    const struct cat2_client_options *access; /* how it is asked */
    const char *outdir;                       /* where downloads go */
    const char *path;                         /* snapshot: the dataset; else what to open first, or NULL */
    const char *view;                         /* "meta", "values", "heat", "line" */
    const char *slice;                        /* expression, or NULL */
    const char *size;                         /* snapshot: "100x30" */
    bool utf8;                                /* the terminal shows it */
    bool colour;                              /* NO_COLOR is not set, the terminal has colours */
    bool direct;                              /* it has all of 24 bits */
};

/** One frame of one dataset on standard output. */
bool c2_tui_snapshot(const struct c2_tui_settings *settings, struct cat2_error *err);
/** The interactive program, until its user quits. Needs a terminal. */
bool c2_tui_run(const struct c2_tui_settings *settings, struct cat2_error *err);

#endif
