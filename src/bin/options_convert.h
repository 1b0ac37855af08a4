/* SPDX-License-Identifier: BSD-3-Clause */
/* What cat2import and cat2export have in common: their options, signals, and what they tell on standard
 * error. */
#ifndef C2_BIN_OPTIONS_CONVERT_H
#define C2_BIN_OPTIONS_CONVERT_H

#include "import_export/convert.h"

struct c2_convert_program {
    const char *name, *synopsis, *about, *section, *takes;
    bool exports;      /* has --filters */
    const char *links; /* what became of the links that it counts */
    bool (*convert)(const char *from, const char *to, const struct c2_convert_options *options,
                    struct c2_convert_counts *counts, struct cat2_error *err);
};
/** Everything from the command line to the exit status. */
int c2_convert_main(const struct c2_convert_program *program, int argc, char **argv);

#endif
