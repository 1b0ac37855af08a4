/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared bytes: the last holder frees them. */
#include "base/blob.h"

#include <stdlib.h>

struct c2_blob *c2_blob_new(struct c2_buf *take)
{
    struct c2_blob *blob = malloc(sizeof(*blob));

    if (!blob) return NULL;
    atomic_init(&blob->refs, 1);
    blob->source = NULL;
    blob->bytes = c2_buf_steal(take);
    blob->queues = 0;
    return blob;
}

struct c2_blob *c2_blob_ref(struct c2_blob *blob)
{
    atomic_fetch_add_explicit(&blob->refs, 1, memory_order_relaxed);
    return blob;
}

void c2_blob_unref(struct c2_blob *blob)
{
    if (!blob || atomic_fetch_sub_explicit(&blob->refs, 1, memory_order_acq_rel) > 1) return;
    c2_buf_fini(&blob->bytes);
    free(blob);
}
