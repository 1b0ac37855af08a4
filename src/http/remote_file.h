/* SPDX-License-Identifier: BSD-3-Clause */
/* Parts of a file that an HTTP server serves. Any thread, one at a time for each session; calls block. */
#ifndef C2_HTTP_REMOTE_FILE_H
#define C2_HTTP_REMOTE_FILE_H

#include "base/limits.h"
#include "http/session.h"

struct c2_range_file {
    struct c2_session *session;
    const char *target;
    int64_t nbytes;                        /* of the file; -1: not asked yet */
    char etag[C2_REMOTE_ETAG_MAX];         /* as sent, "" none */
    char modified[C2_REMOTE_MODIFIED_MAX]; /* Last-Modified, as sent, "" none; it counts without a strong etag
                                            */
};
/** What HEAD says of it: nbytes, etag and modified are set anew, *date is the server's time, in seconds; 0:
 * it does not say. @errors CAT2_EDATA it does not say how long the file is; those of c2_exchange_run(). */
bool c2_range_ask(struct c2_range_file *file, int64_t *date, struct cat2_error *err);
/** Seconds since 1970 of a date as headers have it; -1: it is none. */
int64_t c2_http_date(struct c2_str text);
/** Append the n bytes from off on. The first answer fills nbytes and etag; later ones must be of the same
 * state.
 *  @errors CAT2_ECHANGED it is another state of the file by now; CAT2_EUNSUPPORTED the server serves no
 * ranges; CAT2_EDATA other bytes came than were asked for, or the file ends before; those of
 * c2_exchange_run(). */
bool c2_range_read(struct c2_range_file *file, int64_t off, size_t n, struct c2_buf *out,
                   struct cat2_error *err);

#endif
