/* SPDX-License-Identifier: BSD-3-Clause */
/* Many HTTP requests at a time, driven by a loop of the caller's: pooled connections. One thread. */
#ifndef C2_HTTP_MULTI_H
#define C2_HTTP_MULTI_H

#include "base/buf.h"
#include "base/limits.h"
#include "http/authorities.h"
#include "http/header.h"

struct sockaddr;
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
    long buffer_nbytes;         /* so much of a body is read at once, up to a hundred times in one turn of the
                                 * loop; less where each byte takes time. 0: 256 KiB */
    int64_t stall_ms;           /* give up when nothing moves for so long, or, after that time, less than
                                 * 4 bytes/s came in all; 0: less than 100 bytes/s for 10 000 */
    size_t body_max;            /* ceiling of the answer: CAT2_ELIMIT past it */
    bool fresh;                 /* on a connection of its own, which is not used again */
    bool known;                 /* its address is a setting of ours: not judged (c2_multi_judge()) */
    bool *nobody;               /* optional: set before done() when nothing listens at such an address */
    /* optional: before the first data(); false ends the flight */
    bool (*head)(void *ctx, const struct c2_http_reply *reply, struct cat2_error *err);
    bool (*data)(void *ctx, int status, struct c2_bytes bytes,
                 struct cat2_error *err); /* optional: take the body as it comes (2xx only) */
    /* Exactly once. err is NULL when an HTTP answer came (any status); otherwise reply is NULL. What came and
     * was no sound HTTP answer is CAT2_EDATA; no answer is CAT2_EUPSTREAM. */
    void (*done)(void *ctx, struct c2_http_reply *reply, const struct cat2_error *err);
    void *ctx;
};

/* What the loop is to do. */
struct c2_multi_ops {
    /* Call c2_multi_ready() when the socket is readable or writable; neither: no more. *watch is the loop's,
     * of this socket, NULL at first. false: out of memory. */
    bool (*watch)(void *ctx, int fd, bool read, bool write, void **watch);
    /* Call c2_multi_timeout() after ms; < 0: never. */
    void (*timer)(void *ctx, int64_t ms);
};
struct c2_keyring;
struct c2_multi;
struct c2_http_flight;
bool c2_multi_new(const struct c2_multi_ops *ops, void *ctx, int per_host_max, int total_max,
                  struct c2_multi **out, struct cat2_error *err);
/** Whose certificates are believed from now on; borrowed. */
void c2_multi_set_authorities(struct c2_multi *multi, const struct c2_authorities *authorities);
const struct c2_authorities *c2_multi_authorities(const struct c2_multi *multi);
void c2_multi_free(struct c2_multi *multi);
/** Before a connection is made, also to an address that a name has: may it be? false: *why says why not, and
 * no packet is sent. */
typedef bool c2_http_judge(void *ctx, const struct sockaddr *to, char why[C2_WHY_MAX]);
void c2_multi_judge(struct c2_multi *multi, c2_http_judge *judge, void *ctx);
/** Keys that requests from now on carry, each to its service (http/keyring.h); borrowed. Redirects are not
 * followed. */
void c2_multi_use_keys(struct c2_multi *multi, const struct c2_keyring *keys);
/** c2_multi_reap() is to follow each of both. */
void c2_multi_ready(struct c2_multi *multi, int fd, bool readable, bool writable);
void c2_multi_timeout(struct c2_multi *multi);
/** Call done() of what has ended. */
void c2_multi_reap(struct c2_multi *multi);
/** As net/http_client.h has them. */
struct c2_http_flight *c2_multi_start(struct c2_multi *multi, const struct c2_http_call *call);
void c2_multi_cancel(struct c2_http_flight *flight);

#endif
