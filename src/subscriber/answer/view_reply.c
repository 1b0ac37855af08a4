/* SPDX-License-Identifier: BSD-3-Clause */
/* Sending what was made whole: from memory as long as there is room for it, else from the temporary file; one
 * copy for all who asked for the same. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"
#include "subscriber/answer/view_impl.h"
#include "subscriber/mirror/dataset.h"

/* ---- from memory, or from the file ---- */

/* A large answer, for one or several. */
struct source {
    int refs;
    struct c2_views *views;
    struct c2_ds *ds;             /* so that the views stay */
    struct c2_blob *blob;         /* NULL: it is in the file */
    struct c2_held held;          /* in memory: what is counted for the blob */
    struct sending *waiting;      /* until it is written out */
    struct c2_line_ticket ticket; /* of the view that made it: it holds its memory until then */
};
struct sending {
    struct sending *next;
    struct source *source;
    struct c2_request *req;
    const char *content_type; /* static, or the request's */
    int64_t sent;
};

static void source_unref(struct source *source)
{
    struct c2_ds *ds = source->ds;

    if (--source->refs > 0) return;
    if (source->blob) source->blob->source = NULL;
    c2_held_release(&source->held);
    c2_blob_unref(source->blob);
    free(source);
    c2_ds_unref(ds);
}

static void sending_free(void *ctx)
{
    struct sending *s = ctx;

    source_unref(s->source);
    free(s);
}

static int64_t pull_held(void *ctx, uint8_t *to, size_t room)
{
    struct sending *s = ctx;
    int64_t n = c2_held_read(&s->source->held, s->sent, to, room);

    if (n < 0) return C2_BODY_FAIL;
    s->sent += n;
    return n > 0 ? n : C2_BODY_END;
}

static void send(struct sending *s)
{
    struct c2_body body = {pull_held, sending_free, s};
    struct source *source = s->source;

    if (source->blob)
        c2_reply_lent(s->req, 200, s->content_type, c2_buf_bytes(&source->blob->bytes), sending_free, s);
    else
        c2_reply_body(s->req, 200, s->content_type, source->held.n, &body);
}

static void write_out(void *job, void *codec)
{
    struct source *source = job;

    (void)codec;
    c2_held_write(&source->held, c2_buf_bytes(&source->blob->bytes));
}

/* Where the file failed, which the log says, it is sent from memory all the same. */
static void written_out(void *job)
{
    struct source *source = job;
    struct sending *waiting = source->waiting;

    if (source->held.n == (int64_t)source->blob->bytes.n) {
        source->blob->source = NULL;
        c2_blob_unref(source->blob);
        source->blob = NULL;
    } else {
        c2_held_release(&source->held);
        c2_spill_count(source->views->spill, source->blob->bytes.n, &source->held);
    }
    source->waiting = NULL;
    for (struct sending *next; waiting; waiting = next) {
        next = waiting->next;
        send(waiting);
    }
    c2_line_give_place(source->views, &source->ticket);
    source_unref(source);
}

/* NULL: there is no room in memory, nor in the file. */
static struct source *new_source(struct c2_ds *ds, struct c2_blob *blob)
{
    struct source *source = calloc(1, sizeof(*source));

    if (!source || !c2_spill_reserve(ds->sub->views->spill, blob->bytes.n, &source->held)) {
        free(source);
        return NULL;
    }
    source->views = ds->sub->views;
    source->ds = c2_ds_ref(ds);
    source->blob = c2_blob_ref(blob);
    blob->source = source;
    return source;
}

static void reply_large(struct c2_request *req, struct c2_ds *ds, const char *content_type,
                        struct c2_blob *blob)
{
    struct source *source = blob->source ? blob->source : new_source(ds, blob);
    struct sending *s = source ? calloc(1, sizeof(*s)) : NULL;

    if (!s) {
        if (source && source->refs == 0) source->refs = 1, source_unref(source);
        c2_reply_later(req, 2, "too many answers wait for their clients to read them");
        return;
    }
    *s = (struct sending){.source = source, .req = req, .content_type = content_type};
    bool fresh = source->refs++ == 0, to_disk = source->held.place == C2_HELD_DISK;
    if (!to_disk) {
        send(s);
        return;
    }
    s->next = source->waiting;
    source->waiting = s;
    if (!fresh) return;
    c2_attend_start(&source->views->attendance); /* which closes the file in the end */
    source->refs++;                              /* the job's */
    struct c2_pool_share share = {c2_view_client(req), (int64_t)blob->bytes.n};
    c2_pool_run_for(source->views->pool, &share, write_out, written_out, source);
}

static void reply_blob(struct c2_request *req, struct c2_ds *ds, const char *content_type,
                       struct c2_blob *blob, int status)
{
    if (status)
        c2_reply_blob(req, status, content_type, blob);
    else if (blob->bytes.n <= C2_VIEW_FEW_BYTES || c2_request_is_head(req))
        c2_reply_blob(req, 200, content_type, blob);
    else
        reply_large(req, ds, content_type, blob);
}

/* ---- remembered answers ---- */

