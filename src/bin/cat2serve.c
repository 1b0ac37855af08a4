/* SPDX-License-Identifier: BSD-3-Clause */
/* All in one process: broker, a publisher for every PATH, subscriber. The roles are the same objects as in
 * the other programs, joined by the hub instead of a network; publishers and broker listen on ports of their
 * own, so that others may join in. With a bus on NATS there is no broker: publishers and subscriber are on
 * that bus, as programs of their own would be. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "bin/service.h"
#include "bin/statedir.h"
#include "broker/broker.h"
#include "bus/local.h"
#include "http/keyring.h"
#include "publisher/publisher.h"
#include "subscriber/subscriber.h"

#define PATHS_MAX 64    /* directories, each with a publisher and its port */
#define LEASE_MS  60000 /* how old a list may become while NATS is away: as of cat2sub */

struct published {
    char name[256], path[4096], statedir[C2_STATEDIR_MAX + 300];
    struct c2_server *server;
    struct c2_state *state;
    struct c2_publisher *publisher;
};
struct role {
    char statedir[C2_STATEDIR_MAX];
    struct c2_server *broker_server;
    struct c2_broker *broker;
    struct c2_bus *bus;
    struct published *published;
    struct c2_root *roots; /* of those, as others are told of them */
    int n;
    struct c2_downstream downstream;
    struct c2_subscriber *sub;
    c2_loop_fn *stopped;
    void *stopped_ctx;
};

/* Takes listen to what others are told; *tls: TLS is spoken there. */
static bool open_server(struct c2_service *s, struct c2_endpoint listen, struct c2_server **out,
                        char http[300], bool *tls, struct cat2_error *err)
{
    int others = 1 + c2_options_nargs(s->options), share = c2_service_connections(s, true) / others;
    struct c2_server_options options = {.listen = listen,
                                        .server_name = "caterva2/" C2_VERSION,
                                        .hosts = &s->hosts,
                                        .exposure = &s->exposure,
                                        .gate = c2_access_gate(s->access),
                                        .connections_max = share < 4 ? 4 : share,
                                        .connections_per_address = s->per_address};
    C2_AUTO(c2_buf) text = C2_BUF_INIT(299);

    /* Those that only this machine reaches have names that no certificate is for. */
    if (!c2_endpoint_is_local(&options.listen)) options.tls = s->tls;
    if (!c2_server_new(s->loop, &options, out, err)) return false;
    *tls = options.tls != NULL;
    listen.port = c2_server_port(*out);
    c2_service_name_host(&listen);
    if (!c2_endpoint_format(&listen, &text, err)) return false;
    snprintf(http, 300, "%s", c2_buf_cstr(&text));
    return true;
}

/* The subscriber's key to a publisher of this process. */
static bool keep_key(struct c2_service *s, const char *http, struct cat2_error *err)
{
    C2_AUTO(c2_buf) line = C2_BUF_INIT(500);

    return c2_buf_printf(&line, err, "%s %s", http, c2_access_own_key(s->access)) &&
           c2_keyring_add(s->keys, c2_buf_str(&line), err);
}

/* "name=path", or a path whose last part is the name. */
static bool name_path(const char *arg, struct published *p, struct cat2_error *err)
{
    struct c2_str name, path, whole = c2_str_no_slashes(c2_str_of(arg));

    if (!c2_str_cut(whole, '=', &name, &path)) {
        path = whole;
        name = c2_path_last(whole);
    }
    if (name.n == 0 || name.n >= sizeof(p->name) || path.n == 0 || path.n >= sizeof(p->path))
        return c2_fail(err, CAT2_EINVAL, "'%.100s' is not [NAME=]PATH", arg);
    snprintf(p->name, sizeof(p->name), "%.*s", C2_STR_ARG(name));
    snprintf(p->path, sizeof(p->path), "%.*s", C2_STR_ARG(path));
    return c2_root_name_check(name, err);
}

/* The first at the port of --publisher-http, the next at the one after it. */
static bool listen_of(const struct c2_service *s, int i, struct c2_endpoint *out, struct cat2_error *err)
{
    if (!c2_endpoint_parse(c2_str_of(c2_options_text(s->options, "publisher-http")), out, err)) return false;
    if (out->port == 0 || out->port + i <= UINT16_MAX) {
        out->port += out->port ? i : 0;
        return true;
    }
    return c2_fail(err, CAT2_EINVAL, "--publisher-http: there is no port %d for root %d", out->port + i,
                   i + 1);
}

static void refused(void *ctx, const struct cat2_error *err)
{
    c2_service_fail(ctx, err);
}

