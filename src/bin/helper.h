/* SPDX-License-Identifier: BSD-3-Clause */
/* What the helper programs say to somebody who starts them by hand. They are small on purpose: no options, no
 * configuration. */
#ifndef C2_BIN_HELPER_H
#define C2_BIN_HELPER_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct c2_helper_program {
    const char *program, *synopsis, *about, *starters; /* "publishers" */
    int args_min, args_max;
};

/** Was that all? Then *status is the exit status. */
static inline bool c2_helper_told(const struct c2_helper_program *it, int argc, char **argv, int *status)
{
    const char *first = argc > 1 ? argv[1] : "";

    *status = 0;
    if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0) {
        printf("%s %s\n", it->program, C2_VERSION);
        return true;
    }
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) {
        printf("usage: %s %s\n\n%s\n\noptions:\n  -h, --help                 print this help and exit\n"
               "  -V, --version              print the version and exit\n",
               it->program, it->synopsis, it->about);
        return true;
    }
    *status = 2;
    if (first[0] == '-') {
        fprintf(stderr, "usage: %s %s\n%s: unknown option %.80s\n", it->program, it->synopsis, it->program,
                first);
        return true;
    }
    if (argc - 1 >= it->args_min && argc - 1 <= it->args_max && !isatty(STDIN_FILENO)) return false;
    fprintf(stderr, "usage: %s %s\n%s: it is started by %s, not by hand\n", it->program, it->synopsis,
            it->program, it->starters);
    return true;
}

#endif
