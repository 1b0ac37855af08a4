/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of a cat2h5: requests of helper/h5_proto.h answered until the other side is gone. */
#ifndef C2_HDF5_READ_H5_SERVE_H
#define C2_HDF5_READ_H5_SERVE_H

#include "base/error.h"

/** Returns when the socket ends. dir: other files are opened beneath it only; NULL: the file's own directory;
 * C2_H5_NO_FILES: nothing is opened, every file is elsewhere.
 * @errors CAT2_EIO the socket; CAT2_EDATA a bad request.
 */
bool c2_h5_serve(int fd, const char *dir, struct cat2_error *err);

#endif
