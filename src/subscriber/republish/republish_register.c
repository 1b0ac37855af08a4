/* SPDX-License-Identifier: BSD-3-Clause */
/* What is followed is registered at the broker as mirrored here, again and again: it is forgotten there a
 * minute after the last time. */
#include <stdlib.h>

#include "base/hash.h"
#include "base/log_share.h"
#include "base/random.h"
#include "bus/hub.h"
#include "subscriber/mirror/root.h"
#include "subscriber/mirror/roots.h"
#include "subscriber/republish/republish.h"

#define TELL_MS (C2_HUB_LEASE_MS / 3) /* two may be lost */
#define LOOK_MS 500                   /* after a root has been listed, or left: so soon it is told */

struct c2_mirrors_told {
    struct c2_subscriber *sub;
    struct c2_timer *timer;
    int64_t told_ms; /* when last; 0: not since the last connection */
    uint64_t names;  /* a hash of what was told */
    bool under_way;
    char token[33];
};

static void on_told(void *ctx, const struct cat2_error *err)
{
    struct c2_mirrors_told *told = ctx;

    told->under_way = false;
    if (!err) return;
    told->told_ms = 0;
    c2_log_some(C2_WARN, "mirrors are not registered: %s", err->message);
}

/* Those that can be answered for. */
static bool put_names(const struct c2_subscriber *sub, bool none, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_jw w;

    c2_jw_init(&w, out, C2_JSON_COMPACT, err);
    c2_jw_begin_array(&w);
    for (const struct c2_root_state *root = none ? NULL : sub->roots; root; root = root->next)
        if (c2_root_is_listed(root)) c2_jw_cstr(&w, root->root.name);
    c2_jw_end_array(&w);
    return c2_jw_finish(&w);
}

static void tell(struct c2_mirrors_told *told, struct c2_str names)
{
    struct c2_subscriber *sub = told->sub;
    struct c2_mirroring mirroring = {sub->config.mirror_at, names, told->token};

    told->under_way = true;
    told->told_ms = c2_max_i64(1, c2_loop_now_ms(sub->config.loop));
    told->names = c2_hash64(names.p, names.n);
    sub->config.bus->ops->mirror(sub->config.bus, &mirroring, on_told, told);
}

static void on_time(void *ctx)
{
    struct c2_mirrors_told *told = ctx;
    struct c2_subscriber *sub = told->sub;
    C2_AUTO(c2_buf) names = C2_BUF_INIT(C2_MIRRORS_BODY_MAX);
    struct cat2_error err;

    if (told->under_way || sub->stopping || !sub->config.bus->ops->connected(sub->config.bus)) return;
    if (!put_names(sub, false, &names, &err)) {
        c2_log_some(C2_ERROR, "mirrors are not registered: %s", err.message);
        return;
    }
    bool due = !told->told_ms || c2_loop_now_ms(sub->config.loop) - told->told_ms >= TELL_MS;
    if (due || told->names != c2_hash64(names.p, names.n)) tell(told, c2_buf_str(&names));
}

static void on_connect(void *ctx)
{
    struct c2_mirrors_told *told = ((struct c2_subscriber *)ctx)->told;

    if (!told) return;
    told->told_ms = 0;
    on_time(told);
}

/* The same after a restart: the broker takes it as what was there. */
static bool read_token(struct c2_subscriber *sub, char out[33], struct cat2_error *err)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(64);

    if (c2_state_get(sub->state, "about", C2_STR("mirror_token"), &text, err) && text.n == 32) {
        memcpy(out, c2_buf_cstr(&text), 33);
        return true;
    }
    c2_random_hex32(out);
    return c2_state_put(sub->state, "about", C2_STR("mirror_token"), c2_str_of(out), err);
}

bool c2_republish_register(struct c2_subscriber *sub, struct cat2_error *err)
{
    struct c2_bus *bus = sub->config.bus;

    if (!sub->config.mirror_at) return true;
    if (!bus->ops->mirror) return c2_fail(err, CAT2_EUNSUPPORTED, "mirrors cannot be registered at this bus");
    struct c2_mirrors_told *told = calloc(1, sizeof(*told));
    if (!told) return c2_fail_nomem(err, "mirrors");
    told->sub = sub;
    sub->told = told;
    if (!read_token(sub, told->token, err)) return false;
    told->timer = c2_timer_start(sub->config.loop, LOOK_MS, LOOK_MS, on_time, told);
    return (told->timer && bus->ops->on_connect(bus, on_connect, sub)) || c2_fail_nomem(err, "mirrors");
}

void c2_republish_leave(struct c2_subscriber *sub)
{
    struct c2_mirrors_told *told = sub->told;
    C2_AUTO(c2_buf) none = C2_BUF_INIT(16);
    struct cat2_error err;

    if (!told) return;
    c2_timer_stop(told->timer);
    told->timer = NULL;
    if (put_names(sub, true, &none, &err)) tell(told, c2_buf_str(&none));
}

void c2_republish_free(struct c2_subscriber *sub)
{
    if (sub->told) c2_timer_stop(sub->told->timer);
    free(sub->told);
    sub->told = NULL;
}
