/* SPDX-License-Identifier: BSD-3-Clause */
/* A bus over NATS JetStream, for deployments that outgrow a broker (docs/nats.md). Of deployment D:
 *
 *   stream cat2_D          subjects cat2.D.TOPIC: the events. Their numbers in the stream are ours, the time
 *                          at which the stream was made is the epoch.
 *   bucket cat2_D          key TOPIC: the registry. {"name","http","tls","owner"}, owner: a hash of the
 * token. bucket cat2_D_lease    key TOPIC, with a time to live: its owner has given a sign of life.
 *
 * A name belongs to who registered it: each change of the registry names the revision that it replaces.
 * Another gets it when its lease is over. Whoever may write to the buckets is trusted to keep to that;
 * permissions of NATS say who may. */
#ifndef C2_BUS_NATS_NATS_H
#define C2_BUS_NATS_NATS_H

#include "base/exposition.h"
#include "bus/bus.h"
#include "http/authorities.h"
#include "net/loop.h"

/** @param url          as bus/nats/nats_address.h says
 *  @param creds        a file with a JWT and a seed (nsc); NULL: none
 *  @param authorities  borrowed. Never waits for the servers.
 *  @errors CAT2_EINVAL; CAT2_EUNSUPPORTED: libnats is not there. */
bool c2_bus_nats_new(struct c2_loop *loop, const char *url, const char *creds,
                     const struct c2_authorities *authorities, struct c2_bus **out, struct cat2_error *err);
#define C2_NATS_NOTICE_MAX 200 /* bytes of the subject of notices, with the NUL */
typedef void c2_bus_nats_notice(void *ctx, struct c2_str data);
/** Hear what others publish on a subject, which may have wildcards; once. fn(ctx, data) for each message;
 * with "" whenever some may have been missed, as after each connection. @errors CAT2_EINVAL: it is no
 * subject, or this is another bus. */
bool c2_bus_nats_hear(struct c2_bus *bus, const char *subject, c2_bus_nats_notice *fn, void *ctx,
                      struct cat2_error *err);
/** What this bus counts; of another bus nothing. */
void c2_bus_nats_metrics(const struct c2_bus *bus, struct c2_metrics *m);

#endif
