/* SPDX-License-Identifier: BSD-3-Clause */
/* Two lists of datasets compared: what is new, changed, removed, kept. Pure: nothing is changed, nothing is
 * referred to beyond the call. */
#ifndef C2_SUBSCRIBER_MIRROR_MERGE_H
#define C2_SUBSCRIBER_MIRROR_MERGE_H

#include "subscriber/mirror/mirror.h"

enum c2_merge_change { C2_MERGE_KEPT, C2_MERGE_CHANGED, C2_MERGE_NEW, C2_MERGE_REMOVED };
struct c2_merge {
    struct c2_ds *const *old; /* sorted by path, each path once */
    size_t nold;
    struct c2_ds *const *found; /* as c2_merge_sort() leaves it */
    size_t nfound;
};
struct c2_merge_step {
    enum c2_merge_change change;
    struct c2_ds *old, *found; /* NULL where there is none of that path */
};

/** Sort by path; of equal paths the object made later comes later. */
void c2_merge_sort(struct c2_ds **list, size_t n);
/** The next path of either list; false: there is none. Of equal paths in `found` the last one counts. */
bool c2_merge_next(struct c2_merge *merge, struct c2_merge_step *out);
/** Does `found` tell nothing that `old` has not told? Without an etag that cannot be known. */
bool c2_merge_is_same(const struct c2_ds *old, const struct c2_ds *found);

#endif
