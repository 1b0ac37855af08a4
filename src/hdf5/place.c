/* SPDX-License-Identifier: BSD-3-Clause */
/* Where chunks lie, and whether a dataset is still what it was. */
#include <stdlib.h>

#include <xxhash.h>

#include "hdf5/h5_impl.h"

#define LINEAR_MAX 4096 /* stored chunks: libhdf5 finds the address of one by looking at all */

bool c2_h5_locate(struct c2_h5_dataset *ds, int64_t nchunk, int64_t *off, int32_t *n)
{
    (void)ds;
    (void)nchunk;
    (void)off;
    (void)n;
    return false;
}

uint64_t c2_h5_fingerprint(struct c2_h5_dataset *ds)
{
    (void)ds;
    return 0;
}
