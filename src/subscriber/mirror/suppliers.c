/* SPDX-License-Identifier: BSD-3-Clause */
/* Sources are measured by a small question now and then, /mirror of a subscriber and /healthz of a publisher.
 * Differences of a millisecond or a fifth count for nothing: the one that is used stays. */
#include "subscriber/mirror/suppliers.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/log_share.h"
#include "subscriber/mirror/roots.h"
#include "subscriber/mirror/upstreams.h"

#define TICK_MS     1000 /* between looks for who is to be measured: so soon the first time after a failure */
#define PROBE_MS    15000     /* between two measurements of a source that is well; at first less */
#define AWAY_MAX_MS 60000     /* and of one that is not: twice as long each time */
#define ANSWER_MS   5000      /* a source that takes longer for a few bytes is of no use */
#define ANSWER_MAX  (1 << 20) /* bytes of its answer: as many names as are told */
#define SMOOTH      0.3       /* what the last measurement counts */
#define BETTER      0.8       /* of the round trip of the one that is used, and a millisecond */
#define UNKNOWN_MS  1e6       /* of one that is not measured */

const char *c2_supplier_state(const struct c2_supplier *supplier)
{
    if (supplier->circle) return "circle";
    if (supplier->nfailed) return "away";
    return supplier->round_trip_ms < 0 ? "not measured" : "ok";
}

void c2_supplier_url(const struct c2_root *place, char out[400])
{
    snprintf(out, 400, "%s://%s", c2_root_scheme(place), place->http);
}

/* ---- which ---- */

static double cost_of(const struct c2_root_state *root, int at)
{
    const struct c2_supplier *supplier = root->suppliers[at];
    double cost = supplier->round_trip_ms < 0 ? UNKNOWN_MS : supplier->round_trip_ms;

    return at == root->used ? cost * BETTER - 1 : cost;
}

static bool is_circle(const struct c2_root_state *root, int at)
{
    return root->suppliers[at]->circle || (at == 0 && root->cyclic);
}

bool c2_turn_was_left(const struct c2_turn *turn, uint64_t key)
{
    bool left = false;

    for (int i = 0; i < turn->nleft && !left; i++)
        left = turn->left[i] == key;
    return left;
}

/* An index; -1: none. */
static int pick(const struct c2_root_state *root, const struct c2_turn *turn)
{
    int best = -1, away = -1;

    for (int i = 0; i < root->nsuppliers; i++) {
        if (is_circle(root, i) || c2_turn_was_left(turn, root->suppliers[i]->key)) continue;
        if (root->suppliers[i]->nfailed)
            away = away < 0 ? i : away;
        else if (best < 0 || cost_of(root, i) < cost_of(root, best))
            best = i;
    }
    return best < 0 ? away : best;
}

int c2_supplier_used(const struct c2_root_state *root)
{
    return (int)c2_max_i64(0, pick(root, &(struct c2_turn){0}));
}

static uint64_t key_of(const struct c2_root *place)
{
    return c2_hash64_seeded(place->http, strlen(place->http), (uint64_t)(2 * place->tls + place->mirror));
}

void c2_turn_first(const struct c2_root_state *root, struct c2_turn *turn)
{
    turn->at = key_of(&root->root);
}

bool c2_turn_is_first(const struct c2_root_state *root, const struct c2_turn *turn)
{
    return turn->at == key_of(&root->root);
}

bool c2_turn_next(const struct c2_root_state *root, struct c2_turn *turn)
{
    int i = pick(root, turn);

    if (i < 0 && turn->nleft) return false;
    if (i < 0)
        c2_turn_first(root, turn);
    else
        turn->at = root->suppliers[i]->key;
    return true;
}

void c2_turn_leave_at(struct c2_turn *turn, uint64_t at)
{
    if (turn->nleft < C2_ROOT_SUPPLIERS_MAX && !c2_turn_was_left(turn, at)) turn->left[turn->nleft++] = at;
}

void c2_turn_leave(struct c2_turn *turn)
{
    c2_turn_leave_at(turn, turn->at);
}

bool c2_turn_has_other(const struct c2_root_state *root, const struct c2_turn *turn)
{
    struct c2_turn next = *turn;

    c2_turn_leave(&next);
    return next.nleft < C2_ROOT_SUPPLIERS_MAX && pick(root, &next) >= 0;
}

