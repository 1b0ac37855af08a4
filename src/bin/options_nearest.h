/* SPDX-License-Identifier: BSD-3-Clause */
/* What somebody may have meant who wrote a name that there is not. */
#ifndef C2_BIN_OPTIONS_NEAREST_H
#define C2_BIN_OPTIONS_NEAREST_H

#include "base/str.h"

/* The nearest name so far; begin with what was typed. A third of the letters may be wrong. */
struct c2_nearest {
    struct c2_str typed;
    const char *name; /* borrowed from the caller of consider; NULL: none is near */
    size_t distance;
};
void c2_nearest_consider(struct c2_nearest *nearest, const char *name);

#endif
