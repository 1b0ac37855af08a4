/* SPDX-License-Identifier: BSD-3-Clause */
/* The way of a view. */
#include "subscriber/answer/view.h"

#include <stdlib.h>

#include "base/list.h"
#include "subscriber/answer/lookup.h"
#include "subscriber/answer/view_impl.h"
#include "subscriber/mirror/roots.h"

#define ANSWER_NBYTES_MAX (64 << 20) /* of one that is made whole before it is sent */
#define HEADS_NBYTES      65536      /* headers of one answer; names of files are the longest */

/* Under which an answer is remembered, and found by who asks for the same. */
static bool make_key(struct c2_request *req, const struct c2_ds *ds, struct c2_buf *key)
{
    struct c2_bytes body = c2_request_body(req);
    struct cat2_error err;

    *key = C2_BUF_INIT(65536);
    return c2_buf_append(key, &ds->serial, sizeof(ds->serial), &err) &&
           c2_buf_append_str(key, c2_request_target(req), &err) &&
           (body.n == 0 || (c2_buf_putc(key, '\n', &err) && c2_buf_append(key, body.p, body.n, &err)));
}

static void fail(struct c2_view *view, const struct cat2_error *err)
{
    c2_view_refuse(view, err);
    c2_view_free(view);
}

/* ---- the same answer for several ---- */

/* Somebody else's answer to the same question is being made. */
static bool follow(struct c2_view *view)
{
    struct c2_views *views = view->ds->sub->views;
    struct c2_view *leader = view->key.n ? views->making : NULL;

    while (leader && (leader->key.n != view->key.n || memcmp(leader->key.p, view->key.p, view->key.n) != 0))
        leader = leader->next;
    if (!leader) return false;
    view->stage = C2_VIEW_FOLLOWING;
    view->leader = leader;
    view->next = leader->followers;
    leader->followers = view;
    views->shared++;
    return true;
}

static void end(struct c2_view *view)
{
    struct c2_views *views = view->ds->sub->views;

    c2_unattend(&views->attendance, &view->attended);
    if (view->stage == C2_VIEW_FOLLOWING)
        c2_chain_remove(view->leader->followers, view, next);
    else
        c2_chain_remove(views->making, view, next);
    c2_view_free(view);
}

/* It could not be made. Those who asked for the same are told so, too; unless it is given up because its own
 * client left, but then there were none. */
static void fail_all(struct c2_view *view, const struct cat2_error *err)
{
    struct c2_view *followers = view->followers;

    view->followers = NULL;
    for (struct c2_view *next; followers; followers = next) {
        next = followers->next;
        followers->position = view->position;
        followers->read.damaged = view->read.damaged;
        c2_view_refuse(followers, err);
        c2_unattend(&view->ds->sub->views->attendance, &followers->attended);
        c2_view_free(followers);
    }
    c2_view_refuse(view, err);
}

static void settle(struct c2_view *view, const struct cat2_error *err);

static void give_up(struct c2_view *view)
{
    struct cat2_error err;

    c2_fail(&err, CAT2_ECANCELLED, "the client has left");
    settle(view, &err);
}

/* Nobody waits for the answer: it is not made. Its place in line is another's now; what a worker does ends
 * there. */
static void abandon(struct c2_view *view)
{
    if (!view->left || view->followers) return;
    atomic_store(&view->asker.cancel.now, true);
    if (view->stage != C2_VIEW_IN_LINE) return;
    c2_line_leave(view);
    give_up(view);
}

static void on_left(void *ctx)
{
    struct c2_view *view = ctx;

    view->left = true;
    if (view->stage == C2_VIEW_FOLLOWING) {
        struct c2_view *leader = view->leader;
        c2_reply_empty(view->req, 503);
        end(view);
        view = leader;
    }
    abandon(view);
}

/* ---- stages ---- */

static void settle(struct c2_view *view, const struct cat2_error *err)
{
    struct c2_ds *ds = c2_ds_ref(view->ds); /* so that the line outlives the view */
    struct c2_views *views = ds->sub->views;
    struct cat2_error why;

    c2_chain_remove(views->making, view, next);
    c2_held_release(&view->held); /* the reply counts it anew */
    if (!err && !c2_view_make_heads(view, &why)) err = &why;
    if (err) {
        fail_all(view, err);
    } else {
        if (view->type->end) view->type->end(view);
        c2_view_reply(view);
    }
    while (view->followers)
        end(view->followers);
    struct c2_line_ticket ticket = view->ticket; /* unless the reply has it now */
    end(view);
    c2_line_give_place(views, &ticket);
    c2_ds_unref(ds);
}

static bool finish(struct c2_view *view, struct cat2_error *err)
{
    return view->part < view->nparts || !view->type->finish || view->type->finish(view, &view->out, err);
}

static bool run_part(void *ctx, const struct c2_reading *reading, struct cat2_error *err)
{
    struct c2_view *view = ctx;
    size_t before = view->out.n;

    if (!view->type->run(view, reading, view->part, &view->out, err)) {
        view->out.n = before; /* a part that can be had again is made again */
        return false;
    }
    view->part++;
    return finish(view, err) &&
           (view->part < view->nparts || c2_buf_append(&view->out, view->tail.p, view->tail.n, err));
}

static bool run_size(void *ctx, const struct c2_reading *reading, struct cat2_error *err)
{
    struct c2_view *view = ctx;

    return view->type->size(view, reading, err) && finish(view, err);
}

static void next_part(struct c2_view *view);

