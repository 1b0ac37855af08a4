/* SPDX-License-Identifier: BSD-3-Clause */
/* Hosts and events in the order of their time, then of their making. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/vec.h"

#define SAME_TIME_MAX 2000000 /* events without time moving: somebody goes round in circles */

struct c2_fake_event {
    struct c2_fake_event *next; /* of those that a host holds */
    struct c2_host *host;
    struct c2_host *from;
    int64_t at, made; /* when it is due; of those at the same time, which comes first */
    c2_loop_fn *fn;
    void *ctx;
    bool cancelled;
};
struct link {
    const struct c2_host *a, *b;
    int64_t ms;
};

static struct c2_host *graves; /* of all scenes: what killed programs had is never freed */

static struct {
    int64_t now, steps_now;
    int64_t made;
    struct {
        C2_VEC(struct c2_fake_event *);
    } events; /* a heap: none is due before the first */
    struct c2_host *hosts;
    struct link links[32];
    int nlinks;
} world;

int64_t c2_fake_now(void)
{
    return world.now;
}

/* ---- hosts ---- */

struct c2_host *c2_fake_host(const char *name)
{
    for (struct c2_host *host = world.hosts; host; host = host->next)
        if (!host->buried && strcmp(host->name, name) == 0) return host;
    struct c2_host *host = calloc(1, sizeof(*host));
    C2_ASSERT(host);
    snprintf(host->name, sizeof(host->name), "%s", name);
    host->alive = true;
    host->cut_after = host->wrong_at = -1;
    host->next = world.hosts;
    world.hosts = host;
    return host;
}

struct c2_host *c2_fake_host_at(const char *address)
{
    for (struct c2_host *host = world.hosts; host; host = host->next)
        if (!host->buried && strcmp(host->address, address) == 0) return host;
    return NULL;
}

void c2_fake_set_latency(const struct c2_host *a, const struct c2_host *b, int64_t ms)
{
    for (int i = 0; i < world.nlinks; i++) {
        struct link *link = &world.links[i];
        if ((link->a != a || link->b != b) && (link->a != b || link->b != a)) continue;
        link->ms = ms;
        return;
    }
    C2_ASSERT(world.nlinks < (int)C2_ARRAY_LEN(world.links));
    world.links[world.nlinks++] = (struct link){a, b, ms};
}

struct c2_host *c2_fake_bury(struct c2_host *host)
{
    host->buried = true;
    struct c2_host *heir = c2_fake_host(host->name), *next = heir->next;
    *heir = *host;
    heir->next = next;
    heir->alive = heir->hung = heir->buried = false;
    heir->daemon = NULL;
    heir->nats = NULL;
    heir->held = NULL;
    for (int i = 0; i < world.nlinks; i++) {
        if (world.links[i].a == host) world.links[i].a = heir;
        if (world.links[i].b == host) world.links[i].b = heir;
    }
    return heir;
}

int64_t c2_fake_latency(const struct c2_host *a, const struct c2_host *b)
{
    for (int i = 0; i < world.nlinks; i++) {
        const struct link *link = &world.links[i];
        if ((link->a == a && link->b == b) || (link->a == b && link->b == a)) return link->ms;
    }
    return 0;
}

/* ---- events ---- */

static bool is_before(size_t a, size_t b)
{
    const struct c2_fake_event *x = world.events.p[a], *y = world.events.p[b];

    return x->at < y->at || (x->at == y->at && x->made < y->made);
}

static void swap(size_t a, size_t b)
{
    struct c2_fake_event *event = world.events.p[a];

    world.events.p[a] = world.events.p[b];
    world.events.p[b] = event;
}

static void insert(struct c2_fake_event *event)
{
    struct cat2_error err;

    event->made = world.made++;
    C2_ASSERT(c2_vec_push(&world.events, C2_VEC_NO_MAX, "events", &err, event));
    for (size_t i = world.events.n - 1; i > 0 && is_before(i, (i - 1) / 2); i = (i - 1) / 2)
        swap(i, (i - 1) / 2);
}

static struct c2_fake_event *take_first(void)
{
    struct c2_fake_event *first = world.events.p[0];
    size_t n = --world.events.n;

    world.events.p[0] = world.events.p[n];
    for (size_t i = 0, least;; i = least) {
        least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < n; child++)
            if (is_before(child, least)) least = child;
        if (least == i) return first;
        swap(i, least);
    }
}

struct c2_fake_event *c2_fake_at(struct c2_host *host, struct c2_host *from, int64_t at, c2_loop_fn *fn,
                                 void *ctx)
{
    struct c2_fake_event *event = malloc(sizeof(*event));

    C2_ASSERT(event);
    *event = (struct c2_fake_event){
        .host = host, .from = from, .at = c2_max_i64(at, world.now), .fn = fn, .ctx = ctx};
    insert(event);
    return event;
}

void c2_fake_soon(struct c2_host *host, c2_loop_fn *fn, void *ctx)
{
    c2_fake_at(host, NULL, world.now, fn, ctx);
}

void c2_fake_cancel(struct c2_fake_event *event)
{
    if (event) event->cancelled = true;
}

static void release(struct c2_host *host)
{
    struct c2_fake_event *event = host->held, *next;

    host->held = NULL;
    for (; event; event = next) {
        next = event->next;
        event->at = world.now;
        insert(event);
    }
}

void c2_fake_hang(struct c2_host *host, bool hung)
{
    host->hung = hung;
    release(host);
}

void c2_fake_reach(struct c2_host *host, bool reachable)
{
    host->unreachable = !reachable;
    release(host);
}

/* Who keeps this event from happening now. */
static struct c2_host *holder(const struct c2_fake_event *event)
{
    if (!event->host) return NULL;
    if (event->host->hung || event->host->buried) return event->host;
    if (!event->from || event->from == event->host) return NULL;
    if (event->host->unreachable) return event->host;
    return event->from->unreachable ? event->from : NULL;
}

static void hold(struct c2_host *host, struct c2_fake_event *event)
{
    struct c2_fake_event **at = &host->held;

    while (*at)
        at = &(*at)->next;
    event->next = NULL;
    *at = event;
}

bool c2_fake_step(int64_t until)
{
    if (world.events.n == 0 || world.events.p[0]->at > until) {
        world.now = c2_max_i64(world.now, until);
        return false;
    }
    struct c2_fake_event *event = take_first();
    if (event->cancelled) {
        free(event);
        return true;
    }
    world.steps_now = event->at > world.now ? 0 : world.steps_now + 1;
    C2_ASSERT(world.steps_now < SAME_TIME_MAX);
    world.now = c2_max_i64(world.now, event->at);
    struct c2_host *blocked = holder(event);
    if (blocked) {
        hold(blocked, event);
        return true;
    }
    c2_loop_fn *fn = event->fn;
    void *ctx = event->ctx;
    free(event);
    fn(ctx);
    return true;
}

void c2_fake_end(void)
{
    for (struct c2_host *host = world.hosts; host; host = host->next) {
        host->hung = host->unreachable = false;
        if (!host->buried) release(host);
    }
    while (world.events.n)
        c2_fake_step(world.events.p[0]->at);
    c2_vec_fini(&world.events);
    for (struct c2_host *host = world.hosts, *next; host; host = next) {
        next = host->next;
        if (host->buried) {
            host->next = graves;
            graves = host;
        } else {
            free(host);
        }
    }
    memset(&world, 0, sizeof(world));
}
