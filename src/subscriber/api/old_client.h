/* SPDX-License-Identifier: BSD-3-Clause */
/* Clients of release 0.2.0 of the Python system (2024). They ask /api/download for an address and all others
 * for the file, with the same headers. They are known by what they asked before: by the same library, from
 * the same address, they followed a root or fetched a pickle, which no later client does. */
#ifndef C2_SUBSCRIBER_API_OLD_CLIENT_H
#define C2_SUBSCRIBER_API_OLD_CLIENT_H

#include "subscriber/mirror/mirror.h"

/** The request is one that only these send. */
void c2_old_client_note(struct c2_subscriber *sub, const struct c2_request *req);
/** Is its sender one of them? */
bool c2_old_client_is(const struct c2_subscriber *sub, const struct c2_request *req);

#endif
