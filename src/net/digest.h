/* SPDX-License-Identifier: BSD-3-Clause */
/* Repr-Digest (RFC 9530) for requests with Want-Repr-Digest. */
#ifndef C2_NET_DIGEST_H
#define C2_NET_DIGEST_H

#include "http/repr_digest.h"
#include "net/server.h"

/** Does the client want a digest that we can give? */
bool c2_digest_wanted(const struct c2_request *req);

#endif
