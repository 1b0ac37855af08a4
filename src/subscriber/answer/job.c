/* SPDX-License-Identifier: BSD-3-Clause */
/* The way of a view through its stages. */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "subscriber/answer/job.h"
#include "subscriber/answer/refuse.h"
#include "subscriber/fetch/ensure.h"
#include "subscriber/mirror/catalog.h"

#define RUNNING_MAX    8           /* views at work at a time */
#define ANSWERS_NBYTES (32 << 20)  /* remembered */
#define ANSWER_NBYTES  (2 << 20)   /* one of them */
#define ORDERS_NBYTES  (128 << 20) /* row numbers of sorted and filtered tables */
#define OUT_NBYTES     (64 << 20)  /* the largest answer */

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

/* ---- parameters ---- */

struct c2_str c2_view_query(const struct c2_request *req, const char *name)
{
    struct c2_str text = {"", 0};

    c2_request_query(req, name, &text);
    return text;
}

struct c2_str c2_view_slice(const struct c2_request *req)
{
    struct c2_str text = c2_view_query(req, "slice_");

    return text.n ? text : c2_view_query(req, "at");
}

bool c2_view_int(const struct c2_request *req, const char *name, int64_t low, int64_t high, int64_t *value,
                 struct cat2_error *err)
{
    struct c2_str text = c2_str_trim(c2_view_query(req, name));

    if (text.n == 0) return true;
    if (c2_str_to_i64(text, value) && *value >= low && *value <= high) return true;
    return c2_fail(err, CAT2_EINVAL, "%s must be an integer of %lld to %lld", name, (long long)low,
                   (long long)high);
}

/* ---- remembered answers ---- */

static bool make_key(struct c2_request *req, const struct c2_ds *ds, struct c2_buf *key)
{
    struct cat2_error err;

    *key = C2_BUF_INIT(65536);
    return c2_buf_printf(key, &err, "%llu ", (unsigned long long)ds->serial) &&
           c2_buf_append_str(key, c2_request_target(req), &err);
}

static void reply_heads(struct c2_request *req, const char *heads, const char **content_type)
{
    struct c2_str rest = c2_str_of(heads), line, name, value;

    while (c2_str_cut(rest, '\n', &line, &rest)) {
        char name_text[64], value_text[4 * C2_PART_MAX];
        c2_str_cut(line, ':', &name, &value);
        snprintf(name_text, sizeof(name_text), "%.*s", C2_STR_ARG(name));
        value = c2_str_trim(value);
        snprintf(value_text, sizeof(value_text), "%.*s", C2_STR_ARG(value));
        if (strcmp(name_text, "Content-Type") == 0)
            *content_type = c2_arena_strdup(c2_request_arena(req), value);
        else
            c2_reply_header(req, name_text, value_text);
    }
}

static void say_generation(struct c2_request *req, const struct c2_ds *ds)
{
    struct c2_str v;
    bool pinned = c2_request_query(req, "v", &v) && c2_str_is(v, ds->etag);

    c2_reply_header(req, "ETag", ds->quoted);
    c2_reply_header(req, "Cache-Control", pinned ? "public, max-age=31536000, immutable" : "no-cache");
}

bool c2_view_settled(struct c2_request *req, struct c2_ds *ds)
{
    struct c2_str header;
    C2_AUTO(c2_buf) key = C2_BUF_INIT(0);
    const char *heads = NULL, *type = "application/json";

    if (c2_request_header(req, "If-Match", &header) && !c2_etag_listed(header, ds->quoted)) {
        c2_reply_detail(req, 412, "the dataset is of another generation: %s", ds->etag);
        return true;
    }
    if (c2_request_header(req, "If-None-Match", &header) && c2_etag_listed(header, ds->quoted)) {
        say_generation(req, ds);
        c2_reply_empty(req, 304);
        return true;
    }
    struct c2_blob *blob =
        make_key(req, ds, &key) ? c2_lru_get(ds->sub->views->answers, c2_buf_str(&key), &heads) : NULL;
    if (!blob) return false;
    say_generation(req, ds);
    reply_heads(req, heads, &type);
    c2_reply_blob(req, 200, type, blob);
    return true;
}

bool c2_view_head(struct c2_view *view, struct cat2_error *err, const char *name, const char *value)
{
    return c2_buf_printf(&view->heads, err, "%s: %s\n", name, value);
}

/* ---- stages ---- */

static void view_free(struct c2_view *view)
{
    if (view->ops->free) view->ops->free(view->state);
    c2_buf_fini(&view->out);
    c2_buf_fini(&view->heads);
    c2_buf_fini(&view->key);
    c2_cachefile_unref(view->cf);
    c2_ds_unref(view->ds);
    free(view);
}

static void begin(struct c2_view *view);

void c2_view_refuse(struct c2_request *req, const struct cat2_error *why, int64_t position)
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

