/* SPDX-License-Identifier: BSD-3-Clause */
/* A request goes from its front to the loop thread while its connection is suspended, and back. */
#include "net/server_impl.h"

void c2_request_suspend(struct c2_request *req)
{
    req->is_suspended = true;
    MHD_suspend_connection(req->connection);
}

void c2_request_resume(struct c2_request *req)
{
    req->is_suspended = false;
    MHD_resume_connection(req->connection);
}

static void on_given_back(void *ctx)
{
    struct c2_request *req = ctx;

    c2_request_resume(req);
    c2_drive_kick(req->front->drive);
}

void c2_request_give_back(struct c2_request *req)
{
    if (!req->front->is_apart) {
        on_given_back(req);
        return;
    }
    req->away = true;
    c2_loop_post(req->front->loop, &req->call, on_given_back, req);
}
