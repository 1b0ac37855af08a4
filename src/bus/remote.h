/* SPDX-License-Identifier: BSD-3-Clause */
/* A bus that is a broker elsewhere: REST for the registry, one WebSocket for all topics. Reconnects for ever
 * (at once, then after uniform(0, min(2^(n-1), 120)) s), re-registers roots the broker lost, resumes events
 * where the broker numbers them. Our brokers are known by the handshake header X-Caterva2-Events; Python ones
 * get the plain dialect only. Ours are asked by
 *
 *   "resume" {"topics":[{"topic":T,"epoch":E,"seq":N}]}  ->  {"epoch":E,"topics":{T:{"seq":N,"resync":bool}}}
 *
 * instead of "subscribe": events after N come first, "epoch" and "seq" stand in each notify's "subscription".
 */
#ifndef C2_BUS_REMOTE_H
#define C2_BUS_REMOTE_H
#include "bus/bus.h"
#include "net/http_client.h"
/** @param broker  "host:port", or several, one a line: while one is away, the next is tried. Those that are
 * named before the one that it is at are tried again meanwhile, and taken when they are there. http is
 * borrowed. Never waits for the broker. */
bool c2_bus_remote_new(struct c2_loop *loop, struct c2_http *http, const char *broker, struct c2_bus **out,
                       struct cat2_error *err);
#endif
