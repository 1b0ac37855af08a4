/* SPDX-License-Identifier: BSD-3-Clause */
/* Have pieces of a dataset in its cache file. */
#ifndef C2_SUBSCRIBER_FETCH_ENSURE_H
#define C2_SUBSCRIBER_FETCH_ENSURE_H

#include "subscriber/mirror/mirror.h"

enum c2_need {
    C2_NEED_BOUND, /* the blocks of a selection */
    C2_NEED_ALL,   /* every chunk */
    C2_NEED_SPANS  /* what was found missing: the blocks under bytes of chunks; none: just the cache file */
};
typedef void c2_ensured(void *ctx, const struct cat2_error *err);
/* What was here may be gone when it is read, evicted or found damaged: so often is it ensured again. Each
 * damaged piece costs one. */
#define C2_ENSURE_ROUNDS 32
/** Have pieces of ds in its cache file; then fn(ctx, NULL), or fn(ctx, err). fn is never called inside this
 * call. */
void c2_ensure(struct c2_ds *ds, enum c2_need need, const struct c2_bound *bound, c2_ensured *fn, void *ctx);
/** C2_NEED_SPANS; copied. Another's fetch of such a chunk is waited for instead of a fetch of our own: look
 * again then. */
void c2_ensure_spans(struct c2_ds *ds, const struct c2_chunk_span *spans, size_t n, c2_ensured *fn,
                     void *ctx);

#endif
