/* SPDX-License-Identifier: BSD-3-Clause */
/* Subscribers that answer for roots beside their publishers: keys mirror.HOST=3APORT of the bucket of leases,
 * {"http","tls","owner","roots":[NAME]}; empty: it leaves. No root has a key with a dot. NATS removes the
 * value of who is silent and tells nobody of that, so followers count the lease, too. */
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/log_share.h"
#include "bus/hub.h"
#include "bus/nats/nats_impl.h"
#include "net/address.h"

#define KEY "mirror." /* of the bucket */

static void mirror_free(struct c2_nats_mirror *mirror)
{
    if (mirror) c2_texts_fini(&mirror->names);
    free(mirror);
}

static void drop(struct c2_nats *n, struct c2_nats_mirror *mirror)
{
    c2_chain_remove(n->mirrored, mirror, next);
    n->nmirrored--;
    mirror_free(mirror);
}

/* Followers ask which roots there are. */
static void tell(struct c2_nats *n)
{
    c2_nats_dispatch(n, C2_TOPIC_MIRRORS, C2_STR("{}"), ++n->mirrors_seq);
}

static struct c2_nats_mirror *find(const struct c2_nats *n, const char *http)
{
    struct c2_nats_mirror *mirror = n->mirrored;

    while (mirror && strcmp(mirror->place.http, http) != 0)
        mirror = mirror->next;
    return mirror;
}

static void on_look(void *ctx)
{
    struct c2_nats *n = ctx;
    int64_t now = c2_loop_now_ms(n->loop);
    bool any = false;

    for (struct c2_nats_mirror *mirror = n->mirrored, *next; mirror; mirror = next) {
        next = mirror->next;
        if (!n->up || now - c2_max_i64(mirror->seen_ms, n->up_ms) < n->lease_ms) continue;
        c2_log_some(C2_WARN, "mirror http=%s is silent, and not asked any more", mirror->place.http);
        drop(n, mirror);
        any = true;
    }
    if (any) tell(n);
    if (n->mirrored) return;
    c2_timer_stop(n->mirrors_timer);
    n->mirrors_timer = NULL;
}

/* ---- what others say ---- */

static bool read_names(struct c2_jval roots, struct c2_texts *out)
{
    struct c2_jiter it = c2_jiter_of(roots);
    struct c2_str key, name;
    struct cat2_error err;
    struct c2_jval value;

    if (c2_jval_kind(roots) != C2_JARRAY) return false;
    while (c2_jnext(&it, &key, &value))
        if (!c2_jstr(value, &name) || !c2_root_name_check(name, &err) ||
            !c2_texts_add(out, name, C2_HUB_ROOTS_MAX, "names of roots", &err))
            return false;
    c2_texts_sort(out);
    return true;
}

/* What a broker would not have taken is none. */
static bool read_mirror(struct c2_str data, const char *http, struct c2_nats_mirror *out)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_str owner = {"", 0};
    struct c2_hostport place;
    struct cat2_error err;

    if (!c2_json_parse(data, &json, &err)) return false;
    struct c2_jval object = c2_json_root(json);
    c2_jstr(c2_jget(object, "owner"), &owner);
    if (!c2_root_of_json(C2_STR("a mirror"), object, &out->place) || strcmp(out->place.http, http) != 0 ||
        !c2_hostport_parse(c2_str_of(http), &place, &err) || owner.n >= sizeof(out->owner))
        return false;
    memcpy(out->owner, owner.p, owner.n);
    return read_names(c2_jget(object, "roots"), &out->names);
}

static bool is_same(const struct c2_nats_mirror *a, const struct c2_nats_mirror *b)
{
    bool same = a->place.tls == b->place.tls && a->names.n == b->names.n;

    for (size_t i = 0; same && i < a->names.n; i++)
        same = strcmp(a->names.p[i], b->names.p[i]) == 0;
    return same;
}

/* Takes fresh. What was known already is as old as it was. */
static void keep(struct c2_nats *n, struct c2_nats_mirror *fresh)
{
    struct c2_nats_mirror *old = find(n, fresh->place.http);
    bool news = !old || !is_same(old, fresh);

    fresh->seen_ms = old && old->revision == fresh->revision ? old->seen_ms : c2_loop_now_ms(n->loop);
    if (old) drop(n, old);
    if (n->nmirrored >= C2_MIRRORS_MAX) {
        c2_log_some(C2_WARN, "mirror http=%s is not taken: %d are the most", fresh->place.http,
                    C2_MIRRORS_MAX);
        mirror_free(fresh);
        return;
    }
    fresh->next = n->mirrored;
    n->mirrored = fresh;
    n->nmirrored++;
    if (!n->mirrors_timer)
        n->mirrors_timer = c2_timer_start(n->loop, n->lease_ms / 4, n->lease_ms / 4, on_look, n);
    if (news) tell(n);
}

