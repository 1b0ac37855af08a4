/* SPDX-License-Identifier: BSD-3-Clause */
/* What a peer's key is for, as long as it is connected. */
#include <stdio.h>

#include "broker/peer_impl.h"

static bool still_holds(struct c2_broker_peer *peer)
{
    bool holds = c2_pass_holds(peer->pass);

    if (!holds) c2_ws_close(peer->ws, 1008, "the key was revoked, or has expired");
    return holds;
}

bool c2_peer_sees(struct c2_broker_peer *peer, const struct c2_event *event)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_str root = event->topic;
    struct cat2_error err;

    if (!peer->pass) return true;
    if (!still_holds(peer)) return false;
    if (c2_str_is(root, C2_TOPIC_MIRRORS)) return true; /* it names none */
    if (c2_str_is(root, C2_TOPIC_NEW) && c2_json_parse(event->data, &json, &err))
        c2_jstr(c2_jget(c2_json_root(json), "name"), &root);
    return c2_pass_sees(peer->pass, root);
}

bool c2_peer_may_publish(struct c2_broker_peer *peer, struct c2_str root, char why[C2_WHY_MAX])
{
    if (!peer->pass ||
        (still_holds(peer) && c2_pass_may(peer->pass, C2_SCOPE_PUBLISH) && c2_pass_sees(peer->pass, root)))
        return true;
    snprintf(why, C2_WHY_MAX, "its key has not the scope publish, or is not for this root");
    return false;
}
