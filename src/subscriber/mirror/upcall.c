/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests for data to publishers, all of them, so that a stop need not wait for a publisher that hangs: what
 * is not back after a while is given up, and whoever waits for it is told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/log.h"
#include "subscriber/mirror/upcall.h"

#define PATIENCE_MS 2000 /* less than the server waits for answers under way */

struct c2_upcall {
    struct c2_upcall *prev, *next;
    struct c2_subscriber *sub;
    struct c2_checked *flight;
    struct c2_http_call call; /* who asked: data, done and ctx */
    char host[300];           /* HOST:PORT */
};

static void end(struct c2_upcall *up, struct c2_http_reply *reply, const struct cat2_error *err)
{
    const struct c2_http_call call = up->call;

    c2_list_remove(up->sub->upcalls, up);
    free(up);
    call.done(call.ctx, reply, err);
}

static bool on_head(void *ctx, const struct c2_http_reply *reply, struct cat2_error *err)
{
    struct c2_upcall *up = ctx;

    return up->call.head(up->call.ctx, reply, err);
}

static bool on_data(void *ctx, int status, struct c2_bytes bytes, struct cat2_error *err)
{
    struct c2_upcall *up = ctx;

    return up->call.data(up->call.ctx, status, bytes, err);
}

const char *c2_upcall_kind_name(enum c2_upcall_kind kind)
{
    static const char *const names[C2_UPCALL_KINDS] = {"unreached", "garbled", "too-large", "changed",
                                                       "refused",   "failed",  "other"};

    return names[kind];
}

static void count(struct c2_subscriber *sub, const struct c2_http_reply *reply, const struct cat2_error *err)
{
    enum c2_upcall_kind kind = C2_UPCALL_OTHER;

    if (!err && reply->status < 400) return;
    if (!err)
        kind = reply->status == 412  ? C2_UPCALL_CHANGED
               : reply->status < 500 ? C2_UPCALL_REFUSED
                                     : C2_UPCALL_FAILED;
    else if (err->code == CAT2_EUPSTREAM || err->code == CAT2_EDATA || err->code == CAT2_ELIMIT)
        kind = err->code == CAT2_EUPSTREAM ? C2_UPCALL_UNREACHED
               : err->code == CAT2_EDATA   ? C2_UPCALL_GARBLED
                                           : C2_UPCALL_TOO_LARGE;
    sub->upcall_errors[kind]++;
}

static void on_done(void *ctx, struct c2_http_reply *reply, const struct cat2_error *err)
{
    const struct c2_upcall *up = ctx;

    count(up->sub, reply, err);
    if (err && up->sub->unreached) up->sub->unreached(up->sub, up->host);
    end(ctx, reply, err);
}

enum c2_check c2_sub_check(const struct c2_root_state *root)
{
    return root && root->hashed ? C2_CHECK_MUST : C2_CHECK_ASK;
}

bool c2_upcall_start(struct c2_subscriber *sub, const struct c2_http_call *call, enum c2_wire_kind kind,
                     enum c2_check check, struct cat2_error *err)
{
    struct c2_http_call ours = *call;

    if (sub->given_up) return c2_fail(err, CAT2_ECANCELLED, "shutting down");
    struct c2_upcall *up = calloc(1, sizeof(*up));
    if (!up) return c2_fail_nomem(err, "request");
    up->sub = sub;
    up->call = *call;
    const char *host = c2_url_no_scheme(call->url);
    snprintf(up->host, sizeof(up->host), "%.*s", (int)strcspn(host, "/"), host);
    ours.head = call->head ? on_head : NULL;
    ours.data = call->data ? on_data : NULL;
    ours.done = on_done;
    ours.ctx = up;
    up->flight = c2_checked_start(sub->config.http, &ours, kind, check);
    if (!up->flight) {
        free(up);
        return c2_fail_nomem(err, "request");
    }
    c2_list_push(sub->upcalls, up);
    return true;
}

static void give_up(void *ctx)
{
    struct c2_subscriber *sub = ctx;
    struct cat2_error err;

    sub->patience = NULL;
    sub->given_up = true;
    c2_fail(&err, CAT2_ECANCELLED, "shutting down");
    if (sub->upcalls) c2_log_warn("publishers do not answer: stopping without");
    while (sub->upcalls) {
        c2_checked_cancel(sub->upcalls->flight);
        end(sub->upcalls, NULL, &err);
    }
}

void c2_upcalls_stop(struct c2_subscriber *sub)
{
    sub->patience = c2_timer_start(sub->config.loop, PATIENCE_MS, 0, give_up, sub);
}
