/* SPDX-License-Identifier: BSD-3-Clause */
/* Large answers, part by part: made a few ahead of the socket, so that a request holds no more than those.
 * Status and headers are sent once the first part is made: whoever asks for what cannot be had is told so. */
#include <stdlib.h>

#include "base/limits.h"
#include "base/log.h"
#include "subscriber/answer/view_impl.h"

#define PARTS_AHEAD 3

enum stage { STAGE_HEAD, STAGE_PARTS, STAGE_TAIL, STAGE_END };

struct part {
    struct flow *flow;
    struct c2_read read;
    int64_t i;
    bool ready, failed;
    struct c2_buf out;
};
struct flow {
    struct c2_view *view;
    struct c2_request *req;
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
    if (f->view) c2_view_free(f->view);
    free(f);
}

/* ---- making ---- */

static bool part_work(void *ctx, const struct c2_reading *reading, struct cat2_error *err)
{
    struct part *part = ctx;
    struct c2_view *view = part->flow->view;

    c2_buf_fini(&part->out);
    c2_buf_init(&part->out, (size_t)C2_CHUNK_CBYTES_MAX);
    return view->type->run(view, reading, part->i, &part->out, err);
}

static bool part_wanted(void *ctx)
{
    const struct part *part = ctx;

    return !part->flow->gone;
}

static void begin(struct flow *f);

/* The status is out: the reader sees a short body; why, nobody can tell it any more. */
static void fail(struct flow *f, const struct cat2_error *err)
{
    const struct c2_ds *ds = f->view->ds;

    if (f->begun) {
        c2_log_warn("dataset root=%s path=%s: %s", ds->root, ds->path, err->message);
        return;
    }
    f->gone = true;
    c2_view_refuse(f->view, err);
}

static void part_done(void *ctx, const struct cat2_error *err)
{
    struct part *part = ctx;
    struct flow *f = part->flow;

    f->busy--;
    part->ready = true;
    part->failed = err != NULL;
    if (err && !f->gone) fail(f, err);
    if (!f->gone && !f->begun && part->i == 0)
        begin(f);
    else if (f->gone && f->busy == 0)
        flow_free(f);
    else if (f->begun && !f->gone)
        c2_body_wake(f->req);
}

static void start_parts(struct flow *f)
{
    static const struct c2_reader reader = {.work = part_work, .done = part_done, .wanted = part_wanted};
    struct c2_bound bound;

    while (f->next_start < f->view->nparts && f->next_start < f->next_send + PARTS_AHEAD) {
        struct part *part = &f->slots[f->next_start % PARTS_AHEAD];
        part->flow = f;
        part->i = f->next_start++;
        part->ready = part->failed = false;
        f->busy++;
        struct c2_pieces pieces = c2_view_pieces(f->view, part->i, &bound);
        c2_read(&part->read, f->view->ds, &pieces, &reader, part);
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

/* Of head, a part or tail: what fits, and the next stage when it was the last of it. 0: nothing was left. */
static int64_t pull_stage(struct flow *f, uint8_t *to, size_t room)
{
    struct part *part = &f->slots[f->next_send % PARTS_AHEAD];
    const struct c2_buf *from = f->stage == STAGE_HEAD    ? &f->view->head
                                : f->stage == STAGE_PARTS ? &part->out
                                                          : &f->view->tail;
    bool done;

    int64_t n = copy_out(f, from, to, room, &done);
    if (done && f->stage == STAGE_PARTS) {
        c2_buf_fini(&part->out);
        part->ready = false;
        f->next_send++;
        start_parts(f);
    } else if (done) {
        f->stage++;
    }
    if (f->stage == STAGE_PARTS && f->next_send == f->view->nparts) f->stage = STAGE_TAIL;
    return n;
}

static int64_t pull(void *ctx, uint8_t *to, size_t room)
{
    struct flow *f = ctx;

    while (f->stage != STAGE_END) {
        const struct part *part = &f->slots[f->next_send % PARTS_AHEAD];
        if (f->stage == STAGE_PARTS && !part->ready) return C2_BODY_WAIT;
        if (f->stage == STAGE_PARTS && part->failed) return C2_BODY_FAIL;
        int64_t n = pull_stage(f, to, room);
        if (n) return n;
    }
    return C2_BODY_END;
}

static void body_free(void *ctx)
{
    struct flow *f = ctx;

    f->gone = true;
    if (f->busy == 0) flow_free(f);
}

static void begin(struct flow *f)
{
    struct c2_body body = {pull, body_free, f};
    struct cat2_error err;

    if (!c2_view_make_heads(f->view, &err)) {
        fail(f, &err);
        if (f->busy == 0) flow_free(f);
        return;
    }
    f->begun = true;
    c2_view_say_heads(f->view);
    c2_reply_body(f->req, 200, f->view->content_type, f->view->length, &body);
}

void c2_view_send_parts(struct c2_view *view)
{
    struct flow *f = calloc(1, sizeof(*f));
    struct cat2_error err;

    if (!f) {
        c2_fail_nomem(&err, "answer");
        c2_view_refuse(view, &err);
        c2_view_free(view);
        return;
    }
    f->view = view;
    f->req = view->req;
    start_parts(f);
}
