/* SPDX-License-Identifier: BSD-3-Clause */
/* POST /api/mirrors: a route of its own, so that nobody who knows it not takes a mirror for an owner. A
 * mirror is shown with a root only while the root has an owner, and no name is ever its own. */
#include "broker/mirrors.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/log_share.h"
#include "base/texts.h"

#define LOOK_MS (C2_HUB_LEASE_MS / 4) /* between looks for mirrors that are silent */

struct c2_broker_mirror {
    struct c2_broker_mirror *next;
    struct c2_root place;
    char token[33];
    int64_t seen_ms;
    struct c2_texts names; /* sorted */
};

static void mirror_free(struct c2_broker_mirror *mirror)
{
    c2_texts_fini(&mirror->names);
    free(mirror);
}

/* Followers ask which roots there are. */
static void tell(struct c2_broker *broker)
{
    struct cat2_error err;

    if (!c2_hub_publish(broker->hub, C2_TOPIC_MIRRORS, C2_STR("{}"), NULL, &err))
        c2_log_some(C2_WARN, "mirrors: %s", err.message);
}

static void drop(struct c2_broker *broker, struct c2_broker_mirror *mirror)
{
    c2_chain_remove(broker->mirrors, mirror, next);
    mirror_free(mirror);
}

static void on_look(void *ctx)
{
    struct c2_broker *broker = ctx;
    int64_t now = c2_loop_now_ms(broker->config.loop);
    bool any = false;

    for (struct c2_broker_mirror *mirror = broker->mirrors, *next; mirror; mirror = next) {
        next = mirror->next;
        if (now - mirror->seen_ms < C2_HUB_LEASE_MS) continue;
        c2_log_some(C2_WARN, "mirror http=%s is silent, and told to nobody any more", mirror->place.http);
        drop(broker, mirror);
        any = true;
    }
    if (any) tell(broker);
    if (broker->mirrors) return;
    c2_timer_stop(broker->mirrors_timer);
    broker->mirrors_timer = NULL;
}

/* ---- what is said ---- */

static bool take_name(struct c2_broker_mirror *into, struct c2_request *req, struct c2_jval value,
                      struct cat2_error *err)
{
    struct c2_str name;

    if (!c2_jstr(value, &name)) return c2_fail(err, CAT2_EINVAL, "roots: not an array of names");
    if (!c2_root_name_check(name, err)) return false;
    if (!c2_request_sees(req, name)) {
        c2_fail(err, CAT2_EINVAL, "the key is not for root %.*s: cat2admin key add --roots names roots",
                (int)c2_min_i64(100, (int64_t)name.n), name.p);
        err->http_status = 403;
        return false;
    }
    return c2_texts_add(&into->names, name, C2_HUB_ROOTS_MAX, "names of roots", err);
}

static bool read_mirror(struct c2_request *req, struct c2_str body, struct c2_broker_mirror *out,
                        struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_str key, token = {"", 0};
    struct c2_jval value;

    if (!c2_json_parse(body, &json, err)) {
        err->http_status = 400;
        return false;
    }
    struct c2_jval object = c2_json_root(json), roots = c2_jget(object, "roots");
    if (c2_jval_kind(roots) != C2_JARRAY || !c2_root_of_json(C2_STR("a mirror"), object, &out->place))
        return c2_fail(err, CAT2_EINVAL, "a mirror says its \"http\" and, in an array, its \"roots\"");
    c2_request_header(req, "X-Caterva2-Token", &token);
    if (token.n != sizeof(out->token) - 1)
        return c2_fail(err, CAT2_EINVAL, "X-Caterva2-Token: a mirror has one, of 32 hexadecimal digits");
    memcpy(out->token, token.p, token.n);
    struct c2_jiter it = c2_jiter_of(roots);
    while (c2_jnext(&it, &key, &value))
        if (!take_name(out, req, value, err)) return false;
    c2_texts_sort(&out->names);
    return true;
}

/* ---- what is kept ---- */

static struct c2_broker_mirror *find(struct c2_broker *broker, const struct c2_root *place)
{
    struct c2_broker_mirror *mirror = broker->mirrors;

    while (mirror && !c2_root_is_at(&mirror->place, place))
        mirror = mirror->next;
    return mirror;
}

static bool is_same_list(const struct c2_broker_mirror *a, const struct c2_broker_mirror *b)
{
    bool same = a->names.n == b->names.n;

    for (size_t i = 0; same && i < a->names.n; i++)
        same = strcmp(a->names.p[i], b->names.p[i]) == 0;
    return same;
}

