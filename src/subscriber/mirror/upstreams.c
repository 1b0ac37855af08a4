/* SPDX-License-Identifier: BSD-3-Clause */
/* Several upstreams are measured also while there is no root. Events come from the first that is named, is
 * there and is of use: none that has its roots from us, and none that is cut off from where another one is
 * not. */
#include "subscriber/mirror/upstreams.h"

#include "subscriber/mirror/root.h"
#include "subscriber/mirror/suppliers.h"

static int count_of(const struct c2_subscriber *sub)
{
    return sub->config.nupstreams > 1 ? sub->config.nupstreams : 0;
}

void c2_upstreams_watch(struct c2_subscriber *sub)
{
    for (int i = 0; i < count_of(sub); i++)
        sub->upstreams[i] = c2_supplier_hold(sub, &sub->config.upstreams[i]);
}

void c2_upstreams_leave(struct c2_subscriber *sub)
{
    for (int i = 0; i < C2_BUS_PLACES_MAX; i++) {
        if (sub->upstreams[i]) c2_supplier_let_go(sub->upstreams[i]);
        sub->upstreams[i] = NULL;
    }
}

static bool is_well(const struct c2_supplier *upstream)
{
    return upstream && !upstream->circle && !upstream->nfailed && upstream->round_trip_ms >= 0;
}

/* Does the other one have all roots of ours as they are now that this one has, and further ones? */
static bool is_ahead(const struct c2_subscriber *sub, const struct c2_supplier *other,
                     const struct c2_supplier *upstream)
{
    bool more = false;

    if (!is_well(other) || !other->tells_current || !upstream->tells_current) return false;
    for (const struct c2_root_state *root = sub->roots; root; root = root->next) {
        bool there = c2_root_is_followed(root) && c2_supplier_has_current(other, root->root.name);
        bool here = c2_root_is_followed(root) && c2_supplier_has_current(upstream, root->root.name);
        if (here && !there) return false;
        more = more || there != here;
    }
    return more;
}

static bool knows_less(const struct c2_subscriber *sub, const struct c2_supplier *upstream)
{
    bool less = false;

    for (int i = 0; i < count_of(sub) && !less; i++)
        less = sub->upstreams[i] != upstream && is_ahead(sub, sub->upstreams[i], upstream);
    return less;
}

void c2_upstreams_judge(struct c2_subscriber *sub)
{
    struct c2_bus *bus = sub->config.bus;

    for (int i = 0; i < count_of(sub) && bus->ops->avoid; i++) {
        const struct c2_supplier *upstream = sub->upstreams[i];
        if (upstream) bus->ops->avoid(bus, i, upstream->circle || knows_less(sub, upstream));
    }
}

void c2_upstreams_ask(struct c2_subscriber *sub)
{
    for (int i = 0; i < count_of(sub); i++)
        if (sub->upstreams[i]) sub->upstreams[i]->due_ms = 0;
}