static int index_of(const struct c2_root_state *root, uint64_t key)
{
    for (int i = 0; i < root->nsuppliers; i++)
        if (root->suppliers[i]->key == key) return i;
    return -1;
}

struct c2_root c2_turn_place(const struct c2_root_state *root, const struct c2_turn *turn)
{
    int i = index_of(root, turn->at);
    struct c2_root place = i > 0 ? root->suppliers[i]->place : root->root;

    memcpy(place.name, root->root.name, sizeof(place.name));
    return place;
}

/* ---- well or not ---- */

static void set_well(struct c2_supplier *supplier)
{
    if (supplier->nfailed)
        c2_log_some(C2_INFO, "source %s=%s answers again", c2_root_scheme(&supplier->place),
                    supplier->place.http);
    supplier->nfailed = 0;
}

static void set_away(struct c2_supplier *supplier, const char *why)
{
    int64_t ms = c2_min_i64(AWAY_MAX_MS, (int64_t)TICK_MS << c2_min_i64(supplier->nfailed, 10));

    if (!supplier->nfailed)
        c2_log_some(C2_WARN, "source %s=%s is not asked for now: %s", c2_root_scheme(&supplier->place),
                    supplier->place.http, why);
    supplier->nfailed++;
    supplier->nfailures++;
    supplier->due_ms = c2_loop_now_ms(supplier->sub->config.loop) + ms;
    snprintf(supplier->why, sizeof(supplier->why), "%.*s", (int)sizeof(supplier->why) - 1, why);
}

void c2_supplier_note(struct c2_root_state *root, uint64_t at, const struct cat2_error *err)
{
    int i = index_of(root, at);

    if (i < 0) return;
    if (!err) {
        root->used = i;
        set_well(root->suppliers[i]);
    } else if (err->code == CAT2_EUPSTREAM || err->code == CAT2_EDATA) {
        set_away(root->suppliers[i], err->message);
    }
}

struct c2_supplier *c2_supplier_at(const struct c2_root_state *root, uint64_t at)
{
    int i = index_of(root, at);

    return i < 0 ? NULL : root->suppliers[i];
}

void c2_supplier_note_well(struct c2_root_state *root, uint64_t at)
{
    struct c2_supplier *supplier = c2_supplier_at(root, at);

    if (supplier) set_well(supplier);
}

/* What an owner says of its data is so; a mirror may have another generation, or no key of ours. */
bool c2_turn_may_leave(const struct c2_root_state *root, const struct c2_turn *turn,
                       const struct c2_http_reply *reply, const struct cat2_error *err)
{
    if (!root || root->sub->stopping || !c2_turn_has_other(root, turn)) return false;
    if (!reply) return err->code != CAT2_ECANCELLED && err->code != CAT2_ENOMEM;
    return c2_turn_place(root, turn).mirror ? reply->status >= 300
                                            : reply->status >= 500 && reply->status != 503;
}

/* ---- measuring ---- */

static void set_circle(struct c2_supplier *supplier, bool circle)
{
    if (circle && !supplier->circle)
        c2_log_some(C2_WARN,
                    "source %s=%s has its roots from this subscriber: a circle, it is asked for nothing",
                    c2_root_scheme(&supplier->place), supplier->place.http);
    supplier->circle = circle;
}

void c2_supplier_note_circle(struct c2_root_state *root, uint64_t at)
{
    struct c2_supplier *supplier = c2_supplier_at(root, at);

    if (!supplier) return;
    set_circle(supplier, true);
    c2_upstreams_judge(root->sub);
}

static uint64_t hash_of(struct c2_str root)
{
    return c2_hash64_seeded(root.p, root.n, 0);
}

static int by_number(const void *a, const void *b)
{
    uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;

    return (one > other) - (one < other);
}

