/* SPDX-License-Identifier: BSD-3-Clause */
/* Bodies of requests: how much of one is kept is its route's to say, and is known before any of it is read.
 *
 * One whose Content-Length is more than that is answered before it is read. One that is sent in chunks,
 * without a length, is kept up to the maximum; what follows is dropped, and the answer is the same. All
 * bodies of the process share one budget. */
#include "net/server_impl.h"

#define BODIES_MAX (8 << 20) /* bytes of unanswered bodies: a thousand of the largest that a route takes */
#define DROP_MAX   (1 << 20) /* read and dropped before the answer; who sends more loses the connection */

/* Loop thread only. */
static struct {
    size_t held;
    uint64_t too_large, no_room;
} bodies;

/* Digits only, as RFC 9110 has it; anything else is too large. */
static bool read_length(struct c2_str text, uint64_t *out)
{
    int64_t n;

    if (!c2_str_to_i64(text, &n) || n < 0) return false;
    *out = (uint64_t)n;
    return true;
}

bool c2_upload_begin(struct c2_request *req)
{
    const struct c2_route *route;
    struct c2_str length, coding;
    uint64_t n = 0;
    bool told = c2_request_header(req, "Content-Length", &length);
    bool chunked = c2_request_header(req, "Transfer-Encoding", &coding);

    if (told && !chunked && read_length(length, &n) && n == 0) told = false;
    if (!told && !chunked) return false;
    route = c2_request_split(req) ? c2_route_look(req) : NULL;
    req->upload.max = route ? route->body_max : 0;
    if (chunked ? req->upload.max > 0 : read_length(length, &n) && n <= req->upload.max) return false;
    req->upload.state = C2_UPLOAD_TOO_LARGE;
    return true;
}

bool c2_upload_take(struct c2_request *req, const char *bytes, size_t n)
{
    struct c2_upload *upload = &req->upload;
    struct cat2_error err;

    if (upload->state == C2_UPLOAD_FITS && n > upload->max - req->body.n) upload->state = C2_UPLOAD_TOO_LARGE;
    if (upload->state == C2_UPLOAD_FITS &&
        (n > BODIES_MAX - bodies.held || !c2_buf_append(&req->body, bytes, n, &err)))
        upload->state = C2_UPLOAD_NO_ROOM;
    if (upload->state == C2_UPLOAD_FITS) {
        upload->held += n;
        bodies.held += n;
        return true;
    }
    c2_upload_end(req);
    c2_buf_fini(&req->body);
    upload->dropped += n;
    return upload->dropped <= DROP_MAX;
}

bool c2_upload_refused(struct c2_request *req)
{
    struct c2_str path = c2_buf_str(&req->path);
    int shown = (int)c2_min_i64(200, (int64_t)path.n);

    if (req->upload.state == C2_UPLOAD_FITS) return false;
    if (req->upload.state == C2_UPLOAD_NO_ROOM) {
        bodies.no_room++;
        c2_reply_later(req, 1, "%.*s: too many requests with a body are under way", shown, path.p);
    } else if (req->upload.max == 0) {
        bodies.too_large++;
        c2_reply_detail(req, 413, "%.*s: a request for it has no body", shown, path.p);
    } else {
        bodies.too_large++;
        c2_reply_detail(req, 413, "%.*s: the body of a request for it has at most %zu bytes", shown, path.p,
                        req->upload.max);
    }
    return true;
}

void c2_upload_end(struct c2_request *req)
{
    bodies.held -= req->upload.held;
    req->upload.held = 0;
}

bool c2_upload_metrics(struct c2_buf *out, struct cat2_error *err)
{
    return c2_buf_printf(out, err,
                         "# TYPE caterva2_http_bodies_bytes gauge\ncaterva2_http_bodies_bytes %zu\n"
                         "# TYPE caterva2_http_bodies_refused_total counter\n"
                         "caterva2_http_bodies_refused_total{why=\"too large\"} %llu\n"
                         "caterva2_http_bodies_refused_total{why=\"budget\"} %llu\n",
                         bodies.held, (unsigned long long)bodies.too_large,
                         (unsigned long long)bodies.no_room);
}
