/* SPDX-License-Identifier: BSD-3-Clause */
/* Immutable bytes that several hold at once. Any thread. */
#ifndef C2_BASE_BLOB_H
#define C2_BASE_BLOB_H

#include <stdatomic.h>

#include "base/buf.h"

struct c2_blob {
    atomic_int refs;
    struct c2_buf bytes; /* not changed any more */
    int queues;          /* of WebSocket peers that hold it; loop thread only */
    void *source;        /* of those who answer with it: theirs alone, NULL at first */
};

/** One reference to the bytes of *take, which is empty afterwards. NULL, and *take as it was: out of memory.
 */
struct c2_blob *c2_blob_new(struct c2_buf *take);
struct c2_blob *c2_blob_ref(struct c2_blob *blob);
void c2_blob_unref(struct c2_blob *blob); /* NULL is fine */

#endif
