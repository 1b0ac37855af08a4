/* SPDX-License-Identifier: BSD-3-Clause */
/* Single datasets that events named: each is asked for again, a few at a time, once at a time each, so that
 * an old answer never comes after a new one; what is named again meanwhile is asked for after that. A
 * publisher may hold its answer while a file is being written: nothing else waits for that. Too many, or an
 * answer that is no answer: the whole root is listed. */
#include <stdlib.h>

#include "base/limits.h"
#include "subscriber/mirror/dataset.h"
#include "subscriber/mirror/follow.h"
#include "subscriber/mirror/refresh.h"
#include "subscriber/mirror/roots.h"
#include "subscriber/mirror/upcall.h"
#include "wire/url.h"

#define DOUBTS_MAX 2  /* of the answers for one */
#define TOLD_GONE  1  /* in place of a hash */
#define NAMED_MAX  64 /* datasets asked for one by one; a listing of all is cheaper for more */
#define YOUNG_MS                                                                                             \
    500 /* so long a request waits for what is asked for: what is held for longer goes on changing */
#define BUSY_MS 1000 /* after 503: it is being written */

struct asked {
    struct c2_refresh *refresh;
    struct c2_checked *flight;
    char *path;    /* NULL: nothing is asked here */
    int doubts;    /* it has been asked again so often, for its answer may be damage */
    uint64_t told; /* hash of the answer before */
};
struct c2_refresh {
    struct c2_root_state *root;
    c2_refresh_end *gave_up;
    struct c2_timer *timer;
    int64_t since_ms;
    bool slow;              /* it waits for what is being written */
    char *named[NAMED_MAX]; /* to be asked for when it is time */
    size_t nnamed;
    struct asked asked[NAMED_MAX];
    size_t under_way;
};

void c2_refresh_cancel(struct c2_root_state *root)
{
    struct c2_refresh *r = root->refresh;

    if (!r) return;
    root->refresh = NULL;
    c2_timer_stop(r->timer);
    for (size_t i = 0; i < r->nnamed; i++)
        free(r->named[i]);
    for (size_t i = 0; i < NAMED_MAX; i++) {
        c2_checked_cancel(r->asked[i].flight);
        free(r->asked[i].path);
    }
    free(r);
}

/* Single datasets do not tell all: look at the root. */
static void give_up(struct c2_refresh *r)
{
    struct c2_root_state *root = r->root;

    c2_refresh_end *end = r->gave_up;

    c2_refresh_cancel(root);
    end(root);
}

/* ---- answers ---- */

enum taken { TAKEN, DOUBTED, NO_ANSWER };

static enum taken take_unhashed(struct c2_refresh *r, struct asked *asked, struct c2_http_reply *reply)
{
    struct cat2_error err;
    struct c2_ds *ds;

    if (!c2_follow_ds_of_info(r->root, asked->path, false, reply, &ds, &err)) return NO_ANSWER;
    if (!c2_follow_is_doubtful(r->root, ds, reply, &asked->told) || asked->doubts >= DOUBTS_MAX)
        return c2_sub_put(r->root, ds, &err) ? TAKEN : NO_ANSWER;
    c2_ds_unref(ds);
    return DOUBTED;
}

static enum taken take_answer(struct c2_refresh *r, struct asked *asked, struct c2_http_reply *reply)
{
    struct c2_str text = c2_str_trim(c2_buf_str(reply->body));
    struct cat2_error err;
    struct c2_ds *ds;

    if (reply->status == 404) {
        /* Without a hash it drops no dataset before it has been said twice. */
        bool doubt = !reply->hashed && asked->told != TOLD_GONE;
        asked->told = TOLD_GONE;
        if (doubt) return asked->doubts < DOUBTS_MAX ? DOUBTED : NO_ANSWER;
        c2_sub_drop(r->root, c2_str_of(asked->path));
        return TAKEN;
    }
    if (reply->status != 200) return NO_ANSWER;
    if (!r->root->speaks_pieces) return take_unhashed(r, asked, reply);
    return c2_ds_from_line(r->root, text, true, &ds, &err) &&
                   (strcmp(ds->path, asked->path) == 0 || (c2_ds_unref(ds), false)) &&
                   c2_sub_put(r->root, ds, &err)
               ? TAKEN
               : NO_ANSWER;
}

static void on_time(void *ctx);

/* false: out of memory. */
static bool ask_soon(struct c2_refresh *r, bool busy)
{
    if (r->timer && !(r->slow && !busy)) return true;
    c2_timer_stop(r->timer);
    r->slow = busy;
    r->timer = c2_timer_start(r->root->sub->config.loop, busy ? BUSY_MS : C2_SETTLE_MS, 0, on_time, r);
    return r->timer != NULL;
}

/* false: that are too many. */
static bool put_name(struct c2_refresh *r, struct c2_str path)
{
    for (size_t i = 0; i < r->nnamed; i++)
        if (c2_str_is(path, r->named[i])) return true;
    char *copy = r->nnamed < NAMED_MAX ? c2_str_dup(path) : NULL;
    if (copy) r->named[r->nnamed++] = copy;
    return copy;
}

