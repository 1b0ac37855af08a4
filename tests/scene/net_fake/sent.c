/* SPDX-License-Identifier: BSD-3-Clause */
/* Scenes have no sockets that could be asked, and no access log. */
#include "net/access_log.h"
#include "net/server_impl.h"

void c2_sent_begin(struct c2_request *req)
{
    (void)req;
}

void c2_sent_pulled(struct c2_request *req, uint64_t n)
{
    req->sent += n;
}

void c2_sent_end(struct c2_request *req, bool whole)
{
    (void)req;
    (void)whole;
}

void c2_sent_count(struct c2_request *req)
{
    (void)req;
}

void c2_access_log(struct c2_request *req, int64_t us)
{
    (void)req;
    (void)us;
}
