/* SPDX-License-Identifier: BSD-3-Clause */
/* The cat2h5 processes of a source: started when needed, asked one request at a time each, ended when they
 * are too slow, started again when they ended. Any thread; calls block. */
#ifndef C2_PUBLISHER_SOURCE_H5_WORKER_H
#define C2_PUBLISHER_SOURCE_H5_WORKER_H

#include "base/buf.h"
#include "helper/h5_proto.h"

struct c2_h5_workers;
/** dir: files beneath it may be opened for what a file links to; NULL: those in the file's own directory;
 * C2_H5_NO_FILES: none is opened, all are elsewhere. */
bool c2_h5_workers_new(const char *dir, struct c2_h5_workers **out, struct cat2_error *err);
/** Calls fail soon with CAT2_ECANCELLED, now and later; the processes are ended. */
void c2_h5_workers_cancel(struct c2_h5_workers *workers);
void c2_h5_workers_free(struct c2_h5_workers *workers); /* nobody may talk to them */

struct c2_h5_call {
    enum c2_h5_op op;
    const char *file, *name;
    int64_t nchunk;
    /* WALK: every item, which call->answer and call->others are of. path and name live for the call only. */
    bool (*item)(const struct c2_h5_call *call, const char *path, const char *name, struct c2_str body,
                 struct cat2_error *err);
    void *ctx;
    struct c2_buf *body; /* out: appended; may be NULL for WALK and LOOK */
    /* The state of a file that is elsewhere, NULL: it is here; and who reads parts of it, in this state. */
    const struct c2_h5_state *elsewhere;
    bool (*range)(void *ctx, int64_t off, size_t n, void *to, struct cat2_error *err);
    void *range_ctx;
    struct c2_buf *others; /* out, WALK and LOOK, also when they fail: other files; may be NULL */
    struct c2_h5_answer answer;
    bool heard; /* out, WALK: an item was passed on */
};
/** One request. @errors those of the worker; of call->range, whatever the worker made of it; CAT2_EIO the
 * worker ended, or took too long; CAT2_ECANCELLED. */
bool c2_h5_workers_call(struct c2_h5_workers *workers, struct c2_h5_call *call, struct cat2_error *err);
/** How many there were in this process. */
int64_t c2_h5_requests(void);

#endif
