/* SPDX-License-Identifier: BSD-3-Clause */
/* The full list of a root: the lines that its publisher wrote, streamed as they were when it was asked for.
 */
#include <stdlib.h>

#include "base/limits.h"
#include "subscriber/answer/lookup.h"
#include "subscriber/answer/refuse.h"
#include "subscriber/mirror/follow.h"
#include "subscriber/mirror/roots.h"
#include "subscriber/mirror/via.h"
#include "subscriber/republish/republish.h"
#include "wire/proof.h"

#define BATCH (256 << 10)

struct list {
    struct c2_ds **datasets;
    size_t n, next;
    struct c2_buf out;
    size_t sent;
    bool ended;
    struct c2_proof_list lines;
};

static void list_free(void *ctx)
{
    struct list *list = ctx;

    for (size_t i = 0; i < list->n; i++)
        c2_ds_unref(list->datasets[i]);
    free(list->datasets);
    c2_buf_fini(&list->out);
    free(list);
}

static bool put(struct list *list, const struct c2_ds *ds, struct cat2_error *err)
{
    size_t start = list->out.n;

    return c2_ds_put_line(ds, &list->out, err) && c2_proof_list_line(&list->lines, &list->out, start, err);
}

static int64_t list_pull(void *ctx, uint8_t *to, size_t room)
{
    struct list *list = ctx;
    struct cat2_error err;

    if (list->sent == list->out.n && !list->ended) {
        bool ok = true;
        c2_buf_clear(&list->out);
        list->sent = 0;
        while (ok && list->next < list->n && list->out.n < BATCH)
            ok = put(list, list->datasets[list->next++], &err);
        list->ended = list->next == list->n;
        if (!ok || (list->ended && !c2_proof_list_end(&list->lines, &list->out, &err))) return C2_BODY_FAIL;
    }
    size_t n = list->out.n - list->sent < room ? list->out.n - list->sent : room;
    if (n == 0) return C2_BODY_END;
    memcpy(to, list->out.p + list->sent, n);
    list->sent += n;
    return (int64_t)n;
}

static void reply(const struct c2_found *found, const struct cat2_error *why)
{
    struct c2_root_state *root = found->root;
    struct c2_request *req = found->req;
    struct c2_str wanted;
    char etag[48];

    if (root) c2_via_say(req, root);
    if (why || !root) {
        if (why)
            c2_reply_reason(req, root, why);
        else
            c2_reply_no_root(req, c2_request_param(req, "root"));
        return;
    }
    c2_sub_lines_etag(root, etag);
    if (c2_reply_if_known(req, etag)) return;
    c2_reply_header(req, "ETag", etag);
    struct list *list = calloc(1, sizeof(*list));
    if (list) list->datasets = malloc((root->n + 1) * sizeof(struct c2_ds *));
    if (!list || !list->datasets) {
        free(list);
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    c2_buf_init(&list->out, C2_JSON_NBYTES_MAX);
    list->lines.hashed = c2_request_header(req, C2_PROOF_WANT, &wanted);
    for (; list->n < root->n; list->n++)
        list->datasets[list->n] = c2_ds_ref(root->datasets[list->n]);
    struct c2_body body = {list_pull, list_free, list};
    c2_reply_body(req, 200, "application/x-ndjson", -1, &body);
}

void c2_republish_list(struct c2_request *req, void *state)
{
    struct cat2_error err;
    bool full;

    if (!c2_request_query_bool(req, "full", false, &full, &err))
        c2_reply_error(req, &err);
    else if (!full)
        c2_reply_detail(req, 400, "a mirror has the full list only: ask for list?full=1");
    else
        c2_sub_find_path(req, state, c2_request_param(req, "root"), C2_STR(""), C2_FIND_LISTED, reply, NULL);
}
