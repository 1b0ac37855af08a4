/* SPDX-License-Identifier: BSD-3-Clause */
/* The bus of one process: what is asked of it is done, and told after the call that asked for it. */
#include "base/base_testing.h"
#include "bus/local.h"

struct world {
    struct c2_loop *loop;
    struct c2_hub *hub;
    struct c2_bus *bus;
    struct c2_loop_call stop;
    int ndone, nfailed, nconnected, nevents, nresyncs;
    char roots[100]; /* names and addresses as last told */
    char reason[200];
    struct c2_bus_subscription *leave; /* at the next event */
};

static void on_done(void *ctx, const struct cat2_error *err)
{
    struct world *w = ctx;

    w->ndone++;
    if (!err) return;
    w->nfailed++;
    snprintf(w->reason, sizeof(w->reason), "%s", err->message);
}

static void on_roots(void *ctx, const struct c2_root *roots, size_t n, const struct cat2_error *err)
{
    struct world *w = ctx;
    size_t at = 0;

    assert_null(err);
    w->ndone++;
    *w->roots = '\0';
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(w->roots + at, sizeof(w->roots) - at, "%.20s=%.40s ", roots[i].name,
                               roots[i].http);
}

static void on_connect(void *ctx)
{
    ((struct world *)ctx)->nconnected++;
}

static void on_event(void *ctx, const struct c2_event *event)
{
    struct world *w = ctx;

    w->nevents++;
    assert_int_equal(event->seq, w->nevents);
    if (w->leave) w->bus->ops->unsubscribe(w->leave);
    w->leave = NULL;
}

static void on_resync(void *ctx)
{
    ((struct world *)ctx)->nresyncs++;
}

static void stop(void *ctx)
{
    c2_loop_stop(((struct world *)ctx)->loop);
}

/* Until all that was posted has been called. */
static void run(struct world *w)
{
    c2_loop_post(w->loop, &w->stop, stop, w);
    c2_loop_run(w->loop);
}

static void begin(struct world *w)
{
    struct cat2_error err;

    *w = (struct world){0};
    assert_true(c2_loop_new(&w->loop, &err));
    assert_true(c2_hub_new(NULL, "e1", &w->hub, &err));
    assert_true(c2_bus_local_new(w->loop, w->hub, &w->bus, &err));
}

static void end(struct world *w)
{
    if (w->bus) w->bus->ops->free(w->bus);
    c2_hub_free(w->hub);
    c2_loop_free(w->loop);
}

static const struct c2_root foo = {"foo", "127.0.0.1:1"}, moved = {"foo", "127.0.0.1:2"},
                            bar = {"bar", "h:3"};
static const char token[] = "00112233445566778899aabbccddeeff";

static void roots_are_told_after_they_were_asked_for(void **state)
{
    struct world w;

    begin(&w);
    w.bus->ops->register_root(w.bus, &foo, token, on_done, &w);
    w.bus->ops->register_root(w.bus, &bar, token, on_done, &w);
    w.bus->ops->roots(w.bus, on_roots, &w);
    assert_int_equal(w.ndone, 0);
    run(&w);
    assert_int_equal(w.ndone, 3);
    assert_string_equal(w.roots, "foo=127.0.0.1:1 bar=h:3 ");
    end(&w);
}

static void names_of_this_process_are_its_own(void **state)
{
    struct world w;
    struct cat2_error err;
    char told[33];
    int64_t wait_ms;

    begin(&w);
    assert_true(c2_hub_put_root(w.hub, &foo, C2_STR("{}"), C2_STR(""), false, told, &err));
    w.bus->ops->register_root(w.bus, &moved, token, on_done, &w);
    w.bus->ops->unregister_root(w.bus, "foo", on_done, &w);
    w.bus->ops->roots(w.bus, on_roots, &w);
    run(&w);
    assert_int_equal(w.nfailed, 0);
    assert_string_equal(w.roots, "foo=127.0.0.1:2 "); /* it stays until the process ends */
    assert_int_equal(c2_hub_owner_of(w.hub, "foo", &wait_ms), C2_OWNER_CONNECTED);
    w.bus->ops->free(w.bus);
    w.bus = NULL;
    assert_int_not_equal(c2_hub_owner_of(w.hub, "foo", &wait_ms), C2_OWNER_CONNECTED);
    end(&w);
}

static void events_reach_who_listens_and_nobody_after(void **state)
{
    struct world w;
    struct c2_bus_listener listener = {on_event, on_resync, &w};
    struct c2_bus_position now = {"", 0};

    begin(&w);
    struct c2_bus_subscription *topic = w.bus->ops->subscribe(w.bus, "foo", &now, &listener);
    assert_non_null(topic);
    w.bus->ops->publish(w.bus, "foo", C2_STR("{\"path\":\"a\"}"), on_done, &w);
    w.bus->ops->publish(w.bus, "bar", C2_STR("{\"path\":\"b\"}"), on_done, &w);
    assert_int_equal(w.ndone, 0);
    run(&w);
    assert_int_equal(w.ndone, 2);
    assert_int_equal(w.nevents, 1);
    assert_int_equal(w.nresyncs, 1);
    w.leave = topic; /* from within */
    w.bus->ops->publish(w.bus, "foo", C2_STR("{\"path\":\"c\"}"), on_done, &w);
    w.bus->ops->publish(w.bus, "foo", C2_STR("{\"path\":\"d\"}"), on_done, &w);
    run(&w);
    assert_int_equal(w.nevents, 2);
    end(&w);
}

static void what_the_hub_refuses_is_told(void **state)
{
    struct world w;
    char topic[20];

    begin(&w);
    for (int i = 0; i <= C2_HUB_TOPICS_MAX; i++) {
        snprintf(topic, sizeof(topic), "t%d", i);
        w.bus->ops->publish(w.bus, topic, C2_STR("{}"), on_done, &w);
    }
    run(&w);
    assert_int_equal(w.ndone, C2_HUB_TOPICS_MAX + 1);
    assert_true(w.nfailed > 0);
    assert_non_null(strstr(w.reason, "topics"));
    end(&w);
}

static void it_is_always_connected(void **state)
{
    struct world w;

    begin(&w);
    assert_true(w.bus->ops->connected(w.bus));
    assert_true(w.bus->ops->on_connect(w.bus, on_connect, &w));
    assert_int_equal(w.nconnected, 0);
    run(&w);
    assert_int_equal(w.nconnected, 1);
    end(&w);
}

static void who_asked_may_be_gone_when_the_bus_is(void **state)
{
    struct world w;

    begin(&w);
    w.bus->ops->register_root(w.bus, &foo, token, on_done, &w);
    w.bus->ops->roots(w.bus, on_roots, &w);
    assert_true(w.bus->ops->on_connect(w.bus, on_connect, &w));
    w.bus->ops->publish(w.bus, "foo", C2_STR("{}"), on_done, &w);
    w.bus->ops->free(w.bus);
    w.bus = NULL;
    assert_int_equal(w.ndone, 1); /* what was published */
    run(&w);
    assert_int_equal(w.ndone, 1);
    assert_int_equal(w.nconnected, 0);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roots_are_told_after_they_were_asked_for),
        cmocka_unit_test(names_of_this_process_are_its_own),
        cmocka_unit_test(events_reach_who_listens_and_nobody_after),
        cmocka_unit_test(what_the_hub_refuses_is_told),
        cmocka_unit_test(it_is_always_connected),
        cmocka_unit_test(who_asked_may_be_gone_when_the_bus_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
