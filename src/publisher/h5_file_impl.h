/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of an HDF5 file share. */
#ifndef C2_PUBLISHER_H5_FILE_IMPL_H
#define C2_PUBLISHER_H5_FILE_IMPL_H

#include <pthread.h>

#include "publisher/h5_file.h"

struct c2_h5_file {
    atomic_int refs; /* items keep it alive */
    char *filename, *prefix;
    struct c2_gens *gens;
    struct c2_h5_workers *workers;
    pthread_mutex_t lock; /* guards the rest; held while the file is looked at, so that this is done once */
    struct c2_h5_snapshot *snap;
};

bool c2_h5_same_state(const struct c2_h5_state *a, const struct c2_h5_state *b);
/** Does an event say that it was written, though its state does not? */
bool c2_h5_is_doubted(const struct c2_h5_file *file);

#endif
