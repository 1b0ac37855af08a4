/* SPDX-License-Identifier: BSD-3-Clause */
/* Headers of an answer, whoever fetched it. */
#ifndef C2_HTTP_HEADER_H
#define C2_HTTP_HEADER_H

#include "base/buf.h"

/** The first of this name, any case, of raw "Name: value\r\n..." lines. */
bool c2_header_of(struct c2_str headers, const char *name, struct c2_str *out);
/** Append a raw line, as curl hands them over; a status line begins anew. curl takes a first line that only
 * begins as one for 200 and HTTP/1.0. @errors CAT2_EDATA it is no status line (RFC 9112, 4);
 * c2_buf_append()'s. */
bool c2_header_take(struct c2_buf *headers, struct c2_str line, struct cat2_error *err);

#endif
