/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of a service: set up, say ready, run, drain, free. */
#include "bin/service_ops.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/give_back.h"
#include "base/limits.h"
#include "base/log.h"
#include "blosc/codec.h"
#include "http/keyring.h"
#include "net/front.h"
#include "net/tls.h"

#define ARENAS_MAX 4 /* of the C library's: each keeps memory of its own, which other threads cannot use */
/* Chunks and parts of answers come and go in the same pages: what is larger is mapped for itself, and so much
 * that is unused stays. (What is more goes back to the system, and so does all of a subscriber that rests.)
 */
#define MAPPED_NBYTES (32 << 20)
#define UNUSED_NBYTES (32 << 20)
#define GRACE_MS      3000 /* answers under way may end; systemd and people wait no longer */

struct life {
    struct c2_service service;
    struct c2_ops ops;
    const struct c2_options_spec *spec;
    const struct c2_service_role *roles;
    void **states;
    size_t nroles, nstopping;
    int argc;
    char **argv;
    bool started, stopping, failed;
    bool ready; /* the line was said, or will be when all roles have started */
};

static void *codec_new(void)
{
    return c2_codec_new();
}
static void codec_free(void *codec)
{
    c2_codec_free(codec);
}

static void set_level(const struct c2_options *options)
{
    struct cat2_error err;
    enum c2_level level;

    if (c2_level_parse(c2_str_of(c2_options_text(options, "loglevel")), &level, &err))
        c2_log_set_level(level);
}

/* ---- stopping ---- */

static void on_drained(void *ctx)
{
    c2_loop_stop(((struct life *)ctx)->service.loop);
}

static void on_role_stopped(void *ctx)
{
    struct life *life = ctx;

    if (--life->nstopping == 0) c2_server_drain(life->service.server, GRACE_MS, on_drained, life);
}

static void on_stop_signal(void *ctx)
{
    struct life *life = ctx;

    if (life->stopping) return;
    life->stopping = life->ops.stopping = true;
    c2_log_info("stopping");
    c2_notify("STOPPING=1");
    life->nstopping = life->nroles + 1;
    for (size_t i = 0; i < life->nroles; i++)
        life->roles[i].stop(life->states[i], on_role_stopped, life);
    on_role_stopped(life);
}

void c2_service_fail(struct c2_service *service, const struct cat2_error *err)
{
    struct life *life = (struct life *)service; /* its first member */

    fprintf(stderr, "%s: %s\n", life->spec->program, err->message);
    life->failed = true;
    on_stop_signal(life);
}

static void on_reload_signal(void *ctx)
{
    struct life *life = ctx;
    struct c2_options *options;
    struct cat2_error err;

    if (!c2_options_parse(life->spec, life->argc, life->argv, &options, &err)) {
        c2_log_error("configuration is not reloaded: %s", err.message);
        return;
    }
    set_level(options);
    c2_log_info("log level is now %s", c2_options_text(options, "loglevel"));
    c2_service_tls_reload(life->service.tls, options);
    c2_options_free(options);
}

/* ---- starting ---- */

void c2_service_name_host(struct c2_endpoint *at)
{
    if (strcmp(at->host, "*") != 0 && strcmp(at->host, "0.0.0.0") != 0 && strcmp(at->host, "::") != 0) return;
    at->v6 = false;
    if (gethostname(at->host, sizeof(at->host)) != 0) snprintf(at->host, sizeof(at->host), "localhost");
}

