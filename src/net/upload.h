/* SPDX-License-Identifier: BSD-3-Clause */
/* Bodies of requests: how much of one is kept is its route's to say, and is known before any of it is read.
 *
 * One whose Content-Length is more than that is answered before it is read. Where none is taken, a small one
 * is read and not kept. One that is sent in chunks, without a length, is kept up to the maximum; what follows
 * is dropped, and the answer is the same. All bodies of the process share one budget.
 * Any thread; a body is of one at a time. */
#ifndef C2_NET_UPLOAD_H
#define C2_NET_UPLOAD_H

#include "base/buf.h"
#include "base/exposition.h"
#include "base/limits.h"

enum c2_upload_state { C2_UPLOAD_FITS, C2_UPLOAD_TOO_LARGE, C2_UPLOAD_NO_ROOM };
struct c2_upload {
    enum c2_upload_state state;
    size_t max, held, dropped; /* bytes: of its route; of the budget; read and not kept */
};

/** Does a request with this Content-Length (p NULL: none) have a body at all? */
bool c2_upload_is_any(struct c2_str length, bool chunked);
/** Its route takes max bytes. true: the body is not to be read, the request is answered now. */
bool c2_upload_begin(struct c2_upload *upload, struct c2_str length, bool chunked, size_t max);
/** Append to the body, or drop where that is too much. false: the connection is to be closed. */
bool c2_upload_take(struct c2_upload *upload, struct c2_buf *body, const char *bytes, size_t n);
/** The status of the refusal, 413 or 503, with its reason; 0: the body is whole. */
int c2_upload_judge(const struct c2_upload *upload, char why[C2_WHY_MAX]);
/** The request is over: its share of the budget is given back. */
void c2_upload_end(struct c2_upload *upload);
void c2_upload_metrics(struct c2_metrics *m);

#endif
