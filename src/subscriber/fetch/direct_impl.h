/* SPDX-License-Identifier: BSD-3-Clause */
/* Ranges of a frame in a store of objects: direct.c asks for them, and for chunks; direct_blocks.c for blocks
 * of chunks. Loop thread. */
#ifndef C2_SUBSCRIBER_FETCH_DIRECT_IMPL_H
#define C2_SUBSCRIBER_FETCH_DIRECT_IMPL_H

#include "subscriber/fetch/upstream_impl.h"

struct c2_direct_range {
    struct c2_fetching *fetch;
    int64_t off, nbytes; /* in the frame */
    /* The bytes came as they should, nbytes of them. @errors CAT2_EDATA they are not the frame's. */
    bool (*take)(struct c2_direct_range *range, struct c2_bytes bytes, struct cat2_error *err);
    /* Exactly once, after take() if there was one: what ctx is for is done with it. May be NULL. */
    void (*end)(struct c2_direct_range *range, bool ok);
    void *ctx;
    size_t first, nwants; /* of chunks that follow each other */
};
/** Ask the store for it: later take() and end(), and the fetch goes on. Takes range, which c2_direct_get()
 * frees; end() is called on failure too. @errors those of a request that cannot be made. */
bool c2_direct_get(struct c2_direct_range *range, struct cat2_error *err);
/** Is the store still to be asked for this fetch? */
bool c2_direct_goes_on(const struct c2_fetching *f);
/** The store is asked for no more of this fetch, without its fault: the rest comes from the publisher. */
void c2_direct_skip(struct c2_fetching *f);
/** The chunk of this want as one range, whatever was wanted of it. */
bool c2_direct_get_whole(struct c2_fetching *f, size_t want, struct cat2_error *err);

/* ---- direct_blocks.c ---- */

/** Is this want, of blocks, to be had as such? false: its chunk is to come whole. */
bool c2_direct_has_blocks(const struct c2_fetching *f, size_t want);
/** Ask for the blocks of want f->next, and of those that follow it and are of the same chunk. */
bool c2_direct_start_blocks(struct c2_fetching *f, struct cat2_error *err);

#endif
