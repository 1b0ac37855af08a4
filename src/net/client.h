/* SPDX-License-Identifier: BSD-3-Clause */
/* HTTP client on the loop: pooled connections, many requests in parallel. Loop thread only. */
#ifndef C2_NET_CLIENT_H
#define C2_NET_CLIENT_H

#include "base/buf.h"
#include "http/header.h"
#include "net/loop.h"

struct c2_http;
/** @param total_max  connections at a time, idle ones too; further requests wait in line. */
bool c2_http_new(struct c2_loop *loop, int per_host_max, int total_max, struct c2_http **out,
                 struct cat2_error *err);
void c2_http_free(struct c2_http *http); /* calls done() of what is under way with CAT2_ECANCELLED */

struct c2_http_reply {
    int status;
    struct c2_str content_type; /* "" when none */
    struct c2_str etag;         /* as sent */
    struct c2_str headers;      /* raw "Name: value\r\n..." of the final answer */
    struct c2_buf *body;        /* steal it if you like; empty when data() took it; NULL in head() */
    bool hashed;                /* checked.h: the answer's hash holds */
};
/** A header out of reply->headers, any case. */
static inline bool c2_http_header(const struct c2_http_reply *reply, const char *name, struct c2_str *out)
{
    return c2_header_of(reply->headers, name, out);
}

struct c2_http_call {
    const char *method;         /* NULL: GET */
    const char *url;            /* copied */
    const char *const *headers; /* "Name: value" strings, NULL-terminated, or NULL; copied */
    struct c2_str body;         /* copied; sent as application/json */
    int64_t timeout_ms;         /* whole request; 0: 30 000 */
    int64_t stall_ms;           /* give up when nothing moves for so long; 0: 10 000 */
    size_t body_max;            /* ceiling of the answer: CAT2_ELIMIT past it */
    bool fresh;                 /* on a connection of its own, which is not used again */
    /* optional: before the first data(); false ends the flight */
    bool (*head)(void *ctx, const struct c2_http_reply *reply, struct cat2_error *err);
    bool (*data)(void *ctx, int status, struct c2_bytes bytes,
                 struct cat2_error *err); /* optional: take the body as it comes (2xx only) */
    /* Exactly once. err is NULL when an HTTP answer came (any status); otherwise reply is NULL. What came and
     * was no sound HTTP answer is CAT2_EDATA; no answer is CAT2_EUPSTREAM. */
    void (*done)(void *ctx, struct c2_http_reply *reply, const struct cat2_error *err);
    void *ctx;
};
struct c2_http_flight;
/** Never calls back before it returns. NULL (and done() deferred with the error) only when out of memory. */
struct c2_http_flight *c2_http_start(struct c2_http *http, const struct c2_http_call *call);
/** done() is not called any more. */
void c2_http_cancel(struct c2_http_flight *flight);

#endif
