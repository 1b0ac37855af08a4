/* SPDX-License-Identifier: BSD-3-Clause */
/* A dataset as a file, any stretch of its bytes: of its frame; or of a plain file, those of the file itself.
 */
#ifndef C2_SUBSCRIBER_API_FILE_BYTES_H
#define C2_SUBSCRIBER_API_FILE_BYTES_H

#include "subscriber/fetch/read.h"

struct c2_file_bytes {
    const struct c2_ds *ds; /* borrowed */
    bool itself;            /* the plain file, not its frame, which then must be a mirror */
};
/** Of all of it. cf: its cache file. */
int64_t c2_file_nbytes(const struct c2_file_bytes *file, const struct c2_cachefile *cf);
/** What c2_file_read() of these ranges (1 or more, borrowed until done) needs; of the file itself the first
 * alone. bound: a place for the call of c2_read(). */
struct c2_pieces c2_file_pieces(const struct c2_file_bytes *file, const struct c2_range *ranges, size_t n,
                                struct c2_bound *bound);
/** In work: bytes of `at`, put into out, which was empty. When c2_read_missed() they mean nothing yet. */
bool c2_file_read(const struct c2_file_bytes *file, const struct c2_reading *reading, struct c2_range at,
                  struct c2_buf *out, struct cat2_error *err);

/* ---- files.c ---- */
/* What is answered. */
struct c2_file_as {
    bool itself;      /* the plain file, not its frame */
    bool attachment;  /* to be saved */
    bool coded;       /* the frame as a content coding of the plain file, which the client takes */
    const char *etag; /* quoted; NULL: the dataset's */
};
/** Answer with the frame, or the plain file itself; with ranges. Conditions were looked at. */
void c2_file_serve(struct c2_request *req, struct c2_ds *ds, const struct c2_file_as *as);

#endif
