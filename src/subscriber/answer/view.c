/* SPDX-License-Identifier: BSD-3-Clause */
/* The way of a view. */
#include "subscriber/answer/view.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "subscriber/answer/lookup.h"
#include "subscriber/answer/refuse.h"
#include "subscriber/answer/view_impl.h"
#include "subscriber/mirror/roots.h"

#define ANSWER_NBYTES_MAX (64 << 20)  /* of one that is made whole before it is sent */
#define RUNNING_MAX       8           /* views in line, at work at a time */
#define ANSWERS_NBYTES    (32 << 20)  /* remembered */
#define ANSWER_NBYTES     (2 << 20)   /* one of them */
#define ORDERS_NBYTES     (128 << 20) /* row numbers of sorted and filtered tables */
#define HEADS_NBYTES      65536       /* headers of one answer; names of files are the longest */

struct c2_views *c2_views_new(void)
{
    struct c2_views *views = calloc(1, sizeof(*views));

    if (!views) return NULL;
    views->answers = c2_lru_new(ANSWERS_NBYTES, ANSWER_NBYTES);
    views->orders = c2_lru_new(ORDERS_NBYTES, ORDERS_NBYTES);
    if (views->answers && views->orders) return views;
    c2_views_free(views);
    return NULL;
}

void c2_views_free(struct c2_views *views)
{
    if (!views) return;
    c2_lru_free(views->answers);
    c2_lru_free(views->orders);
    free(views);
}

/* ---- remembered answers ---- */

static bool make_key(struct c2_request *req, const struct c2_ds *ds, struct c2_buf *key)
{
    struct cat2_error err;

    *key = C2_BUF_INIT(65536);
    return c2_buf_printf(key, &err, "%llu ", (unsigned long long)ds->serial) &&
           c2_buf_append_str(key, c2_request_target(req), &err);
}

/* The same was asked before of this generation, and the answer is still here. */
static bool reply_remembered(struct c2_request *req, struct c2_ds *ds, const struct c2_buf *key)
{
    const char *heads = NULL, *type = "application/json";
    struct c2_views *views = ds->sub->views;
    struct c2_blob *blob = key->n ? c2_lru_get(views->answers, c2_buf_str(key), &heads) : NULL;

    if (!blob) return false;
    views->hits++;
    c2_reply_header(req, "ETag", ds->quoted);
    c2_view_say_lines(req, heads, &type);
    c2_reply_blob(req, 200, type, blob);
    return true;
}

static void remember(struct c2_view *view, struct c2_blob *blob)
{
    struct cat2_error err;

    if (view->key.n && c2_view_head(view, &err, "Content-Type", view->content_type))
        c2_lru_put(view->ds->sub->views->answers, c2_buf_str(&view->key), blob, c2_buf_cstr(&view->heads));
}

/* ---- the end ---- */

void c2_view_free(struct c2_view *view)
{
    if (view->type->fini) view->type->fini(view->state);
    free(view->state);
    c2_buf_fini(&view->head);
    c2_buf_fini(&view->tail);
    c2_buf_fini(&view->out);
    c2_buf_fini(&view->heads);
    c2_buf_fini(&view->key);
    if (view->spool >= 0) close(view->spool);
    c2_ds_unref(view->ds);
    free(view);
}

/* 400 with the place in an expression the error is about. */
static void reply_position(struct c2_request *req, const struct cat2_error *why, int64_t position)
{
    struct c2_buf out = C2_BUF_INIT(65536);
    struct cat2_error err;
    struct c2_jw w;

    c2_jw_init(&w, &out, C2_JSON_COMPACT, &err);
    c2_jw_begin_object(&w);
    c2_jw_key(&w, "detail");
    c2_jw_cstr(&w, why->message);
    c2_jw_key(&w, "position");
    c2_jw_int(&w, position);
    c2_jw_end_object(&w);
    if (c2_jw_finish(&w)) {
        c2_reply_json(req, 400, &out);
        return;
    }
    c2_buf_fini(&out);
    c2_reply_error(req, why);
}

/* A sum that met a damaged piece, which is here again by now, is begun anew. */
void c2_view_refuse(struct c2_view *view, const struct cat2_error *err)
{
    bool damaged = view->type->sums && view->read.damaged;

    if (view->position >= 0)
        reply_position(view->req, err, view->position);
    else if (!damaged || !c2_request_redo(view->req, C2_READ_REPEATS_MAX))
        c2_sub_answer_error(view->req, view->ds, err);
}

static void fail(struct c2_view *view, const struct cat2_error *err)
{
    c2_view_refuse(view, err);
    c2_view_free(view);
}

static void reply_spool(struct c2_view *view)
{
    struct c2_content content = {.nbytes = lseek(view->spool, 0, SEEK_END),
                                 .content_type = view->content_type,
                                 .mtime_ms = -1,
                                 .fd = view->spool};

    view->spool = -1;
    c2_reply_content(view->req, &content);
}

