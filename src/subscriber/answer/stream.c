/* SPDX-License-Identifier: BSD-3-Clause */
/* Large answers, part by part. */
#include "subscriber/answer/stream.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/log.h"
#include "subscriber/answer/lookup.h"
#include "subscriber/answer/refuse.h"
#include "subscriber/fetch/ensure.h"
#include "subscriber/mirror/catalog.h"

#define PARTS_AHEAD 3

enum stage { STAGE_HEAD, STAGE_PARTS, STAGE_TAIL, STAGE_END };

struct part {
    struct flow *flow;
    int64_t i;
    int rounds;
    bool ready, failed;
    struct c2_buf out;
    struct cat2_error err;
};
struct flow {
    struct c2_stream stream;
    struct c2_request *req;
    struct c2_ds *ds;
    struct c2_cachefile *cf;
    struct part slots[PARTS_AHEAD];
    int64_t next_start, next_send;
    enum stage stage;
    size_t sent; /* of head, the part at hand, or tail */
    int busy;    /* parts in the making */
    bool begun;  /* the status was sent */
    bool gone;   /* the client left, or was told what is wrong */
};

static void flow_free(struct flow *f)
{
    for (size_t i = 0; i < PARTS_AHEAD; i++)
        c2_buf_fini(&f->slots[i].out);
    c2_buf_fini(&f->stream.head);
    c2_buf_fini(&f->stream.tail);
    if (f->stream.ops->free) f->stream.ops->free(f->stream.ctx);
    c2_cachefile_unref(f->cf);
    c2_ds_unref(f->ds);
    free(f);
}

/* ---- making ---- */

static void part_finished(struct part *part)
{
    struct flow *f = part->flow;

    f->busy--;
    if (f->gone && f->busy == 0)
        flow_free(f);
    else if (f->begun && !f->gone)
        c2_body_wake(f->req);
}

/* The reader sees a short body; why, nobody can tell it any more. */
static void say_failed(const struct flow *f, const struct cat2_error *err)
{
    c2_log_warn("dataset root=%s path=%s: %s", f->ds->root, f->ds->path, err->message);
}

static void part_work(void *job, void *codec)
{
    struct part *part = job;
    struct flow *f = part->flow;
    struct c2_selectable ds = {c2_cachefile_meta(f->cf), c2_cachefile_chunks(f->cf)};

    c2_buf_fini(&part->out);
    c2_buf_init(&part->out, (size_t)C2_CHUNK_CBYTES_MAX);
    part->failed = !f->stream.ops->make(f->stream.ctx, codec, &ds, part->i, &part->out, &part->err);
}

static void want_pieces(struct flow *f, int64_t i, c2_ensured *fn, void *ctx);
static void on_part_pieces(void *ctx, const struct cat2_error *err);

/* Evicted between fetch and use, or found damaged: is it had again? */
static bool had_again(struct part *part, c2_ensured *fn)
{
    bool gone = part->failed && part->err.code == CAT2_ENOTFOUND;

    if (!gone || part->flow->gone || part->rounds++ >= C2_ENSURE_ROUNDS) return false;
    want_pieces(part->flow, part->i, fn, part);
    return true;
}

static void part_done(void *job)
{
    struct part *part = job;

    if (had_again(part, on_part_pieces)) return;
    part->ready = true;
    if (part->failed) say_failed(part->flow, &part->err);
    part_finished(part);
}

static void on_part_pieces(void *ctx, const struct cat2_error *err)
{
    struct part *part = ctx;
    struct flow *f = part->flow;

    if (err || f->gone) {
        part->failed = part->ready = true;
        if (err) say_failed(f, err);
        part_finished(part);
        return;
    }
    c2_pool_run(f->ds->sub->config.pool, part_work, part_done, part);
}

static void want_pieces(struct flow *f, int64_t i, c2_ensured *fn, void *ctx)
{
    struct c2_bound bound = c2_select_part(f->stream.parts, i);

    if (!f->stream.ops->bound || f->stream.ops->bound(f->stream.ctx, i, &bound))
        c2_ensure(f->ds, C2_NEED_BOUND, &bound, fn, ctx);
    else
        c2_ensure_spans(f->ds, NULL, 0, fn, ctx);
}

static void start_parts(struct flow *f)
{
    while (f->next_start < f->stream.parts->nparts && f->next_start < f->next_send + PARTS_AHEAD) {
        struct part *part = &f->slots[f->next_start % PARTS_AHEAD];
        part->flow = f;
        part->i = f->next_start++;
        part->ready = part->failed = false;
        part->rounds = 0;
        f->busy++;
        want_pieces(f, part->i, on_part_pieces, part);
    }
}