/* The same was asked before of this generation, and the answer is still here. */
bool c2_view_reply_remembered(struct c2_request *req, struct c2_ds *ds, const struct c2_buf *key)
{
    const char *heads = NULL, *type = "application/json";
    struct c2_views *views = ds->sub->views;
    struct c2_blob *blob = key->n ? c2_lru_get(views->answers, c2_buf_str(key), &heads) : NULL;

    if (!blob) return false;
    views->hits++;
    views->hit_nbytes += blob->bytes.n;
    c2_reply_header(req, "ETag", ds->quoted);
    c2_view_say_lines(req, heads, &type);
    reply_blob(req, ds, type, blob, 0);
    return true;
}

/* Was this asked for lately? From now on it was. */
static bool is_asked_again(struct c2_views *views, struct c2_str key)
{
    uint64_t hash = c2_hash64(key.p, key.n);
    uint32_t *at = &views->again[hash % C2_VIEW_AGAIN], mark = (uint32_t)(hash >> 32);
    bool again = *at == mark;

    *at = mark;
    return again;
}

/* What is made again in no time is not remembered at once: of answers that nobody asks for again, each would
 * take memory that no cache of the processor has. */
static void remember(struct c2_view *view, struct c2_blob *blob)
{
    struct cat2_error err;

    if (view->key.n == 0 || view->passing) return;
    if (view->read.quick && !is_asked_again(view->ds->sub->views, c2_buf_str(&view->key))) return;
    if (c2_view_head(view, &err, "Content-Type", view->content_type))
        c2_lru_put(view->ds->sub->views->answers, c2_buf_str(&view->key), blob, c2_buf_cstr(&view->heads));
}

/* ---- what was made ---- */

static void say_heads(const struct c2_view *made, struct c2_request *req)
{
    const char *unused = NULL;

    if (made->passing)
        c2_reply_header_anew(req, "Cache-Control", "no-store");
    else if (!made->type->of_now)
        c2_reply_header(req, "ETag", made->ds->quoted);
    c2_view_say_lines(req, c2_buf_cstr(&made->heads), &unused);
}

/* The file of an answer; the descriptors that are sent from are closed before it. */
struct spool {
    int refs, fd;
    struct c2_ds *ds;
};

static void spool_unref(void *ctx)
{
    struct spool *spool = ctx;
    struct c2_ds *ds = spool->ds;

    if (--spool->refs > 0) return;
    if (spool->fd >= 0) c2_views_close(ds->sub->views, spool->fd);
    free(spool);
    c2_ds_unref(ds);
}

static void reply_spool(const struct c2_view *made, struct spool *spool, struct c2_request *req)
{
    struct c2_content content = {.nbytes = lseek(spool->fd, 0, SEEK_END),
                                 .content_type = made->content_type,
                                 .mtime_ms = -1,
                                 .fd = fcntl(spool->fd, F_DUPFD_CLOEXEC, 0),
                                 .free = spool_unref,
                                 .ctx = spool};

    say_heads(made, req);
    if (content.fd < 0 && !made->followers) { /* too many files are open: this one does */
        content.fd = spool->fd;
        spool->fd = -1;
    }
    if (content.fd < 0) {
        c2_reply_later(req, 1, "too many files are open");
        return;
    }
    spool->refs++;
    c2_reply_content(req, &content);
}

/* Of a blob, or of a spool. */
static void reply_all(struct c2_view *view, struct c2_blob *blob, struct spool *spool)
{
    for (struct c2_view *one = view; one; one = one == view ? view->followers : one->next) {
        if (one->left) {
            c2_reply_empty(one->req, 503);
        } else if (blob) {
            say_heads(view, one->req);
            reply_blob(one->req, one->ds, view->content_type, blob, view->status);
        } else {
            reply_spool(view, spool, one->req);
        }
    }
}

static void reply_nomem(struct c2_view *view)
{
    struct cat2_error err;

    c2_fail_nomem(&err, "answer");
    for (struct c2_view *one = view; one; one = one == view ? view->followers : one->next)
        c2_reply_error(one->req, &err);
}

static void reply_from_file(struct c2_view *view)
{
    struct spool *spool = malloc(sizeof(*spool));

    if (!spool) {
        reply_nomem(view);
        return;
    }
    *spool = (struct spool){1, view->spool, c2_ds_ref(view->ds)};
    view->spool = -1;
    reply_all(view, NULL, spool);
    spool_unref(spool);
}

void c2_view_reply(struct c2_view *view)
{
    if (view->spool >= 0) {
        reply_from_file(view);
        return;
    }
    c2_views_used(view->ds->sub->views, view->out.n);
    struct c2_blob *blob = c2_blob_new(&view->out);
    if (!blob) {
        reply_nomem(view);
        return;
    }
    reply_all(view, blob, NULL);
    struct source *source = blob->source;
    if (source && source->waiting) { /* not written out yet */
        source->ticket = view->ticket;
        view->ticket = (struct c2_line_ticket){0};
    }
    if (!source || source->held.place == C2_HELD_MEMORY) remember(view, blob);
    c2_blob_unref(blob);
}
