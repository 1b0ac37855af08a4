/* SPDX-License-Identifier: BSD-3-Clause */
/* cat2h5 [ROOT]: reads HDF5 files, and those beneath ROOT they speak of, for a publisher, which talks to it
 * on standard input (a socket). With C2_H5_NO_FILES for ROOT it opens no file: the publisher reads for it. A
 * process of its own, with limits, so that a file that brings libhdf5 down brings down nothing else. */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "bin/helper.h"
#include "hdf5/read/h5.h"
#include "hdf5/read/h5_serve.h"
#include "helper/confine.h"

#define MEMORY_MAX ((uint64_t)2 << 30) /* libhdf5 and a few chunks of 256 MiB decoded at once */

int main(int argc, char **argv)
{
    static const struct c2_helper_program helper = {
        .program = "cat2h5",
        .synopsis = "[ROOT]",
        .about =
            "Read HDF5 files, beneath directory ROOT, for a publisher, which talks to it on standard input.",
        .starters = "publishers",
        .args_max = 1,
    };
    struct cat2_error err = {0};
    int status;

    if (c2_helper_told(&helper, argc, argv, &status)) return status;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    mallopt(M_MMAP_THRESHOLD, 64 << 20); /* chunk after chunk in the same pages */
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    c2_confine(MEMORY_MAX, argc > 1 ? argv[1] : NULL);
    c2_codec_setup();
    if (c2_h5_setup(&err) && c2_h5_serve(STDIN_FILENO, argc > 1 ? argv[1] : NULL, &err)) return 0;
    fprintf(stderr, "cat2h5: %s\n", err.message);
    return 1;
}
