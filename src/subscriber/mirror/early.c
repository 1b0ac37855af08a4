/* SPDX-License-Identifier: BSD-3-Clause */
/* One dataset that is not in the list: asked for by its path. While the root is listed for the first time
 * nobody waits for a hundred thousand others; it is kept in memory only, until the list has come, and asked
 * for anew each time, for nothing tells of its changes. Later it is a new one, whose event is still on its
 * way. */
#include <stdio.h>
#include <stdlib.h>

#include "subscriber/mirror/follow.h"
#include "subscriber/mirror/reason.h"
#include "subscriber/mirror/root.h"
#include "subscriber/mirror/roots.h"
#include "subscriber/mirror/upcall.h"
#include "wire/url.h"

#define LOOKING_MAX 64   /* names of one root that are looked for at a time; others are not there */
#define LOOKING_MS  2000 /* a publisher that has listed its root answers in a moment */
#define AGAIN_MS    20   /* what events name is asked for within some milliseconds */

struct early {
    struct c2_subscriber *sub;
    int64_t until_ms;
    int nfollowed;
    bool listed;     /* the root was, when it was asked for */
    uint64_t nlooks; /* of the root then */
    char root[sizeof(((struct c2_root *)0)->name)];
    char *path;
    void (*fn)(void *ctx, const struct cat2_error *err);
    void *ctx;
};

static void early_end(struct early *early, const struct cat2_error *err)
{
    void (*fn)(void *ctx, const struct cat2_error *err) = early->fn;
    void *ctx = early->ctx;
    struct c2_root_state *root = c2_sub_root(early->sub, c2_str_of(early->root));

    if (root && root->nlooking) root->nlooking--;
    free(early->path);
    free(early);
    fn(ctx, err);
}

/* Not what a publisher of ours answers, or of another path: the list will tell. */
static bool take(struct early *early, struct c2_root_state *root, struct c2_http_reply *reply)
{
    struct cat2_error err;
    struct c2_ds *ds;

    if (reply->status != 200 || !c2_str_starts(reply->content_type, "application/x-ndjson") ||
        !c2_ds_from_line(root, c2_str_trim(c2_buf_str(reply->body)), true, &ds, &err))
        return false;
    if (strcmp(ds->path, early->path) != 0) {
        c2_ds_unref(ds);
        return false;
    }
    return c2_sub_put(root, ds, &err);
}

/* The first list will tell. */
static void wait_for_list(struct early *early, struct c2_root_state *root)
{
    root->nlooking--;
    c2_sub_when_known(root, early->fn, early->ctx);
    free(early->path);
    free(early);
}

static void look(struct early *early, struct c2_root_state *root);

/* Its root; where that is not followed any more, or anew, who asked is told so, and it is NULL. */
static struct c2_root_state *root_of(struct early *early)
{
    struct c2_root_state *root = c2_sub_root(early->sub, c2_str_of(early->root));
    struct cat2_error err;

    if (root && c2_root_is_followed(root) && root->nfollowed == early->nfollowed) return root;
    c2_fail(&err, CAT2_ECANCELLED, C2_FOLLOW_LEFT);
    early_end(early, &err);
    return NULL;
}

static void on_again(void *ctx)
{
    struct early *early = ctx;
    struct c2_root_state *root = root_of(early);

    if (root) look(early, root);
}

static void look_again(struct early *early)
{
    struct c2_loop *loop = early->sub->config.loop;
    bool late = c2_loop_now_ms(loop) >= early->until_ms;

    if (late || !c2_timer_start(loop, AGAIN_MS, 0, on_again, early)) early_end(early, NULL);
}

/* The list has it meanwhile, or is without it. Or an event or a listing has begun to ask for it: that may be
 * newer, or older, than what came here, so it is asked for again when that has ended. false: the answer
 * counts. */
static bool is_overtaken(struct early *early, struct c2_root_state *root)
{
    if (!c2_root_is_listed(root)) return false;
    if (!early->listed || c2_sub_find(root, c2_str_of(early->path)))
        early_end(early, NULL);
    else if (root->nlooks != early->nlooks)
        look_again(early);
    else
        return false;
    return true;
}

