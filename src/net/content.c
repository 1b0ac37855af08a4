/* SPDX-License-Identifier: BSD-3-Clause */
/* Random-access content: conditions, one range, several ranges, or all of it. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "net/server_impl.h"
#include "wire/http_date.h"

/* What is being sent: parts, each a head (multipart only) and a range of the content. */
struct sender {
    struct c2_content content;
    struct c2_request *req;
    int nranges, at;
    struct c2_range *ranges;
    struct c2_buf heads[1]; /* text of the part head at hand */
    size_t head_sent;
    int64_t sent;        /* of the range at hand */
    struct c2_body body; /* of the range at hand, when there is no descriptor */
    bool body_open, multipart, closed;
    char boundary[40];
};

static void sender_free(void *ctx)
{
    struct sender *s = ctx;

    if (s->body_open && s->body.free) s->body.free(s->body.ctx);
    if (s->content.free) s->content.free(s->content.ctx);
    if (s->content.fd >= 0) close(s->content.fd);
    c2_buf_fini(&s->heads[0]);
    free(s->ranges);
    free(s);
}

/* The lines in front of a part; after the last, the closing line. */
static bool part_head(const struct sender *s, int i, struct c2_buf *out, struct cat2_error *err)
{
    if (i == s->nranges) return c2_buf_printf(out, err, "\r\n--%s--\r\n", s->boundary);
    const struct c2_range *r = &s->ranges[i];
    return c2_buf_printf(out, err,
                         "%s--%s\r\nContent-Type: %s\r\nContent-Range: bytes %lld-%lld/%lld\r\n\r\n",
                         i ? "\r\n" : "", s->boundary, s->content.content_type, (long long)r->off,
                         (long long)(r->off + r->n - 1), (long long)s->content.nbytes);
}

static int64_t pull_head(struct sender *s, uint8_t *to, size_t room)
{
    struct cat2_error err;

    if (s->heads[0].n == 0 && !part_head(s, s->at, &s->heads[0], &err)) return C2_BODY_FAIL;
    size_t n = s->heads[0].n - s->head_sent;
    if (n > room) n = room;
    memcpy(to, s->heads[0].p + s->head_sent, n);
    s->head_sent += n;
    return (int64_t)n;
}

static int64_t pull_range(struct sender *s, uint8_t *to, size_t room)
{
    const struct c2_range *r = &s->ranges[s->at];
    struct cat2_error err;
    int64_t left = r->n - s->sent, n = c2_min_i64(left, (int64_t)room);

    if (s->content.fd >= 0) {
        if (!c2_fs_pread(s->content.fd, to, (size_t)n, r->off + s->sent, &err)) return C2_BODY_FAIL;
        s->sent += n;
        return n;
    }
    if (!s->body_open) {
        if (!s->content.open(s->content.ctx, s->req, r->off, r->n, &s->body, &err)) return C2_BODY_FAIL;
        s->body_open = true;
    }
    n = s->body.pull(s->body.ctx, to, (size_t)n);
    if (n == C2_BODY_END) return C2_BODY_FAIL; /* shorter than promised */
    if (n > 0) s->sent += n;
    return n;
}

static int64_t sender_pull(void *ctx, uint8_t *to, size_t room)
{
    struct sender *s = ctx;

    for (;;) {
        bool head_due = s->multipart && (s->heads[0].n == 0 || s->head_sent < s->heads[0].n);
        if (s->at > s->nranges || (!s->multipart && s->at == s->nranges)) return C2_BODY_END;
        if (head_due) return pull_head(s, to, room);
        if (s->at == s->nranges) return C2_BODY_END;
        if (s->sent < s->ranges[s->at].n) return pull_range(s, to, room);
        if (s->body_open && s->body.free) s->body.free(s->body.ctx);
        s->body_open = false;
        s->sent = 0;
        s->at++;
        c2_buf_clear(&s->heads[0]);
        s->head_sent = 0;
    }
}

static int64_t total_length(const struct sender *s)
{
    int64_t n = 0;

    for (int i = 0; i < s->nranges; i++)
        n += s->ranges[i].n;
    for (int i = 0; s->multipart && i <= s->nranges; i++) {
        struct cat2_error err;
        C2_AUTO(c2_buf) head = C2_BUF_INIT(1024);
        if (!part_head(s, i, &head, &err)) return -1;
        n += (int64_t)head.n;
    }
    return n;
}

static void drop(const struct c2_content *content)
{
    if (content->free) content->free(content->ctx);
    if (content->fd >= 0) close(content->fd);
}

/* Conditions that end the request here. */
static bool settled(struct c2_request *req, const struct c2_content *content)
{
    if (!content->etag || !c2_reply_if_settled(req, content->etag)) return false;
    drop(content);
    return true;
}

/* Ranges of the request: > 0 some, 0 none satisfiable, -1 send all. */
static int wanted(struct c2_request *req, const struct c2_content *content, struct c2_range *ranges)
{
    struct c2_str range;

    if (!c2_request_range(req, content->etag, &range)) return -1;
    return c2_ranges_parse(range, content->nbytes, ranges, C2_RANGES_MAX);
}

