/* SPDX-License-Identifier: BSD-3-Clause */
/* The full list of a root: the lines that its publisher wrote, streamed as they were when it was asked for.
 * While there is none yet, who asks for them is told the names that came so far (wire/early_names.h), and
 * then the list. */
#include <stdlib.h>

#include "base/limits.h"
#include "subscriber/answer/lookup.h"
#include "subscriber/answer/refuse.h"
#include "subscriber/mirror/follow.h"
#include "subscriber/mirror/names_so_far.h"
#include "subscriber/mirror/roots.h"
#include "subscriber/mirror/via.h"
#include "subscriber/republish/republish.h"
#include "wire/early_names.h"
#include "wire/proof.h"

#define BATCH         (256 << 10)
#define NAMES_NBYTES  (32 << 10) /* of names found so far, in a line */
#define NAMES_TICK_MS 200        /* between lines of them */
#define NAMES_IDLE_MS 5000       /* or, when none comes, lines of none: who waits sees that it goes on */
#define NAMES_LATE_MS 2000       /* no names until then: answered as anybody else */

/* While there is no list. */
struct early {
    struct c2_request *req;
    struct c2_root_state *root; /* lives as long as the subscriber */
    struct c2_timer *ticker;
    uint64_t serial; /* of the names that were told up to `at` */
    size_t at;
    int64_t told_ms;
    bool begun; /* the answer */
};
struct list {
    struct early early; /* .root NULL: there is a list */
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