/* Without memory for them they are not known. */
static void read_current(struct c2_supplier *supplier, struct c2_jval names)
{
    struct c2_jiter it = c2_jiter_of(names);
    struct c2_str key, name;
    struct c2_jval value;

    free(supplier->current);
    supplier->ncurrent = 0;
    supplier->current = calloc(c2_jlen(names) + 1, sizeof(uint64_t));
    supplier->tells_current = supplier->current && c2_jval_kind(names) == C2_JARRAY;
    while (supplier->tells_current && c2_jnext(&it, &key, &value))
        if (c2_jstr(value, &name)) supplier->current[supplier->ncurrent++] = hash_of(name);
    if (supplier->ncurrent) qsort(supplier->current, supplier->ncurrent, sizeof(uint64_t), by_number);
}

bool c2_supplier_has_current(const struct c2_supplier *supplier, const char *root)
{
    uint64_t hash = hash_of(c2_str_of(root));

    return supplier->ncurrent &&
           bsearch(&hash, supplier->current, supplier->ncurrent, sizeof(hash), by_number);
}

/* {"via":[ID,...],"current":[ROOT,...]}, its own ID the first. */
static bool read_mirror(struct c2_supplier *supplier, struct c2_str text)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    C2_AUTO(c2_buf) via = C2_BUF_INIT(sizeof(supplier->via) - 1);
    struct c2_str key, id;
    struct c2_jval value;
    struct cat2_error err;

    if (!c2_json_parse(text, &json, &err)) return false;
    struct c2_jiter it = c2_jiter_of(c2_jget(c2_json_root(json), "via"));
    bool circle = false;
    while (c2_jnext(&it, &key, &value)) {
        if (!c2_jstr(value, &id) || !c2_buf_printf(&via, &err, "%s%.*s", via.n ? " " : "", C2_STR_ARG(id)))
            return false;
        circle = circle || c2_str_is(id, supplier->sub->peer_id);
    }
    set_circle(supplier, circle);
    read_current(supplier, c2_jget(c2_json_root(json), "current"));
    snprintf(supplier->via, sizeof(supplier->via), "%s", c2_buf_cstr(&via));
    return true;
}

static void measured(struct c2_supplier *supplier, int64_t ms)
{
    double last = (double)ms;

    supplier->nprobes++;
    supplier->round_trip_ms = supplier->round_trip_ms < 0
                                  ? last
                                  : supplier->round_trip_ms + SMOOTH * (last - supplier->round_trip_ms);
    set_well(supplier);
}

/* While mirrors are nearer, a publisher's end shows nowhere else. */
static void on_silent(struct c2_supplier *supplier, const struct cat2_error *err)
{
    struct c2_subscriber *sub = supplier->sub;

    set_away(supplier, err->message);
    if (!supplier->place.mirror && sub->unreached) sub->unreached(sub, supplier->place.http);
}

static void on_probed(void *ctx, struct c2_http_reply *reply, const struct cat2_error *err)
{
    struct c2_supplier *supplier = ctx;
    int64_t now = c2_loop_now_ms(supplier->sub->config.loop);
    char why[60];

    supplier->probe = NULL;
    supplier->due_ms = now + c2_min_i64(PROBE_MS, (int64_t)TICK_MS << c2_min_i64(supplier->nprobes, 10));
    if (err) {
        on_silent(supplier, err);
    } else if (!supplier->place.mirror ||
               (reply->status == 200 && read_mirror(supplier, c2_buf_str(reply->body)))) {
        measured(supplier, now - supplier->asked_ms);
    } else {
        snprintf(why, sizeof(why), "it answers %d to GET /mirror", reply->status);
        set_away(supplier, why);
    }
    c2_upstreams_judge(supplier->sub);
}

static void probe(struct c2_supplier *supplier)
{
    char base[400], url[420];

    c2_supplier_url(&supplier->place, base);
    snprintf(url, sizeof(url), "%s%s", base, supplier->place.mirror ? "/mirror" : "/healthz");
    struct c2_http_call call = {
        .url = url, .timeout_ms = ANSWER_MS, .body_max = ANSWER_MAX, .done = on_probed, .ctx = supplier};
    supplier->asked_ms = c2_loop_now_ms(supplier->sub->config.loop);
    supplier->probe = c2_http_start(supplier->sub->config.http, &call);
}

static void on_tick(void *ctx)
{
    struct c2_subscriber *sub = ctx;
    int64_t now = c2_loop_now_ms(sub->config.loop);

    for (struct c2_supplier *supplier = sub->suppliers; supplier; supplier = supplier->next)
        if (!supplier->probe && now >= supplier->due_ms) probe(supplier);
}

