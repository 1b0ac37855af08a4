/* SPDX-License-Identifier: BSD-3-Clause */
/* A result under construction: made beside its place under a hidden name, moved there when it is complete. A
 * process of its own waits meanwhile and cleans up when this one is killed or crashes (libhdf5 may, over a
 * broken file). */
#ifndef C2_IMPORT_EXPORT_PLACE_H
#define C2_IMPORT_EXPORT_PLACE_H

#include <sys/types.h>

#include "base/error.h"

struct c2_place {
    char *target, *temp; /* temp NULL: nothing to clean up */
    bool directory, overwrite;
    pid_t guard; /* 0: none */
    int guard_fd;
};
/** @errors CAT2_EINVAL the target exists and may not be overwritten, or is of the other kind. */
bool c2_place_check(const char *target, bool directory, bool overwrite, struct cat2_error *err);
/** Make an empty file or directory beside the target: place->temp. Forks: call before there are threads. */
bool c2_place_begin(const char *target, bool directory, bool overwrite, struct c2_place *out,
                    struct cat2_error *err);
/** Move it to its place; what was there is gone after that, never before. */
bool c2_place_commit(struct c2_place *place, struct cat2_error *err);
/** Remove what was made, unless it was committed. */
void c2_place_fini(struct c2_place *place);
C2_DEFINE_AUTO(c2_place);

#endif