/* One stretch of a file: the kernel sends it. */
static bool send_file(struct c2_request *req, int status, const struct c2_content *content,
                      struct c2_range range)
{
    if (content->fd < 0 || range.n == 0) return false;
    struct MHD_Response *response =
        MHD_create_response_from_fd_at_offset64((uint64_t)range.n, content->fd, (uint64_t)range.off);
    if (!response) return false;
    req->length = range.n;
    if (content->content_type) MHD_add_response_header(response, "Content-Type", content->content_type);
    c2_reply_prove(req, status, content->content_type, NULL);
    req->at_end = content->free; /* MHD closes the descriptor */
    req->at_end_ctx = content->ctx;
    c2_reply_send(req, status, response);
    return true;
}

static void send_parts(struct c2_request *req, int status, const struct c2_content *content,
                       const struct c2_range *ranges, int n)
{
    struct sender *s = calloc(1, sizeof(*s));
    char type[100];

    if (s) s->ranges = calloc((size_t)n + 1, sizeof(*s->ranges));
    if (!s || !s->ranges) {
        free(s);
        drop(content);
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    s->content = *content;
    if (!s->content.content_type) s->content.content_type = "application/octet-stream";
    s->req = req;
    s->nranges = n;
    memcpy(s->ranges, ranges, (size_t)n * sizeof(*ranges));
    s->multipart = n > 1;
    c2_buf_init(&s->heads[0], 1024);
    snprintf(s->boundary, sizeof(s->boundary), "caterva2-%016llx",
             (unsigned long long)(uint64_t)req->started_us * 0x9e3779b97f4a7c15u);
    snprintf(type, sizeof(type), "multipart/byteranges; boundary=%s", s->boundary);
    struct c2_body body = {sender_pull, sender_free, s};
    c2_reply_body(req, status, s->multipart ? type : content->content_type, total_length(s), &body);
}

/* ETag and the like, as of every answer with content. */
static void describe(struct c2_request *req, const struct c2_content *content)
{
    char text[C2_REMOTE_MODIFIED_MAX];

    c2_reply_header(req, "Accept-Ranges", "bytes");
    if (content->etag) c2_reply_header(req, "ETag", content->etag);
    if (content->mtime_ms < 0) return;
    c2_http_date_text(content->mtime_ms / 1000, text);
    c2_reply_header(req, "Last-Modified", text);
}

static void describe_range(struct c2_request *req, const struct c2_content *content,
                           const struct c2_range *range)
{
    char text[100];

    snprintf(text, sizeof(text), "bytes %lld-%lld/%lld", (long long)range->off,
             (long long)(range->off + range->n - 1), (long long)content->nbytes);
    c2_reply_header(req, "Content-Range", text);
}

#define BUILT_BOUNDARY "caterva2-2d6f0c5e8b7a4193" /* parts tell their lengths */

static bool read_at(const struct c2_content *content, int64_t off, size_t n, uint8_t *to,
                    struct cat2_error *err)
{
    return content->fd < 0 ? content->read(content->ctx, off, n, to, err)
                           : c2_fs_pread(content->fd, to, n, off, err);
}

bool c2_content_build(const struct c2_content *content, const struct c2_range *ranges, int n,
                      struct c2_buf *out, struct cat2_error *err)
{
    struct sender s = {.content = *content, .nranges = n, .ranges = (struct c2_range *)(uintptr_t)ranges};

    snprintf(s.boundary, sizeof(s.boundary), "%s", BUILT_BOUNDARY);
    for (int i = 0; i < n; i++) {
        size_t before;
        if (n > 1 && !part_head(&s, i, out, err)) return false;
        before = out->n;
        if (!c2_buf_resize(out, before + (size_t)ranges[i].n, err) ||
            !read_at(content, ranges[i].off, (size_t)ranges[i].n, out->p + before, err))
            return false;
    }
    return n == 1 || part_head(&s, n, out, err);
}

void c2_reply_content_built(struct c2_request *req, const struct c2_content *content,
                            const struct c2_range *ranges, int n, struct c2_buf *take)
{
    describe(req, content);
    if (n == 1) describe_range(req, content, &ranges[0]);
    c2_reply_buf(req, 206, n == 1 ? content->content_type : "multipart/byteranges; boundary=" BUILT_BOUNDARY,
                 take);
}

void c2_reply_content(struct c2_request *req, const struct c2_content *content)
{
    struct c2_range ranges[C2_RANGES_MAX];
    struct c2_range all = {0, content->nbytes};
    char text[100];

    if (settled(req, content)) return;
    describe(req, content);
    int n = wanted(req, content, ranges);
    if (n == 0) {
        drop(content);
        snprintf(text, sizeof(text), "bytes */%lld", (long long)content->nbytes);
        c2_reply_header(req, "Content-Range", text);
        c2_reply_detail(req, 416, "no such range in %lld bytes", (long long)content->nbytes);
        return;
    }
    if (n == 1) describe_range(req, content, &ranges[0]);
    if (n < 0) ranges[0] = all;
    if (n <= 1 && send_file(req, n < 0 ? 200 : 206, content, ranges[0])) return;
    send_parts(req, n < 0 ? 200 : 206, content, ranges, n < 0 ? content->nbytes > 0 : n);
}
