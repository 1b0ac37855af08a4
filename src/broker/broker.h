/* SPDX-License-Identifier: BSD-3-Clause */
/* The broker: the hub, stored in the state, with REST routes and WebSocket peers. Loop thread only. */
#ifndef C2_BROKER_BROKER_H
#define C2_BROKER_BROKER_H

#include "bus/hub.h"
#include "net/address.h"
#include "net/http_client.h"
#include "net/server.h"
#include "state/state.h"

struct c2_broker;

struct c2_broker_config {
    struct c2_loop *loop;
    struct c2_http *http;     /* asks whether a root's publisher is there */
    struct c2_server *server; /* gets the routes */
    const char *statedir; /* NULL: of a subscriber, which alone publishes what others may follow on /pubsub;
                           * nothing is kept */
    const struct c2_subnets *trusted; /* of --trust; NULL: none */
};
/** Open the state and add the routes. @errors the state's. */
bool c2_broker_new(const struct c2_broker_config *config, struct c2_broker **out, struct cat2_error *err);
/** For publishers and subscribers in the same process (bus/local.h). Borrowed. */
struct c2_hub *c2_broker_hub(struct c2_broker *broker);
/** Close the peers' WebSockets (1012); done(ctx) on the loop. */
void c2_broker_stop(struct c2_broker *broker, c2_loop_fn *done, void *ctx);
void c2_broker_free(struct c2_broker *broker);
/** Roots, peers, events. */
void c2_broker_metrics(struct c2_broker *broker, struct c2_metrics *m);

#endif