static bool start_publisher(struct role *role, struct c2_service *s, const char *arg, struct cat2_error *err)
{
    struct published *p = &role->published[role->n];
    struct c2_root *root = &role->roots[role->n];
    struct c2_endpoint listen;

    if (!name_path(arg, p, err)) return false;
    for (int i = 0; i < role->n; i++)
        if (strcmp(role->published[i].name, p->name) == 0)
            return c2_fail(err, CAT2_EINVAL, "two roots are called '%.100s'", p->name);
    if (!listen_of(s, role->n++, &listen, err)) return false;
    snprintf(p->statedir, sizeof(p->statedir), "%s/pub.%s", role->statedir, p->name);
    memcpy(root->name, p->name, sizeof(root->name));
    if (!open_server(s, listen, &p->server, root->http, &root->tls, err) || !keep_key(s, root->http, err) ||
        !c2_state_open(p->statedir, &c2_publisher_state, &p->state, err))
        return false;
    c2_server_serves(p->server, "publisher", p->name);
    struct c2_publisher_parts parts = {s->loop, s->pool, p->server, role->bus, p->state};
    struct c2_object_store_settings store;
    c2_service_store(s, &store);
    struct c2_publisher_options options = {.name = p->name,
                                           .root = p->path,
                                           .statedir = p->statedir,
                                           .http = root->http,
                                           .tls = root->tls,
                                           .refused = refused,
                                           .refused_ctx = s,
                                           .items_max = s->fds.items,
                                           .items_kept = s->fds.kept,
                                           .store = &store,
                                           .poll_ms = c2_options_period(s->options, "poll"),
                                           .no_h5_folders = c2_options_flag(s->options, "no-hdf5-folders")};
    return c2_publisher_new(&parts, &options, &p->publisher, err);
}

static bool start_subscriber(struct role *role, struct c2_service *s, struct cat2_error *err)
{
    char statedir[C2_STATEDIR_MAX + 300];
    struct c2_subscriber_config config = {.bus = role->bus,
                                          .statedir = statedir,
                                          .follow_all = role->broker != NULL,
                                          .own = role->roots,
                                          .nown = role->broker ? 0 : role->n,
                                          .lease_ms = role->broker ? 0 : LEASE_MS};

    snprintf(statedir, sizeof(statedir), "%s/sub", role->statedir);
    if (!c2_downstream_open(s, &role->downstream, err)) return false;
    config.downstream = role->downstream.bus;
    return c2_service_subscriber(s, &config, &role->sub, err);
}

static bool start_broker(struct role *role, struct c2_service *s, struct cat2_error *err)
{
    char http[300], statedir[C2_STATEDIR_MAX + 300];
    struct c2_endpoint listen;
    bool tls;

    snprintf(statedir, sizeof(statedir), "%s/bro", role->statedir);
    if (!c2_endpoint_parse(c2_str_of(c2_options_text(s->options, "broker-http")), &listen, err) ||
        !open_server(s, listen, &role->broker_server, http, &tls, err))
        return false;
    c2_server_serves(role->broker_server, "broker", NULL);
    struct c2_broker_config config = {s->loop, s->http, role->broker_server, statedir, &s->trusted};
    if (!c2_broker_new(&config, &role->broker, err)) return false;
    c2_log_info("broker http=%s", http);
    return c2_bus_local_new(s->loop, c2_broker_hub(role->broker), &role->bus, err);
}

/* Those on other machines are told of addresses of this one, and so is our subscriber. */
static bool join_bus(struct role *role, struct c2_service *s, struct cat2_error *err)
{
    struct c2_endpoint listen;

    if (c2_options_given(s->options, "broker-http"))
        return c2_fail(err, CAT2_EINVAL, "--broker-http: with --bus there is no broker");
    if (!c2_service_bus(s, &role->bus, err) || !listen_of(s, 0, &listen, err)) return false;
    if (role->bus->ops->here(role->bus) || !c2_endpoint_is_local(&listen)) return true;
    return c2_fail(
        err, CAT2_EINVAL,
        "--publisher-http: others on the bus do not reach publishers at %.100s: give an address of "
        "this machine, or *:PORT",
        c2_options_text(s->options, "publisher-http"));
}

static bool start(void *ctx, struct c2_service *s, struct cat2_error *err)
{
    struct role *role = ctx;
    bool bus = c2_options_text(s->options, "bus") || c2_options_text(s->options, "bus-creds");

    role->published = calloc(PATHS_MAX, sizeof(*role->published));
    role->roots = calloc(PATHS_MAX, sizeof(*role->roots));
    if (!role->published || !role->roots) return c2_fail_nomem(err, "roots");
    if (!name_path(c2_options_arg(s->options, 0), &role->published[0], err) ||
        !c2_statedir_serve(s->options, role->published[0].name, role->statedir, err) ||
        !(bus ? join_bus(role, s, err) : start_broker(role, s, err)))
        return false;
    for (int i = 0; i < c2_options_nargs(s->options); i++)
        if (!start_publisher(role, s, c2_options_arg(s->options, i), err)) return false;
    return start_subscriber(role, s, err);
}

