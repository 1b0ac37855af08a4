/* SPDX-License-Identifier: BSD-3-Clause */
/* Names that this process registers.
 *
 *   claim:  the registry has the name without an owner, or as ours  -> put
 *           as another's who gave a sign of life meanwhile          -> refused, 409
 *           as another's of whom none is left                       -> put, in his place
 *           else                                                    -> look again when that shows
 *   put:    write it in place of the revision that was seen; if that has changed, claim again
 *   renew:  three times in a lease a sign of life, in place of our last one; if that has changed, claim again
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/log.h"
#include "base/log_share.h"
#include "bus/nats/nats_impl.h"
#include "http/repr_digest.h"
#include "net/address.h"

static void on_timer(void *ctx);
static void renew(struct c2_nats_registration *reg);

static void later(struct c2_nats_registration *reg, int64_t ms)
{
    c2_timer_stop(reg->timer);
    reg->timer = c2_timer_start(reg->n->loop, ms, 0, on_timer, reg);
    if (!reg->timer) c2_log_error("root %s: out of memory: its lease is not renewed", reg->root.name);
}

static int64_t renewal_ms(const struct c2_nats *n)
{
    return n->lease_ms / 3;
}

struct c2_nats_registration *c2_nats_registration_of(const struct c2_nats *n, const char *name)
{
    struct c2_nats_registration *reg = n->registrations;

    while (reg && strcmp(reg->root.name, name) != 0)
        reg = reg->next;
    return reg;
}

/* It did not work out now. */
static void put_off(struct c2_nats_registration *reg, int64_t ms, const struct cat2_error *err)
{
    c2_log_some(C2_WARN, "register root=%s: %s", reg->root.name, err->message);
    if (reg->n->linked) later(reg, ms);
    if (reg->done) reg->done(reg->ctx, err);
}

static void lose(struct c2_nats_registration *reg)
{
    if (reg->owned) c2_log_error("root %s belongs to somebody else now", reg->root.name);
    reg->owned = false;
}

/* An answer came; true: to nobody any more. */
static bool is_over(struct c2_nats_registration *reg)
{
    bool gone = reg->gone;

    reg->asking = false;
    if (gone) c2_nats_registration_free(reg);
    return gone;
}

static void get(struct c2_nats_registration *reg)
{
    c2_bus_done *done = reg->done;
    bool news = !reg->owned;

    reg->owned = true;
    reg->done = NULL;
    reg->lease_last = 0;
    renew(reg);
    if (news) c2_nats_tell_watchers(reg->n);
    if (done) done(reg->ctx, NULL);
}

/* {"stream":S,"seq":N} */
static void on_put(void *ctx, struct c2_jval json, int64_t code, const struct cat2_error *err)
{
    struct c2_nats_registration *reg = ctx;

    (void)json;
    if (is_over(reg)) return;
    if (!err)
        get(reg);
    else if (code == C2_NATS_WRONG_LAST && reg->n->linked)
        later(reg, C2_NATS_AGAIN_MS / 10); /* the registry is about to say what it is now */
    else
        put_off(reg, C2_NATS_AGAIN_MS, err);
}

static void put(struct c2_nats_registration *reg, int64_t revision)
{
    C2_AUTO(c2_buf) body = C2_BUF_INIT(4096);
    char subject[C2_NATS_SUBJECT_MAX];
    struct cat2_error err;
    struct c2_jw w;

    c2_nats_key(subject, sizeof(subject), reg->n->registry, reg->root.name);
    c2_jw_init(&w, &body, C2_JSON_COMPACT, &err);
    c2_jw_begin_object(&w);
    c2_root_jw(&w, &reg->root);
    c2_jw_put_cstr(&w, "owner", reg->owner);
    c2_jw_end_object(&w);
    reg->asking =
        c2_jw_finish(&w) && c2_nats_replace(reg->n, subject, revision, c2_buf_str(&body), on_put, reg, &err);
    if (!reg->asking) put_off(reg, C2_NATS_AGAIN_MS, &err);
}

/* ---- signs of life ---- */

static void on_renewed(void *ctx, struct c2_jval json, int64_t code, const struct cat2_error *err)
{
    struct c2_nats_registration *reg = ctx;

    if (is_over(reg) || !reg->n->linked) return;
    if (code == C2_NATS_WRONG_LAST) { /* another's, or ours was too old and is gone */
        c2_nats_claim(reg);
        return;
    }
    if (err) c2_log_some(C2_WARN, "lease of root %s: %s", reg->root.name, err->message);
    if (!err) c2_jint(c2_jget(json, "seq"), &reg->lease_last);
    later(reg, err ? c2_min_i64(C2_NATS_AGAIN_MS, renewal_ms(reg->n)) : renewal_ms(reg->n));
}

