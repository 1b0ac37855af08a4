/* SPDX-License-Identifier: BSD-3-Clause */
/* Large answers, part by part: made a few ahead of the socket, so that a request holds no more than those.
 * Status and headers are sent once the first part is made: whoever asks for what cannot be had is told so. */
#include <stdlib.h>

#include "base/log_share.h"
#include "subscriber/answer/parts.h"

static void flow_free(struct c2_flow *f)
{
    c2_ahead_stop(&f->ahead);
    c2_unattend(&f->view->ds->sub->views->attendance, &f->view->attended);
    c2_flow_leave(f);
    c2_views_used(f->view->ds->sub->views, C2_VIEW_FEW_BYTES); /* what its socket took */
    c2_view_free(f->view);
    free(f);
}

/* ---- making ---- */

/* The status is out: the reader sees a short body; why, nobody can tell it any more. */
static void fail(struct c2_flow *f, const struct cat2_error *err)
{
    const struct c2_ds *ds = f->view->ds;

    if (f->begun) {
        c2_log_some(C2_WARN, "dataset root=%s path=%s: %s", ds->root, ds->path, err->message);
        return;
    }
    f->gone = true;
    c2_unattend(&ds->sub->views->attendance, &f->view->attended);
    c2_view_refuse(f->view, err);
}

static void begin(struct c2_flow *f);

/* The slots it holds are given back with it: nobody may be using them. */
static void unbusy(struct c2_flow *f)
{
    if (f->gone) flow_free(f);
}

static void progress(struct c2_flow *f, struct c2_flow_part *part)
{
    if (f->gone) return;
    if (part->stage == C2_PART_FAILED) fail(f, &part->err);
    if (!f->gone && !f->begun && part->i == 0) begin(f);
    if (f->gone && f->busy == 0) {
        flow_free(f);
        return;
    }
    if (f->begun) c2_body_wake(f->req);
}

/* The first part waits for pieces: they come before others, and after them chunks are fetched whole. */
static bool first_is_fetched(const struct c2_flow *f)
{
    const struct c2_flow_part *first = f->next_send == 0 ? f->slots[0] : NULL;

    return first && first->stage == C2_PART_MAKING && !first->read.is_working;
}

/* Memory that others need is not filled with what is wanted later. */
static int64_t how_far_ahead(const struct c2_flow *f)
{
    bool tight = c2_spill_is_tight(f->view->ds->sub->views->spill);

    return tight || first_is_fetched(f) ? 1 : C2_PARTS_AHEAD;
}

/* What the next part needs, and what will be needed after it: before the part asks for blocks of the same
 * chunks. */
static void fetch_ahead(struct c2_flow *f)
{
    struct c2_bound part;

    if (!f->ahead.ds) return;
    part = c2_select_part(&f->view->parts, f->next_start);
    c2_ahead_need(&f->ahead, &part);
}

/* false: no memory for the part at hand. */
static bool start_parts(struct c2_flow *f, struct cat2_error *err)
{
    while (f->next_start < f->view->nparts && f->next_start < f->next_send + how_far_ahead(f)) {
        fetch_ahead(f);
        if (!c2_flow_start_part(f, err)) return f->next_start > f->next_send;
    }
    return true;
}

/* ---- sending ---- */

static int64_t copy_out(struct c2_flow *f, const struct c2_buf *from, uint8_t *to, size_t room)
{
    size_t n = (size_t)c2_min_i64((int64_t)room, (int64_t)(from->n - f->sent));

    if (n) memcpy(to, from->p + f->sent, n);
    f->sent += n;
    if (f->sent < from->n) return (int64_t)n;
    f->sent = 0;
    f->stage++;
    return (int64_t)n;
}

static int64_t pull_part(struct c2_flow *f, uint8_t *to, size_t room)
{
    struct c2_flow_part *part = f->slots[f->next_send % C2_PARTS_AHEAD];
    struct cat2_error err;

    if (!part || part->stage == C2_PART_FAILED) return C2_BODY_FAIL;
    if (part->stage != C2_PART_READY) return C2_BODY_WAIT;
    int64_t n = c2_held_read(&part->held, (int64_t)f->sent, to, room);
    if (n < 0) return C2_BODY_FAIL;
    f->sent += (size_t)n;
    if ((int64_t)f->sent < part->held.n) return n;
    f->sent = 0;
    c2_flow_drop_part(f, f->next_send++);
    if (f->next_send == f->view->nparts)
        f->stage = C2_FLOW_TAIL;
    else if (!start_parts(f, &err))
        fail(f, &err);
    return n;
}

static int64_t pull(void *ctx, uint8_t *to, size_t room)
{
    struct c2_flow *f = ctx;

    while (f->stage != C2_FLOW_END) {
        int64_t n = f->stage == C2_FLOW_HEAD    ? copy_out(f, &f->view->head, to, room)
                    : f->stage == C2_FLOW_PARTS ? pull_part(f, to, room)
                                                : copy_out(f, &f->view->tail, to, room);
        if (n) return n;
    }
    return C2_BODY_END;
}

static void body_free(void *ctx)
{
    struct c2_flow *f = ctx;

    f->gone = true;
    atomic_store(&f->view->asker.cancel.now, true);
    if (f->busy == 0) flow_free(f);
}

static void begin_ahead(struct c2_flow *f)
{
    const struct c2_view_type *type = f->view->type;
    struct cat2_error err;

    if (!type->bound && !type->blocks && !type->of)
        c2_ahead_of_bound(&f->ahead, f->view->ds, &f->view->parts.bound);
    (void)start_parts(f, &err);
}

static void begin(struct c2_flow *f)
{
    struct c2_body body = {pull, body_free, f};
    struct cat2_error err;

    if (!c2_view_make_heads(f->view, &err)) {
        fail(f, &err);
        return;
    }
    f->begun = true; /* from here on, sending tells whether the client is there */
    c2_unattend(&f->view->ds->sub->views->attendance, &f->view->attended);
    c2_view_say_heads(f->view);
    begin_ahead(f);
    c2_reply_body(f->req, 200, f->view->content_type, f->view->length, &body);
}

/* Seen while it waits for the first part. */
static void on_left(void *ctx)
{
    struct c2_flow *f = ctx;
    struct cat2_error err;

    atomic_store(&f->view->asker.cancel.now, true);
    c2_fail(&err, CAT2_ECANCELLED, "the client has left");
    fail(f, &err);
    if (f->busy == 0) flow_free(f);
}

void c2_view_send_parts(struct c2_view *view)
{
    struct c2_flow *f = calloc(1, sizeof(*f));
    struct cat2_error err;

    if (f) *f = (struct c2_flow){.view = view, .req = view->req, .progress = progress, .unbusy = unbusy};
    if (!f || !c2_flow_join(f, &err)) {
        free(f);
        c2_fail_nomem(&err, "answer");
        c2_view_refuse(view, &err);
        c2_view_free(view);
        return;
    }
    c2_attend(&view->ds->sub->views->attendance, &view->attended, view->req, on_left, f);
    if (!start_parts(f, &err)) {
        fail(f, &err);
        if (f->busy == 0) flow_free(f);
    } else if (f->slots[0]->stage == C2_PART_READY) {
        progress(f, f->slots[0]); /* another has it already */
    }
}