/* What others are told: --public-url, else --http with the real port and, for "*", this machine's name. */
static bool public_name(struct life *life, const struct c2_endpoint *listen, struct cat2_error *err)
{
    struct c2_service *service = &life->service;
    C2_AUTO(c2_buf) text = C2_BUF_INIT(sizeof(service->public_http) - 1);
    C2_AUTO(c2_buf) url = C2_BUF_INIT(sizeof(service->public_url) - 1);
    const char *given = c2_options_text(service->options, "public-url");
    struct c2_endpoint at = *listen;

    if (given && life->roles[0].any_url) {
        if (!c2_base_url(c2_str_of(given), &url, err)) return c2_fail_within(err, "--public-url");
        memcpy(service->public_url, url.p, url.n + 1);
        return true;
    }
    if (given) {
        if (!c2_service_address(c2_str_of(given), service->public_http, sizeof(service->public_http),
                                &service->public_tls, err) ||
            !c2_endpoint_parse(c2_str_of(service->public_http), &at, err))
            return c2_fail_within(err, "--public-url: services reach each other at http[s]://HOST:PORT");
    }
    if (!given || !strstr(given, "://")) service->public_tls = service->tls != NULL;
    if (!given) c2_service_name_host(&at);
    if (!given) at.port = c2_server_port(service->server);
    if (!c2_endpoint_format(&at, &text, err)) return false;
    memcpy(service->public_http, text.p, text.n + 1);
    snprintf(service->public_url, sizeof(service->public_url), "%s://%s%s",
             service->public_tls ? "https" : "http", service->public_http, service->exposure.base_path);
    return true;
}

/* Descriptors: as many as there are to be had, shared out. */
static void share_fds(struct life *life)
{
    struct c2_fds_use use = {.nthreads = 2 * (int)sysconf(_SC_NPROCESSORS_ONLN),
                             .nfronts = life->service.nfronts};

    for (size_t i = 0; i < life->nroles; i++) {
        int n = life->roles[i].nroots;
        use.nroots += n < 0 ? c2_options_nargs(life->service.options) : n;
        use.caches = use.caches || life->roles[i].caches;
    }
    life->service.fds = c2_fds_share(c2_fds_raise(), &use);
    if (life->service.fds.tight)
        c2_log_warn("only %d open files are allowed (ulimit -n), too few for all that is asked for: some "
                    "requests will be answered 503",
                    life->service.fds.limit);
}

static bool read_trust(struct c2_service *service, struct cat2_error *err)
{
    const char *list = c2_options_text(service->options, "trust");

    return !list || c2_subnets_parse(list, "--trust", &service->trusted, err);
}

static bool open_exposure(struct life *life, struct cat2_error *err)
{
    const struct c2_options *options = life->service.options;
    bool pages = life->roles[0].any_url;
    struct c2_exposure_settings settings = {
        .base_path = pages ? c2_options_text(options, "base-path") : NULL,
        .public_url = pages ? c2_options_text(options, "public-url") : NULL,
        .trusted_proxies = c2_options_text(options, "trusted-proxies"),
        .cors_origins = c2_options_text(options, "cors-origins"),
        .frame_ancestors = pages ? c2_options_text(options, "frame-ancestors") : NULL,
    };

    return c2_exposure_init(&life->service.exposure, &settings, err);
}

/* A base path that begins like our own addresses would make two things of one address. */
static bool check_base_path(struct life *life, struct cat2_error *err)
{
    struct c2_service *s = &life->service;
    struct c2_str path = c2_str_of(s->exposure.base_path), name, rest;

    if (path.n == 0) return true;
    c2_str_cut((struct c2_str){path.p + 1, path.n - 1}, '/', &name, &rest);
    if (!c2_server_has_path(s->server, name)) return true;
    if (c2_options_given(s->options, "base-path"))
        return c2_fail(err, CAT2_EINVAL, "--base-path: addresses of this service itself begin with /%.*s",
                       C2_STR_ARG(name));
    c2_log_info(
        "the path of --public-url begins like addresses of this service: its proxy has to take it off");
    s->exposure.base_path[0] = '\0';
    return true;
}

#define FRONTS_MAX 64 /* more than processors that one loop feeds */

/* Where it is not given, *out stays. */
static bool read_number(const struct c2_service *s, const char *option, int least, int most, int *out,
                        struct cat2_error *err)
{
    int64_t n = *out;

    if (!c2_options_given(s->options, option)) return true;
    bool ok = c2_options_number(s->options, option, least, most, &n, err);
    *out = (int)n;
    return ok;
}

static bool read_numbers(struct c2_service *s, struct cat2_error *err)
{
    s->nfronts = c2_fronts_default();
    return read_number(s, "connections-per-address", 1, C2_CONNECTIONS_MAX, &s->per_address, err) &&
           read_number(s, "io-threads", 0, FRONTS_MAX, &s->nfronts, err);
}