static void reply(struct c2_view *view)
{
    const char *type = view->content_type ? view->content_type : "application/json", *unused = NULL;
    struct cat2_error err;

    say_generation(view->req, view->ds);
    reply_heads(view->req, c2_buf_cstr(&view->heads), &unused);
    struct c2_blob *blob = c2_blob_new(&view->out);
    if (!blob) {
        c2_reply_buf(view->req, 200, type, &view->out);
        return;
    }
    if (view->key.n && c2_view_head(view, &err, "Content-Type", type))
        c2_lru_put(view->ds->sub->views->answers, c2_buf_str(&view->key), blob, c2_buf_cstr(&view->heads));
    c2_reply_blob(view->req, 200, type, blob);
    c2_blob_unref(blob);
}

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

/* A place is free: whoever waited for it begins. */
static void next_in_line(struct c2_views *views, bool heavy)
{
    struct c2_view *next = heavy ? take_from_line(&views->heavy_first, &views->heavy_last) : NULL;

    if (!next) next = take_from_line(&views->first, &views->last);
    if (next) begin(next);
}

/* The end: answer, and let the next in line begin. */
static void settle(struct c2_view *view)
{
    struct c2_views *views = view->ds->sub->views;
    struct c2_root_state *root = c2_sub_root(view->ds->sub, c2_str_of(view->ds->root));
    struct c2_request *req = view->req;
    bool heavy = view->heavy, gone = false;
    struct cat2_error why;

    if (view->ok) {
        if (view->ops->end) view->ops->end(view);
        reply(view);
    } else {
        gone = view->err.code == CAT2_ENOTFOUND && view->planned && !view->err.http_status;
        if (gone) view->err.http_status = 503; /* evicted between fetch and use, or found damaged */
        why = view->err;
    }
    if (!view->ok && !gone) c2_reply_reason(req, root, &why);
    view_free(view);
    views->running--;
    if (heavy) views->heavy = false;
    if (gone && !c2_request_redo(req, C2_ENSURE_ROUNDS)) c2_reply_error(req, &why);
    next_in_line(views, heavy);
}

static void next_stage(struct c2_view *view);

static void stage_work(void *job, void *codec)
{
    struct c2_view *view = job;

    view->ok = view->ops->work(view, codec, view->stage);
    if (view->ok && ++view->stage == view->nstages && view->ops->finish) view->ok = view->ops->finish(view);
}

static void stage_done(void *job)
{
    struct c2_view *view = job;

    if (view->ok && view->stage < view->nstages)
        next_stage(view);
    else
        settle(view);
}

static void on_pieces(void *ctx, const struct cat2_error *err)
{
    struct c2_view *view = ctx;

    if (!err) {
        c2_pool_run(view->ds->sub->config.pool, stage_work, stage_done, view);
        return;
    }
    view->ok = false;
    view->err = *err;
    settle(view);
}

static void next_stage(struct c2_view *view)
{
    struct c2_bound bound;

    if (view->ops->bound && view->ops->bound(view, view->stage, &bound))
        c2_ensure(view->ds, C2_NEED_BOUND, &bound, on_pieces, view);
    else
        on_pieces(view, NULL);
}

static void plan_work(void *job, void *codec)
{
    struct c2_view *view = job;

    view->ok = !view->ops->plan || view->ops->plan(view, codec);
    if (view->ok && view->nstages == 0 && view->ops->finish) view->ok = view->ops->finish(view);
}

static void plan_done(void *job)
{
    struct c2_view *view = job;

    view->planned = view->ok;
    if (view->ok && view->nstages > 0)
        next_stage(view);
    else
        settle(view);
}

static void on_ready(void *ctx, const struct cat2_error *err)
{
    struct c2_view *view = ctx;

    if (err) {
        view->ok = false;
        view->err = *err;
        settle(view);
        return;
    }
    view->cf = c2_cachefile_ref(view->ds->cf);
    view->source = (struct c2_selectable){c2_cachefile_meta(view->cf), c2_cachefile_chunks(view->cf)};
    c2_pool_run(view->ds->sub->config.pool, plan_work, plan_done, view);
}

static void begin(struct c2_view *view)
{
    struct c2_views *views = view->ds->sub->views;

    if (views->running >= RUNNING_MAX) {
        put_in_line(&views->first, &views->last, view);
        return;
    }
    view->heavy = view->ops->start && view->ops->start(view);
    if (view->heavy && views->heavy) {
        put_in_line(&views->heavy_first, &views->heavy_last, view);
        return;
    }
    views->heavy |= view->heavy;
    views->running++;
    c2_ensure_spans(view->ds, NULL, 0, on_ready, view);
}

void c2_view_start(struct c2_request *req, struct c2_ds *ds, const struct c2_view_ops *ops, void *state)
{
    struct c2_view *view = calloc(1, sizeof(*view));

    if (!view) {
        if (ops->free) ops->free(state);
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    *view = (struct c2_view){.req = req, .ds = c2_ds_ref(ds), .ops = ops, .state = state, .nstages = 1};
    c2_buf_init(&view->out, OUT_NBYTES);
    c2_buf_init(&view->heads, 65536);
    if (!make_key(req, ds, &view->key)) c2_buf_fini(&view->key);
    begin(view);
}