static void part_done(void *ctx, const struct cat2_error *err)
{
    struct c2_view *view = ctx;

    if (!err && view->part < view->nparts)
        next_part(view);
    else
        settle(view, err);
}

static void next_part(struct c2_view *view)
{
    static const struct c2_reader reader = {.work = run_part, .done = part_done},
                                  once = {.work = run_part, .done = part_done, .once = true};
    struct c2_bound bound;
    struct c2_pieces pieces = c2_view_pieces(view, view->part, &bound);

    struct c2_ds *ds = view->type->of ? view->type->of(view, view->part) : view->ds;
    c2_read(&view->read, ds, &pieces, view->type->sums ? &once : &reader, view);
}

static void begin(struct c2_view *view)
{
    static const struct c2_reader sizer = {.work = run_size, .done = part_done};
    struct c2_pieces file = {.need = C2_NEED_FILE,
                             .asker = &view->asker,
                             .weight = view->type->weight,
                             .extra = view->memory}; /* is made empty */

    view->stage = C2_VIEW_RUNNING;
    if (view->type->size)
        c2_read(&view->read, view->ds, &file, &sizer, view);
    else
        next_part(view);
}

/* An answer of known length that is made of items: where there is no memory for all of it, it is sent as it
 * is made. */
static bool has_memory(struct c2_view *view)
{
    struct c2_spill *spill = view->ds->sub->views->spill;

    if (view->length <= C2_VIEW_FEW_BYTES || view->type->sums) return true;
    if (!c2_spill_fits(spill, (size_t)view->length)) return false;
    c2_spill_count(spill, (size_t)view->length, &view->held);
    return true;
}

/* As others, or as the one others follow. */
static void make_whole(struct c2_view *view)
{
    struct c2_views *views = view->ds->sub->views;
    bool follows = follow(view);

    if (!follows && !has_memory(view)) {
        c2_buf_clear(&view->out); /* it has the head */
        c2_view_send_parts(view);
        return;
    }
    c2_attend(&views->attendance, &view->attended, view->req, on_left, view);
    if (follows) return;
    view->next = views->making;
    views->making = view;
    switch (c2_line_enter(view, begin)) {
    case C2_LINE_BEGIN:
        begin(view);
        break;
    case C2_LINE_WAIT:
        break;
    case C2_LINE_FULL:
        c2_reply_later(view->req, 2, "too many requests that take long are waiting for their turn");
        end(view);
        break;
    }
}

/* ---- the request ---- */

static int64_t no_body(void *ctx, uint8_t *to, size_t room)
{
    (void)ctx, (void)to, (void)room;
    return C2_BODY_FAIL;
}

/* HEAD: what an answer would be is known without making it. */
static void reply_head(struct c2_view *view)
{
    struct cat2_error err;

    if (!c2_view_make_heads(view, &err)) {
        fail(view, &err);
        return;
    }
    c2_view_say_heads(view);
    c2_reply_body(view->req, 200, view->content_type, view->length, &(struct c2_body){no_body, NULL, NULL});
    c2_view_free(view);
}

static struct c2_view *new_view(struct c2_request *req, struct c2_ds *ds, const struct c2_view_type *type)
{
    struct c2_view *view = calloc(1, sizeof(*view));
    void *state = calloc(1, type->state_nbytes + 1);

    if (!view || !state) {
        free(view);
        free(state);
        return NULL;
    }
    *view = (struct c2_view){.type = type,
                             .req = req,
                             .ds = c2_ds_ref(ds),
                             .state = state,
                             .nparts = 1,
                             .length = -1,
                             .cost = -1,
                             .weight = type->weight,
                             .content_type = "application/json",
                             .position = -1,
                             .spool = -1};
    view->asker.client = view->turn.client = c2_view_client(req);
    c2_buf_init(&view->out, ANSWER_NBYTES_MAX);
    c2_buf_init(&view->heads, HEADS_NBYTES);
    return view;
}

static bool parse(struct c2_view *view, struct cat2_error *err)
{
    if (!view->type->parse(view, err) || !c2_view_work_is_allowed(view, 0, err)) return false;
    view->position = -1;
    view->as_made = view->nparts > 1 && !view->type->sums;
    return view->as_made || c2_buf_append(&view->out, view->head.p, view->head.n, err);
}

void c2_view_answer(struct c2_request *req, struct c2_ds *ds, const struct c2_view_type *type)
{
    C2_AUTO(c2_buf) key = C2_BUF_INIT(0);
    struct cat2_error err;

    c2_views_used(ds->sub->views, 0);
    if (type->of_now)
        c2_reply_header(req, "Cache-Control", "no-store");
    else if (c2_view_generation(req, ds))
        return;
    else if (!make_key(req, ds, &key))
        c2_buf_fini(&key); /* it is not remembered */
    if (c2_view_reply_remembered(req, ds, &key)) return;
    const struct c2_view_type *other = type->choose ? type->choose(req) : NULL;
    if (other) type = other;
    struct c2_view *view = new_view(req, ds, type);
    if (view) view->key = c2_buf_steal(&key);
    if (!view)
        c2_reply_detail(req, 503, "out of memory");
    else if (!parse(view, &err))
        fail(view, &err);
    else if (view->length >= 0 && c2_request_is_head(req))
        reply_head(view);
    else if (view->as_made)
        c2_view_send_parts(view);
    else
        make_whole(view);
}

static void answer(struct c2_request *req, struct c2_ds *ds)
{
    c2_view_answer(req, ds, c2_request_route_arg(req));
}

void c2_handle_view(struct c2_request *req, void *state)
{
    c2_sub_with_dataset(req, state, false, answer);
}