static bool ask(struct c2_refresh *r, struct asked *asked);

static void on_answer(void *ctx, struct c2_http_reply *reply, const struct cat2_error *why)
{
    struct asked *asked = ctx;
    struct c2_refresh *r = asked->refresh;

    asked->flight = NULL;
    r->under_way--;
    bool busy = !why && reply->status == 503 && put_name(r, c2_str_of(asked->path));
    enum taken taken = busy ? TAKEN : why ? NO_ANSWER : take_answer(r, asked, reply);
    if (taken == DOUBTED) {
        asked->doubts++;
        if (ask(r, asked)) return;
        taken = NO_ANSWER;
    }
    if (taken == NO_ANSWER) {
        give_up(r);
        return;
    }
    free(asked->path);
    asked->path = NULL;
    if (r->nnamed && !ask_soon(r, busy))
        give_up(r);
    else if (r->nnamed == 0 && r->under_way == 0)
        c2_refresh_cancel(r->root);
}

/* ---- questions ---- */

static bool ask(struct c2_refresh *r, struct asked *asked)
{
    C2_AUTO(c2_buf) url = C2_BUF_INIT(4 * C2_PATH_MAX);
    struct cat2_error err;

    if (!c2_root_put_url(&r->root->root, "info/", &url, &err) ||
        !c2_url_encode(c2_str_of(asked->path), true, &url, &err) ||
        (r->root->speaks_pieces && !c2_buf_puts(&url, "?full=1", &err)))
        return false;
    struct c2_http_call call = {.url = c2_buf_cstr(&url),
                                .body_max = 16 << 20,
                                .fresh = asked->doubts > 0,
                                .done = on_answer,
                                .ctx = asked};
    asked->flight = c2_checked_start(r->root->sub->config.http, &call, C2_WIRE_INFO, c2_sub_check(r->root));
    if (asked->flight) r->under_way++;
    return asked->flight != NULL;
}

/* NULL: it is being asked for, or too many are. */
static struct asked *place_for(struct c2_refresh *r, const char *path)
{
    struct asked *place = NULL;

    for (size_t i = 0; i < NAMED_MAX; i++) {
        if (r->asked[i].path && strcmp(r->asked[i].path, path) == 0) return NULL;
        if (!r->asked[i].path) place = &r->asked[i];
    }
    return place;
}

static void on_time(void *ctx)
{
    struct c2_refresh *r = ctx;
    size_t kept = 0;
    bool ok = true;

    r->timer = NULL;
    for (size_t i = 0; i < r->nnamed; i++) {
        struct asked *place = ok ? place_for(r, r->named[i]) : NULL;
        if (place) {
            *place = (struct asked){.refresh = r, .path = r->named[i]};
            ok = ask(r, place);
        } else {
            r->named[kept++] = r->named[i];
        }
    }
    r->nnamed = kept;
    if (!ok) give_up(r);
}

static bool is_near(const char *named, struct c2_str path)
{
    return named && c2_path_is_near(c2_str_of(named), path);
}

bool c2_refresh_has(const struct c2_root_state *root, struct c2_str path)
{
    const struct c2_refresh *r = root->refresh;
    bool has = false;

    if (!r || r->slow || c2_loop_now_ms(root->sub->config.loop) - r->since_ms >= YOUNG_MS) return false;
    for (size_t i = 0; i < r->nnamed; i++)
        has = has || is_near(r->named[i], path);
    for (size_t i = 0; i < NAMED_MAX; i++)
        has = has || is_near(r->asked[i].path, path);
    return has;
}

void c2_refresh_hurry(struct c2_root_state *root)
{
    struct c2_refresh *r = root->refresh;

    if (!r || !r->timer || r->slow) return;
    c2_timer_stop(r->timer);
    on_time(r);
}

bool c2_refresh_is_known(struct c2_root_state *root, struct c2_str event)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_str path, etag, validator;
    struct cat2_error ignored;

    if (!c2_json_parse(event, &json, &ignored)) return false;
    struct c2_jval v = c2_json_root(json);
    if (!c2_jstr(c2_jget(v, "path"), &path) || !c2_jstr(c2_jget(v, "etag"), &etag) ||
        !c2_jstr(c2_jget(v, "validator"), &validator) || !validator.n)
        return false;
    const struct c2_ds *ds = c2_sub_find(root, path);
    return ds && c2_ds_is_of(ds, etag, validator);
}

bool c2_sub_refresh(struct c2_root_state *root, struct c2_str event, c2_refresh_end *gave_up)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_refresh *r = root->refresh;
    struct cat2_error err;
    struct c2_str path;

    if (!c2_json_parse(event, &json, &err) || !c2_jstr(c2_jget(c2_json_root(json), "path"), &path) ||
        !c2_path_check(path, &err))
        return false;
    root->nlooks++;
    if (!r) {
        r = root->refresh = calloc(1, sizeof(*r));
        if (!r) return false;
        r->root = root;
        r->since_ms = c2_loop_now_ms(root->sub->config.loop);
        r->gave_up = gave_up;
    }
    return put_name(r, path) && ask_soon(r, false);
}
