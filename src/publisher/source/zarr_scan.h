/* SPDX-License-Identifier: BSD-3-Clause */
/* One state of an array: its metadata, and what stat() says of each of its chunk files. These together are
 * its generation. A chunk is of it as long as its own file is. Any thread. */
#ifndef C2_PUBLISHER_SOURCE_ZARR_SCAN_H
#define C2_PUBLISHER_SOURCE_ZARR_SCAN_H

#include <stdatomic.h>

#include "base/vec.h"
#include "publisher/source/zarr_store.h"

#define C2_ZS_NO_FILE UINT64_MAX /* the digest of what leads out of the root, or is no regular file */

struct c2_zs_part {
    uint64_t number, digest; /* of a chunk file, by its place among those of the array */
};
/* Counted, immutable. */
struct c2_zs_scan {
    atomic_int refs;
    struct c2_zs_array array;
    C2_VEC(struct c2_zs_part);  /* by number */
    int64_t along[C2_DIM_MAX];  /* chunk files along each axis */
    int64_t mtime_ns, ctime_ns; /* the latest of all files; ctime_ns: of folders too */
    int64_t nbytes;             /* of chunk files */
    int64_t began_ns;           /* by the coarse clock that files are stamped with */
    uint64_t metadata;          /* digest of the metadata files */
    struct c2_hash128 digest;   /* of all */
};
/** Look at all of it. @param rel  of the array in the store, by names on disk. @errors CAT2_ENOTFOUND it is
 * no array; CAT2_EDATA, CAT2_EUNSUPPORTED, CAT2_ELIMIT why it cannot be read; c2_is_busy(). */
bool c2_zs_scan_new(const struct c2_container *c, const char *rel, struct c2_zs_scan **out,
                    struct cat2_error *err);
struct c2_zs_scan *c2_zs_scan_ref(struct c2_zs_scan *scan);
void c2_zs_scan_unref(struct c2_zs_scan *scan); /* NULL is fine */
C2_DEFINE_AUTO_PTR(c2_zs_scan, c2_zs_scan_unref);
/** Was no write under way, and none since it began? */
bool c2_zs_scan_is_still(const struct c2_zs_scan *scan);
/** The digest of a chunk file; 0: there is none. */
uint64_t c2_zs_scan_part(const struct c2_zs_scan *scan, uint64_t number);
/** The name of a chunk file, from the array's folder on. */
bool c2_zs_chunk_name(const struct c2_zs_scan *scan, uint64_t number, struct c2_buf *out,
                      struct cat2_error *err);

#endif
