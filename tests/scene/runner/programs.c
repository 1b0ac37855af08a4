/* SPDX-License-Identifier: BSD-3-Clause */
/* The real roles on hosts of the fake network, put together as the programs do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "blosc/codec.h"
#include "broker/broker_impl.h"
#include "bus/local.h"
#include "bus/nats/nats.h"
#include "bus/remote.h"
#include "fake.h"
#include "publisher/generations/generations.h"
#include "scene.h"
#include "subscriber/mirror/mirror.h"
#include "subscriber/subscriber.h"

#define GRACE_MS 3000

static struct program
    *graves; /* what killed programs had: as after kill -9, no code of theirs runs any more */

struct program *program_find(struct scene *s, const char *name)
{
    for (struct program *p = s->programs; p; p = p->next)
        if (strcmp(p->name, name) == 0) return p;
    return NULL;
}

struct program *program_add(struct scene *s, enum kind kind, const char *name)
{
    static const int ports[] = {8000, 8001, 8002};
    struct program *p = calloc(1, sizeof(*p)), **at = &s->programs;

    C2_ASSERT(p);
    p->scene = s;
    p->kind = kind;
    snprintf(p->name, sizeof(p->name), "%s", name);
    snprintf(p->statedir, sizeof(p->statedir), "%s/%s.state", s->folder, name);
    snprintf(p->data, sizeof(p->data), "%s/%s", s->folder, name);
    p->host = c2_fake_host(name);
    p->host->alive = false;
    snprintf(p->host->address, sizeof(p->host->address), "%s:%d", p->name, ports[kind]);
    if (kind == PUBLISHER) C2_ASSERT(mkdir(p->data, 0700) == 0);
    while (*at)
        at = &(*at)->next;
    *at = p;
    return p;
}

static void *codec_new(void)
{
    return c2_codec_new();
}
static void codec_free(void *codec)
{
    c2_codec_free(codec);
}

/* As for --upstream; the places, one a line. */
static bool name_upstreams(struct program *p, struct c2_buf *lines, struct cat2_error *err)
{
    struct c2_str rest = c2_str_of(p->upstream), name;

    p->nupstreams = 0;
    while (rest.n) {
        struct c2_root *place = &p->upstreams[p->nupstreams++];
        c2_str_cut(rest, '+', &name, &rest);
        snprintf(place->http, sizeof(place->http), "%.*s:8002", C2_STR_ARG(name));
        place->mirror = true;
        if (!c2_buf_printf(lines, err, "%s%s", lines->n ? "\n" : "", place->http)) return false;
    }
    return lines->n || c2_buf_puts(lines, "broker:8000", err);
}

static bool start_subscriber(struct program *p, struct cat2_error *err)
{
    struct c2_broker_config downstream = {p->loop, p->http, p->server};

    snprintf(p->url, sizeof(p->url), "http://%s", p->host->address);
    snprintf(p->place.http, sizeof(p->place.http), "%s", p->host->address);
    if (!c2_broker_new(&downstream, &p->downstream, err) ||
        !c2_bus_local_new(p->loop, c2_broker_hub(p->downstream), &p->told, err))
        return false;
    struct c2_subscriber_config config = {.loop = p->loop,
                                          .pool = p->pool,
                                          .http = p->http,
                                          .server = p->server,
                                          .bus = p->bus,
                                          .upstreams = p->upstreams,
                                          .nupstreams = p->nupstreams,
                                          .downstream = p->told,
                                          .mirror_at = p->republishes ? &p->place : NULL,
                                          .follow_all = p->follows,
                                          .statedir = p->statedir,
                                          .public_url = p->url,
                                          .quota = p->quota,
                                          .scrub_s = (double)p->scrub_ms / 1000};
    return c2_subscriber_new(&config, &p->subscriber, err);
}

static bool start_broker(struct program *p, struct cat2_error *err)
{
    struct c2_broker_config config = {p->loop, p->http, p->server, p->statedir};

    if (!p->scene->nats) return c2_broker_new(&config, &p->broker, err);
    c2_nats_serve(p->host, &p->streams);
    return true;
}

static bool start_bus(struct program *p, struct cat2_error *err)
{
    C2_AUTO(c2_buf) places = C2_BUF_INIT(4096);

    if (!name_upstreams(p, &places, err)) return false;
    return p->scene->nats && !p->upstream[0]
               ? c2_bus_nats_new(p->loop, "nats://broker", NULL, NULL, &p->bus, err)
               : c2_bus_remote_new(p->loop, p->http, c2_buf_cstr(&places), &p->bus, err);
}

