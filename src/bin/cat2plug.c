/* SPDX-License-Identifier: BSD-3-Clause */
/* cat2plug: runs one display plugin for a subscriber, which talks to it on standard input (a socket). A
 * process of its own, with limits: a plugin that crashes, hangs or hoards brings down nothing else. */
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "bin/helper.h"
#include "helper/confine.h"
#include "plugin/serve.h"

#define MEMORY_MAX ((uint64_t)1 << 30) /* a plugin makes a picture or a page of one dataset */

int main(int argc, char **argv)
{
    static const struct c2_helper_program helper = {
        .program = "cat2plug",
        .synopsis = "PLUGIN.so",
        .about = "Run a display plugin for a subscriber, which talks to it on standard input.",
        .starters = "subscribers",
        .args_min = 1,
        .args_max = 1,
    };
    struct cat2_error err = {0};
    char folder[PATH_MAX];
    int status;

    if (c2_helper_told(&helper, argc, argv, &status)) return status;
    snprintf(folder, sizeof(folder), "%s", argv[1]);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    c2_confine(MEMORY_MAX, dirname(folder));
    if (c2_plug_serve(STDIN_FILENO, argv[1], &err)) return 0;
    fprintf(stderr, "cat2plug: %.100s: %s\n", argv[1], err.message);
    return 1;
}
