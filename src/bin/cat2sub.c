/* SPDX-License-Identifier: BSD-3-Clause */
/* The subscriber: follows roots, caches what is asked for, serves it. */
#include <stdio.h>
#include <string.h>

#include "bin/service.h"
#include "bin/statedir.h"
#include "broker/broker.h"
#include "bus/remote.h"
#include "net/address.h"
#include "subscriber/subscriber.h"

struct role {
    struct c2_bus *bus;
    struct c2_downstream downstream;
    struct c2_subscriber *sub;
    struct c2_root upstreams[C2_BUS_PLACES_MAX], place;
    int nupstreams;
    c2_loop_fn *stopped;
    void *stopped_ctx;
};

/* A place to ask, which is not our own and not one of those before. */
static bool add_upstream(struct role *role, struct c2_service *s, struct c2_str text, struct cat2_error *err)
{
    struct c2_root *place = &role->upstreams[role->nupstreams];
    char url[400];

    if (role->nupstreams == C2_BUS_PLACES_MAX)
        return c2_fail(err, CAT2_EINVAL, "more than %d of them", C2_BUS_PLACES_MAX);
    if (!c2_service_address(text, place->http, sizeof(place->http), &place->tls, err)) return false;
    place->mirror = true;
    snprintf(url, sizeof(url), "%s://%s", c2_root_scheme(place), place->http);
    if (strcmp(url, s->public_url) == 0)
        return c2_fail(err, CAT2_EINVAL, "%s is this subscriber itself: a circle", url);
    for (int i = 0; i < role->nupstreams; i++)
        if (c2_root_is_at(place, &role->upstreams[i]))
            return c2_fail(err, CAT2_EINVAL, "%s is named twice", url);
    role->nupstreams++;
    return true;
}

/* Other subscribers tell of roots and changes as a broker does. */
static bool open_upstreams(struct role *role, struct c2_service *s, const char *lines, struct cat2_error *err)
{
    struct c2_str rest = c2_str_of(lines), line;

    for (bool more = true; more;) {
        more = c2_str_cut(rest, '\n', &line, &rest);
        if (!add_upstream(role, s, line, err)) return c2_fail_within(err, "--upstream");
    }
    return true;
}

/* http[s]://HOST[:PORT], and nothing behind it. */
static bool is_store(struct c2_str text)
{
    struct c2_str scheme, rest, place;
    struct c2_hostport to;
    struct cat2_error err;
    char with_port[300];

    if (!c2_str_cut(text, ':', &scheme, &rest) || !c2_str_starts(rest, "//")) return false;
    if (!c2_str_is(scheme, "http") && !c2_str_is(scheme, "https")) return false;
    place = (struct c2_str){rest.p + 2, rest.n - 2};
    if (c2_hostport_parse(place, &to, &err)) return true;
    snprintf(with_port, sizeof(with_port), "%.*s:80", C2_STR_ARG(place));
    return place.n < 256 && c2_hostport_parse(c2_str_of(with_port), &to, &err);
}

/* Stores that may be read where publishers say so. */
static bool check_stores(const char *lines, struct cat2_error *err)
{
    struct c2_str rest = c2_str_of(lines ? lines : ""), line;

    for (bool more = lines != NULL; more;) {
        more = c2_str_cut(rest, '\n', &line, &rest);
        if (!is_store(line))
            return c2_fail(err, CAT2_EINVAL, "--direct-store: '%.*s' is not http[s]://HOST[:PORT]",
                           C2_STR_ARG(line));
    }
    return true;
}

/* Where mirrors are registered: at a broker or NATS, and as HOST:PORT, which is all that others are told of a
 * root.
 */
static bool open_republish(struct role *role, struct c2_service *s, struct cat2_error *err)
{
    if (c2_options_text(s->options, "upstream"))
        return c2_fail(
            err, CAT2_EINVAL,
            "--republish and --upstream: mirrors are registered at a broker, and --upstream takes its "
            "place; others can name this subscriber with --upstream");
    return c2_service_address(c2_str_of(s->public_url), role->place.http, sizeof(role->place.http),
                              &role->place.tls, err) ||
           c2_fail_within(err,
                          "--republish: others must reach this subscriber at http[s]://HOST:PORT, without a "
                          "path: --public-url");
}

/* Who tells of roots and changes. */
static bool open_bus(struct role *role, struct c2_service *s, struct cat2_error *err)
{
    const char *upstream = c2_options_text(s->options, "upstream");
    bool republish = c2_options_flag(s->options, "republish");

    if (upstream && c2_options_text(s->options, "bus"))
        return c2_fail(err, CAT2_EINVAL, "--upstream tells of changes itself: it goes without --bus");
    if ((upstream && !open_upstreams(role, s, upstream, err)) || (republish && !open_republish(role, s, err)))
        return false;
    return upstream ? c2_bus_remote_new(s->loop, s->http, upstream, &role->bus, err)
                    : c2_service_bus(s, &role->bus, err);
}

static bool start(void *ctx, struct c2_service *s, struct cat2_error *err)
{
    struct role *role = ctx;
    char statedir[C2_STATEDIR_MAX];
    struct c2_subscriber_config config = {.statedir = statedir};

    config.direct_stores = c2_options_text(s->options, "direct-store");
    if (!check_stores(config.direct_stores, err) || !c2_statedir_subscriber(s->options, statedir, err) ||
        !open_bus(role, s, err) || !c2_downstream_open(s, &role->downstream, err))
        return false;
    config.bus = role->bus;
    config.downstream = role->downstream.bus;
    config.lease_ms = c2_options_period(s->options, "lease");
    config.upstreams = role->upstreams;
    config.nupstreams = role->nupstreams;
    if (c2_options_flag(s->options, "republish")) config.mirror_at = &role->place;
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
    const struct role *role = ctx;

    c2_subscriber_metrics(role->sub, m);
    c2_service_bus_metrics(role->bus, m);
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
    {"upstream", 0, C2_OPT_LIST, NULL, "URL",
     "follow the roots of this subscriber, in place of a broker's; http[s]://HOST:PORT; may be repeated",
     NULL},
    {"republish", 0, C2_OPT_FLAG, NULL, NULL,
     "register what is followed at the broker or bus, so that other subscribers may get it here", NULL},
    {"direct-store", 0, C2_OPT_LIST, NULL, "URL",
     "a store of objects, http[s]://HOST[:PORT], that may be read where a publisher says so; may be repeated",
     NULL},
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
