/* SPDX-License-Identifier: BSD-3-Clause */
/* Bodies that are pulled as the socket drains. */
#include <stdlib.h>

#include "base/log_share.h"
#include "net/server_impl.h"

#define BODY_BLOCK  (64u << 10)  /* what the socket is offered at a time, */
#define WIDE_BLOCK  (256u << 10) /* and where few bodies are sent: */
#define WIDE_MAX    16           /* 4 MiB for those who do not read */
#define CHUNK_MOST  (32 << 10)   /* of a chunked body, at a time: as much as a connection has memory */
#define CHUNK_BLOCK 64 /* but not of a chunked body: libmicrohttpd makes that in memory of its own */

/* The next bytes, or one of C2_BODY_*. */
static int64_t pull_some(struct c2_request *req, uint8_t *to, size_t room)
{
    int64_t n = req->server->closing ? C2_BODY_FAIL : req->pull.pull(req->pull.ctx, to, room);

    if (n > 0) c2_sent_pulled(req, (uint64_t)n);
    if (n == C2_BODY_FAIL)
        c2_log_some(C2_WARN, "request id=%s: the answer is cut short: %.300s", c2_request_id(req),
                    req->target);
    req->pull_waiting = n == C2_BODY_WAIT;
    return n;
}

static ssize_t as_mhd(int64_t n)
{
    if (n == C2_BODY_END) return MHD_CONTENT_READER_END_OF_STREAM;
    return n == C2_BODY_FAIL ? MHD_CONTENT_READER_END_WITH_ERROR : (ssize_t)n;
}

/* libmicrohttpd wants bytes. */
static ssize_t on_pull(void *cls, uint64_t pos, char *to, size_t room)
{
    struct c2_request *req = cls;

    (void)pos;
    int64_t n = pull_some(req, (uint8_t *)to, room);
    if (n != C2_BODY_WAIT) return as_mhd(n);
    c2_request_suspend(req);
    return 0;
}

/* Of a chunked body the bytes are kept until libmicrohttpd has room for them, and no room for more: streams
 * that have nothing to say cost nothing. */
static int64_t pull_chunk(struct c2_request *req)
{
    static uint8_t bytes[CHUNK_MOST];
    int64_t n = pull_some(req, bytes, (size_t)c2_min_i64(CHUNK_MOST, (int64_t)req->pull_room));

    if (n <= 0) return n;
    req->pull_to = req->pull_own = malloc((size_t)n);
    if (!req->pull_own) return C2_BODY_FAIL;
    memcpy(req->pull_own, bytes, (size_t)n);
    return n;
}

static void try_pull(struct c2_request *req)
{
    int64_t n = req->pull_chunked ? pull_chunk(req) : pull_some(req, req->pull_to, req->pull_room);

    if (n == C2_BODY_WAIT) return;
    req->pull_n = n;
    c2_request_give_back(req);
}

static void on_asked(void *ctx)
{
    struct c2_request *req = ctx;

    if (req->server->closing) return;
    req->away = false;
    try_pull(req);
}

/* The same of a front with a thread: the loop thread is asked, and libmicrohttpd asks again when it has
 * answered. Where the length is known, libmicrohttpd has a buffer for the answer alone, which stays. */
static ssize_t on_pull_apart(void *cls, uint64_t pos, char *to, size_t room)
{
    struct c2_request *req = cls;
    int64_t n = req->pull_n;

    (void)pos;
    if (req->front->closing) return MHD_CONTENT_READER_END_WITH_ERROR;
    if (n != C2_PULL_NONE) {
        req->pull_n = C2_PULL_NONE;
        if (n <= 0) return as_mhd(n);
        if ((uint64_t)n > room) return MHD_CONTENT_READER_END_WITH_ERROR;
        if (req->pull_own) memcpy(to, req->pull_own, (size_t)n);
        free(req->pull_own);
        req->pull_own = NULL;
        return (ssize_t)n;
    }
    req->pull_to = (uint8_t *)to;
    req->pull_room = room;
    c2_request_suspend(req);
    c2_mailbox_put(req->server->mail, &req->call, on_asked, req);
    return 0;
}

static void end_pull(void *ctx)
{
    struct c2_request *req = ctx;

    if (req->pull.free) req->pull.free(req->pull.ctx);
    req->pull = (struct c2_body){0};
    req->server->nwide -= req->wide;
    c2_request_unref(req);
}

static void on_pull_end(void *cls)
{
    struct c2_request *req = cls;

    if (req->server->mail)
        c2_mailbox_put(req->server->mail, &req->release, end_pull, req);
    else
        end_pull(req);
}

void c2_body_wake(struct c2_request *req)
{
    if (!req->pull_waiting) return;
    req->pull_waiting = false;
    if (req->server->mail)
        try_pull(req);
    else
        c2_request_give_back(req);
}

void c2_reply_body(struct c2_request *req, int status, const char *content_type, int64_t length,
                   const struct c2_body *body)
{
    uint64_t size = length >= 0 ? (uint64_t)length : MHD_SIZE_UNKNOWN;

    req->pull = *body;
    req->length = -1;
    bool wide = length > WIDE_BLOCK && req->server->nwide < WIDE_MAX;
    size_t block = wide ? WIDE_BLOCK : length >= 0 ? BODY_BLOCK : CHUNK_BLOCK;
    req->pull_n = C2_PULL_NONE;
    req->pull_chunked = length < 0;
    struct MHD_Response *response = MHD_create_response_from_callback(
        size, block, req->server->mail ? on_pull_apart : on_pull, req, on_pull_end);
    req->wide = response && wide;
    req->server->nwide += req->wide;
    if (response)
        req->refs++;
    else if (body->free)
        body->free(body->ctx);
    c2_reply_prove(req, status, content_type, NULL);
    c2_reply_typed(req, status, content_type, response);
}