/* Takes fresh. */
static void keep(struct c2_broker *broker, struct c2_broker_mirror *fresh)
{
    struct c2_broker_mirror *old = find(broker, &fresh->place);
    bool news = old ? !is_same_list(old, fresh) : fresh->names.n > 0;

    if (old) drop(broker, old);
    fresh->seen_ms = c2_loop_now_ms(broker->config.loop);
    fresh->next = broker->mirrors;
    if (news)
        c2_log_some(C2_INFO, "mirror %s=%s roots=%zu", c2_root_scheme(&fresh->place), fresh->place.http,
                    fresh->names.n);
    if (fresh->names.n)
        broker->mirrors = fresh;
    else
        mirror_free(fresh);
    if (broker->mirrors && !broker->mirrors_timer)
        broker->mirrors_timer = c2_timer_start(broker->config.loop, LOOK_MS, LOOK_MS, on_look, broker);
    if (news) tell(broker);
}

static bool may_keep(struct c2_broker *broker, const struct c2_broker_mirror *fresh, struct cat2_error *err)
{
    const struct c2_broker_mirror *old = find(broker, &fresh->place);

    if (old && strcmp(old->token, fresh->token) != 0) {
        c2_fail(err, CAT2_EINVAL, "another mirror is registered at %.100s, and has not been silent for %d s",
                fresh->place.http, C2_HUB_LEASE_MS / 1000);
        err->http_status = 409;
        return false;
    }
    if (old || c2_broker_nmirrors(broker) < C2_MIRRORS_MAX) return true;
    c2_fail(err, CAT2_ELIMIT, "the broker has %d mirrors, and takes no more", C2_MIRRORS_MAX);
    err->http_status = 503;
    return false;
}

/* Its address has been judged. */
static void placed(struct c2_broker *broker, struct c2_request *req, const struct c2_root *root,
                   struct c2_buf *json)
{
    struct c2_broker_mirror *fresh = calloc(1, sizeof(*fresh));
    struct c2_buf out = C2_BUF_INIT(256);
    struct cat2_error err;

    (void)root;
    bool ok = fresh || c2_fail_nomem(&err, "mirror");
    ok = ok && read_mirror(req, c2_buf_str(json), fresh, &err) && may_keep(broker, fresh, &err) &&
         c2_buf_printf(&out, &err, "{\"lease\":%d}", C2_HUB_LEASE_MS / 1000);
    c2_buf_fini(json);
    if (ok) {
        keep(broker, fresh);
        c2_reply_json(req, 200, &out);
        return;
    }
    if (fresh) mirror_free(fresh);
    c2_reply_error(req, &err);
}

void c2_broker_handle_mirrors(struct c2_request *req, void *state)
{
    struct c2_bytes bytes = c2_request_body(req);
    struct c2_broker_mirror said = {0};
    struct c2_buf json = C2_BUF_INIT(C2_MIRRORS_BODY_MAX);
    struct cat2_error err;

    /* It would give others the data of roots that are not its own. */
    if (!c2_broker_has_free_hand(state, req)) {
        c2_log_some(C2_WARN, "a mirror from=%s is refused", c2_request_peer(req)->text);
        c2_reply_detail(req, 403,
                        "mirrors are registered with a key of the scope publish, from networks of "
                        "the broker's --trust, or from its host");
        return;
    }
    bool ok = read_mirror(req, (struct c2_str){(const char *)bytes.p, bytes.n}, &said, &err) &&
              c2_buf_append(&json, bytes.p, bytes.n, &err);
    c2_texts_fini(&said.names);
    if (ok) {
        c2_broker_place(state, req, &said.place, &json, placed);
        return;
    }
    c2_buf_fini(&json);
    c2_reply_error(req, &err);
}

/* ---- what is told ---- */

void c2_broker_mirrors_jw(struct c2_jw *w, const struct c2_broker *broker, const struct c2_root *root)
{
    bool any = false;

    for (const struct c2_broker_mirror *mirror = broker->mirrors; mirror; mirror = mirror->next) {
        if (!c2_texts_have(&mirror->names, root->name)) continue;
        if (!any) c2_jw_open_array(w, "mirrors");
        any = true;
        c2_jw_begin_object(w);
        c2_root_place_jw(w, &mirror->place);
        c2_jw_end_object(w);
    }
    if (any) c2_jw_end_array(w);
}

size_t c2_broker_nmirrors(const struct c2_broker *broker)
{
    size_t n = 0;

    for (const struct c2_broker_mirror *mirror = broker->mirrors; mirror; mirror = mirror->next)
        n++;
    return n;
}

void c2_broker_end_mirrors(struct c2_broker *broker)
{
    c2_timer_stop(broker->mirrors_timer);
    broker->mirrors_timer = NULL;
    while (broker->mirrors)
        drop(broker, broker->mirrors);
}
