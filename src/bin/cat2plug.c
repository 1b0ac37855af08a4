/* SPDX-License-Identifier: BSD-3-Clause */
/* cat2plug: runs one display plugin for a subscriber, which talks to it on standard input (a socket). A
 * process of its own, with limits: a plugin that crashes, hangs or hoards brings down nothing else. */
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/confine.h"
#include "plugin/serve.h"

#define MEMORY_MAX ((uint64_t)1 << 30)

int main(int argc, char **argv)
{
    struct cat2_error err = {0};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (argc != 2 || isatty(STDIN_FILENO)) {
        fprintf(stderr, "cat2plug is started by subscribers, not by hand.\n");
        return 2;
    }
    c2_confine(MEMORY_MAX);
    if (c2_plug_serve(STDIN_FILENO, argv[1], &err)) return 0;
    fprintf(stderr, "cat2plug: %.100s: %s\n", argv[1], err.message);
    return 1;
}
