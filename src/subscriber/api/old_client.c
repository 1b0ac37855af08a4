/* SPDX-License-Identifier: BSD-3-Clause */
/* The latest of them, in memory: one that is forgotten asks for its root again when it is started again. */
#include "subscriber/api/old_client.h"

#include "base/hash.h"

/* Their library and their address as one number; 0: it is not their library. */
static uint64_t sender_of(const struct c2_request *req)
{
    const struct c2_peer *peer = c2_request_peer(req);
    struct c2_str agent;

    if (!c2_request_header(req, "User-Agent", &agent) || !c2_str_starts(agent, "python-httpx/")) return 0;
    uint64_t sender = c2_hash64_seeded(agent.p, agent.n, c2_hash64(peer->address, sizeof(peer->address)));
    return sender ? sender : 1;
}

bool c2_old_client_is(const struct c2_subscriber *sub, const struct c2_request *req)
{
    uint64_t sender = sender_of(req);

    for (size_t i = 0; sender && i < C2_ARRAY_LEN(sub->old_clients); i++)
        if (sub->old_clients[i] == sender) return true;
    return false;
}

void c2_old_client_note(struct c2_subscriber *sub, const struct c2_request *req)
{
    uint64_t sender = sender_of(req);

    if (!sender || c2_old_client_is(sub, req)) return;
    sub->old_clients[sub->nold_clients++ % C2_ARRAY_LEN(sub->old_clients)] = sender;
}
