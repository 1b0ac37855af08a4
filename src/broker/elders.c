/* SPDX-License-Identifier: BSD-3-Clause */
/* Roots of a state that does not say who registered them: of an earlier version, or of the Python broker.
 * Each counts as registered from where it says that it is. */
#include <stdlib.h>

#include "base/list.h"
#include "base/log.h"
#include "broker/broker_impl.h"
#include "net/resolve.h"

struct c2_elder {
    struct c2_elder *next;
    struct c2_broker *broker;
    struct c2_resolve *resolve;
    struct c2_root root;
};

static void set_from(struct c2_broker *broker, const struct c2_root *root, const uint8_t address[16])
{
    struct c2_peer peer;

    c2_peer_make(address, 0, &peer);
    c2_hub_set_from(broker->hub, root, peer.text);
}

static void drop(struct c2_elder *elder)
{
    c2_chain_remove(elder->broker->elders, elder, next);
    free(elder);
}

static void on_resolved(void *ctx, const uint8_t (*addresses)[16], size_t n, const struct cat2_error *err)
{
    struct c2_elder *elder = ctx;

    if (n)
        set_from(elder->broker, &elder->root, addresses[0]);
    else
        c2_log_warn("root name=%s http=%s: its events are refused until it is registered again: %s",
                    elder->root.name, elder->root.http, err->message);
    drop(elder);
}

static void resolve(struct c2_broker *broker, const struct c2_root *root, const char *host)
{
    struct c2_elder *elder = calloc(1, sizeof(*elder));

    if (elder) {
        *elder = (struct c2_elder){.next = broker->elders, .broker = broker, .root = *root};
        elder->resolve = c2_resolve_start(broker->config.loop, host, on_resolved, elder);
    }
    if (!elder || !elder->resolve)
        free(elder); /* as if it had no address */
    else
        broker->elders = elder;
}

void c2_broker_find_elders(struct c2_broker *broker)
{
    static const uint8_t loopback[16] = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1};
    struct c2_hostport place;
    struct cat2_error ignored;

    for (size_t i = 0; i < c2_hub_nroots(broker->hub); i++) {
        const struct c2_root *root = c2_hub_root_at(broker->hub, i);
        if (root->from[0] || !c2_hostport_parse(c2_str_of(root->http), &place, &ignored)) continue;
        if (place.is_address)
            set_from(broker, root, place.address);
        else if (c2_hostport_is_localhost(&place))
            set_from(broker, root, loopback);
        else
            resolve(broker, root, place.host);
    }
}

void c2_broker_end_elders(struct c2_broker *broker)
{
    while (broker->elders) {
        c2_resolve_cancel(broker->elders->resolve);
        drop(broker->elders);
    }
}
