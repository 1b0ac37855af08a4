/* SPDX-License-Identifier: BSD-3-Clause */
/* cat2pub NAME [ROOT]: publish the datasets of a directory, a file that holds some, or a store of objects. */
#include <stdio.h>
#include <stdlib.h>

#include "bin/service.h"
#include "bin/statedir.h"
#include "bus/bus.h"
#include "bus/nats/nats.h"
#include "publisher/publisher.h"

struct role {
    struct c2_state *state;
    struct c2_bus *bus;
    struct c2_publisher *publisher;
};

/* NAME and ROOT: command line, then configuration. */
static const char *setting(const struct c2_options *options, int i, const char *key)
{
    char full[300];
    const char *id = c2_options_id(options);

    if (c2_options_nargs(options) > i) return c2_options_arg(options, i);
    snprintf(full, sizeof(full), "publisher%s%s.%s", id ? "." : "", id ? id : "", key);
    return c2_options_conf(options, full);
}

#define ANSWER_MS 3000 /* for the broker, before we say that we are ready in spite of it */

static void refused(void *ctx, const struct cat2_error *err)
{
    c2_service_fail(ctx, err);
}

static void answered(void *ctx)
{
    c2_service_ready(ctx);
}

static void on_notice(void *ctx, struct c2_str data)
{
    c2_publisher_notice(ctx, data);
}

/* What the store tells on a subject of NATS. */
static bool hear_store(struct c2_service *s, const char *root, const struct role *role,
                       struct cat2_error *err)
{
    const char *subject = c2_options_text(s->options, "s3-events");

    if (!subject) return true;
    if (!c2_str_starts(c2_str_of(root), "s3://"))
        return c2_fail(err, CAT2_EINVAL, "--s3-events: the root is not at s3://");
    return c2_bus_nats_hear(role->bus, subject, on_notice, role->publisher, err) ||
           c2_fail_within(err, "--s3-events");
}

static bool start(void *ctx, struct c2_service *service, struct cat2_error *err)
{
    struct role *role = ctx;
    char statedir[C2_STATEDIR_MAX];
    const char *name = setting(service->options, 0, "name"), *root = setting(service->options, 1, "root");

    if (!root) root = "data";

    if (!name || !name[0])
        return c2_fail(err, CAT2_EINVAL,
                       "root name was not specified in configuration nor in command line arguments");
    if (!c2_root_name_check(c2_str_of(name), err) ||
        !c2_statedir_publisher(service->options, &c2_publisher_state, name, root, statedir, err) ||
        !c2_state_open(statedir, &c2_publisher_state, &role->state, err) ||
        !c2_service_bus(service, &role->bus, err))
        return false;
    c2_server_serves(service->server, "publisher", name);
    struct c2_publisher_parts parts = {service->loop, service->pool, service->server, role->bus, role->state};
    struct c2_object_store_settings store;
    c2_service_store(service, &store);
    struct c2_publisher_options options = {.name = name,
                                           .root = root,
                                           .statedir = statedir,
                                           .http = service->public_http,
                                           .tls = service->public_tls,
                                           .items_max = service->fds.items,
                                           .items_kept = service->fds.kept,
                                           .store = &store,
                                           .poll_ms = c2_options_period(service->options, "poll"),
                                           .refused = refused,
                                           .answered = answered,
                                           .refused_ctx = service,
                                           .direct = c2_options_flag(service->options, "direct"),
                                           .no_h5_folders =
                                               c2_options_flag(service->options, "no-hdf5-folders")};
    if (!c2_publisher_new(&parts, &options, &role->publisher, err) || !hear_store(service, root, role, err))
        return false;
    service->not_yet = c2_timer_start(service->loop, ANSWER_MS, 0, answered, service) != NULL;
    return true;
}

static void stop(void *ctx, c2_loop_fn *done, void *done_ctx)
{
    struct role *role = ctx;

    c2_publisher_stop(role->publisher);
    done(done_ctx);
}

static void role_free(void *ctx)
{
    struct role *role = ctx;

    c2_publisher_free(role->publisher);
    if (role->bus) role->bus->ops->free(role->bus);
    if (role->state) c2_state_close(role->state);
}

static void metrics(void *ctx, struct c2_metrics *m)
{
    const struct role *role = ctx;

    c2_publisher_metrics(role->publisher, m);
    c2_service_bus_metrics(role->bus, m);
}

static void ready(void *ctx, struct c2_conditions *why)
{
    c2_publisher_ready(((struct role *)ctx)->publisher, why);
}

int main(int argc, char **argv)
{
    static const struct c2_option OPTIONS[] = {
        {"broker", 0, C2_OPT_SERVICE, "localhost:8000", "HOST:PORT", "the broker; https://HOST:PORT by TLS",
         "broker.http"},
        C2_SERVICE_BUS,
        {"http", 0, C2_OPT_ENDPOINT, "localhost:8001", "HOST:PORT",
         "listen here; *:PORT: on all addresses; without it, a free port where that is taken", NULL},
        {"public-url", 0, C2_OPT_TEXT, NULL, "URL", "where others reach us, when not at --http", NULL},
        C2_SERVICE_COMMON,
        C2_SERVICE_TRUST("networks that need no key, such as 10.1.0.0/16; may be repeated"),
        C2_SERVICE_KEY_FILE,
        {"statedir", 0, C2_OPT_TEXT, NULL, "DIR",
         "state and compressed copies of plain files (default _caterva2/pub.NAME)", NULL},
        C2_SERVICE_POLL,
        C2_SERVICE_S3,
        {"s3-events", 0, C2_OPT_TEXT, NULL, "SUBJECT",
         "of a root at s3://: on which NATS subject its store tells of changes", NULL},
        {"direct", 0, C2_OPT_FLAG, NULL, NULL,
         "tell subscribers where the store has the data, so that they may read it there", NULL},
        {"no-hdf5-folders", 0, C2_OPT_FLAG, NULL, NULL, "HDF5 files beneath ROOT are files only", NULL},
    };
    static const struct c2_options_spec SPEC = {
        .program = "cat2pub",
        .synopsis = "[OPTIONS] NAME [ROOT]",
        .about = "Publish the datasets beneath directory ROOT, of the HDF5 file ROOT, or of the objects at "
                 "s3://BUCKET[/PREFIX] or http[s]://HOST/PATH/ (default: data), as root NAME.",
        .section = "publisher",
        .options = OPTIONS,
        .noptions = C2_ARRAY_LEN(OPTIONS),
        .args_min = 0,
        .args_max = 2,
        .takes = "- file",
    };
    struct role role = {0};
    void *states[] = {&role};
    const struct c2_service_role ROLES[] = {{.program = "cat2pub",
                                             .nroots = 1,
                                             .any_port = true,
                                             .asks = true,
                                             .start = start,
                                             .stop = stop,
                                             .free = role_free,
                                             .ready = ready,
                                             .metrics = metrics}};

    return c2_service_run(&SPEC, argc, argv, ROLES, states, 1);
}
