/* SPDX-License-Identifier: BSD-3-Clause */
/* The example root as an HDF5 file. */
#ifndef C2_BIN_CAT2EXAMPLE_H5_H
#define C2_BIN_CAT2EXAMPLE_H5_H

#include "base/error.h"

/** Make the file, complete or not at all. @errors CAT2_EINVAL it exists already. */
bool c2_example_h5(const char *filename, struct cat2_error *err);

#endif