/* ---- which there are ---- */

struct c2_supplier *c2_supplier_hold(struct c2_subscriber *sub, const struct c2_root *place)
{
    struct c2_supplier *supplier = sub->suppliers;

    while (supplier && !c2_root_is_at(&supplier->place, place))
        supplier = supplier->next;
    if (!supplier) {
        supplier = calloc(1, sizeof(*supplier));
        if (!supplier) return NULL;
        *supplier = (struct c2_supplier){.next = sub->suppliers,
                                         .sub = sub,
                                         .place = *place,
                                         .key = key_of(place),
                                         .round_trip_ms = -1,
                                         .rate = -1};
        sub->suppliers = supplier;
        if (!sub->suppliers_timer && !sub->stopping)
            sub->suppliers_timer = c2_timer_start(sub->config.loop, 1, TICK_MS, on_tick, sub);
    }
    supplier->nroots++;
    return supplier;
}

void c2_supplier_let_go(struct c2_supplier *supplier)
{
    struct c2_subscriber *sub = supplier->sub;

    if (--supplier->nroots > 0) return;
    c2_chain_remove(sub->suppliers, supplier, next);
    if (supplier->probe) c2_http_cancel(supplier->probe);
    free(supplier->current);
    free(supplier);
    if (sub->suppliers) return;
    c2_timer_stop(sub->suppliers_timer);
    sub->suppliers_timer = NULL;
}

void c2_suppliers_drop(struct c2_root_state *root)
{
    for (int i = 0; i < root->nsuppliers; i++)
        c2_supplier_let_go(root->suppliers[i]);
    root->nsuppliers = root->used = 0;
}

static bool is_ours(const struct c2_subscriber *sub, const struct c2_root *place)
{
    const char *own = sub->config.public_url;
    char url[400];

    c2_supplier_url(place, url);
    size_t n = strlen(url);
    return own && strncmp(own, url, n) == 0 && (own[n] == '\0' || own[n] == '/');
}

void c2_suppliers_set(struct c2_root_state *root, const struct c2_root *others, size_t n)
{
    struct c2_supplier *now[C2_ROOT_SUPPLIERS_MAX];
    int nnow = 0;

    for (size_t i = 0; i < n && nnow < C2_ROOT_SUPPLIERS_MAX; i++) {
        if (is_ours(root->sub, &others[i]) || c2_root_is_at(&others[i], &root->root)) continue;
        if (nnow == 0) now[nnow++] = c2_supplier_hold(root->sub, &root->root);
        now[nnow] = now[nnow - 1] ? c2_supplier_hold(root->sub, &others[i]) : NULL;
        nnow += now[nnow] != NULL;
    }
    int used = root->used;
    c2_suppliers_drop(root); /* those that stay are held twice now */
    if (nnow < 2) {
        if (nnow && now[0]) c2_supplier_let_go(now[0]);
        return;
    }
    memcpy(root->suppliers, now, (size_t)nnow * sizeof(*now));
    root->nsuppliers = nnow;
    root->used = used < nnow ? used : 0;
}

void c2_suppliers_set_upstreams(struct c2_root_state *root)
{
    const struct c2_subscriber_config *config = &root->sub->config;

    if (config->nupstreams > 1) c2_suppliers_set(root, config->upstreams, (size_t)config->nupstreams);
}

void c2_suppliers_move(struct c2_root_state *root)
{
    struct c2_root others[C2_ROOT_SUPPLIERS_MAX];
    size_t n = 0;

    root->cyclic = false; /* it was of the other place */
    for (int i = 1; i < root->nsuppliers; i++)
        others[n++] = root->suppliers[i]->place;
    c2_suppliers_set(root, others, n);
}

void c2_suppliers_stop(struct c2_subscriber *sub)
{
    c2_timer_stop(sub->suppliers_timer);
    sub->suppliers_timer = NULL;
    for (struct c2_supplier *supplier = sub->suppliers; supplier; supplier = supplier->next) {
        if (supplier->probe) c2_http_cancel(supplier->probe);
        supplier->probe = NULL;
    }
}