/* ---- sending ---- */

static int64_t copy_out(struct flow *f, const struct c2_buf *from, uint8_t *to, size_t room, bool *done)
{
    size_t n = from->n - f->sent;

    if (n > room) n = room;
    if (n) memcpy(to, from->p + f->sent, n);
    f->sent += n;
    *done = f->sent == from->n;
    if (*done) f->sent = 0;
    return (int64_t)n;
}

static int64_t pull(void *ctx, uint8_t *to, size_t room)
{
    struct flow *f = ctx;
    bool done;

    for (;;) {
        if (f->stage == STAGE_PARTS && f->next_send == f->stream.parts->nparts) f->stage = STAGE_TAIL;
        if (f->stage == STAGE_END) return C2_BODY_END;
        if (f->stage != STAGE_PARTS) {
            bool head = f->stage == STAGE_HEAD;
            int64_t n = copy_out(f, head ? &f->stream.head : &f->stream.tail, to, room, &done);
            if (done) f->stage = head ? STAGE_PARTS : STAGE_END;
            if (n) return n;
            continue;
        }
        struct part *part = &f->slots[f->next_send % PARTS_AHEAD];
        if (!part->ready) return C2_BODY_WAIT;
        if (part->failed) return C2_BODY_FAIL;
        int64_t n = copy_out(f, &part->out, to, room, &done);
        if (done) {
            c2_buf_fini(&part->out);
            part->ready = false;
            f->next_send++;
            start_parts(f);
        }
        if (n) return n;
    }
}

static void body_free(void *ctx)
{
    struct flow *f = ctx;

    f->gone = true;
    if (f->busy == 0) flow_free(f);
}

static void on_first_part(void *job);

static void on_first_again(void *ctx, const struct cat2_error *err)
{
    struct part *first = ctx;
    struct flow *f = first->flow;

    if (!err) {
        c2_pool_run(f->ds->sub->config.pool, part_work, on_first_part, first);
        return;
    }
    first->err = *err;
    first->rounds = C2_ENSURE_ROUNDS;
    on_first_part(first);
}

static void on_first_part(void *job)
{
    struct part *first = job;
    struct flow *f = first->flow;
    struct c2_body body = {pull, body_free, f};

    if (had_again(first, on_first_again)) return;
    first->ready = true;
    f->busy--;
    if (first->failed) {
        if (first->err.code == CAT2_ENOTFOUND)
            first->err.http_status = 503; /* evicted between fetch and use */
        c2_reply_error(f->req, &first->err);
        body_free(f);
        return;
    }
    f->begun = true;
    if (f->stream.ops->heads)
        f->stream.ops->heads(f->stream.ctx, f->req);
    else
        c2_reply_header(f->req, "ETag", f->ds->quoted);
    c2_reply_body(f->req, 200, f->stream.content_type, f->stream.length, &body);
}

static void on_first_pieces(void *ctx, const struct cat2_error *err)
{
    struct flow *f = ctx;

    if (err) {
        struct c2_ds *ds = c2_ds_ref(f->ds);
        struct c2_request *req = f->req;
        c2_dataset_handler *again = f->stream.ops->again;
        flow_free(f);
        if (again)
            c2_sub_answer_error(req, ds, err, false, again);
        else
            c2_reply_reason(req, c2_sub_root(ds->sub, c2_str_of(ds->root)), err);
        c2_ds_unref(ds);
        return;
    }
    f->cf = c2_cachefile_ref(f->ds->cf);
    f->slots[0].flow = f;
    f->next_start = f->busy = 1;
    c2_pool_run(f->ds->sub->config.pool, part_work, on_first_part, &f->slots[0]);
    start_parts(f);
}

void c2_stream_start(struct c2_request *req, struct c2_ds *ds, struct c2_stream *stream)
{
    struct flow *f = calloc(1, sizeof(*f));

    C2_ASSERT(stream->parts->nparts > 0);
    if (!f) {
        c2_buf_fini(&stream->head);
        c2_buf_fini(&stream->tail);
        if (stream->ops->free) stream->ops->free(stream->ctx);
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    *f = (struct flow){.stream = *stream, .req = req, .ds = c2_ds_ref(ds)};
    want_pieces(f, 0, on_first_pieces, f);
}