static void leave(struct c2_nats *n, const char *http)
{
    struct c2_nats_mirror *old = find(n, http);

    if (!old) return;
    drop(n, old);
    tell(n);
}

static void on_whole(struct c2_nats *n);

static bool take(struct c2_nats *n, struct c2_str data, const char *http, int64_t revision)
{
    if (data.n == 0) {
        leave(n, http);
        return true;
    }
    struct c2_nats_mirror *fresh = calloc(1, sizeof(*fresh));
    if (!fresh || !read_mirror(data, http, fresh)) {
        mirror_free(fresh);
        return false;
    }
    fresh->revision = revision;
    keep(n, fresh);
    return true;
}

static void on_message(struct c2_nats *n, const struct c2_nats_message *m,
                       const struct c2_nats_delivery *delivery)
{
    struct c2_str token = c2_str_of(m->subject);
    size_t skip = strlen("$KV.") + strlen(c2_nats_bucket(n->lease)) + strlen("." KEY);
    char http[sizeof(((struct c2_root *)NULL)->http)];

    bool ok = token.n > skip;
    if (ok) token = (struct c2_str){token.p + skip, token.n - skip};
    ok = ok && c2_nats_untoken(token, http, sizeof(http)) && take(n, m->data, http, delivery->stream_seq);
    if (!ok) c2_log_some(C2_WARN, "mirrors: %.200s is none", m->subject);
    if (!n->mirrors_known && delivery->pending == 0) on_whole(n);
}

static void begin(struct c2_nats *n)
{
    n->mirrors_known = false;
}

static void begun(struct c2_nats *n, int64_t total)
{
    if (!n->mirrors_known && total <= n->mirrors.cseq) on_whole(n);
}

/* ---- what we say ---- */

/* There is one question at a time. */
static void answer(struct c2_nats *n, const struct cat2_error *err)
{
    c2_bus_done *done = n->told.done;

    n->told.waits = false;
    n->told.done = NULL;
    if (done) done(n->told.ctx, err);
}

static void on_refusal(void *ctx)
{
    struct c2_nats *n = ctx;

    n->told.refusal_timer = NULL;
    answer(n, &n->told.refusal);
}

static void refuse(struct c2_nats *n)
{
    n->told.waits = false;
    if (!n->told.refusal_timer) n->told.refusal_timer = c2_timer_start(n->loop, 0, 0, on_refusal, n);
    if (!n->told.refusal_timer) answer(n, &n->told.refusal);
}

static void on_told(void *ctx, struct c2_jval json, int64_t code, const struct cat2_error *err)
{
    (void)json, (void)code;
    answer(ctx, err);
}

static void on_renewed(void *ctx, struct c2_jval json, int64_t code, const struct cat2_error *err)
{
    (void)ctx, (void)json, (void)code;
    if (err) c2_log_some(C2_WARN, "mirror: %s", err->message);
}

/* Is there another at our address, or are there too many? Where two begin at once, the last one stays. */
static bool may_tell(struct c2_nats *n, struct cat2_error *err)
{
    const struct c2_nats_mirror *old = find(n, n->told.place.http);

    if (old && strcmp(old->owner, n->told.owner) != 0) {
        c2_fail(err, CAT2_EINVAL, "another mirror is registered at %.100s, and has not been silent for %d s",
                old->place.http, (int)(n->lease_ms / 1000));
        err->http_status = 409;
        return false;
    }
    if (old || n->nmirrored < C2_MIRRORS_MAX || n->told.body.n == 0) return true;
    c2_fail(err, CAT2_ELIMIT, "there are %d mirrors, and no more are taken", C2_MIRRORS_MAX);
    err->http_status = 503;
    return false;
}

static void send_told(struct c2_nats *n)
{
    struct c2_nats_told *told = &n->told;

    told->waits = false;
    if (!may_tell(n, &told->refusal) ||
        !c2_nats_call(n, told->subject, c2_buf_str(&told->body), on_told, n, &told->refusal))
        refuse(n);
}