static void on_stopped(void *ctx)
{
    struct role *role = ctx;

    c2_broker_stop(role->downstream.broker, role->stopped, role->stopped_ctx);
}

static void stop(void *ctx, c2_loop_fn *done, void *done_ctx)
{
    struct role *role = ctx;

    for (int i = 0; i < role->n; i++)
        c2_publisher_stop(role->published[i].publisher);
    role->stopped = done;
    role->stopped_ctx = done_ctx;
    c2_subscriber_stop(role->sub, on_stopped, role);
}

static void release(void *ctx)
{
    struct role *role = ctx;

    c2_subscriber_free(role->sub);
    c2_downstream_free(&role->downstream);
    for (int i = 0; i < role->n; i++) {
        c2_publisher_free(role->published[i].publisher);
        c2_state_close(role->published[i].state);
    }
    if (role->bus) role->bus->ops->free(role->bus);
    c2_broker_free(role->broker);
}

static void release_servers(void *ctx)
{
    struct role *role = ctx;

    for (int i = 0; i < role->n; i++)
        c2_server_free(role->published[i].server);
    free(role->published);
    free(role->roots);
    c2_server_free(role->broker_server);
}

static void metrics(void *ctx, struct c2_metrics *m)
{
    struct role *role = ctx;

    c2_subscriber_metrics(role->sub, m);
    if (role->broker) c2_broker_metrics(role->broker, m);
    if (role->broker) c2_server_metrics(role->broker_server, m);
    c2_service_bus_metrics(role->bus, m);
    for (int i = 0; i < role->n; i++) {
        c2_publisher_metrics(role->published[i].publisher, m);
        c2_server_metrics(role->published[i].server, m);
    }
}

static void ready(void *ctx, struct c2_conditions *why)
{
    struct role *role = ctx;

    for (int i = 0; i < role->n; i++)
        c2_publisher_ready(role->published[i].publisher, why);
    c2_subscriber_ready(role->sub, why);
}

static const struct c2_option options[] = {
    {"http", 0, C2_OPT_ENDPOINT, "localhost:8002", "HOST:PORT",
     "serve here; *:PORT for every address, port 0 for a free one", NULL},
    {"broker-http", 0, C2_OPT_ENDPOINT, "127.0.0.1:0", "HOST:PORT",
     "where other subscribers and publishers may join", NULL},
    {"publisher-http", 0, C2_OPT_ENDPOINT, "127.0.0.1:0", "HOST:PORT",
     "where those ask for data: the first root at PORT, the next at PORT + 1; port 0 for free ones", NULL},
    C2_SERVICE_BUS,
    {"key-file", 0, C2_OPT_TEXT, NULL, "FILE", "keys to send to publishers of others: lines HOST:PORT KEY",
     NULL},
    {"statedir", 0, C2_OPT_TEXT, NULL, "DIR",
     "keep state and cache here (default _caterva2/serve.NAME, of the first root)", NULL},
    C2_SERVICE_CACHE,
    C2_SERVICE_WORK_PER_REQUEST,
    C2_SERVICE_POLL,
    C2_SERVICE_S3,
    {"no-hdf5-folders", 0, C2_OPT_FLAG, NULL, NULL, "HDF5 files in directories are files only", NULL},
    C2_SERVICE_BASE_PATH,
    C2_SERVICE_COMMON,
    C2_SERVICE_TRUST("networks that need no key, whose publishers may register any address; such as "
                     "10.1.0.0/16; may be repeated"),
    C2_SERVICE_PAGES,
};

int main(int argc, char **argv)
{
    static const struct c2_options_spec spec = {
        .program = "cat2serve",
        .synopsis = "[OPTIONS] [[NAME=]PATH...]",
        .about = "Serve directories, HDF5 files and stores of objects: broker, publishers and subscriber in "
                 "one process.",
        .section = "serve",
        .options = options,
        .noptions = C2_ARRAY_LEN(options),
        .args_min = 1,
        .args_max = PATHS_MAX,
        .args_key = "roots",
        .takes = "file",
    };
    static const struct c2_service_role service_role = {.program = "cat2serve",
                                                        .caches = true,
                                                        .any_url = true,
                                                        .joins = true,
                                                        .nroots = -1,
                                                        .start = start,
                                                        .stop = stop,
                                                        .free = release,
                                                        .free_servers = release_servers,
                                                        .ready = ready,
                                                        .metrics = metrics};
    struct role role = {0};
    void *states[] = {&role};

    return c2_service_run(&spec, argc, argv, &service_role, states, 1);
}
