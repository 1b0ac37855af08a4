/* SPDX-License-Identifier: BSD-3-Clause */
/* Who may publish the events of a root: its publisher. One of ours shows its token, one of 2024 only where it
 * is. */
#include <stdio.h>

#include "broker/broker_impl.h"

bool c2_broker_trusts(const struct c2_broker *broker, const struct c2_peer *from)
{
    return broker->config.trusted && from->family && c2_subnets_have(broker->config.trusted, from->address);
}

bool c2_broker_may_publish(const struct c2_broker *broker, const char *topic, const void *peer,
                           const struct c2_peer *from, char why[C2_WHY_MAX])
{
    const struct c2_root *root = c2_hub_root(broker->hub, topic);
    bool here = from->family && c2_address_is_here(from->address);
    uint8_t known[16];
    int64_t wait_ms;

    if (!broker->config.statedir) {
        snprintf(why, C2_WHY_MAX, "a subscriber tells events, and takes none");
        return false;
    }
    if (c2_hub_is_claimed_by(broker->hub, topic, peer)) return true;
    if (root && c2_hub_owner_of(broker->hub, topic, &wait_ms) == C2_OWNER_CONNECTED) {
        snprintf(why, C2_WHY_MAX,
                 "the root belongs to the publisher at %.100s, which is connected and has shown its token",
                 root->http);
        return false;
    }
    if (c2_broker_trusts(broker, from) || (!root && here)) return true;
    if (!root) {
        snprintf(why, C2_WHY_MAX, "no such root is registered, and only --trust lets others publish");
        return false;
    }
    if (!root->from[0] || !c2_address_parse(c2_str_of(root->from), known)) {
        snprintf(why, C2_WHY_MAX,
                 "it is not known who registered the root: let its publisher at %.100s register it again, or "
                 "name its network with --trust",
                 root->http);
        return false;
    }
    if (from->family &&
        (memcmp(known, from->address, sizeof(known)) == 0 || (here && c2_address_is_here(known))))
        return true;
    snprintf(why, C2_WHY_MAX, "the root was registered from %.50s, and only --trust lets %.50s publish",
             root->from, from->text);
    return false;
}
