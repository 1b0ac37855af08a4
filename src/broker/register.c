/* SPDX-License-Identifier: BSD-3-Clause */
/* POST /api/roots: a name belongs to who registered it. Another gets it when the owner's lease is over, which
 * of some owners only their address tells: then the request waits for a look at it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/log_share.h"
#include "broker/broker_impl.h"

#define LOOK_MS      5000 /* for a connection to the owner's address */
#define CONTESTS_MAX 64   /* looks at a time: each is a connection that a stranger asks for */

struct c2_contest {
    struct c2_contest *next;
    struct c2_broker *broker;
    struct c2_request *req;
    struct c2_http_flight *flight;
    struct c2_root root;
    struct c2_root held_at; /* the address that is looked at */
    struct c2_buf json;
    bool nobody;
};

/* Takes json when the request is answered; false: the name belongs to somebody else. */
static bool put(struct c2_broker *broker, struct c2_request *req, const struct c2_root *root,
                struct c2_buf *json, bool over)
{
    struct c2_str token = {"", 0};
    struct cat2_error err = {0};
    char told[33];

    c2_request_header(req, "X-Caterva2-Token", &token);
    if (!c2_hub_put_root(broker->hub, root, c2_buf_str(json), token, over, told, &err)) {
        if (err.http_status == 409) return false;
        c2_buf_fini(json);
        c2_reply_error(req, &err);
        return true;
    }
    c2_log_some(C2_INFO, "root name=%s %s=%s", root->name, c2_root_scheme(root), root->http);
    if (told[0]) c2_reply_header(req, "X-Caterva2-Token", told);
    c2_reply_json(req, 200, json);
    return true;
}

/* wait_ms: when the name may be free; -1: that is not known, its owner lives. */
static void refuse(struct c2_request *req, const struct c2_root *held, const char *state, int64_t wait_ms)
{
    char seconds[24];

    c2_log_some(C2_WARN, "root name=%s belongs to %s, which %s: a registration is refused", held->name,
                held->http, state);
    if (wait_ms < 0) {
        c2_reply_detail(req, 409,
                        "root %.100s belongs to the publisher at %.100s, which %s: stop that one first, or "
                        "choose another name",
                        held->name, held->http, state);
        return;
    }
    snprintf(seconds, sizeof(seconds), "%" PRId64, (wait_ms + 999) / 1000);
    c2_reply_header(req, "Retry-After", seconds);
    c2_reply_detail(req, 409,
                    "root %.100s belongs to the publisher at %.100s, which %s: the name is free in %s s if "
                    "it does not come back, or when its root is removed with its token",
                    held->name, held->http, state, seconds);
}

static void drop(struct c2_contest *contest)
{
    c2_chain_remove(contest->broker->contests, contest, next);
    c2_buf_fini(&contest->json);
    free(contest);
}

static void contest_end(struct c2_contest *contest)
{
    struct c2_broker *broker = contest->broker;
    const struct c2_root *held = c2_hub_root(broker->hub, contest->root.name);
    int64_t wait_ms;
    enum c2_hub_owner owner = c2_hub_owner_of(broker->hub, contest->root.name, &wait_ms);
    bool same = held && c2_root_is_at(held, &contest->held_at);
    bool gone = same && contest->nobody && (owner == C2_OWNER_UNSURE || owner == C2_OWNER_GONE);

    if (put(broker, contest->req, &contest->root, &contest->json, gone)) return;
    if (same && !contest->nobody)
        refuse(contest->req, held, "answers there", wait_ms);
    else
        refuse(contest->req, held, "came meanwhile", -1);
}

static void on_look(void *ctx, struct c2_http_reply *reply, const struct cat2_error *err)
{
    struct c2_contest *contest = ctx;

    (void)reply, (void)err; /* any answer is one, and silence after connecting is one of a busy publisher */
    contest->flight = NULL;
    contest_end(contest);
    drop(contest);
}

