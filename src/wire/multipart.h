/* SPDX-License-Identifier: BSD-3-Clause */
/* Answers to requests for several ranges (RFC 9110, 14.6):
 *
 *   --BOUNDARY CRLF (NAME: VALUE CRLF)* CRLF bytes CRLF   ...   --BOUNDARY--
 *
 * Every part must say its Content-Range, which tells its length. */
#ifndef C2_WIRE_MULTIPART_H
#define C2_WIRE_MULTIPART_H

#include "base/str.h"

/** One part: bytes of the whole from off on, borrowed from the body. false stops, with *err set. */
typedef bool c2_multipart_fn(void *ctx, int64_t off, struct c2_bytes bytes, struct cat2_error *err);
/** Read a whole body. @param content_type  "multipart/byteranges; boundary=...".
 *  @errors CAT2_EDATA what is wrong. */
bool c2_multipart_read(struct c2_str content_type, struct c2_bytes body, c2_multipart_fn *fn, void *ctx,
                       struct cat2_error *err);

#endif
