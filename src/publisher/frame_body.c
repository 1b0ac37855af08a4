/* SPDX-License-Identifier: BSD-3-Clause */
/* A range of a frame, piece by piece: each is read in a worker, and sent when the frame was still of its
 * generation after that. The kernel's sendfile would send what the pages hold when they leave, which may be
 * of another generation by then. */
#include <stdlib.h>

#include "publisher/publisher_impl.h"

#define PIECE_NBYTES (512 << 10) /* read at a time for one client, in memory until it is sent */

struct body {
    struct c2_request *req;
    struct c2_pool *pool;
    struct c2_item *item;
    int64_t off, left; /* not read yet */
    struct c2_buf piece;
    size_t sent; /* of the piece */
    bool reading, ran, failed, gone;
};

static void body_free(struct body *body)
{
    c2_item_unref(body->item);
    c2_buf_fini(&body->piece);
    free(body);
}

static void read_work(void *ctx, void *local)
{
    struct body *body = ctx;
    size_t n = (size_t)c2_min_i64(PIECE_NBYTES, body->left);
    struct cat2_error err;

    (void)local;
    body->ran = true;
    body->failed = !c2_buf_resize(&body->piece, n, &err) ||
                   !c2_frame_pread(body->item->frame, body->piece.p, n, body->off, &err) ||
                   !c2_item_check(body->item, &err);
    body->off += (int64_t)n;
    body->left -= (int64_t)n;
}

static void read_done(void *ctx)
{
    struct body *body = ctx;

    body->reading = false;
    if (!body->ran) body->failed = true;
    if (body->gone)
        body_free(body);
    else
        c2_body_wake(body->req);
}

static int64_t pull(void *ctx, uint8_t *to, size_t room)
{
    struct body *body = ctx;
    size_t n = body->piece.n - body->sent;

    if (body->reading) return C2_BODY_WAIT;
    if (body->failed) return C2_BODY_FAIL;
    if (n == 0 && body->left == 0) return C2_BODY_END;
    if (n == 0) {
        c2_buf_clear(&body->piece);
        body->sent = 0;
        body->reading = true;
        body->ran = false;
        c2_pool_run(body->pool, read_work, read_done, body);
        return C2_BODY_WAIT;
    }
    if (n > room) n = room;
    memcpy(to, body->piece.p + body->sent, n);
    body->sent += n;
    return (int64_t)n;
}

static void leave(void *ctx)
{
    struct body *body = ctx;

    body->gone = true;
    if (!body->reading) body_free(body);
}

struct source {
    struct c2_pool *pool;
    struct c2_item *item;
};

static bool open_range(void *ctx, struct c2_request *req, int64_t off, int64_t n, struct c2_body *out,
                       struct cat2_error *err)
{
    struct source *source = ctx;
    struct body *body = calloc(1, sizeof(*body));

    if (!body) return c2_fail_nomem(err, "answer");
    *body = (struct body){
        .req = req, .pool = source->pool, .item = c2_item_ref(source->item), .off = off, .left = n};
    c2_buf_init(&body->piece, PIECE_NBYTES);
    *out = (struct c2_body){pull, leave, body};
    return true;
}

static void source_free(void *ctx)
{
    struct source *source = ctx;

    c2_item_unref(source->item);
    free(source);
}

void c2_publisher_reply_frame(struct c2_request *req, struct c2_pool *pool, struct c2_item *item,
                              struct c2_content content)
{
    struct source *source = malloc(sizeof(*source));

    if (!source) {
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    *source = (struct source){pool, c2_item_ref(item)};
    content.fd = -1;
    content.open = open_range;
    content.free = source_free;
    content.ctx = source;
    c2_reply_content(req, &content);
}
