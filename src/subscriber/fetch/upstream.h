/* SPDX-License-Identifier: BSD-3-Clause */
/* Pieces from the publisher into the cache file. */
#ifndef C2_SUBSCRIBER_FETCH_UPSTREAM_H
#define C2_SUBSCRIBER_FETCH_UPSTREAM_H

#include "subscriber/mirror/mirror.h"

struct c2_want {
    int64_t nchunk;
    bool whole;
    int32_t nblocks;
    int32_t *blocks;
    int32_t off, n; /* n > 0: the blocks under these bytes of the chunk */
};
struct c2_fetch_hooks {
    void (*stored)(void *ctx, int64_t nchunk); /* what was wanted of a chunk is here */
    void (*done)(void *ctx, const struct cat2_error *err);
};
/** Fetch and store; takes wants (array and blocks). Later done(ctx, NULL) when all are stored. @errors
 * CAT2_ENOMEM: nothing is taken, no hook is called. */
bool c2_upstream_fetch(struct c2_ds *ds, struct c2_want *wants, size_t n, const struct c2_fetch_hooks *hooks,
                       void *ctx, struct cat2_error *err);
/** Open or create ds->cf; later fn. @errors CAT2_ENOMEM: fn is not called. */
bool c2_upstream_prepare(struct c2_ds *ds, void (*fn)(void *ctx, const struct cat2_error *err), void *ctx,
                         struct cat2_error *err);
/** ROUTE/PATH at one of the sources of its root (mirror/suppliers.h). */
bool c2_ds_url(const struct c2_ds *ds, const struct c2_turn *turn, const char *route, struct c2_buf *out,
               struct cat2_error *err);
/** What this source of ds says instead of data, as c2_reason_of_reply(). Always false. */
bool c2_upstream_refused(const struct c2_ds *ds, const struct c2_turn *turn,
                         const struct c2_http_reply *reply, struct cat2_error *err);
/** The log names the publisher that gave no usable data, once in a while. Other errors: nothing. */
void c2_upstream_blame(struct c2_root_state *root, const struct cat2_error *err);

#endif
