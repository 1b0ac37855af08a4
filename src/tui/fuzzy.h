/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzzy matching of names, as one types it: the letters in order, anywhere. */
#ifndef C2_TUI_FUZZY_H
#define C2_TUI_FUZZY_H

#include "base/str.h"

/** How well `wanted` is found in `name`, ASCII case ignored: 0 not at all, else higher is better. Letters
 * that follow each other, or begin a word, count more; an empty `wanted` matches everything with 1. */
int c2_tui_fuzzy(struct c2_str wanted, struct c2_str name);

#endif