static bool open_server(struct life *life, struct cat2_error *err)
{
    struct c2_service *s = &life->service;
    struct c2_server_options options = {.cors = true,
                                        .server_name = "caterva2/" C2_VERSION,
                                        .hosts = &s->hosts,
                                        .exposure = &s->exposure,
                                        .gate = c2_access_gate(s->access)};
    struct cat2_error why;

    options.connections_max = c2_service_connections(s, life->roles[0].nroots < 0);
    options.connections_per_address = s->per_address;
    options.nfronts = s->nfronts;
    if (!c2_hosts_init(&s->hosts, c2_options_text(s->options, "allowed-hosts"),
                       c2_options_text(s->options, "public-url"), err) ||
        !open_exposure(life, err) ||
        !c2_endpoint_parse(c2_str_of(c2_options_text(s->options, "http")), &options.listen, err) ||
        !c2_service_tls(s->options, &s->tls, err))
        return false;
    options.tls = s->tls;
    if (!life->roles[0].any_port || c2_options_given(s->options, "http"))
        return c2_server_new(s->loop, &options, &s->server, err) && public_name(life, &options.listen, err);
    if (!c2_server_new(s->loop, &options, &s->server, &why)) {
        options.listen.port = 0;
        if (!c2_server_new(s->loop, &options, &s->server, err)) return false;
        c2_log_info("%s; port %d is used, --http names another", why.message, c2_server_port(s->server));
    }
    return public_name(life, &options.listen, err);
}

/* Who may ask us for what. */
static bool open_access(struct c2_service *s, struct cat2_error *err)
{
    C2_AUTO(c2_buf) beside = C2_BUF_INIT(4096);
    struct c2_access_options options = {.file = c2_options_text(s->options, "access-file"),
                                        .closed = strcmp(c2_options_text(s->options, "access"), "keys") == 0,
                                        .trusted = &s->trusted,
                                        .trust = c2_options_text(s->options, "trust")};

    if (!options.file && c2_options_given(s->options, "statedir")) {
        if (!c2_buf_printf(&beside, err, "%s/access.sqlite3", c2_options_text(s->options, "statedir")))
            return c2_fail_within(err, "--statedir");
        options.file = c2_buf_cstr(&beside);
    }
    return read_trust(s, err) && c2_access_new(s->loop, s->pool, &options, &s->access, err);
}

/* What we send to others. */
static bool open_keys(struct c2_service *s, const struct c2_service_role *role, struct cat2_error *err)
{
    const char *upstream = role->upstream ? c2_options_text(s->options, "upstream") : NULL;
    const char *home = upstream ? upstream : role->asks ? c2_options_text(s->options, "broker") : NULL;
    const char *key = role->asks ? getenv("CATERVA2_KEY") : NULL;
    bool shared = false;

    if (!c2_keyring_new(home, &s->keys, err)) return false;
    c2_http_use_keys(s->http, s->keys);
    if (!role->asks && !role->joins) return true;
    const char *file = c2_options_text(s->options, "key-file");
    if (key && *key && !c2_keyring_add(s->keys, c2_str_of(key), err))
        return c2_fail_within(err, "CATERVA2_KEY");
    if (file && !c2_keyring_read(s->keys, file, &shared, err)) return false;
    if (shared) c2_log_warn("key file %s can be read by others than its owner: chmod go= %s", file, file);
    return true;
}

static bool start(struct life *life, struct cat2_error *err)
{
    struct c2_service *s = &life->service;

    if (!read_numbers(s, err)) return false;
    share_fds(life);
    if (!c2_loop_new(&s->loop, err) || !c2_pool_new(s->loop, 0, codec_new, codec_free, &s->pool, err) ||
        !c2_http_new(s->loop, C2_UPSTREAM_MAX, s->fds.upstream, &s->http, err) ||
        !c2_service_authorities(s->options, &s->authorities, err) || !open_access(s, err) ||
        !open_keys(s, &life->roles[0], err) || !open_server(life, err))
        return false;
    c2_http_set_authorities(s->http, &s->authorities);
    c2_access_say(s->access);
    life->ops = (struct c2_ops){s, life->roles, life->states, life->nroles, false, NULL, {0}};
    if (!c2_ops_start(&life->ops, err)) return false;
    for (size_t i = 0; i < life->nroles; i++)
        if (!life->roles[i].start(life->states[i], s, err)) return false;
    if (!check_base_path(life, err)) return false;
    return c2_loop_on_signal(s->loop, SIGTERM, on_stop_signal, life, err) &&
           c2_loop_on_signal(s->loop, SIGINT, on_stop_signal, life, err) &&
           c2_loop_on_signal(s->loop, SIGHUP, on_reload_signal, life, err);
}

