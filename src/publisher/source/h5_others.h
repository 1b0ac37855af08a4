/* SPDX-License-Identifier: BSD-3-Clause */
/* The other files that an HDF5 file brings in, by external links and virtual datasets, each in the state it
 * was read in. */
#ifndef C2_PUBLISHER_SOURCE_H5_OTHERS_H
#define C2_PUBLISHER_SOURCE_H5_OTHERS_H

#include "base/buf.h"
#include "base/vec.h"
#include "helper/h5_proto.h"

struct c2_h5_other_at {
    char *path;
    struct c2_h5_state state; /* all 0: it was not there */
};
struct c2_h5_others { /* sorted by path */
    C2_VEC(struct c2_h5_other_at);
};
void c2_h5_others_fini(struct c2_h5_others *others);
C2_DEFINE_AUTO(c2_h5_others);
/** Take over what a worker told. *differ: one that is known already was in another state. */
bool c2_h5_others_add(struct c2_h5_others *others, struct c2_bytes told, bool *differ,
                      struct cat2_error *err);
/** Over all paths and states; those they were in, or those they are in now. 0: there are none. */
uint64_t c2_h5_others_hash(const struct c2_h5_others *others, bool now);
/** When one of them was changed last: the newest ctime, in nanoseconds; 0: there are none. */
int64_t c2_h5_others_newest(const struct c2_h5_others *others);

#endif