/* NATS keeps it for one lease. Who mirrors tells it three times in a broker's. */
static void on_renewal(void *ctx)
{
    struct c2_nats *n = ctx;
    struct cat2_error err;

    if (n->lease_ms >= C2_HUB_LEASE_MS || !n->up || !n->mirrors_known || n->told.body.n == 0 ||
        !may_tell(n, &err))
        return;
    if (!c2_nats_call(n, n->told.subject, c2_buf_str(&n->told.body), on_renewed, n, &err))
        c2_log_some(C2_WARN, "mirror: %s", err.message);
}

static void on_whole(struct c2_nats *n)
{
    n->mirrors_known = true;
    if (n->told.waits) send_told(n);
}

static bool put_body(struct c2_nats *n, const struct c2_mirroring *mirroring, struct cat2_error *err)
{
    struct c2_buf *body = &n->told.body;
    struct c2_jw w;

    body->n = 0;
    if (c2_str_is(mirroring->roots, "[]")) return true;
    c2_jw_init(&w, body, C2_JSON_COMPACT, err);
    c2_jw_begin_object(&w);
    c2_root_place_jw(&w, mirroring->place);
    c2_jw_put_cstr(&w, "owner", n->told.owner);
    c2_jw_put_raw(&w, "roots", mirroring->roots);
    c2_jw_end_object(&w);
    bool ok =
        c2_jw_finish(&w) && (!c2_nats_is_too_long(n, body->n) ||
                             c2_fail(err, CAT2_ELIMIT, "names of roots: %zu bytes are more than %.100s takes",
                                     body->n, n->address.text));
    if (!ok) body->n = 0;
    return ok;
}

static void name_it(struct c2_nats *n, const struct c2_root *place)
{
    char token[C2_NATS_TOKEN_MAX];

    if (!n->told.subject[0]) c2_nats_check_place(n, "what is mirrored here", place->http);
    n->told.place = *place;
    c2_nats_token(c2_str_of(place->http), token);
    snprintf(n->told.subject, sizeof(n->told.subject), "$KV.%s." KEY "%s", c2_nats_bucket(n->lease), token);
}

void c2_nats_mirror(struct c2_nats *n, const struct c2_mirroring *mirroring, c2_bus_done *done, void *ctx)
{
    struct c2_nats_told *told = &n->told;

    name_it(n, mirroring->place);
    told->done = done;
    told->ctx = ctx;
    if (!c2_nats_hash_token(mirroring->token, told->owner, &told->refusal) ||
        !put_body(n, mirroring, &told->refusal) ||
        !(n->up || c2_fail(&told->refusal, CAT2_EUPSTREAM, "%.200s is away", n->address.text))) {
        refuse(n);
        return;
    }
    if (!told->timer) told->timer = c2_timer_start(n->loop, n->lease_ms / 3, n->lease_ms / 3, on_renewal, n);
    told->waits = true;
    c2_nats_want_mirrors(n);
    if (n->mirrors_known) send_told(n);
}

/* ---- the feed ---- */

void c2_nats_want_mirrors(struct c2_nats *n)
{
    bool wanted = n->told.subject[0];

    for (const struct c2_nats_subscription *s = n->subscriptions; s && !wanted; s = s->next)
        wanted = !s->gone && strcmp(s->topic, C2_TOPIC_MIRRORS) == 0;
    if (wanted && n->up && !n->mirrors.active && !n->mirrors.asked) c2_nats_feed_start(&n->mirrors);
}

void c2_nats_mirrors_init(struct c2_nats *n)
{
    n->mirrors = (struct c2_nats_feed){.n = n,
                                       .name = "m",
                                       .stream = n->lease,
                                       .ear = C2_NATS_MIRRORS,
                                       .begin = begin,
                                       .begun = begun,
                                       .message = on_message};
    snprintf(n->mirrors.filter, sizeof(n->mirrors.filter), "$KV.%s." KEY "*", c2_nats_bucket(n->lease));
    c2_buf_init(&n->told.body, C2_MIRRORS_BODY_MAX);
}

void c2_nats_mirrors_away(struct c2_nats *n)
{
    struct c2_nats_told *told = &n->told;

    c2_nats_feed_stop(&n->mirrors);
    n->mirrors_known = false;
    if (!told->waits) return;
    c2_fail(&told->refusal, CAT2_EUPSTREAM, "%.200s is away", n->address.text);
    refuse(n);
}

void c2_nats_mirrors_free(struct c2_nats *n)
{
    c2_timer_stop(n->told.timer);
    c2_timer_stop(n->told.refusal_timer);
    c2_timer_stop(n->mirrors_timer);
    c2_buf_fini(&n->told.body);
    while (n->mirrored)
        drop(n, n->mirrored);
}
