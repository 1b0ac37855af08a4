/* SPDX-License-Identifier: BSD-3-Clause */
/* Drivers that visit everything in an HDF5 file: DRIVER FILE.h5 DIR. */
#ifndef C2_HARNESS_H5_VISIT_H
#define C2_HARNESS_H5_VISIT_H

#include <stdio.h>

#include "hdf5/read/h5.h"

struct driver {
    struct c2_h5 *h5;
    struct c2_codec *codec;
    const char *dir;
    int n; /* entries so far */
};

static inline int visit_all(int argc, char **argv, c2_h5_visit *visit)
{
    struct driver d = {.dir = argc == 3 ? argv[2] : NULL};
    struct cat2_error err = {0};

    c2_codec_setup();
    d.codec = c2_codec_new();
    bool ok = d.dir && d.codec && c2_h5_setup(&err) && c2_h5_open(argv[1], &d.h5, &err) &&
              c2_h5_walk(d.h5, visit, &d, &err);
    if (!ok) fprintf(stderr, "%s\n", err.message);
    c2_h5_close(d.h5);
    c2_codec_free(d.codec);
    return ok ? 0 : 1;
}

#endif