static void renew(struct c2_nats_registration *reg)
{
    char subject[C2_NATS_SUBJECT_MAX];
    struct cat2_error err;

    c2_nats_key(subject, sizeof(subject), reg->n->lease, reg->root.name);
    struct c2_str owner = c2_str_of(reg->owner);
    reg->asking = reg->lease_last
                      ? c2_nats_replace(reg->n, subject, reg->lease_last, owner, on_renewed, reg, &err)
                      : c2_nats_call(reg->n, subject, owner, on_renewed, reg, &err);
    if (!reg->asking) later(reg, C2_NATS_AGAIN_MS);
}

/* ---- names of others ---- */

/* `held` is gone; a connection that is younger than a renewal may have missed the return of everybody. */
static void take_over(struct c2_nats_registration *reg, const struct c2_nats_entry *held)
{
    int64_t wait_ms = reg->n->up_ms + 2 * renewal_ms(reg->n) - c2_loop_now_ms(reg->n->loop);
    struct cat2_error err;

    if (wait_ms <= 0) {
        c2_log_info("root %s was that of %s, whose lease is over", held->root.name, held->root.http);
        put(reg, held->revision);
        return;
    }
    c2_fail(
        &err, CAT2_EUPSTREAM,
        "root %.100s belongs to the publisher at %.100s, whose lease is over: the name is free in %" PRId64
        " s if it does not come back",
        held->root.name, held->root.http, wait_ms / 1000 + 1);
    put_off(reg, wait_ms, &err);
}

/* {"message":{"seq":N}} */
static void on_lease(void *ctx, struct c2_jval json, int64_t code, const struct cat2_error *err)
{
    struct c2_nats_registration *reg = ctx;
    const struct c2_nats_entry *held = c2_nats_entry_of(reg->n, reg->root.name);
    int64_t seen = 0, before = reg->lease_seen;
    struct cat2_error why;

    if (is_over(reg)) return;
    if (err && code != C2_NATS_NO_MESSAGE) {
        put_off(reg, C2_NATS_AGAIN_MS, err);
        return;
    }
    if (!held || strcmp(held->owner, reg->owner) == 0) {
        later(reg, 0);
        return;
    }
    if (err) {
        take_over(reg, held);
        return;
    }
    c2_jint(c2_jget(c2_jget(json, "message"), "seq"), &seen);
    reg->lease_seen = seen;
    bool lives = before && seen != before;
    if (lives) {
        c2_fail(&why, CAT2_EINVAL,
                "root %.100s belongs to the publisher at %.100s, which is connected: stop that one first, or "
                "choose another name",
                held->root.name, held->root.http);
        why.http_status = 409;
    } else {
        c2_fail(&why, CAT2_EUPSTREAM,
                "root %.100s belongs to the publisher at %.100s, which was there %" PRId64
                " s ago or less: whether it still is will show",
                held->root.name, held->root.http, reg->n->lease_ms / 1000);
    }
    put_off(reg, renewal_ms(reg->n) + C2_NATS_AGAIN_MS, &why);
}

static void look(struct c2_nats_registration *reg)
{
    C2_AUTO(c2_buf) body = C2_BUF_INIT(4096);
    char subject[C2_NATS_SUBJECT_MAX];
    struct cat2_error err;
    struct c2_jw w;

    c2_nats_key(subject, sizeof(subject), reg->n->lease, reg->root.name);
    c2_jw_init(&w, &body, C2_JSON_COMPACT, &err);
    c2_jw_begin_object(&w);
    c2_jw_put_cstr(&w, "last_by_subj", subject);
    c2_jw_end_object(&w);
    snprintf(subject, sizeof(subject), "$JS.API.STREAM.MSG.GET.%s", reg->n->lease);
    reg->asking = c2_jw_finish(&w) && c2_nats_call(reg->n, subject, c2_buf_str(&body), on_lease, reg, &err);
    if (!reg->asking) put_off(reg, C2_NATS_AGAIN_MS, &err);
}

