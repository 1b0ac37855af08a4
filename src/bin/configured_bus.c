/* SPDX-License-Identifier: BSD-3-Clause */
/* The bus that the options of a service name: NATS, or else a broker. */
#include "bin/service.h"
#include "bus/nats/nats.h"
#include "bus/remote.h"

bool c2_service_bus(struct c2_service *s, struct c2_bus **out, struct cat2_error *err)
{
    const char *bus = c2_options_text(s->options, "bus"), *creds = c2_options_text(s->options, "bus-creds");
    char broker[C2_SERVICE_URL_MAX];

    if (bus) return c2_bus_nats_new(s->loop, bus, creds, &s->authorities, out, err);
    if (creds) return c2_fail(err, CAT2_EINVAL, "--bus-creds: there is no --bus");
    return c2_bus_remote_new(s->loop, s->http, c2_options_service(s->options, "broker", "broker", broker),
                             out, err);
}

void c2_service_bus_metrics(const struct c2_bus *bus, struct c2_metrics *m)
{
    c2_bus_nats_metrics(bus, m);
}