    c2_timer_stop(list->early.ticker);
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

/* What there is now. */
static bool take_datasets(struct list *list, struct c2_root_state *root)
{
    list->datasets = malloc((root->n + 1) * sizeof(struct c2_ds *));
    if (!list->datasets) return false;
    for (; list->n < root->n; list->n++)
        list->datasets[list->n] = c2_ds_ref(root->datasets[list->n]);
    return true;
}

/* ---- while there is no list ---- */

/* Names that came since the last line, as many as one has room for. */
static size_t put_names(struct early *early, struct c2_jw *w)
{
    const struct c2_sub_so_far *so_far = early->root->so_far;
    size_t n = 0;

    if (!so_far) return 0;
    if (so_far->serial != early->serial) early->at = 0;
    early->serial = so_far->serial;
    for (size_t end = early->at + NAMES_NBYTES; early->at < so_far->names.n && early->at < end; n++) {
        const char *name = (const char *)so_far->names.p + early->at;
        c2_jw_cstr(w, name);
        early->at += strlen(name) + 1;
    }
    return n;
}

/* 1: there is a line of names to send; else a C2_BODY_ code. */
static int64_t put_early(struct list *list)
{
    struct early *early = &list->early;
    int64_t now = c2_loop_now_ms(early->root->sub->config.loop);
    struct cat2_error err;
    struct c2_jw w;

    c2_buf_clear(&list->out);
    list->sent = 0;
    c2_jw_init(&w, &list->out, C2_JSON_COMPACT, &err);
    c2_jw_begin_object(&w);
    c2_jw_open_array(&w, C2_SO_FAR_KEY);
    size_t n = put_names(early, &w);
    c2_jw_end_array(&w);
    c2_jw_end_object(&w);
    if (!c2_jw_finish(&w) || (list->lines.hashed && !c2_proof_seal_json(&list->out, 0, NULL, &err)) ||
        !c2_buf_putc(&list->out, '\n', &err))
        return C2_BODY_FAIL;
    if (n == 0 && (!early->begun || now - early->told_ms < NAMES_IDLE_MS)) {
        c2_buf_clear(&list->out);
        return C2_BODY_WAIT;
    }
    early->told_ms = now;
    return 1;
}

/* The next line of names; or its datasets, once it is listed. A listing that failed leaves an answer that is
 * cut: who asked asks again. */
static int64_t early_or_list(struct list *list)
{
    struct c2_root_state *root = list->early.root;

    if (root->sub->stopping) return C2_BODY_FAIL;
    if (c2_sub_so_far_is_all(root)) return put_early(list);
    c2_timer_stop(list->early.ticker);
    list->early = (struct early){0};
    c2_buf_clear(&list->out);
    list->sent = 0;
    return c2_root_is_listed(root) && take_datasets(list, root) ? 1 : C2_BODY_FAIL;
}

static int64_t list_pull(void *ctx, uint8_t *to, size_t room)
{
    struct list *list = ctx;
    struct cat2_error err;

    if (list->early.root && list->sent == list->out.n) {
        int64_t got = early_or_list(list);
        if (got != 1) return got;
    }
    if (!list->early.root && list->sent == list->out.n && !list->ended) {
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

/* ---- answers ---- */

static struct list *list_new(struct c2_request *req)
{
    struct list *list = calloc(1, sizeof(*list));
    struct c2_str wanted;

    if (!list) return NULL;
    c2_buf_init(&list->out, C2_JSON_NBYTES_MAX);
    list->lines.hashed = c2_request_header(req, C2_PROOF_WANT, &wanted);
    return list;
}

static void send_list(struct c2_request *req, struct list *list)
{
    struct c2_body body = {list_pull, list_free, list};

    c2_reply_body(req, 200, "application/x-ndjson", -1, &body);
}

static void reply(const struct c2_found *found, const struct cat2_error *why)
{
    struct c2_root_state *root = found->root;
    struct c2_request *req = found->req;
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
    struct list *list = list_new(req);
    if (!list || !take_datasets(list, root)) {
        free(list);
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    send_list(req, list);
}

static void find(struct c2_request *req, struct c2_subscriber *sub)
{
    c2_sub_find_path(req, sub, c2_request_param(req, "root"), C2_STR(""), C2_FIND_LISTED, reply, NULL);
}

static void on_tick(void *ctx)
{
    struct list *list = ctx;
    struct early *early = &list->early;
    struct c2_root_state *root = early->root;
    bool late = c2_loop_now_ms(root->sub->config.loop) - early->told_ms > NAMES_LATE_MS;

    if (early->begun) {
        c2_body_wake(early->req);
        return;
    }
    int64_t got = c2_sub_so_far_is_all(root) && !root->sub->stopping ? put_early(list) : C2_BODY_FAIL;
    if (got == C2_BODY_WAIT && !late) return;
    if (got == 1) {
        early->begun = true;
        c2_via_say(early->req, root);
        send_list(early->req, list);
        return;
    }
    struct c2_request *req = early->req; /* listed, failed, or nothing is found */
    list_free(list);
    find(req, root->sub);
}

/* false: there is a list, or nobody asked for names, or none are to be expected. */
static bool tell_names(struct c2_request *req, struct c2_subscriber *sub)
{
    struct c2_root_state *root = c2_sub_root_of(req, sub, c2_request_param(req, "root"));
    struct cat2_error err;
    struct c2_str wanted;

    if (!root || c2_root_is_listed(root) || sub->stopping ||
        !c2_request_header(req, C2_SO_FAR_WANT, &wanted) || !c2_sub_may_follow(req, root, &err))
        return false;
    c2_follow_begin(root);
    if (!root->follow) c2_sub_follow(root);
    struct list *list = c2_sub_so_far_is_all(root) ? list_new(req) : NULL;
    if (!list) return false;
    struct c2_timer *ticker = c2_timer_start(sub->config.loop, 0, NAMES_TICK_MS, on_tick, list);
    list->early = (struct early){
        .req = req, .root = root, .ticker = ticker, .told_ms = c2_loop_now_ms(sub->config.loop)};
    if (!ticker) list_free(list);
    return ticker != NULL;
}

void c2_republish_list(struct c2_request *req, void *state)
{
    struct cat2_error err;
    bool full;

    if (!c2_request_query_bool(req, "full", false, &full, &err))
        c2_reply_error(req, &err);
    else if (!full)
        c2_reply_detail(req, 400, "a mirror has the full list only: ask for list?full=1");
    else if (!tell_names(req, state))
        find(req, state);
}
