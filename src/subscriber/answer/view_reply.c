/* SPDX-License-Identifier: BSD-3-Clause */
/* Sending what was made whole: from memory as long as there is room for it, else from the temporary file; one
 * copy for all who asked for the same. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "subscriber/answer/view_impl.h"
#include "subscriber/mirror/dataset.h"

#define FEW_BYTES (128 << 10) /* what every client may keep in memory by not reading it */

/* ---- from memory, or from the file ---- */

struct sending {
    struct c2_views *views;
    struct c2_ds *ds; /* so that the views stay */
    struct c2_request *req;
    const char *content_type; /* static, or the request's */
    struct c2_blob *blob;     /* NULL: it is in the file */
    struct c2_held held;
    int64_t sent;
};

static void sending_free(void *ctx)
{
    struct sending *s = ctx;

    c2_held_release(&s->held);
    c2_blob_unref(s->blob);
    c2_ds_unref(s->ds);
    free(s);
}

/* The last of those who send it gives its memory back, as far as it is not remembered, too. */
static void end_of_blob(void *ctx)
{
    struct sending *s = ctx;

    if (--s->blob->nsenders == 0) {
        atomic_fetch_sub(&s->views->spill->nbytes, s->blob->bytes.n);
        c2_spill_wake(s->views->spill);
    }
    sending_free(s);
}

static void send_from_memory(struct sending *s)
{
    s->blob->nsenders++;
    c2_reply_lent(s->req, 200, s->content_type, c2_buf_bytes(&s->blob->bytes), end_of_blob, s);
}

static int64_t pull_held(void *ctx, uint8_t *to, size_t room)
{
    struct sending *s = ctx;
    int64_t n = c2_held_read(&s->held, s->sent, to, room);

    if (n < 0) return C2_BODY_FAIL;
    s->sent += n;
    return n > 0 ? n : C2_BODY_END;
}

static void write_out(void *job, void *codec)
{
    struct sending *s = job;

    (void)codec;
    c2_held_write(&s->held, c2_buf_bytes(&s->blob->bytes));
}

static void written_out(void *job)
{
    struct sending *s = job;
    struct c2_body body = {pull_held, sending_free, s};

    if (s->held.n == (int64_t)s->blob->bytes.n) {
        c2_blob_unref(s->blob);
        s->blob = NULL;
        c2_reply_body(s->req, 200, s->content_type, s->held.n, &body);
        return;
    }
    c2_held_release(&s->held); /* the file failed, and says so in the log */
    if (s->blob->nsenders == 0) atomic_fetch_add(&s->views->spill->nbytes, s->blob->bytes.n);
    send_from_memory(s);
}

static void reply_large(struct c2_request *req, struct c2_ds *ds, const char *content_type,
                        struct c2_blob *blob)
{
    struct c2_views *views = ds->sub->views;
    struct sending *s = calloc(1, sizeof(*s));

    if (!s || (!blob->nsenders && !c2_spill_reserve(views->spill, blob->bytes.n, &s->held))) {
        free(s);
        c2_reply_later(req, 2, "too many answers wait for their clients to read them");
        return;
    }
    s->views = views;
    s->ds = c2_ds_ref(ds);
    s->req = req;
    s->content_type = content_type;
    s->blob = c2_blob_ref(blob);
    if (s->held.place == C2_HELD_DISK) {
        struct c2_pool_share share = {c2_view_client(req), (int64_t)blob->bytes.n};
        c2_pool_run_for(views->pool, &share, write_out, written_out, s);
        return;
    }
    s->held = (struct c2_held){0}; /* counted until the last one who sends it is done */
    send_from_memory(s);
}

static void reply_blob(struct c2_request *req, struct c2_ds *ds, const char *content_type,
                       struct c2_blob *blob)
{
    if (blob->bytes.n <= FEW_BYTES || c2_request_is_head(req))
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
    c2_reply_header(req, "ETag", ds->quoted);
    c2_view_say_lines(req, heads, &type);
    reply_blob(req, ds, type, blob);
    return true;
}

static void remember(struct c2_view *view, struct c2_blob *blob)
{
    struct cat2_error err;

    if (view->key.n && c2_view_head(view, &err, "Content-Type", view->content_type))
        c2_lru_put(view->ds->sub->views->answers, c2_buf_str(&view->key), blob, c2_buf_cstr(&view->heads));
}

/* ---- what was made ---- */

static void say_heads(const struct c2_view *made, struct c2_request *req)
{
    const char *unused = NULL;

    if (!made->type->of_now) c2_reply_header(req, "ETag", made->ds->quoted);
    c2_view_say_lines(req, c2_buf_cstr(&made->heads), &unused);
}

static void reply_spool(const struct c2_view *made, struct c2_request *req)
{
    struct c2_content content = {.nbytes = lseek(made->spool, 0, SEEK_END),
                                 .content_type = made->content_type,
                                 .mtime_ms = -1,
                                 .fd = fcntl(made->spool, F_DUPFD_CLOEXEC, 0)};

    say_heads(made, req);
    if (content.fd >= 0)
        c2_reply_content(req, &content);
    else
        c2_reply_later(req, 1, "too many files are open");
}

static void reply_all(struct c2_view *view, struct c2_blob *blob)
{
    for (struct c2_view *one = view; one; one = one == view ? view->followers : one->next) {
        if (one->left) {
            c2_reply_empty(one->req, 503);
        } else if (blob) {
            say_heads(view, one->req);
            reply_blob(one->req, one->ds, view->content_type, blob);
        } else {
            reply_spool(view, one->req);
        }
    }
}

void c2_view_reply(struct c2_view *view)
{
    if (view->spool >= 0) {
        reply_all(view, NULL);
        return;
    }
    c2_views_used(view->ds->sub->views, view->out.n);
    struct c2_blob *blob = c2_blob_new(&view->out);
    if (!blob) {
        struct cat2_error err;
        c2_fail_nomem(&err, "answer");
        for (struct c2_view *one = view; one; one = one == view ? view->followers : one->next)
            c2_reply_error(one->req, &err);
        return;
    }
    reply_all(view, blob);
    remember(view, blob);
    c2_blob_unref(blob);
}
