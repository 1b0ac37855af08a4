/* SPDX-License-Identifier: BSD-3-Clause */
/* Repr-Digest (RFC 9530): the hash of a whole representation. Of the registered algorithms only sha-256 is
 * supported. */
#ifndef C2_HTTP_REPR_DIGEST_H
#define C2_HTTP_REPR_DIGEST_H

#include "base/buf.h"
#include "base/limits.h"

/* One being computed. */
struct c2_digest;
struct c2_digest *c2_digest_new(void); /* NULL: out of memory */
bool c2_digest_add(struct c2_digest *digest, struct c2_bytes bytes, struct cat2_error *err);
/** The header's value; frees the digest. */
bool c2_digest_end(struct c2_digest *digest, char out[C2_DIGEST_MAX], struct cat2_error *err);
void c2_digest_free(struct c2_digest *digest);
C2_DEFINE_AUTO_PTR(c2_digest, c2_digest_free);
/** Of the first n bytes of a file. Worker. */
bool c2_digest_file(int fd, int64_t n, char out[C2_DIGEST_MAX], struct cat2_error *err);
/** Append bytes in base64 (RFC 4648, 4). */
bool c2_base64(struct c2_bytes bytes, struct c2_buf *out, struct cat2_error *err);

#endif
