/* SPDX-License-Identifier: BSD-3-Clause */
/* Single datasets that events named: each is asked for again, a few at a time. One batch at a time a root, so
 * that an old answer never comes after a new one; what is named meanwhile waits for the next. Too many, or an
 * answer that is no answer: the whole root is listed. */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/log.h"
#include "subscriber/sub_impl.h"
#include "wire/url.h"

#define NAMED_MAX 64

struct asked {
    struct c2_refresh *refresh;
    struct c2_checked *flight;
    char *path;
    int misses; /* a Python publisher has answered 404 so often */
};
struct c2_refresh {
    struct c2_root_state *root;
    struct c2_timer *timer;
    char *named[NAMED_MAX]; /* for the next batch */
    size_t nnamed;
    struct asked asked[NAMED_MAX]; /* the batch under way */
    size_t nasked, under_way;
};

void c2_refresh_cancel(struct c2_root_state *root)
{
    struct c2_refresh *r = root->refresh;

    if (!r) return;
    root->refresh = NULL;
    c2_timer_stop(r->timer);
    for (size_t i = 0; i < r->nnamed; i++)
        free(r->named[i]);
    for (size_t i = 0; i < r->nasked; i++) {
        c2_checked_cancel(r->asked[i].flight);
        free(r->asked[i].path);
    }
    free(r);
}

/* Single datasets do not tell all: look at the root. */
static void give_up(struct c2_refresh *r)
{
    struct c2_root_state *root = r->root;

    c2_refresh_cancel(root);
    c2_sub_follow(root);
}

/* ---- answers ---- */

static bool take_answer(struct c2_refresh *r, const char *path, struct c2_http_reply *reply)
{
    C2_AUTO(c2_buf) line = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    struct c2_str text = c2_buf_str(reply->body);
    struct cat2_error err;
    struct c2_ds *ds;

    if (reply->status == 404) {
        c2_sub_drop(r->root, c2_str_of(path));
        return true;
    }
    if (reply->status != 200) return false;
    if (!r->root->modern) {
        if (!c2_follow_line_of_info(path, r->root->root.http, reply, &line, &err)) return false;
        text = c2_buf_str(&line);
    }
    return c2_ds_from_line(r->root, text, r->root->modern, &ds, &err) &&
           (strcmp(ds->path, path) == 0 || (c2_ds_unref(ds), false)) && c2_sub_put(r->root, ds, &err);
}

static void end_batch(struct c2_refresh *r);
static bool ask(struct c2_refresh *r, struct asked *asked);

static void on_answer(void *ctx, struct c2_http_reply *reply, const struct cat2_error *why)
{
    struct asked *asked = ctx;
    struct c2_refresh *r = asked->refresh;

    asked->flight = NULL;
    r->under_way--;
    /* A 404 without a hash drops no dataset before it has been said twice. */
    bool doubt = !why && !reply->hashed && reply->status == 404 && asked->misses++ == 0;
    if (doubt && ask(r, asked)) return;
    if (why || !take_answer(r, asked->path, reply))
        give_up(r);
    else if (r->under_way == 0)
        end_batch(r);
}

/* ---- questions ---- */

static bool ask(struct c2_refresh *r, struct asked *asked)
{
    C2_AUTO(c2_buf) url = C2_BUF_INIT(4 * C2_PATH_MAX);
    struct cat2_error err;

    if (!c2_buf_printf(&url, &err, "http://%s/api/info/", r->root->root.http) ||
        !c2_url_encode(c2_str_of(asked->path), true, &url, &err) ||
        (r->root->modern && !c2_buf_puts(&url, "?full=1", &err)))
        return false;
    struct c2_http_call call = {.url = c2_buf_cstr(&url),
                                .body_max = 16 << 20,
                                .fresh = asked->misses > 0,
                                .done = on_answer,
                                .ctx = asked};
    asked->flight = c2_checked_start(r->root->sub->config.http, &call, C2_WIRE_INFO, c2_sub_check(r->root));
    if (asked->flight) r->under_way++;
    return asked->flight != NULL;
}

static void on_time(void *ctx)
{
    struct c2_refresh *r = ctx;

    r->timer = NULL;
    for (size_t i = 0; i < r->nnamed; i++)
        r->asked[i] = (struct asked){r, NULL, r->named[i], 0};
    r->nasked = r->nnamed;
    r->nnamed = 0;
    for (size_t i = 0; i < r->nasked; i++)
        if (!ask(r, &r->asked[i])) {
            give_up(r);
            return;
        }
}

static void end_batch(struct c2_refresh *r)
{
    for (size_t i = 0; i < r->nasked; i++)
        free(r->asked[i].path);
    r->nasked = 0;
    if (r->nnamed)
        r->timer = c2_timer_start(r->root->sub->config.loop, C2_SETTLE_MS, 0, on_time, r);
    else
        c2_refresh_cancel(r->root);
}

bool c2_sub_refresh(struct c2_root_state *root, struct c2_str event)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_refresh *r = root->refresh;
    struct cat2_error err;
    struct c2_str path;

    if (!c2_json_parse(event, &json, &err) || !c2_jstr(c2_jget(c2_json_root(json), "path"), &path) ||
        !c2_path_check(path, &err))
        return false;
    if (!r) {
        r = root->refresh = calloc(1, sizeof(*r));
        if (!r) return false;
        r->root = root;
        r->timer = c2_timer_start(root->sub->config.loop, C2_SETTLE_MS, 0, on_time, r);
    }
    for (size_t i = 0; i < r->nnamed; i++)
        if (c2_str_is(path, r->named[i])) return true;
    char *copy = r->nnamed < NAMED_MAX ? c2_str_dup(path) : NULL;
    if (!copy) return false;
    r->named[r->nnamed++] = copy;
    return true;
}
