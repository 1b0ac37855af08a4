/* SPDX-License-Identifier: BSD-3-Clause */
/* The bus of one process. Calls go to the hub. Callbacks are deferred, so none is made before the call that
 * caused it returns. */
#include "bus/local.h"

#include <stdlib.h>

#include "base/list.h"
#include "wire/json.h"

struct local {
    struct c2_bus bus;
    struct c2_loop *loop;
    struct c2_hub *hub;
    struct later *on_the_way;
    struct watch *watches;
};

/* A result on its way to done(). */
struct later {
    struct c2_loop_call call;
    struct local *local; /* NULL: freed, and so may be who asked */
    struct later *next, *prev;
    bool published;
    c2_bus_done *done;
    c2_bus_roots_done *roots_done;
    void *ctx;
    bool ok;
    struct cat2_error err;
    struct c2_root *roots;
    size_t n;
};

static void tell(struct later *later)
{
    const struct cat2_error *err = later->ok ? NULL : &later->err;

    if (later->roots_done)
        later->roots_done(later->ctx, later->roots, later->n, err);
    else if (later->done)
        later->done(later->ctx, err);
    free(later->roots);
}

static void deliver(void *arg)
{
    struct later *later = arg;

    if (later->local) {
        c2_list_remove(later->local->on_the_way, later);
        tell(later);
    }
    free(later);
}

static void answer(struct local *local, struct later result)
{
    struct later *copy = malloc(sizeof(*copy));

    if (!copy) {
        result.ok = c2_fail_nomem(&result.err, "answer of the hub");
        tell(&result);
        return;
    }
    *copy = result;
    copy->local = local;
    c2_list_push(local->on_the_way, copy);
    c2_loop_post(local->loop, &copy->call, deliver, copy);
}

static bool root_json(const struct c2_root *root, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_jw w;

    c2_jw_init(&w, out, C2_JSON_COMPACT, err);
    c2_jw_begin_object(&w);
    c2_root_jw(&w, root);
    c2_jw_put_null(&w, "subscribed");
    c2_jw_end_object(&w);
    return c2_jw_finish(&w);
}

/* The names of this process are its own, whoever had them. */
static void local_register(struct c2_bus *bus, const struct c2_root *root, const char *token,
                           c2_bus_done *done, void *ctx)
{
    struct local *local = (struct local *)bus;
    struct later result = {.done = done, .ctx = ctx};
    C2_AUTO(c2_buf) json = C2_BUF_INIT(4096);
    char told[33];

    result.ok =
        root_json(root, &json, &result.err) &&
        c2_hub_put_root(local->hub, root, c2_buf_str(&json), c2_str_of(token), true, told, &result.err);
    if (result.ok) c2_hub_claim(local->hub, c2_str_of(root->name), c2_str_of(told), local);
    answer(local, result);
}

/* Does nothing: a root of this process is there until the process ends. */
static void local_unregister(struct c2_bus *bus, const char *name, c2_bus_done *done, void *ctx)
{
    (void)name;
    answer((struct local *)bus, (struct later){.done = done, .ctx = ctx, .ok = true});
}

static void local_roots(struct c2_bus *bus, c2_bus_roots_done *done, void *ctx)
{
    struct local *local = (struct local *)bus;
    struct later result = {.roots_done = done, .ctx = ctx};
    size_t n = c2_hub_nroots(local->hub);

    result.roots = calloc(n + 1, sizeof(*result.roots));
    result.ok = result.roots || c2_fail_nomem(&result.err, "list of roots");
    for (; result.ok && result.n < n; result.n++)
        result.roots[result.n] = *c2_hub_root_at(local->hub, result.n);
    answer(local, result);
}

static void local_publish(struct c2_bus *bus, const char *topic, struct c2_str data, c2_bus_done *done,
                          void *ctx)
{
    struct local *local = (struct local *)bus;
    struct later result = {.done = done, .ctx = ctx, .published = true};

    result.ok = c2_hub_publish(local->hub, topic, data, NULL, &result.err);
    answer(local, result);
}

static struct c2_bus_subscription *local_subscribe(struct c2_bus *bus, const char *topic,
                                                   const struct c2_bus_position *from,
                                                   const struct c2_bus_listener *listener)
{
    struct local *local = (struct local *)bus;

    return (struct c2_bus_subscription *)c2_hub_subscribe(local->hub, topic, from, NULL, listener);
}

static void local_unsubscribe(struct c2_bus_subscription *subscription)
{
    c2_hub_unsubscribe((struct c2_hub_subscription *)subscription);
}

static bool local_connected(const struct c2_bus *bus)
{
    (void)bus;
    return true;
}

static bool local_here(const struct c2_bus *bus)
{
    (void)bus;
    return true;
}

struct watch {
    struct c2_loop_call call;
    struct local *local; /* NULL: freed */
    struct watch *next, *prev;
    void (*fn)(void *ctx);
    void *ctx;
};

static void on_connected(void *arg)
{
    struct watch *watch = arg;

    if (watch->local) {
        c2_list_remove(watch->local->watches, watch);
        watch->fn(watch->ctx);
    }
    free(watch);
}

static bool local_on_connect(struct c2_bus *bus, void (*fn)(void *ctx), void *ctx)
{
    struct local *local = (struct local *)bus;
    struct watch *watch = malloc(sizeof(*watch));

    if (!watch) return false;
    *watch = (struct watch){.local = local, .fn = fn, .ctx = ctx};
    c2_list_push(local->watches, watch);
    c2_loop_post(local->loop, &watch->call, on_connected, watch);
    return true;
}

/* Who publishes is told what became of it. Others may be gone. */
static void local_free(struct c2_bus *bus)
{
    struct local *local = (struct local *)bus;

    for (struct later *later = local->on_the_way; later; later = later->next) {
        if (later->published)
            tell(later);
        else
            free(later->roots);
        later->local = NULL;
    }
    for (struct watch *watch = local->watches; watch; watch = watch->next)
        watch->local = NULL;
    c2_hub_leave(local->hub, bus);
    free(bus);
}

bool c2_bus_local_new(struct c2_loop *loop, struct c2_hub *hub, struct c2_bus **out, struct cat2_error *err)
{
    static const struct c2_bus_ops ops = {local_register,   local_unregister,  local_roots,     local_publish,
                                          local_subscribe,  local_unsubscribe, local_connected, local_here,
                                          local_on_connect, local_free};
    struct local *local = calloc(1, sizeof(*local));

    if (!local) return c2_fail_nomem(err, "bus");
    local->bus.ops = &ops;
    local->loop = loop;
    local->hub = hub;
    *out = &local->bus;
    return true;
}
