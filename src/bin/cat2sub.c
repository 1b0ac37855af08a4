/* SPDX-License-Identifier: BSD-3-Clause */
/* The subscriber: follows roots, caches what is asked for, serves it. */
#include "bin/service.h"
#include "bin/statedir.h"
#include "broker/broker.h"
#include "bus/remote.h"
#include "subscriber/subscriber.h"

struct role {
    struct c2_bus *bus;
    struct c2_downstream downstream;
    struct c2_subscriber *sub;
    struct c2_root upstream; /* its place */
    c2_loop_fn *stopped;
    void *stopped_ctx;
};

/* Another subscriber tells of roots and changes as a broker does. */
static bool open_upstream(struct role *role, const char *text, struct cat2_error *err)
{
    return c2_service_address(c2_str_of(text), role->upstream.http, sizeof(role->upstream.http),
                              &role->upstream.tls, err) ||
           c2_fail_within(err, "--upstream");
}

static bool start(void *ctx, struct c2_service *s, struct cat2_error *err)
{
    struct role *role = ctx;
    char statedir[C2_STATEDIR_MAX];
    struct c2_subscriber_config config = {.statedir = statedir};
    const char *upstream = c2_options_text(s->options, "upstream");

    if (upstream && c2_options_text(s->options, "bus"))
        return c2_fail(err, CAT2_EINVAL, "--upstream tells of changes itself: it goes without --bus");
    if (!c2_statedir_subscriber(s->options, statedir, err) ||
        (upstream && !open_upstream(role, upstream, err)) ||
        !(upstream ? c2_bus_remote_new(s->loop, s->http, upstream, &role->bus, err)
                   : c2_service_bus(s, &role->bus, err)) ||
        !c2_downstream_open(s, &role->downstream, err))
        return false;
    config.bus = role->bus;
    config.downstream = role->downstream.bus;
    config.lease_ms = c2_options_period(s->options, "lease");
    if (upstream) config.upstream = &role->upstream;
    return c2_service_subscriber(s, &config, &role->sub, err);
}

static void on_stopped(void *ctx)
{
    struct role *role = ctx;

    c2_broker_stop(role->downstream.broker, role->stopped, role->stopped_ctx);
}

static void stop(void *ctx, c2_loop_fn *done, void *done_ctx)
{
    struct role *role = ctx;

    role->stopped = done;
    role->stopped_ctx = done_ctx;
    c2_subscriber_stop(role->sub, on_stopped, role);
}

static void release(void *ctx)
{
    struct role *role = ctx;

    c2_subscriber_free(role->sub);
    c2_downstream_free(&role->downstream);
    if (role->bus) role->bus->ops->free(role->bus);
}

static void metrics(void *ctx, struct c2_metrics *m)
{
    c2_subscriber_metrics(((struct role *)ctx)->sub, m);
}

static void ready(void *ctx, struct c2_conditions *why)
{
    c2_subscriber_ready(((struct role *)ctx)->sub, why);
}

static const struct c2_option options[] = {
    {"http", 0, C2_OPT_ENDPOINT, "localhost:8002", "HOST:PORT",
     "listen here; *:PORT for every address, port 0 for a free one", NULL},
    {"broker", 0, C2_OPT_SERVICE, "localhost:8000", "HOST:PORT",
     "the broker to ask for roots; https://HOST:PORT by TLS", "broker.http"},
    C2_SERVICE_BUS,
    {"upstream", 0, C2_OPT_SERVICE, NULL, "URL",
     "follow the roots of this subscriber, in place of a broker's; http[s]://HOST:PORT", NULL},
    {"statedir", 0, C2_OPT_TEXT, "_caterva2/sub", "DIR",
     "keep state and cache here; with --id _caterva2/sub.ID", NULL},
    {"lease", 0, C2_OPT_PERIOD, "60", "SECONDS|never",
     "how old what is known of a root may become while no events can come", NULL},
    C2_SERVICE_CACHE,
    C2_SERVICE_WORK_PER_REQUEST,
    C2_SERVICE_BASE_PATH,
    C2_SERVICE_COMMON,
    C2_SERVICE_KEY_FILE,
    C2_SERVICE_TRUST(
        "networks that need no key, in which publishers are asked at link-local and loopback addresses, too; "
        "may be repeated"),
    C2_SERVICE_PAGES,
};

int main(int argc, char **argv)
{
    static const struct c2_options_spec spec = {
        .program = "cat2sub",
        .synopsis = "[OPTIONS]",
        .about = "Follow roots, fetch what is asked for, cache it, serve it.",
        .section = "subscriber",
        .options = options,
        .noptions = C2_ARRAY_LEN(options),
    };
    static const struct c2_service_role service_role = {.program = "cat2sub",
                                                        .caches = true,
                                                        .any_url = true,
                                                        .asks = true,
                                                        .upstream = true,
                                                        .start = start,
                                                        .stop = stop,
                                                        .free = release,
                                                        .ready = ready,
                                                        .metrics = metrics};
    struct role role = {0};
    void *states[] = {&role};

    return c2_service_run(&spec, argc, argv, &service_role, states, 1);
}
