/* SPDX-License-Identifier: BSD-3-Clause */
/* A service that has nothing to do gives memory back. */
#ifndef C2_BIN_SERVICE_REST_H
#define C2_BIN_SERVICE_REST_H

#include "net/worker.h"

/* Zero-initialise. */
struct c2_rest {
    struct c2_loop *loop;
    struct c2_pool *pool; /* whose workers give it back */
    struct c2_timer *timer;
    bool at_it, settled;        /* settled: it has rested since the start */
    int64_t cpu_ms, at_rest_ms; /* of the process: at the last look, and when it gave back last */
};
/** Look now and then, first a moment after the start. @errors CAT2_ENOMEM. */
bool c2_rest_start(struct c2_rest *rest, struct c2_loop *loop, struct c2_pool *pool, struct cat2_error *err);
/** Before the loop is freed. What a worker does for it ends with the pool. */
void c2_rest_stop(struct c2_rest *rest);

#endif
