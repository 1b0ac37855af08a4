/* SPDX-License-Identifier: BSD-3-Clause */
/* What a publisher says when it does not answer. */
#ifndef C2_SUBSCRIBER_MIRROR_REASON_H
#define C2_SUBSCRIBER_MIRROR_REASON_H

#include "subscriber/mirror/mirror.h"

/** An answer of the publisher at `http` that is none: its status and words, and at their end its address, or
 * the one that a service on the way has told there. The name of what it is about is left to the caller.
 * @param name  that name, ROOT or ROOT/PATH. Always false. */
bool c2_reason_of_reply(const struct c2_http_reply *reply, const char *http, const char *what,
                        const char *name, struct cat2_error *err);
/** Seconds until a publisher that answers 503 is to be asked again: 1 to 60. */
int c2_reason_retry_s(const struct c2_http_reply *reply);
/** Readers of the web are not told where the publisher keeps its files. */
struct c2_str c2_reason_without_place(struct c2_str reason);

#endif
