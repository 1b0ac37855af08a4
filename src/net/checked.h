/* SPDX-License-Identifier: BSD-3-Clause */
/* HTTP requests whose answers are checked against the hash that services of ours send (wire/proof.h). What
 * was damaged on its way, or broke off, is asked for again on a new connection, three times in all, as long
 * as nothing of it has been handed over. Loop thread only. */
#ifndef C2_NET_CHECKED_H
#define C2_NET_CHECKED_H

#include "net/http_client.h"
#include "wire/proof.h"

enum c2_check {
    C2_CHECK_ASK,    /* an answer without a hash is taken */
    C2_CHECK_PREFER, /* accepted when it comes so three times: the service is an older version */
    C2_CHECK_MUST    /* it is damaged */
};
struct c2_checked;
/** As c2_http_start(). head() and done() find reply->hashed. What stays damaged is CAT2_EUPSTREAM and says
 * so. A body that data() takes is not covered when reply->hashed: check its parts. */
struct c2_checked *c2_checked_start(struct c2_http *http, const struct c2_http_call *call,
                                    enum c2_wire_kind kind, enum c2_check check);
/** done() is not called any more. */
void c2_checked_cancel(struct c2_checked *checked);

#endif