static bool start_role(struct program *p, struct cat2_error *err)
{
    if (p->kind == BROKER) return start_broker(p, err);
    if (!start_bus(p, err)) return false;
    if (p->kind == PUBLISHER) {
        if (!c2_state_open(p->statedir, &c2_publisher_state, &p->state, err)) return false;
        struct c2_publisher_parts parts = {p->loop, p->pool, p->server, p->bus, p->state};
        struct c2_publisher_options options = {
            .name = p->name, .root = p->data, .statedir = p->statedir, .http = p->host->address};
        c2_files_are_quiet_after(0); /* real files, but not the real time */
        return c2_publisher_new(&parts, &options, &p->publisher, err);
    }
    return start_subscriber(p, err);
}

bool program_start(struct program *p)
{
    struct c2_server_options options = {.cors = true, .server_name = "caterva2/" C2_VERSION};
    struct cat2_error err = {0};

    c2_fake_enter(p->host);
    p->host->alive = true;
    c2_fake_hang(p->host, false);
    bool ok = c2_endpoint_parse(c2_str_of(p->host->address), &options.listen, &err) &&
              c2_loop_new(&p->loop, &err) && c2_pool_new(p->loop, 0, codec_new, codec_free, &p->pool, &err) &&
              c2_http_new(p->loop, 16, 64, &p->http, &err) &&
              c2_server_new(p->loop, &options, &p->server, &err) && start_role(p, &err);
    p->running = ok;
    p->stopped = false;
    return ok || scene_fail(p->scene, "%s does not start: %s", p->name, err.message);
}

static void forget_role(struct program *p)
{
    p->broker = NULL;
    p->publisher = NULL;
    p->subscriber = NULL;
    p->downstream = NULL;
    p->told = p->bus = NULL;
    p->state = NULL;
    p->running = false;
    p->host->alive = false;
}

static void free_role(struct program *p)
{
    c2_broker_free(p->broker);
    c2_nats_server_free(p->host);
    c2_publisher_free(p->publisher);
    c2_subscriber_free(p->subscriber);
    if (p->told) p->told->ops->free(p->told);
    c2_broker_free(p->downstream);
    if (p->bus) p->bus->ops->free(p->bus);
    c2_state_close(p->state);
    c2_pool_free(p->pool);
    c2_http_free(p->http);
    c2_server_free(p->server);
    c2_loop_free(p->loop);
    forget_role(p);
}

static void on_role_stopped(void *ctx)
{
    ((struct program *)ctx)->stopped = true;
}

static void on_subscriber_stopped(void *ctx)
{
    struct program *p = ctx;

    c2_broker_stop(p->downstream, p->then, p);
}

static void stop_role(struct program *p, c2_loop_fn *done)
{
    if (p->broker) {
        c2_broker_stop(p->broker, done, p);
    } else if (p->kind == SUBSCRIBER) {
        p->then = done;
        c2_subscriber_stop(p->subscriber, on_subscriber_stopped, p);
    } else {
        if (p->publisher) c2_publisher_stop(p->publisher);
        done(p);
    }
}

void program_kill(struct program *p)
{
    struct program *grave = malloc(sizeof(*grave));

    C2_ASSERT(grave);
    c2_fake_kill(p->host);
    if (p->broker) c2_state_close(p->broker->state);
    if (p->kind == SUBSCRIBER) c2_state_close(p->subscriber->state);
    c2_state_close(p->state);
    *grave = *p;
    grave->next = graves;
    graves = grave;
    forget_role(p);
    p->host = c2_fake_bury(p->host);
}

static void on_drained(void *ctx)
{
    on_role_stopped(ctx);
}
static void on_stopped_drain(void *ctx)
{
    struct program *p = ctx;
    c2_server_drain(p->server, GRACE_MS, on_drained, p);
}

void program_stop(struct program *p)
{
    c2_fake_hang(p->host, false);
    c2_fake_reach(p->host, true);
    stop_role(p, on_stopped_drain);
    int64_t until = c2_fake_now() + 2 * GRACE_MS;
    while (!p->stopped && c2_fake_step(until)) {}
    C2_ASSERT(p->stopped);
    c2_fake_kill(p->host);
    free_role(p);
}

bool program_move(struct program *p)
{
    char *port = strchr(p->host->address, ':') + 1;

    c2_fake_reach(p->host, true);
    snprintf(port, sizeof(p->host->address) - (size_t)(port - p->host->address), "%d", atoi(port) + 1000);
    return true;
}

void program_free(struct program *p)
{
    if (p->running) program_stop(p);
    c2_nats_store_free(p->streams);
    free(p);
}

const char *program_hears(const struct program *p)
{
    return program_connected(p) ? p->upstreams[p->bus->ops->at(p->bus)].http : "nobody";
}

bool program_connected(const struct program *p)
{
    return p->running && p->bus && p->bus->ops->connected(p->bus);
}
