/* SPDX-License-Identifier: BSD-3-Clause */
/* A large answer that is made part by part while the socket drains, a few parts ahead, so that a request
 * holds no more than those. Each part first has the pieces it needs, then is made by a worker. */
#ifndef C2_SUBSCRIBER_ANSWER_STREAM_H
#define C2_SUBSCRIBER_ANSWER_STREAM_H

#include "subscriber/answer/lookup.h"

struct c2_stream_ops {
    /** The pieces part i needs. Loop. false: none. NULL: those of the i-th of `parts`. */
    bool (*bound)(void *ctx, int64_t i, struct c2_bound *out);
    /** Append part i to out, which is empty. Worker; several parts at a time. */
    bool (*make)(void *ctx, struct c2_codec *codec, const struct c2_selectable *ds, int64_t i,
                 struct c2_buf *out, struct cat2_error *err);
    /** Add headers to the answer. NULL: its ETag alone. */
    void (*heads)(void *ctx, struct c2_request *req);
    /** When no part is in the making any more. */
    void (*free)(void *ctx);
    /** Begins anew when the dataset has just changed: of c2_sub_answer_error(). NULL: the error is told. */
    c2_dataset_handler *again;
};
struct c2_stream {
    const struct c2_stream_ops *ops;
    void *ctx;
    const struct c2_select_parts *parts; /* at least one; of ctx, and there as long */
    int64_t length;                      /* of the answer, head and tail included; -1: known at the end */
    const char *content_type;            /* static */
    struct c2_buf head, tail;            /* what goes before and after the parts; taken */
};
/** Takes ctx, head and tail. Status and headers are sent once the first part's pieces are there: whoever asks
 * for what cannot be had is told so. */
void c2_stream_start(struct c2_request *req, struct c2_ds *ds, struct c2_stream *stream);

#endif