/* Said once, so that it needs no memory. */
static void say_ready(const struct life *life)
{
    const struct c2_service *s = &life->service;
    struct c2_endpoint at;
    struct cat2_error err;

    if (!c2_endpoint_parse(c2_str_of(c2_options_text(s->options, "http")), &at, &err)) return;
    if (strcmp(at.host, "*") == 0) snprintf(at.host, sizeof(at.host), "localhost");
    at.port = c2_server_port(s->server);
    printf(at.v6 ? "%s ready %s://[%s]:%d\n" : "%s ready %s://%s:%d\n", life->spec->program,
           s->tls ? "https" : "http", at.host, at.port);
    fflush(stdout);
    c2_notify("READY=1");
}

void c2_service_ready(struct c2_service *service)
{
    struct life *life = (struct life *)service; /* its first member */

    if (life->started && !life->ready && !life->stopping) say_ready(life);
    life->ready = true;
}

/* Roles may have become ready while others were still being started. */
static void started(struct life *life)
{
    bool waits = life->service.not_yet && !life->ready;

    life->started = true;
    life->ready = !waits;
    if (!waits) say_ready(life);
}

/* What was called back for is called before those who wait for it are gone. */
static void on_settled(void *ctx)
{
    c2_loop_stop(ctx);
}

static void settle(struct life *life)
{
    struct c2_loop *loop = life->service.loop;
    struct c2_loop_call call;

    if (!loop) return;
    c2_loop_post(loop, &call, on_settled, loop);
    c2_loop_run(loop);
}

/* Roles first: they answer what they hold. */
static void finish(struct life *life)
{
    struct c2_service *s = &life->service;

    c2_rest_stop(&life->ops.rest);
    for (size_t i = life->nroles; i-- > 0;)
        life->roles[i].free(life->states[i]);
    c2_access_stop(s->access);
    c2_pool_free(s->pool);
    for (size_t i = life->nroles; i-- > 0;)
        if (life->roles[i].free_servers) life->roles[i].free_servers(life->states[i]);
    c2_http_free(s->http);
    c2_server_free(s->server);
    c2_ops_stop(&life->ops);
    c2_access_free(s->access);
    c2_keyring_free(s->keys);
    c2_tls_free(s->tls);
    c2_hosts_fini(&s->hosts);
    c2_subnets_fini(&s->trusted);
    c2_exposure_fini(&s->exposure);
    c2_loop_free(s->loop);
    c2_options_free(s->options);
}

int c2_service_run(const struct c2_options_spec *spec, int argc, char **argv,
                   const struct c2_service_role *roles, void **states, size_t nroles)
{
    struct life life = {
        .spec = spec, .roles = roles, .states = states, .nroles = nroles, .argc = argc, .argv = argv};
    struct cat2_error err = {0};

    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit of file sizes is an error, as a full disk is */
    mallopt(M_ARENA_MAX, ARENAS_MAX);
    c2_give_back_less(UNUSED_NBYTES);
    c2_log_set_program(spec->program);
    c2_codec_setup();
    if (!c2_options_parse(spec, argc, argv, &life.service.options, &err)) {
        fprintf(stderr, "%s: %s\n", spec->program, err.message);
        return 1;
    }
    set_level(life.service.options);
    bool ok = start(&life, &err);
    if (ok) {
        mallopt(M_MMAP_THRESHOLD, MAPPED_NBYTES); /* tables of the start have pages as these are needed */
        started(&life);
        c2_loop_run(life.service.loop);
    } else {
        fprintf(stderr, "%s: %s\n", spec->program, err.message);
        settle(&life);
    }
    finish(&life);
    return ok && !life.failed ? 0 : 1;
}

int c2_service_connections(const struct c2_service *service, bool shared)
{
    int n = shared ? service->fds.connections / 2 : service->fds.connections;

    return n < 4 ? 4 : n;
}