/* See whether somebody is where the name's owner was. */
static void look(struct c2_broker *broker, struct c2_request *req, const struct c2_root *root,
                 struct c2_buf *json)
{
    const struct c2_root *held = c2_hub_root(broker->hub, root->name);
    struct c2_contest *contest = calloc(1, sizeof(*contest));
    size_t n = 0;
    char url[400];

    for (const struct c2_contest *c = broker->contests; c; c = c->next)
        n++;
    if (!contest || n >= CONTESTS_MAX || broker->stopping) {
        free(contest);
        c2_buf_fini(json);
        c2_reply_later(req, 1, "the broker is busy with other registrations");
        return;
    }
    *contest = (struct c2_contest){
        .next = broker->contests, .broker = broker, .req = req, .root = *root, .json = *json};
    broker->contests = contest;
    contest->held_at = *held;
    snprintf(url, sizeof(url), "%s://%s/healthz", c2_root_scheme(held), held->http);
    struct c2_http_call call = {.url = url,
                                .timeout_ms = LOOK_MS,
                                .body_max = 65536,
                                .fresh = true,
                                .nobody = &contest->nobody,
                                .done = on_look,
                                .ctx = contest};
    contest->flight = c2_http_start(broker->config.http, &call);
}

void c2_broker_end_contests(struct c2_broker *broker)
{
    while (broker->contests) {
        struct c2_contest *contest = broker->contests;
        c2_http_cancel(contest->flight);
        c2_reply_detail(contest->req, 503, "the broker is stopping");
        drop(contest);
    }
}

/* The name belongs to somebody else. */
static void contest(struct c2_broker *broker, struct c2_request *req, const struct c2_root *root,
                    struct c2_buf *json)
{
    int64_t wait_ms;
    enum c2_hub_owner owner = c2_hub_owner_of(broker->hub, root->name, &wait_ms);

    if (owner == C2_OWNER_UNSURE) {
        look(broker, req, root, json);
        return;
    }
    if (owner == C2_OWNER_GONE && put(broker, req, root, json, true)) return;
    c2_buf_fini(json);
    bool here = owner == C2_OWNER_CONNECTED;
    refuse(req, c2_hub_root(broker->hub, root->name), here ? "is connected" : "is away", here ? -1 : wait_ms);
}

static void put_or_contest(struct c2_broker *broker, struct c2_request *req, const struct c2_root *root,
                           struct c2_buf *json)
{
    if (!put(broker, req, root, json, false)) contest(broker, req, root, json);
}

/* Is the key that was sent for roots of this name? */
static bool is_granted(struct c2_request *req, const char *name, struct cat2_error *err)
{
    if (c2_request_sees(req, c2_str_of(name))) return true;
    c2_fail(err, CAT2_EINVAL, "the key is not for root %.100s: cat2admin key add --roots names roots", name);
    err->http_status = 403;
    return false;
}

void c2_broker_handle_post(struct c2_request *req, void *state)
{
    struct c2_broker *broker = state;
    struct c2_root root;
    struct cat2_error err;
    struct c2_buf out = C2_BUF_INIT(16 * C2_ROOT_BODY_MAX);
    enum c2_root_flag subscribed;
    struct c2_jw w;

    bool ok = c2_broker_read_root(req, &root, &subscribed, &out, &err);
    if (ok && out.n) {
        c2_reply_json(req, 422, &out);
        return;
    }
    ok = ok && c2_root_name_check(c2_str_of(root.name), &err) && is_granted(req, root.name, &err);
    c2_jw_init(&w, &out, C2_JSON_COMPACT, &err);
    if (ok) c2_broker_root_json(&w, &root, &subscribed);
    ok = ok && c2_jw_finish(&w);
    if (!ok) {
        c2_buf_fini(&out);
        c2_reply_error(req, &err);
        return;
    }
    c2_broker_place(broker, req, &root, &out, put_or_contest);
}