static void on_answer(void *ctx, struct c2_http_reply *reply, const struct cat2_error *why)
{
    struct early *early = ctx;
    struct cat2_error err;
    char name[C2_NAME_MAX + C2_PATH_MAX + 2];

    if (why && why->code == CAT2_ECANCELLED) {
        early_end(early, why);
        return;
    }
    struct c2_root_state *root = root_of(early);
    if (!root || is_overtaken(early, root)) return;
    bool listed = c2_root_is_listed(root);
    if (!why && take(early, root, reply)) {
        early_end(early, NULL);
    } else if (!why && !listed && reply->status == 404 && c2_sub_find(root, c2_str_of(early->path))) {
        c2_sub_drop(root, c2_str_of(early->path)); /* it was there when it was asked for before */
        wait_for_list(early, root);
    } else if (!why && reply->status == 503) {
        snprintf(name, sizeof(name), "%s/%s", early->root, early->path);
        c2_reason_of_reply(reply, root->root.http, early->path, name, &err);
        if (!listed) root->retry_s = c2_reason_retry_s(reply);
        early_end(early, &err);
    } else if (listed) {
        early_end(early, NULL);
    } else {
        wait_for_list(early, root);
    }
}

/* Does only the list tell? Python publishers tell of one dataset in another way. */
static bool is_told(struct c2_root_state *root, struct c2_str path)
{
    if (path.n == 0 || root->nlooking >= LOOKING_MAX) return true;
    return c2_root_is_listed(root) && (!root->speaks_pieces || c2_root_is_unreached(root) ||
                                       root->sub->stopping || c2_sub_is_folder(root, path));
}

/* Counted in nlooking. */
static void look(struct early *early, struct c2_root_state *root)
{
    C2_AUTO(c2_buf) url = C2_BUF_INIT(8192);
    struct cat2_error err;

    early->listed = c2_root_is_listed(root);
    early->nlooks = root->nlooks;
    if ((early->listed && c2_sub_find(root, c2_str_of(early->path))) || root->sub->stopping) {
        early_end(early, NULL);
        return;
    }
    if (early->listed && (root->follow || root->refresh)) {
        look_again(early);
        return;
    }
    bool ok = c2_root_put_url(&root->root, "info/", &url, &err) &&
              c2_url_encode(c2_str_of(early->path), true, &url, &err) && c2_buf_puts(&url, "?full=1", &err);
    struct c2_http_call call = {.url = c2_buf_cstr(&url),
                                .body_max = 16 << 20,
                                .stall_ms = early->listed ? LOOKING_MS : 60000,
                                .timeout_ms = early->listed ? LOOKING_MS : 60000,
                                .done = on_answer,
                                .ctx = early};
    if (ok && c2_upcall_start(root->sub, &call, C2_WIRE_INFO, c2_sub_check(root), &err)) return;
    if (early->listed)
        early_end(early, NULL);
    else
        wait_for_list(early, root);
}

void c2_sub_when_found(struct c2_root_state *root, struct c2_str path,
                       void (*fn)(void *ctx, const struct cat2_error *err), void *ctx)
{
    const struct c2_ds *known = path.n ? c2_sub_find_own(root, path) : NULL;
    struct early *early;

    if (known && c2_root_is_listed(root)) {
        fn(ctx, NULL);
        return;
    }
    if (known) path = c2_str_of(known->path); /* somebody has asked for it before */
    if (is_told(root, path)) {
        c2_sub_when_known(root, fn, ctx);
        return;
    }
    bool listed = c2_root_is_listed(root);
    c2_follow_begin(root);
    if (!listed && !root->follow && !root->timer) c2_sub_follow(root);
    early = calloc(1, sizeof(*early));
    char *copy = early ? c2_str_dup(path) : NULL;
    if (!copy) {
        free(early);
        c2_sub_when_known(root, fn, ctx);
        return;
    }
    *early = (struct early){.sub = root->sub,
                            .until_ms = c2_loop_now_ms(root->sub->config.loop) + LOOKING_MS,
                            .nfollowed = root->nfollowed,
                            .path = copy,
                            .fn = fn,
                            .ctx = ctx};
    snprintf(early->root, sizeof(early->root), "%s", root->root.name);
    root->nlooking++;
    look(early, root);
}