static void reply(struct c2_view *view)
{
    c2_view_say_heads(view);
    if (view->spool >= 0) {
        reply_spool(view);
        return;
    }
    struct c2_blob *blob = c2_blob_new(&view->out);
    if (!blob) {
        c2_reply_buf(view->req, 200, view->content_type, &view->out);
        return;
    }
    remember(view, blob);
    c2_reply_blob(view->req, 200, view->content_type, blob);
    c2_blob_unref(blob);
}

/* ---- the line ---- */

static void put_in_line(struct c2_view **first, struct c2_view **last, struct c2_view *view)
{
    view->next = NULL;
    if (*last)
        (*last)->next = view;
    else
        *first = view;
    *last = view;
}

static struct c2_view *take_from_line(struct c2_view **first, struct c2_view **last)
{
    struct c2_view *view = *first;

    if (!view) return NULL;
    *first = view->next;
    if (!*first) *last = NULL;
    return view;
}

static void begin(struct c2_view *view);

/* A view that was in line has ended: others begin, as many as have a place; a heavy one may wait on. */
static void leave_line(struct c2_views *views, bool heavy)
{
    views->running--;
    if (heavy) views->heavy = false;
    for (struct c2_view *next; views->running < RUNNING_MAX; begin(next)) {
        next = views->heavy ? NULL : take_from_line(&views->heavy_first, &views->heavy_last);
        if (!next) next = take_from_line(&views->first, &views->last);
        if (!next) return;
    }
}

/* ---- stages ---- */

static void settle(struct c2_view *view, const struct cat2_error *err)
{
    struct c2_ds *ds = c2_ds_ref(view->ds); /* so that the line outlives the view */
    bool in_line = view->type->in_line, heavy = view->heavy;
    struct cat2_error why;

    if (!err && !c2_view_make_heads(view, &why)) err = &why;
    if (err) {
        fail(view, err);
    } else {
        if (view->type->end) view->type->end(view);
        reply(view);
        c2_view_free(view);
    }
    if (in_line) leave_line(ds->sub->views, heavy);
    c2_ds_unref(ds);
}

struct c2_pieces c2_view_pieces(struct c2_view *view, int64_t i, struct c2_bound *bound)
{
    bool some = true;

    if (view->type->bound)
        some = view->type->bound(view, i, bound);
    else
        *bound = c2_select_part(&view->parts, i);
    return (struct c2_pieces){.need = some ? C2_NEED_BOUND : C2_NEED_FILE, .bound = some ? bound : NULL};
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

    c2_read(&view->read, view->ds, &pieces, view->type->sums ? &once : &reader, view);
}

static void begin(struct c2_view *view)
{
    static const struct c2_reader sizer = {.work = run_size, .done = part_done};
    static const struct c2_pieces file = {.need = C2_NEED_FILE};
    struct c2_views *views = view->ds->sub->views;

    if (view->type->in_line) {
        if (views->running >= RUNNING_MAX) {
            put_in_line(&views->first, &views->last, view);
            return;
        }
        view->heavy = view->type->is_heavy && view->type->is_heavy(view);
        if (view->heavy && views->heavy) {
            put_in_line(&views->heavy_first, &views->heavy_last, view);
            return;
        }
        views->heavy |= view->heavy;
        views->running++;
    }
    if (view->type->size)
        c2_read(&view->read, view->ds, &file, &sizer, view);
    else
        next_part(view);
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
                             .content_type = "application/json",
                             .position = -1,
                             .spool = -1};
    c2_buf_init(&view->out, ANSWER_NBYTES_MAX);
    c2_buf_init(&view->heads, HEADS_NBYTES);
    return view;
}

static bool parse(struct c2_view *view, struct cat2_error *err)
{
    if (!view->type->parse(view, err)) return false;
    view->position = -1;
    view->as_made = view->nparts > 1 && !view->type->sums;
    return view->as_made || c2_buf_append(&view->out, view->head.p, view->head.n, err);
}

void c2_view_answer(struct c2_request *req, struct c2_ds *ds, const struct c2_view_type *type)
{
    C2_AUTO(c2_buf) key = C2_BUF_INIT(0);
    struct cat2_error err;

    if (type->of_now)
        c2_reply_header(req, "Cache-Control", "no-store");
    else if (c2_view_generation(req, ds))
        return;
    else if (!make_key(req, ds, &key))
        c2_buf_fini(&key); /* it is not remembered */
    if (reply_remembered(req, ds, &key)) return;
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
        begin(view);
}

static void answer(struct c2_request *req, struct c2_ds *ds)
{
    c2_view_answer(req, ds, c2_request_route_arg(req));
}

void c2_handle_view(struct c2_request *req, void *state)
{
    c2_sub_with_dataset(req, state, false, answer);
}
