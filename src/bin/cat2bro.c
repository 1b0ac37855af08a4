/* SPDX-License-Identifier: BSD-3-Clause */
/* The broker: registry of roots, hub of change events. */
#include "bin/service.h"
#include "broker/broker.h"

struct role {
    struct c2_broker *broker;
};

static bool start(void *ctx, struct c2_service *service, struct cat2_error *err)
{
    struct role *role = ctx;
    struct c2_broker_config config = {
        .loop = service->loop,
        .http = service->http,
        .server = service->server,
        .statedir = c2_options_text(service->options, "statedir"),
        .trusted = &service->trusted,
    };

    c2_server_serves(service->server, "broker", NULL);
    return c2_broker_new(&config, &role->broker, err);
}

static void stop(void *ctx, c2_loop_fn *done, void *done_ctx)
{
    struct role *role = ctx;
    c2_broker_stop(role->broker, done, done_ctx);
}

static void release(void *ctx)
{
    struct role *role = ctx;
    c2_broker_free(role->broker);
}

static void metrics(void *ctx, struct c2_metrics *m)
{
    struct role *role = ctx;
    c2_broker_metrics(role->broker, m);
}

static const struct c2_option options[] = {
    {"http", 0, C2_OPT_ENDPOINT, "localhost:8000", "HOST:PORT",
     "listen here; *:PORT for every address, port 0 for a free one", NULL},
    {"statedir", 0, C2_OPT_TEXT, "_caterva2/bro", "DIR", "keep the registry and the events here", NULL},
    {"public-url", 0, C2_OPT_TEXT, NULL, "HOST:PORT", "how others reach this service", NULL},
    C2_SERVICE_COMMON,
    C2_SERVICE_TRUST("networks that need no key, whose publishers may register any address; such as "
                     "10.1.0.0/16; may be repeated"),
};

int main(int argc, char **argv)
{
    static const struct c2_options_spec spec = {
        .program = "cat2bro",
        .synopsis = "[OPTIONS]",
        .about = "Keep the registry of roots and carry their change events.",
        .section = "broker",
        .options = options,
        .noptions = C2_ARRAY_LEN(options),
    };
    static const struct c2_service_role service_role = {
        .program = "cat2bro", .start = start, .stop = stop, .free = release, .metrics = metrics};
    struct role role = {0};
    void *states[] = {&role};

    return c2_service_run(&spec, argc, argv, &service_role, states, 1);
}
