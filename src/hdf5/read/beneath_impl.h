/* SPDX-License-Identifier: BSD-3-Clause */
/* What the driver and its notes share. */
#ifndef C2_HDF5_READ_BENEATH_IMPL_H
#define C2_HDF5_READ_BENEATH_IMPL_H

#include <sys/stat.h>

#include "base/vec.h"
#include "hdf5/read/beneath.h"

struct c2_h5_beneath_file;
struct c2_h5_beneath {
    const struct c2_h5_elsewhere *elsewhere; /* of the one file there is; NULL: there is a directory */
    char *only;                              /* its name */
    int fd;
    char *dir;
    size_t dir_n;
    hid_t fapl, swmr_fapl; /* -1: not made yet */
    bool begun;            /* the first file was opened */
    struct {
        C2_VEC(struct c2_h5_other);
    } others; /* the first is the file itself */
    uint64_t mark;
    int errnum; /* of the last that was asked for */
    bool outside;
    struct c2_h5_beneath_file *files; /* open ones, the last used first */
    size_t ndescriptors;
};

/** Is it the one file that is elsewhere? If not, that is noted. */
bool c2_h5_beneath_is_only(struct c2_h5_beneath *b, const char *filename);
const char *c2_h5_beneath_rel(const struct c2_h5_beneath *b, const char *filename);
int c2_h5_beneath_take(struct c2_h5_beneath *b, const char *filename, int flags, struct stat *st);

#endif
