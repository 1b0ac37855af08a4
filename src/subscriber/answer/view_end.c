/* SPDX-License-Identifier: BSD-3-Clause */
/* What every way of answering needs of a view: its pieces, its refusal, its end. */
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "subscriber/answer/lookup.h"
#include "subscriber/answer/view_impl.h"
#include "subscriber/mirror/dataset.h"
#include "wire/json.h"

struct c2_pieces c2_view_pieces(struct c2_view *view, int64_t i, struct c2_bound *bound)
{
    const int64_t *blocks = NULL;
    bool some = true;
    size_t n = 0;

    if (view->type->bound)
        some = view->type->bound(view, i, bound);
    else
        *bound = c2_select_part(&view->parts, i);
    if (some && view->type->blocks) blocks = view->type->blocks(view, i, &n);
    return (struct c2_pieces){.need = !some    ? C2_NEED_FILE
                                      : blocks ? C2_NEED_BLOCKS
                                               : C2_NEED_BOUND,
                              .bound = some ? bound : NULL,
                              .blocks = blocks,
                              .n = n,
                              .asker = &view->asker,
                              .weight = view->weight,
                              .extra = view->type->extra ? view->type->extra(view, i) : 0};
}

bool c2_view_spool(struct c2_view *view, int64_t nbytes, struct cat2_error *err)
{
    if (view->spool >= 0 && ftruncate(view->spool, 0) != 0)
        return c2_fail(err, CAT2_EIO, "temporary file: cannot be emptied");
    if (view->spool < 0 && nbytes > C2_VIEW_AT_ONCE_NBYTES)
        view->spool = c2_fs_open_nameless(view->ds->sub->statefd, ".");
    return true;
}

void c2_view_free(struct c2_view *view)
{
    if (view->type->fini) view->type->fini(view->state);
    free(view->state);
    c2_buf_fini(&view->head);
    c2_buf_fini(&view->tail);
    c2_held_release(&view->held);
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
    c2_jw_put_cstr(&w, "detail", why->message);
    c2_jw_put_int(&w, "position", position);
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
