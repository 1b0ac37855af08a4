/* SPDX-License-Identifier: BSD-3-Clause */
/* A subscriber as the options of its service have it. */
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/beside.h"
#include "bin/service.h"
#include "broker/broker.h"
#include "bus/local.h"
#include "subscriber/subscriber.h"

/* HOURS (1.5) or never, as seconds; 0 for never. */
static bool read_scrub(const struct c2_options *options, double *seconds, struct cat2_error *err)
{
    const char *text = c2_options_text(options, "scrub");
    char *end;

    *seconds = 0;
    if (strcmp(text, "never") == 0) return true;
    double hours = strtod(text, &end);
    if (end == text || *end || !(hours > 0) || hours > 1e6)
        return c2_fail(err, CAT2_EINVAL, "--scrub: '%.40s' is neither a number of hours above 0 nor never",
                       text);
    *seconds = hours * 3600;
    return true;
}

/* --h5web-dir, else ../share/caterva2/h5web beside this program; NULL: nowhere. */
static const char *find_h5web(const struct c2_options *options)
{
    static char folder[PATH_MAX];
    const char *named = c2_options_text(options, "h5web-dir");
    char page[PATH_MAX];

    if (named) return named;
    c2_beside_program("../share/caterva2/", "h5web", folder);
    c2_beside_program("../share/caterva2/h5web/", "index.html", page);
    return access(page, R_OK) == 0 ? folder : NULL;
}

bool c2_downstream_open(struct c2_service *s, struct c2_downstream *out, struct cat2_error *err)
{
    struct c2_broker_config config = {.loop = s->loop, .http = s->http, .server = s->server};

    return c2_broker_new(&config, &out->broker, err) &&
           c2_bus_local_new(s->loop, c2_broker_hub(out->broker), &out->bus, err);
}

void c2_downstream_free(struct c2_downstream *downstream)
{
    if (downstream->bus) downstream->bus->ops->free(downstream->bus);
    c2_broker_free(downstream->broker);
}

bool c2_service_subscriber(struct c2_service *s, struct c2_subscriber_config *config,
                           struct c2_subscriber **out, struct cat2_error *err)
{
    config->loop = s->loop;
    config->pool = s->pool;
    config->http = s->http;
    config->server = s->server;
    config->access = s->access;
    config->public_url = s->public_url;
    config->caches_max = s->fds.caches;
    config->quota = c2_options_int(s->options, "quota");
    config->work_max = c2_options_int(s->options, "work-per-request");
    config->plugin_dir = c2_options_text(s->options, "plugin-dir");
    config->h5web_dir = find_h5web(s->options);
    config->web_dir = c2_options_text(s->options, "web-dir");
    config->trusted = &s->trusted;
    c2_server_serves(s->server, "subscriber", NULL);
    return read_scrub(s->options, &config->scrub_s, err) && c2_subscriber_new(config, out, err);
}
