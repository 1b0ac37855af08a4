/* SPDX-License-Identifier: BSD-3-Clause */
/* Parts of a file that an HTTP server serves. Any thread, one at a time for each session; calls block. */
#ifndef C2_HTTP_REMOTE_FILE_H
#define C2_HTTP_REMOTE_FILE_H

#include "http/session.h"

struct c2_range_file {
    struct c2_session *session;
    const char *target;
    int64_t nbytes; /* of the file; -1: not asked yet */
    char etag[128]; /* as sent, "" none */
};
/** Append the n bytes from off on. The first answer fills nbytes and etag; later ones must be of the same
 * state.
 *  @errors CAT2_ECHANGED it is another state of the file by now; CAT2_EUNSUPPORTED the server serves no
 * ranges; CAT2_EDATA other bytes came than were asked for, or the file ends before; those of
 * c2_exchange_run(). */
bool c2_range_read(struct c2_range_file *file, int64_t off, size_t n, struct c2_buf *out,
                   struct cat2_error *err);

#endif