void c2_nats_claim(struct c2_nats_registration *reg)
{
    const struct c2_nats_entry *held = c2_nats_entry_of(reg->n, reg->root.name);

    if (!reg->n->up || reg->asking) return; /* the connection, or the answer, sees to it */
    if (!held || held->gone) {
        put(reg, held ? held->revision : 0);
    } else if (strcmp(held->owner, reg->owner) != 0) {
        lose(reg);
        look(reg);
    } else if (reg->owned && c2_root_is_at(&held->root, &reg->root)) {
        get(reg);
    } else {
        put(reg, held->revision);
    }
}

static void on_timer(void *ctx)
{
    struct c2_nats_registration *reg = ctx;
    const struct c2_nats_entry *held = c2_nats_entry_of(reg->n, reg->root.name);

    reg->timer = NULL;
    if (!reg->n->up || reg->asking) return;
    if (reg->owned && reg->lease_last && held && strcmp(held->owner, reg->owner) == 0)
        renew(reg);
    else
        c2_nats_claim(reg);
}

/* ---- the bus ---- */

bool c2_nats_hash_token(const char *token, char out[C2_DIGEST_MAX], struct cat2_error *err)
{
    struct c2_digest *digest = c2_digest_new();

    if (!digest) return c2_fail_nomem(err, "hash");
    if (c2_digest_add(digest, c2_bytes_of(c2_str_of(token)), err)) return c2_digest_end(digest, out, err);
    c2_digest_free(digest);
    return false;
}

/* A broker refuses such an address of another machine; NATS cannot. */
void c2_nats_check_place(const struct c2_nats *n, const char *what, const char *http)
{
    struct c2_hostport place;
    struct cat2_error err;

    if (n->address.here || !c2_hostport_parse(c2_str_of(http), &place, &err)) return;
    if (place.is_address ? c2_address_kind_of(place.address) == C2_ADDRESS_LOOPBACK
                         : c2_hostport_is_localhost(&place))
        c2_log_warn("%s is at %s, where only this machine finds it: give an address that others reach", what,
                    http);
}

void c2_nats_register(struct c2_nats *n, const struct c2_root *root, const char *token, c2_bus_done *done,
                      void *ctx)
{
    struct c2_nats_registration *reg = calloc(1, sizeof(*reg));
    char what[sizeof(root->name) + 10];
    struct cat2_error err;

    if (reg) *reg = (struct c2_nats_registration){.n = n, .root = *root, .done = done, .ctx = ctx};
    if (!reg || !c2_nats_hash_token(token, reg->owner, &err)) {
        if (!reg) c2_fail_nomem(&err, "root");
        free(reg);
        if (done) done(ctx, &err);
        return;
    }
    snprintf(what, sizeof(what), "root %s", root->name);
    c2_nats_check_place(n, what, root->http);
    reg->next = n->registrations;
    n->registrations = reg;
    c2_nats_claim(reg);
}

struct removal {
    c2_bus_done *done;
    void *ctx;
};

static void on_removed(void *ctx, struct c2_jval json, int64_t code, const struct cat2_error *err)
{
    struct removal *removal = ctx;

    (void)json, (void)code;
    if (removal->done) removal->done(removal->ctx, err);
    free(removal);
}

static void forget(struct c2_nats_registration *reg)
{
    c2_chain_remove(reg->n->registrations, reg, next);
    reg->gone = true;
    reg->done = NULL;
    c2_timer_stop(reg->timer);
    reg->timer = NULL;
    if (!reg->asking) c2_nats_registration_free(reg);
}

void c2_nats_unregister(struct c2_nats *n, const char *name, c2_bus_done *done, void *ctx)
{
    struct c2_nats_registration *reg = c2_nats_registration_of(n, name);
    const struct c2_nats_entry *held = c2_nats_entry_of(n, name);
    struct removal *removal = malloc(sizeof(*removal));
    char subject[C2_NATS_SUBJECT_MAX];
    struct cat2_error err;

    bool ours = reg && reg->owned && held && strcmp(held->owner, reg->owner) == 0;
    if (reg) forget(reg);
    if (removal) *removal = (struct removal){done, ctx};
    c2_nats_key(subject, sizeof(subject), n->registry, name);
    bool ok = (removal || c2_fail_nomem(&err, "removal")) &&
              (ours || c2_fail(&err, CAT2_ENOTFOUND, "root %.100s is not registered by us", name)) &&
              c2_nats_replace(n, subject, held->revision, (struct c2_str){"", 0}, on_removed, removal, &err);
    if (ok) return;
    free(removal);
    if (done) done(ctx, &err);
}

void c2_nats_registration_free(struct c2_nats_registration *reg)
{
    c2_timer_stop(reg->timer);
    free(reg);
}
